/*
 * history_deeds.c - how is it told what a model did, or what a client does?
 *
 * Of all of them what can be counted; of one that is asked for by its name also
 * how long it took.  So an answer that names a hundred stays one that a page can
 * ask for each few seconds.
 */
#include "fcgi/pages/history_deeds.h"

#include <stddef.h>
#include <string.h>

/* Not with printf: an answer has 30,000 numbers. */
void history_deeds_milli(struct buf *b, uint64_t milli)
{
    char digits[4] = {'.', (char)('0' + milli / 100 % 10),
                      (char)('0' + milli / 10 % 10), (char)('0' + milli % 10)};

    buf_int(b, (int64_t)(milli / 1000));
    if (milli % 1000 != 0)
        buf_add(b, digits, sizeof(digits));
}

static const char *const count_names[PAST_COUNTS] = {
    [PAST_REQUESTS] = "requests",   [PAST_OK] = "ok",
    [PAST_ERRORS] = "errors",       [PAST_REFUSED] = "refused",
    [PAST_STREAMS] = "streams",     [PAST_SENDS] = "sends",
    [PAST_ANSWERS] = "answers",     [PAST_TOLD] = "answers_told",
    [PAST_TOKENS_IN] = "tokens_in", [PAST_TOKENS_OUT] = "tokens_out",
    [PAST_BYTES_IN] = "bytes_in",   [PAST_BYTES_OUT] = "bytes_out",
};

static const struct took_column {
    const char *name;
    size_t at;
    uint32_t per_ms; /* of what is kept; 0: a number */
} took_columns[] = {
    {"queue_s", offsetof(struct past_took, queue_ms), 1},
    {"queue_n", offsetof(struct past_took, queue_n), 0},
    {"queue_p50", offsetof(struct past_took, queue_p50_us), 1000},
    {"queue_p95", offsetof(struct past_took, queue_p95_us), 1000},
    {"first_byte_s", offsetof(struct past_took, first_byte_ms), 1},
    {"first_byte_n", offsetof(struct past_took, first_byte_n), 0},
    {"first_byte_p50", offsetof(struct past_took, first_byte_p50_us), 1000},
    {"first_byte_p95", offsetof(struct past_took, first_byte_p95_us), 1000},
    {"answer_s", offsetof(struct past_took, answer_ms), 1},
    {"answer_n", offsetof(struct past_took, answer_n), 0},
};

/* Nothing of a step that nobody kept, or that ended before there was a
 * ledger. */
static bool is_known(const struct limiter_past *p,
                     const struct past_ledger *ledger, uint32_t i)
{
    return p->steps[i].kept && ledger->kept_from_s != 0 &&
           p->steps[i].begin_s + p->step_s > ledger->kept_from_s;
}

static void put_count(struct buf *b, const struct limiter_past *p,
                      const struct past_ledger *ledger,
                      const struct past_deeds *d, uint32_t what)
{
    uint32_t i;

    buf_fmt(b, "%s\"%s\":[", what > 0 ? "," : "", count_names[what]);
    for (i = 0; i < p->n; i++) {
        if (i > 0)
            buf_add(b, ",", 1);
        if (is_known(p, ledger, i))
            buf_int(b, (int64_t)(d->steps[i][what] & INT64_MAX));
        else
            buf_add(b, "null", 4);
    }
    buf_str(b, "]");
}

/* Times in seconds, to the millisecond. */
static void put_took_value(struct buf *b, const struct past_took *t,
                           const struct took_column *c)
{
    int64_t v;

    memcpy(&v, (const char *)t + c->at, sizeof(v));
    if (v < 0)
        buf_add(b, "null", 4);
    else if (c->per_ms == 0)
        buf_int(b, v);
    else
        history_deeds_milli(b, (uint64_t)v / c->per_ms);
}

static void put_took(struct buf *b, const struct limiter_past *p,
                     const struct past_ledger *ledger,
                     const struct past_deeds *d, const struct took_column *c)
{
    uint32_t i;

    buf_fmt(b, ",\"%s\":[", c->name);
    for (i = 0; i < p->n; i++) {
        if (i > 0)
            buf_add(b, ",", 1);
        if (is_known(p, ledger, i))
            put_took_value(b, &d->took[i], c);
        else
            buf_add(b, "null", 4);
    }
    buf_str(b, "]");
}

static void put_deeds(struct buf *b, const struct limiter_past *p,
                      const struct past_ledger *ledger,
                      const struct past_deeds *d)
{
    uint32_t i;

    buf_str(b, "{");
    for (i = 0; i < PAST_COUNTS; i++)
        put_count(b, p, ledger, d, i);
    for (i = 0; i < ARRAY_LEN(took_columns) && d->took != NULL; i++)
        put_took(b, p, ledger, d, &took_columns[i]);
    buf_str(b, "}");
}

void history_deeds_put(struct buf *b, const char *what,
                       const struct limiter_past *p,
                       const struct past_ledger *ledger, const char *name)
{
    bool first = true;
    uint32_t i;

    buf_fmt(b, ",\"%s_kept_from\":", what);
    if (ledger->kept_from_s > 0)
        buf_int(b, ledger->kept_from_s);
    else
        buf_str(b, "null");
    buf_fmt(b, ",\"%s\":{", what);
    for (i = 0; i < ledger->n; i++) {
        /* Another one of the same number is not what was asked for. */
        if (name != NULL && strcmp(name, ledger->of[i].name) != 0)
            continue;
        if (!first)
            buf_add(b, ",", 1);
        first = false;
        buf_json(b, ledger->of[i].name);
        buf_add(b, ":", 1);
        put_deeds(b, p, ledger, &ledger->of[i]);
    }
    buf_str(b, "}");
    if (name != NULL)
        return;
    buf_fmt(b, ",\"%s_other\":", what);
    if (ledger->others.steps != NULL)
        put_deeds(b, p, ledger, &ledger->others);
    else
        buf_str(b, "null");
}
