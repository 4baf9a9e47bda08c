/* Mirrors fcgi/usage_hide.c, as relay.c uses it. */
#include "fcgi/usage_hide.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/upstream/sse.h"
#include "lib/buf.h"
#include "unit.h"

#define CHUNK "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}"
#define REPORT                                                                 \
    "data: {\"id\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":8}}"
#define DONE "data: [DONE]"

/* Each line is an event; '|' stands for an event's end and ';' for a line's,
 * which is CRLF, CR or LF by turns. */
static const struct {
    const char *stream, *want;
} streams[] = {
    {CHUNK "|" REPORT "|" DONE "|", CHUNK "|" DONE "|"},
    {REPORT "|" CHUNK "|", CHUNK "|"},
    {REPORT "|", ""},
    {REPORT "|" REPORT "|" DONE "|", DONE "|"},
    {": a;|" REPORT "|: b;|" DONE "|", ": a;|: b;|" DONE "|"},
    {": a;" REPORT "|" DONE "|", ": a;" DONE "|"},
    {"id: 7;: a;" REPORT "|" DONE "|", DONE "|"},
    {"data:{\"choices\":[],;data: \"usage\":{}}|" DONE "|", DONE "|"},
    {"data:  {\"usage\": {},\"choices\" : [ ]}|" DONE "|", DONE "|"},
    {CHUNK "|;" REPORT "|;;" DONE "|", CHUNK "|;;;" DONE "|"},
    /* all of these are the client's */
    {CHUNK "|" DONE "|", NULL},
    {"data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":8}}|",
     NULL},
    {"data: {\"choices\":[],\"usage\":null}|", NULL},
    {"data: {\"choices\":[]}|", NULL},
    {"data: {\"usage\":{}}|", NULL},
    {"data: {\"choices\":[],\"usage\":{},\"error\":{}}|", NULL},
    {"data: {\"choices\":[],\"x\":{\"usage\":{}}}|", NULL},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"\\\"choices\\\":[],"
     "\\\"usage\\\":{}\"}}]}|",
     NULL},
    {"datum: {\"choices\":[],\"usage\":{}}|", NULL},
    {"data: {\"choices\":[],\"usage\":{}|", NULL},
    {"data: {\"choices\":[],\"usage\":{}} x|", NULL},
};

static void write_out(struct buf *out, const char *stream, const char *end)
{
    for (; *stream != '\0'; stream++) {
        if (*stream == ';' || *stream == '|')
            buf_str(out, end);
        if (*stream == '|')
            buf_str(out, end);
        if (*stream != ';' && *stream != '|')
            buf_add(out, stream, 1);
    }
}

/* What a client gets of a stream that comes in pieces: STEP bytes, or with 0 in
 * two, the first of which has FIRST. */
static void relay(struct buf *out, const struct buf *in, size_t step,
                  size_t first)
{
    struct usage_hide h = {.is_on = true};
    struct buf held = {NULL, 0, 0, 0};
    struct sse s = {.len = 0};
    size_t at, n, whole;

    for (at = 0; at < in->len; at += n) {
        n = step > 0 ? step : at == 0 && first > 0 ? first : in->len - at;
        n = n < in->len - at ? n : in->len - at;
        whole = sse_scan(&s, buf_head(in) + at, n);
        buf_add(&held, buf_head(in) + at, whole);
        if (whole > 0) {
            held.len = usage_hide(&h, held.data + held.start, held.len);
            buf_add(out, buf_head(&held), held.len);
            buf_free(&held);
        }
        buf_add(&held, buf_head(in) + at + whole, n - whole);
    }
    CU_ASSERT_EQUAL(held.len, 0);
    buf_free(&held);
}

static void compare(const struct buf *in, const struct buf *want, size_t step,
                    size_t first)
{
    struct buf out = {NULL, 0, 0, 0};
    bool is_same;

    relay(&out, in, step, first);
    is_same =
        out.len == want->len &&
        (out.len == 0 || memcmp(buf_head(&out), buf_head(want), out.len) == 0);
    if (!is_same)
        printf("\n    step %zu, first %zu of\n%.*s\n    gives\n%.*s\n", step,
               first, (int)in->len, buf_head(in), (int)out.len,
               out.len > 0 ? buf_head(&out) : "");
    CU_ASSERT_TRUE(is_same);
    buf_free(&out);
}

static void only_the_report_is_taken_out_wherever_it_is_cut(void)
{
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    size_t i, k, n;

    for (i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        for (k = 0; k < 3; k++) {
            struct buf in = {NULL, 0, 0, 0}, want = {NULL, 0, 0, 0};

            write_out(&in, streams[i].stream, ends[k]);
            write_out(&want,
                      streams[i].want != NULL ? streams[i].want
                                              : streams[i].stream,
                      ends[k]);
            compare(&in, &want, in.len, 0);
            for (n = 1; n < 8; n++)
                compare(&in, &want, n, 0);
            for (n = 1; n < in.len; n++)
                compare(&in, &want, 0, n);
            buf_free(&in);
            buf_free(&want);
        }
    }
}

static void nothing_is_hidden_that_was_not_asked_for(void)
{
    struct usage_hide h = {.is_on = false};
    char events[] = REPORT "\n\n";

    CU_ASSERT_EQUAL(usage_hide(&h, events, strlen(events)), strlen(events));
    CU_ASSERT_FALSE(usage_hide_is(&h, events, strlen(events)));
    h.is_on = true;
    CU_ASSERT_TRUE(usage_hide_is(&h, events, strlen(events)));
    CU_ASSERT_TRUE(usage_hide_is(&h, events, strlen(events) - 2));
    CU_ASSERT_FALSE(usage_hide_is(&h, events, strlen(events) - 3));
    CU_ASSERT_FALSE(usage_hide_is(&h, "", 0));
    CU_ASSERT_EQUAL(usage_hide(&h, events, 0), 0);
}

CU_ErrorCode test_usage_hide_add(void)
{
    static const struct unit_test tests[] = {
        {"only the report is taken out, wherever it is cut",
         only_the_report_is_taken_out_wherever_it_is_cut},
        {"nothing is hidden that was not asked for",
         nothing_is_hidden_that_was_not_asked_for},
        {NULL, NULL},
    };

    return unit_add("fcgi/usage_hide.c", tests);
}
