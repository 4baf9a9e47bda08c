/*
 * auth.c - may this caller spend quota, or look?
 *
 * A web page in a user's browser can reach 127.0.0.1.  Two checks keep it
 * out: Origin must be our own or listed, and where a browser sends none, as
 * for a picture, Sec-Fetch-Site must not name another site; and Host must not
 * be a stranger's name, or that name could be re-bound to this address (DNS
 * rebinding) and its page would be "our own".
 * Address literals are safe: they cannot be re-bound.
 *
 * Who has a client's key, whose time is not over, needs no more; who has none
 * may come from where `anonymous` says.  What is read needs an address or a
 * token, what is changed the admin token, wherever it comes from.  An address
 * is what whence.c says.
 *
 * Who is refused is told what Sluice saw, and the setting that would let it in
 * (turned_away.c).
 */
#include "fcgi/auth.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "fcgi/client_name.h"
#include "fcgi/config/clients.h"
#include "fcgi/config/config.h"
#include "fcgi/config/origins.h"
#include "fcgi/fault.h"
#include "fcgi/request.h"
#include "fcgi/route.h"
#include "fcgi/turned_away.h"
#include "fcgi/whence.h"
#include "lib/clock.h"

/* ---- Host and Origin -------------------------------------------------------- */

/* The host of "host", "host:port", "[v6]" or "[v6]:port"; false: malformed. */
static bool split_host(const char *authority, char *out, size_t max)
{
    size_t n;

    if (*authority == '[') {
        n = strcspn(++authority, "]");
        if (authority[n] != ']')
            return false;
    } else {
        n = strcspn(authority, ":");
    }
    if (n == 0 || n >= max)
        return false;
    memcpy(out, authority, n);
    out[n] = '\0';
    return true;
}

static bool is_literal(const char *host)
{
    unsigned char any[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, any) == 1 ||
           inet_pton(AF_INET6, host, any) == 1;
}

static bool host_is_known(const struct config *cfg, const char *authority)
{
    static const char *const loopback[] = {"localhost", "localhost.localdomain",
                                           "ip6-localhost", "ip6-loopback"};
    char host[256];
    size_t i;

    if (!split_host(authority, host, sizeof(host)))
        return false;
    if (is_literal(host))
        return true;
    for (i = 0; i < ARRAY_LEN(loopback); i++)
        if (strcasecmp(host, loopback[i]) == 0)
            return true;
    for (i = 0; i < cfg->n_hosts; i++)
        if (strcasecmp(host, cfg->hosts[i]) == 0)
            return true;
    return false;
}

static bool origin_is_listed(const struct config *cfg, const char *origin)
{
    size_t i;

    for (i = 0; i < cfg->n_origins; i++)
        if (origins_fit(cfg->origins[i], origin))
            return true;
    return false;
}

/* Our own origin is the one the request was sent to: scheme://Host. */
static bool origin_is_own(const struct request *r)
{
    const char *sep = strstr(r->origin, "://");

    return sep != NULL && r->host != NULL && strcasecmp(sep + 3, r->host) == 0;
}

/*
 * Notes a Host or an Origin that is none of ours, and whether the page that
 * asks may read the answer.  A key speaks for a Host, for no page has one that
 * was not given it; of a preflight, which carries none, the listed Origin is
 * enough.
 */
static void check_page(const struct config *cfg, struct request *r,
                       bool has_key)
{
    bool asks = r->route != NULL && r->route->access == ACCESS_PREFLIGHT;
    bool listed = r->origin != NULL && origin_is_listed(cfg, r->origin);
    bool host = r->host == NULL || has_key || (asks && listed) ||
                host_is_known(cfg, r->host);
    bool origin = r->origin != NULL ? listed || origin_is_own(r)
                                    : !r->from_elsewhere || has_key;

    r->cors = r->origin != NULL && host && origin;
    if (!host)
        turned_away_host(r);
    if (!origin)
        turned_away_page(r);
}

/* ---- keys and tokens -------------------------------------------------------- */

/* What the caller presents, or NULL. */
static const char *bearer(const struct request *r)
{
    const char *have = r->authorization;

    return have != NULL && strncasecmp(have, "Bearer ", 7) == 0 ? have + 7
                                                                : NULL;
}

/* Hashes are compared, so that the time tells neither how much of it was right
 * nor how long it is. */
static bool is_same(const char *have, const char *token)
{
    unsigned char mine[KEY_HASH], theirs[KEY_HASH];

    if (token == NULL || have == NULL)
        return false;
    key_text_hash(mine, token, strlen(token));
    key_text_hash(theirs, have, strlen(have));
    return CRYPTO_memcmp(mine, theirs, KEY_HASH) == 0;
}

static bool token_is(const struct request *r, const char *token)
{
    return is_same(bearer(r), token);
}

static const struct client_key *find_key(const struct config *cfg,
                                         const char *have)
{
    unsigned char hash[KEY_HASH];

    if (cfg->n_clients + cfg->n_made == 0 || have == NULL)
        return NULL;
    key_text_hash(hash, have, strlen(have));
    return clients_find(cfg, hash);
}

/* SDKs of Anthropic's and Azure's API present a key in a header of its own. */
static const struct client_key *find_client(const struct config *cfg,
                                            const struct request *r)
{
    const struct client_key *key = find_key(cfg, bearer(r));

    return key != NULL ? key : find_key(cfg, r->api_key);
}

/* KEY, unless its time is over. */
static const struct client_key *still(const struct client_key *key)
{
    return key != NULL && clients_is_over(key, clock_wall_ms()) ? NULL : key;
}

static bool is_within(const struct request *r, enum origin_range allowed)
{
    return allowed != FROM_NOWHERE && r->whence.range <= allowed;
}

static void check_read(const struct config *cfg, struct request *r)
{
    bool reads = token_is(r, cfg->read_token);
    bool rules = token_is(r, cfg->admin_token);

    if (!is_within(r, cfg->read) && !reads && !rules)
        turned_away_reader(cfg, r);
}

static void check_admin(const struct config *cfg, struct request *r)
{
    if (!token_is(r, cfg->admin_token))
        fault_set(&r->fault, ERROR_UNAUTHORIZED,
                  "The admin token is needed here (admin.token_file).");
}

/* ---- clients ------------------------------------------------------------------ */

/* The key's name and shares; the request can only ask for less. */
static void adopt_client(struct request *r, const struct client_key *key)
{
    enum limiter_class own = (enum limiter_class)key->priority;

    memcpy(r->client, key->name, sizeof(r->client));
    r->is_named = true;
    if (!r->has_cls || r->cls < own)
        r->cls = own;
    r->weight = (uint32_t)key->weight;
    r->requests_per_min = (uint32_t)key->requests_per_min;
    r->queue_max = (uint32_t)key->queue_max;
    r->tokens_per_min = (uint32_t)key->tokens_per_min;
    r->tokens_per_day = (uint64_t)key->tokens_per_day;
}

/* Beside clients with keys nobody else takes their priority; nor their names:
 * client_name.c. */
static void adopt_stranger(const struct config *cfg, struct request *r)
{
    if (cfg->n_clients > 0 && r->cls < CLASS_NORMAL)
        r->cls = CLASS_NORMAL;
}

static bool presents_token(const struct config *cfg, const struct request *r)
{
    return token_is(r, cfg->admin_token) || token_is(r, cfg->read_token) ||
           is_same(r->api_key, cfg->admin_token) ||
           is_same(r->api_key, cfg->read_token);
}

/* With keys of our own what a client presents is for us; only an upstream
 * without one may see it, and never a token or a client's key of ours. */
static void keep_or_forget(const struct config *cfg, struct request *r,
                           bool is_ours)
{
    size_t i;

    for (i = 0; i < cfg->n_upstreams && cfg->upstreams[i].api_key != NULL; i++)
        continue;
    if (is_ours || i == cfg->n_upstreams || presents_token(cfg, r))
        request_forget_key(r);
}

static bool presents_any(const struct request *r)
{
    return r->authorization != NULL || r->api_key != NULL;
}

/* Where each upstream has a key of ours, what looks like one that we made is
 * for us, and for nobody else; also where a digit is missing, for else it would pass
 * as no key, without the limits of its client. */
static bool presents_ours(const struct config *cfg, const struct request *r)
{
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i++)
        if (cfg->upstreams[i].api_key == NULL)
            return false;
    return key_text_was_ours(bearer(r)) || key_text_was_ours(r->api_key);
}

/*
 * A key is asked for where none is needed, too: one that was revoked must not
 * go on as if it were no key.  Without clients in the settings, what SDKs send
 * because they must send something means nothing, unless it looks like a key
 * that we made.  KNOWN is the one that is presented, KEY the same if its time
 * is not over.
 */
static void check_client(const struct config *cfg, struct request *r,
                         const struct client_key *key,
                         const struct client_key *known)
{
    bool odd = key == NULL && presents_any(r) &&
               (known != NULL || cfg->n_clients > 0 || presents_ours(cfg, r));

    if (key != NULL)
        adopt_client(r, key);
    else
        adopt_stranger(cfg, r); /* before the fault: it is counted and logged */
    if (odd)
        turned_away_key(r, known);
    else if (key == NULL && !is_within(r, cfg->anonymous))
        turned_away_client(cfg, r);
    keep_or_forget(cfg, r, known != NULL);
}

/* The same where nothing but a key of a client will do. */
static void check_key(const struct config *cfg, struct request *r,
                      const struct client_key *key,
                      const struct client_key *known)
{
    if (key != NULL)
        adopt_client(r, key);
    else if (presents_any(r))
        turned_away_key(r, known);
    else
        fault_set(&r->fault, ERROR_UNAUTHORIZED,
                  "A client's key is needed here (Authorization: Bearer, "
                  "x-api-key or api-key).");
    keep_or_forget(cfg, r, true);
}

/* By what it says and where it comes from, before any key is looked at. */
static void identify(const struct config *cfg, struct request *r)
{
    const struct whence_told told = {.peer = r->remote_addr,
                                     .forwarded_for = r->forwarded_for,
                                     .forwarded = r->forwarded};

    whence_find(&r->whence, cfg, &told);
    client_name_by_head(cfg, r);
}

void auth_check(const struct config *cfg, struct request *r)
{
    enum route_access access = r->route != NULL ? r->route->access : ACCESS_ALL;
    const struct client_key *known =
        access == ACCESS_CLIENT || access == ACCESS_KEY ? find_client(cfg, r)
                                                        : NULL;
    const struct client_key *key = still(known);
    struct fault other = r->fault;

    identify(cfg, r);
    r->fault.status = 0; /* a stranger learns only that he is one */
    check_page(cfg, r, key != NULL);
    switch (access) {
    case ACCESS_ALL:
        r->fault.status = 0;
        break;
    case ACCESS_PREFLIGHT:
        break;
    case ACCESS_CLIENT:
        check_client(cfg, r, key, known);
        break;
    case ACCESS_KEY:
        check_key(cfg, r, key, known);
        break;
    case ACCESS_READ:
        check_read(cfg, r);
        break;
    case ACCESS_ADMIN:
        check_admin(cfg, r);
        break;
    }
    if (r->fault.status == 0)
        r->fault = other;
}
