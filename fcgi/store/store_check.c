/*
 * store_check.c - can this server keep what we promise?
 *
 * It must take writes (a master), run the script (Redis 6, any Valkey), and keep
 * what it was given: a server that drops keys when its memory is full would
 * forget what was sent.
 */
#include "fcgi/store/store_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/complaint.h"

#define VERSION_MIN 6 /* users (ACL), and scripts that may write after TIME */

/* Copies the value of NAME if the LEN bytes at LINE are its line. */
static bool take(char *out, size_t max, const char *line, size_t len,
                 const char *name)
{
    size_t n = strlen(name);

    if (len <= n || memcmp(line, name, n) != 0 || line[n] != ':' ||
        len - n - 1 >= max)
        return false;
    memcpy(out, line + n + 1, len - n - 1);
    out[len - n - 1] = '\0';
    return true;
}

/* INFO is for people, with lines of all versions; only these are of interest. */
static void take_line(struct store_server *s, const char *line, size_t len)
{
    char text[32];

    (void)take(s->id, sizeof(s->id), line, len, "run_id");
    (void)take(s->replid, sizeof(s->replid), line, len, "master_replid");
    (void)take(s->version, sizeof(s->version), line, len, "redis_version");
    (void)take(s->policy, sizeof(s->policy), line, len, "maxmemory_policy");
    if (take(text, sizeof(text), line, len, "role"))
        s->is_master = strcmp(text, "master") == 0;
    if (take(text, sizeof(text), line, len, "maxmemory"))
        s->has_bound = strcmp(text, "0") != 0;
    if (take(text, sizeof(text), line, len, "connected_slaves"))
        s->has_replicas = strcmp(text, "0") != 0;
    /* INFO has it where min-replicas-to-write and -max-lag are set. */
    if (take(text, sizeof(text), line, len, "min_slaves_good_slaves"))
        s->needs_them = true;
}

void store_check_take(struct store_server *s, const char *info, size_t len)
{
    while (len > 0) {
        const char *end = memchr(info, '\n', len);
        size_t n = end != NULL ? (size_t)(end - info) : len;

        take_line(s, info, n > 0 && info[n - 1] == '\r' ? n - 1 : n);
        n += end != NULL;
        info += n;
        len -= n;
    }
}

/* It goes into each call, and from there into the ledger. */
static bool is_id(const char *id)
{
    return strlen(id) == 40 && strspn(id, "0123456789abcdef") == 40;
}

enum store_fault store_check_fit(struct store_server *s, struct complaint *why)
{
    if (!is_id(s->id) || !is_id(s->replid) ||
        s->version[strspn(s->version, "0123456789.")] != 0) {
        (void)complain(why, "its INFO is not Redis' nor Valkey's");
        return STORE_STRANGE;
    }
    if (strtol(s->version, NULL, 10) < VERSION_MIN) {
        (void)complain(why,
                       "it is Redis %s; must be Redis %d or later, or "
                       "Valkey",
                       s->version, VERSION_MIN);
        return STORE_OLD;
    }
    if (!s->is_master)
        return STORE_REPLICA;
    if (s->has_bound && strcmp(s->policy, "noeviction") != 0)
        return STORE_EVICTS;
    (void)snprintf(s->run, sizeof(s->run), "%.31s:%.31s", s->id, s->replid);
    return STORE_FINE;
}

const char *store_check_advice(const struct store_server *s)
{
    return s->has_replicas && !s->needs_them
               ? "it has replicas and does not wait for them: after a failover "
                 "two masters may grant for a while; set its "
                 "min-replicas-to-write and min-replicas-max-lag to 1 or more"
               : NULL;
}
