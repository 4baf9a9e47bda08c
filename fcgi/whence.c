/*
 * whence.c - where does a request come from?
 *
 * Behind another proxy the peer is that proxy, and the client's address is
 * what it says in X-Forwarded-For or Forwarded.  Each proxy adds at the right
 * end, and all to the left of what a trusted one has added may be invented.
 * So a list is read from the right, for as long as it names trusted proxies:
 * the first that is none is the client.
 *
 * What always holds:
 *   - A header only takes rights away: the range is the widest of all that the
 *     request has come through, the peer's own among them.  127.0.0.1 behind a
 *     proxy elsewhere is not this machine.
 *   - Where a trusted proxy names somebody that cannot be read ("unknown",
 *     "_hidden", garbage), the walk ends: its own address is told, and the range
 *     is that of a stranger.
 *   - A list is cut at its commas, quoted or not, as no address has one: a quote
 *     that a client opens swallows nothing that a proxy has added.
 *   - With both headers there, which of them a proxy wrote and which a client
 *     did is not known: the one that allows less counts, of two alike
 *     X-Forwarded-For, which more proxies write.
 */
#include "fcgi/whence.h"

#include <string.h>
#include <strings.h>

#include "lib/base.h"

#define HOPS_MAX 16 /* proxies that are followed: nobody has as many */

/* A part of a header. */
struct piece {
    const char *at;
    size_t len;
};

static enum origin_range range_of(const struct address *a)
{
    if (address_is_loopback(a))
        return FROM_LOOPBACK;
    return address_is_private(a) ? FROM_PRIVATE : FROM_ANY;
}

static enum origin_range wider(enum origin_range a, enum origin_range b)
{
    return a > b ? a : b;
}

static bool entry_has(const char *entry, const struct address *a)
{
    struct network n;

    if (strcmp(entry, "loopback") == 0)
        return range_of(a) == FROM_LOOPBACK;
    if (strcmp(entry, "private") == 0)
        return range_of(a) <= FROM_PRIVATE;
    return network_read(&n, entry) == NULL && network_has(&n, a);
}

static bool is_trusted(const struct config *cfg, const struct address *a)
{
    size_t i;

    for (i = 0; i < cfg->n_trusted_proxies; i++)
        if (entry_has(cfg->trusted_proxies[i], a))
            return true;
    return false;
}

/* ---- pieces of a header ------------------------------------------------------- */

static struct piece trim(struct piece p)
{
    for (; p.len > 0 && (*p.at == ' ' || *p.at == '\t'); p.len--)
        p.at++;
    while (p.len > 0 && (p.at[p.len - 1] == ' ' || p.at[p.len - 1] == '\t'))
        p.len--;
    return p;
}

/* Takes the part behind the last BY off the end of LIST; false: there is none. */
static bool take_last(struct piece *list, char by, struct piece *out)
{
    const char *cut;

    if (list->at == NULL)
        return false;
    cut = memrchr(list->at, by, list->len);
    out->at = cut != NULL ? cut + 1 : list->at;
    out->len = list->len - (size_t)(out->at - list->at);
    if (cut != NULL)
        list->len = (size_t)(cut - list->at);
    else
        list->at = NULL;
    *out = trim(*out);
    return true;
}

static bool is_port(const char *at, size_t len)
{
    size_t i;

    for (i = 0; i < len && at[i] >= '0' && at[i] <= '9'; i++)
        continue;
    return len > 0 && len <= 5 && i == len;
}

/* "[v6]", "[v6]:port", "v6", "v4" or "v4:port", maybe in quotes. */
static bool read_node(struct address *a, struct piece p)
{
    const char *end;

    if (p.len >= 2 && *p.at == '"' && p.at[p.len - 1] == '"')
        p = (struct piece){p.at + 1, p.len - 2};
    if (p.len == 0)
        return false;
    if (*p.at == '[') {
        end = memchr(p.at, ']', p.len);
        return end != NULL &&
               (end + 1 == p.at + p.len ||
                (end[1] == ':' &&
                 is_port(end + 2, p.len - (size_t)(end + 2 - p.at)))) &&
               memchr(p.at, ':', (size_t)(end - p.at)) != NULL &&
               address_read(a, p.at + 1, (size_t)(end - p.at) - 1);
    }
    end = memchr(p.at, ':', p.len);
    if (end != NULL && memchr(p.at, '.', (size_t)(end - p.at)) != NULL)
        return is_port(end + 1, p.len - (size_t)(end + 1 - p.at)) &&
               address_read(a, p.at, (size_t)(end - p.at));
    return address_read(a, p.at, p.len);
}

/* The value of "for" in an element of Forwarded; nothing where it is not there,
 * or twice. */
static struct piece for_of(struct piece element)
{
    struct piece pair, found = {NULL, 0};
    size_t n = 0;

    while (take_last(&element, ';', &pair))
        if (pair.len >= 4 && strncasecmp(pair.at, "for=", 4) == 0) {
            found = (struct piece){pair.at + 4, pair.len - 4};
            n++;
        }
    return n == 1 ? found : (struct piece){NULL, 0};
}

/* ---- the walk ------------------------------------------------------------------ */

/* W is a trusted peer; LIST what it has said, with pairs if it is Forwarded. */
static void follow(struct whence *w, const struct config *cfg,
                   const char *header, bool has_pairs)
{
    struct piece list = {header, strlen(header)}, element;
    struct address a;
    int hops;

    for (hops = 0; hops < HOPS_MAX && take_last(&list, ',', &element); hops++) {
        if (!read_node(&a, has_pairs ? for_of(element) : element)) {
            w->range = FROM_ANY;
            w->is_veiled = true;
            return;
        }
        address_write(w->addr, &a);
        w->range = wider(w->range, range_of(&a));
        if (!is_trusted(cfg, &a))
            return;
    }
}

void whence_find(struct whence *w, const struct config *cfg,
                 const struct whence_told *told)
{
    struct whence other;
    struct address peer;

    *w = (struct whence){.range = FROM_ANY};
    if (told->peer == NULL ||
        !address_read(&peer, told->peer, strlen(told->peer)))
        return;
    address_write(w->addr, &peer);
    w->range = range_of(&peer);
    if (!is_trusted(cfg, &peer))
        return;
    other = *w;
    if (told->forwarded_for != NULL)
        follow(w, cfg, told->forwarded_for, false);
    if (told->forwarded != NULL)
        follow(&other, cfg, told->forwarded, true);
    if (told->forwarded != NULL &&
        (told->forwarded_for == NULL || other.range > w->range))
        *w = other;
}
