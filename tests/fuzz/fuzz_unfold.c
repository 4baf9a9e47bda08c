/*
 * fuzz_unfold.c - how does a whole answer look as the events of a stream?
 *
 * Input: a byte (what its streams end with), a text.
 *
 * Nothing, or whole events and nothing between them; an answer has its end, an
 * error is one.
 */
#include "fuzz.h"

#include "fcgi/upstream/unfold.h"

/* Lines of `event` and `data`, and the blank ones that end an event. */
static void check_lines(const char *p, size_t len)
{
    const char *end = p + len, *stop;

    for (; p < end; p = stop + 1) {
        stop = memchr(p, '\n', (size_t)(end - p));
        CHECK(stop != NULL && memchr(p, '\r', (size_t)(stop - p)) == NULL);
        CHECK(stop == p || strncmp(p, "data: {", 7) == 0 ||
              strncmp(p, "event: ", 7) == 0 ||
              strncmp(p, "data: [DONE]\n", 13) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    enum sse_ends ends = (enum sse_ends)(take_byte(&in) % 4);
    struct buf out = {NULL, 0, 0, 0};
    struct sse s = {.len = 0};
    char *text = fuzz_copy(in.at, in.left);
    enum unfolded is = unfold(&out, text, in.left, ends);

    CHECK((is == UNFOLD_NOT) == (out.len == 0));
    if (out.len > 0) {
        CHECK(buf_is_utf8(buf_head(&out), out.len));
        check_lines(buf_head(&out), out.len);
        CHECK(sse_scan(&s, buf_head(&out), out.len) == out.len);
    }
    CHECK(is != UNFOLD_ANSWER || sse_has_ended(&s, ends));
    CHECK(is != UNFOLD_ANSWER || ends != ENDS_ANYHOW);
    buf_free(&out);
    free(text);
    return 0;
}
