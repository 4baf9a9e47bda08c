/*
 * verdict_facts.c - which of a verdict's rows apply, and with which numbers?
 *
 * Questions to a view, which is a copy: nothing here knows the shared file.
 */
#include "state/verdict_facts.h"
#include "state/policy/lay_store.h"

#include <stdio.h>
#include <string.h>

#define LATE_MS (300 * INT64_C(1000)) /* what ended since then is late news */

/* ---- telling numbers ------------------------------------------------------------- */

static void put_time(char to[48], int64_t ns)
{
    double s = (double)ns / 1e9;

    if (ns < 0)
        snprintf(to, 48, "at a time that nobody can tell");
    else if (ns == 0)
        snprintf(to, 48, "at once");
    else if (s < 1)
        snprintf(to, 48, "in less than a second");
    else if (s < 90)
        snprintf(to, 48, "in %.0f s", s);
    else if (s < 5400)
        snprintf(to, 48, "in %.0f min", s / 60);
    else
        snprintf(to, 48, "in %.1f h", s / 3600);
}

static void put_span(char to[48], int64_t ns)
{
    snprintf(to, 48, "%.4g s", (double)ns / 1e9);
}

/* For how long something has lasted. */
static void put_age(char to[48], int64_t ns)
{
    double s = (double)ns / 1e9;

    if (s < 1)
        snprintf(to, 48, "less than a second");
    else if (s < 90)
        snprintf(to, 48, "%.0f s", s);
    else if (s < 5400)
        snprintf(to, 48, "%.0f min", s / 60);
    else
        snprintf(to, 48, "%.1f h", s / 3600);
}

static void put_number(char to[48], uint64_t n)
{
    snprintf(to, 48, "%llu", (unsigned long long)n);
}

static void copy(char *to, size_t max, const char *from)
{
    snprintf(to, max, "%.*s", (int)max - 1, from);
}

static void about_upstream(struct verdict_facts *f, const struct view_scope *s,
                           int64_t ends_ns)
{
    copy(f->out->upstream, sizeof(f->out->upstream), s->rules.name);
    f->name = s->name;
    f->out->ends_ns = ends_ns;
    put_time(f->in, ends_ns);
}

/* ---- does a row apply? ----------------------------------------------------------- */

bool verdict_no_worker_answers(struct verdict_facts *f)
{
    uint32_t i;

    for (i = 0; i < f->v->n_workers; i++)
        if (!f->v->workers[i].stalled)
            return false;
    put_number(f->n, f->v->n_workers);
    return f->v->n_workers > 0;
}

static const struct view_group *most(const struct verdict_facts *f,
                                     enum wait_cause cause)
{
    return f->n_groups > 0 && f->groups[0].cause == cause ? &f->groups[0]
                                                          : NULL;
}

static bool is_group(struct verdict_facts *f, enum wait_cause cause)
{
    const struct view_group *g = most(f, cause);
    uint32_t i;

    if (g == NULL)
        return false;
    for (i = 0; i < f->v->n_scopes && g->upstream != NONE; i++)
        if (f->v->scopes[i].upstream == g->upstream) {
            about_upstream(f, &f->v->scopes[i], g->next_ns);
            break;
        }
    if (g->model != NULL)
        copy(f->out->model, sizeof(f->out->model), f->name = g->model);
    if (g->client != NULL)
        copy(f->out->client, sizeof(f->out->client), f->name = g->client);
    f->out->waiting = g->waiting;
    f->out->ends_ns = g->next_ns;
    put_number(f->n, g->waiting);
    put_number(f->of, f->waiting);
    put_time(f->in, g->next_ns);
    return true;
}

bool verdict_state_is_new(struct verdict_facts *f)
{
    return is_group(f, WAITS_STATE);
}

/* Also while this host goes on with its part: nobody knows what the others do. */
bool verdict_store_is_lost(struct verdict_facts *f)
{
    return f->v->store.state == STORE_LOST || f->v->store.state == STORE_ALONE;
}

bool verdict_is_paused(struct verdict_facts *f)
{
    put_age(f->n, f->v->paused_ns);
    f->name = f->v->paused_by;
    return f->v->paused_ns >= 0;
}

bool verdict_key_is_refused(struct verdict_facts *f)
{
    uint32_t i;

    for (i = 0; i < f->v->n_scopes; i++) {
        const struct view_scope *s = &f->v->scopes[i];

        if (s->key.word != KEY_REFUSED)
            continue;
        about_upstream(f, s, -1);
        f->name = s->rules.name;
        put_number(f->n, s->key.status);
        put_age(f->of, max_i64(s->key.since_ns, 0));
        f->why = s->key.message;
        return true;
    }
    return false;
}

static bool is_held_for(struct verdict_facts *f, bool waits)
{
    uint32_t i;

    for (i = 0; i < f->v->n_scopes; i++) {
        const struct view_scope *s = &f->v->scopes[i];

        if (s->unpaid.ends_ns < 0 || s->unpaid.cause == EJECTED_KEY ||
            ejection_waits(s->unpaid.cause) != waits)
            continue;
        about_upstream(f, s, s->unpaid.ends_ns);
        f->name = s->rules.name;
        f->why = s->unpaid.reason;
        return true;
    }
    return false;
}

bool verdict_is_unpaid(struct verdict_facts *f)
{
    return is_held_for(f, false);
}

bool verdict_is_away(struct verdict_facts *f)
{
    return is_held_for(f, true);
}

static bool is_retreating(struct verdict_facts *f, enum retreat_state state)
{
    uint32_t i;

    for (i = 0; i < f->v->n_scopes; i++) {
        const struct view_scope *s = &f->v->scopes[i];

        if (s->retreat.state != state)
            continue;
        about_upstream(f, s, s->retreat.ends_ns);
        put_number(f->n, s->retreat.allowance);
        put_number(f->of, s->rules.requests);
        f->why = s->retreat.reason;
        return true;
    }
    return false;
}

bool verdict_is_holding(struct verdict_facts *f)
{
    return is_retreating(f, RETREAT_HOLDING);
}

bool verdict_is_probing(struct verdict_facts *f)
{
    return is_retreating(f, RETREAT_PROBING);
}

bool verdict_is_recovering(struct verdict_facts *f)
{
    return is_retreating(f, RETREAT_RECOVERING);
}

bool verdict_is_nearly_full(struct verdict_facts *f)
{
    uint32_t max = f->v->bounds.waiting;

    put_number(f->n, f->waiting);
    put_number(f->of, max);
    return max > 0 && (uint64_t)f->waiting * 10 >= (uint64_t)max * 9;
}

static bool is_failure(enum outcome o)
{
    return o == OUTCOME_RATE || o == OUTCOME_OFF ||
           o == OUTCOME_UPSTREAM_ERROR || o == OUTCOME_TRUNCATED ||
           o == OUTCOME_LOST || o == OUTCOME_UPSTREAM_KEY;
}

/* What the newest of that kind was told; the kind, if it has no word for it. */
static const char *code_of(const struct verdict_facts *f, uint32_t outcome)
{
    uint32_t i;

    for (i = 0; i < f->v->n_recent; i++)
        if (f->v->recent[i].outcome == outcome &&
            f->v->recent[i].code[0] != '\0')
            return f->v->recent[i].code;
    return outcome_names[outcome];
}

/* A fifth of what ended lately, and of so few that nobody calls it chance; or
 * all of it, which are two at least. */
bool verdict_is_failing(struct verdict_facts *f)
{
    uint32_t i, kinds[OUTCOMES] = {0}, all = 0, bad = 0, worst = OUTCOME_RATE;

    for (i = 0; i < f->v->n_recent; i++) {
        const struct view_recent *r = &f->v->recent[i];

        if (f->time_ms - r->at_ms >= LATE_MS || r->outcome >= OUTCOMES)
            continue;
        all++;
        bad += is_failure(r->outcome);
        kinds[r->outcome] += is_failure(r->outcome);
        if (kinds[r->outcome] > kinds[worst])
            worst = r->outcome;
    }
    put_number(f->n, bad);
    put_number(f->of, all);
    f->why = code_of(f, worst);
    return (all >= 5 && bad * 5 >= all) || (all >= 2 && bad == all);
}

bool verdict_model_is_busy(struct verdict_facts *f)
{
    return is_group(f, WAITS_MODEL);
}

bool verdict_client_is_at_limit(struct verdict_facts *f)
{
    return is_group(f, WAITS_CLIENT);
}

bool verdict_is_at_concurrency(struct verdict_facts *f)
{
    return is_group(f, WAITS_CONCURRENCY);
}

bool verdict_is_out_of_tokens(struct verdict_facts *f)
{
    return is_group(f, WAITS_TOKENS);
}

bool verdict_is_spaced(struct verdict_facts *f)
{
    return is_group(f, WAITS_GAP);
}

bool verdict_is_between_tries(struct verdict_facts *f)
{
    return is_group(f, WAITS_RETRY);
}

static uint32_t learned_requests(const struct view_scope *s)
{
    if (s->learned.kind == LEARNED_WINDOW)
        return s->learned.requests;
    if (s->learned.kind == LEARNED_RATE && s->learned.gap_ns > 0)
        return (uint32_t)max_i64(s->rules.window_ns / s->learned.gap_ns, 1);
    return 0;
}

bool verdict_has_learned_lower(struct verdict_facts *f)
{
    uint32_t i, n;

    for (i = 0; i < f->v->n_scopes; i++) {
        const struct view_scope *s = &f->v->scopes[i];

        n = learned_requests(s);
        if (n == 0 || n >= s->rules.requests)
            continue;
        about_upstream(f, s, -1);
        put_number(f->n, n);
        put_number(f->of, s->rules.requests);
        put_span(f->in, s->rules.window_ns);
        f->out->waiting = f->waiting;
        return true;
    }
    return false;
}

/* Whatever nobody has a word of its own for. */
bool verdict_somebody_waits(struct verdict_facts *f)
{
    uint32_t i;

    if (f->n_groups == 0)
        return false;
    (void)is_group(f, f->groups[0].cause);
    for (i = 0; i < f->v->n_scopes; i++)
        if (f->v->scopes[i].upstream == f->groups[0].upstream)
            put_number(f->of, f->v->scopes[i].used);
    return true;
}

/* When one that comes now goes, by whichever way that is soonest. */
static void put_next(struct verdict_facts *f)
{
    int64_t eta = f->v->n_scopes > 0 ? -1 : 0;
    uint32_t i;

    for (i = 0; i < f->v->n_scopes; i++) {
        int64_t of = f->v->scopes[i].eta_ns;

        if (of >= 0 && (eta < 0 || of < eta))
            eta = of;
    }
    put_time(f->in, eta);
}

bool verdict_somebody_runs(struct verdict_facts *f)
{
    put_number(f->n, f->running);
    put_next(f);
    return f->running > 0;
}

bool verdict_always(struct verdict_facts *f)
{
    put_next(f);
    return true;
}
