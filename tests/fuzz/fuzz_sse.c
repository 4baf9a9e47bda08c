/*
 * fuzz_sse.c - where in an event stream are we?
 *
 * Input: bytes; 0xff, which is in no UTF-8, cuts between two pieces.  However
 * a stream is cut, the answer must be the one of a simple reader that looks
 * at the whole of it; what its events say, that of the whole in one piece.
 */
#include "fuzz.h"

#include "fcgi/upstream/sse.h"

struct reader {
    size_t complete; /* bytes up to the end of the last complete event */
    bool between, has_done;
};

static bool begins(const char *line, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static struct reader read_whole(const char *text, size_t len)
{
    struct reader r = {0, true, false};
    size_t at = 0;
    bool inside = false; /* of an event: comments before it are none of it */

    if (memcmp(text, "\xef\xbb\xbf", len < 3 ? len : 3) == 0)
        at = len < 3 ? len : 3;
    while (at < len) {
        size_t n = 0, end;

        while (at + n < len && text[at + n] != '\r' && text[at + n] != '\n')
            n++;
        if (at + n == len) {
            r.between = false; /* a line without an end */
            break;
        }
        end = at + n + 1;
        if (text[at + n] == '\r' && end < len && text[end] == '\n')
            end++;
        inside = n > 0 && (inside || text[at] != ':');
        r.between = !inside;
        if (r.between)
            r.complete = end;
        if (begins(text + at, n, "data: [DONE]") ||
            begins(text + at, n, "data:[DONE]"))
            r.has_done = true;
        at = end;
    }
    return r;
}

static void check_sayings(const struct sse *s, const char *text, size_t len)
{
    struct sse whole = {.len = 0};

    if (len > 0)
        (void)sse_scan(&whole, text, len);
    CHECK(s->has_error == whole.has_error && s->has_last == whole.has_last);
    CHECK(!s->has_last || memchr(text, '}', len) != NULL ||
          memchr(text, ']', len) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sse s = {.len = 0};
    char *whole = fuzz_copy(data, size);
    size_t len = 0, complete = 0;
    struct reader want;

    while (size > 0) {
        const uint8_t *cut = memchr(data, 0xff, size);
        size_t n = cut != NULL ? (size_t)(cut - data) : size, done;
        char *piece = fuzz_copy(data, n);

        done = sse_scan(&s, piece, n);
        CHECK(done <= n);
        complete = done > 0 ? len + done : complete;
        memcpy(whole + len, piece, n);
        free(piece);
        len += n;
        if (s.has_error) /* what stands behind it is not read */
            break;
        want = read_whole(whole, len);
        CHECK(sse_is_between(&s) == want.between);
        CHECK(complete == want.complete);
        CHECK(s.has_done == want.has_done);
        n += cut != NULL;
        data += n;
        size -= n;
    }
    check_sayings(&s, whole, len);
    sse_end(&s);
    free(whole);
    return 0;
}
