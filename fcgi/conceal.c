/*
 * conceal.c - what must nobody see of what an upstream says?
 *
 *   attempt.c    the fields of every answer, the detail of a broken one
 *   follow_up.c  the body of an error before it is judged, its words after that
 *   relay.c      errors within an answer that looked like none
 *   answer.c     whatever an error of ours quotes
 *
 * Secrets are the keys of all upstreams, our tokens, and the key that the
 * caller presents, if an upstream saw it.  Clients' keys are known by their
 * hashes only; but a key reaches an upstream only from its own caller.
 *
 * The words of a model are not searched: they are the answer, and are passed
 * as they are.  So only events that are errors are, and of other answers only
 * those that are an error object.  An error with a content coding passes as it
 * is only where no key of ours went along (follow_up.c).
 */
#include "fcgi/conceal.h"

#include <string.h>

#include "fcgi/config/config.h"
#include "fcgi/exchange_parts.h"
#include "fcgi/upstream/redact.h"
#include "lib/find.h"

#define OWN_LEAST 4 /* a shorter one would blank half the language */
/* SDKs must send something: "EMPTY", "none", "ollama" are no secrets. */
#define CALLERS_LEAST 8

static void add_own(struct secrets *s, const struct config *cfg)
{
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i++)
        secrets_add(s, cfg->upstreams[i].api_key, OWN_LEAST);
    secrets_add(s, cfg->admin_token, OWN_LEAST);
    secrets_add(s, cfg->read_token, OWN_LEAST);
}

/* Of "Bearer KEY" the key; others may be quoted without their scheme, too. */
static const char *credential(const char *authorization)
{
    const char *space = strchr(authorization, ' ');

    if (space == NULL)
        return authorization;
    return space + strspn(space, " ");
}

static void add_callers(struct secrets *s, const struct request *r)
{
    if (r->authorization != NULL)
        secrets_add(s, credential(r->authorization), CALLERS_LEAST);
    if (r->api_key != NULL)
        secrets_add(s, r->api_key, CALLERS_LEAST);
}

static struct secrets secrets_of(const struct exchange *x)
{
    struct secrets s = {.n = 0};

    add_own(&s, x->s->cfg);
    add_callers(&s, x->req);
    return s;
}

void conceal_bytes(const struct exchange *x, char *text, size_t len)
{
    struct secrets s = secrets_of(x);

    (void)redact(&s, text, len);
}

void conceal_text(const struct exchange *x, char *text)
{
    conceal_bytes(x, text, strlen(text));
}

void conceal_body(const struct exchange *x, struct buf *body)
{
    if (body->len > 0)
        conceal_bytes(x, body->data + body->start, body->len);
}

void conceal_head(const struct exchange *x, struct upstream_head *head)
{
    struct secrets s = secrets_of(x);
    size_t i;

    for (i = 0; i < head->n; i++) {
        char *name = head->headers[i].name; /* the value lies behind it */
        char *value = name + strlen(name) + 1;

        (void)redact(&s, value, strlen(value));
    }
}

void conceal_words(const struct exchange *x, struct upstream_error_words *w)
{
    struct secrets s = secrets_of(x);

    (void)redact(&s, w->message, strlen(w->message));
    (void)redact(&s, w->type, strlen(w->type));
    (void)redact(&s, w->code, strlen(w->code));
}

/* ---- errors within what looks like an answer ------------------------------------ */

bool conceal_must_see(const char *text, size_t len)
{
    return FIND(text, text + len, "error") != NULL ||
           FIND(text, text + len, "failed") != NULL;
}

void conceal_answer(const struct exchange *x, struct buf *body)
{
    struct sse_event g = {.is_error = false};

    if (body->len == 0 || !conceal_must_see(buf_head(body), body->len))
        return;
    sse_event_bytes(&g, buf_head(body), body->len);
    if (g.is_error)
        conceal_body(x, body);
}

/* Bytes up to the end of the first event: behind its blank line. */
static size_t event_len(const char *p, size_t len)
{
    size_t i, line = 0;

    for (i = 0; i < len; i++) {
        if (p[i] != '\n' && p[i] != '\r')
            continue;
        if (i == line && i > 0)
            return p[i] == '\r' && i + 1 < len && p[i + 1] == '\n' ? i + 2
                                                                   : i + 1;
        if (p[i] == '\r' && i + 1 < len && p[i + 1] == '\n')
            i++;
        line = i + 1;
    }
    return len;
}

/* Whatever a client could take for one. */
static bool is_error_event(const char *event, size_t len)
{
    struct sse s = {.len = 0};
    struct upstream_error_words w;

    (void)sse_scan(&s, event, len);
    sse_end(&s);
    return s.has_error || s.gist.is_error || /* the last may lack its end */
           upstream_error_in_stream(&w, event, 0, len);
}

void conceal_events(const struct exchange *x, struct buf *held, bool is_torn)
{
    size_t len = held->len;
    struct secrets s;
    char *events;
    size_t at, n;

    if (len == 0)
        return;
    events = held->data + held->start;
    s = secrets_of(x);
    if (is_torn) {
        (void)redact(&s, events, len);
        return;
    }
    if (!conceal_must_see(events, len) || !redact_finds(&s, events, len))
        return; /* most: no event has to be read */
    for (at = 0; at < len; at += n) {
        n = event_len(events + at, len - at);
        if (redact_finds(&s, events + at, n) && is_error_event(events + at, n))
            (void)redact(&s, events + at, n);
    }
}
