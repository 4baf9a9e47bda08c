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
 * Who has a client's key needs no more; who has none may come from where
 * `anonymous` says.  What is read needs an address or a token, what is changed
 * the admin token, wherever it comes from.
 */
#include "fcgi/auth.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "fcgi/config/clients.h"
#include "fcgi/config/config.h"
#include "fcgi/fault.h"
#include "fcgi/request.h"
#include "fcgi/route.h"

/* ---- addresses ------------------------------------------------------------ */

static bool is_loopback4(uint32_t a)
{
    return a >> 24 == 127;
}

/* RFC 1918, and RFC 3927 link-local. */
static bool is_private4(uint32_t a)
{
    return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 ||
           a >> 16 == 0xa9fe || is_loopback4(a);
}

static enum origin_range range_of(const char *addr)
{
    struct in6_addr a6;
    struct in_addr a4;
    uint32_t host;

    if (addr == NULL)
        return FROM_ANY;
    if (inet_pton(AF_INET, addr, &a4) == 1) {
        host = ntohl(a4.s_addr);
    } else if (inet_pton(AF_INET6, addr, &a6) == 1) {
        if (IN6_IS_ADDR_LOOPBACK(&a6))
            return FROM_LOOPBACK;
        if (!IN6_IS_ADDR_V4MAPPED(&a6)) /* RFC 4193, RFC 4291 link-local */
            return (a6.s6_addr[0] & 0xfe) == 0xfc || IN6_IS_ADDR_LINKLOCAL(&a6)
                       ? FROM_PRIVATE
                       : FROM_ANY;
        memcpy(&host, &a6.s6_addr[12], sizeof(host));
        host = ntohl(host);
    } else {
        return FROM_ANY;
    }
    if (is_loopback4(host))
        return FROM_LOOPBACK;
    return is_private4(host) ? FROM_PRIVATE : FROM_ANY;
}

static bool is_within(const char *addr, enum origin_range allowed)
{
    return allowed != FROM_NOWHERE && range_of(addr) <= allowed;
}

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
        if (strcmp(origin, cfg->origins[i]) == 0)
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
        fault_set(&r->fault, ERROR_FORBIDDEN,
                  "This host name is not one of Sluice's own (hosts).");
    if (!origin)
        fault_set(&r->fault, ERROR_FORBIDDEN,
                  "Web pages of this origin may not call Sluice (origins).");
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
static bool token_is(const struct request *r, const char *token)
{
    unsigned char mine[KEY_HASH], theirs[KEY_HASH];
    const char *have = bearer(r);

    if (token == NULL || have == NULL)
        return false;
    clients_hash(mine, token, strlen(token));
    clients_hash(theirs, have, strlen(have));
    return CRYPTO_memcmp(mine, theirs, KEY_HASH) == 0;
}

static const struct client_key *find_client(const struct config *cfg,
                                            const struct request *r)
{
    unsigned char hash[KEY_HASH];
    const char *have = bearer(r);

    if (cfg->n_clients == 0 || have == NULL)
        return NULL;
    clients_hash(hash, have, strlen(have));
    return clients_find(cfg, hash);
}

static void check_read(const struct config *cfg, struct request *r)
{
    bool reads = token_is(r, cfg->read_token);
    bool rules = token_is(r, cfg->admin_token);

    if (!is_within(r->remote_addr, cfg->read) && !reads && !rules)
        fault_set(&r->fault, ERROR_UNAUTHORIZED,
                  "A read token is needed here (admin.read).");
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
    if (!r->has_cls || r->cls < own)
        r->cls = own;
    r->weight = (uint32_t)key->weight;
    r->requests_per_min = (uint32_t)key->requests_per_min;
    r->queue_max = (uint32_t)key->queue_max;
}

/* Beside clients with keys nobody else takes their names or their priority. */
static void adopt_stranger(const struct config *cfg, struct request *r)
{
    if (cfg->n_clients == 0)
        return;
    if (clients_has_name(cfg, r->client))
        request_name_client(r, NULL);
    if (clients_has_name(cfg, r->client))
        request_name_client(r, "anonymous");
    if (r->cls < CLASS_NORMAL)
        r->cls = CLASS_NORMAL;
}

/* With keys of our own what a client sends in Authorization is for us; only an
 * upstream without one may see it, and never a token of ours. */
static void keep_or_forget(const struct config *cfg, struct request *r)
{
    size_t i;

    for (i = 0; i < cfg->n_upstreams && cfg->upstreams[i].api_key != NULL; i++)
        continue;
    if (i == cfg->n_upstreams || token_is(r, cfg->admin_token) ||
        token_is(r, cfg->read_token))
        request_forget_key(r);
}

/*
 * A key is asked for where none is needed, too: one that was revoked must not
 * go on as if it were no key.  Without clients in the settings, what SDKs send
 * because they must send something means nothing.
 */
static void check_client(const struct config *cfg, struct request *r,
                         const struct client_key *key)
{
    bool odd = cfg->n_clients > 0 && r->authorization != NULL && key == NULL;

    if (key != NULL)
        adopt_client(r, key);
    else
        adopt_stranger(cfg, r); /* before the fault: it is counted and logged */
    if (key == NULL && (odd || !is_within(r->remote_addr, cfg->anonymous)))
        fault_set(&r->fault, ERROR_UNAUTHORIZED,
                  "Sluice takes this request only with a client key that it "
                  "knows (clients, anonymous).");
    keep_or_forget(cfg, r);
}

void auth_check(const struct config *cfg, struct request *r)
{
    enum route_access access = r->route != NULL ? r->route->access : ACCESS_ALL;
    const struct client_key *key =
        access == ACCESS_CLIENT ? find_client(cfg, r) : NULL;
    struct fault other = r->fault;

    r->fault.status = 0; /* a stranger learns only that he is one */
    check_page(cfg, r, key != NULL);
    switch (access) {
    case ACCESS_ALL:
        r->fault.status = 0;
        break;
    case ACCESS_PREFLIGHT:
        break;
    case ACCESS_CLIENT:
        check_client(cfg, r, key);
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
