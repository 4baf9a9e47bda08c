/* line.c - first come, first served, within the limit that was set. */
#include "line.h"

#include "lib/base.h"

void line_init(struct line *l, struct run *r, uint32_t at)
{
    struct limit_spec spec = {
        .kind = LIMIT_SLIDING,
        .size = row_believed(r->row, at),
        .window_ns = r->row->window_ns + r->row->margin_ns,
    };

    l->r = r;
    l->at = at;
    l->first = l->last = NULL;
    limit_init(&l->believed, &spec, r->now);
}

void line_fini(struct line *l)
{
    limit_fini(&l->believed);
}

void line_append(struct line *l, struct job *j)
{
    j->next = NULL;
    if (l->first == NULL)
        l->first = j;
    else
        l->last->next = j;
    l->last = j;
}

void line_put_back(struct line *l, struct job *j)
{
    j->next = l->first;
    l->first = j;
    if (j->next == NULL)
        l->last = j;
}

void line_fault(struct line *l, struct job *j)
{
    if (++j->faults >= l->r->row->tries)
        run_done(l->r, j, false);
    else
        run_later(l->r, j,
                  l->r->now + run_pause_ns(l->r, j->faults, 500 * NS_PER_MS,
                                           8 * NS_PER_S));
}

int64_t line_opens_ns(struct line *l)
{
    return l->first == NULL ? NEVER : limit_opens_ns(&l->believed, l->r->now);
}

void line_send(struct line *l)
{
    struct job *j = l->first;

    l->first = j->next;
    j->at = l->at;
    (void)limit_take(&l->believed, l->r->now);
    run_send(l->r, j);
}
