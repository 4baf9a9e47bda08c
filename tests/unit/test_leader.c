/* Mirrors state/leader.c, host_says.c, host_hears.c, mirror.c and
 * policy/leases.c: two hosts, and a store that is a struct.  The real store's
 * script has tests of its own (tests/shared/). */
#include "state/leader.h"

#include <string.h>

#include "desk.h"
#include "state/lead.h"
#include "state/operator.h"
#include "state/policy/leases.h"
#include "state/worker.h"

#define HOSTS 2
#define SPAN  (60 * NS_PER_S)

struct lent {
    uint64_t id, host;
    int64_t end_ns;
};

/* What the script does, as far as hosts see it, and in the simplest order: who
 * calls first has the slot. */
struct shop {
    uint32_t limit;
    struct lent lent[256];
    uint32_t n_lent;
    int64_t log[1024];
    uint32_t n_log;
    uint64_t last_id, vv, run;
    int64_t wait_ns; /* leases are of use so long after they came */
    uint32_t calls, sent, back, held, renewed, moved, alone;
    const char *whose; /* leases are given for this client; NULL: the head's */
    struct shared_value values[16];
    struct mirrored_form blobs[16];
    int64_t put_ns[16];
    uint64_t put_host[16];
    uint32_t n_values;
    struct shared_ask ask;
    struct shared_answer answer;
};

static struct shop *shop;

static struct desk *host_with(uint32_t workers, uint32_t ahead)
{
    struct desk *d = desk_new(20);
    uint32_t i;

    strcpy(d->set.rules[0].name, "up");
    d->set.store = (struct limiter_store){1, 0, ahead};
    for (i = 0; i < workers; i++)
        desk_open(d, i);
    desk_turn(d);
    return d;
}

static struct desk *host_of(uint32_t workers)
{
    return host_with(workers, 0);
}

static void open_shop(uint32_t limit)
{
    shop = calloc(1, sizeof(*shop));
    CHECK(shop != NULL);
    shop->limit = limit;
}

/* B may be NULL. */
static void end(struct desk *a, struct desk *b)
{
    desk_free(a);
    if (b != NULL)
        desk_free(b);
    free(shop);
}

/* What is out counts as now, what was sent until its window is over. */
static uint32_t used(int64_t now)
{
    uint32_t i, n = shop->n_lent;

    for (i = 0; i < shop->n_log; i++)
        n += shop->log[i] > now - SPAN;
    return n;
}

/* NULL: it ended, or was never given. */
static struct lent *find(uint64_t id)
{
    uint32_t i;

    for (i = 0; i < shop->n_lent; i++)
        if (shop->lent[i].id == id)
            return &shop->lent[i];
    return NULL;
}

static void take_off(struct lent *l)
{
    *l = shop->lent[--shop->n_lent];
}

/* First what has ended by itself: that counts from its end on, whatever is said of it
 * now. */
static void settle_all(const struct shared_ask *ask, int64_t now)
{
    uint32_t i;

    for (i = shop->n_lent; i-- > 0;)
        if (shop->lent[i].end_ns <= now) {
            shop->log[shop->n_log++] = shop->lent[i].end_ns;
            take_off(&shop->lent[i]);
        }
    for (i = 0; i < ask->n_settles; i++) {
        const struct shared_settle *s = &ask->settles[i];
        struct lent *l = find(s->id);

        shop->sent += s->what == SHARED_SENT;
        shop->back += s->what == SHARED_BACK;
        shop->held += s->what == SHARED_HOLD;
        shop->moved += s->what == SHARED_USED;
        if (s->what == SHARED_RENEW) {
            struct shared_end *e = &shop->answer.ends[shop->answer.n_ends++];

            shop->renewed++;
            e->id = s->id;
            e->left_ns = l == NULL ? -1 : STORE_LEASE_NS;
            if (l != NULL)
                l->end_ns = now + STORE_LEASE_NS;
        }
        if (l == NULL || (s->what != SHARED_SENT && s->what != SHARED_BACK))
            continue;
        if (s->what == SHARED_SENT)
            shop->log[shop->n_log++] = s->at_ns;
        take_off(l);
    }
}

/* H is whom it is for; NULL: for whoever comes next. */
static void lend(const struct shared_ask *ask, const struct shared_scope *sc,
                 const struct shared_head *h, int64_t now)
{
    struct shared_lease *l = &shop->answer.leases[shop->answer.n_leases++];

    memset(l, 0, sizeof(*l));
    l->id = ++shop->last_id;
    l->left_ns = STORE_LEASE_NS;
    l->wait_ns = shop->wait_ns;
    strcpy(l->scope, sc->name);
    l->cls = h != NULL ? h->cls : (uint32_t)LIMITER_CLASSES;
    if (h != NULL)
        strcpy(l->client, shop->whose != NULL ? shop->whose : h->client);
    shop->lent[shop->n_lent++] =
        (struct lent){l->id, ask->host, now + STORE_LEASE_NS};
}

/* To those that wait, else a few ahead; and what the others have sent. */
static void lend_all(const struct shared_ask *ask, int64_t now)
{
    uint32_t i, k, n;

    for (i = 0; i < ask->n_scopes; i++) {
        const struct shared_scope *sc = &ask->scopes[i];
        struct shared_room *room = &shop->answer.rooms[shop->answer.n_rooms++];

        for (k = 0; k < sc->heads; k++)
            for (n = 0; n < ask->heads[sc->first_head + k].waiting &&
                        used(now) < shop->limit;
                 n++)
                lend(ask, sc, &ask->heads[sc->first_head + k], now);
        for (n = sc->unused;
             sc->heads == 0 && n < sc->ahead && used(now) < shop->limit; n++)
            lend(ask, sc, NULL, now);
        memset(room, 0, sizeof(*room));
        strcpy(room->name, sc->name);
        room->used = used(now);
        room->total = shop->n_log;
        room->next_ns = room->call_ns = -1;
    }
}

/* Who made his from an older version comes too late, and hears the newer one. */
static void put_all(const struct shared_ask *ask, int64_t now)
{
    uint32_t i, k;

    for (i = 0; i < ask->n_puts; i++) {
        const struct shared_put *p = &ask->puts[i];

        for (k = 0; k < shop->n_values; k++)
            if (strcmp(shop->values[k].name, p->name) == 0)
                break;
        if (k == shop->n_values)
            strcpy(shop->values[shop->n_values++].name, p->name);
        else if (shop->values[k].version != p->base)
            continue;
        shop->values[k].version = ++shop->vv;
        shop->blobs[k] = *(const struct mirrored_form *)(const void *)p->blob;
        shop->blobs[k].len = p->len;
        shop->put_ns[k] = now;
        shop->put_host[k] = ask->host;
    }
    for (k = 0; k < shop->n_values; k++)
        if (shop->values[k].version > ask->vv) {
            struct shared_value *v =
                &shop->answer.values[shop->answer.n_values++];

            *v = shop->values[k];
            v->own = shop->put_host[k] == ask->host;
            v->age_ns = now - shop->put_ns[k];
            v->blob = shop->blobs[k].bytes;
            v->len = shop->blobs[k].len;
        }
    shop->answer.vv = shop->vv;
}

/* The store answers what SHOP->ask says. */
static void serve(const struct desk *d)
{
    memset(&shop->answer, 0, sizeof(shop->answer));
    shop->answer.asked_ns = d->now;
    shop->answer.hosts = HOSTS;
    shop->answer.run = shop->run;
    shop->calls++;
    shop->alone += (shop->ask.flags & SHARED_ALONE) != 0;
    settle_all(&shop->ask, d->now);
    put_all(&shop->ask, d->now);
    lend_all(&shop->ask, d->now);
}

/* Worker W of host D calls, if there is anything to say. */
static bool call(struct desk *d, uint32_t w)
{
    if (!limiter_store_ask(d->w[w], &shop->ask, false, d->now))
        return false;
    serve(d);
    (void)limiter_store_answer(d->w[w], &shop->ask, &shop->answer, d->now);
    desk_turn(d);
    return true;
}

/* Both call until nobody has anything to say. */
static void settle(struct desk *a, struct desk *b)
{
    uint32_t i;

    for (i = 0; i < 20; i++) {
        bool more = call(a, 0);

        if (b != NULL)
            more |= call(b, 0);
        if (!more)
            return;
    }
    CU_FAIL("they never come to an end");
}

/* Time goes by for both, and what that brings is said. */
static void pass(struct desk *a, struct desk *b, int64_t ms)
{
    desk_pass(a, ms);
    if (b != NULL)
        desk_pass(b, ms);
    settle(a, b);
}

static uint32_t granted(const struct desk *d)
{
    uint32_t i, n = 0;

    for (i = 0; i < d->n; i++)
        n += d->asks[i].grants;
    return n;
}

/* Of worker 0, of one client, one after the other. */
static void ask_many(struct desk *d, uint32_t n)
{
    while (n-- > 0)
        desk_ask(d, 0, NULL);
    desk_turn(d);
}

static struct lay_store *store_of(const struct desk *d)
{
    return &desk_layout(d, 0)->store;
}

/* ---- leases ------------------------------------------------------------------ */

/* Twelve for both, ten of each waiting: whose they are is the store's business. */
static void two_hosts_share_one_window(void)
{
    struct desk *a = host_of(1), *b = host_of(1);

    open_shop(12);
    ask_many(a, 10);
    ask_many(b, 10);
    CU_ASSERT_EQUAL(granted(a) + granted(b), 0);
    settle(a, b);
    CU_ASSERT_EQUAL(granted(a) + granted(b), 12);
    desk_finish(a);
    desk_finish(b);
    settle(a, b);
    CU_ASSERT_EQUAL(shop->sent, 0); /* all in one call each, */
    pass(a, b, STORE_TELL_NS / NS_PER_MS);
    CU_ASSERT_EQUAL(shop->sent, 12); /* a moment later */
    CU_ASSERT_EQUAL(shop->n_lent, 0);
    pass(a, b, 59000);
    CU_ASSERT_EQUAL(granted(a) + granted(b), 12);
    pass(a, b, 2000);
    CU_ASSERT_EQUAL(granted(a) + granted(b), 20);
    end(a, b);
}

/* Not the time of the call: the window would open late, and slots be lost. */
static void what_is_written_is_told_with_its_time(void)
{
    struct desk *a = host_of(1);
    struct ask *q;

    open_shop(5);
    q = desk_ask(a, 0, NULL);
    desk_turn(a);
    settle(a, NULL);
    CU_ASSERT_EQUAL_FATAL(q->grants, 1);
    a->now += 700 * NS_PER_MS;
    desk_sent(q);
    desk_turn(a);
    a->now += 50 * NS_PER_MS;
    settle(a, NULL);
    CU_ASSERT_EQUAL_FATAL(shop->n_log, 1);
    CU_ASSERT_TRUE(shop->log[0] <= a->now - 50 * NS_PER_MS);
    end(a, NULL);
}

/* The store takes it as used by then, and gives the slot to others in its time. */
static void nothing_is_written_behind_its_end(void)
{
    struct desk *a = host_of(1);
    struct ask *q;

    open_shop(5);
    q = desk_ask(a, 0, NULL);
    desk_turn(a);
    settle(a, NULL);
    CU_ASSERT_EQUAL_FATAL(q->grants, 1);
    CU_ASSERT_TRUE(limiter_may_write(a->w[0], q->ticket,
                                     a->now + STORE_LEASE_NS * 9 / 10));
    CU_ASSERT_FALSE(
        limiter_may_write(a->w[0], q->ticket, a->now + STORE_LEASE_NS));
    a->now += STORE_LEASE_NS;
    desk_again(q, true); /* it comes back, and gets another one */
    desk_turn(a);
    settle(a, NULL);
    CU_ASSERT_EQUAL(q->grants, 2);
    CU_ASSERT_TRUE(limiter_may_write(a->w[0], q->ticket, a->now));
    CU_ASSERT_EQUAL(shop->n_log, 1); /* the first counts as used at its end */
    end(a, NULL);
}

/* A connection that is slow to make, a body that is slow to send. */
static void what_takes_long_is_renewed(void)
{
    struct desk *a = host_of(1);
    struct ask *q;
    uint32_t i;

    open_shop(5);
    q = desk_ask(a, 0, NULL);
    desk_turn(a);
    settle(a, NULL);
    for (i = 0; i < 20; i++) {
        pass(a, NULL, 500);
        CU_ASSERT_TRUE(limiter_may_write(a->w[0], q->ticket, a->now));
    }
    CU_ASSERT_TRUE(shop->renewed >= 4);
    CU_ASSERT_EQUAL(shop->last_id, 1);
    end(a, NULL);
}

/* Its client hung up before a byte was written. */
static void what_is_not_needed_goes_back(void)
{
    struct desk *a = host_of(1);
    struct ask *q;

    open_shop(5);
    q = desk_ask(a, 0, NULL);
    desk_ask(a, 0, NULL);
    desk_turn(a);
    settle(a, NULL);
    CU_ASSERT_EQUAL(shop->n_lent, 2);
    desk_done(q, true);
    desk_turn(a);
    settle(a, NULL);
    pass(a, NULL, 3000);
    CU_ASSERT_EQUAL(shop->back, 1);
    end(a, NULL);
}

/* While nobody waits the next ones need not ask first. */
static void a_few_are_in_hand(void)
{
    struct desk *a = host_with(1, 2);
    struct ask *q;

    open_shop(10);
    q = desk_ask(a, 0, NULL);
    desk_turn(a);
    settle(a, NULL);
    desk_sent(q);
    desk_turn(a);
    settle(a, NULL);
    CU_ASSERT_EQUAL(store_of(a)->held, 2);
    q = desk_ask(a, 0, NULL);
    desk_turn(a);
    CU_ASSERT_EQUAL(q->grants, 1); /* no call was needed */
    desk_sent(q);
    desk_turn(a);
    pass(a, NULL, 15000);
    CU_ASSERT_EQUAL(store_of(a)->held, 0); /* nobody came for ten seconds */
    end(a, NULL);
}

/* Our own order would take the first that came. */
static void a_lease_is_his_for_whom_it_was_given(void)
{
    struct desk *a = host_of(1);
    struct limiter_request one = lab_request("one", CLASS_NORMAL, 1);
    struct limiter_request two = lab_request("two", CLASS_NORMAL, 1);
    struct ask *first, *second;

    open_shop(1);
    first = desk_ask(a, 0, &one);
    second = desk_ask(a, 0, &two);
    desk_turn(a);
    shop->whose = "two";
    settle(a, NULL);
    CU_ASSERT_EQUAL(first->grants, 0);
    CU_ASSERT_EQUAL(second->grants, 1);
    CU_ASSERT_EQUAL(shop->moved, 0);
    end(a, NULL);
}

/* He is gone: another has it, and the store hears that. */
static void a_lease_of_nobody_goes_to_who_waits(void)
{
    struct desk *a = host_of(1);
    struct ask *q;

    open_shop(1);
    q = desk_ask(a, 0, NULL);
    desk_turn(a);
    shop->whose = "gone";
    settle(a, NULL);
    CU_ASSERT_EQUAL(q->grants, 1);
    desk_sent(q);
    desk_turn(a);
    pass(a, NULL, STORE_TELL_NS / NS_PER_MS);
    CU_ASSERT_EQUAL(shop->sent, 1);
    end(a, NULL);
}

/* Its slot opens later: it is here by then, and nothing is asked or given back
 * meanwhile. */
static void a_lease_of_a_slot_that_opens_later_waits(void)
{
    struct desk *a = host_of(1);
    uint32_t calls;

    open_shop(2);
    shop->wait_ns = SHARED_EARLY_NS;
    ask_many(a, 3);
    settle(a, NULL);
    CU_ASSERT_EQUAL(shop->n_lent, 2);
    CU_ASSERT_EQUAL(granted(a), 0);
    CU_ASSERT_EQUAL(limiter_turn(a->w[0], a->now), a->now + shop->wait_ns);
    calls = shop->calls;
    desk_pass(a, 49);
    CU_ASSERT_EQUAL(granted(a), 0);
    settle(a, NULL);
    CU_ASSERT_EQUAL(shop->calls, calls);
    desk_pass(a, 1);
    CU_ASSERT_EQUAL(granted(a), 2);
    desk_finish(a);
    settle(a, NULL);
    CU_ASSERT_EQUAL(shop->sent, 2);
    CU_ASSERT_EQUAL(shop->back, 0);
    end(a, NULL);
}

/* ---- who speaks ------------------------------------------------------------------ */

/* Who asks first leads; a request of another worker goes by its call. */
static void one_worker_speaks_for_all(void)
{
    struct desk *a = host_of(3);
    struct ask *q;

    open_shop(9);
    CU_ASSERT_TRUE(call(a, 1));
    CU_ASSERT_FALSE(limiter_may_lead(a->w[0], a->now));
    CU_ASSERT_EQUAL(limiter_store_due(a->w[2], a->now), NEVER);
    q = desk_ask(a, 2, NULL);
    desk_turn(a);
    CU_ASSERT_FALSE(call(a, 0));
    CU_ASSERT_TRUE(call(a, 1));
    CU_ASSERT_EQUAL(q->grants, 1);
    end(a, NULL);
}

/* Not because it is quiet, but because it was poked and did not move. */
static void a_silent_one_is_followed(void)
{
    struct desk *a = host_of(2);
    struct ask *q;

    open_shop(9);
    q = desk_ask(a, 1, NULL);
    desk_turn(a);
    CU_ASSERT_TRUE(call(a, 0));
    CU_ASSERT_EQUAL(q->grants, 1);
    settle(a, NULL);
    desk_pass(a, 1000);
    CU_ASSERT_FALSE(limiter_may_lead(a->w[1], a->now)); /* nothing to say */
    desk_ask(a, 1, NULL);
    desk_turn(a);
    desk_pass(a, LEADER_SILENT_NS / NS_PER_MS);
    CU_ASSERT_TRUE(limiter_may_lead(a->w[1], a->now));
    CU_ASSERT_TRUE(call(a, 1)); /* with all that is lent */
    CU_ASSERT_EQUAL(shop->held + shop->renewed, 1);
    CU_ASSERT_EQUAL(store_of(a)->leader, a->w[1]->seat);
    end(a, NULL);
}

/* It was stopped between its question and the answer. */
static void words_of_an_earlier_one_do_not_count(void)
{
    struct desk *a = host_of(2);
    struct shared_ask *old = malloc(sizeof(*old));
    struct ask *q;

    open_shop(9);
    CHECK(old != NULL);
    q = desk_ask(a, 0, NULL);
    desk_turn(a);
    CU_ASSERT_TRUE(limiter_store_ask(a->w[0], old, false, a->now));
    desk_pass(a, LEADER_GONE_NS / NS_PER_MS);
    shop->limit = 0;
    CU_ASSERT_TRUE(call(a, 1));
    shop->limit = 9;
    shop->ask = *old;
    serve(a);
    CU_ASSERT_FALSE(limiter_store_answer(a->w[0], old, &shop->answer, a->now));
    desk_turn(a);
    CU_ASSERT_EQUAL(q->grants, 0);
    CU_ASSERT_EQUAL(store_of(a)->held, 0);
    free(old);
    end(a, NULL);
}

/* The store takes each word once, so nobody need know whether it heard. */
static void what_was_told_in_vain_is_told_again(void)
{
    struct desk *a = host_of(1);
    struct ask *q;

    open_shop(9);
    q = desk_ask(a, 0, NULL);
    desk_turn(a);
    settle(a, NULL);
    desk_sent(q);
    desk_turn(a);
    desk_pass(a, STORE_TELL_NS / NS_PER_MS);
    CU_ASSERT_TRUE(limiter_store_ask(a->w[0], &shop->ask, false, a->now));
    limiter_store_failed(a->w[0], a->now); /* nobody heard it */
    CU_ASSERT_EQUAL(shop->sent, 0);
    settle(a, NULL);
    CU_ASSERT_EQUAL(shop->sent, 1);
    CU_ASSERT_EQUAL(store_of(a)->unsettled, 0);
    end(a, NULL);
}

/* It may have written in its last moment. */
static void a_worker_that_dies_with_a_lease_counts_as_sent(void)
{
    struct desk *a = host_of(2);

    open_shop(9);
    desk_ask(a, 1, NULL);
    desk_turn(a);
    settle(a, NULL);
    desk_kill(a, 1);
    pass(a, NULL, 2000);
    CU_ASSERT_EQUAL(shop->sent, 1);
    CU_ASSERT_EQUAL(shop->n_lent, 0);
    end(a, NULL);
}

/* ---- lost ---------------------------------------------------------------------------- */

/* Closed is the default: the promise before the service. */
static void without_a_store_all_wait(void)
{
    struct desk *a = host_of(1);

    open_shop(9);
    settle(a, NULL);
    ask_many(a, 3);
    limiter_store_lost(a->w[0], a->now);
    desk_pass(a, 100000);
    CU_ASSERT_EQUAL(granted(a), 0);
    CU_ASSERT_EQUAL(store_of(a)->state, STORE_LOST);
    settle(a, NULL);
    CU_ASSERT_EQUAL(granted(a), 3);
    CU_ASSERT_EQUAL(store_of(a)->state, STORE_UP);
    end(a, NULL);
}

/* Its part of 20, behind a full window; and the store hears of it. */
static void alone_each_has_its_part(void)
{
    struct desk *a = desk_new(20);

    strcpy(a->set.rules[0].name, "up");
    a->set.store = (struct limiter_store){1, 1, 0};
    desk_open(a, 0);
    open_shop(9);
    limiter_store_lost(a->w[0], a->now);
    CU_ASSERT_EQUAL(store_of(a)->state, STORE_LOST); /* of how many? */
    settle(a, NULL);
    ask_many(a, 0);
    limiter_store_lost(a->w[0], a->now);
    CU_ASSERT_EQUAL(store_of(a)->state, STORE_LOST); /* others have leases */
    a->now += STORE_LEASE_NS;
    limiter_store_lost(a->w[0], a->now);
    CU_ASSERT_EQUAL(store_of(a)->state, STORE_ALONE);
    ask_many(a, 15);
    desk_pass(a, 59000);
    CU_ASSERT_EQUAL(granted(a), 0);
    desk_pass(a, 2000);
    CU_ASSERT_EQUAL(granted(a), 20 / HOSTS);
    CU_ASSERT_EQUAL(shop->alone, 0);
    settle(a, NULL);
    CU_ASSERT_TRUE(shop->alone > 0);
    CU_ASSERT_EQUAL(store_of(a)->was_alone, 0);
    end(a, NULL);
}

/* The others went on a second ago, and took its part. */
static void who_notices_late_has_no_part(void)
{
    struct desk *a = desk_new(20);

    strcpy(a->set.rules[0].name, "up");
    a->set.store = (struct limiter_store){1, 1, 0};
    desk_open(a, 0);
    open_shop(9);
    settle(a, NULL);
    desk_pass(a, 2500);
    limiter_store_lost(a->w[0], a->now);
    desk_pass(a, 5000);
    limiter_store_lost(a->w[0], a->now);
    CU_ASSERT_EQUAL(store_of(a)->state, STORE_LOST);
    end(a, NULL);
}

/* Another server confirmed what this one lent: it may be told to give back what is
 * not named only when all of that has ended. */
static void who_is_asked_behind_another_gives_back_nothing(void)
{
    struct desk *a = host_of(1);

    open_shop(9);
    shop->run = 7;
    settle(a, NULL);
    pass(a, NULL, 7000);
    CU_ASSERT_EQUAL(store_of(a)->run, 7);
    for (shop->run = 9; shop->run >= 7; shop->run -= 2) {
        pass(a, NULL, 1000);
        CU_ASSERT_NOT_EQUAL(store_of(a)->run, shop->run);
        pass(a, NULL, 5000);
        CU_ASSERT_NOT_EQUAL(store_of(a)->run, shop->run);
    }
    shop->run = 7;
    pass(a, NULL, 2000);
    CU_ASSERT_EQUAL(store_of(a)->run, 7);
    end(a, NULL);
}

/* ---- what all know --------------------------------------------------------------------- */

/* By a call, as each that is sent while a store is shared. */
static struct ask *send_one(struct desk *d)
{
    struct ask *q = desk_ask(d, 0, NULL);

    desk_turn(d);
    (void)call(d, 0);
    CU_ASSERT_EQUAL_FATAL(q->grants, 1);
    desk_sent(q);
    desk_turn(d);
    return q;
}

static uint32_t retreat_of(const struct desk *d)
{
    return desk_layout(d, 0)->scopes[0].retreat.state;
}

/* A hold with its end, and once both know it nobody says it again. */
static void what_one_is_told_holds_for_all(void)
{
    struct desk *a = host_of(1), *b = host_of(1);
    struct ask *q;

    open_shop(9);
    settle(a, b);
    q = send_one(a);
    settle(a, b);
    a->now = b->now = a->now + NS_PER_S;
    desk_report(q, ANSWER_RATE, 20);
    desk_turn(a);
    CU_ASSERT_EQUAL(retreat_of(a), RETREAT_HOLDING);
    settle(a, b);
    CU_ASSERT_EQUAL(shop->n_values, 1);
    CU_ASSERT_EQUAL(shop->ask.n_puts, 0); /* they are of one mind */
    pass(a, b, 1000);
    CU_ASSERT_EQUAL(retreat_of(b), RETREAT_HOLDING);
    CU_ASSERT_TRUE(desk_has_logged(b, "retreat"));
    CU_ASSERT_EQUAL(desk_layout(b, 0)->scopes[0].retreat.until_ns / NS_PER_S,
                    desk_layout(a, 0)->scopes[0].retreat.until_ns / NS_PER_S);
    ask_many(b, 1);
    pass(a, b, 2000);
    CU_ASSERT_EQUAL(granted(b), 0);
    end(a, b);
}

/* And whoever resumes does so for all: the number decides, not the host. */
static void a_pause_is_everybodys(void)
{
    struct desk *a = host_of(1), *b = host_of(1);

    open_shop(9);
    settle(a, b);
    CU_ASSERT_TRUE(limiter_pause(a->w[0], "me", a->now));
    desk_turn(a);
    pass(a, b, 1000);
    CU_ASSERT_TRUE(limiter_is_paused(b->w[0]));
    CU_ASSERT_TRUE(limiter_pause(b->w[0], NULL, b->now));
    desk_turn(b);
    pass(a, b, 1000);
    pass(a, b, 1000); /* who was not called asks each second */
    CU_ASSERT_FALSE(limiter_is_paused(a->w[0]));
    end(a, b);
}

/* Noise from the store does nothing but cost a look. */
/* Half of it with a head that is right, so that the rest is looked at. */
static void noise_is_no_value(void)
{
    struct desk *a = host_of(1);
    uint32_t i, k;

    open_shop(9);
    settle(a, NULL);
    for (i = 0; i < 2000; i++) {
        static const char *const names[] = {"r:up", "m:up/x", "d:up", "p",
                                            "q",    "",       "r:"};
        struct shared_value *v;

        CU_ASSERT_TRUE_FATAL(
            limiter_store_ask(a->w[0], &shop->ask, true, a->now));
        serve(a);
        v = &shop->answer.values[shop->answer.n_values++];
        memset(v, 0, sizeof(*v));
        strcpy(v->name, names[lab_random(7)]);
        v->version = ++shop->vv;
        v->age_ns = (int64_t)lab_random(1000) - 100;
        for (k = 0; k < sizeof(shop->blobs[15].bytes); k++)
            shop->blobs[15].bytes[k] = (uint8_t)lab_random(256);
        if (lab_random(2) == 0) { /* its head is right */
            const uint32_t head[2] = {LAYOUT_VERSION, lab_random(4)};

            memcpy(shop->blobs[15].bytes, head, sizeof(head));
        }
        v->blob = shop->blobs[15].bytes;
        v->len = lab_random(MIRRORED_MAX + 1);
        (void)limiter_store_answer(a->w[0], &shop->ask, &shop->answer, a->now);
        desk_turn(a);
        a->now += NS_PER_MS;
    }
    CU_ASSERT_FALSE(desk_has_logged(a, "state_lost"));
    CU_ASSERT_FALSE(desk_has_logged(a, "state_damaged"));
    end(a, NULL);
}

/* ---- after a crash ---------------------------------------------------------------------- */

/* One held, one taken by a row that is not there, one of noise, one whose slot opens
 * later. */
static void rows_know_what_became_of_leases(void)
{
    struct layout *lay = lab_new();
    struct lay_lease l = {.id = 1,
                          .scope = 0,
                          .client = NONE,
                          .end_ns = LAB_T0 + STORE_LEASE_NS,
                          .at_ns = LAB_T0};
    uint32_t i;

    for (i = 0; i < 4; i++) {
        l.id = i + 1;
        l.at_ns = LAB_T0 + (i == 3 ? SHARED_EARLY_NS : 0);
        CU_ASSERT_TRUE(leases_add(lay, &l));
    }
    CU_ASSERT_EQUAL(leases_free(lay, 0, LAB_T0), 3);
    CU_ASSERT_EQUAL(leases_next_ns(lay, 0, LAB_T0), l.at_ns);
    CU_ASSERT_EQUAL(leases_free(lay, 0, l.at_ns), 4);
    lay->leases[1].state = LEASE_TAKEN; /* by a row that never was */
    lay->leases[1].row = 7;
    lay->leases[1].row_id = 99;
    lay->leases[2].state = 77; /* noise */
    leases_rebuild(lay, LAB_T0 + 5);
    CU_ASSERT_EQUAL(lay->store.held, 2);
    CU_ASSERT_EQUAL(leases_free(lay, 0, LAB_T0 + 5), 1);
    CU_ASSERT_EQUAL(lay->leases[1].state, LEASE_SENT);
    CU_ASSERT_EQUAL(lay->leases[1].at_ns, LAB_T0 + 5);
    CU_ASSERT_EQUAL(lay->leases[2].state, LEASE_FREE);
    CU_ASSERT_EQUAL(lay->store.unsettled, 1);
    free(lay);
}

static const struct unit_test tests[] = {
    {"two hosts share one window", two_hosts_share_one_window},
    {"what is written is told with its time",
     what_is_written_is_told_with_its_time},
    {"nothing is written behind its end", nothing_is_written_behind_its_end},
    {"what takes long is renewed", what_takes_long_is_renewed},
    {"what is not needed goes back", what_is_not_needed_goes_back},
    {"a few are in hand", a_few_are_in_hand},
    {"a lease is his for whom it was given",
     a_lease_is_his_for_whom_it_was_given},
    {"a lease of nobody goes to who waits",
     a_lease_of_nobody_goes_to_who_waits},
    {"a lease of a slot that opens later waits",
     a_lease_of_a_slot_that_opens_later_waits},
    {"one worker speaks for all", one_worker_speaks_for_all},
    {"a silent one is followed", a_silent_one_is_followed},
    {"words of an earlier one do not count",
     words_of_an_earlier_one_do_not_count},
    {"what was told in vain is told again",
     what_was_told_in_vain_is_told_again},
    {"a worker that dies with a lease counts as sent",
     a_worker_that_dies_with_a_lease_counts_as_sent},
    {"without a store all wait", without_a_store_all_wait},
    {"alone each has its part", alone_each_has_its_part},
    {"who notices late has no part", who_notices_late_has_no_part},
    {"who is asked behind another gives back nothing",
     who_is_asked_behind_another_gives_back_nothing},
    {"what one is told holds for all", what_one_is_told_holds_for_all},
    {"a pause is everybody's", a_pause_is_everybodys},
    {"noise is no value", noise_is_no_value},
    {"rows know what became of leases", rows_know_what_became_of_leases},
    {NULL, NULL},
};

CU_ErrorCode test_leader_add(void)
{
    return unit_add("leader", tests);
}
