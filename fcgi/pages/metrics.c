/*
 * metrics.c - what does Prometheus see?
 *
 * All but process_* comes from the shared state: any worker answers for all,
 * also for those that are dead.  Labels are bounded (state/stats/counters.c): of what
 * clients send only a publisher's name gets here, after its first success.
 */
#include "fcgi/pages/metrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "fcgi/exchange.h"
#include "fcgi/pages/exposition.h"
#include "fcgi/pages/process.h"
#include "fcgi/pages/store_piece.h"
#include "fcgi/request_stats.h"
#include "lib/clock.h"
#include "state/stats.h"

static bool is_used(const struct tally_histogram *h)
{
    uint32_t i;

    for (i = 0; i <= TALLY_BOUNDS; i++)
        if (h->n[i] != 0)
            return true;
    return false;
}

/* ---- requests -------------------------------------------------------------------- */

static void put_requests(struct exposition *p, const struct tally_sums *s)
{
    char status[16];
    uint32_t i, k;

    exposition_begin(
        p, "sluice_requests", "counter",
        "Requests that ended, by route and status; 499: the client went.");
    for (i = 0; i <= TALLY_ROUTES; i++) {
        const struct tally_route *r = &s->routes[i];
        struct exposition_labels l = {"route", r->name, "code", status};

        if (i == TALLY_ROUTES)
            l.value = "other";
        for (k = 0; k < TALLY_CODES && r->codes[k].status != 0; k++) {
            snprintf(status, sizeof(status), "%u", r->codes[k].status);
            exposition_count(p, &l, r->codes[k].n);
        }
        l.value2 = "other";
        if (r->other != 0)
            exposition_count(p, &l, r->other);
    }
}

static void put_outcomes(struct exposition *p, const struct tally_sums *s)
{
    uint32_t i;

    exposition_begin(p, "sluice_outcomes", "counter",
                     "What became of requests for the upstream.");
    for (i = 0; i < OUTCOMES; i++)
        exposition_count(p,
                         &(struct exposition_labels){
                             "outcome", outcome_names[i], NULL, NULL},
                         s->outcomes[i]);
    exposition_begin(p, "sluice_refused", "counter",
                     "Requests that Sluice answered with an error of its own.");
    for (i = REASON_NONE + 1; i < REASONS; i++)
        exposition_count(
            p,
            &(struct exposition_labels){"reason", reason_names[i], NULL, NULL},
            s->reasons[i]);
    exposition_begin(
        p, "sluice_disconnects", "counter",
        "Clients that went before the end, by where their request was.");
    for (i = PHASE_NONE + 1; i < PHASES; i++)
        exposition_count(
            p, &(struct exposition_labels){"phase", phase_names[i], NULL, NULL},
            s->phases[i]);
    exposition_begin(
        p, "sluice_retries", "counter",
        "Sends that were repeated, by what was wrong with the answer.");
    for (i = UPSTREAM_FINE + 1; i < UPSTREAM_ERRORS; i++)
        if (s->retries[i] != 0 || i == UPSTREAM_RATE || i == UPSTREAM_SERVER)
            exposition_count(p,
                             &(struct exposition_labels){
                                 "cause", upstream_error_names[i], NULL, NULL},
                             s->retries[i]);
}

static void put_stand_ins(struct exposition *p, const struct tally_sums *s)
{
    uint32_t i;

    exposition_begin(
        p, "sluice_fallbacks", "counter",
        "Requests that another model than the one asked for has had.");
    for (i = 0; i <= TALLY_STAND_INS; i++) {
        const struct tally_stand_in *v = &s->stand_ins[i];
        struct exposition_labels l = {"asked", v->asked, "served", v->served};

        if (i == TALLY_STAND_INS)
            l.value = l.value2 = "other";
        if (v->n != 0)
            exposition_count(p, &l, v->n);
    }
}

/* ---- providers --------------------------------------------------------------------- */

static const char *provider_name(const struct tally_sums *s, uint32_t i)
{
    return i < TALLY_PROVIDERS ? s->providers[i].name : "other";
}

static void put_times(struct exposition *p, const struct tally_sums *s)
{
    uint32_t i;

    exposition_begin(p, "sluice_upstream_latency_seconds", "histogram",
                     "Time of a send to the first byte of its answer.");
    for (i = 0; i <= TALLY_PROVIDERS; i++)
        if (is_used(&s->providers[i].first_byte))
            exposition_histogram(
                p,
                &(struct exposition_labels){"provider", provider_name(s, i),
                                            NULL, NULL},
                &s->providers[i].first_byte);
    exposition_begin(p, "sluice_upstream_duration_seconds", "histogram",
                     "Time of a send to the end of its answer.");
    for (i = 0; i <= TALLY_PROVIDERS; i++)
        if (is_used(&s->providers[i].duration))
            exposition_histogram(
                p,
                &(struct exposition_labels){"provider", provider_name(s, i),
                                            NULL, NULL},
                &s->providers[i].duration);
}

/* Zeros too: what begins at 40 did not rise, for increase(). */
static void put_errors(struct exposition *p, const struct tally_sums *s)
{
    uint32_t i, k;

    exposition_begin(p, "sluice_upstream_errors", "counter",
                     "Answers, and missing ones, that were no success.");
    for (i = 0; i <= TALLY_PROVIDERS; i++)
        for (k = UPSTREAM_FINE + 1; k < UPSTREAM_ERRORS; k++)
            if (i == TALLY_PROVIDERS || s->providers[i].name[0] != '\0')
                exposition_count(p,
                                 &(struct exposition_labels){
                                     "provider", provider_name(s, i), "kind",
                                     upstream_error_names[k]},
                                 s->providers[i].errors[k]);
}

static void put_tokens(struct exposition *p, const struct tally_sums *s)
{
    uint32_t i;

    exposition_begin(p, "sluice_llm_tokens", "counter",
                     "Tokens, as the upstream counted them.");
    for (i = 0; i <= TALLY_PROVIDERS; i++) {
        const struct tally_provider *v = &s->providers[i];
        struct exposition_labels l = {"provider", provider_name(s, i), "kind",
                                      "prompt"};

        if (v->tokens_in == 0 && v->tokens_out == 0)
            continue;
        exposition_count(p, &l, v->tokens_in);
        l.value2 = "completion";
        exposition_count(p, &l, v->tokens_out);
    }
}

/* Of what the tokens above are the sums: else nobody sees what is missing. */
static void put_told(struct exposition *p, const struct tally_sums *s)
{
    uint32_t i, told;

    for (told = 0; told < 2; told++) {
        exposition_begin(
            p, told ? "sluice_llm_answers_told" : "sluice_llm_answers",
            "counter",
            told ? "Those of them that told their tokens."
                 : "Good answers of models.");
        for (i = 0; i <= TALLY_PROVIDERS; i++) {
            const struct tally_provider *v = &s->providers[i];

            if (v->answers > 0)
                exposition_count(
                    p,
                    &(struct exposition_labels){"provider", provider_name(s, i),
                                                NULL, NULL},
                    told ? v->told : v->answers);
        }
    }
}

/* ---- the queue and the limits ---------------------------------------------------------- */

static void put_queue(struct exposition *p, const struct limiter_tally *t)
{
    const struct exposition_labels none = {NULL, NULL, NULL, NULL};
    uint32_t i;

    exposition_begin(p, "sluice_queue_depth", "gauge", "Requests that wait.");
    for (i = 0; i < LIMITER_CLASSES; i++)
        exposition_count(p,
                         &(struct exposition_labels){
                             "priority", limiter_class_names[i], NULL, NULL},
                         t->waiting[i]);
    exposition_begin(p, "sluice_queue_limit", "gauge",
                     "How many may wait: queue.max.");
    exposition_count(p, &none, t->waiting_max);
    exposition_begin(p, "sluice_paused", "gauge",
                     "1: an operator paused everything.");
    exposition_count(p, &none, t->paused);
    exposition_begin(p, "sluice_queue_wait_seconds", "histogram",
                     "Time in line of requests that got a slot.");
    for (i = 0; i < LIMITER_CLASSES; i++)
        exposition_histogram(p,
                             &(struct exposition_labels){"priority",
                                                         limiter_class_names[i],
                                                         NULL, NULL},
                             &t->sums.queue[i]);
}

#define OF(name) offsetof(struct tally_upstream, name)
/* Counts of each upstream; of tokens where there is a limit of them. */
static void put_used(struct exposition *p, const struct limiter_tally *t)
{
    static const struct {
        const char *name, *type, *help;
        size_t at;
        bool is_tokens; /* of a limit in them */
    } rows[] = {
        {"sluice_in_flight", "gauge", "Requests at the upstream.",
         OF(in_flight), false},
        {"sluice_window_used", "gauge", "Sends that count now.",
         OF(window_used), false},
        {"sluice_window_limit", "gauge", "How many may.", OF(window_limit),
         false},
        {"sluice_upstream_tokens_used", "gauge", "Tokens that count just now.",
         OF(tokens_used), true},
        {"sluice_upstream_tokens_reserved", "gauge",
         "Those that are about to be sent.", OF(tokens_reserved), true},
        {"sluice_upstream_tokens_limit", "gauge",
         "How many may: tokens_per_min.", OF(tokens_limit), true},
        {"sluice_upstream_requests", "counter",
         "Requests that went to it, each try.", OF(went.all), false},
        {"sluice_upstream_refused", "counter", "Its answers that said 429.",
         OF(went.refused), false},
        {"sluice_upstream_tokens_in", "counter",
         "Tokens of prompts, as it told.", OF(went.tokens_in), false},
        {"sluice_upstream_tokens_out", "counter",
         "Tokens of its answers, as it told.", OF(went.tokens_out), false},
        {"sluice_upstream_answers", "counter",
         "Its good answers to a model's requests.", OF(went.answers), false},
        {"sluice_upstream_answers_told", "counter",
         "Those of them that told their tokens.", OF(went.told), false},
        {"sluice_upstream_key_refused", "gauge",
         "1: it refuses the key that we have for it.", OF(key_refused), false},
    };
    size_t row, i;

    for (row = 0; row < ARRAY_LEN(rows); row++) {
        exposition_begin(p, rows[row].name, rows[row].type, rows[row].help);
        for (i = 0; i < t->n_upstreams; i++) {
            const struct tally_upstream *u = &t->upstreams[i];
            const struct exposition_labels l = {"upstream", u->name, NULL,
                                                NULL};
            uint64_t n;

            memcpy(&n, (const char *)u + rows[row].at, sizeof(n));
            if (u->tokens_limit > 0 || !rows[row].is_tokens)
                exposition_count(p, &l, n);
        }
    }
}

static void put_held(struct exposition *p, const struct limiter_tally *t)
{
    static const enum ejection_cause causes[] = {EJECTED_UNPAID, EJECTED_QUOTA,
                                                 EJECTED_KEY, EJECTED_AWAY,
                                                 EJECTED_FAULTY};
    uint32_t i, k;

    exposition_begin(
        p, "sluice_upstream_held", "gauge",
        "1: it is left alone for that, and has not answered since.");
    for (i = 0; i < t->n_upstreams; i++)
        for (k = 0; k < ARRAY_LEN(causes); k++)
            exposition_count(p,
                             &(struct exposition_labels){
                                 "upstream", t->upstreams[i].name, "cause",
                                 ejection_cause_names[causes[k]]},
                             t->upstreams[i].held == causes[k]);
}

static void put_limits(struct exposition *p, const struct limiter_tally *t)
{
    const struct tally_upstream *u = t->upstreams;
    uint32_t i, k;

    exposition_begin(p, "sluice_tokens_available", "gauge",
                     "Tokens in the bucket.");
    for (i = 0; i < t->n_upstreams; i++)
        exposition_real(
            p, &(struct exposition_labels){"upstream", u[i].name, NULL, NULL},
            (double)u[i].tokens_milli / 1000);
    exposition_begin(
        p, "sluice_unpaid", "gauge",
        "1: it wants to be paid (402), and has not answered since.");
    for (i = 0; i < t->n_upstreams; i++)
        exposition_count(
            p, &(struct exposition_labels){"upstream", u[i].name, NULL, NULL},
            u[i].held == EJECTED_UNPAID || u[i].held == EJECTED_QUOTA);
    put_held(p, t);
    exposition_begin(p, "sluice_retreat_state", "gauge",
                     "Its limits in that state.");
    for (i = 0; i < t->n_upstreams; i++)
        for (k = 0; k < RETREAT_STATES; k++)
            exposition_count(
                p,
                &(struct exposition_labels){"upstream", u[i].name, "state",
                                            retreat_state_names[k]},
                u[i].states[k]);
}

static void put_learned(struct exposition *p, const struct limiter_tally *t)
{
    uint32_t i, k;

    exposition_begin(
        p, "sluice_limits_learned", "gauge",
        "Limits of the upstream that turned out to be of that kind.");
    for (i = 0; i < t->n_upstreams; i++)
        for (k = 0; k < LEARNED_KINDS; k++)
            exposition_count(
                p,
                &(struct exposition_labels){"upstream", t->upstreams[i].name,
                                            "kind", learned_names[k]},
                t->upstreams[i].learned[k]);
}

static void put_events(struct exposition *p, const struct limiter_tally *t)
{
    const struct exposition_labels none = {NULL, NULL, NULL, NULL};
    uint32_t i;

    exposition_begin(p, "sluice_retreats", "counter", "Holds that began.");
    for (i = 0; i < HOLD_CAUSES; i++)
        exposition_count(p,
                         &(struct exposition_labels){
                             "cause", hold_cause_names[i], NULL, NULL},
                         t->counters.holds[i]);
    exposition_begin(p, "sluice_state_recoveries", "counter",
                     "Times that the state file was replaced.");
    exposition_count(p, &none, t->counters.recoveries);
    exposition_begin(p, "sluice_history_damaged", "counter",
                     "Files of the history that were damaged or not ours.");
    exposition_count(p, &none, t->counters.histories_aside);
    store_metrics(p, &t->store);
    exposition_begin(p, "sluice_workers", "gauge", "Workers of this host.");
    exposition_count(p, &none, t->n_workers);
    exposition_begin(p, "sluice_uptime_seconds", "gauge",
                     "Age of the service.");
    exposition_real(p, &none, (double)t->uptime_ns / 1e9);
    exposition_begin(p, "sluice_build_info", "gauge",
                     "Version of the program.");
    exposition_count(
        p, &(struct exposition_labels){"version", SLUICE_VERSION, NULL, NULL},
        1);
}

/* ---- the page ------------------------------------------------------------------------------ */

void metrics_write(struct buf *b, const struct limiter_tally *t, bool open)
{
    struct exposition p = {b, open, "", ""};

    put_requests(&p, &t->sums);
    put_outcomes(&p, &t->sums);
    put_stand_ins(&p, &t->sums);
    put_times(&p, &t->sums);
    put_errors(&p, &t->sums);
    put_tokens(&p, &t->sums);
    put_told(&p, &t->sums);
    put_queue(&p, t);
    put_used(&p, t);
    put_limits(&p, t);
    put_learned(&p, t);
    put_events(&p, t);
    process_put(&p);
    if (open)
        buf_str(b, "# EOF\n");
}

static bool wants_open(const struct request *r)
{
    const char *accept = asked_header(&r->headers, "accept");

    return accept != NULL &&
           strstr(accept, "application/openmetrics-text") != NULL;
}

enum step metrics_answer(struct exchange *x)
{
    bool open = wants_open(x->req);
    struct limiter_tally *t = calloc(1, sizeof(*t)); /* 30 KB */
    struct buf b = {NULL, 0, 0, 0};
    enum step next;

    CHECK(t != NULL);
    if (!limiter_tally(x->s->lim, clock_now_ns(), t)) {
        free(t);
        return exchange_later(x);
    }
    metrics_write(&b, t, open);
    free(t);
    next = exchange_page(x, 200,
                         open ? "application/openmetrics-text; version=1.0.0; "
                                "charset=utf-8"
                              : "text/plain; version=0.0.4; charset=utf-8",
                         &b);
    buf_free(&b);
    return next;
}
