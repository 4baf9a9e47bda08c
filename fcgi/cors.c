/*
 * cors.c - what is a browser told about pages of other origins?
 *
 *   route.c --> cors_route()    OPTIONS with an Origin: the preflight
 *   auth.c  decides             r->cors: this page may send, and read
 *   reply.c --> cors_headers()  every head of ours passes there
 *
 * A page that is not listed gets no such header, so its browser keeps the
 * answer from it; that it cannot spend anything either is auth.c's work, for a
 * browser sends simple requests without asking.
 *
 * "*" is never used: the answer names the one origin that asked.  Cookies mean
 * nothing to us, so credentials are not allowed.
 */
#include "fcgi/cors.h"

#include <string.h>

#include "fcgi/exchange.h"
#include "fcgi/reply.h"
#include "fcgi/request.h"
#include "fcgi/route.h"

/* What the OpenAI SDKs and our own page send; wildcards do not cover
 * Authorization, and older browsers know none. */
#define ALLOWED_HEADERS                                                        \
    "authorization, content-type, accept, user-agent, cache-control, "         \
    "last-event-id, idempotency-key, openai-beta, openai-organization, "       \
    "openai-project, nvcf-poll-seconds, nvcf-input-asset-references, "         \
    "nvcf-function-asset-ids, x-sluice-client, x-sluice-deadline, "            \
    "x-sluice-priority, x-stainless-arch, x-stainless-async, "                 \
    "x-stainless-custom-poll-interval, x-stainless-helper-method, "            \
    "x-stainless-lang, x-stainless-os, x-stainless-package-version, "          \
    "x-stainless-poll-helper, x-stainless-read-timeout, "                      \
    "x-stainless-retry-count, x-stainless-runtime, "                           \
    "x-stainless-runtime-version, x-stainless-timeout"

#define EXPOSED_HEADERS                                                        \
    "x-request-id, x-upstream-request-id, retry-after, retry-after-ms, "       \
    "x-should-retry, x-ratelimit-limit-requests, "                             \
    "x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "             \
    "x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, "                 \
    "x-ratelimit-reset-tokens, x-sluice-queue-ms, x-sluice-attempts, "         \
    "nvcf-reqid, nvcf-status"

#define MAX_AGE "600" /* seconds: a page that is struck off is so soon */

static bool is_under(const char *path, const char *prefix)
{
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

static enum step preflight_answer(struct exchange *x)
{
    const struct request *r = x->req;
    struct buf b = {NULL, 0, 0, 0};

    reply_head(&b, r, 204, NULL);
    reply_header(&b, "Access-Control-Allow-Methods",
                 is_under(r->path, "/v1/") ? "GET, HEAD, POST"
                                           : "GET, HEAD, POST, PATCH, DELETE");
    reply_header(&b, "Access-Control-Allow-Headers", ALLOWED_HEADERS);
    reply_header(&b, "Access-Control-Max-Age", MAX_AGE);
    buf_str(&b, "\r\n");
    client_write(&x->client, buf_head(&b), b.len);
    buf_free(&b);
    client_end(&x->client);
    x->relay.head_sent = true;
    x->relay.status = 204;
    exchange_dirty(x);
    return STEP_FLUSH;
}

static const struct route preflight = {
    .path = "/*",
    .methods = "OPTIONS",
    .name = "preflight",
    .access = ACCESS_PREFLIGHT,
    .answer = preflight_answer,
};

const struct route *cors_route(const struct request *r)
{
    if (strcmp(r->method, "OPTIONS") != 0 || r->origin == NULL ||
        (!is_under(r->path, "/v1/") && !is_under(r->path, "/api/")))
        return NULL;
    return &preflight;
}

void cors_headers(struct buf *b, const struct request *r)
{
    if (!r->cors)
        return;
    reply_header(b, "Access-Control-Allow-Origin", r->origin);
    reply_header(b, "Vary", "Origin");
    if (strcmp(r->method, "OPTIONS") != 0)
        reply_header(b, "Access-Control-Expose-Headers", EXPOSED_HEADERS);
}
