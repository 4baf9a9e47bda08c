/*
 * counters.c - what has become of requests so far?
 *
 *   limiter_note()          --> counters_note()     a request is over
 *   limiter_note_attempt()  --> counters_attempt()  one of its sends is
 *   row.c                   --> counters_sent()     one is on the wire
 *   workers.c                --> counters_lost()     its worker is dead
 *
 * Only sums, nothing else hangs on them: a worker that is killed half way
 * leaves them at most one short, and noise makes wrong numbers, not wrong
 * places.  What names a place (a route, a code, a provider) is bounded, and
 * the last row takes what finds none.
 *
 * A publisher becomes a provider with its first success: whoever sends names
 * that no upstream knows fills no table.
 */
#include "state/stats/counters.h"

#include <stdbool.h>
#include <string.h>

#include "state/policy/layout.h"
#include "state/policy/names.h"

#define WALL_MAX (INT64_C(1) << 53) /* what JSON can tell exactly */

const uint32_t tally_bounds_ms[TALLY_BOUNDS] = {
    10,    50,    100,   250,   500,    1000,   2000,   5000,
    10000, 20000, 30000, 60000, 120000, 300000, 600000, 1200000};

static bool is_wall(int64_t ms)
{
    return ms >= -WALL_MAX && ms <= WALL_MAX;
}

static uint64_t us(int64_t ns)
{
    return ns > 0 ? (uint64_t)ns / 1000 : 0;
}

static void cut(char *to, size_t max, const char *from, size_t from_max)
{
    size_t n = strnlen(from, (from_max < max ? from_max : max) - 1);

    memcpy(to, from, n);
    memset(to + n, 0, max - n);
}

static void observe(struct tally_histogram *h, int64_t ns)
{
    uint32_t i = 0;

    while (i < TALLY_BOUNDS && ns > tally_bounds_ms[i] * NS_PER_MS)
        i++;
    h->n[i]++;
    h->sum_us += us(ns);
}

/* ---- places ------------------------------------------------------------- */

static struct tally_route *route_of(struct tally_sums *s, const char *name)
{
    uint32_t i;

    for (i = 0; i < TALLY_ROUTES; i++) {
        struct tally_route *r = &s->routes[i];

        if (r->name[0] == '\0')
            cut(r->name, sizeof(r->name), name, LIMITER_ROUTE_MAX);
        if (strncmp(r->name, name, sizeof(r->name)) == 0)
            return r;
    }
    return &s->routes[TALLY_ROUTES];
}

static void count_code(struct tally_route *r, uint32_t status)
{
    uint32_t i;

    for (i = 0; i < TALLY_CODES && status != 0; i++) {
        struct tally_code *c = &r->codes[i];

        if (c->status == 0)
            c->status = status;
        if (c->status == status) {
            c->n++;
            return;
        }
    }
    r->other++;
}

static bool is_publisher(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

void limiter_provider_of(const char *model, char out[LIMITER_PROVIDER_MAX])
{
    size_t n = 0;

    memset(out, 0, LIMITER_PROVIDER_MAX);
    while (n < LIMITER_PROVIDER_MAX && is_publisher(model[n]))
        n++;
    if (n > 0 && n < LIMITER_PROVIDER_MAX && model[n] == '/')
        memcpy(out, model, n);
}

/* Is NAME what limiter_provider_of() gives?  "other" is the last row's. */
static bool is_provider(const char *name)
{
    size_t n = 0;

    while (n < LIMITER_PROVIDER_MAX && is_publisher(name[n]))
        n++;
    return n > 0 && n < LIMITER_PROVIDER_MAX && name[n] == '\0' &&
           strcmp(name, "other") != 0;
}

/* ADMIT: it had a success. */
static struct tally_provider *provider_of(struct tally_sums *s,
                                          const char *name, bool admit)
{
    struct tally_provider *p;
    uint32_t i;

    for (i = 0; i < TALLY_PROVIDERS && name[0] != '\0'; i++) {
        p = &s->providers[i];
        if (p->name[0] == '\0' && admit && is_provider(name))
            cut(p->name, sizeof(p->name), name, LIMITER_PROVIDER_MAX);
        if (p->name[0] == '\0')
            break;
        if (p->name[0] == name[0] && p->name[1] == name[1] && /* most differ */
            strncmp(p->name, name, sizeof(p->name)) == 0)
            return p;
    }
    return &s->providers[TALLY_PROVIDERS];
}

/* ---- one request --------------------------------------------------------- */

static void count_figures(struct tally_figures *f, const struct limiter_note *n)
{
    f->requests++;
    f->outcomes[n->outcome]++;
    f->refused += n->outcome == OUTCOME_REFUSED;
    f->streams += n->stream;
    f->tokens_in += (uint64_t)max_i64(n->tokens_in, 0);
    f->tokens_out += (uint64_t)max_i64(n->tokens_out, 0);
    f->last_at_ms = n->at_ms;
    if (n->first_byte_ns >= 0)
        reservoir_add(&f->first_byte, SPREAD_TIME, us(n->first_byte_ns), 1);
    if (n->granted)
        reservoir_add(&f->queue, SPREAD_TIME, us(n->queue_ns), 1);
    if (n->speed_milli >= 0)
        reservoir_add(&f->speed, SPREAD_SPEED, (uint64_t)n->speed_milli, 1);
    if (n->prompt_bytes > 0)
        reservoir_add(&f->bytes, SPREAD_BYTES, n->prompt_bytes, 1);
    if (n->gaps.sum > 0)
        reservoir_merge(&f->gap, &n->gaps);
}

static void count_sums(struct tally_sums *s, const struct limiter_note *n)
{
    struct tally_provider *p =
        provider_of(s, n->provider, n->outcome == OUTCOME_OK);

    s->requests++;
    s->outcomes[n->outcome]++;
    s->queue_us += us(n->queue_ns);
    s->first_byte_us += us(n->first_byte_ns);
    s->generation_us += us(n->generation_ns);
    p->tokens_in += (uint64_t)max_i64(n->tokens_in, 0);
    p->tokens_out += (uint64_t)max_i64(n->tokens_out, 0);
    if (n->granted)
        observe(&s->queue[n->cls], n->queue_ns);
}

static void remember(struct lay_tally *t, const struct limiter_note *n)
{
    struct counters_recent *r = &t->recent[t->n_recent % LIMITER_RECENT];
    struct view_recent *v = &r->what;

    __atomic_store_n(&r->used, 0, __ATOMIC_SEQ_CST);
    v->at_ms = n->at_ms;
    cut(v->id, sizeof(v->id), n->id, sizeof(n->id));
    cut(v->client, sizeof(v->client), n->client, sizeof(n->client));
    cut(v->model, sizeof(v->model), n->model, sizeof(n->model));
    cut(v->route, sizeof(v->route), n->route, sizeof(n->route));
    cut(v->code, sizeof(v->code), n->code, sizeof(n->code));
    v->stream = n->stream;
    v->status = n->status;
    v->outcome = n->outcome;
    v->attempts = n->attempts;
    v->queue_ns = n->queue_ns;
    v->first_byte_ns = n->first_byte_ns;
    v->total_ns = n->total_ns;
    v->bytes = n->bytes;
    v->tokens_in = n->tokens_in;
    v->tokens_out = n->tokens_out;
    __atomic_store_n(&r->used, 1, __ATOMIC_SEQ_CST);
    t->n_recent++;
}

/* Names that have no row any more, or never had one, get none here: a
 * request that was refused at the door must not push out a real model. */
static void count_rows(struct layout *lay, const struct limiter_note *n)
{
    uint32_t model = NONE, client = names_find_client(lay, n->client);

    if (n->model[0] != '\0' && n->upstream < LAY_UPSTREAMS)
        model = names_find_model(lay, n->upstream, n->model);
    if (client < LAY_CLIENTS)
        count_figures(&lay->tally.clients[client], n);
    if (model < LAY_MODELS)
        count_figures(&lay->tally.models[model], n);
}

void counters_note(struct layout *lay, const struct limiter_note *n,
                   int64_t now)
{
    struct lay_tally *t = &lay->tally;

    if (n->outcome >= OUTCOMES || n->reason >= REASONS || n->phase >= PHASES ||
        n->cls >= LIMITER_CLASSES)
        sigbus_damaged("a note");
    if (n->route[0] != '\0')
        count_code(route_of(&t->sums, n->route), n->status);
    t->sums.reasons[n->reason]++;
    t->sums.phases[n->phase]++;
    if (!n->upstreamed)
        return;
    if (n->at_ms != 0)
        t->wall_ms = n->at_ms - now / NS_PER_MS;
    count_sums(&t->sums, n);
    count_rows(lay, n);
    remember(t, n);
    rings_note(lay, n);
}

void counters_attempt(struct layout *lay, const struct limiter_attempt *a)
{
    struct tally_sums *s = &lay->tally.sums;
    struct tally_provider *p = provider_of(s, a->provider, a->fine);

    if (a->error >= UPSTREAM_ERRORS)
        sigbus_damaged("a note");
    if (a->error != UPSTREAM_FINE) {
        p->errors[a->error]++;
        s->retries[a->error] += a->again;
    }
    if (a->first_byte_ns < 0)
        return;
    observe(&p->first_byte, a->first_byte_ns);
    observe(&p->duration, a->duration_ns);
}

void counters_sent(struct layout *lay, uint32_t client, uint32_t model)
{
    if (client < LAY_CLIENTS)
        lay->tally.clients[client].sent++;
    if (model < LAY_MODELS)
        lay->tally.models[model].sent++;
}

/* ---- requests that nobody can tell of any more --------------------------- */

void counters_lost(struct layout *lay, uint32_t i, int64_t now)
{
    const struct lay_row *r = row_at(lay, i);
    int64_t at_ms = lay->tally.wall_ms + now / NS_PER_MS;
    struct limiter_note n = {
        .outcome = OUTCOME_LOST,
        .upstreamed = true,
        .stream = (r->flags & ROW_STREAM) != 0,
        .upstream = LAY_UPSTREAMS,
        .attempts = r->state == ROW_SENT,
        .at_ms = lay->tally.wall_ms != 0 ? at_ms : 0,
        .queue_ns = -1,
        .first_byte_ns = -1,
        .generation_ns = -1,
        .total_ns = max_i64(now - r->joined_ns, 0),
        .speed_milli = -1,
        .tokens_in = -1,
        .tokens_out = -1,
    };

    n.cls = r->cls < LIMITER_CLASSES ? (enum limiter_class)r->cls : CLASS_LOW;
    cut(n.id, sizeof(n.id), r->request_id, sizeof(r->request_id));
    if (r->client < LAY_CLIENTS)
        cut(n.client, sizeof(n.client), lay->clients[r->client].text,
            LIMITER_NAME_MAX);
    if (r->model < LAY_MODELS) {
        cut(n.model, sizeof(n.model), lay->models[r->model].text,
            LIMITER_NAME_MAX);
        limiter_provider_of(n.model, n.provider);
        n.upstream = lay->models[r->model].owner;
    }
    counters_note(lay, &n, now);
}

/* ---- names, looking, repairs ---------------------------------------------- */

void counters_forget_model(struct layout *lay, uint32_t i)
{
    memset(LAY_AT(lay, tally.models, i, LAY_MODELS), 0,
           sizeof(struct tally_figures));
}

void counters_forget_client(struct layout *lay, uint32_t i)
{
    memset(LAY_AT(lay, tally.clients, i, LAY_CLIENTS), 0,
           sizeof(struct tally_figures));
}

/* Strings get their zeros; false: no worker wrote it. */
static bool is_sound(struct view_recent *v)
{
    unsigned char stream;

    memcpy(&stream, &v->stream, 1); /* a bool may hold no 2 */
    v->id[sizeof(v->id) - 1] = v->client[sizeof(v->client) - 1] = '\0';
    v->model[sizeof(v->model) - 1] = v->route[sizeof(v->route) - 1] = '\0';
    v->code[sizeof(v->code) - 1] = '\0';
    return stream <= 1 && (unsigned)v->outcome < OUTCOMES &&
           is_wall(v->at_ms) && v->tokens_in <= LIMITER_TOKENS_MAX &&
           v->tokens_out <= LIMITER_TOKENS_MAX;
}

bool counters_recent(const struct lay_tally *t, uint32_t nth,
                     struct view_recent *out)
{
    const struct counters_recent *r;

    if (nth >= LIMITER_RECENT || nth >= t->n_recent)
        return false;
    r = &t->recent[(t->n_recent - 1 - nth) % LIMITER_RECENT];
    if (r->used != 1)
        return false;
    memcpy(out, &r->what, sizeof(*out));
    return is_sound(out);
}

static struct view_spread tell(const struct reservoir *s, uint64_t base,
                               double unit)
{
    struct view_spread v = {reservoir_at(s, base, 50),
                            reservoir_at(s, base, 95)};

    v.p50 = v.p50 < 0 ? -1 : v.p50 * unit;
    v.p95 = v.p95 < 0 ? -1 : v.p95 * unit;
    return v;
}

void counters_tell(const struct tally_figures *f, struct view_figures *out)
{
    uint32_t i;

    out->requests = f->requests;
    out->sent = f->sent;
    out->refused = f->refused;
    out->streams = f->streams;
    for (i = 0; i < OUTCOMES; i++)
        out->outcomes[i] = f->outcomes[i];
    out->tokens_in = f->tokens_in;
    out->tokens_out = f->tokens_out;
    out->last_at_ms = f->last_at_ms;
    out->first_byte_s = tell(&f->first_byte, SPREAD_TIME, 1e-6);
    out->queue_s = tell(&f->queue, SPREAD_TIME, 1e-6);
    out->token_gap_s = tell(&f->gap, SPREAD_GAP, 1e-6);
    out->tokens_per_s = tell(&f->speed, SPREAD_SPEED, 1e-3);
    out->prompt_bytes = tell(&f->bytes, SPREAD_BYTES, 1);
}

/* Rows are filled from the front, each with a name of its own.  What is behind
 * the first one that no worker wrote is noise, too. */
static void check_providers(struct tally_sums *s)
{
    uint32_t i, k, good = 0;

    for (i = 0; i < TALLY_PROVIDERS && good == i; i++) {
        for (k = 0; k < i; k++)
            if (strncmp(s->providers[k].name, s->providers[i].name,
                        LIMITER_PROVIDER_MAX) == 0)
                break;
        good += k == i && is_provider(s->providers[i].name);
    }
    for (i = good; i < TALLY_PROVIDERS; i++)
        if (s->providers[i].name[0] != '\0')
            memset(&s->providers[i], 0, sizeof(s->providers[i]));
    memset(s->providers[TALLY_PROVIDERS].name, 0, LIMITER_PROVIDER_MAX);
}

static void check_codes(struct tally_route *r)
{
    uint32_t i, k, good = 0;

    for (i = 0; i < TALLY_CODES && good == i; i++) {
        for (k = 0; k < i; k++)
            if (r->codes[k].status == r->codes[i].status)
                break;
        good += k == i && r->codes[i].status >= 100 && r->codes[i].status < 600;
    }
    memset(&r->codes[good], 0, (TALLY_CODES - good) * sizeof(r->codes[0]));
}

static bool is_route(const char *name)
{
    size_t n = 0;

    while (n < LIMITER_ROUTE_MAX && is_publisher(name[n]))
        n++;
    return n > 0 && n < LIMITER_ROUTE_MAX && name[n] == '\0';
}

static void check_routes(struct tally_sums *s)
{
    uint32_t i, k, good = 0;

    for (i = 0; i < TALLY_ROUTES && good == i; i++) {
        for (k = 0; k < i; k++)
            if (strncmp(s->routes[k].name, s->routes[i].name,
                        LIMITER_ROUTE_MAX) == 0)
                break;
        good += k == i && is_route(s->routes[i].name);
    }
    memset(&s->routes[good], 0, (TALLY_ROUTES - good) * sizeof(s->routes[0]));
    for (i = 0; i <= TALLY_ROUTES; i++)
        check_codes(&s->routes[i]);
    memset(s->routes[TALLY_ROUTES].name, 0, LIMITER_ROUTE_MAX);
}

void counters_check(struct tally_sums *s)
{
    check_providers(s);
    check_routes(s);
}

void counters_rebuild(struct lay_tally *t, int64_t now)
{
    uint32_t i;

    (void)now;
    counters_check(&t->sums);
    for (i = 0; i < LIMITER_RECENT; i++)
        if (t->recent[i].used != 1 || !is_sound(&t->recent[i].what))
            memset(&t->recent[i], 0, sizeof(t->recent[i]));
    if (!is_wall(t->wall_ms))
        t->wall_ms = 0;
    for (i = 0; i < TALLY_MODELS; i++)
        if (!is_wall(t->models[i].last_at_ms))
            memset(&t->models[i], 0, sizeof(t->models[i]));
    for (i = 0; i < TALLY_CLIENTS; i++)
        if (!is_wall(t->clients[i].last_at_ms))
            memset(&t->clients[i], 0, sizeof(t->clients[i]));
}
