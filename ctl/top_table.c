/*
 * top_table.c - how does a request look in one row?
 *
 * The narrower the terminal, the fewer columns: position, time and model are
 * what everybody looks for, and stay.  Rows scroll so that the cursor is on the
 * page; where it is follows from the request that was chosen (top_rows.c), not
 * from a place on the screen.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/top.h"

/* From which width on a column is shown; the rest of the row is the model's. */
static const struct {
    const char *head;
    int width, from;
} columns[] = {
    {"POS", 5, 0},   {"CLASS", 7, 72},   {"AGE", 10, 58},  {"ETA", 10, 0},
    {"WHY", 14, 96}, {"CLIENT", 21, 64}, {"MODEL", 31, 0}, {"ID", 0, 124},
};

enum {
    COL_POS,
    COL_CLASS,
    COL_AGE,
    COL_ETA,
    COL_WHY,
    COL_CLIENT,
    COL_MODEL,
    COL_ID
};

static const char *const sorted_by[SORTS] = {
    [SORT_ORDER] = "POS",     [SORT_AGE] = "AGE",     [SORT_ETA] = "ETA",
    [SORT_CLIENT] = "CLIENT", [SORT_MODEL] = "MODEL",
};

/* Text for people; the widths of columns[] fit the longest of each. */
static void cell(char out[LIMITER_NAME_MAX], const struct view_row *r, int col)
{
    switch (col) {
    case COL_POS:
        if (r->waiting)
            snprintf(out, LIMITER_NAME_MAX, "%u", r->position + 1);
        else
            snprintf(out, LIMITER_NAME_MAX, "runs");
        break;
    case COL_CLASS:
        snprintf(out, LIMITER_NAME_MAX, "%s", limiter_class_names[r->cls]);
        break;
    case COL_AGE:
        (void)duration(out, r->age_ns);
        break;
    case COL_ETA:
        (void)duration(out, r->waiting ? r->eta_ns : -1);
        break;
    case COL_WHY: /* what decides when it goes */
        snprintf(out, LIMITER_NAME_MAX, "%s",
                 r->waiting ? wait_cause_names[r->cause] : "");
        break;
    case COL_CLIENT:
        (void)plain(out, r->client);
        break;
    case COL_MODEL:
        (void)plain(out, r->model);
        break;
    default:
        (void)plain(out, r->request_id);
        break;
    }
}

/* One row of the table, or with R NULL its head. */
static void put_row(struct page *p, const struct top *t,
                    const struct view_row *r, enum style style)
{
    char text[LIMITER_NAME_MAX];
    size_t i;

    for (i = 0; i < ARRAY_LEN(columns); i++) {
        int end = p->column + columns[i].width;

        if (p->term->columns < columns[i].from)
            continue;
        if (r != NULL)
            cell(text, r, (int)i);
        else
            snprintf(text, sizeof(text), "%s%s", columns[i].head,
                     columns[i].head != sorted_by[t->sort] ? ""
                     : t->is_reversed                      ? "-"
                                                           : "+");
        if (columns[i].width > 0)
            paint(p, style, "%.*s", columns[i].width - 1, text);
        else
            paint(p, style, "%s", text);
        paint_to(p, style, end);
    }
    if (style != STYLE_PLAIN && p->term->is_live)
        paint_to(p, style, p->term->columns);
    paint_end(p);
}

/* So that the cursor is on the page, and the last page is a full one. */
static void scroll(struct top *t, uint32_t room)
{
    t->shown = room;
    if (t->cursor < t->first)
        t->first = t->cursor;
    if (room > 0 && t->cursor >= t->first + room)
        t->first = t->cursor - room + 1;
    if (t->n_order <= room)
        t->first = 0;
    else if (t->first > t->n_order - room)
        t->first = t->n_order - room;
}

/* The head is always there: it tells how the rest is sorted. */
void top_table(struct page *p, struct top *t, const struct limiter_view *v)
{
    uint32_t i, room;
    bool has_cursor = p->term->is_live && t->chosen[0] != '\0';

    put_row(p, t, NULL, STYLE_HEAD);
    room = p->last > p->row ? (uint32_t)(p->last - p->row) : 0;
    scroll(t, room);
    for (i = t->first; i < t->n_order && i - t->first < room; i++)
        put_row(p, t, &v->rows[t->order[i]],
                has_cursor && i == t->cursor ? STYLE_CHOSEN : STYLE_PLAIN);
}
