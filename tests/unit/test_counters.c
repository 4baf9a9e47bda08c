/* Mirrors state/stats/counters.c, figures.c, upstream_sends.c, recent.c, sums.c
 * and state/completions.c, and
 * what the limiter shows of it. */
#include "state/stats/counters.h"

#include <string.h>

#include "desk.h"
#include "state/file/repair.h"
#include "state/policy/names.h"
#include "state/policy/naming.h"
#include "state/stats.h"
#include "state/stats/figures.h"
#include "state/stats/recent.h"
#include "state/stats/sums.h"
#include "state/stats/upstream_sends.h"
#include "state/view.h"

static struct limiter_note note_of(const char *model, enum outcome outcome)
{
    struct limiter_note n = {
        .outcome = outcome,
        .upstreamed = true,
        .status = outcome == OUTCOME_OK ? 200 : 500,
        .granted = true,
        .cls = CLASS_NORMAL,
        .at_ms = 1700000000000,
        .attempts = 1,
        .queue_ns = 2 * NS_PER_S,
        .first_byte_ns = NS_PER_S,
        .generation_ns = 3 * NS_PER_S,
        .total_ns = 6 * NS_PER_S,
        .speed_milli = 40000,
        .prompt_bytes = 1000,
        .tokens_in = 7,
        .tokens_out = 11,
        .route = "chat",
        .client = "c",
        .id = "r",
    };

    snprintf(n.model, sizeof(n.model), "%s", model);
    limiter_provider_of(model, n.provider);
    return n;
}

/* Of nobody whose name is known. */
static void add(struct stats_layout *st, const struct limiter_note *n)
{
    const struct figures_of nobody = {NONE, NONE, NONE, "", ""};

    counters_note(st, n, &nobody, LAB_T0);
}

static void note(struct stats_layout *st, const char *model,
                 enum outcome outcome)
{
    struct limiter_note n = note_of(model, outcome);

    add(st, &n);
}

/* As completions.c does it. */
static void note_known(struct layout *lay, struct stats_layout *st,
                       const struct limiter_note *n)
{
    const struct figures_of who = {names_find_client(lay, n->client),
                                   names_find_model(lay, 0, n->model), 0,
                                   n->client, n->model};

    counters_note(st, n, &who, LAB_T0);
}

/* ---- bounds ------------------------------------------------------------------ */

static void codes_and_routes_are_bounded(void)
{
    struct stats_layout *st = lab_stats();
    const struct lay_route *r = st->tally.sums.routes;
    struct limiter_note n = note_of("a/b", OUTCOME_OK);
    uint64_t sum = 0;
    uint32_t i;

    for (i = 0; i < 500; i++) {
        n.status = (uint16_t)(100 + i);
        add(st, &n);
    }
    for (i = 0; i < TALLY_CODES; i++)
        sum += r->codes[i].n;
    CU_ASSERT_EQUAL(sum, TALLY_CODES);
    CU_ASSERT_EQUAL(r->other, 500 - TALLY_CODES);
    for (i = 1; i < 100; i++) {
        snprintf(n.route, sizeof(n.route), "route-%u", i);
        add(st, &n);
    }
    CU_ASSERT_STRING_EQUAL(r[TALLY_ROUTES - 1].name, "route-23");
    CU_ASSERT_EQUAL(r[TALLY_ROUTES].name[0], '\0');
    CU_ASSERT_EQUAL(r[TALLY_ROUTES].codes[0].n, 100 - TALLY_ROUTES);
    free(st);
}

/* A pair has a row, and what finds none the last. */
static void stand_ins_are_bounded(void)
{
    struct stats_layout *st = lab_stats();
    struct lay_stand_in *p = st->tally.sums.stand_ins;
    struct limiter_note n = note_of("b/c", OUTCOME_OK);
    uint32_t i;

    add(st, &n); /* it is what was asked for */
    CU_ASSERT_EQUAL(p[0].asked[0], '\0');
    for (i = 0; i < 20; i++) {
        snprintf(n.asked, sizeof(n.asked), "m%u", i);
        add(st, &n);
        add(st, &n);
    }
    CU_ASSERT_STRING_EQUAL(p[0].asked, "m0");
    CU_ASSERT_STRING_EQUAL(p[0].served, "b/c");
    CU_ASSERT_EQUAL(p[0].n, 2);
    CU_ASSERT_STRING_EQUAL(p[TALLY_STAND_INS - 1].asked, "m15");
    CU_ASSERT_EQUAL(p[TALLY_STAND_INS].n, 2 * (20 - TALLY_STAND_INS));
    CU_ASSERT_EQUAL(p[TALLY_STAND_INS].asked[0], '\0');
    snprintf(n.model, sizeof(n.model), "d");
    snprintf(n.asked, sizeof(n.asked), "m0");
    add(st, &n); /* another pair */
    CU_ASSERT_EQUAL(p[0].n, 2);
    free(st);
}

/* Behind the first that no worker wrote all are gone. */
static void odd_pairs_are_dropped(void)
{
    static const char *const odd[] = {"", "a\nb", "\xff", "m1"};
    struct limiter_note n = note_of("b/c", OUTCOME_OK);
    size_t i, k;

    for (i = 0; i < ARRAY_LEN(odd); i++) {
        struct stats_layout *st = lab_stats();
        struct lay_stand_in *p = st->tally.sums.stand_ins;

        for (k = 1; k < 5; k++) {
            snprintf(n.asked, sizeof(n.asked), "m%zu", k);
            add(st, &n);
        }
        snprintf(p[2].asked, sizeof(p[2].asked), "%s", odd[i]);
        counters_rebuild(st);
        CU_ASSERT_STRING_EQUAL(p[1].asked, "m2");
        CU_ASSERT_EQUAL(p[1].n, 1);
        CU_ASSERT_TRUE(p[2].asked[0] == '\0' && p[2].n == 0);
        CU_ASSERT_TRUE(p[3].asked[0] == '\0' && p[3].served[0] == '\0');
        memset(p[1].served, 'x', sizeof(p[1].served)); /* without an end */
        counters_rebuild(st);
        CU_ASSERT_EQUAL(p[1].served[0], '\0');
        CU_ASSERT_EQUAL(p[0].n, 1);
        free(st);
    }
}

static void a_note_of_a_local_page_counts_its_route_alone(void)
{
    struct stats_layout *st = lab_stats();
    struct limiter_note n = note_of("", OUTCOME_OK);

    n.upstreamed = false;
    n.reason = REASON_NOT_FOUND;
    add(st, &n);
    CU_ASSERT_EQUAL(st->tally.sums.routes[0].codes[0].n, 1);
    CU_ASSERT_EQUAL(st->tally.sums.reasons[REASON_NOT_FOUND], 1);
    CU_ASSERT_EQUAL(st->tally.sums.requests, 0);
    CU_ASSERT_EQUAL(st->tally.sums.outcomes[OUTCOME_OK], 0);
    CU_ASSERT_EQUAL(st->tally.n_recent, 0);
    free(st);
}

/* ---- providers ------------------------------------------------------------------ */

static void only_tame_names_are_publishers(void)
{
    static const struct {
        const char *model, *provider;
    } rows[] = {
        {"meta/llama", "meta"},
        {"01-ai/yi", "01-ai"},
        {"a.b_C-9/x/y", "a.b_C-9"},
        {"llama", ""},
        {"/llama", ""},
        {"", ""},
        {"a b/c", ""},
        {"a\"b/c", ""},
        {"a\nb/c", ""},
        {"a\\b/c", ""},
        {"\xc3\xa9/c", ""},
        {"a{b=\"c\"}/d", ""},
        {"1234567890123456789012345678901/x",
         "1234567890123456789012345678901"},
        {"12345678901234567890123456789012/x", ""},
    };
    char out[LIMITER_PROVIDER_MAX];
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        limiter_provider_of(rows[i].model, out);
        CU_ASSERT_STRING_EQUAL(out, rows[i].provider);
    }
}

static void a_publisher_is_admitted_by_its_first_success(void)
{
    struct stats_layout *st = lab_stats();
    struct lay_provider *p = st->tally.sums.providers;
    struct limiter_attempt a = {
        NS_PER_S, NS_PER_S, UPSTREAM_SERVER, true, false, "meta", 0};

    counters_attempt(st, &a);
    note(st, "meta/x", OUTCOME_UPSTREAM_ERROR);
    CU_ASSERT_EQUAL(p[0].name[0], '\0');
    CU_ASSERT_EQUAL(p[TALLY_PROVIDERS].errors[UPSTREAM_SERVER], 1);
    CU_ASSERT_EQUAL(p[TALLY_PROVIDERS].tokens_out, 11);
    CU_ASSERT_EQUAL(st->tally.sums.retries[UPSTREAM_SERVER], 1);
    a.error = UPSTREAM_FINE;
    a.fine = true;
    counters_attempt(st, &a);
    CU_ASSERT_STRING_EQUAL(p[0].name, "meta");
    CU_ASSERT_EQUAL(p[0].first_byte.n[5], 1);
    note(st, "meta/y", OUTCOME_UPSTREAM_ERROR);
    CU_ASSERT_EQUAL(p[0].tokens_out, 11);
    note(st, "other/y", OUTCOME_OK);
    note(st, "llama", OUTCOME_OK);
    CU_ASSERT_EQUAL(p[1].name[0], '\0');
    free(st);
}

static void there_are_no_more_providers_than_rows(void)
{
    struct stats_layout *st = lab_stats();
    struct lay_provider *p = st->tally.sums.providers;
    char name[32];
    uint32_t i;

    for (i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "p%u/m", i);
        note(st, name, OUTCOME_OK);
    }
    CU_ASSERT_STRING_EQUAL(p[TALLY_PROVIDERS - 1].name, "p31");
    CU_ASSERT_EQUAL(p[TALLY_PROVIDERS].name[0], '\0');
    CU_ASSERT_EQUAL(p[TALLY_PROVIDERS].tokens_in, 7 * (10000 - 32));
    note(st, "p31/other", OUTCOME_OK);
    CU_ASSERT_EQUAL(p[TALLY_PROVIDERS - 1].tokens_in, 14);
    free(st);
}

/* ---- figures ---------------------------------------------------------------------- */

static void a_busy_name_is_counted_for_years(void)
{
    struct layout *lay = lab_new();
    struct stats_layout *st = lab_stats();
    uint32_t i = naming_model(lay, 0, "a/b", LAB_T0);
    struct limiter_note n = note_of("a/b", OUTCOME_OK);
    uint64_t many = UINT32_MAX;
    struct view_figures v;

    note_known(lay, st, &n);
    memset(st->tally.models[i].outcomes, 0xff, 4); /* the lower half */
    note_known(lay, st, &n);
    figures_tell(&st->tally.models[i], LAB_T0, &v);
    CU_ASSERT_EQUAL(v.outcomes[OUTCOME_OK], many + 1);
    free(st);
    free(lay);
}

static void figures_are_kept_for_names_that_are_known(void)
{
    struct layout *lay = lab_new();
    struct stats_layout *st = lab_stats();
    uint32_t model = naming_model(lay, 0, "a/known", LAB_T0);
    uint32_t client = naming_client(lay, "c", LAB_T0), i;
    struct view_figures v;
    struct limiter_note n = note_of("a/known", OUTCOME_OK);
    struct limiter_note other = note_of("a/unknown", OUTCOME_REFUSED);
    struct lay_figures f;

    n.stream = true;
    reservoir_add(&n.gaps, SPREAD_GAP, 25000, 10);
    note_known(lay, st, &n);
    note_known(lay, st, &other);
    CU_ASSERT_EQUAL(names_find_model(lay, 0, "a/unknown"), NONE);
    CU_ASSERT_TRUE(figures_model(&st->tally, model, 0, "a/known", &f));
    figures_tell(&f, LAB_T0, &v);
    CU_ASSERT_EQUAL(v.requests, 1);
    CU_ASSERT_EQUAL(v.outcomes[OUTCOME_OK], 1);
    CU_ASSERT_EQUAL(v.streams, 1);
    CU_ASSERT_EQUAL(v.tokens_out, 11);
    CU_ASSERT_EQUAL(v.last_at_ms, 1700000000000);
    CU_ASSERT_DOUBLE_EQUAL(v.first_byte_s.p50, 1, 0.42);
    CU_ASSERT_DOUBLE_EQUAL(v.queue_s.p95, 2, 0.83);
    CU_ASSERT_DOUBLE_EQUAL(v.token_gap_s.p50, 0.025, 0.011);
    CU_ASSERT_DOUBLE_EQUAL(v.tokens_per_s.p95, 40, 17);
    CU_ASSERT_DOUBLE_EQUAL(v.prompt_bytes.p50, 1000, 420);
    CU_ASSERT_TRUE(figures_client(&st->tally, client, "c", &f));
    figures_tell(&f, LAB_T0, &v);
    CU_ASSERT_EQUAL(v.requests, 2);
    CU_ASSERT_EQUAL(v.refused, 1);
    for (i = 0; i < LAY_MODELS; i++)
        CU_ASSERT_EQUAL(st->tally.models[i].requests, i == model);
    free(st);
    free(lay);
}

static void a_row_with_another_name_begins_anew(void)
{
    struct stats_layout *st = lab_stats();
    const struct figures_of old = {3, 5, 0, "c", "a/old"};
    const struct figures_of new = {3, 5, 0, "d", "a/new"};
    const struct figures_of elsewhere = {3, 5, 1, "d", "a/new"};
    struct limiter_note n = note_of("a/old", OUTCOME_OK);
    struct lay_figures f;

    counters_note(st, &n, &old, LAB_T0);
    counters_sent(st, &old, LAB_T0);
    CU_ASSERT_TRUE(figures_model(&st->tally, 5, 0, "a/old", &f));
    CU_ASSERT_EQUAL(f.sent, 1);
    CU_ASSERT_FALSE(figures_model(&st->tally, 5, 0, "a/new", &f));
    CU_ASSERT_FALSE(figures_client(&st->tally, 3, "d", &f));
    counters_sent(st, &new, LAB_T0);
    CU_ASSERT_TRUE(figures_model(&st->tally, 5, 0, "a/new", &f));
    CU_ASSERT_EQUAL(f.sent, 1);
    CU_ASSERT_EQUAL(f.requests, 0);
    CU_ASSERT_TRUE(figures_client(&st->tally, 3, "d", &f));
    CU_ASSERT_EQUAL(f.requests, 0);
    counters_sent(st, &elsewhere, LAB_T0); /* of another upstream */
    CU_ASSERT_FALSE(figures_model(&st->tally, 5, 0, "a/new", &f));
    CU_ASSERT_TRUE(figures_client(&st->tally, 3, "d", &f));
    CU_ASSERT_EQUAL(f.sent, 2);
    free(st);
}

/* An answer goes with its name, and a row's new one has none of it. */
static void an_answer_that_comes_late_is_not_the_new_names(void)
{
    const struct upstream_answer answer = {1, 70, -1, 1, 1};
    struct stats_layout *st = lab_stats();
    const struct lay_trail *of = st->trails.of;
    uint32_t place = rings_place(&history_rings[2], 1800000000);

    rings_turn(&st->history, 1800000000, LAB_T0);
    counters_went(st, 2, "nim", LAB_T0);
    counters_went(st, 2, "other", LAB_T0);
    counters_answered(st, 2, "nim", &answer);
    counters_answered(st, 2, "other", &answer);
    counters_went(st, 2, "other", LAB_T0);
    CU_ASSERT_STRING_EQUAL(of[0].name, "nim");
    CU_ASSERT_STRING_EQUAL(of[1].name, "other");
    CU_ASSERT_EQUAL(of[0].steps[place].refused, 1);
    CU_ASSERT_EQUAL(of[0].steps[place].tokens_in, 70);
    CU_ASSERT_EQUAL(of[1].steps[place].refused, 1);
    CU_ASSERT_EQUAL(of[0].steps[place].sends, 1);
    CU_ASSERT_EQUAL(of[1].steps[place].sends, 2);
    CU_ASSERT_EQUAL(upstream_sends_tell(&st->tally, 2, "other", LAB_T0).refused,
                    1);
    free(st);
}

static void sends_of_an_upstream_are_counted_under_its_name(void)
{
    struct stats_layout *st = lab_stats();
    struct lay_upstream_sends *row = &st->tally.upstreams[2];
    const struct upstream_answer answer = {1, 70, -1, 1, 1};
    struct upstream_sends s;
    uint32_t i;

    for (i = 0; i < 90; i++)
        counters_went(st, 2, "nim", LAB_T0 + i * NS_PER_S);
    counters_went(st, LIMITER_UPSTREAMS, "nim", LAB_T0); /* of no row */
    s = upstream_sends_tell(&st->tally, 2, "nim", LAB_T0 + 89 * NS_PER_S);
    CU_ASSERT_EQUAL(s.all, 90);
    CU_ASSERT_EQUAL(s.minute, 60);
    s = upstream_sends_tell(&st->tally, 2, "nim", LAB_T0 + 99 * NS_PER_S);
    CU_ASSERT_EQUAL(s.minute, 50);
    s = upstream_sends_tell(&st->tally, 2, "nim", LAB_T0 + 500 * NS_PER_S);
    CU_ASSERT_EQUAL(s.minute, 0);
    CU_ASSERT_EQUAL(s.all, 90);
    CU_ASSERT_EQUAL(upstream_sends_tell(&st->tally, 2, "ni", LAB_T0).all, 0);
    counters_went(st, 2, "other", LAB_T0);
    CU_ASSERT_EQUAL(upstream_sends_tell(&st->tally, 2, "nim", LAB_T0).all, 0);
    CU_ASSERT_EQUAL(upstream_sends_tell(&st->tally, 2, "other", LAB_T0).all, 1);
    counters_answered(st, 2, "nim", &answer); /* of who had the row before */
    counters_answered(st, 2, "other", &answer);
    counters_answered(st, 3, "third",
                      &answer); /* sent before the file was made */
    counters_answered(st, LIMITER_UPSTREAMS, "other", &answer);
    for (i = 2; i < 4; i++) {
        s = upstream_sends_tell(&st->tally, i, i == 2 ? "other" : "third",
                                LAB_T0);
        CU_ASSERT_EQUAL(s.refused, 1);
        CU_ASSERT_EQUAL(s.tokens_in, 70);
        CU_ASSERT_EQUAL(s.tokens_out, 0);
    }
    row->last_s = INT64_MIN; /* noise */
    CU_ASSERT_EQUAL(upstream_sends_tell(&st->tally, 2, "other", LAB_T0).all, 1);
    counters_went(st, 2, "other", LAB_T0);
    CU_ASSERT_EQUAL(row->n, 2);
    memset(row, 0xff, sizeof(*row));
    counters_rebuild(st);
    CU_ASSERT_EQUAL(row->name[0], '\0');
    CU_ASSERT_EQUAL(row->n, 0);
    free(st);
}

static void the_last_hundred_are_remembered(void)
{
    struct stats_layout *st = lab_stats();
    struct view_recent v;
    struct limiter_note n = note_of("a/b", OUTCOME_RATE);
    uint32_t i;

    for (i = 0; i < 250; i++) {
        n.bytes = i;
        add(st, &n);
    }
    for (i = 0; i < LIMITER_RECENT; i++) {
        CU_ASSERT_TRUE(recent_tell(&st->tally, i, &v));
        CU_ASSERT_EQUAL(v.bytes, 249 - i);
    }
    CU_ASSERT_STRING_EQUAL(v.model, "a/b");
    CU_ASSERT_EQUAL(v.outcome, OUTCOME_RATE);
    CU_ASSERT_FALSE(recent_tell(&st->tally, LIMITER_RECENT, &v));
    n.tokens_in = n.tokens_out = LIMITER_TOKENS_MAX;
    add(st, &n);
    CU_ASSERT_TRUE(recent_tell(&st->tally, 0, &v)); /* the most is told */
    CU_ASSERT_EQUAL(v.tokens_out, LIMITER_TOKENS_MAX);
    free(st);
}

/* ---- noise ------------------------------------------------------------------------ */

static void check_names(const struct lay_sums *s)
{
    uint32_t i, k;

    for (i = 0; i < TALLY_PROVIDERS; i++)
        for (k = 0; k < i && s->providers[i].name[0] != '\0'; k++)
            CU_ASSERT_STRING_NOT_EQUAL(s->providers[i].name,
                                       s->providers[k].name);
    for (i = 0; i < TALLY_ROUTES; i++)
        for (k = 0; k < i && s->routes[i].name[0] != '\0'; k++)
            CU_ASSERT_STRING_NOT_EQUAL(s->routes[i].name, s->routes[k].name);
}

static void noise_makes_wrong_numbers_and_nothing_else(void)
{
    struct stats_layout *st = lab_stats();
    unsigned char *p = (unsigned char *)&st->tally;
    const struct figures_of who = {1, 2, 0, "c", "a/b"};
    struct limiter_note n = note_of("a/b", OUTCOME_OK);
    struct view_figures v;
    struct view_recent r;
    uint32_t round, i;

    for (round = 0; round < 8; round++) {
        for (i = 0; i < sizeof(st->tally); i++)
            p[i] = (unsigned char)lab_random(256);
        counters_note(st, &n, &who, LAB_T0); /* before anybody repairs it */
        for (i = 0; i < LIMITER_RECENT; i++)
            (void)recent_tell(&st->tally, i, &r);
        for (i = 0; i < LAY_MODELS; i++)
            figures_tell(&st->tally.models[i], LAB_T0, &v);
        counters_rebuild(st);
        check_names(&st->tally.sums);
        note(st, "a/b", OUTCOME_OK);
        check_names(&st->tally.sums);
    }
    free(st);
}

static void a_name_that_is_there_twice_is_dropped(void)
{
    struct stats_layout *st = lab_stats();
    struct lay_sums *s = &st->tally.sums;

    note(st, "a/b", OUTCOME_OK);
    note(st, "b/b", OUTCOME_OK);
    note(st, "c/b", OUTCOME_OK);
    strcpy(s->providers[1].name, "a");
    counters_rebuild(st);
    CU_ASSERT_STRING_EQUAL(s->providers[0].name, "a");
    CU_ASSERT_EQUAL(s->providers[0].tokens_in, 7);
    CU_ASSERT_EQUAL(s->providers[1].name[0], '\0');
    CU_ASSERT_EQUAL(s->providers[2].name[0], '\0');
    s->routes[0].codes[1] = s->routes[0].codes[0];
    memset(s->routes[1].name, 'x', sizeof(s->routes[1].name));
    counters_rebuild(st);
    CU_ASSERT_EQUAL(s->routes[0].codes[0].n, 3);
    CU_ASSERT_EQUAL(s->routes[0].codes[1].status, 0);
    CU_ASSERT_EQUAL(s->routes[1].name[0], '\0');
    free(st);
}

/* ---- the limiter ------------------------------------------------------------------- */

static uint64_t outcomes(const struct desk *d, uint32_t i, enum outcome which)
{
    return desk_stats(d, i)->tally.sums.outcomes[which];
}

static void notes_count_once_for_all_workers(void)
{
    struct desk *d = desk_of(2, 4);
    struct limiter_tally *t = calloc(1, sizeof(*t));
    struct limiter_note n = note_of("a/b", OUTCOME_OK);
    struct limiter_attempt a = {
        NS_PER_S, 2 * NS_PER_S, UPSTREAM_FINE, false, true, "a", 0};
    uint32_t i;

    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_FALSE(limiter_has_wishes(d->w[0]));
    for (i = 0; i < 300; i++) {
        limiter_note(d->w[0], &n);
        limiter_note_attempt(d->w[0], &a);
    }
    CU_ASSERT_TRUE(limiter_has_wishes(d->w[0]));
    desk_turn(d);
    desk_pass(d, 10);
    CU_ASSERT_FALSE(limiter_has_wishes(d->w[0]));
    CU_ASSERT_TRUE(limiter_tally(d->w[1], d->now, t));
    CU_ASSERT_EQUAL(t->sums.outcomes[OUTCOME_OK], 300);
    CU_ASSERT_EQUAL(t->sums.requests, 300);
    CU_ASSERT_EQUAL(t->sums.routes[0].codes[0].n, 300);
    CU_ASSERT_EQUAL(t->sums.providers[0].duration.n[6], 300);
    CU_ASSERT_EQUAL(t->sums.providers[0].duration.sum_us, 600000000);
    CU_ASSERT_EQUAL(t->n_workers, 2);
    CU_ASSERT_EQUAL(t->n_upstreams, 1);
    CU_ASSERT_STRING_EQUAL(t->upstreams[0].name, "nim");
    free(t);
    desk_free(d);
}

static void a_closing_worker_tells_all(void)
{
    struct desk *d = desk_of(2, 4);
    struct limiter_note n = note_of("a/b", OUTCOME_OK);

    limiter_note(d->w[0], &n);
    limiter_close(d->w[0]);
    d->w[0] = NULL;
    CU_ASSERT_EQUAL(outcomes(d, 1, OUTCOME_OK), 1);
    CU_ASSERT_EQUAL(outcomes(d, 1, OUTCOME_LOST), 0);
    desk_free(d);
}

static void a_turn_that_is_cut_short_keeps_them(void)
{
    struct desk *d = desk_of(1, 4);
    struct limiter_note n = note_of("a/b", OUTCOME_OK);

    limiter_note(d->w[0], &n);
    desk_layout(d, 0)->live.rows_high = UINT32_MAX;
    desk_layout(d, 0)->live.dirty = 7;
    desk_pass(d, 2000);
    CU_ASSERT_TRUE(desk_has_logged(d, "state_lost"));
    CU_ASSERT_EQUAL(outcomes(d, 0, OUTCOME_OK), 1);
    desk_free(d);
}

static void requests_of_a_killed_worker_are_lost(void)
{
    struct desk *d = desk_of(2, 2);
    struct ask *a = desk_ask_model(d, 0, "a/b");
    struct ask *own = desk_ask_model(d, 1, "a/b");
    struct limiter_view v;
    struct limiter_note n = note_of("a/b", OUTCOME_OK);

    limiter_note(d->w[1], &n); /* since then the wall's time is known */
    desk_turn(d);
    (void)desk_ask_model(d, 0, "a/c"); /* granted none */
    (void)desk_ask_model(d, 0, "a/c");
    desk_turn(d);
    desk_sent(a);
    desk_turn(d);
    CU_ASSERT_EQUAL(own->grants, 1);
    desk_kill(d, 0);
    desk_pass(d, 2000);
    CU_ASSERT_EQUAL(outcomes(d, 1, OUTCOME_LOST), 3);
    desk_pass(d, 2000);
    CU_ASSERT_EQUAL(outcomes(d, 1, OUTCOME_LOST), 3);
    CU_ASSERT_EQUAL(outcomes(d, 1, OUTCOME_OK), 1);
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[1], d->now, &v));
    CU_ASSERT_EQUAL(v.outcomes[OUTCOME_LOST], 3);
    CU_ASSERT_EQUAL(v.requests, 4);
    CU_ASSERT_EQUAL(v.n_recent, 4);
    CU_ASSERT_EQUAL(v.recent[0].outcome, OUTCOME_LOST);
    CU_ASSERT_EQUAL(v.recent[0].at_ms / 10000, 1700000000000 / 10000);
    CU_ASSERT_EQUAL(v.n_clients, 1);
    CU_ASSERT_EQUAL(v.clients[0].in_flight, 1);
    CU_ASSERT_EQUAL(v.clients[0].figures.outcomes[OUTCOME_LOST], 3);
    view_free(&v);
    lab_recount(desk_layout(d, 1));
    desk_free(d);
}

static void sends_are_counted_by_model_and_client(void)
{
    struct desk *d = desk_of(1, 10);
    struct limiter_view v;
    uint32_t i;

    for (i = 0; i < 5; i++)
        (void)desk_ask_model(d, 0, i < 3 ? "a/b" : "a/c");
    desk_turn(d);
    for (i = 0; i < 5; i++)
        desk_sent(&d->asks[i]);
    desk_turn(d);
    desk_again(&d->asks[0], false);
    desk_turn(d);
    desk_sent(&d->asks[0]);
    desk_turn(d);
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
    CU_ASSERT_EQUAL(v.counters.sent, 6);
    CU_ASSERT_EQUAL(v.clients[0].figures.sent, 6);
    CU_ASSERT_EQUAL(v.clients[0].in_flight, 5);
    CU_ASSERT_EQUAL(v.models[0].figures.sent, 4);
    CU_ASSERT_EQUAL(v.models[1].figures.sent, 2);
    CU_ASSERT_EQUAL(v.models[0].figures.first_byte_s.p50, -1);
    view_free(&v);
    desk_free(d);
}

CU_ErrorCode test_counters_add(void)
{
    static const struct unit_test tests[] = {
        {"codes and routes are bounded", codes_and_routes_are_bounded},
        {"stand-ins are bounded", stand_ins_are_bounded},
        {"odd pairs are dropped", odd_pairs_are_dropped},
        {"a note of a local page counts its route alone",
         a_note_of_a_local_page_counts_its_route_alone},
        {"only tame names are publishers", only_tame_names_are_publishers},
        {"a publisher is admitted by its first success",
         a_publisher_is_admitted_by_its_first_success},
        {"there are no more providers than rows",
         there_are_no_more_providers_than_rows},
        {"a busy name is counted for years", a_busy_name_is_counted_for_years},
        {"figures are kept for names that are known",
         figures_are_kept_for_names_that_are_known},
        {"a row with another name begins anew",
         a_row_with_another_name_begins_anew},
        {"an answer that comes late is not the new name's",
         an_answer_that_comes_late_is_not_the_new_names},
        {"sends of an upstream are counted under its name",
         sends_of_an_upstream_are_counted_under_its_name},
        {"the last hundred are remembered", the_last_hundred_are_remembered},
        {"noise makes wrong numbers and nothing else",
         noise_makes_wrong_numbers_and_nothing_else},
        {"a name that is there twice is dropped",
         a_name_that_is_there_twice_is_dropped},
        {"notes count once, for all workers", notes_count_once_for_all_workers},
        {"a closing worker tells all", a_closing_worker_tells_all},
        {"a turn that is cut short keeps them",
         a_turn_that_is_cut_short_keeps_them},
        {"requests of a killed worker are lost",
         requests_of_a_killed_worker_are_lost},
        {"sends are counted by model and client",
         sends_are_counted_by_model_and_client},
        {NULL, NULL},
    };

    return unit_add("tally", tests);
}
