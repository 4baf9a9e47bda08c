/*
 * history_pieces.c - which records changed, and how are they copied without
 * holding up anybody?
 *
 * A span of time, ring by ring, some records at a time; and the same of what
 * went to each upstream.
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
    p->all_copied = p->from_s > to_s;
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

void history_pieces_copy(struct history_pieces *p,
                         const struct stats_layout *st)
{
    uint32_t looked;

    p->n_piece = p->n_trail_piece = 0;
    copy_names(p, &st->trails);
    for (looked = 0; looked < HISTORY_PIECE && !p->all_copied; looked++) {
        const struct history_ring *r = &history_rings[p->ring];
        uint32_t place = rings_place(r, p->next_s);
        const struct lay_moment *m = &st->history.moments[place];

        if (m->begin == p->next_s)
            p->piece[p->n_piece++] = (struct history_file_item){place, *m};
        copy_steps(p, &st->trails, place);
        p->next_s += r->step_s;
        if (p->next_s <= p->to_s)
            continue;
        p->all_copied = p->ring + 1 == HISTORY_RINGS;
        if (!p->all_copied)
            set_cursor(p, p->ring + 1);
    }
}

void history_pieces_room(struct history_pieces *p)
{
    if (p->piece == NULL)
        p->piece = malloc(HISTORY_PIECE * sizeof(*p->piece));
    if (p->trail_piece == NULL)
        p->trail_piece =
            malloc(TRAILS * HISTORY_PIECE * sizeof(*p->trail_piece));
    CHECK(p->piece != NULL && p->trail_piece != NULL);
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
}

/* ---- the disk ---------------------------------------------------------------- */

enum vault_result history_pieces_read(struct history_pieces *p, const char *dir,
                                      int64_t until_ns, char *msg,
                                      size_t msg_max)
{
    enum vault_result one, other;

    one = history_file_read(dir, &p->items, &p->n, until_ns, msg, msg_max);
    if (one == VAULT_FAILED)
        return one;
    other =
        trail_file_read(dir, &p->trails, &p->n_trails, until_ns, msg, msg_max);
    if (other == VAULT_FAILED)
        history_pieces_drop(p);
    return other == VAULT_FAILED || other == VAULT_ASIDE ? other : one;
}

enum vault_result history_pieces_write(struct history_pieces *p,
                                       const char *dir, int64_t until_ns,
                                       char *msg, size_t msg_max)
{
    enum vault_result one, other;

    one = history_file_write(dir, p->items, p->n, until_ns, msg, msg_max);
    if (one != VAULT_OK && one != VAULT_NEW)
        return one;
    other = trail_file_write(dir, &p->names, p->trails, p->n_trails, until_ns,
                             msg, msg_max);
    return other != VAULT_OK ? other : one;
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
    else
        fill_trails(p, st);
    return p->at == p->n && p->trail_at == p->n_trails;
}
