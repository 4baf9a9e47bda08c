/* tell_limiter.c - what is the limiter told of an answer? */
#include "fcgi/tell_limiter.h"

#include <string.h>

#include "fcgi/choices.h"
#include "fcgi/config/bounds.h"
#include "fcgi/config/config.h"
#include "fcgi/upstream/refusal_words.h"
#include "fcgi/upstream/verdict.h"

/* A request that was refused as it came has taken nothing, whatever it might have
 * taken; of one that broke something nobody knows. */
static bool took_nothing(const struct exchange *x, const struct verdict *v)
{
    return v != NULL && v->status >= 400 && v->status < 500 &&
           x->relay.mode == RELAY_NOTHING;
}

/* The choices that are the server which X's attempt was at: what broke it breaks
 * those, too.  0: there are no others. */
static uint32_t alike(const struct exchange *x)
{
    return x->place.choices == NULL ? 0
                                    : choices_alike(x->place.choices, x->s->cfg,
                                                    x->attempt.upstream);
}

/* Of a client's own key we say nothing: it is the client's business. */
static enum key_word key_word(const struct exchange *x, const struct verdict *v)
{
    if (v == NULL || x->s->cfg->upstreams[x->attempt.upstream].api_key == NULL)
        return KEY_UNTOLD;
    return verdict_rows[v->kind].key;
}

void tell_limiter(struct exchange *x, enum limiter_answer answer,
                  const struct verdict *v, int64_t retry_ms, const char *reason)
{
    static const struct limiter_usage nothing = {0, 0};
    struct limiter_report r = {
        .answer = answer,
        .retry_after_ns = retry_ms >= 0 ? retry_ms * NS_PER_MS : -1,
        .at_once = answer == ANSWER_BUSY ? refusal_words_at_once(&v->words) : 0,
        .cause = v != NULL ? v->cause : EJECTED_NOT,
        .shun = answer == ANSWER_FAULT ? alike(x) : 0,
        .tokens_left = v != NULL ? v->tokens_left : -1,
        .key = key_word(x, v),
        .key_status = v != NULL ? (uint16_t)v->status : 0,
    };

    if (x->attempt.errand != ERRAND_REQUEST || x->place.ticket == NULL)
        return;
    snprintf(r.reason, sizeof(r.reason), "%.*s", (int)sizeof(r.reason) - 1,
             reason);
    limiter_report(x->s->lim, x->place.ticket, &r);
    if (took_nothing(x, v))
        limiter_settle(x->s->lim, x->place.ticket, &nothing);
}

const char *tell_limiter_reason(const struct verdict *v)
{
    return v->kind == VERDICT_RATE         ? "too many requests"
           : v->kind == VERDICT_OVERLOADED ? "it is overloaded"
                                           : "no worker is free";
}

/* ---- in the middle of a stream ---------------------------------------------------- */

/* The first event from FROM on begins behind the next blank line. */
static size_t next_event(const char *events, size_t from, size_t len)
{
    const char *blank = memmem(events + from, len - from, "\n\n", 2);

    return blank == NULL ? len : (size_t)(blank - events) + 2;
}

void tell_limiter_of_events(struct exchange *x, const char *events, size_t len)
{
    struct verdict_input in = {.status = 200, .is_stream = true};
    enum limiter_answer answer;
    struct verdict v;
    size_t at = len > WORDS_BYTES ? len - WORDS_BYTES : 0;

    if (at > 0)
        at = next_event(events, at, len);
    in.body = events + at;
    in.len = len - at;
    verdict_of(&v, &in);
    answer = verdict_rows[v.kind].answer;
    if (answer == ANSWER_RATE || answer == ANSWER_BUSY) /* a late refusal */
        tell_limiter(x, answer, &v, v.retry_ms, tell_limiter_reason(&v));
}
