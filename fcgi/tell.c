/*
 * tell.c - how is a client told what the upstream said?
 *
 * In the upstream's words, as it shaped them where that shape is OpenAI's and
 * all of it can be searched for keys.
 */
#include "fcgi/tell.h"

#include <inttypes.h>
#include <string.h>

#include "fcgi/answer.h"
#include "fcgi/as_chat.h"
#include "fcgi/attempt.h"
#include "fcgi/config/config.h"
#include "fcgi/relay.h"
#include "fcgi/sign_of_life.h"

/* A longer wait no SDK keeps (reply.c): it is not asked to come again. */
#define TOLD_MS_MAX 60000

/* A network in between ended the call: its clock runs between two bytes. */
#define TOOK_TOO_LONG                                                          \
    " (It may have been done, and would take as long again: ask for a "        \
    "stream.)"

enum step tell_answer(struct exchange *x)
{
    struct answer_probe *p = &x->attempt.probe;

    attempt_drop_body(x);
    relay_head(x, &p->head, p->kind);
    sign_of_life_go_on(x);
    attempt_is_heard(x); /* from here on a stream gets signs of life */
    if (p->body.len > 0) /* all of it: nobody would bring it again */
        relay_body(x, buf_head(&p->body), p->body.len);
    answer_probe_clear(p);
    return STEP_RELAY;
}

/* What is compressed cannot be searched for our key, so that it passes only
 * where the upstream was not told one. */
static bool can_pass_as_it_is(const struct exchange *x, const struct verdict *v)
{
    if (v->words.shape == WORDS_CODED && attempt_upstream(x)->api_key != NULL)
        return false;
    if (as_chat_is(x)) /* its shape is not that of its client's API */
        return false;
    return verdict_can_pass(v) && !x->relay.head_sent &&
           x->attempt.state == ATTEMPT_ENDED &&
           x->attempt.probe.head.status == v->status; /* of no stream */
}

/* Claude Code tries such a thing ten times, for minutes, unless it is told that
 * this is of no use. */
static bool is_locked_out(const struct exchange *x, const struct verdict *v)
{
    return as_chat_is(x) && (v->status == 401 || v->status == 403);
}

enum step tell_error(struct exchange *x, const struct verdict *v, int retry)
{
    bool can_pass = can_pass_as_it_is(x, v);
    struct buf json = {NULL, 0, 0, 0};
    struct reply_error *error;
    enum step next;

    if (is_locked_out(x, v))
        retry = 0;
    if (can_pass && retry < 0 && !reply_hides_delay(&x->attempt.probe.head))
        return tell_answer(x);
    attempt_stop(x);
    error = &exchange_noted(x)->error;
    error->status = v->status;
    error->code = ERROR_UPSTREAM;
    if (can_pass) /* with a header of ours */
        buf_add(&json, buf_head(&x->attempt.probe.body),
                x->attempt.probe.body.len);
    else
        reply_their_error(&json, &v->words, v->status);
    next = exchange_tell(
        x, &(struct relay_error){
               v->status, &json, v->retry_ms, retry, &x->attempt.probe.head,
               can_pass && v->words.shape == WORDS_CODED, v->words.message,
               reply_their_type(&v->words, v->status), v->words.code});
    buf_free(&json);
    return next;
}

enum step tell_refused(struct exchange *x, const struct verdict *v)
{
    return tell_error(x, v, v->retry_ms > TOLD_MS_MAX ? 0 : -1);
}

enum step tell_off(struct exchange *x, const struct verdict *v)
{
    attempt_stop(x);
    return exchange_fail_as(x, v->status, ERROR_UPSTREAM_OFF, v->off_ms, 0,
                            "The upstream does not serve this model now: %s",
                            v->words.message);
}

/* In the upstream's words and OURS. */
static enum step tell_with(struct exchange *x, const struct verdict *v,
                           const char *ours, int retry)
{
    struct verdict told = *v;
    char *text = told.words.message;
    size_t len =
        min_i64((int64_t)strlen(text),
                (int64_t)(sizeof(told.words.message) - strlen(ours) - 1));

    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--; /* not inside a letter of UTF-8 */
    memcpy(text + len, ours, strlen(ours) + 1);
    told.words.shape = WORDS_JSON; /* so it does not pass as it came */
    return tell_error(x, &told, retry);
}

enum step tell_once(struct exchange *x, const struct verdict *v)
{
    return tell_with(x, v, " (" ATTEMPT_ONCE ")", 0);
}

enum step tell_took_too_long(struct exchange *x, const struct verdict *v)
{
    return x->req->stream ? tell_error(x, v, 0)
                          : tell_with(x, v, TOOK_TOO_LONG, 0);
}

enum step tell_key(struct exchange *x, const struct verdict *v)
{
    char ours[160];

    snprintf(ours, sizeof(ours),
             " (This is Sluice's own key for the upstream %s, not yours: who "
             "runs Sluice has to replace it.)",
             attempt_upstream(x)->name);
    return tell_with(x, v, ours, -1);
}

enum step tell_too_late(struct exchange *x, const struct verdict *v)
{
    int64_t left_ns = max_i64(x->place.deadline_ns - exchange_now(x), 0);

    attempt_stop(x);
    return exchange_fail_as(
        x, 429, ERROR_DEADLINE, v->retry_ms, v->retry_ms > TOLD_MS_MAX ? 0 : -1,
        "The upstream wants no such request for %" PRId64
        " s (%.160s), and %s allows a wait of %" PRId64 " s.",
        (v->retry_ms + 999) / 1000, v->words.message, x->place.deadline_name,
        left_ns / NS_PER_S);
}
