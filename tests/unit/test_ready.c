/* Mirrors fcgi/pages/ready.c's thresholds and state/readiness.c. */
#include "fcgi/pages/ready.h"

#include <string.h>

#include "desk.h"
#include "fcgi/config/config.h"
#include "state/file/repair.h"
#include "state/readiness.h"

/* ---- thresholds ----------------------------------------------------------- */

static char key[] = "nvapi-x";

static struct config defaults(void)
{
    return (struct config){
        .n_upstreams = 2,
        .queue_timeout_ms = 100000,
        .ready_queue_percent = 90,
        .ready_tokens_percent = 5,
        .ready_probe_ms = 5000,
    };
}

/* All is well, with one upstream. */
static struct limiter_ready well(void)
{
    return (struct limiter_ready){
        .reachable = true,
        .status = 200,
        .waiting_max = 100,
        .n_upstreams = 1,
        .upstreams = {{.tokens_milli = 40000, .burst_milli = 40000}},
    };
}

static struct ready_verdict judge(const struct limiter_ready *st)
{
    struct config cfg = defaults();
    struct ready_verdict v;

    ready_judge(&v, st, &cfg, false);
    CU_ASSERT_EQUAL(v.ready, v.reachable && v.queue && v.tokens);
    CU_ASSERT_EQUAL(v.reason[0] == '\0', v.ready);
    return v;
}

static void when_all_is_well_we_are_ready(void)
{
    struct limiter_ready st = well();
    struct ready_verdict v = judge(&st);

    CU_ASSERT_TRUE(v.ready);
    CU_ASSERT_EQUAL(v.key, -1);
}

static void a_store_that_is_lost_makes_nobody_ready(void)
{
    struct limiter_ready st = well();
    struct config cfg = defaults();
    struct ready_verdict v;

    st.store = READY_STORE_UP;
    ready_judge(&v, &st, &cfg, false);
    CU_ASSERT_TRUE(v.ready);
    CU_ASSERT_EQUAL(v.store, 1);
    st.store = READY_STORE_LOST;
    ready_judge(&v, &st, &cfg, false);
    CU_ASSERT_FALSE(v.ready);
    CU_ASSERT_EQUAL(v.store, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(v.reason, "shared.url"));
}

static void an_upstream_must_answer_below_500(void)
{
    struct limiter_ready st = well();

    st.reachable = false;
    st.status = 503;
    CU_ASSERT_FALSE(judge(&st).reachable);
    CU_ASSERT_PTR_NOT_NULL(strstr(judge(&st).reason, "503"));
    st.status = 0;
    CU_ASSERT_FALSE(judge(&st).ready);
    CU_ASSERT_PTR_NOT_NULL(strstr(judge(&st).reason, "within 5 s"));
    strcpy(st.why, "nim: Could not resolve host: x"); /* known at once */
    CU_ASSERT_PTR_NOT_NULL(strstr(judge(&st).reason, "be reached: nim: Could"));
    CU_ASSERT_PTR_NULL(strstr(judge(&st).reason, "within"));
}

static void the_queue_must_be_below_nine_tenths(void)
{
    struct limiter_ready st = well();

    st.waiting = 89;
    CU_ASSERT_TRUE(judge(&st).queue);
    st.waiting = 90;
    CU_ASSERT_FALSE(judge(&st).queue);
    CU_ASSERT_PTR_NOT_NULL(strstr(judge(&st).reason, "90 of 100"));
    st.waiting_max = 0; /* no maximum */
    CU_ASSERT_TRUE(judge(&st).queue);
    st.waiting = 0;
    st.upstreams[0].eta_ns = 90 * NS_PER_S - NS_PER_MS;
    CU_ASSERT_TRUE(judge(&st).queue);
    st.upstreams[0].eta_ns = 90 * NS_PER_S;
    CU_ASSERT_FALSE(judge(&st).queue);
    st.upstreams[0].eta_ns = -1; /* nobody knows */
    CU_ASSERT_TRUE(judge(&st).queue);
}

/* There nobody waits: each new request is refused at once. */
static void an_upstream_must_be_paid(void)
{
    struct limiter_ready st = well();

    st.upstreams[0].held = true;
    st.upstreams[0].cause = EJECTED_UNPAID;
    CU_ASSERT_FALSE(judge(&st).queue);
    CU_ASSERT_PTR_NOT_NULL(strstr(judge(&st).reason, "402"));
    st.upstreams[0].cause = EJECTED_KEY;
    CU_ASSERT_PTR_NOT_NULL(strstr(judge(&st).reason, "refuses our key"));
    st.upstreams[0].cause = EJECTED_AWAY;
    CU_ASSERT_PTR_NOT_NULL(strstr(judge(&st).reason, "be reached"));
    st.n_upstreams = 2;
    st.upstreams[1] = well().upstreams[0];
    CU_ASSERT_TRUE(judge(&st).ready);
    st.upstreams[1].eta_ns = 90 * NS_PER_S; /* and the paid one is slow */
    CU_ASSERT_FALSE(judge(&st).ready);
    CU_ASSERT_PTR_NOT_NULL(strstr(judge(&st).reason, "queue.timeout_s"));
}

static void the_bucket_must_hold_more_than_a_twentieth(void)
{
    struct limiter_ready st = well();

    st.upstreams[0].tokens_milli = 2001;
    CU_ASSERT_TRUE(judge(&st).tokens);
    st.upstreams[0].tokens_milli = 2000;
    CU_ASSERT_FALSE(judge(&st).tokens);
    st.upstreams[0].tokens_milli = -5000; /* claims on more than there is */
    CU_ASSERT_FALSE(judge(&st).tokens);
    st.upstreams[0].burst_milli = 0; /* no capacity */
    CU_ASSERT_FALSE(judge(&st).tokens);
}

static void of_several_upstreams_any_one_suffices(void)
{
    struct limiter_ready st = well();

    st.n_upstreams = 2;
    st.upstreams[1] = st.upstreams[0];
    st.upstreams[0].tokens_milli = 0;
    st.upstreams[1].eta_ns = 1000 * NS_PER_S;
    CU_ASSERT_TRUE(judge(&st).ready);
    st.upstreams[0].eta_ns = 1000 * NS_PER_S;
    CU_ASSERT_FALSE(judge(&st).queue);
    st.n_upstreams = UINT32_MAX; /* whatever it says */
    CU_ASSERT_FALSE(judge(&st).queue);
}

static void with_no_key_that_is_of_use_we_are_not(void)
{
    struct config cfg = defaults();
    struct limiter_ready st = well();
    struct ready_verdict v;

    cfg.upstreams[0].api_key = key;
    ready_judge(&v, &st, &cfg, false);
    CU_ASSERT_EQUAL(v.key, -1); /* nobody has said */
    CU_ASSERT_TRUE(v.ready);
    st.upstreams[0].key = KEY_ACCEPTED;
    ready_judge(&v, &st, &cfg, false);
    CU_ASSERT_EQUAL(v.key, 1);
    st.upstreams[0].key = KEY_REFUSED;
    st.upstreams[0].key_status = 403;
    ready_judge(&v, &st, &cfg, false);
    CU_ASSERT_EQUAL(v.key, 0);
    CU_ASSERT_FALSE(v.ready);
    CU_ASSERT_TRUE(v.reachable && v.queue && v.tokens);
    CU_ASSERT_PTR_NOT_NULL(strstr(v.reason, "refuses our key (status 403)"));
    st.n_upstreams = 2;
    st.upstreams[1] = well().upstreams[0];
    cfg.upstreams[1].api_key = key; /* one more, which may be taken */
    ready_judge(&v, &st, &cfg, false);
    CU_ASSERT_EQUAL(v.key, -1);
    CU_ASSERT_TRUE(v.ready);
    st.upstreams[1].key = KEY_REFUSED;
    ready_judge(&v, &st, &cfg, false);
    CU_ASSERT_FALSE(v.ready);
    cfg.upstreams[1].api_key = NULL; /* there each client has its own */
    ready_judge(&v, &st, &cfg, false);
    CU_ASSERT_EQUAL(v.key, 0);
    CU_ASSERT_TRUE(v.ready);
    cfg.upstreams[0].api_key = NULL;
    ready_judge(&v, &st, &cfg, false);
    CU_ASSERT_EQUAL(v.key, -1);
    CU_ASSERT_STRING_EQUAL(v.reason, "");
}

static void while_all_is_paused_we_are_not(void)
{
    struct config cfg = defaults();
    struct limiter_ready st = well();
    struct ready_verdict v;

    ready_judge(&v, &st, &cfg, true);
    CU_ASSERT_FALSE(v.ready);
    CU_ASSERT_TRUE(v.paused && v.reachable && v.queue && v.tokens);
    CU_ASSERT_PTR_NOT_NULL(strstr(v.reason, "paused"));
    st.reachable = false; /* an operator's will is told first */
    ready_judge(&v, &st, &cfg, true);
    CU_ASSERT_FALSE(v.reachable);
    CU_ASSERT_PTR_NOT_NULL(strstr(v.reason, "paused"));
}

/* ---- one probe for all -------------------------------------------------------- */

static const struct limiter_probe_times times = {5 * NS_PER_S,
                                                 5500 * NS_PER_MS};

static void say_of_key(struct ask *a, enum key_word word)
{
    struct limiter_report rep = {.answer = ANSWER_FINE,
                                 .retry_after_ns = -1,
                                 .key = word,
                                 .key_status = 401,
                                 .tokens_left = -1};

    limiter_report(a->lim, a->ticket, &rep);
}

static struct limiter_ready look(struct desk *d, uint32_t worker)
{
    struct limiter_ready st;

    CU_ASSERT_TRUE_FATAL(limiter_ready(d->w[worker], &times, d->now, &st));
    lab_recount(desk_layout(d, worker));
    return st;
}

static struct desk *two(void)
{
    struct desk *d = desk_new(40);

    desk_open(d, 0);
    desk_open(d, 1);
    return d;
}

static void who_asks_first_probes_for_all(void)
{
    struct desk *d = two();
    struct limiter_ready st;

    d->now += NS_PER_S; /* nothing has happened since they came */
    CU_ASSERT_EQUAL(look(d, 0).probe, PROBE_OURS);
    d->now -= NS_PER_MS; /* the step of another worker began before that */
    CU_ASSERT_EQUAL(look(d, 1).probe, PROBE_OTHERS);
    d->now += NS_PER_MS;
    CU_ASSERT_TRUE(
        limiter_probed(d->w[1], false, 503, "", d->now)); /* not its */
    CU_ASSERT_EQUAL(look(d, 1).probe, PROBE_OTHERS);
    d->now += NS_PER_S;
    CU_ASSERT_TRUE(limiter_probed(d->w[0], true, 404, "", d->now));
    d->now -= NS_PER_MS;
    CU_ASSERT_EQUAL(look(d, 1).probe, PROBE_KNOWN);
    d->now += NS_PER_MS;
    st = look(d, 1);
    CU_ASSERT_EQUAL(st.probe, PROBE_KNOWN);
    CU_ASSERT_TRUE(st.reachable);
    CU_ASSERT_EQUAL(st.status, 404);
    d->now += 5 * NS_PER_S - 1;
    CU_ASSERT_EQUAL(look(d, 0).probe, PROBE_KNOWN);
    d->now++;
    CU_ASSERT_EQUAL(look(d, 1).probe, PROBE_OURS);
    CU_ASSERT_TRUE(limiter_probed(d->w[1], false, 0, "nobody there", d->now));
    st = look(d, 0);
    CU_ASSERT_EQUAL(st.probe, PROBE_KNOWN);
    CU_ASSERT_FALSE(st.reachable);
    CU_ASSERT_STRING_EQUAL(st.why, "nobody there");
    desk_free(d);
}

static void a_dead_or_stopped_prober_holds_up_nobody(void)
{
    struct desk *d = two();

    CU_ASSERT_EQUAL(look(d, 0).probe, PROBE_OURS);
    desk_kill(d, 0);
    CU_ASSERT_EQUAL(look(d, 1).probe, PROBE_OURS); /* at once, unswept */
    desk_open(d, 0);
    CU_ASSERT_EQUAL(look(d, 0).probe, PROBE_OTHERS);
    d->now += times.lease_ns - 1; /* it is stopped */
    CU_ASSERT_EQUAL(look(d, 0).probe, PROBE_OTHERS);
    d->now++;
    CU_ASSERT_EQUAL(look(d, 0).probe, PROBE_OURS);
    CU_ASSERT_TRUE(
        limiter_probed(d->w[1], false, 0, "", d->now)); /* too late */
    CU_ASSERT_EQUAL(look(d, 1).probe, PROBE_OTHERS);
    limiter_close(d->w[0]);
    d->w[0] = NULL;
    CU_ASSERT_EQUAL(desk_layout(d, 1)->probe.owner, 0);
    CU_ASSERT_EQUAL(look(d, 1).probe, PROBE_OURS);
    desk_free(d);
}

static void noise_in_the_lease_hurts_nobody(void)
{
    struct desk *d = two();
    struct lay_reachability *p = &desk_layout(d, 0)->probe;
    int i;

    for (i = 0; i < 300; i++) {
        unsigned char *bytes = (unsigned char *)p;
        struct limiter_ready st;
        uint32_t k;

        for (k = 0; k < sizeof(*p); k++)
            bytes[k] = (unsigned char)lab_random(lab_random(2) ? 256 : 3);
        st = look(d, lab_random(2));
        CU_ASSERT_TRUE(st.probe <= PROBE_OTHERS);
        if (lab_random(2))
            repair_run(desk_layout(d, 0), d->now);
    }
    memset(p, 0, sizeof(*p));
    p->owner = UINT32_MAX;
    CU_ASSERT_EQUAL(look(d, 0).probe, PROBE_OURS);
    p->lease_ns = INT64_MAX; /* for ever */
    CU_ASSERT_EQUAL(look(d, 1).probe, PROBE_OURS);
    p->known = 2;
    p->known_ns = INT64_MAX;
    CU_ASSERT_NOT_EQUAL(look(d, 1).probe, PROBE_KNOWN);
    repair_run(desk_layout(d, 0), d->now);
    CU_ASSERT_EQUAL(p->known, 0);
    desk_free(d);
}

static void what_the_limiter_knows_of_itself(void)
{
    struct desk *d = two();
    struct limiter_ready st;
    struct ask *a;
    int i;

    d->set.bounds.waiting = 500;
    limiter_set(d->w[0], &d->set);
    limiter_set(d->w[1], &d->set);
    for (i = 0; i < 50; i++)
        (void)desk_ask(d, 0, NULL);
    desk_turn(d);
    st = look(d, 1);
    CU_ASSERT_EQUAL(st.n_upstreams, 1);
    CU_ASSERT_FALSE(st.upstreams[0].held);
    CU_ASSERT_EQUAL(st.waiting, 10);
    CU_ASSERT_EQUAL(st.waiting_max, 500);
    CU_ASSERT_EQUAL(st.upstreams[0].tokens_milli, 0);
    CU_ASSERT_EQUAL(st.upstreams[0].burst_milli, 40000);
    CU_ASSERT_EQUAL(st.upstreams[0].eta_ns, 60 * NS_PER_S);
    a = &d->asks[0];
    desk_sent(a);
    say_of_key(a, KEY_REFUSED);
    desk_done(a, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(look(d, 1).upstreams[0].key, KEY_REFUSED);
    a = &d->asks[1];
    desk_sent(a);
    desk_report(a, ANSWER_FINE, -1); /* says nothing of the key */
    desk_done(a, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(look(d, 1).upstreams[0].key, KEY_REFUSED);
    a = &d->asks[2];
    desk_sent(a);
    desk_report(a, ANSWER_UNPAID, 1000);
    desk_done(a, false);
    a = &d->asks[3];
    desk_sent(a);
    say_of_key(a, KEY_ACCEPTED); /* begun before the hold */
    desk_done(a, false);
    desk_turn(d);
    st = look(d, 1);
    CU_ASSERT_EQUAL(st.upstreams[0].key, KEY_ACCEPTED);
    CU_ASSERT_EQUAL(st.upstreams[0].eta_ns, 300 * NS_PER_S);
    CU_ASSERT_TRUE(st.upstreams[0].held);
    CU_ASSERT_EQUAL(st.upstreams[0].cause, EJECTED_UNPAID);
    desk_free(d);
}

static void without_a_state_there_is_no_answer(void)
{
    struct desk *d = two();
    struct limiter_ready st;

    desk_layout(d, 0)->live.dirty = 1; /* somebody died just now */
    CU_ASSERT_FALSE(limiter_ready(d->w[0], &times, d->now, &st));
    CU_ASSERT_FALSE(limiter_probed(d->w[0], true, 200, "", d->now));
    desk_turn(d);
    CU_ASSERT_EQUAL(look(d, 0).probe, PROBE_OURS);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"when all is well we are ready", when_all_is_well_we_are_ready},
    {"a store that is lost makes nobody ready",
     a_store_that_is_lost_makes_nobody_ready},
    {"an upstream must answer below 500", an_upstream_must_answer_below_500},
    {"the queue must be below nine tenths",
     the_queue_must_be_below_nine_tenths},
    {"an upstream must be paid", an_upstream_must_be_paid},
    {"the bucket must hold more than a twentieth",
     the_bucket_must_hold_more_than_a_twentieth},
    {"of several upstreams any one suffices",
     of_several_upstreams_any_one_suffices},
    {"with no key that is of use we are not",
     with_no_key_that_is_of_use_we_are_not},
    {"while all is paused we are not", while_all_is_paused_we_are_not},
    {"who asks first probes for all", who_asks_first_probes_for_all},
    {"a dead or stopped prober holds up nobody",
     a_dead_or_stopped_prober_holds_up_nobody},
    {"noise in the lease hurts nobody", noise_in_the_lease_hurts_nobody},
    {"what the limiter knows of itself", what_the_limiter_knows_of_itself},
    {"without a state there is no answer", without_a_state_there_is_no_answer},
    {NULL, NULL},
};

CU_ErrorCode test_ready_add(void)
{
    return unit_add("ready", tests);
}
