/*
 * store_words.c - how do words become a command of RESP?
 *
 * hiredis writes it: a call has some thousand words, all of them short, so they
 * lie in one piece of memory, which the next call uses again.
 */
#include "fcgi/store/store_words.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/digits.h"

void store_words_free(struct store_words *w)
{
    /* A password may be among them. */
    if (w->bytes.data != NULL)
        explicit_bzero(w->bytes.data, w->bytes.cap);
    buf_free(&w->bytes);
    free(w->end);
    w->end = NULL;
    w->n = w->cap = 0;
}

void store_words_reset(struct store_words *w)
{
    w->bytes.start = w->bytes.len = 0;
    w->n = 0;
}

void store_words_add(struct store_words *w, const void *data, size_t len)
{
    if (w->n == w->cap) {
        w->cap = w->cap > 0 ? 2 * w->cap : 64;
        w->end = realloc(w->end, w->cap * sizeof(*w->end));
        CHECK(w->end != NULL);
    }
    buf_add(&w->bytes, data, len);
    w->end[w->n++] = w->bytes.len;
}

void store_words_more(struct store_words *w, const void *data, size_t len)
{
    CHECK(w->n > 0);
    if (len > 0)
        buf_add(&w->bytes, data, len);
    w->end[w->n - 1] = w->bytes.len;
}

void store_words_str(struct store_words *w, const char *text)
{
    store_words_add(w, text, strlen(text));
}

void store_words_int(struct store_words *w, int64_t n)
{
    char text[DIGITS_MAX];

    store_words_add(w, text, digits(text, n));
}

/* Ids are random bits in part: beyond INT64_MAX, too. */
void store_words_u64(struct store_words *w, uint64_t n)
{
    char text[DIGITS_MAX];

    store_words_add(w, text,
                    (size_t)snprintf(text, sizeof(text), "%ju", (uintmax_t)n));
}

const char *store_words_at(const struct store_words *w, size_t i, size_t *len)
{
    size_t from = i > 0 ? w->end[i - 1] : 0;

    CHECK(i < w->n);
    *len = w->end[i] - from;
    return w->bytes.data != NULL ? buf_head(&w->bytes) + from : "";
}

void store_words_put(const struct store_words *w, struct buf *out)
{
    const char **argv = calloc(w->n, sizeof(*argv));
    size_t *lens = calloc(w->n, sizeof(*lens)), i;
    char *command = NULL;
    long long len;

    CHECK(argv != NULL && lens != NULL && w->n > 0);
    for (i = 0; i < w->n; i++)
        argv[i] = store_words_at(w, i, &lens[i]);
    len = redisFormatCommandArgv(&command, (int)w->n, argv, lens);
    CHECK(len > 0); /* but for no memory it cannot fail */
    buf_add(out, command, (size_t)len);
    explicit_bzero(command, (size_t)len);
    redisFreeCommand(command);
    free(argv);
    free(lens);
}
