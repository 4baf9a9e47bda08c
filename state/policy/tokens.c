/*
 * tokens.c - what does a row take of limits in tokens?
 *
 *   row.c        --> tokens_estimate()       it joins: guessed (token_estimate.c)
 *                    tokens_of_scope()       what counts, in line, open and sent
 *   ticket_ops.c --> tokens_are_too_many()   it would never fit
 *                    tokens_settle()         its answer tells: true from then on
 *   verdicts.c   --> tokens_left()           the upstream's own word
 *
 * An upstream's limit counts what its rules say; a client's own counts both, what
 * comes in and what goes out.  What a row takes is written once and changes with
 * its scope alone, so that sums of rows come out even.
 */
#include "state/policy/tokens.h"

#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_state.h"
#include "state/policy/quota.h"
#include "state/policy/window.h"

static struct lay_tokens *of_row(struct layout *lay, const struct lay_row *r)
{
    return &lay->tokens[r - lay->rows];
}

static uint32_t bounded(uint64_t tokens)
{
    return tokens < LAY_TOKENS_MAX ? (uint32_t)tokens : LAY_TOKENS_MAX;
}

static uint64_t counted(uint32_t counts, uint64_t in, uint64_t out)
{
    switch (counts) {
    case TOKENS_IN:
        return in;
    case TOKENS_OUT:
        return out;
    default:
        return in + out;
    }
}

struct take tokens_of_scope(struct layout *lay, const struct lay_row *r)
{
    return (struct take){r->weight, of_row(lay, r)->takes};
}

struct take tokens_of_client(struct layout *lay, const struct lay_row *r)
{
    return (struct take){r->weight, of_row(lay, r)->own};
}

/* ---- guessed ---------------------------------------------------------------------- */

static struct token_guess guess(struct layout *lay, uint32_t model,
                                const struct limiter_request *req)
{
    static const struct token_estimate nothing;
    const struct token_estimate *e =
        model == NONE ? &nothing : &model_state_at(lay, model)->tokens;

    if (!token_estimate_is_sane(e))
        sigbus_damaged("what was learned of tokens");
    return token_estimate_guess(e, req->prompt_bytes, req->max_tokens);
}

static uint32_t counts_of(struct layout *lay, uint32_t scope)
{
    return lay->rules[limits_upstream(lay, scope)].counts;
}

struct take tokens_at(struct layout *lay, uint32_t row, uint32_t scope)
{
    const struct lay_tokens *t = LAY_AT(lay, tokens, row, LAY_ROWS);

    return (struct take){
        row_at(lay, row)->weight,
        bounded(counted(counts_of(lay, scope), t->in, t->out))};
}

void tokens_of_other_scope(struct layout *lay, uint32_t row)
{
    struct lay_tokens *t = &lay->tokens[row];

    t->takes = bounded(
        counted(counts_of(lay, row_at(lay, row)->scope), t->in, t->out));
}

void tokens_estimate(struct layout *lay, uint32_t row,
                     const struct limiter_request *req)
{
    struct token_guess g = guess(lay, row_at(lay, row)->model, req);

    lay->tokens[row] =
        (struct lay_tokens){.in = g.in,
                            .out = g.out,
                            .in_scope = {0, NONE, 0},
                            .own = bounded((uint64_t)g.in + g.out),
                            .in_client = {0, NONE, 0}};
    tokens_of_other_scope(lay, row);
}

/* A LIMIT of 0 is none. */
static bool exceeds(uint64_t tokens, uint64_t limit, struct ticket_news *out)
{
    if (limit == 0 || tokens <= limit)
        return false;
    out->tokens = tokens;
    out->tokens_max = limit;
    return true;
}

bool tokens_are_too_many(struct layout *lay, const struct limiter_request *req,
                         uint32_t scope, uint32_t model,
                         struct ticket_news *out)
{
    const struct lay_rules *r = limits_of(lay, scope);
    struct token_guess g;

    if (r->tokens == 0 && req->tokens_per_min == 0 && req->tokens_per_day == 0)
        return false;
    g = guess(lay, model, req);
    return exceeds(counted(r->counts, g.surely_in, g.surely_out), r->tokens,
                   out) ||
           exceeds(g.surely_in + g.surely_out, req->tokens_per_min, out) ||
           exceeds(g.surely_in + g.surely_out, req->tokens_per_day, out);
}

/* ---- true ----------------------------------------------------------------------- */

static uint32_t truth(int64_t told, uint32_t guessed)
{
    return told < 0 ? guessed : bounded((uint64_t)told);
}

static void learn(struct layout *lay, uint32_t model, uint64_t prompt_bytes,
                  const struct limiter_usage *u)
{
    struct lay_model_state *t;

    if (model == NONE || (u->in == 0 && u->out == 0)) /* it was refused */
        return;
    t = model_state_at(lay, model);
    if (!token_estimate_is_sane(&t->tokens))
        sigbus_damaged("what was learned of tokens");
    token_estimate_learn(&t->tokens, prompt_bytes, u->in, u->out);
}

uint32_t tokens_settle(struct layout *lay, uint32_t row, uint64_t prompt_bytes,
                       const struct limiter_usage *u)
{
    const struct lay_row *r = row_at(lay, row);
    struct lay_tokens *t = &lay->tokens[row];
    uint32_t in = truth(u->in, t->in), out = truth(u->out, t->out);
    uint32_t takes = bounded(counted(counts_of(lay, r->scope), in, out));

    (void)window_settle(lay, r->scope, &t->in_scope, t->takes, takes);
    t->in_scope.chunk = NONE;
    quota_settle(lay, r->client, &t->in_client, t->own,
                 bounded((uint64_t)in + out));
    t->in_client = (struct lay_place){0, NONE, 0};
    learn(lay, r->model, prompt_bytes, u);
    return takes;
}

void tokens_compare(struct layout *lay, uint32_t row, uint32_t guessed,
                    const struct limiter_usage *u)
{
    uint32_t model = row_at(lay, row)->model;

    if (model != NONE && guessed > 0)
        token_estimate_compare(&model_state_at(lay, model)->tokens, guessed,
                               u->in);
}

uint32_t tokens_ratio_m(struct layout *lay, uint32_t model)
{
    const struct token_estimate *e;

    if (model == NONE)
        return 0;
    e = &model_state_at(lay, model)->tokens;
    return token_estimate_is_sane(e) ? token_estimate_ratio_m(e) : 0;
}

void tokens_left(struct layout *lay, uint32_t scope, uint64_t left, int64_t now)
{
    const struct lay_rules *r = limits_of(lay, scope);
    struct lay_scope *s = scope_at(lay, scope);
    uint64_t known = s->window.tokens + s->open_tokens;
    uint64_t said = left < r->tokens ? r->tokens - left : 0;

    if (r->tokens == 0 || said <= known)
        return;
    if (now < s->unseen_ns && s->unseen >= said - known)
        return;
    s->unseen = 0; /* in this order: half of it does no harm */
    __atomic_store_n(&s->unseen_ns, now + limits_span_ns(r), __ATOMIC_RELEASE);
    __atomic_store_n(&s->unseen, bounded(said - known), __ATOMIC_RELEASE);
}

/* ---- after a crash ---------------------------------------------------------------- */

void tokens_found_sent(struct layout *lay, uint32_t row)
{
    lay->tokens[row].in_scope = window_newest(lay, row_at(lay, row)->scope);
}

void tokens_rebuild(struct layout *lay)
{
    uint32_t i;

    for (i = 0; i < LAY_ROWS; i++) {
        struct lay_tokens *t = &lay->tokens[i];

        if (lay->rows[i].state != ROW_FREE &&
            (t->in > LAY_TOKENS_MAX || t->out > LAY_TOKENS_MAX ||
             t->takes > LAY_TOKENS_MAX || t->own > LAY_TOKENS_MAX))
            sigbus_damaged("tokens of a request");
    }
    for (i = 0; i < LAY_MODELS; i++)
        if (!token_estimate_is_sane(&lay->model_states[i].tokens))
            lay->model_states[i].tokens = (struct token_estimate){.in = {0}};
}
