/*
 * history_pieces.c - which records changed, and how are they copied without
 * holding up anybody?
 *
 * A span of time, ring by ring, some records at a time.
 */
#include "state/history_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "state/stats/history_file.h"

void history_pieces_drop(struct history_pieces *p)
{
    free(p->items);
    free(p->piece);
    p->items = p->piece = NULL;
    p->n = p->n_piece = 0;
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

void history_pieces_copy(struct history_pieces *p, const struct lay_history *h)
{
    uint32_t looked;

    p->n_piece = 0;
    for (looked = 0; looked < HISTORY_PIECE && !p->all_copied; looked++) {
        const struct history_ring *r = &history_rings[p->ring];
        uint32_t place = rings_place(r, p->next_s);
        const struct lay_moment *m = &h->moments[place];

        if (m->begin == p->next_s)
            p->piece[p->n_piece++] = (struct history_file_item){place, *m};
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
    CHECK(p->piece != NULL);
}

void history_pieces_keep(struct history_pieces *p)
{
    if (p->n_piece == 0)
        return;
    p->items = realloc(p->items, (p->n + p->n_piece) * sizeof(*p->items));
    CHECK(p->items != NULL);
    memcpy(&p->items[p->n], p->piece, p->n_piece * sizeof(*p->items));
    p->n += p->n_piece;
    p->n_piece = 0;
}
