/*
 * nvcf.c - where is the answer of a long call?
 *
 * NVIDIA's front end holds a call for NVCF-POLL-SECONDS and then answers 202
 * with an id to ask again for; a large result lies behind a 302.  The polls
 * and the result cost no slot.  A result is fetched only from hosts that an
 * administrator has listed, and never with a key.
 */
#include "fcgi/upstream/nvcf.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/config.h"
#include "state/limiter.h"

#define POLL_FIRST_MS    500
#define POLL_MAX_MS      5000
#define POLL_SECONDS_MAX 3600 /* what the gateway takes (1 to 3,600) */

bool nvcf_pending(struct nvcf *n, const char *id)
{
    const char *p;

    for (p = id; isalnum((unsigned char)*p) || *p == '-' || *p == '_';)
        p++;
    if (p == id || *p != '\0' || strlen(id) >= sizeof(n->id))
        return false;
    snprintf(n->id, sizeof(n->id), "%s", id);
    snprintf(n->target, sizeof(n->target), "/v1/status/%s", id);
    return true;
}

int64_t nvcf_next_poll(struct nvcf *n)
{
    int64_t ms = n->poll_ms > 0 ? n->poll_ms : POLL_FIRST_MS;

    n->poll_ms = min_i64(2 * ms, POLL_MAX_MS);
    return ms;
}

static bool is_this_machine(const char *host)
{
    struct in_addr v4;

    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 &&
           ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
}

static bool may_fetch(const struct config_upstream *up, CURLU *url)
{
    char *scheme = NULL, *host = NULL, *user = NULL;
    bool may = false;
    size_t i;

    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_NO_USER &&
        (strcmp(scheme, "https") == 0 ||
         (strcmp(scheme, "http") == 0 && is_this_machine(host))))
        for (i = 0; i < up->n_result_hosts; i++)
            may = may || fnmatch(up->result_hosts[i], host, FNM_CASEFOLD) == 0;
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    return may;
}

bool nvcf_redirected(struct nvcf *n, const struct config_upstream *up,
                     const char *location)
{
    CURLU *url = curl_url();
    bool may;

    CHECK(url != NULL);
    may = strlen(location) < HEAD_BYTES &&
          curl_url_set(url, CURLUPART_URL, location, 0) == CURLUE_OK &&
          may_fetch(up, url);
    curl_url_cleanup(url);
    if (!may)
        return false;
    free(n->result);
    n->result = strdup(location);
    CHECK(n->result != NULL);
    return true;
}

int64_t nvcf_poll_seconds(int64_t ms)
{
    return max_i64(1, min_i64(ms / 1000, POLL_SECONDS_MAX));
}

void nvcf_fini(struct nvcf *n)
{
    free(n->result);
    n->result = NULL;
}
