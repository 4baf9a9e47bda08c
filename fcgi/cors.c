/*
 * cors.c - what is a browser told about pages of other origins?
 *
 *   gate.c  --> cors_is_preflight()  OPTIONS with an Origin
 *   auth.c  decides                  r->cors: this page may send, and read
 *   reply.c --> cors_headers()       every head of ours passes there
 *   pages/preflight.c --> cors_permit()
 *
 * A page that is not listed gets no such header, so its browser keeps the
 * answer from it; that it cannot spend anything either is auth.c's work, for a
 * browser sends simple requests without asking.
 *
 * "*" is never used: the answer names the one origin that asked.  Cookies mean
 * nothing to us, so credentials are not allowed.
 */
#include "fcgi/cors.h"

#include <ctype.h>
#include <string.h>

#include "fcgi/request.h"
#include "lib/buf.h"

/* What the OpenAI SDKs and our own page send; wildcards do not cover
 * Authorization, and older browsers know none. */
#define ALLOWED_HEADERS                                                        \
    "authorization, content-type, accept, user-agent, cache-control, "         \
    "x-requested-with, http-referer, x-title, x-api-key, api-key, "            \
    "anthropic-version, anthropic-beta, "                                      \
    "anthropic-dangerous-direct-browser-access, traceparent, tracestate, "     \
    "baggage, "                                                                \
    "last-event-id, idempotency-key, openai-beta, openai-organization, "       \
    "openai-project, nvcf-poll-seconds, nvcf-input-asset-references, "         \
    "nvcf-function-asset-ids, x-sluice-client, x-sluice-deadline, "            \
    "x-sluice-priority, x-stainless-arch, x-stainless-async, "                 \
    "x-stainless-custom-poll-interval, x-stainless-helper-method, "            \
    "x-stainless-lang, x-stainless-os, x-stainless-package-version, "          \
    "x-stainless-poll-helper, x-stainless-read-timeout, "                      \
    "x-stainless-retry-count, x-stainless-runtime, "                           \
    "x-stainless-runtime-version, x-stainless-timeout"

/* Of those that a page asks for beside them. */
#define ASKED_MAX  64 /* names, of */
#define ASKED_NAME 64 /* bytes */

#define EXPOSED_HEADERS                                                        \
    "x-request-id, request-id, x-upstream-request-id, "                        \
    "retry-after, retry-after-ms, "                                            \
    "x-should-retry, x-ratelimit-limit-requests, "                             \
    "x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "             \
    "x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, "                 \
    "x-ratelimit-reset-tokens, x-sluice-queue-ms, x-sluice-attempts, "         \
    "x-sluice-upstream, x-sluice-model, "                                      \
    "nvcf-reqid, nvcf-status"

#define MAX_AGE "600" /* seconds: a page that is struck off is so soon */

static bool is_under(const char *path, const char *prefix)
{
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

bool cors_is_preflight(const struct request *r)
{
    return strcmp(r->method, "OPTIONS") == 0 && r->origin != NULL &&
           (is_under(r->path, "/v1/") || is_under(r->path, "/api/"));
}

const char *cors_methods(const char *path)
{
    return is_under(path, "/v1/") ? "GET, HEAD, POST, PUT, PATCH, DELETE"
                                  : "GET, HEAD, POST, PATCH, DELETE";
}

/* Is the lower-case NAME of LEN bytes in LIST, names with ", " between them? */
static bool is_listed(const char *list, const char *name, size_t len)
{
    for (; *list != '\0'; list += strspn(list, ", ")) {
        size_t n = strcspn(list, ",");

        if (n == len && memcmp(list, name, len) == 0)
            return true;
        list += n;
    }
    return false;
}

/* The LEN bytes at TEXT in lower case; false: not the name of a header, as
 * headers are named. */
static bool to_name(char out[ASKED_NAME + 1], const char *text, size_t len)
{
    size_t i;

    if (len == 0 || len > ASKED_NAME)
        return false;
    for (i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i]) && strchr("-_.", text[i]) == NULL)
            return false;
        out[i] = (char)tolower((unsigned char)text[i]);
    }
    out[len] = '\0';
    return true;
}

/* Whose origin is listed may send what it likes: of what is asked for, names
 * are written anew, so that nothing but names comes back. */
static void permit_asked(struct buf *b, const char *asked)
{
    char name[ASKED_NAME + 1];
    size_t n, len;

    for (n = 0; n < ASKED_MAX && *asked != '\0'; n++) {
        asked += strspn(asked, " \t");
        len = strcspn(asked, ",");
        while (len > 0 && strchr(" \t", asked[len - 1]) != NULL)
            len--;
        if (to_name(name, asked, len) && !is_listed(ALLOWED_HEADERS, name, len))
            buf_fmt(b, ", %s", name);
        asked += strcspn(asked, ",");
        asked += *asked == ',';
    }
}

void cors_permit(struct buf *b, const struct request *r)
{
    buf_str(b, "Access-Control-Allow-Methods: ");
    buf_str(b, cors_methods(r->path));
    buf_str(b, "\r\nAccess-Control-Allow-Headers: " ALLOWED_HEADERS);
    if (r->cors_asked != NULL)
        permit_asked(b, r->cors_asked);
    buf_str(b, "\r\nAccess-Control-Max-Age: " MAX_AGE "\r\n");
}

void cors_headers(struct buf *b, const struct request *r)
{
    if (!r->cors)
        return;
    buf_str(b, "Access-Control-Allow-Origin: ");
    buf_str(b, r->origin);
    buf_str(b, "\r\nVary: Origin\r\n");
    if (strcmp(r->method, "OPTIONS") != 0)
        buf_str(b, "Access-Control-Expose-Headers: " EXPOSED_HEADERS "\r\n");
}
