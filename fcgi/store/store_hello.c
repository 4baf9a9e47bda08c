/*
 * store_hello.c - who are we, who are they, and is the script there?
 *
 *   store:     AUTH, SELECT, INFO (three), FUNCTION LOAD, SCRIPT LOAD
 *   sentinel:  SENTINEL get-master-addr-by-name, with AUTH where it must
 *
 * All is sent at once and the replies are judged in order: the first fault is
 * the one to tell, the rest follows from it.
 */
#include "fcgi/store/store_hello.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/store_url.h"
#include "fcgi/store/store_turn.h"
#include "fcgi/store/store_wire.h"
#include "fcgi/store/store_words.h"
#include "lib/complaint.h"

#define WORDS_SHOWN 120 /* bytes of an error that nobody knows */

/* One command.  Its copy is wiped: it may be AUTH. */
static void say(struct store_wire *wire, const char *const *words, size_t n)
{
    struct store_words w = {.n = 0};
    size_t i;

    for (i = 0; i < n; i++)
        store_words_str(&w, words[i]);
    store_wire_send(wire, &w);
    store_words_free(&w);
}

/* Replies come in the order of the commands and bear no name: what was said is
 * remembered instead. */
static void note(struct store_hello *h, enum hello_word word)
{
    h->said[h->n++] = word;
}

size_t store_hello_auth(struct store_wire *wire, const struct store_url *url)
{
    /* Servers without users know the short form alone, and all others take it
     * for the user "default". */
    const char *const both[] = {"AUTH", url->user, url->password};
    const char *const alone[] = {"AUTH", url->password};

    if (*url->password == '\0')
        return 0;
    if (*url->user != '\0')
        say(wire, both, 3);
    else
        say(wire, alone, 2);
    return 1;
}

/* Of a server that is still loading INFO works, when nothing else does. */
static void say_info(struct store_hello *h, struct store_wire *wire,
                     enum hello_word word, const char *part)
{
    const char *const info[] = {"INFO", part};

    say(wire, info, 2);
    note(h, word);
}

/* Database 0 is where one begins; a user may lack the right to SELECT, then. */
static void say_database(struct store_hello *h, struct store_wire *wire,
                         uint32_t db)
{
    struct store_words w = {.n = 0};

    if (db == 0)
        return;
    store_words_str(&w, "SELECT");
    store_words_int(&w, db);
    store_wire_send(wire, &w);
    store_words_free(&w);
    note(h, HELLO_SELECT);
}

void store_hello_store(struct store_hello *h, struct store_wire *wire,
                       const struct store_url *url, const char *script)
{
    const char *const load[] = {"SCRIPT", "LOAD", script};
    const char *const library[] = {"FUNCTION", "LOAD", store_turn_library};

    memset(h, 0, sizeof(*h));
    /* The script last: who may not write, or not yet, says so to all before it
     * in words of his own. */
    if (store_hello_auth(wire, url) > 0)
        note(h, HELLO_AUTH);
    say_database(h, wire, url->db);
    say_info(h, wire, HELLO_SERVER, "server");
    say_info(h, wire, HELLO_REPLICATION, "replication");
    say_info(h, wire, HELLO_MEMORY, "memory");
    say(wire, library, 3);
    note(h, HELLO_LIBRARY);
    say(wire, load, 3);
    note(h, HELLO_SCRIPT);
}

void store_hello_sentinel(struct store_hello *h, struct store_wire *wire,
                          const struct store_url *url, bool auth)
{
    const char *const ask[] = {"SENTINEL", "get-master-addr-by-name",
                               url->master};

    memset(h, 0, sizeof(*h));
    if (auth && store_hello_auth(wire, url) > 0)
        note(h, HELLO_AUTH);
    say(wire, ask, 3);
    note(h, HELLO_MASTER);
}

/* ---- what is heard ----------------------------------------------------------------- */

/* An error to AUTH is never shown: some quote what they were given. */
static enum store_fault take_error(enum hello_word said, const redisReply *r,
                                   struct complaint *why)
{
    enum store_fault f = store_fault_of(r->str, r->len);

    if (f != STORE_STRANGE)
        return f;
    if (said == HELLO_AUTH)
        (void)complain(why, "it does not take AUTH as we send it; look at the "
                            "user in shared.url and at shared.password_file");
    else
        (void)complain(why, "it says: %.*s", WORDS_SHOWN, r->str);
    return STORE_STRANGE;
}

static bool is_text(const redisReply *r)
{
    return r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS;
}

/* Something answers there, and it is not what it should be. */
static enum store_fault strange(struct complaint *why)
{
    (void)complain(why, "it does not answer as Redis and Valkey do");
    return STORE_STRANGE;
}

/* The script is called by the sum that they made of it: what they say goes into
 * each call, so it is looked at. */
static enum store_fault take_script(struct store_hello *h, const redisReply *r,
                                    struct complaint *why)
{
    if (!is_text(r) || r->len != STORE_SHA - 1 ||
        strspn(r->str, "0123456789abcdef") != r->len)
        return strange(why);
    memcpy(h->sha, r->str, r->len + 1);
    return STORE_FINE;
}

/* A function is made once, a script anew at each call, which takes the store half as
 * long again.  Redis 6 has none, a user may lack the right: then it is the script. */
static enum store_fault take_library(struct store_hello *h, const redisReply *r)
{
    h->function = r->type != REDIS_REPLY_ERROR ||
                  strstr(r->str, "already exists") != NULL;
    return STORE_FINE;
}

/* An address and a port; nil: it knows no master of that name. */
static enum store_fault take_master(struct store_hello *h, const redisReply *r,
                                    struct complaint *why)
{
    const redisReply *host, *port;
    long n;

    if (r->type == REDIS_REPLY_NIL)
        return STORE_UNKNOWN_MASTER;
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2)
        return strange(why);
    host = r->element[0];
    port = r->element[1];
    if (!is_text(host) || host->len == 0 ||
        host->len >= sizeof(h->master.host) || strlen(host->str) != host->len ||
        !is_text(port))
        return strange(why);
    /* strtol() ends at what is no digit, at the latest at the zero. */
    n = strtol(port->str, NULL, 10);
    if (n < 1 || n > 65535)
        return strange(why);
    memcpy(h->master.host, host->str, host->len + 1);
    h->master.port = (uint16_t)n;
    return STORE_FINE;
}

static enum store_fault take(struct store_hello *h, enum hello_word said,
                             const redisReply *r, struct complaint *why)
{
    switch (said) {
    case HELLO_AUTH:
    case HELLO_SELECT:
        return is_text(r) ? STORE_FINE : strange(why);
    case HELLO_SERVER:
    case HELLO_REPLICATION:
    case HELLO_MEMORY:
        if (!is_text(r))
            return strange(why);
        store_check_take(&h->server, r->str, r->len);
        return said == HELLO_MEMORY ? store_check_fit(&h->server, why)
                                    : STORE_FINE;
    case HELLO_SCRIPT:
        return take_script(h, r, why);
    case HELLO_LIBRARY:
        return take_library(h, r);
    case HELLO_MASTER:
        return take_master(h, r, why);
    case HELLO_WORDS:
        break;
    }
    return strange(why);
}

enum store_fault store_hello_take(struct store_hello *h,
                                  const struct redisReply *r,
                                  struct complaint *why)
{
    enum hello_word said;

    if (h->heard == h->n)
        return strange(why); /* nobody asked */
    said = h->said[h->heard++];
    return r->type == REDIS_REPLY_ERROR && said != HELLO_LIBRARY
               ? take_error(said, r, why)
               : take(h, said, r, why);
}
