/*
 * history_pieces.c - which records changed, and how are they copied without
 * holding up anybody?
 *
 * A span of time, ring by ring, some records at a time; and the same of what
 * went to each upstream.  After them what models and clients did
 * (history_rows.c).
 */
#include "state/history_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "state/stats/history_file.h"
#include "state/stats/stats_layout.h"

void history_pieces_drop(struct history_pieces *p)
{
    free(p->items);
    free(p->piece);
    free(p->trails);
    free(p->trail_piece);
    p->items = p->piece = NULL;
    p->trails = p->trail_piece = NULL;
    p->n = p->n_piece = p->n_trails = p->n_trail_piece = 0;
    p->at = p->trail_at = 0;
    history_rows_drop(&p->rows);
}

static void set_cursor(struct history_pieces *p, uint32_t ring)
{
    const struct history_ring *r = &history_rings[ring];
    int64_t to = p->to_s - p->to_s % r->step_s;

    p->ring = ring;
    /* More than the whole ring there cannot be. */
    p->next_s =
        max_i64(p->from_s - p->from_s % r->step_s, to - (r->n - 1) * r->step_s);
    p->next_s = max_i64(p->next_s, r->step_s);
}

void history_pieces_begin(struct history_pieces *p, int64_t from_s,
                          int64_t to_s)
{
    if (!rings_is_time(to_s))
        from_s = 1, to_s = 0; /* noise, or nothing */
    p->from_s = max_i64(from_s, 0);
    p->to_s = to_s;
    p->rings_copied = p->all_copied = p->from_s > to_s;
    history_rows_begin(&p->rows, p->from_s, to_s);
    set_cursor(p, 0);
}

static void copy_names(struct history_pieces *p, const struct lay_trails *t)
{
    uint32_t i;

    memset(&p->names, 0, sizeof(p->names));
    for (i = 0; i < TRAILS; i++)
        if (trails_is_name(t->of[i].name))
            memcpy(p->names.of[i], t->of[i].name, sizeof(p->names.of[i]));
}

/* Those that have the step of NEXT_S at PLACE. */
static void copy_steps(struct history_pieces *p, const struct lay_trails *t,
                       uint32_t place)
{
    uint32_t when = trails_when(&history_rings[p->ring], p->next_s), i;

    for (i = 0; i < TRAILS; i++)
        if (p->names.of[i][0] != '\0' && t->of[i].steps[place].when == when) {
            struct trail_item *item = &p->trail_piece[p->n_trail_piece++];

            memcpy(item->name, p->names.of[i], sizeof(item->name));
            item->place = place;
            item->step = t->of[i].steps[place];
        }
}

static void copy_rings(struct history_pieces *p, const struct stats_layout *st)
{
    uint32_t looked;

    copy_names(p, &st->trails);
    for (looked = 0; looked < HISTORY_PIECE && !p->rings_copied; looked++) {
        const struct history_ring *r = &history_rings[p->ring];
        uint32_t place = rings_place(r, p->next_s);
        const struct lay_moment *m = &st->history.moments[place];

        if (m->begin == p->next_s)
            p->piece[p->n_piece++] = (struct history_file_item){place, *m};
        copy_steps(p, &st->trails, place);
        p->next_s += r->step_s;
        if (p->next_s <= p->to_s)
            continue;
        p->rings_copied = p->ring + 1 == HISTORY_RINGS;
        if (!p->rings_copied)
            set_cursor(p, p->ring + 1);
    }
}

void history_pieces_copy(struct history_pieces *p,
                         const struct stats_layout *st)
{
    p->n_piece = p->n_trail_piece = 0;
    if (!p->rings_copied)
        copy_rings(p, st);
    else
        history_rows_copy(&p->rows, st->ledgers);
    p->all_copied = p->rings_copied && p->rows.all_copied;
}

void history_pieces_room(struct history_pieces *p)
{
    if (p->piece == NULL)
        p->piece = malloc(HISTORY_PIECE * sizeof(*p->piece));
    if (p->trail_piece == NULL)
        p->trail_piece =
            malloc(TRAILS * HISTORY_PIECE * sizeof(*p->trail_piece));
    CHECK(p->piece != NULL && p->trail_piece != NULL);
    history_rows_room(&p->rows);
}

/* Behind the N of ALL the N_MORE of MORE, SIZE bytes each. */
static void *join(void *all, uint32_t n, const void *more, uint32_t n_more,
                  size_t size)
{
    if (n_more == 0)
        return all;
    all = realloc(all, (n + n_more) * size);
    CHECK(all != NULL);
    memcpy((char *)all + n * size, more, n_more * size);
    return all;
}

void history_pieces_keep(struct history_pieces *p)
{
    p->items = join(p->items, p->n, p->piece, p->n_piece, sizeof(*p->items));
    p->trails = join(p->trails, p->n_trails, p->trail_piece, p->n_trail_piece,
                     sizeof(*p->trails));
    p->n += p->n_piece;
    p->n_trails += p->n_trail_piece;
    p->n_piece = p->n_trail_piece = 0;
    history_rows_keep(&p->rows);
}

/* ---- the disk ---------------------------------------------------------------- */

/* What came of all files so far, and the line that says it. */
struct outcome_of_all {
    enum vault_result res;
    char *msg;
    size_t max;
};

/* One more file: RES, and what it SAID.  Of several that were set aside each is
 * told.  False: nothing more is to be done now. */
static bool add_result(struct history_pieces *p, struct outcome_of_all *all,
                       enum vault_result res, const char *said)
{
    size_t n = all->res == VAULT_ASIDE ? strlen(all->msg) : 0;

    if (res == VAULT_ASIDE && n > 0)
        snprintf(all->msg + n, all->max - n, "; %s", said);
    else if (res == VAULT_ASIDE || res == VAULT_FAILED)
        snprintf(all->msg, all->max, "%s", said);
    p->asides += res == VAULT_ASIDE;
    if (res == VAULT_FAILED || res == VAULT_ASIDE || all->res == VAULT_OK)
        all->res = res;
    return res != VAULT_FAILED;
}

enum vault_result history_pieces_read(struct history_pieces *p, const char *dir,
                                      int64_t until_ns, char *msg,
                                      size_t msg_max)
{
    struct outcome_of_all all = {VAULT_OK, msg, msg_max};
    char said[256] = "";
    uint32_t i;
    bool ok;

    p->asides = 0;
    ok = add_result(p, &all,
                    history_file_read(dir, &p->items, &p->n, until_ns, said,
                                      sizeof(said)),
                    said) &&
         add_result(p, &all,
                    trail_file_read(dir, &p->trails, &p->n_trails, until_ns,
                                    said, sizeof(said)),
                    said);
    for (i = 0; i < LEDGERS && ok; i++)
        ok = add_result(p, &all,
                        ledger_file_read(dir, i, &p->rows.of[i], until_ns, said,
                                         sizeof(said)),
                        said);
    if (!ok)
        history_pieces_drop(p);
    else
        p->rows.room = malloc(LEDGER_HOURS * sizeof(*p->rows.room));
    CHECK(!ok || p->rows.room != NULL);
    return all.res;
}

enum vault_result history_pieces_write(struct history_pieces *p,
                                       const char *dir, int64_t until_ns,
                                       char *msg, size_t msg_max)
{
    struct outcome_of_all all = {VAULT_OK, msg, msg_max};
    char said[256] = "";
    uint32_t i;
    bool ok;

    p->asides = 0;
    ok = add_result(p, &all,
                    history_file_write(dir, p->items, p->n, until_ns, said,
                                       sizeof(said)),
                    said) &&
         add_result(p, &all,
                    trail_file_write(dir, &p->names, p->trails, p->n_trails,
                                     until_ns, said, sizeof(said)),
                    said);
    for (i = 0; i < LEDGERS && ok; i++)
        ok = add_result(p, &all,
                        ledger_file_write(dir, i, &p->rows.of[i], until_ns,
                                          said, sizeof(said)),
                        said);
    return all.res;
}

/* In the order of the places; each is marked as looked at before it is added,
 * so that a kill in between costs one record and doubles none. */
static void fill_moments(struct history_pieces *p, struct lay_history *h)
{
    uint32_t i;

    for (i = 0; i < HISTORY_PIECE && p->at < p->n; i++, p->at++) {
        uint32_t place = p->items[p->at].place;

        if (place < h->filled_to)
            continue;
        h->filled_to = place + 1;
        rings_fill(h, place, &p->items[p->at].moment);
    }
}

/* Steps are a tenth as large. */
static void fill_trails(struct history_pieces *p, struct stats_layout *st)
{
    uint32_t i;

    for (i = 0; i < HISTORY_PIECE * 4 && p->trail_at < p->n_trails;
         i++, p->trail_at++) {
        const struct trail_item *item = &p->trails[p->trail_at];

        if (trails_order(item) < st->trails.filled_to)
            continue;
        st->trails.filled_to = trails_order(item) + 1;
        trails_fill(&st->trails, &st->history, item);
    }
}

bool history_pieces_fill(struct history_pieces *p, struct stats_layout *st)
{
    if (p->at < p->n)
        fill_moments(p, &st->history);
    else if (p->trail_at < p->n_trails)
        fill_trails(p, st);
    else
        return history_rows_fill(&p->rows, st->ledgers);
    return false;
}
