/* Mirrors fcgi/model_name.c: another model's name in a body. */
#include "fcgi/model_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/pages/routes.h"
#include "fcgi/request.h"
#include "lib/base.h"
#include "unit.h"

static void becomes(const char *body, const char *name, const char *want)
{
    struct buf out = {NULL, 0, 0, 0};
    bool done = model_name_put(&out, body, strlen(body), name);

    CU_ASSERT_EQUAL(done, want != NULL);
    if (want == NULL) {
        CU_ASSERT_EQUAL(out.len, 0);
    } else if (out.len != strlen(want) ||
               memcmp(buf_head(&out), want, out.len) != 0) {
        printf("\n    %s: %.*s", body, (int)out.len,
               out.data != NULL ? buf_head(&out) : "");
        CU_FAIL("not as it should be");
    }
    buf_free(&out);
}

static void nothing_else_changes(void)
{
    becomes("{\"model\":\"a\"}", "b/c", "{\"model\":\"b/c\"}");
    becomes(" {\n \"n\" : 1.50 ,\t\"model\" : \"a\" , \"x\":[1 , 2e0]}\n", "b",
            " {\n \"n\" : 1.50 ,\t\"model\" : \"b\" , \"x\":[1 , 2e0]}\n");
    becomes(
        "{\"model\":\"a\\u0041\\\"\",\"messages\":[{\"content\":\"\\u00e4\"}]"
        "}",
        "b", "{\"model\":\"b\",\"messages\":[{\"content\":\"\\u00e4\"}]}");
    becomes("{\"x\":\"\",\"model\":\"a long name\"}", "b",
            "{\"x\":\"\",\"model\":\"b\"}");
}

static void only_the_one_at_the_top_is_meant(void)
{
    becomes("{\"metadata\":{\"model\":\"a\"},\"model\":\"a\","
            "\"tools\":[{\"model\":\"a\"}],\"t\":\"\\\"model\\\":\\\"a\\\"\"}",
            "b",
            "{\"metadata\":{\"model\":\"a\"},\"model\":\"b\","
            "\"tools\":[{\"model\":\"a\"}],\"t\":\"\\\"model\\\":\\\"a\\\"\"}");
    becomes("{\"metadata\":{\"model\":\"a\"}}", "b", NULL);
    becomes("{\"models\":\"a\",\"Model\":\"a\"}", "b", NULL);
}

/* One reader takes the first, another the last. */
static void whoever_stands_twice_changes_twice(void)
{
    becomes("{\"model\":\"a\",\"x\":1,\"model\":\"c\"}", "b",
            "{\"model\":\"b\",\"x\":1,\"model\":\"b\"}");
    becomes("{\"model\":\"a\",\"\\u006dodel\":\"c\"}", "b",
            "{\"model\":\"b\",\"\\u006dodel\":\"b\"}");
}

static void a_name_is_quoted(void)
{
    becomes("{\"model\":\"a\"}", "b\"c\\d", "{\"model\":\"b\\\"c\\\\d\"}");
}

static void what_is_no_object_stays(void)
{
    static const char *const rows[] = {
        "",
        "[]",
        "[\"model\",\"a\"]",
        "\"model\"",
        "{",
        "{\"model\"",
        "{\"model\":",
        "{\"model\":\"a",
        "{}",
        "{\"model\" 1",
        "{\"model\":\"a\",\"b\"",
        "{\"model\":\"a\"",
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        becomes(rows[i], "b", NULL);
}

/* ---- forms, and requests ------------------------------------------------------- */

#define FORM "multipart/form-data; boundary=XyZ"
#define PART "--XyZ\r\nContent-Disposition: form-data; name="

static void a_form_has_its_field_changed(void)
{
    static const char form[] =
        PART "\"file\"; filename=\"a\"\r\n\r\n\0model\r\n" PART
             "\"model\"\r\n\r\na/x\r\n--XyZ--\r\n";
    static const char want[] =
        PART "\"file\"; filename=\"a\"\r\n\r\n\0model\r\n" PART
             "\"model\"\r\n\r\nb/long\r\n--XyZ--\r\n";
    struct buf out = {NULL, 0, 0, 0};

    CU_ASSERT_TRUE(
        model_name_put_form(&out, FORM, form, sizeof(form) - 1, "b/long"));
    CU_ASSERT_EQUAL_FATAL(out.len, sizeof(want) - 1);
    CU_ASSERT_EQUAL(memcmp(buf_head(&out), want, out.len), 0);
    buf_free(&out);
    CU_ASSERT_FALSE(
        model_name_put_form(&out, "text/plain", form, sizeof(form) - 1, "b"));
    CU_ASSERT_FALSE(model_name_put_form(&out, FORM, "--XyZ--\r\n", 9, "b"));
    CU_ASSERT_EQUAL(out.len, 0);
}

static struct request *ask(char *type, const char *body)
{
    char method[] = "REQUEST_METHOD=POST", remote[] = "REMOTE_ADDR=192.0.2.7";
    char uri[] = "REQUEST_URI=/v1/chat/completions";
    char *envp[] = {method, remote, uri, type, NULL};
    struct request *r = request_new(envp, 1);

    buf_str(&r->body, body);
    return r;
}

static void is_sent(struct request *r, const char *want)
{
    CU_ASSERT_EQUAL_FATAL(r->body.len, strlen(want));
    if (r->body.len > 0)
        CU_ASSERT_EQUAL(memcmp(buf_head(&r->body), want, r->body.len), 0);
    request_free(r);
}

static void a_request_asks_for_it_from_then_on(void)
{
    char json[] = "CONTENT_TYPE=application/json", text[] = "CONTENT_TYPE=a/b";
    char form[] = "CONTENT_TYPE=" FORM;
    struct request *r = ask(json, "{\"model\":\"a\"}");

    CU_ASSERT_TRUE(model_name_change(r, "b"));
    CU_ASSERT_TRUE(model_name_change(r, "c/d"));
    is_sent(r, "{\"model\":\"c/d\"}");
    r = ask(form, PART "\"model\"\r\n\r\na\r\n--XyZ--\r\n");
    CU_ASSERT_TRUE(model_name_change(r, "b/c"));
    is_sent(r, PART "\"model\"\r\n\r\nb/c\r\n--XyZ--\r\n");
    r = ask(text, "{\"model\":\"a\"}");
    CU_ASSERT_FALSE(model_name_change(r, "b"));
    is_sent(r, "{\"model\":\"a\"}");
    r = ask(json, "");
    CU_ASSERT_FALSE(model_name_change(r, "b"));
    is_sent(r, "");
}

static const struct unit_test tests[] = {
    {"nothing else changes", nothing_else_changes},
    {"only the one at the top is meant", only_the_one_at_the_top_is_meant},
    {"whoever stands twice changes twice", whoever_stands_twice_changes_twice},
    {"a name is quoted", a_name_is_quoted},
    {"what is no object stays", what_is_no_object_stays},
    {"a form has its field changed", a_form_has_its_field_changed},
    {"a request asks for it from then on", a_request_asks_for_it_from_then_on},
    {NULL, NULL},
};

CU_ErrorCode test_model_name_add(void)
{
    return unit_add("model names", tests);
}
