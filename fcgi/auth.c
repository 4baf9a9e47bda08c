/*
 * auth.c - may this caller spend quota, or look?
 *
 * A web page in a user's browser can reach 127.0.0.1.  Two checks keep it
 * out: Origin, which browsers always send where it matters, must be our own
 * or listed; and Host must not be a stranger's name, or that name could be
 * re-bound to this address (DNS rebinding) and its page would be "our own".
 * Address literals are safe: they cannot be re-bound.
 */
#include "auth.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "config.h"
#include "request.h"
#include "route.h"

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

/* Our own origin is the one the request was sent to: scheme://Host. */
static bool origin_is_known(const struct config *cfg, const struct request *r)
{
    const char *sep = strstr(r->origin, "://");
    size_t i;

    for (i = 0; i < cfg->n_origins; i++)
        if (strcmp(r->origin, cfg->origins[i]) == 0)
            return true;
    return sep != NULL && r->host != NULL && strcasecmp(sep + 3, r->host) == 0;
}

/* ---- tokens ------------------------------------------------------------------- */

/* Without a hint, in its time, of how much of it was right. */
static bool token_is(const struct request *r, const char *token)
{
    const char *have = r->authorization;
    unsigned diff;
    size_t i, n;

    if (token == NULL || have == NULL || strncasecmp(have, "Bearer ", 7) != 0)
        return false;
    have += 7;
    n = strlen(token);
    diff = strlen(have) != n;
    for (i = 0; i < n && have[i] != '\0'; i++)
        diff |= (unsigned char)have[i] ^ (unsigned char)token[i];
    return diff == 0;
}

static void check_read(const struct config *cfg, struct request *r)
{
    if (is_within(r->remote_addr, cfg->read) || token_is(r, cfg->read_token) ||
        token_is(r, cfg->admin_token))
        return;
    fault_set(&r->fault, 401, "sluice_unauthorized",
              "A read token is needed here (admin.read).");
}

static void check_admin(const struct config *cfg, struct request *r)
{
    if (!token_is(r, cfg->admin_token))
        fault_set(&r->fault, 401, "sluice_unauthorized",
                  "The admin token is needed here (Authorization: Bearer).");
}

static void check_client(const struct config *cfg, struct request *r)
{
    if (!is_within(r->remote_addr, cfg->anonymous))
        fault_set(&r->fault, 401, "sluice_unauthorized",
                  "Sluice takes no requests from this address without a "
                  "client key (anonymous).");
}

void auth_check(const struct config *cfg, struct request *r)
{
    struct fault other = r->fault;

    if (r->route == NULL || r->route->access == ACCESS_ALL)
        return;
    r->fault.status = 0; /* a stranger learns only that he is one */
    if (r->host != NULL && !host_is_known(cfg, r->host))
        fault_set(&r->fault, 403, "sluice_forbidden",
                  "This host name is not one of Sluice's own (hosts).");
    if (r->origin != NULL && !origin_is_known(cfg, r))
        fault_set(&r->fault, 403, "sluice_forbidden",
                  "Web pages of this origin may not call Sluice (origins).");
    if (r->route->access == ACCESS_READ)
        check_read(cfg, r);
    else if (r->route->access == ACCESS_ADMIN)
        check_admin(cfg, r);
    else
        check_client(cfg, r);
    if (r->fault.status == 0)
        r->fault = other;
}
