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

#include "fcgi/pages/history_series.h"
#include "lib/base.h"

static const char *const count_names[PAST_COUNTS] = {
    [PAST_REQUESTS] = "requests",   [PAST_OK] = "ok",
    [PAST_ERRORS] = "errors",       [PAST_REFUSED] = "refused",
    [PAST_STREAMS] = "streams",     [PAST_SENDS] = "sends",
    [PAST_ANSWERS] = "answers",     [PAST_TOLD] = "answers_told",
    [PAST_TOKENS_IN] = "tokens_in", [PAST_TOKENS_OUT] = "tokens_out",
    [PAST_BYTES_IN] = "bytes_in",   [PAST_BYTES_OUT] = "bytes_out",
};

static const struct series took_columns[] = {
    {"queue_s", offsetof(struct past_took, queue_ms), SERIES_SUM_MS},
    {"queue_n", offsetof(struct past_took, queue_n), SERIES_U64},
    {"queue_p50", offsetof(struct past_took, queue_p50_us), SERIES_VALUE_US},
    {"queue_p95", offsetof(struct past_took, queue_p95_us), SERIES_VALUE_US},
    {"first_byte_s", offsetof(struct past_took, first_byte_ms), SERIES_SUM_MS},
    {"first_byte_n", offsetof(struct past_took, first_byte_n), SERIES_U64},
    {"first_byte_p50", offsetof(struct past_took, first_byte_p50_us),
     SERIES_VALUE_US},
    {"first_byte_p95", offsetof(struct past_took, first_byte_p95_us),
     SERIES_VALUE_US},
    {"answer_s", offsetof(struct past_took, answer_ms), SERIES_SUM_MS},
    {"answer_n", offsetof(struct past_took, answer_n), SERIES_U64},
};

/* Nothing of a step that ended before there was a ledger. */
static void put_deeds(struct buf *b, const struct limiter_past *p,
                      const struct past_ledger *ledger,
                      const struct past_deeds *d)
{
    int64_t from_s = ledger->kept_from_s != 0 ? ledger->kept_from_s : NEVER;
    uint32_t i;

    buf_str(b, "{");
    for (i = 0; i < PAST_COUNTS; i++) {
        if (i > 0)
            buf_add(b, ",", 1);
        series_put(
            b, p, from_s, d->steps, sizeof(*d->steps),
            &(struct series){count_names[i], i * sizeof(uint64_t), SERIES_U64});
    }
    for (i = 0; i < ARRAY_LEN(took_columns) && d->took != NULL; i++) {
        buf_add(b, ",", 1);
        series_put(b, p, from_s, d->took, sizeof(*d->took), &took_columns[i]);
    }
    buf_str(b, "}");
}

void history_deeds_put(struct buf *b, const char *what,
                       const struct limiter_past *p,
                       const struct past_ledger *ledger, const char *name)
{
    bool first = true;
    uint32_t i;

    buf_fmt(b, ",\"%s_kept_from\":", what);
    series_moment(b, ledger->kept_from_s);
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
