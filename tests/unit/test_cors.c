/* Mirrors fcgi/cors.c. */
#include "fcgi/cors.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/gate.h"
#include "fcgi/pages/routes.h"
#include "fcgi/reply.h"
#include "fcgi/request.h"
#include "fcgi/route.h"
#include "unit.h"

static char get[] = "GET", options[] = "OPTIONS", page[] = "https://p.example";

static void only_what_a_browser_asks_is_a_preflight(void)
{
    static const struct {
        char *method, *origin;
        const char *path;
        bool want;
    } rows[] = {
        {options, page, "/v1/chat/completions", true},
        {options, page, "/v1/anything", true},
        {options, page, "/api/config", true},
        {options, page, "/api/", true},
        {options, page, "/health", false},
        {options, page, "/metrics", false},
        {options, page, "/", false},
        {options, NULL, "/v1/models", false},
        {get, page, "/v1/models", false},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[64];
        struct request r = {
            .method = rows[i].method, .origin = rows[i].origin, .path = path};
        const struct route *found;

        strcpy(path, rows[i].path);
        CU_ASSERT_EQUAL(cors_is_preflight(&r), rows[i].want);
        gate_route(&routes_all, &r);
        found = r.route;
        CU_ASSERT_EQUAL(found != NULL && found->access == ACCESS_PREFLIGHT,
                        rows[i].want);
    }
}

static void a_page_that_may_not_gets_no_header(void)
{
    struct request r = {.method = get, .origin = page};
    struct buf b = {NULL, 0, 0, 0};

    cors_headers(&b, &r);
    CU_ASSERT_EQUAL(b.len, 0);
    r.cors = true;
    reply_head(&b, &r, 503, NULL);
    buf_add(&b, "", 1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(buf_head(&b),
               "\r\nAccess-Control-Allow-Origin: https://p.example\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_head(&b), "\r\nVary: Origin\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_head(&b), "retry-after-ms"));
    CU_ASSERT_PTR_NULL(strstr(buf_head(&b), "Credentials"));
    buf_free(&b);
}

/* What Access-Control-Allow-Headers says behind the fixed list's end, where a
 * page asks for ASKED. */
static void permitted(char *out, size_t max, const char *asked)
{
    char path[] = "/v1/x", text[8192];
    struct request r = {.method = options, .origin = page, .path = path};
    struct buf b = {NULL, 0, 0, 0};
    const char *at, *end;

    (void)snprintf(text, sizeof(text), "%s", asked != NULL ? asked : "");
    r.cors_asked = asked != NULL ? text : NULL;
    cors_permit(&b, &r);
    buf_add(&b, "", 1);
    at = strstr(buf_head(&b), "x-stainless-timeout");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    end = strstr(at, "\r\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(end);
    at += strlen("x-stainless-timeout");
    (void)snprintf(out, max, "%.*s", (int)(end - at), at);
    buf_free(&b);
}

static void what_a_page_asks_for_is_written_anew(void)
{
    static const struct {
        const char *asked, *want;
    } rows[] = {
        {NULL, ""},
        {"", ""},
        {"x-new", ", x-new"},
        {"X-New,X_Other.2", ", x-new, x_other.2"},
        {" x-a\t,\tx-b ", ", x-a, x-b"},
        {"authorization, X-API-Key,x-title,baggage", ""},
        {"authorizatio, uthorization", ", authorizatio, uthorization"},
        {"*", ""},
        {"x-*,x-b", ", x-b"},
        {"x y, x-b", ", x-b"},
        {"x:y;z, \"x\", <b>, x=1, \xc3\xa9, x-b", ", x-b"},
        {",,, ,x-b,", ", x-b"},
        {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,x-"
         "b",
         ", x-b"},
    };
    char out[8192], many[8192] = "";
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        permitted(out, sizeof(out), rows[i].asked);
        CU_ASSERT_STRING_EQUAL(out, rows[i].want);
    }
    for (i = 0; i < 500; i++)
        (void)snprintf(many + strlen(many), 16, "x-%zu,", 1000 + i);
    permitted(out, sizeof(out), many);
    CU_ASSERT_EQUAL(strlen(out), 64 * strlen(", x-1000"));
}

static void a_page_may_use_the_methods_of_the_api(void)
{
    CU_ASSERT_STRING_EQUAL(cors_methods("/v1/files/x"),
                           "GET, HEAD, POST, PUT, PATCH, DELETE");
    CU_ASSERT_STRING_EQUAL(cors_methods("/api/config"),
                           "GET, HEAD, POST, PATCH, DELETE");
}

static const struct unit_test tests[] = {
    {"what a page asks for is written anew",
     what_a_page_asks_for_is_written_anew},
    {"a page may use the methods of the API",
     a_page_may_use_the_methods_of_the_api},
    {"only what a browser asks is a preflight",
     only_what_a_browser_asks_is_a_preflight},
    {"a page that may not gets no header", a_page_that_may_not_gets_no_header},
    {NULL, NULL},
};

CU_ErrorCode test_cors_add(void)
{
    return unit_add("cors", tests);
}
