/*
 * check.c - the models against figures that can be had by hand.
 *
 * What measures a policy must itself be right: each kind of limit alone, then
 * the oracle before it, which has to get every answer there is and no refusal.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "lib/base.h"
#include "run.h"

#define S NS_PER_S
#define W (60 * S)

static uint32_t n_passed, n_failed;

static void equal(const char *what, int64_t want, int64_t is)
{
    n_passed += is == want;
    n_failed += is != want;
    if (is != want)
        printf("FAIL %s: %lld, not %lld\n", what, (long long)is,
               (long long)want);
}

/* ---- kinds ------------------------------------------------------------------- */

/* N hits at T: how many pass? */
static uint32_t hits(struct limit *l, uint32_t n, int64_t t)
{
    uint32_t passed = 0;

    while (n-- > 0)
        passed += limit_take(l, t);
    return passed;
}

static struct limit limit_of_kind(enum limit_kind kind, uint32_t size,
                                  uint32_t burst)
{
    struct limit_spec spec = {kind, size, W, burst};
    struct limit l;

    limit_init(&l, &spec, 0);
    return l;
}

static void check_fixed(void)
{
    struct limit l = limit_of_kind(LIMIT_FIXED, 3, 0);

    equal("fixed: a window's", 3, hits(&l, 5, 10 * S));
    equal("fixed: it opens anew", 70 * S, limit_opens_ns(&l, 20 * S));
    equal("fixed: not before", 0, hits(&l, 1, 70 * S - 1));
    equal("fixed: then all, whatever was refused", 3, hits(&l, 4, 70 * S));
    l = limit_of_kind(LIMIT_CLOCK, 3, 0);
    equal("clock: a window's", 3, hits(&l, 4, 50 * S));
    equal("clock: from the full minute on", 3, hits(&l, 4, 60 * S));
}

static void check_sliding(void)
{
    struct limit l = limit_of_kind(LIMIT_SLIDING, 2, 0);

    equal("sliding: both", 2, hits(&l, 1, 0) + hits(&l, 2, 30 * S));
    equal("sliding: when the first is a window old", W,
          limit_opens_ns(&l, 40 * S));
    equal("sliding: one then", 1, hits(&l, 2, W));
    limit_fini(&l);
    l = limit_of_kind(LIMIT_SLIDING_ALL, 2, 0);
    equal("counting refused ones: both", 2, hits(&l, 3, 0));
    equal("counting refused ones: they prolong it", 0,
          hits(&l, 2, 50 * S) + hits(&l, 1, W));
    equal("counting refused ones: until they are old", 111 * S,
          limit_opens_ns(&l, 61 * S) + S);
    limit_fini(&l);
}

static void check_bucket(void)
{
    struct limit l = limit_of_kind(LIMIT_BUCKET, 20, 5);

    equal("bucket: its burst", 5, hits(&l, 9, 0));
    equal("bucket: one in three seconds", 3 * S, limit_opens_ns(&l, 0));
    equal("bucket: four in twelve", 4, hits(&l, 9, 12 * S));
    equal("bucket: no more than its burst", 5, hits(&l, 9, 10 * W));
}

static void check_ledger(void)
{
    struct ledger l;

    ledger_init(&l, W);
    ledger_add(&l, 7, 0);
    ledger_add(&l, 5, 30 * S);
    equal("ledger: both", 12, (int64_t)ledger_sum(&l, W - 1));
    equal("ledger: the first is gone", W, ledger_falls_ns(&l, 5, 40 * S));
    equal("ledger: and the second", 90 * S, ledger_falls_ns(&l, 4, 40 * S));
    equal("ledger: it has fallen", 40 * S, ledger_falls_ns(&l, 12, 40 * S));
    ledger_add(&l, 1, W);
    equal("ledger: what is a window old counts no more", 6,
          (int64_t)ledger_sum(&l, W));
    equal("ledger: the most there was", 12, (int64_t)l.most);
    ledger_fini(&l);
}

static void check_at_once(void)
{
    struct limit l = limit_of_kind(LIMIT_AT_ONCE, 2, 0);

    equal("at once: two", 2, hits(&l, 3, 0));
    limit_release(&l);
    equal("at once: one for one", 1, hits(&l, 2, W));
    l = limit_of_kind(LIMIT_FIXED, 0, 0);
    equal("of size 0: none", 0, hits(&l, 3, 0));
    equal("of size 0: never", NEVER, limit_opens_ns(&l, 0));
}

/* ---- an upstream --------------------------------------------------------------- */

static uint32_t fine(struct upstream *u, int model, uint32_t n, int64_t now)
{
    const struct hit hit = {.model = model};
    uint32_t passed = 0;

    while (n-- > 0)
        passed += upstream_hit(u, &hit, now).say == SAY_FINE;
    return passed;
}

static void check_upstream(void)
{
    static const struct upstream_spec both = {
        .limits = {{.limit = {LIMIT_FIXED, 10, W, 0}, .of = OF_ACCOUNT},
                   {.limit = {LIMIT_AT_ONCE, 2, 0, 0},
                    .of = 0,
                    .says = SAY_BUSY}},
        .outage = {W, 2 * W, SAY_FINE}};
    static const struct hit poisoned = {.model = 1, .poisoned = true};
    struct upstream u;

    upstream_init(&u, &both, W, 1, 0);
    equal("two of the capped model", 2, fine(&u, 0, 4, 0));
    equal("what it refused was counted", 6, upstream_left(&u, OF_ACCOUNT, 0));
    equal("the other model has the rest", 6, fine(&u, 1, 9, 0));
    equal("a poisoned one never passes", SAY_RATE,
          upstream_hit(&u, &poisoned, 0).say);
    equal("nothing while it is out", 0, fine(&u, 1, 1, W));
    equal("and then again", 10, fine(&u, 1, 11, 2 * W));
    upstream_fini(&u);
}

static bool passes(struct upstream *u, uint32_t tokens, int64_t now)
{
    const struct hit hit = {.tokens = tokens};

    return upstream_hit(u, &hit, now).say == SAY_FINE;
}

static void check_tokens(void)
{
    static const struct upstream_spec spec = {.tokens = {1000, W}};
    struct upstream u;

    upstream_init(&u, &spec, W, 1, 0);
    equal("tokens: the last one before the limit counts whole", 2,
          passes(&u, 999, 0) + passes(&u, 700, S) + passes(&u, 1, S));
    equal("tokens: none is left", 0, passes(&u, 1, W - 1));
    equal("tokens: of those that are a window old", 1, passes(&u, 300, W));
    equal("tokens: and now it is full again", 0, passes(&u, 1, W));
    equal("tokens: the most", 1699, (int64_t)u.tokens.most);
    upstream_fini(&u);
}

static void check_away(void)
{
    static const struct upstream_spec spec = {.outage = {0, W, SAY_AWAY}};
    struct upstream u;

    upstream_init(&u, &spec, W, 1, 0);
    equal("nobody is there", 0, passes(&u, 1, W - 1));
    equal("so nothing was sent", 0, (int64_t)u.sends.most);
    equal("and then somebody is", 1, passes(&u, 1, W));
    upstream_fini(&u);
}

static void check_sizes(void)
{
    uint32_t i, aborted = 0, within = 0, bounded = 0;
    double sum = 0;

    for (i = 0; i < 10000; i++) {
        struct size s = size_of(1, i % 100, i / 100, BOUND_NEAR);

        within += s.in >= 50 && s.in <= 2000 && s.out >= 5 && s.out <= 1500 &&
                  s.prompt_bytes >= 3 * s.in && s.prompt_bytes <= 5 * s.in;
        bounded += s.max_tokens >= s.out && s.max_tokens <= SIZES_OUT_MAX;
        aborted += s.is_aborted;
        sum += s.in + s.out;
    }
    equal("sizes are as said", 10000, within);
    equal("a bound is one", 10000, bounded);
    equal("a tenth is aborted, about", 1, aborted > 900 && aborted < 1100);
    /* 1,950 / ln 40 and 1,490 / ln 150, of a tenth half of it. */
    equal("their mean", 1, sum > 7930000 && sum < 8280000);
}

static void check_luck(void)
{
    static const struct upstream_spec shedding = {
        .shed = {100, OF_ACCOUNT, SAY_RATE}};
    struct upstream u;
    uint32_t n;

    upstream_init(&u, &shedding, W, 7, 0);
    n = fine(&u, 0, 10000, 0);
    equal("a tenth is shed, about", 1, n > 8900 && n < 9100);
    upstream_fini(&u);
}

/* ---- the oracle ------------------------------------------------------------------ */

static struct score run_of(const char *name, const struct policy *p,
                           uint64_t seed)
{
    const struct row *r = row_named(name);
    struct row row;
    struct score s;

    CHECK(r != NULL);
    row = row_whole(r);

    run_row(&row, p, seed, &s);
    return s;
}

static void check_windows(const char *name, uint32_t each)
{
    struct score s = run_of(name, &policy_oracle, 1);
    uint32_t w, right = 0;

    for (w = 0; w < 20; w++)
        right += s.passed_in[w] == each;
    equal(name, 20, right);
    equal(name, 0, s.refused);
}

static void check_oracle(void)
{
    static const char capped[] = "4 workers of 1 s, beside a free model";
    struct score s;

    check_windows("fixed 40", 40);
    check_windows("fixed 5", 5);
    check_windows("sliding 20", 20);
    check_windows("sliding 20, refused ones count", 20);
    check_windows("each of two models 10", 20);
    s = run_of("bucket 20 a minute, of 5", &policy_oracle, 1);
    /* Its first is asked for within the first moments. */
    equal("bucket: a burst, and one each 3 s", 1,
          s.passed >= 404 && s.passed <= 405);
    s = run_of(capped, &policy_oracle, 1);
    equal("the capped model has its share", 400, s.by_model[0]);
    equal("and the free one", 400, s.by_model[1]);
    check_windows("40 and 20", 60);
    s = run_of("40 and 40, one bears 2 of 6 s at once", &policy_oracle, 1);
    equal("a model's 2 at once for 6 s are 20 a window", 1,
          s.passed >= 20 * 58 && s.passed <= 20 * 60);
    s = run_of("10,000 tokens, no max_tokens", &policy_oracle_tokens, 1);
    equal("tokens: never too many, and none refused", 1,
          s.most <= 100 && s.most > 99 && s.refused == 0);
    s = run_of("4 workers of 12 s, alone", &policy_oracle, 1);
    equal("workers are never idle", 1, s.passed >= 396 && s.passed <= 400);
}

/* In all that is counted, and to the nanosecond. */
static bool is_same(const struct score *a, const struct score *b)
{
    return a->passed == b->passed && a->refused == b->refused &&
           a->done == b->done && a->wait_ns == b->wait_ns &&
           a->eta_p50_ns == b->eta_p50_ns && a->eta_p90_ns == b->eta_p90_ns &&
           a->finished_ns == b->finished_ns &&
           memcmp(a->passed_in, b->passed_in, sizeof(a->passed_in)) == 0 &&
           memcmp(a->refused_in, b->refused_in, sizeof(a->refused_in)) == 0 &&
           memcmp(a->by_client, b->by_client, sizeof(a->by_client)) == 0;
}

/* The same seed, the same run: ours, in particular, asks no clock. */
static void check_repeats(const char *row, const struct policy *p)
{
    struct score a = run_of(row, p, 3);
    struct score b = run_of(row, p, 3);
    struct score c = run_of(row, p, 4);

    equal(p->name, 1, is_same(&a, &b));
    equal("another seed is another run", 0, is_same(&a, &c));
}

void check_models(uint32_t *passed, uint32_t *failed)
{
    static const char shed[] = "shed 10 %";

    check_fixed();
    check_sliding();
    check_bucket();
    check_at_once();
    check_ledger();
    check_upstream();
    check_tokens();
    check_away();
    check_sizes();
    check_luck();
    check_oracle();
    check_repeats(shed, &policy_sluice);
    check_repeats(shed, &policy_cubic);
    check_repeats(shed, &policy_aimd);
    check_repeats(shed, &policy_backoff);
    check_repeats("40 and 40, one sheds 10 %", &policy_sluice);
    check_repeats("40 and 40, one sheds 10 %", &policy_in_turn);
    check_repeats("40 and 40, one sheds 10 %", &policy_first_fit);
    check_repeats("10,000 tokens, no max_tokens", &policy_sluice);
    *passed += n_passed;
    *failed += n_failed;
}
