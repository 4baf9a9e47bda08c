/*
 * figures.c - what became of a model's, or a client's, requests?
 *
 * A row of figures goes with a row of the state's table, and bears its name:
 * whoever gets that row begins anew.  A name without a row gets none: a request
 * that was refused at the door must not push out a real model.
 */
#include "state/stats/figures.h"

#include <string.h>

#include "state/stats/tally.h"

#define WALL_MAX (INT64_C(1) << 53) /* what JSON can tell exactly */

static uint64_t us(int64_t ns)
{
    return ns > 0 ? (uint64_t)ns / 1000 : 0;
}

static bool is_of(const struct lay_figures *f, uint32_t owner, const char *name)
{
    return f->used == 1 && f->owner == owner &&
           strncmp(f->name, name, sizeof(f->name)) == 0;
}

/* Killed half way it has no name yet, and is begun again. */
static struct lay_figures *named(struct lay_figures *f, uint32_t owner,
                                 const char *name)
{
    if (is_of(f, owner, name))
        return f;
    __atomic_store_n(&f->used, 0, __ATOMIC_RELEASE);
    memset(f, 0, sizeof(*f));
    f->owner = owner;
    memcpy(f->name, name, strnlen(name, sizeof(f->name) - 1));
    __atomic_store_n(&f->used, 1, __ATOMIC_RELEASE);
    return f;
}

/* NULL: there are none. */
static struct lay_figures *of_client(struct lay_tally *t,
                                     const struct figures_of *who)
{
    return who->client < LIMITER_CLIENTS
               ? named(&t->clients[who->client], 0, who->client_name)
               : NULL;
}

static struct lay_figures *of_model(struct lay_tally *t,
                                    const struct figures_of *who)
{
    return who->model < LIMITER_MODELS
               ? named(&t->models[who->model], who->owner, who->model_name)
               : NULL;
}

static void count(struct lay_figures *f, const struct limiter_note *n)
{
    if (f == NULL)
        return;
    f->requests++;
    f->outcomes[n->outcome]++;
    f->refused += n->outcome == OUTCOME_REFUSED;
    f->streams += n->stream;
    f->tokens_in += (uint64_t)max_i64(n->tokens_in, 0);
    f->tokens_out += (uint64_t)max_i64(n->tokens_out, 0);
    f->answers += note_is_answer(n);
    f->told += note_is_told(n);
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

void figures_note(struct lay_tally *t, const struct figures_of *who,
                  const struct limiter_note *n)
{
    count(of_client(t, who), n);
    count(of_model(t, who), n);
}

static void count_send(struct lay_figures *f, int64_t now)
{
    if (f == NULL)
        return;
    f->sent++;
    last_minute_count(&f->minute, now);
}

void figures_sent(struct lay_tally *t, const struct figures_of *who,
                  int64_t now)
{
    struct lay_figures *client = of_client(t, who), *model = of_model(t, who);

    count_send(client, now);
    count_send(model, now);
}

bool figures_client(const struct lay_tally *t, uint32_t i, const char *name,
                    struct lay_figures *out)
{
    if (i >= LIMITER_CLIENTS || !is_of(&t->clients[i], 0, name))
        return false;
    *out = t->clients[i];
    return true;
}

bool figures_model(const struct lay_tally *t, uint32_t i, uint32_t owner,
                   const char *name, struct lay_figures *out)
{
    if (i >= LIMITER_MODELS || !is_of(&t->models[i], owner, name))
        return false;
    *out = t->models[i];
    return true;
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

void figures_tell(const struct lay_figures *f, int64_t now,
                  struct view_figures *out)
{
    uint32_t i;

    out->requests = f->requests;
    out->sent = f->sent;
    out->minute = last_minute_told(&f->minute, now);
    out->refused = f->refused;
    out->streams = f->streams;
    for (i = 0; i < OUTCOMES; i++)
        out->outcomes[i] = f->outcomes[i];
    out->tokens_in = f->tokens_in;
    out->tokens_out = f->tokens_out;
    out->answers = f->answers;
    out->told = f->told;
    out->last_at_ms = f->last_at_ms;
    out->first_byte_s = tell(&f->first_byte, SPREAD_TIME, 1e-6);
    out->queue_s = tell(&f->queue, SPREAD_TIME, 1e-6);
    out->token_gap_s = tell(&f->gap, SPREAD_GAP, 1e-6);
    out->tokens_per_s = tell(&f->speed, SPREAD_SPEED, 1e-3);
    out->prompt_bytes = tell(&f->bytes, SPREAD_BYTES, 1);
}

static void check(struct lay_figures *f)
{
    if (f->used != 1 || f->last_at_ms < -WALL_MAX || f->last_at_ms > WALL_MAX)
        memset(f, 0, sizeof(*f));
    f->name[sizeof(f->name) - 1] = '\0';
}

void figures_rebuild(struct lay_tally *t)
{
    uint32_t i;

    for (i = 0; i < LIMITER_MODELS; i++)
        check(&t->models[i]);
    for (i = 0; i < LIMITER_CLIENTS; i++)
        check(&t->clients[i]);
}
