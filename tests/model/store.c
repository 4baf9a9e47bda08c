/*
 * store.c - what the script in the store does with a call.
 *
 *   meta      another run, nothing there, or silence: begin anew, and full
 *   epoch     a lower one than known: of a connection that is no more
 *   clock     v goes on, ends pass
 *   settles   sent, back, renew, hold; sync gives back what is not named
 *   mail      lapses, or is fetched by its host
 *   grants    as moves.c chooses: whoever the slot is for, the ledger holds
 *
 * Nothing else changes a store, but for being copied, flushed, promoted.
 */
#include <string.h>

#include "tests/model/world.h"

/* ---- the ledger ---------------------------------------------------------------- */

/* Something counts for TICKS more; what does not any more is forgotten. */
static void log_add(struct store *s, int ticks)
{
    int i = LOG - 1;

    if (ticks <= 0)
        return;
    for (; i > 0 && s->log[i - 1] < ticks; i--)
        s->log[i] = s->log[i - 1];
    s->log[i] = (int8_t)ticks;
}

static int log_used(const struct store *s)
{
    int n = 0;

    while (n < LOG && s->log[n] > 0)
        n++;
    return n;
}

static int open_used(const struct world *w, int k)
{
    int n = 0;

    for (int i = 0; i < LEASES; i++)
        n += w->lease[i].at[k].is != IN_NONE;
    return mutant == OPEN_IS_FREE ? 0 : n;
}

/* A lease may come before its slot: who has it waits. */
int store_room(const struct world *w, int k)
{
    const struct store *s = &w->store[k];
    int past = log_used(s), over = past + open_used(w, k) - setup->limit;
    int wait = s->full;

    if (mutant == EARLY_ONE_LESS && over > 0)
        over--;
    if (over >= past)
        return -1;
    if (over >= 0)
        wait = max_int(wait, s->log[past - 1 - over]);
    return wait <= setup->early ? wait : -1;
}

static void forget(struct lease *l, int k)
{
    l->at[k].is = IN_NONE;
    l->at[k].left = l->at[k].wait = 0;
}

/* The end of a lease passed: as if it had been used then.  LEFT is not above 0. */
static void lease_ends(struct world *w, struct lease *l, int k)
{
    int left = l->at[k].left;

    if (mutant == END_NEVER) {
        l->at[k].left = 0;
        return;
    }
    if (mutant == END_AT_GRANT)
        left -= setup->ttl;
    if (mutant != END_IS_BACK)
        log_add(&w->store[k], left + span());
    forget(l, k);
}

void store_pass(struct world *w, int k, int ticks)
{
    struct store *s = &w->store[k];

    for (int i = 0; i < LOG; i++)
        s->log[i] = (int8_t)max_int(0, s->log[i] - ticks);
    s->full = (int8_t)max_int(0, s->full - ticks);
    for (int i = 0; i < LEASES; i++) {
        struct lease *l = &w->lease[i];

        if (l->at[k].is == IN_NONE)
            continue;
        l->at[k].left = (int8_t)(l->at[k].left - ticks);
        l->at[k].wait = (int8_t)max_int(0, l->at[k].wait - ticks);
        if (l->at[k].left <= 0)
            lease_ends(w, l, k);
    }
}

/* ---- meta ---------------------------------------------------------------------- */

void store_wipe(struct world *w, int k)
{
    struct store *s = &w->store[k];

    s->who = -1;
    s->lives = 0;
    s->full = 0;
    s->idle = s->truth = s->anew = 0;
    memset(s->log, 0, sizeof(s->log));
    memset(s->of, 0, sizeof(s->of));
    for (int i = 0; i < LEASES; i++)
        forget(&w->lease[i], k);
}

static int full_ticks(void)
{
    int extra = mutant == FULL_WITHOUT_LAG ? 0 : setup->extra;

    return span() + (mutant == FULL_WITHOUT_TTL ? 0 : setup->ttl) + extra;
}

/* All counts as full, from now on: that is, from the truth. */
static void fill(struct store *s)
{
    s->full = (int8_t)max_int(s->full, full_ticks() + max_int(0, s->truth));
}

/* Nobody called for long: it may have been stopped, while another was master. */
static void look_at_silence(struct store *s)
{
    if (setup->silent && s->idle > setup->silent && mutant != SILENCE_IGNORED)
        fill(s);
    s->idle = 0;
}

/* A run is a process and how often it was promoted.  More than one of a process
 * is fine at once: connections are not equally old. */
static void look_at_meta(struct world *w, const struct call *c)
{
    struct store *s = &w->store[c->to];
    int process = c->run / 4, life = 1 << (c->run % 4);
    bool flushed = s->who == -1;

    if (mutant == RUN_WITHOUT_LIFE)
        life = 1;
    if (s->who == process && (s->lives & life))
        return;
    if ((mutant == FULL_NOT_AT_FAILOVER && !flushed)) {
        s->who = (int8_t)process;
        s->lives = (int8_t)life;
        return;
    }
    if (s->who == process)
        life |= s->lives;
    store_wipe(w, c->to);
    s->who = (int8_t)process;
    s->lives = (int8_t)life;
    s->anew = setup->alone > 0;
    fill(s);
    if (mutant == FULL_NOT_AT_FLUSH && flushed)
        s->full = 0;
}

/* ---- the clock ------------------------------------------------------------------ */

/* Ahead by what the margin covers, for TIME may step; clock.c says why by no more. */
int store_most(const struct world *w, int k)
{
    if (!setup->clock)
        return 0;
    return max_int(0, w->store[k].truth + setup->clock + (mutant == CLOCK_FAR));
}

/* While nobody calls, v stands; and it may be late. */
static void clock_goes_on(struct world *w, int k, int ticks)
{
    struct store *s = &w->store[k];

    store_pass(w, k, ticks);
    s->truth = (int8_t)(s->truth - ticks);
}

/* What happens now is noted by up, which is not behind the truth. */
static int now(const struct store *s)
{
    return mutant == NOTED_IN_V ? 0 : max_int(0, s->truth);
}

/* ---- what a call says of leases --------------------------------------------------- */

/* Its write was so long before the call was composed; the way here is not
 * counted, so it is never logged too early. */
static void lease_sent(struct world *w, struct lease *l, int k, int age)
{
    int ticks = now(&w->store[k]) + span() - age;

    if (mutant == SENT_AT_GRANT)
        ticks = span() - (setup->ttl - l->at[k].left);
    log_add(&w->store[k], ticks);
    forget(l, k);
}

static void settle(struct world *w, struct lease *l, int c)
{
    int k = w->call[c].to;
    int8_t *what = &l->says[c].what, *ticks = &l->says[c].ticks;
    bool there = l->at[k].is != IN_NONE;

    if (*what == SAYS_SENT && there)
        lease_sent(w, l, k, *ticks);
    if (*what == SAYS_BACK && there)
        forget(l, k);
    if (*what == SAYS_BACK && !there && mutant == BACK_TAKES_ANY)
        w->store[k].log[max_int(0, log_used(&w->store[k]) - 1)] = 0;
    if (*what != SAYS_RENEW && *what != SAYS_HOLD)
        return;
    if (!there && mutant != RENEW_REVIVES) {
        *what = SAYS_LOST;
        return;
    }
    if (*what == SAYS_HOLD && there) /* its end is what it was */
        return;
    l->at[k].is = IN_OPEN;
    l->at[k].left = (int8_t)(now(&w->store[k]) + setup->ttl);
    *ticks = (int8_t)setup->ttl;
}

/* What is not named was in an answer that nobody will read. */
static void sync(struct world *w, int c)
{
    const struct call *call = &w->call[c];

    for (int i = 0; i < LEASES; i++) {
        struct lease *l = &w->lease[i];

        if (l->owner != call->who && mutant != SYNC_TAKES_OTHERS)
            continue;
        if (l->at[call->to].is == IN_OPEN && l->says[c].what == SAYS_NOT)
            forget(l, call->to);
    }
}

/* What is not fetched in time was never known to its host. */
static void mail_lapses(struct world *w, int k)
{
    for (int i = 0; i < LEASES; i++) {
        struct lease *l = &w->lease[i];
        bool due = setup->ttl - l->at[k].left >= setup->lapse;

        if (l->at[k].is == IN_MAIL && due)
            forget(l, k);
        if (mutant == LAPSE_AFTER_FETCH && l->at[k].is == IN_OPEN && due)
            forget(l, k);
    }
}

static void mail_is_fetched(struct world *w, int c)
{
    const struct call *call = &w->call[c];
    int k = call->to;

    for (int i = 0; i < LEASES; i++) {
        struct lease *l = &w->lease[i];

        if (l->at[k].is != IN_MAIL || l->owner != call->who)
            continue;
        l->says[c].what = SAYS_NEW;
        l->says[c].ticks =
            (int8_t)max_int(0, l->at[k].left - now(&w->store[k]));
        if (mutant != EARLY_IN_MAIL)
            l->says[c].wait = l->at[k].wait;
        l->at[k].is = IN_OPEN;
        l->at[k].wait = 0;
        if (mutant == SYNC_TAKES_MAIL && call->sync)
            forget(l, k);
    }
}

/* ---- who shares the limit when the store is gone ----------------------------------- */

/* Whoever comes anew gets no share until all others know of it; nor does anybody
 * behind a new beginning, until all had time to come. */
static void tell_peers(struct world *w, struct call *c)
{
    struct store *s = &w->store[c->to];
    int n = 0, behind = 0;

    if (!setup->alone || c->who == GONE)
        return;
    s->anew = s->anew && s->full > span();
    s->of[c->who].peers = c->peers;
    for (int h = 0; h < setup->hosts; h++)
        n += s->of[h].is;
    for (int h = 0; h < setup->hosts; h++)
        behind += h != c->who && s->of[h].told && s->of[h].peers < n;
    if (c->peers == 0 && behind && mutant != ALONE_NEWCOMER)
        n = 0;
    if (s->anew && mutant != ALONE_ANEW)
        n = 0;
    s->of[c->who].told = (int8_t)max_int(n, c->peers);
    c->peers = (int8_t)n;
}

/* ---- a call -------------------------------------------------------------------------- */

bool store_serves(const struct world *w, int k)
{
    const struct store *s = &w->store[k];

    if (s->up != UP_MASTER || s->stopped)
        return false;
    return s->cut == -1 || s->awake > 0 ||
           (setup->failover == FAILOVER_SPLIT && s->cut <= setup->lag);
}

bool store_execute(struct world *w, int c, int ticks)
{
    struct call *call = &w->call[c];
    struct store *s = &w->store[call->to];
    struct known *of = call->who == GONE ? NULL : &s->of[call->who];

    if (of != NULL && call->epoch < of->epoch && mutant != EPOCH_IGNORED)
        return false;
    clock_goes_on(w, call->to, ticks);
    look_at_meta(w, call);
    look_at_silence(s);
    if (of != NULL) {
        if (!of->is)
            call->peers = 0; /* what it was told before this life is nothing */
        of->is = 1;
        of->epoch = (int8_t)max_int(of->epoch, call->epoch);
    }
    for (int i = 0; i < LEASES; i++)
        settle(w, &w->lease[i], c);
    if (call->sync)
        sync(w, c);
    mail_lapses(w, call->to);
    mail_is_fetched(w, c);
    if (call->alone)
        fill(s);
    tell_peers(w, call);
    call->is = IS_ANSWERED;
    return true;
}

/* ---- grants ---------------------------------------------------------------------------- */

static struct lease *lease_new(struct world *w)
{
    static const struct lease none;

    for (int i = 0; i < LEASES; i++)
        if (memcmp(&w->lease[i], &none, sizeof(none)) == 0)
            return &w->lease[i];
    w->broken = 2; /* the model is too small: explore.c says so */
    return &w->lease[0];
}

static struct lease *given(struct world *w, int k, int who)
{
    int wait = store_room(w, k);
    struct lease *l = lease_new(w);

    l->owner = (int8_t)who;
    l->at[k].is = IN_MAIL;
    l->at[k].left = (int8_t)(now(&w->store[k]) + setup->ttl);
    l->at[k].wait = (int8_t)wait;
    return l;
}

void store_grant(struct world *w, int c)
{
    int k = w->call[c].to;
    struct lease *l = given(w, k, w->call[c].who);

    l->says[c].what = SAYS_NEW;
    l->says[c].ticks = (int8_t)setup->ttl;
    l->says[c].wait = l->at[k].wait;
    l->at[k].is = IN_OPEN;
    l->at[k].wait = 0;
}

void store_mail(struct world *w, int k, int h)
{
    (void)given(w, k, h);
}
