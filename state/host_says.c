/*
 * host_says.c - what is a store of several machines asked?
 *
 *   how each lease ended since the last call, and which are still in use
 *   who waits: for each scope the heads of its lines
 *   what changed here of things that all share (mirror.c)
 *
 * Names of clients and models go there, never a key or a prompt.
 */
#include "state/host_says.h"

#include <string.h>

#include "state/mirror.h"
#include "state/policy/eligible.h"
#include "state/policy/layout.h"
#include "state/policy/leases.h"
#include "state/policy/lent_scopes.h"
#include "state/policy/limits.h"
#include "state/policy/quota.h"
#include "state/policy/scope.h"
#include "state/policy/scope_name.h"
#include "state/policy/tokens.h"
#include "state/shared_form.h"
#include "state/worker.h"

#define TAKE_NS                                                                \
    (50 * NS_PER_MS)     /* one that nobody took meanwhile is not needed */
#define TELL_NS NS_PER_S /* who the hosts are, for people */

static_assert(SHARED_SETTLES >= 2 * LAY_LEASES, "all of them in one call");
static_assert(SHARED_SCOPE_MAX >= SCOPE_NAME_MAX, "names fit");

/* ---- leases ------------------------------------------------------- */

static struct shared_settle *settle(struct shared_ask *ask,
                                    const struct lay_lease *l,
                                    enum shared_what what)
{
    struct shared_settle *s = &ask->settles[ask->n_settles];

    if (ask->n_settles == SHARED_SETTLES)
        sigbus_damaged("leases");
    ask->n_settles++;
    memset(s, 0, sizeof(*s));
    s->id = l->id;
    s->what = what;
    s->at_ns = l->at_ns;
    s->tokens = l->tokens;
    return s;
}

/* If another had it than it was given for, that first: the store moves what it
 * charged while it still knows the lease. */
static void tell_sent(struct layout *lay, struct shared_ask *ask,
                      struct lay_lease *l)
{
    if (l->by_client != NONE && l->by_client < LAY_CLIENTS &&
        l->by_cls < LIMITER_CLASSES) {
        struct shared_settle *s = settle(ask, l, SHARED_USED);

        s->cls = l->by_cls;
        memcpy(s->client, lay->clients[l->by_client].text,
               sizeof(s->client) - 1);
    }
    (void)settle(ask, l, SHARED_SENT);
}

/* So many held ones of each scope are kept in hand. */
static uint32_t in_hand(struct layout *lay, uint32_t scope, int64_t now)
{
    if (room_at(lay, scope)->recall > 0 || room_at(lay, scope)->waiting > 0 ||
        !lent_is_recent(lay, scope, now))
        return 0;
    return lay->store.ahead;
}

/* What is held and not needed goes back, the older first. */
static void sort_out(struct layout *lay, uint32_t i, uint32_t *held,
                     int64_t now)
{
    const struct lay_lease *l = &lay->leases[i];
    uint32_t scope = l->scope;

    if (l->end_ns <= now + STORE_LEASE_NS / 4) {
        leases_return(lay, i);
        return;
    }
    if (lent_waiting(lay, scope) > 0 && l->at_ns > now - TAKE_NS)
        return; /* the next turn gives it away */
    if (held[scope]++ >= in_hand(lay, scope, now))
        leases_return(lay, i);
}

static void tell_leases(struct limiter *lim, struct shared_ask *ask)
{
    struct layout *lay = lim->file.lay;
    struct lay_store *s = &lay->store;
    uint32_t held[LAY_SCOPES] = {0};
    uint32_t i;

    for (i = 0; i < s->leases_high && i < LAY_LEASES; i++) {
        struct lay_lease *l = &lay->leases[i];

        if (l->state == LEASE_HELD)
            sort_out(lay, i, held, lim->now);
        switch ((enum lease_state)l->state) {
        case LEASE_SENT:
            tell_sent(lay, ask, l);
            l->call = s->calls;
            break;
        case LEASE_BACK:
            (void)settle(ask, l, SHARED_BACK);
            l->call = s->calls;
            break;
        case LEASE_TAKEN:
            if (l->end_ns < lim->now + STORE_LEASE_NS * 2 / 3)
                (void)settle(ask, l, SHARED_RENEW);
            else if (s->sync)
                (void)settle(ask, l, SHARED_HOLD);
            break;
        case LEASE_HELD:
            if (s->sync)
                (void)settle(ask, l, SHARED_HOLD);
            break;
        case LEASE_TOLD: /* once it is known that it was sent */
        case LEASE_FREE:
            break;
        }
    }
}

/* Behind all sends, for it may be of one of them. */
static void tell_tokens(struct layout *lay, struct shared_ask *ask)
{
    uint32_t i;

    for (i = 0; i < lay->store.leases_high && i < LAY_LEASES; i++) {
        struct lay_lease *l = &lay->leases[i];

        if (l->state != LEASE_TOLD)
            continue;
        (void)settle(ask, l, SHARED_TOLD);
        l->call = lay->store.calls;
    }
}

/* ---- who waits ------------------------------------------------------ */

/* The client's own limit over all hosts: the store counts it in a ledger of its
 * own, by the numbers that this host has in force. */
static void tell_quota(struct layout *lay, struct shared_head *h,
                       uint32_t client)
{
    const struct lay_quota *q;

    if (client >= LAY_CLIENTS || !quota_limits(lay, client))
        return;
    q = &lay->quotas[client];
    h->quota_requests = q->per_min;
    h->quota_tokens = q->tokens_per_min;
    h->quota_span_ns = lay->live.quota_span_ns;
}

/* One head is a line of one client in one class.  Those for whom a slot is here
 * already do not wait any more; who may not go (a model that is busy) is not told,
 * because a slot would lie here unused. */
static void tell_flow(struct layout *lay, struct shared_ask *ask,
                      struct shared_scope *sc, const struct lay_flow *f)
{
    uint32_t row =
        eligible_first(lay, f, (struct eligible_pick){PICK_READY, NULL});
    struct shared_head *h = &ask->heads[ask->n_heads];

    uint32_t given = leases_given(lay, sc->scope, f->cls, f->client);

    if (row == NONE || ask->n_heads == SHARED_HEADS || f->n <= given)
        return;
    memset(h, 0, sizeof(*h));
    h->cls = f->cls;
    h->share = f->share;
    h->waiting = f->n - given;
    h->since_ns = row_at(lay, row)->joined_ns;
    h->tokens = tokens_at(lay, row, sc->scope).tokens;
    if (f->client < LAY_CLIENTS)
        memcpy(h->client, lay->clients[f->client].text, sizeof(h->client) - 1);
    tell_quota(lay, h, f->client);
    ask->n_heads++;
    sc->heads++;
}

/* The line's order is not told: the store has one of its own over all hosts. */
static void tell_line(struct layout *lay, struct shared_ask *ask,
                      struct shared_scope *sc)
{
    const struct lay_scope *line = scope_at(lay, lent_line(lay, sc->scope));
    uint32_t cls, i, hops = 0;

    for (cls = 0; cls < LIMITER_CLASSES; cls++)
        for (i = line->cls[cls].flows; i != NONE; i = flow_at(lay, i)->next) {
            tell_flow(lay, ask, sc, flow_at(lay, i));
            if (++hops > LAY_FLOWS)
                sigbus_damaged("flow list");
        }
}

/* The limit is what holds here now: fewer than set while this host knows that the
 * upstream takes fewer. */
static void tell_scope(struct limiter *lim, struct shared_ask *ask,
                       uint32_t scope)
{
    struct layout *lay = lim->file.lay;
    const struct lay_rules *r = limits_of(lay, scope);
    const struct lay_scope *s = scope_at(lay, scope);
    struct shared_scope *sc = &ask->scopes[ask->n_scopes];

    memset(sc, 0, sizeof(*sc));
    scope_name(lay, scope, sc->name);
    sc->scope = scope;
    sc->limit = scope_limit(lay, scope, 0);
    sc->tokens = r->tokens;
    sc->span_ns = limits_span_ns(r);
    sc->gap_ns = r->min_gap_ns;
    sc->in_flight = r->in_flight;
    sc->flying = s->in_flight > s->open ? s->in_flight - s->open : 0;
    sc->ahead = lent_is_recent(lay, scope, lim->now) ? lay->store.ahead : 0;
    sc->unused = leases_free(lay, scope, lim->now);
    sc->first_head = ask->n_heads;
    tell_line(lay, ask, sc);
    ask->n_scopes++;
}

/* Upstreams always, models that something is known of. */
static void tell_scopes(struct limiter *lim, struct shared_ask *ask)
{
    struct layout *lay = lim->file.lay;
    uint32_t i;

    for (i = 0; i < LAY_SCOPES && ask->n_scopes < SHARED_SCOPES; i++) {
        if (!lent_has_window(lay, i))
            continue;
        if (i < LAY_UPSTREAMS || lay->scopes[i].waiting > 0 ||
            lay->scopes[i].in_flight > 0 || lent_is_recent(lay, i, lim->now) ||
            leases_free(lay, i, lim->now) > 0)
            tell_scope(lim, ask, i);
    }
}

/* ---- all of it ------------------------------------------------------------------ */

void host_says_all(struct limiter *lim, struct shared_ask *ask)
{
    struct lay_store *s = &lim->file.lay->store;

    s->calls++;
    ask->host = s->host;
    ask->epoch = s->epoch;
    ask->vv = s->vv;
    ask->call = s->calls;
    ask->run = s->run;
    ask->flags =
        (s->sync ? SHARED_SYNC : 0) | (s->was_alone ? SHARED_ALONE : 0);
    if (s->told_ns <= lim->now - TELL_NS) {
        ask->flags |= SHARED_TELL;
        s->told_ns = lim->now;
    }
    ask->n_settles = ask->n_scopes = ask->n_heads = ask->n_puts = 0;
    tell_leases(lim, ask);
    tell_tokens(lim->file.lay, ask);
    tell_scopes(lim, ask);
    mirror_tell(lim, ask);
    s->stirred = 0;
    s->news_ns = 0;
    s->lines_told = s->lines;
    s->told_waiting = lim->file.lay->live.waiting;
}
