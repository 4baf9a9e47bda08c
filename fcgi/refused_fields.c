/*
 * refused_fields.c - which of the fields that we add will an upstream not have?
 *
 *   follow_up.c --> usage_report.c, thinking_ask.c    a refusal names one
 *               --> refused_fields_note()             it went well without
 *
 * A worker remembers who refuses what, for an hour: it finds that out by one
 * request that went twice.  It is remembered once the second one went well, so
 * that no quoted prompt can teach it.
 */
#include "fcgi/refused_fields.h"

#include <string.h>

#include "fcgi/upstream/verdict.h"

#define KEPT_NS (3600 * NS_PER_S)

static struct refused_fields *row_of(const struct exchange *x)
{
    struct refused_fields *row = x->s->refused;
    int64_t now = exchange_now(x);
    size_t i;

    for (i = 0; i < REFUSED_FIELDS_MAX; i++, row++)
        if (row->until_ns > now && row->upstream == x->attempt.upstream &&
            strcmp(row->model, exchange_served_by(x)) == 0)
            return row;
    return NULL;
}

unsigned refused_fields_of(const struct exchange *x)
{
    const struct refused_fields *row = row_of(x);

    return x->attempt.refused_fields | (row != NULL ? row->fields : 0);
}

/* The row that ends first, or has ended. */
static struct refused_fields *oldest(struct refused_fields *rows)
{
    struct refused_fields *row = rows;
    size_t i;

    for (i = 1; i < REFUSED_FIELDS_MAX; i++)
        if (rows[i].until_ns < row->until_ns)
            row = &rows[i];
    return row;
}

void refused_fields_note(struct exchange *x)
{
    unsigned fields = refused_fields_of(x);
    struct refused_fields *row = row_of(x);

    if (x->attempt.refused_fields == 0 ||
        (row != NULL && row->fields == fields))
        return;
    if (row == NULL)
        row = oldest(x->s->refused);
    snprintf(row->model, sizeof(row->model), "%s", exchange_served_by(x));
    row->upstream = x->attempt.upstream;
    row->fields = fields;
    row->until_ns = exchange_now(x) + KEPT_NS;
}

bool refused_fields_say(const struct exchange *x, const struct verdict *v,
                        const char *const *words, size_t n)
{
    const struct buf *body = &x->attempt.probe.body;
    size_t i;

    if (x->attempt.errand != ERRAND_REQUEST ||
        (v->status != 400 && v->status != 422))
        return false;
    for (i = 0; i < n; i++)
        if (strstr(v->words.message, words[i]) != NULL ||
            (body->len > 0 && memmem(buf_head(body), body->len, words[i],
                                     strlen(words[i])) != NULL))
            return true;
    return false;
}
