/*
 * leases.c - which slots has a store lent to this host, and who has them?
 *
 *              take()            sent()            the store knows
 *   HELD ----------------> TAKEN ------> SENT ------------------------> FREE
 *     ^  \                   |                                            ^
 *     |   \                  | back()                                     |
 *     +----\-----------------+                                            |
 *           \--- nobody needs it, its end comes ---> BACK ----------------+
 *
 * TOLD is a row of its own: what the answer to one that was sent took in tokens.
 *
 * What is told and not confirmed is told again: the store takes each word once.
 * Whoever dies after a write and before it is told leaves a lease that the store
 * ends by itself, at a time after the write.
 */
#include "state/policy/leases.h"

#include "state/policy/layout.h"
#include "state/policy/limits.h"

/* A lease that ends sooner is not begun with: a connection may have to be made.  One
 * whose slot opens later is not either: until then the window is full. */
#define USABLE_NS (100 * NS_PER_MS)
#define EARLY_NS  NS_PER_S /* further away no slot is that was lent */

static bool is_usable(const struct lay_lease *l, int64_t now)
{
    return l->state == LEASE_HELD && l->end_ns > now + USABLE_NS &&
           l->at_ns <= now;
}

/* Has the store to be told of it? */
static bool is_unsettled(uint32_t state)
{
    return state >= LEASE_SENT;
}

/* What was sent counts as now until it is told, and from its own time on then: who
 * waits for nothing else but time is not served any sooner by a call of its own for
 * each. */
static bool may_wait(struct layout *lay, uint32_t scope)
{
    const struct lay_rules *r = limits_of(lay, scope);

    return r->min_gap_ns == 0 && r->in_flight == 0 && r->tokens == 0 &&
           scope_at(lay, scope)->retreat.state == RETREAT_NORMAL;
}

static void set_state(struct layout *lay, struct lay_lease *l,
                      enum lease_state state)
{
    struct lay_store *s = &lay->store;

    s->held -= l->state == LEASE_HELD;
    s->unsettled -= is_unsettled(l->state);
    __atomic_store_n(&l->state, (uint32_t)state, __ATOMIC_RELEASE);
    s->held += state == LEASE_HELD;
    s->unsettled += is_unsettled(state);
    if (!is_unsettled(state))
        return;
    if (state == LEASE_SENT && may_wait(lay, l->scope))
        s->call_ns = min_i64(s->call_ns, lay->live.now_ns + STORE_TELL_NS);
    else
        s->stirred = 1;
}

/* No row above it is used; noise in the file leads nowhere. */
static uint32_t high(const struct layout *lay)
{
    return lay->store.leases_high < LAY_LEASES ? lay->store.leases_high
                                               : LAY_LEASES;
}

/* ---- which are there ------------------------------------------------------- */

/* A walk through at most LAY_LEASES rows, and none while nothing is held: most of
 * the time a lease is taken in the turn that brought it. */
uint32_t leases_free(struct layout *lay, uint32_t scope, int64_t now)
{
    uint32_t i, n = 0;

    if (lay->store.held == 0)
        return 0;
    for (i = 0; i < high(lay); i++)
        n += lay->leases[i].scope == scope && is_usable(&lay->leases[i], now);
    return n;
}

int64_t leases_next_ns(const struct layout *lay, uint32_t scope, int64_t now)
{
    int64_t at = NEVER;
    uint32_t i;

    for (i = 0; i < high(lay) && lay->store.held > 0; i++) {
        const struct lay_lease *l = &lay->leases[i];

        if (l->state == LEASE_HELD && l->scope == scope && l->at_ns > now)
            at = min_i64(at, l->at_ns);
    }
    return at;
}

uint32_t leases_given(const struct layout *lay, uint32_t scope, uint32_t cls,
                      uint32_t client)
{
    uint32_t i, n = 0;

    for (i = 0; i < high(lay) && lay->store.held > 0; i++) {
        const struct lay_lease *l = &lay->leases[i];

        n += l->state == LEASE_HELD && l->scope == scope && l->cls == cls &&
             l->client == client;
    }
    return n;
}

uint32_t leases_nth(const struct layout *lay, uint32_t scope, uint32_t k,
                    int64_t now)
{
    uint32_t i;

    for (i = 0; i < high(lay); i++)
        if (lay->leases[i].scope == scope && is_usable(&lay->leases[i], now) &&
            k-- == 0)
            return i;
    return NONE;
}

uint32_t leases_find(const struct layout *lay, uint64_t id)
{
    uint32_t i;

    for (i = 0; i < high(lay); i++)
        if (lay->leases[i].state != LEASE_FREE &&
            lay->leases[i].state != LEASE_TOLD && lay->leases[i].id == id)
            return i;
    return NONE;
}

/* ---- who has them ----------------------------------------------------------- */

static bool put(struct layout *lay, const struct lay_lease *new,
                enum lease_state state)
{
    struct lay_lease *l;
    uint32_t i;

    for (i = 0; i < LAY_LEASES && lay->leases[i].state != LEASE_FREE; i++)
        ;
    if (i == LAY_LEASES)
        return false;
    l = &lay->leases[i];
    *l = *new;
    l->state = LEASE_FREE;
    l->row = l->by_cls = l->by_client = NONE;
    l->row_id = l->call = 0;
    if (i >= lay->store.leases_high)
        lay->store.leases_high = i + 1;
    set_state(lay, l, state);
    return true;
}

bool leases_add(struct layout *lay, const struct lay_lease *new)
{
    return put(lay, new, LEASE_HELD);
}

/* How well L suits R: the larger the better. */
static uint32_t suits(const struct lay_lease *l, const struct lay_row *r)
{
    if (l->client == r->client && l->cls == r->cls)
        return 3;
    return l->client == NONE ? 2 : 1;
}

/* The first of those that suit best: they come in the order of their giving. */
static uint32_t pick(struct layout *lay, const struct lay_row *r, int64_t now)
{
    uint32_t i, best = NONE, best_suits = 0;

    for (i = 0; i < high(lay); i++) {
        const struct lay_lease *l = &lay->leases[i];

        if (l->scope != r->scope || !is_usable(l, now) ||
            suits(l, r) <= best_suits)
            continue;
        best = i;
        best_suits = suits(l, r);
    }
    return best;
}

void leases_take(struct layout *lay, uint32_t row, int64_t now)
{
    const struct lay_row *r = row_at(lay, row);
    uint32_t i = pick(lay, r, now);
    struct lay_lease *l;

    lay->row_lease[row] = 0;
    if (i == NONE)
        return; /* alone: no store has a say */
    l = &lay->leases[i];
    l->row = row;
    l->row_id = r->id;
    if (l->client != r->client || l->cls != r->cls) {
        l->by_cls = r->cls;
        l->by_client = r->client;
    }
    lay->row_lease[row] = i + 1;
    set_state(lay, l, LEASE_TAKEN);
}

/* ROW's own; NULL: it has none. */
static struct lay_lease *lease_of(struct layout *lay, uint32_t row)
{
    uint32_t i = lay->row_lease[row];
    struct lay_lease *l;

    lay->row_lease[row] = 0;
    if (i == 0 || i > LAY_LEASES)
        return NULL;
    l = &lay->leases[i - 1];
    return l->state == LEASE_TAKEN && l->row == row &&
                   l->row_id == row_at(lay, row)->id
               ? l
               : NULL;
}

void leases_sent(struct layout *lay, uint32_t row, uint32_t tokens, int64_t at)
{
    struct lay_lease *l = lease_of(lay, row);

    if (l == NULL)
        return;
    l->at_ns = at;
    l->tokens = tokens;
    lay->tokens[row].lease = l->id;
    set_state(lay, l, LEASE_SENT);
}

/* Where there is no room for it the estimate stays. */
void leases_told(struct layout *lay, uint32_t row, uint32_t tokens)
{
    const struct lay_row *r = row_at(lay, row);
    struct lay_lease l = {.id = lay->tokens[row].lease,
                          .scope = r->scope,
                          .client = NONE,
                          .cls = r->cls,
                          .tokens = tokens};

    lay->tokens[row].lease = 0;
    if (l.id != 0 && lay->store.state != STORE_UNUSED &&
        limits_of(lay, l.scope)->tokens > 0)
        (void)put(lay, &l, LEASE_TOLD);
}

/* Whoever comes next can have it, if there is one soon (leader.c). */
void leases_back(struct layout *lay, uint32_t row)
{
    struct lay_lease *l = lease_of(lay, row);

    if (l == NULL)
        return;
    l->row = l->by_cls = l->by_client = NONE;
    l->at_ns = lay->live.now_ns;
    set_state(lay, l, LEASE_HELD);
}

void leases_return(struct layout *lay, uint32_t i)
{
    lease_at(lay, i)->call = 0;
    set_state(lay, lease_at(lay, i), LEASE_BACK);
}

void leases_forget(struct layout *lay, uint32_t i)
{
    struct lay_store *s = &lay->store;

    set_state(lay, lease_at(lay, i), LEASE_FREE);
    while (s->leases_high > 0 && s->leases_high <= LAY_LEASES &&
           lay->leases[s->leases_high - 1].state == LEASE_FREE)
        s->leases_high--;
}

int64_t leases_end_ns(struct layout *lay, uint32_t row, uint64_t row_id)
{
    uint32_t i = row < LAY_ROWS
                     ? __atomic_load_n(&lay->row_lease[row], __ATOMIC_ACQUIRE)
                     : 0;
    struct lay_lease *l;

    if (i == 0 || i > LAY_LEASES)
        return 0;
    l = &lay->leases[i - 1];
    if (__atomic_load_n(&l->state, __ATOMIC_ACQUIRE) != LEASE_TAKEN ||
        __atomic_load_n(&l->row_id, __ATOMIC_ACQUIRE) != row_id)
        return 0;
    return __atomic_load_n(&l->end_ns, __ATOMIC_ACQUIRE);
}

/* ---- after a crash ------------------------------------------------------------ */

/* What became of one that was taken: the row knows.  One that is gone may have
 * been written until now. */
static enum lease_state found(struct layout *lay, struct lay_lease *l,
                              int64_t now)
{
    const struct lay_row *r;

    if (l->row >= LAY_ROWS || lay->rows[l->row].id != l->row_id) {
        l->at_ns = now;
        return LEASE_SENT;
    }
    r = &lay->rows[l->row];
    switch (r->state) {
    case ROW_OFFERED:
    case ROW_OPEN:
        return LEASE_TAKEN;
    case ROW_WAITING:
    case ROW_ASIDE:
        return LEASE_HELD;
    case ROW_SENT:
        l->at_ns = r->changed_ns;
        return LEASE_SENT;
    default:
        l->at_ns = now;
        return LEASE_SENT;
    }
}

/* What cannot be is dropped: at the store such a lease ends as if it had been used,
 * which costs a slot and never a promise. */
static void rebuild_one(struct layout *lay, uint32_t i, int64_t now)
{
    struct lay_lease *l = &lay->leases[i];

    if (l->state > LEASE_TOLD || l->scope >= LAY_SCOPES ||
        (l->client != NONE && l->client >= LAY_CLIENTS) ||
        l->at_ns > now + (l->state == LEASE_HELD ? EARLY_NS : 0))
        l->state = LEASE_FREE; /* the store ends it by itself */
    if (l->state == LEASE_TAKEN)
        l->state = found(lay, l, now);
    if (l->state == LEASE_TAKEN)
        lay->row_lease[l->row] = i + 1;
    lay->store.held += l->state == LEASE_HELD;
    lay->store.unsettled += is_unsettled(l->state);
    if (l->state != LEASE_FREE)
        lay->store.leases_high = i + 1;
}

void leases_rebuild(struct layout *lay, int64_t now)
{
    struct lay_store *s = &lay->store;
    uint32_t i;

    s->held = s->unsettled = s->leases_high = 0;
    for (i = 0; i < LAY_ROWS; i++)
        if (lay->row_lease[i] != 0)
            lay->row_lease[i] = 0;
    for (i = 0; i < LAY_LEASES; i++)
        if (lay->leases[i].state != LEASE_FREE)
            rebuild_one(lay, i, now);
}
