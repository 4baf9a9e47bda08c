/*
 * onward_headers.c - which header fields does the upstream see?
 *
 *   the client's     those that its pass_headers lists; type, what is accepted
 *                    and the mark of a repetition always
 *   set_headers      in place of a client's of the same name
 *   ours             the request's id, how long a call may be held (NVIDIA)
 *   the key          ours, as key_header says; else the client's as it came
 *
 * The key comes last: no other line may move it, or a copy of it would stay
 * behind in memory that is not wiped.
 */
#include "fcgi/onward_headers.h"

#include <string.h>
#include <strings.h>

#include "fcgi/as_chat.h"
#include "fcgi/config/config.h"
#include "fcgi/config/header_rules.h"
#include "fcgi/relay.h"
#include "fcgi/route.h"

/* ---- lines ------------------------------------------------------------------- */

static void add(struct onward_headers *h, const char *name, const char *before,
                const char *value)
{
    CHECK(h->n < ONWARD_MAX);
    h->at[h->n++] = h->text.len;
    buf_str(&h->text, name);
    buf_str(&h->text, before);
    buf_add(&h->text, value, strlen(value) + 1);
}

static void add_header(struct onward_headers *h, const char *name,
                       const char *value)
{
    add(h, name, ": ", value);
}

static const char *const *lines_of(struct onward_headers *h)
{
    size_t i;

    for (i = 0; i < h->n; i++)
        h->lines[i] = buf_head(&h->text) + h->at[i];
    h->lines[h->n] = NULL;
    return h->lines;
}

/* ---- the client's ------------------------------------------------------------ */

/* What the answer depends on, and what keeps a repetition from being one. */
static const char *const always[] = {"Content-Type", "Accept",
                                     "Idempotency-Key"};

/* As the list spells it: some servers look at that.  NULL: it stays here. */
static const char *spelling(const struct config_upstream *u, const char *name)
{
    size_t i;

    if (!header_may_pass(name))
        return NULL;
    for (i = 0; i < u->n_pass_headers; i++)
        if (header_fits(u->pass_headers[i], name))
            return strchr(u->pass_headers[i], '*') == NULL ? u->pass_headers[i]
                                                           : name;
    for (i = 0; i < ARRAY_LEN(always); i++)
        if (header_fits(always[i], name))
            return always[i];
    return NULL;
}

static bool is_set(const struct config_upstream *u, const char *name)
{
    size_t n = strlen(name), i;

    for (i = 0; i < u->n_set_headers; i++)
        if (strncasecmp(u->set_headers[i], name, n) == 0 &&
            u->set_headers[i][n] == ':')
            return true;
    return false;
}

static void add_clients(struct onward_headers *h, const struct exchange *x,
                        const struct config_upstream *u)
{
    const char *at = NULL, *value, *name;

    while ((at = asked_header_next(&x->req->headers, at, &value)) != NULL) {
        name = spelling(u, at);
        if (as_chat_is(x) && strncasecmp(at, "anthropic-", 10) == 0)
            continue; /* of an API that this upstream does not speak */
        if (name != NULL && !is_set(u, at))
            add_header(h, name, value);
    }
}

/* ---- set, and ours ----------------------------------------------------------- */

static void add_set(struct onward_headers *h, const struct config_upstream *u)
{
    size_t i;

    for (i = 0; i < u->n_set_headers; i++)
        add(h, "", "", u->set_headers[i]);
}

static bool is_said(const struct exchange *x, const struct config_upstream *u,
                    const char *name)
{
    return is_set(u, name) || (asked_header(&x->req->headers, name) != NULL &&
                               spelling(u, name) != NULL);
}

static int64_t ms_left(const struct exchange *x)
{
    return (x->due.at[DUE_ANSWER] - exchange_now(x)) / NS_PER_MS;
}

static void add_ours(struct onward_headers *h, const struct exchange *x,
                     const struct config_upstream *u)
{
    const struct request *r = x->req;

    if (!r->has_type && r->body.len > 0 && r->route->needs_json &&
        !is_set(u, "content-type"))
        add_header(h, "Content-Type", "application/json");
    if (!is_said(x, u, "accept"))
        add_header(h, "Accept",
                   relay_wants_events(x) ? "text/event-stream" : "*/*");
    if (is_said(x, u, "nvcf-poll-seconds"))
        return;
    h->at[h->n++] = h->text.len;
    buf_str(&h->text, "NVCF-POLL-SECONDS: ");
    buf_int(&h->text, nvcf_poll_seconds(ms_left(x)));
    buf_add(&h->text, "", 1);
}

/* ---- the key ----------------------------------------------------------------- */

static void add_key(struct onward_headers *h, const struct config_upstream *u)
{
    switch (u->key_header) {
    case KEY_BEARER:
        add(h, "Authorization", ": Bearer ", u->api_key);
        break;
    case KEY_API_KEY:
        add_header(h, "api-key", u->api_key);
        break;
    case KEY_X_API_KEY:
        add_header(h, "x-api-key", u->api_key);
        break;
    }
}

/* An upstream that speaks chat looks for it where OpenAI's clients put it. */
static void add_clients_key(struct onward_headers *h, const struct exchange *x)
{
    const struct request *r = x->req;
    size_t len = 64; /* of both names */

    len += r->authorization != NULL ? strlen(r->authorization) : 0;
    len += r->api_key != NULL ? strlen(r->api_key) : 0;
    (void)buf_room(&h->text, len); /* none of them moves */
    if (r->authorization != NULL)
        add_header(h, "Authorization", r->authorization);
    if (r->api_key != NULL && as_chat_is(x) && r->authorization == NULL)
        add(h, "Authorization", ": Bearer ", r->api_key);
    else if (r->api_key != NULL)
        add_header(h, r->api_key_header, r->api_key);
}

/* ---- all of it --------------------------------------------------------------- */

const char *const *onward_headers_make(struct onward_headers *h,
                                       const struct exchange *x)
{
    const struct config_upstream *u =
        &x->s->cfg->upstreams[x->attempt.upstream];
    enum errand errand = x->attempt.errand;

    h->n = 0;
    memset(&h->text, 0, sizeof(h->text));
    if (errand == ERRAND_REQUEST) {
        add_clients(h, x, u);
        add_ours(h, x, u);
    } else {
        add_header(h, "Accept", "*/*");
    }
    add_header(h, "X-Request-Id", x->req->id);
    if (errand == ERRAND_RESULT) /* another host: it gets no key */
        return lines_of(h);
    add_set(h, u);
    if (u->api_key != NULL)
        add_key(h, u);
    else
        add_clients_key(h, x);
    return lines_of(h);
}

const char *const *onward_headers_ask(struct onward_headers *h,
                                      const struct config_upstream *u,
                                      const char *accept)
{
    h->n = 0;
    memset(&h->text, 0, sizeof(h->text));
    if (!is_set(u, "accept"))
        add_header(h, "Accept", accept);
    add_set(h, u);
    if (u->api_key != NULL)
        add_key(h, u);
    return lines_of(h);
}

void onward_headers_forget(struct onward_headers *h)
{
    if (h->text.data != NULL)
        explicit_bzero(h->text.data, h->text.cap);
    buf_free(&h->text);
}
