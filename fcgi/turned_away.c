/*
 * turned_away.c - what is somebody told whom auth.c does not let in?
 *
 * What Sluice saw, and the setting that would let it in: most who are turned
 * away are newcomers whose container has another name or address than they
 * think.  It is their own Host, Origin and address that they are told; a page
 * that may not call us cannot read it.
 *
 * What is shown of a header is a few dozen letters out of a short list, so that
 * it harms no terminal and no page.
 */
#include "fcgi/turned_away.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fcgi/config/clients.h"
#include "fcgi/config/config.h"
#include "fcgi/config/settings.h"
#include "fcgi/fault.h"
#include "fcgi/request.h"

#define SHOWN 72 /* bytes of a header, with the zero: twice in a message */

/* TEXT in harmless letters; false: it had others, or more. */
static bool show(char out[SHOWN], const char *text)
{
    static const char fine[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/[]+";
    bool whole = true;
    size_t i;

    for (i = 0; text[i] != '\0' && i + 1 < SHOWN; i++) {
        bool is_fine = strchr(fine, text[i]) != NULL;

        out[i] = is_fine ? text[i] : '?';
        whole = whole && is_fine;
    }
    out[i] = '\0';
    return whole && i > 0 && text[i] == '\0';
}

/* ---- Host and Origin ---------------------------------------------------------- */

void turned_away_host(struct request *r)
{
    char host[SHOWN];

    if (show(host, r->host) && strpbrk(host, "/[]+") == NULL)
        fault_set(&r->fault, ERROR_FORBIDDEN,
                  "The host name %s is not one of Sluice's own. If it should "
                  "be, add it to hosts: SLUICE_HOSTS=%.*s",
                  host, (int)strcspn(host, ":"), host);
    else
        fault_set(&r->fault, ERROR_FORBIDDEN,
                  "The Host of this request, %s, is no name that hosts "
                  "(SLUICE_HOSTS) could list.",
                  host);
}

/* Whose hosts are drawn by lot, so that one alone is of no use in a list. */
static const char *drawn_by_lot(const char *origin)
{
    static const char *const schemes[] = {"moz-extension://",
                                          "vscode-webview://"};
    size_t i;

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncasecmp(origin, schemes[i], strlen(schemes[i])) == 0)
            return schemes[i];
    return NULL;
}

void turned_away_page(struct request *r)
{
    char origin[SHOWN];
    const char *scheme;

    if (r->origin == NULL) {
        fault_set(&r->fault, ERROR_FORBIDDEN,
                  "A page of another site may not let a browser ask Sluice "
                  "(Sec-Fetch-Site).");
    } else if (!show(origin, r->origin)) {
        fault_set(&r->fault, ERROR_FORBIDDEN,
                  "The origin of this page, %s, is none that origins "
                  "(SLUICE_ORIGINS) could list.",
                  origin);
    } else if (strcmp(origin, "null") == 0) {
        fault_set(&r->fault, ERROR_FORBIDDEN,
                  "Pages that hide their origin (null) may not call Sluice. "
                  "SLUICE_ORIGINS=null lets in all of them, and any page can "
                  "do so (origins).");
    } else {
        scheme = drawn_by_lot(origin);
        fault_set(&r->fault, ERROR_FORBIDDEN,
                  "Pages of %s may not call Sluice. If they should, add them "
                  "to origins: SLUICE_ORIGINS=%s%s",
                  origin, scheme != NULL ? scheme : origin,
                  scheme != NULL ? "*" : "");
    }
}

/* ---- addresses and keys ------------------------------------------------------ */

void turned_away_key(struct request *r, const struct client_key *known)
{
    if (known != NULL)
        fault_set(&r->fault, ERROR_UNAUTHORIZED,
                  "The time of this client key is over: an administrator can "
                  "give it more (sluicectl key set %s expires=...).",
                  known->name);
    else
        fault_set(&r->fault, ERROR_UNAUTHORIZED,
                  "Sluice does not know this client key (clients, sluicectl "
                  "key list).");
}

/* The word of VALUE in the setting KEY. */
static const char *word_of(const char *key, enum origin_range value)
{
    return setting_find(key, false)->words[value];
}

/* Where R seems to come from. */
static const char *seen(const struct request *r, char out[2 * SHOWN])
{
    char addr[SHOWN];

    (void)show(addr, request_address(r));
    (void)snprintf(out, 2 * SHOWN, "%s%s",
                   r->whence.is_veiled ? "somebody behind " : "", addr);
    return out;
}

void turned_away_client(const struct config *cfg, struct request *r)
{
    char from[2 * SHOWN];

    fault_set(&r->fault, ERROR_UNAUTHORIZED,
              "Sluice takes nothing from %s without a client key%s. Whoever "
              "runs it makes one with `sluicectl key make NAME`. "
              "(SLUICE_ANONYMOUS, anonymous, says who needs none: it is %s; "
              "this address would take %s.)",
              seen(r, from),
              r->authorization != NULL || r->api_key != NULL
                  ? ", and knows none like the one that was sent"
                  : "",
              word_of("anonymous", cfg->anonymous),
              word_of("anonymous", r->whence.range));
}

void turned_away_reader(const struct config *cfg, struct request *r)
{
    char from[2 * SHOWN];

    fault_set(&r->fault, ERROR_UNAUTHORIZED,
              "From %s a read token is needed here: SLUICE_READ "
              "(admin.read) is %s, and would have to be %s without one.",
              seen(r, from), word_of("admin.read", cfg->read),
              word_of("admin.read", r->whence.range));
}
