/*
 * ticket_takes.c - what does a ticket take: may it be too much, when by its
 * client's own limits, and what was it in truth?
 */
#include "state/ticket_takes.h"

#include "state/policy/leases.h"
#include "state/policy/naming.h"
#include "state/policy/quota.h"
#include "state/policy/row.h"
#include "state/policy/tokens.h"
#include "state/ticket_events.h"
#include "state/worker.h"

static bool has_own_limit(const struct limiter_request *req)
{
    return req->requests_per_min > 0 || req->tokens_per_min > 0 ||
           req->tokens_per_day > 0;
}

int64_t ticket_takes_own_eta(struct layout *lay,
                             const struct limiter_request *req, int64_t now)
{
    uint32_t client;

    if (!has_own_limit(req))
        return now;
    client = naming_client(lay, req->client, now);
    if (client == NONE)
        return now;
    return quota_eta(lay, client,
                     (struct quota_sum){lay->quotas[client].lined_weight + 1,
                                        lay->quotas[client].lined_tokens + 1},
                     now);
}

/* Does a limit of so many TOKENS let T pass, whatever is guessed of it?  No guess
 * is a hundred tokens and eight for each byte of a prompt. */
static bool surely_fits(const struct ticket *t, uint64_t tokens)
{
    return tokens == 0 ||
           (t->req.max_tokens > 0 &&
            8 * t->req.prompt_bytes + t->req.max_tokens + 100 <= tokens);
}

/* Is it worth a closer look? */
static bool may_be_too_many(const struct layout *lay, const struct ticket *t)
{
    uint32_t i;

    if (!surely_fits(t, t->req.tokens_per_min) ||
        !surely_fits(t, t->req.tokens_per_day))
        return true;
    if (t->req.n_choices == 0)
        return !surely_fits(t, lay->rules[t->req.upstream].tokens);
    for (i = 0; i < t->req.n_choices; i++)
        if (t->req.choices[i].upstream < LAY_UPSTREAMS &&
            !surely_fits(t, lay->rules[t->req.choices[i].upstream].tokens))
            return true;
    return false;
}

/* Needs the lock.  Wherever it might go?  Of the CHOICES of T those are left out
 * that it surely is too much for. */
static bool are_too_many(struct limiter *lim, struct ticket *t,
                         struct limiter_choice *choices)
{
    struct layout *lay = lim->file.lay;
    struct limiter_request req = t->req;
    uint32_t scope, model, i = 0, left = 0;

    do {
        if (i < t->req.n_choices) {
            req.upstream = choices[i].upstream;
            req.model = choices[i].model;
        }
        if (req.upstream >= LAY_UPSTREAMS)
            continue;
        scope = row_scope(lay, &req, lim->now, &model);
        if (scope == NONE ||
            !tokens_are_too_many(lay, &req, scope, model, &t->news))
            left++;
        else if (t->req.n_choices > 0)
            choices[i].upstream = NONE;
    } while (++i < t->req.n_choices);
    return left == 0;
}

bool ticket_takes_refuse(struct limiter *lim, struct ticket *t,
                         struct limiter_choice *choices)
{
    struct layout *lay = lim->file.lay;

    if (!may_be_too_many(lay, t) || !are_too_many(lim, t, choices))
        return false;
    lim->journal.did.refused[REFUSED_TOKENS]++;
    t->news.waiting = lay->live.waiting;
    ticket_events_refused(lim, t, REFUSED_TOKENS, -1);
    return true;
}

void ticket_takes_settle(struct limiter *lim, struct ticket *t)
{
    struct layout *lay = lim->file.lay;

    if (t->row == NONE || row_at(lay, t->row)->state != ROW_SENT)
        return;
    leases_told(lay, t->row,
                tokens_settle(lay, t->row, t->req.prompt_bytes, &t->usage));
    tokens_compare(lay, t->row, t->req.prompt_guess, &t->usage);
}
