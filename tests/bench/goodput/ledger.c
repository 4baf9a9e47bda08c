/* ledger.c - how much was there in the last window? */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base.h"

void ledger_init(struct ledger *l, int64_t window_ns)
{
    memset(l, 0, sizeof(*l));
    l->window_ns = window_ns;
}

void ledger_fini(struct ledger *l)
{
    free(l->log);
    l->log = NULL;
}

static void make_room(struct ledger *l)
{
    if (l->first + l->n < l->cap)
        return;
    if (l->first > l->cap / 2) {
        memmove(l->log, l->log + l->first, l->n * sizeof(*l->log));
        l->first = 0;
        return;
    }
    l->cap = l->cap > 0 ? 2 * l->cap : 64;
    l->log = realloc(l->log, l->cap * sizeof(*l->log));
    CHECK(l->log != NULL);
}

uint64_t ledger_sum(struct ledger *l, int64_t now)
{
    while (l->n > 0 && now - l->log[l->first].at_ns >= l->window_ns) {
        l->sum -= l->log[l->first].n;
        l->first++;
        l->n--;
    }
    return l->sum;
}

void ledger_add(struct ledger *l, uint32_t n, int64_t now)
{
    l->sum = ledger_sum(l, now) + n;
    make_room(l);
    l->log[l->first + l->n++] = (struct ledger_entry){now, n};
    if (l->sum > l->most)
        l->most = l->sum;
}

int64_t ledger_falls_ns(struct ledger *l, uint64_t at_most, int64_t now)
{
    uint64_t sum = ledger_sum(l, now);
    int64_t at = now;
    size_t i;

    for (i = l->first; sum > at_most && i < l->first + l->n; i++) {
        sum -= l->log[i].n;
        at = l->log[i].at_ns + l->window_ns;
    }
    return at;
}
