/*
 * words.c - how are times, names and texts shown on a terminal?
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "lib/buf.h"
#include "lib/utf8.h"

/* Two units at most, the larger first: nobody reads "7384.2 s". */
const char *duration(char out[DURATION_MAX], int64_t ns)
{
    int64_t s = ns / NS_PER_S;

    if (ns < 0)
        snprintf(out, DURATION_MAX, "-");
    else if (s < 100)
        snprintf(out, DURATION_MAX, "%.1f s", (double)ns / 1e9);
    else if (s < 7200)
        snprintf(out, DURATION_MAX, "%d m %d s", (int)(s / 60), (int)(s % 60));
    else if (s < 172800)
        snprintf(out, DURATION_MAX, "%d h %d m", (int)(s / 3600),
                 (int)(s / 60 % 60));
    else
        snprintf(out, DURATION_MAX, "%d d %d h", (int)(s / 86400 % 10000),
                 (int)(s / 3600 % 24));
    return out;
}

/* As the dashboard says it, so that what is searched for is found in both. */
const char *held_words(enum ejection_cause cause)
{
    if (cause == EJECTED_KEY)
        return "key refused";
    if (cause == EJECTED_AWAY)
        return "cannot be reached";
    if (cause == EJECTED_FAULTY)
        return "answers with errors";
    return cause == EJECTED_QUOTA ? "used up" : "not paid for";
}

const char *lead_of(const struct limiter_view *v, const struct view_scope *s)
{
    uint32_t i;

    for (i = 0; i < v->n_scopes; i++)
        if (v->scopes[i].upstream == s->line && s->line != s->upstream)
            return v->scopes[i].rules.name;
    return NULL;
}

/* Not only what a terminal obeys: a byte that is no ASCII has no known width. */
const char *plain(char out[LIMITER_NAME_MAX], const char *name)
{
    size_t i;

    for (i = 0; i + 1 < LIMITER_NAME_MAX && name[i] != '\0'; i++)
        out[i] = name[i];
    out[i] = '\0';
    while (i-- > 0)
        if (out[i] < 0x20 || out[i] >= 0x7f)
            out[i] = '?';
    return out;
}

void print_text(FILE *to, const char *text)
{
    const unsigned char *p = (const unsigned char *)(text != NULL ? text : "");
    const unsigned char *end = p + strlen((const char *)p);

    while (p < end) {
        size_t n = utf8_len(p, end);

        if (n == 0 || utf8_unseen(p, n) != 0)
            fputc('?', to);
        else
            fwrite(p, 1, n, to);
        p += n > 0 ? n : 1;
    }
}

void print_json_text(FILE *to, const char *json)
{
    struct buf b = {NULL, 0, 0, 0};

    buf_json_text(&b, json);
    if (b.len > 0)
        fwrite(buf_head(&b), 1, b.len, to);
    buf_free(&b);
}

void print_line(FILE *to, const char *before, const char *text)
{
    fputs(before, to);
    print_text(to, text);
    fputc('\n', to);
}
