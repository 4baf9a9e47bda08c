/*
 * fuzz_head.c - the head of an upstream's answer, and what we make of it.
 *
 * Input: a line with the status, then header lines.
 */
#include <ctype.h>
#include <strings.h>

#include "stage.h"

static void check_line(const char *line, size_t len, bool taken)
{
    size_t i;

    CHECK(!taken || len > 0);
    for (i = 0; i < len; i++)
        if (line[i] == '\0' || line[i] == '\r' || line[i] == '\n')
            CHECK(!taken);
    if (len > 0 && (*line == ' ' || *line == '\t'))
        CHECK(!taken); /* folded */
}

static void check_kept(const struct upstream_head *h)
{
    size_t i;
    const char *p;

    CHECK(h->n <= UPSTREAM_HEADERS);
    for (i = 0; i < h->n; i++) {
        CHECK(h->headers[i].name[0] != '\0');
        for (p = h->headers[i].name; *p != '\0'; p++)
            CHECK(*p == '-' || *p == '_' || isdigit((unsigned char)*p) ||
                  islower((unsigned char)*p));
        CHECK(!fuzz_has_control(h->headers[i].value));
        CHECK(upstream_header(h, h->headers[i].name) != NULL);
    }
    if (h->chunked)
        CHECK(h->content_length == -1);
}

/* A line that is refused must not have been taken in part. */
static void check_lines(struct input in)
{
    struct upstream_head h = {.content_length = -1};
    char *line;
    size_t len;

    while ((line = take_line(&in, &len)) != NULL) {
        size_t n = h.n;
        bool taken = head_take(&h, line, len);

        check_line(line, len, taken);
        CHECK(h.n == n || (taken && h.n <= n + 1)); /* Connection: fewer */
        free(line);
    }
    check_kept(&h);
    head_clear(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct stage st;

    check_lines(in);
    stage_open(&st, false, false);
    if (stage_read_head(&st, &in)) {
        relay_head(&st.x, &st.head, SNIFF_UNKNOWN);
        /* Neither an event stream without [DONE] nor an empty 200 is whole. */
        CHECK(relay_finish(&st.x) || st.head.status == 200);
        (void)stage_hear(&st);
        CHECK(!st.x.relay.head_sent || stage_head_len(&st) == st.said.len);
    }
    stage_close(&st);
    return 0;
}
