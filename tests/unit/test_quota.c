/* Mirrors state/policy/quota.c: a client's own limit, over workers, deaths and
 * losses. */
#include "state/policy/quota.h"

#include <string.h>
#include <unistd.h>

#include "desk.h"
#include "state/file/repair.h"
#include "state/file/state_file.h"
#include "state/policy/naming.h"
#include "state/policy/window.h"
#include "state/standing.h"
#include "state/view.h"
#include "state/worker.h"

#define LOTS 1000 /* requests of the window, where it does not matter */

static struct limiter_request limited(const char *client, uint32_t per_min)
{
    struct limiter_request req = lab_request(client, CLASS_NORMAL, 1);

    req.requests_per_min = per_min;
    return req;
}

static struct ask *ask(struct desk *d, uint32_t worker, const char *client,
                       uint32_t per_min)
{
    struct limiter_request req = limited(client, per_min);

    return desk_ask(d, worker, &req);
}

static uint32_t used(struct desk *d, const char *client)
{
    struct layout *lay = desk_layout(d, 0);

    return quota_used(lay, naming_client(lay, client, d->now), d->now);
}

static uint32_t granted(const struct desk *d)
{
    uint32_t i, n = 0;

    for (i = 0; i < d->n; i++)
        n += d->asks[i].grants;
    return n;
}

/* ---- one at a time --------------------------------------------------------- */

static void others_pass_a_client_at_its_limit(void)
{
    struct desk *d = desk_of(2, LOTS);
    struct ask *own[4], *other;
    uint32_t i;

    for (i = 0; i < 4; i++)
        own[i] = ask(d, i % 2, "a", 3);
    desk_turn(d);
    other = ask(d, 0, "b", 0);
    desk_turn(d);
    for (i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(own[i]->grants, i < 3);
    CU_ASSERT_EQUAL(other->grants, 1);
    CU_ASSERT_EQUAL(used(d, "a"), 3);
    CU_ASSERT_EQUAL(used(d, "b"), 0);
    lab_recount(desk_layout(d, 0));
    desk_finish(d);
    desk_pass(d, 59999);
    CU_ASSERT_EQUAL(own[3]->grants, 0);
    desk_pass(d, 1);
    CU_ASSERT_EQUAL(own[3]->grants, 1);
    desk_finish(d);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

/* Open ones count as now, until they are written or given back. */
static void what_was_not_sent_is_not_counted(void)
{
    struct desk *d = desk_of(2, LOTS);
    struct ask *a = ask(d, 0, "a", 1), *b = ask(d, 1, "a", 1);

    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_pass(d, 300000);
    CU_ASSERT_EQUAL(b->grants, 0);
    desk_done(a, true);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_sent(b);
    desk_again(b, false); /* the attempt counts */
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_pass(d, 60000);
    CU_ASSERT_EQUAL(b->grants, 2);
    desk_free(d);
}

/* Worker 0's request takes the client's only slot, WORKER's waits for the next
 * one, and is granted in the very turn that is said to be due. */
static void watches(struct desk *d, uint32_t worker)
{
    struct ask *b;
    int64_t due;

    (void)ask(d, 0, "a", 1);
    desk_turn(d);
    desk_finish(d);
    b = ask(d, worker, "a", 1);
    desk_pass(d, 59500);
    due = limiter_turn(d->w[worker], d->now);
    CU_ASSERT_EQUAL(due, d->now + 500 * NS_PER_MS);
    d->now = due;
    (void)limiter_turn(d->w[worker], d->now);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_free(d);
}

static void the_next_slot_is_watched_for_by_its_worker(void)
{
    watches(desk_of(2, LOTS), 1);
}

/* Also where the window itself is full until then. */
static void the_alarm_is_set_while_the_window_is_full(void)
{
    watches(desk_of(1, 1), 0);
}

static void etas_are_those_of_the_own_limit(void)
{
    struct desk *d = desk_of(1, LOTS);
    struct ask *a[7], *other;
    uint32_t i;

    for (i = 0; i < 7; i++) {
        a[i] = ask(d, 0, "a", 2);
        desk_turn(d);
        if (i < 2)
            desk_finish(d);
    }
    for (i = 2; i < 7; i++) {
        CU_ASSERT_EQUAL(a[i]->waits, 1);
        CU_ASSERT_TRUE(a[i]->news.own_limit);
        CU_ASSERT_EQUAL(a[i]->news.eta_ns, (i / 2) * 60 * NS_PER_S);
        CU_ASSERT_EQUAL(a[i]->news.position, i - 2);
    }
    d->set.rules[0].in_flight = 1; /* so that the other one has to wait */
    limiter_set(d->w[0], &d->set);
    (void)ask(d, 0, "b", 0);
    other = ask(d, 0, "b", 0);
    desk_turn(d);
    CU_ASSERT_EQUAL(other->news.position, 0); /* they do not go before it */
    CU_ASSERT_FALSE(other->news.own_limit);
    desk_free(d);
}

/* What a client is told that it may still send is not others'. */
static void what_is_left_is_of_the_tighter_limit(void)
{
    struct desk *d = desk_of(1, 4);
    struct ask *a = ask(d, 0, "a", 2), *b;

    desk_turn(d);
    CU_ASSERT_EQUAL(a->news.limit, 2);
    CU_ASSERT_EQUAL(a->news.remaining, 1);
    (void)ask(d, 0, "b", 0);
    (void)ask(d, 0, "b", 0);
    b = ask(d, 0, "b", 0);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->news.limit, 4);
    CU_ASSERT_EQUAL(b->news.remaining, 0);
    desk_finish(d);
    d->now += 61 * NS_PER_S;
    for (a = NULL; a == NULL || a->news.remaining > 0;) {
        a = ask(d, 0, "a", 2);
        desk_turn(d);
    }
    CU_ASSERT_EQUAL(a->news.limit, 2); /* of its own there is none left, */
    b = ask(d, 0, "a", 9);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->news.limit, 4); /* one that is above is no limit */
    CU_ASSERT_EQUAL(b->news.remaining, 1);
    desk_free(d);
}

/* The first of them wait for the window: from then on the limit's own span runs. */
static void etas_count_from_when_the_first_can_go(void)
{
    struct desk *d = desk_of(1, 4);
    struct ask *a[6];
    struct limiter_view v;
    uint32_t i, seen = 0;

    for (i = 0; i < 4; i++)
        (void)ask(d, 0, "b", 0);
    desk_turn(d);
    desk_finish(d);
    d->now += 20 * NS_PER_S;
    for (i = 0; i < 6; i++)
        a[i] = ask(d, 0, "a", 2);
    desk_turn(d);
    for (i = 0; i < 6; i++) {
        CU_ASSERT_EQUAL(a[i]->news.eta_ns, (40 + i / 2 * 60) * NS_PER_S);
        CU_ASSERT_EQUAL(a[i]->news.own_limit, i >= 2);
    }
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
    for (i = 0; i < v.n_rows; i++) {
        uint32_t k = (uint32_t)(v.rows[i].id - v.rows[0].id);

        if (!v.rows[i].waiting)
            continue;
        seen++;
        CU_ASSERT_EQUAL(v.rows[i].eta_ns, (40 + k / 2 * 60) * NS_PER_S);
        CU_ASSERT_EQUAL(v.rows[i].cause == WAITS_CLIENT, k >= 2);
    }
    CU_ASSERT_EQUAL(seen, 6);
    view_free(&v);
    desk_free(d);
}

static void a_view_tells_who_waits_for_its_own_limit(void)
{
    struct desk *d = desk_of(1, LOTS);
    struct limiter_view v;
    uint32_t i, waiting = 0;

    for (i = 0; i < 4; i++)
        (void)ask(d, 0, "a", 2);
    desk_turn(d);
    desk_finish(d);
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
    for (i = 0; i < v.n_rows; i++) {
        waiting += v.rows[i].waiting;
        CU_ASSERT_TRUE(v.rows[i].blocked);
        CU_ASSERT_EQUAL(v.rows[i].eta_ns, 60 * NS_PER_S);
    }
    CU_ASSERT_EQUAL(waiting, 2);
    view_free(&v);
    desk_free(d);
}

static void a_request_is_refused_by_its_own_limits_eta(void)
{
    struct desk *d = desk_of(1, LOTS);
    struct limiter_request req = limited("a", 1);
    struct ask *a;

    (void)desk_ask(d, 0, &req);
    desk_turn(d);
    desk_finish(d);
    req.deadline_ns = d->now + 59 * NS_PER_S;
    a = desk_ask(d, 0, &req);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->refusals, 1);
    CU_ASSERT_EQUAL(a->why_refused, REFUSED_DEADLINE);
    CU_ASSERT_EQUAL(a->news.eta_ns, 60 * NS_PER_S);
    desk_free(d);
}

static void a_client_has_its_own_bound_in_line(void)
{
    struct desk *d = desk_of(2, LOTS);
    struct limiter_request req = limited("a", 1);
    struct ask *a[4], *b;
    uint32_t i;

    req.queue_max = 2;
    for (i = 0; i < 4; i++) {
        a[i] = desk_ask(d, i % 2, &req);
        desk_turn(d);
    }
    b = ask(d, 0, "b", 0);
    desk_turn(d);
    CU_ASSERT_EQUAL(a[0]->grants, 1);
    CU_ASSERT_EQUAL(a[1]->refusals + a[2]->refusals, 0);
    CU_ASSERT_EQUAL(a[3]->why_refused, REFUSED_CLIENT_FULL);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_free(d);
}

/* Another limit from the next request on; one that is new fears the past. */
static void the_newest_limit_holds(void)
{
    struct desk *d = desk_of(1, LOTS);
    struct ask *a, *b;

    (void)ask(d, 0, "a", 1);
    desk_turn(d);
    desk_finish(d);
    a = ask(d, 0, "a", 1);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 0);
    b = ask(d, 0, "a", 3);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants + b->grants, 2);
    desk_finish(d);

    (void)ask(d, 0, "b", 0);
    desk_turn(d);
    desk_finish(d);
    a = ask(d, 0, "b", 5);
    desk_turn(d);
    desk_pass(d, 59999);
    CU_ASSERT_EQUAL(a->grants, 0);
    desk_pass(d, 1);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_free(d);
}

static uint32_t limit_of(struct desk *d, const char *client)
{
    struct layout *lay = desk_layout(d, 0);

    return lay->quotas[naming_client(lay, client, d->now)].per_min;
}

/* Worker 0 has the old request and moves last, or first. */
static void lose_with_an_older_word(bool last)
{
    struct desk *d = desk_of(2, 1);

    (void)desk_ask(d, 0, NULL); /* takes the window */
    (void)ask(d, 0, "a", 100);
    desk_turn(d);
    desk_pass(d, 1);
    (void)ask(d, 1, "a", 2);
    desk_turn(d);
    CU_ASSERT_EQUAL(limit_of(d, "a"), 2);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    d->now += NS_PER_S;
    (void)limiter_turn(d->w[last ? 1 : 0], d->now);
    (void)limiter_turn(d->w[last ? 0 : 1], d->now);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 1);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.waiting, 2);
    CU_ASSERT_EQUAL(limit_of(d, "a"), 2);
    desk_free(d);
}

static void a_lost_file_brings_no_older_limit_back(void)
{
    lose_with_an_older_word(true);
    lose_with_an_older_word(false);
}

/* A worker that has not adopted them yet goes on accepting requests. */
static void newer_settings_outdo_a_later_request(void)
{
    struct desk *d = desk_of(2, LOTS);

    limiter_adopt(d->w[0], &d->set, 7);
    (void)ask(d, 0, "a", 2);
    desk_pass(d, 1);
    (void)ask(d, 1, "a", 100);
    desk_pass(d, 1);
    CU_ASSERT_EQUAL(limit_of(d, "a"), 2);
    limiter_adopt(d->w[1], &d->set, 7);
    (void)ask(d, 1, "a", 3);
    desk_pass(d, 1);
    CU_ASSERT_EQUAL(limit_of(d, "a"), 3);
    desk_free(d);
}

static void a_client_in_its_minute_keeps_its_row(void)
{
    struct layout *lay = lab_new();
    struct lay_place place;
    char name[32];
    uint32_t a, i;

    lay->live.quota_span_ns = QUOTA_MINUTE_NS;
    a = naming_client(lay, "a", LAB_T0);
    quota_set(lay, a, &(struct quota_word){1, 0, 0, 0, LAB_T0});
    CU_ASSERT_TRUE(quota_sent(lay, a, LAB_T0, TAKE_ONE, 1, &place));
    for (i = 0; i < LAY_CLIENTS; i++) {
        (void)snprintf(name, sizeof(name), "other %u", i);
        lay->live.now_ns = LAB_T0 + i + 1;
        (void)naming_client(lay, name, LAB_T0 + i + 1);
    }
    CU_ASSERT_EQUAL(naming_client(lay, "a", LAB_T0 + 5000), a);
    CU_ASSERT_TRUE(quota_blocks(lay, a, TAKE_ONE, LAB_T0 + 5000));
    lay->live.now_ns = LAB_T0 + 2 * QUOTA_MINUTE_NS;
    for (i = 0; i < LAY_CLIENTS; i++) {
        (void)snprintf(name, sizeof(name), "more %u", i);
        (void)naming_client(lay, name, lay->live.now_ns + i);
    }
    CU_ASSERT_FALSE(quota_limits(lay, a)); /* it is another's now */
    free(lay);
}

/* All chunks of clients taken: they wait, and the scope's log has its own. */
static void logs_of_clients_leave_the_windows_theirs(void)
{
    struct layout *lay = lab_new();
    uint32_t i, a, n = 0;
    struct lay_place place;
    char name[32];

    lay->live.quota_span_ns = QUOTA_MINUTE_NS;
    for (i = 0; i < LAY_CLIENTS; i++) {
        (void)snprintf(name, sizeof(name), "c%u", i);
        a = naming_client(lay, name, LAB_T0);
        quota_set(lay, a, &(struct quota_word){QUOTA_MAX, 0, 0, 0, LAB_T0});
        while (n < CHUNK_TIMES * 3 * (i + 1) &&
               quota_sent(lay, a, LAB_T0, TAKE_ONE, n + 1, &place))
            n++;
    }
    CU_ASSERT_EQUAL(n, LAY_CLIENT_CHUNKS * CHUNK_TIMES);
    CU_ASSERT_TRUE(quota_blocks(lay, 0, TAKE_ONE, LAB_T0));
    CU_ASSERT_EQUAL(window_chunks_left(lay, false), LAY_SCOPE_CHUNKS);
    CU_ASSERT_EQUAL(window_chunks_left(lay, true), 0);
    repair_run(lay, LAB_T0);
    CU_ASSERT_EQUAL(window_chunks_left(lay, false), LAY_SCOPE_CHUNKS);
    CU_ASSERT_EQUAL(window_chunks_left(lay, true), 0);
    lay->live.now_ns = LAB_T0 + QUOTA_MINUTE_NS;
    CU_ASSERT_FALSE(quota_is_needed(lay, 0, lay->live.now_ns));
    CU_ASSERT_FALSE(quota_blocks(lay, 0, TAKE_ONE, lay->live.now_ns));
    free(lay);
}

/* Its log had the send, the scope's had not, when the writer died. */
static void a_send_that_was_half_written_counts_once(void)
{
    struct desk *d = desk_of(2, LOTS);
    struct ask *a = ask(d, 0, "a", 2);
    struct lay_place place;
    struct layout *lay;
    uint32_t client;

    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    lay = desk_layout(d, 1);
    client = naming_client(lay, "a", d->now);
    CU_ASSERT_TRUE(quota_sent(lay, client, d->now, TAKE_ONE,
                              lay->live.last_grant, &place));
    lay->live.dirty = 1;
    desk_kill(d, 0);
    desk_turn(d);
    CU_ASSERT_TRUE(desk_has_logged(d, "state_repaired"));
    CU_ASSERT_TRUE(desk_has_logged(d, "worker_swept"));
    CU_ASSERT_EQUAL(quota_used(lay, client, d->now), 1);
    CU_ASSERT_EQUAL(lay->scopes[0].window.n, 1);
    lab_is_settled(lay);
    desk_free(d);
}

static void a_lost_file_makes_a_full_minute(void)
{
    struct desk *d = desk_of(1, LOTS);
    struct ask *a;
    int64_t lost;

    d->set.rules[0].window_ns = NS_PER_S; /* known again long before */
    limiter_set(d->w[0], &d->set);
    desk_turn(d);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    desk_pass(d, 1000);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 1);
    lost = desk_layout(d, 0)->live.quota_lost_ns;
    a = ask(d, 0, "a", 5);
    desk_pass(d, 10000);
    CU_ASSERT_EQUAL(a->grants, 0);
    CU_ASSERT_EQUAL(used(d, "a"), 5);
    (void)ask(d, 0, "b", 0);
    desk_turn(d);
    CU_ASSERT_EQUAL(granted(d), 1);
    d->now = lost + QUOTA_MINUTE_NS;
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_free(d);
}

static void a_longer_margin_doubts_what_was_forgotten(void)
{
    struct desk *d = desk_of(1, LOTS);
    struct ask *a;

    (void)ask(d, 0, "a", 1);
    desk_turn(d);
    desk_finish(d);
    desk_pass(d, 60000);
    d->set.rules[0].margin_ns = 2 * NS_PER_S;
    limiter_set(d->w[0], &d->set);
    a = ask(d, 0, "a", 1);
    desk_turn(d);
    desk_pass(d, 1999);
    CU_ASSERT_EQUAL(a->grants, 0);
    desk_pass(d, 1);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_free(d);
}

static void noise_is_no_limit(void)
{
    static const uint32_t noise[] = {QUOTA_MAX + 1, UINT32_MAX};
    uint32_t i;

    for (i = 0; i < ARRAY_LEN(noise); i++) {
        struct desk *d = desk_of(1, LOTS);
        struct ask *a;

        (void)ask(d, 0, "a", 1);
        desk_turn(d);
        desk_layout(d, 0)->quotas[0].per_min = noise[i];
        a = ask(d, 0, "a", 1);
        desk_turn(d);
        CU_ASSERT_TRUE(desk_has_logged(d, "state_lost"));
        desk_pass(d, 1000);
        desk_pass(d, 62000);
        desk_finish(d); /* the first was open when its file was lost */
        desk_pass(d, 60000);
        CU_ASSERT_EQUAL(a->grants, 1);
        desk_free(d);
    }
}

/* ---- anything can happen ------------------------------------------------------- */

#define CLIENTS   4
#define RUN_S     3600
#define STEP_MS   100
#define MARGIN_MS 500
#define REQUESTS  30
#define SENT_MAX  4000

static const char *const names[CLIENTS] = {"six", "three", "seventy", "free"};
static const uint32_t limits[CLIENTS] = {6, 3, 70, 0};

struct chaos {
    struct desk *d;
    int64_t sent_ms[CLIENTS][SENT_MAX], all_ms[SENT_MAX];
    uint32_t n_sent[CLIENTS], n_all;
    uint32_t client[DESK_ASKS]; /* of each ask */
    int64_t write_ms[DESK_ASKS];
    uint32_t alive[CLIENTS];
};

static void note_sent(struct chaos *c, uint32_t client, int64_t ms)
{
    CHECK(c->n_all < SENT_MAX);
    c->sent_ms[client][c->n_sent[client]++] = ms;
    c->all_ms[c->n_all++] = ms;
}

static void write_some(struct chaos *c, int64_t ms)
{
    struct desk *d = c->d;
    uint32_t i;

    for (i = 0; i < d->n; i++) {
        struct ask *a = &d->asks[i];

        if (a->ticket == NULL || a->grants == 0 || a->waiting_again)
            continue;
        if (c->write_ms[i] == 0)
            c->write_ms[i] = ms + lab_random(3000);
        if (c->write_ms[i] > ms)
            continue;
        c->write_ms[i] = 0;
        if (lab_random(10) == 0) { /* nothing reached the wire */
            desk_done(a, true);
            c->alive[c->client[i]]--;
            continue;
        }
        note_sent(c, c->client[i], ms);
        desk_sent(a);
        if (lab_random(5) == 0) {
            desk_again(a, false);
            continue;
        }
        desk_done(a, false);
        c->alive[c->client[i]]--;
    }
}

static void join_some(struct chaos *c)
{
    uint32_t k = lab_random(CLIENTS), w = lab_random(DESK_WORKERS);
    struct desk *d = c->d;
    struct ask *a;

    if (d->w[w] == NULL || c->alive[k] > 20)
        return;
    a = ask(d, w, names[k], limits[k]);
    c->client[a - d->asks] = k;
    c->write_ms[a - d->asks] = 0;
    c->alive[k]++;
}

/* What it was about to write may have reached the wire until now. */
static void kill_one(struct chaos *c, int64_t ms)
{
    struct desk *d = c->d;
    uint32_t i, w = lab_random(DESK_WORKERS);

    if (d->w[w] == NULL)
        return;
    for (i = 0; i < d->n; i++) {
        struct ask *a = &d->asks[i];

        if (a->ticket == NULL || a->lim != d->w[w])
            continue;
        c->alive[c->client[i]]--;
        if (a->grants > 0 && !a->waiting_again && lab_random(2) == 0)
            note_sent(c, c->client[i], ms);
    }
    if (lab_random(2) == 0)
        desk_layout(d, w)->live.dirty = 1;
    desk_kill(d, w);
}

static void check_minutes(const int64_t *ms, uint32_t n, uint32_t limit)
{
    uint32_t i;

    for (i = limit; i < n; i++)
        CU_ASSERT_TRUE(ms[i] - ms[i - limit] >= 60000 + MARGIN_MS);
}

static bool is_quiet(int64_t ms)
{
    return ms > (RUN_S - 1200) * INT64_C(1000); /* so that use can be judged */
}

static void disturb(struct chaos *c, int64_t ms)
{
    uint32_t i;

    if (is_quiet(ms))
        return;
    if (lab_random(300) == 0)
        kill_one(c, ms);
    if (lab_random(6000) == 0)
        (void)unlink(desk_file(c->d));
    for (i = 0; i < DESK_WORKERS; i++)
        if (c->d->w[i] == NULL && lab_random(50) == 0)
            desk_open(c->d, i);
}

static void step(struct chaos *c, int64_t ms)
{
    struct desk *d = c->d;
    uint32_t i;

    d->now = LAB_T0 + ms * NS_PER_MS;
    write_some(c, ms);
    disturb(c, ms);
    for (i = 0; i < 2; i++)
        join_some(c);
    for (i = 0; i < DESK_WORKERS; i++)
        while (d->w[i] != NULL && limiter_turn(d->w[i], d->now) <= d->now)
            continue;
}

/* In a random run no client has more than its limit in any minute; in the
 * quiet last third what they leave is used up, and nothing is lost. */
static void no_minute_of_a_client_holds_more_than_its_limit(void)
{
    struct desk *d = desk_new(REQUESTS);
    struct chaos *c = calloc(1, sizeof(*c));
    uint32_t i, quiet[CLIENTS] = {0}, all = 0, k;
    int64_t ms;

    CHECK(c != NULL);
    c->d = d;
    d->set.rules[0].margin_ns = MARGIN_MS * NS_PER_MS;
    for (i = 0; i < DESK_WORKERS; i++)
        desk_open(d, i);
    for (ms = 0; ms < RUN_S * INT64_C(1000); ms += STEP_MS) {
        step(c, ms);
        if (ms % 10000 == 0 && d->w[0] != NULL && d->w[0]->file.lay != NULL &&
            d->w[0]->seat != NONE && desk_layout(d, 0)->live.dirty == 0)
            lab_recount(desk_layout(d, 0));
    }
    check_minutes(c->all_ms, c->n_all, REQUESTS);
    for (k = 0; k < CLIENTS; k++)
        if (limits[k] > 0)
            check_minutes(c->sent_ms[k], c->n_sent[k], limits[k]);
    for (k = 0; k < CLIENTS; k++) {
        for (i = 0; i < c->n_sent[k]; i++)
            quiet[k] += c->sent_ms[k][i] > (RUN_S - 600) * INT64_C(1000);
        all += quiet[k];
    }
    /* Ten minutes hold nine spans and a part; open ones and those that were
    * given back cost a little: they count from their grant. */
    CU_ASSERT_TRUE(all >= 260);
    CU_ASSERT_TRUE(quiet[0] >= 50);
    CU_ASSERT_TRUE(quiet[1] >= 25);
    CU_ASSERT_TRUE(quiet[3] > quiet[0] && quiet[2] > quiet[0]);
    for (i = 0; i < d->n; i++)
        CU_ASSERT_EQUAL(d->asks[i].refusals, 0);
    free(c);
    desk_free(d);
}

/* ---- what its owner is told -------------------------------------------------- */

static struct limiter_standing standing(struct desk *d, const char *client,
                                        uint32_t per_min)
{
    struct limiter_own_limits own = {.requests_per_min = per_min};
    struct limiter_standing st = {.waiting = 0};

    CU_ASSERT_TRUE(limiter_standing(d->w[1], client, &own, d->now, &st));
    return st;
}

static void its_owner_is_told_what_is_left(void)
{
    struct desk *d = desk_of(2, LOTS);
    struct limiter_standing st = standing(d, "a", 3);
    uint32_t i;

    CU_ASSERT_EQUAL(st.requests.used, 0);
    CU_ASSERT_EQUAL(st.requests.opens_ns, 0);
    for (i = 0; i < 4; i++) {
        (void)ask(d, 0, "a", 3);
        desk_turn(d);
        st = standing(d, "a", 3);
        CU_ASSERT_EQUAL(st.requests.used, i < 3 ? i + 1 : 3);
        CU_ASSERT_EQUAL(st.requests.opens_ns > 0, i >= 2);
    }
    CU_ASSERT_EQUAL(st.waiting, 1);
    CU_ASSERT_EQUAL(st.in_flight, 3);
    desk_finish(d);
    desk_pass(d, 20000);
    st = standing(d, "a", 3);
    CU_ASSERT_EQUAL(st.requests.opens_ns,
                    40 * NS_PER_S); /* of the one in line, too */
    CU_ASSERT_EQUAL(standing(d, "a", 9).requests.used,
                    3); /* as it is told so later */
    CU_ASSERT_EQUAL(standing(d, "a", 9).requests.opens_ns, 0);
    CU_ASSERT_EQUAL(standing(d, "a", 2).requests.used, 2);
    CU_ASSERT_EQUAL(standing(d, "a", 0).requests.used, 0);
    CU_ASSERT_EQUAL(standing(d, "nobody", 5).requests.used, 0);
    desk_free(d);
}

/* Nobody has written down what one without a limit has sent, but when the last was. */
static void a_limit_that_is_new_begins_full(void)
{
    struct desk *d = desk_of(2, LOTS);
    struct limiter_standing st = {.waiting = 0};
    struct ask *a;

    (void)ask(d, 0, "a", 0);
    (void)ask(d, 0, "b", 0);
    desk_turn(d);
    desk_finish(d);
    st = standing(d, "a", 5);
    CU_ASSERT_EQUAL(st.requests.used, 5);
    CU_ASSERT_EQUAL(st.requests.opens_ns, 60 * NS_PER_S);
    desk_pass(d, 45000);
    CU_ASSERT_EQUAL(standing(d, "a", 5).requests.opens_ns, 15 * NS_PER_S);
    a = ask(d, 0, "a", 5);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 0);
    CU_ASSERT_EQUAL(a->news.eta_ns, 15 * NS_PER_S);
    desk_pass(d, 15000);
    CU_ASSERT_EQUAL(a->grants, 1);
    CU_ASSERT_EQUAL(standing(d, "b", 5).requests.used, 0); /* idle since */
    a = ask(d, 0, "b", 5);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"others pass a client at its limit", others_pass_a_client_at_its_limit},
    {"what was not sent is not counted", what_was_not_sent_is_not_counted},
    {"the next slot is watched for by its worker",
     the_next_slot_is_watched_for_by_its_worker},
    {"the alarm is set while the window is full",
     the_alarm_is_set_while_the_window_is_full},
    {"ETAs are those of the own limit", etas_are_those_of_the_own_limit},
    {"what is left is of the tighter limit",
     what_is_left_is_of_the_tighter_limit},
    {"ETAs count from when the first can go",
     etas_count_from_when_the_first_can_go},
    {"a view tells who waits for its own limit",
     a_view_tells_who_waits_for_its_own_limit},
    {"a request is refused by its own limit's ETA",
     a_request_is_refused_by_its_own_limits_eta},
    {"a client has its own bound in line", a_client_has_its_own_bound_in_line},
    {"the newest limit holds", the_newest_limit_holds},
    {"a lost file brings no older limit back",
     a_lost_file_brings_no_older_limit_back},
    {"newer settings outdo a later request",
     newer_settings_outdo_a_later_request},
    {"a client in its minute keeps its row",
     a_client_in_its_minute_keeps_its_row},
    {"logs of clients leave the windows theirs",
     logs_of_clients_leave_the_windows_theirs},
    {"a send that was half written counts once",
     a_send_that_was_half_written_counts_once},
    {"a lost file makes a full minute", a_lost_file_makes_a_full_minute},
    {"a longer margin doubts what was forgotten",
     a_longer_margin_doubts_what_was_forgotten},
    {"noise is no limit", noise_is_no_limit},
    {"its owner is told what is left", its_owner_is_told_what_is_left},
    {"a limit that is new begins full", a_limit_that_is_new_begins_full},
    {"no minute of a client holds more than its limit",
     no_minute_of_a_client_holds_more_than_its_limit},
    {NULL, NULL},
};

CU_ErrorCode test_quota_add(void)
{
    return unit_add("quota", tests);
}
