/*
 * history_series.c - how is a number of each step of the past written?
 *
 * Not with printf: an answer has 30,000 of them.
 */
#include "fcgi/pages/history_series.h"

#include <string.h>

/* Thousandths, as a number. */
static void put_milli(struct buf *b, uint64_t milli)
{
    char digits[4] = {'.', (char)('0' + milli / 100 % 10),
                      (char)('0' + milli / 10 % 10), (char)('0' + milli % 10)};

    buf_int(b, (int64_t)(milli / 1000));
    if (milli % 1000 != 0)
        buf_add(b, digits, sizeof(digits));
}

static bool is_sum(enum series_kind kind)
{
    return kind == SERIES_U64 || kind == SERIES_SUM_US || kind == SERIES_SUM_MS;
}

static void put_value(struct buf *b, const char *at, enum series_kind kind)
{
    uint64_t wide = 0;
    uint32_t narrow;

    if (kind == SERIES_U32) {
        memcpy(&narrow, at, sizeof(narrow));
        buf_int(b, narrow);
        return;
    }
    memcpy(&wide, at, sizeof(wide));
    if (!is_sum(kind) && (int64_t)wide < 0)
        buf_add(b, "null", 4);
    else if (kind == SERIES_U64 || kind == SERIES_COUNT)
        buf_int(b, (int64_t)(wide & INT64_MAX));
    else if (kind == SERIES_MILLI || kind == SERIES_SUM_MS)
        put_milli(b, wide);
    else
        put_milli(b, wide / 1000);
}

void series_put(struct buf *b, const struct limiter_past *p, int64_t from_s,
                const void *first, size_t stride, const struct series *c)
{
    const char *at = (const char *)first + c->at;
    uint32_t i;

    buf_add(b, "\"", 1);
    buf_str(b, c->name);
    buf_str(b, "\":[");
    for (i = 0; i < p->n; i++, at += stride) {
        if (i > 0)
            buf_add(b, ",", 1);
        if (p->steps[i].kept && p->steps[i].begin_s + p->step_s > from_s)
            put_value(b, at, c->kind);
        else
            buf_add(b, "null", 4);
    }
    buf_add(b, "]", 1);
}

void series_moment(struct buf *b, int64_t at_s)
{
    if (at_s > 0)
        buf_int(b, at_s);
    else
        buf_add(b, "null", 4);
}
