/*
 * history_rows.c - which rows of the ledgers changed, and how are they copied
 * without holding up anybody?
 *
 * A row changes only in its moment.  So those that changed in a span of time
 * are the newest of each pool: they are looked through backwards, until there
 * is none of the span for a while.
 */
#include "state/history_rows.h"

#include <stdlib.h>
#include <string.h>

#include "state/stats/rings.h"

/* Rows of another time that may lie between two of the span: a clock that was
 * put right leaves them, of as many names as were at work then. */
#define IDLE_MAX LEDGER_NAMES

/* After each turn in which nothing was to be done: so the names, which are
 * large, are left as they are. */
void history_rows_drop(struct history_rows *p)
{
    uint32_t i;

    for (i = 0; i < LEDGERS; i++) {
        free(p->of[i].items);
        p->of[i].items = NULL;
        p->of[i].n = 0;
    }
    free(p->piece);
    free(p->room);
    p->piece = NULL;
    p->room = NULL;
    p->n_piece = p->fill_ledger = p->fill_at = 0;
}

void history_rows_begin(struct history_rows *p, int64_t from_s, int64_t to_s)
{
    p->from_s = from_s;
    p->to_s = to_s;
    p->all_copied = from_s > to_s;
    p->ledger = p->pool = p->idle = 0;
    p->number = UINT64_MAX;
}

void history_rows_room(struct history_rows *p)
{
    if (p->piece == NULL)
        p->piece = malloc(HISTORY_ROWS * sizeof(*p->piece));
    CHECK(p->piece != NULL);
}

/* ---- to the disk ------------------------------------------------------------ */

static void copy_names(struct ledger_names *names, const struct lay_ledger *l)
{
    uint32_t i;

    memset(names, 0, sizeof(*names));
    for (i = 0; i < LEDGER_NAMES; i++)
        if (l->ids[i] != 0 && ledger_is_name(l->names[i].text)) {
            memcpy(names->of[i].text, l->names[i].text,
                   sizeof(names->of[i].text));
            names->of[i].last_s = l->names[i].last_s;
        }
}

/* True: it may have changed in the span. */
static bool is_of_span(const struct history_rows *p,
                       const struct lay_ledger_row *row)
{
    int64_t t;

    return ledger_row_is(row, p->pool, &t) &&
           t + ledger_pools[p->pool].step_s > p->from_s && t <= p->to_s;
}

static void next_pool(struct history_rows *p)
{
    p->idle = 0;
    p->number = UINT64_MAX;
    p->pool = (p->pool + 1) % LEDGER_POOLS;
    p->ledger += p->pool == 0;
    p->all_copied = p->ledger == LEDGERS;
}

/* The row below NUMBER. */
static void look(struct history_rows *p, const struct lay_ledger *l)
{
    const struct lay_ledger_row *row = ledger_row(l, p->pool, --p->number);
    struct ledger_item *item = &p->piece[p->n_piece];

    p->idle++;
    if (row != NULL && is_of_span(p, row)) {
        *item = (struct ledger_item){p->number, p->ledger, p->pool, *row};
        p->n_piece++;
        p->idle = 0;
    }
    if (row == NULL || (p->idle > IDLE_MAX && p->from_s > 1))
        next_pool(p);
}

void history_rows_copy(struct history_rows *p, const struct lay_ledger *all)
{
    uint32_t looked;

    p->n_piece = 0;
    for (looked = 0; looked < HISTORY_ROWS && !p->all_copied; looked++) {
        const struct lay_ledger *l = &all[p->ledger];

        if (p->number == UINT64_MAX) {
            if (p->pool == 0)
                copy_names(&p->of[p->ledger].names, l);
            p->number = l->pools[p->pool].next;
        }
        if (p->number > 0)
            look(p, l);
        else
            next_pool(p);
    }
}

void history_rows_keep(struct history_rows *p)
{
    uint32_t i;

    for (i = 0; i < p->n_piece; i++) {
        struct ledger_past *past = &p->of[p->piece[i].ledger];

        /* Grown in large steps: a month of a busy service is all of them. */
        if (past->n % HISTORY_ROWS == 0) {
            past->items = realloc(past->items, (past->n + HISTORY_ROWS) *
                                                   sizeof(*past->items));
            CHECK(past->items != NULL);
        }
        past->items[past->n++] = p->piece[i];
    }
    p->n_piece = 0;
}

/* ---- from the disk ----------------------------------------------------------- */

/* Behind which number does what came since go on? */
static uint64_t next_of(const struct ledger_past *past, uint32_t pool)
{
    uint64_t next = 0;
    uint32_t i;

    for (i = 0; i < past->n; i++)
        if (past->items[i].pool == pool && past->items[i].number >= next)
            next = past->items[i].number + 1;
    return next;
}

/* Whoever was killed in between has left nothing that is not right, and all of
 * it can be done again. */
static void begin_ledger(struct history_rows *p, struct lay_ledger *l)
{
    const struct ledger_past *past = &p->of[p->fill_ledger];
    uint32_t i;

    for (i = 0; i < LEDGER_POOLS; i++)
        ledger_fill_begin(l, i, next_of(past, i), p->room);
    for (i = 0; i < LEDGER_NAMES; i++)
        ledger_fill_name(l, past->names.of[i].text, past->names.of[i].last_s);
}

bool history_rows_fill(struct history_rows *p, struct lay_ledger *all)
{
    const struct ledger_past *past;
    struct lay_ledger *l;
    uint32_t i;

    if (p->fill_ledger == LEDGERS || p->room == NULL)
        return true;
    past = &p->of[p->fill_ledger];
    l = &all[p->fill_ledger];
    if (p->fill_at == 0)
        begin_ledger(p, l);
    for (i = 0; i < HISTORY_ROWS && p->fill_at < past->n; i++, p->fill_at++) {
        const struct ledger_item *item = &past->items[p->fill_at];

        ledger_fill(l, item->pool, item->number, &item->row);
    }
    if (p->fill_at < past->n)
        return false;
    p->fill_at = 0;
    return ++p->fill_ledger == LEDGERS;
}
