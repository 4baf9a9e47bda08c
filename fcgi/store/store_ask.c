/*
 * store_ask.c - what does a call say?
 *
 *   state/  fills a struct shared_ask  -->  here  -->  turn.lua reads it
 *
 * Two words: the version, and all the rest as bytes, in the order in which turn.lua
 * unpacks them.  A word each would be some fifty, which costs the store's one thread
 * more than what it decides.  Numbers are little-endian and without a sign, of as many
 * bytes as their largest takes; a text stands behind its length.
 *
 * Times go as ages in microseconds, because the store's clock is another one; each
 * is as old as the call is when it is written.
 */
#include "fcgi/store/store_ask.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/store/store_words.h"
#include "lib/base.h"
#include "lib/digits.h"

#define NS_PER_US 1000

/* us; what is beyond is an error there, and old enough to mean nothing. */
#define SETTLE_AGE_MAX (INT64_C(86400) * 1000 * 1000)
#define HEAD_AGE_MAX   (10 * SETTLE_AGE_MAX)

void store_ask_key(char out[STORE_KEY_MAX], const char *account,
                   const char *rest)
{
    /* Braces: all keys of an account are in one slot of a cluster. */
    (void)snprintf(out, STORE_KEY_MAX, "sluice:{%s}:%s", account, rest);
}

/* ---- bytes --------------------------------------------------------------------- */

static void put_n(struct store_words *w, uint64_t n, unsigned bytes)
{
    uint8_t out[8];
    unsigned i;

    for (i = 0; i < bytes; i++)
        out[i] = (uint8_t)(n >> 8 * i);
    store_words_more(w, out, bytes);
}

static void put_1(struct store_words *w, uint64_t n)
{
    put_n(w, n, 1);
}

static void put_2(struct store_words *w, uint64_t n)
{
    put_n(w, n, 2);
}

static void put_4(struct store_words *w, uint64_t n)
{
    put_n(w, n, 4);
}

static void put_8(struct store_words *w, uint64_t n)
{
    put_n(w, n, 8);
}

/* Of 255 bytes at most, as all names are. */
static void put_text(struct store_words *w, const char *text)
{
    size_t len = strlen(text);

    CHECK(len <= UINT8_MAX);
    put_1(w, len);
    store_words_more(w, text, len);
}

/* Up, for a span: a window must not be shorter than it is. */
static void put_span(struct store_words *w, int64_t ns)
{
    put_8(w, (uint64_t)(max_i64(ns, 0) + NS_PER_US - 1) / NS_PER_US);
}

/* Down, for an age: what is younger counts for longer.  What lies after the
 * call is as old as the call. */
static void put_age(struct store_words *w, int64_t at_ns, int64_t now_ns,
                    int64_t most_us)
{
    int64_t us = max_i64(now_ns - at_ns, 0) / NS_PER_US;

    put_8(w, (uint64_t)min_i64(us, most_us));
}

/* ---- what there is to say -------------------------------------------------------- */

/* An id is a field's name there, in decimal. */
static void put_settle(struct store_words *w, const struct shared_settle *s,
                       int64_t now_ns)
{
    char id[DIGITS_MAX];

    (void)snprintf(id, sizeof(id), "%ju", (uintmax_t)s->id);
    put_1(w, (uint8_t)s->what);
    put_text(w, id);
    put_age(w, s->what == SHARED_SENT ? s->at_ns : now_ns, now_ns,
            SETTLE_AGE_MAX);
    put_4(w, s->tokens);
    put_1(w, s->cls);
    put_text(w, s->client);
}

static void put_head(struct store_words *w, const struct shared_head *h,
                     int64_t now_ns)
{
    put_1(w, h->cls);
    put_text(w, h->client);
    put_2(w, h->share);
    put_4(w, h->waiting);
    put_age(w, h->since_ns, now_ns, HEAD_AGE_MAX);
    put_4(w, h->tokens);
    put_4(w, h->quota_requests);
    put_span(w, h->quota_span_ns);
    put_8(w, h->quota_tokens);
}

static void put_scope(struct store_words *w, const struct shared_ask *ask,
                      const struct shared_scope *s, int64_t now_ns)
{
    uint32_t i;

    CHECK(s->first_head <= ask->n_heads &&
          s->heads <= ask->n_heads - s->first_head);
    put_text(w, s->name);
    put_4(w, s->limit);
    put_span(w, s->span_ns);
    put_8(w, s->tokens);
    put_span(w, s->gap_ns);
    put_4(w, s->in_flight);
    put_4(w, s->flying);
    put_2(w, s->ahead);
    put_4(w, s->unused);
    put_2(w, s->heads);
    for (i = 0; i < s->heads; i++)
        put_head(w, &ask->heads[s->first_head + i], now_ns);
}

static void put_put(struct store_words *w, const struct shared_put *p)
{
    put_text(w, p->name);
    put_8(w, p->base);
    put_4(w, p->len);
    store_words_more(w, p->blob, p->len);
    put_span(w, p->hold_ns);
    put_4(w, p->cap);
    put_span(w, p->gap_ns);
    put_1(w, p->probe);
}

/* Who calls, and how many there are of each list. */
static void put_caller(struct store_words *w, const struct shared_ask *ask,
                       const struct store_said *said)
{
    char host[SHARED_HOST_MAX];

    (void)snprintf(host, sizeof(host), "%016jx", (uintmax_t)ask->host);
    put_text(w, said->run);
    store_words_more(w, host, SHARED_HOST_MAX - 1);
    put_text(w, said->name);
    put_8(w, ask->epoch);
    put_8(w, (uint64_t)(said->now_ns / NS_PER_US));
    /* Another server knows nothing of what we told this one: it must not take
     * back what we do not name. */
    put_1(w, ask->run == said->run_number
                 ? ask->flags
                 : ask->flags & ~(uint32_t)SHARED_SYNC);
    put_8(w, (uint64_t)(max_i64(said->rtt_ns, 0) / NS_PER_US));
    put_8(w, ask->vv);
    put_4(w, SHARED_EARLY_NS / NS_PER_US);
    put_2(w, ask->n_settles);
    put_1(w, ask->n_scopes);
    put_1(w, ask->n_puts);
}

void store_ask_put(struct store_words *w, const struct shared_ask *ask,
                   const struct store_said *said)
{
    char key[STORE_KEY_MAX];
    uint32_t i;

    CHECK(ask->n_settles <= SHARED_SETTLES && ask->n_scopes <= SHARED_SCOPES &&
          ask->n_heads <= SHARED_HEADS && ask->n_puts <= SHARED_PUTS);
    store_ask_key(key, said->account, "meta");
    store_words_int(w, 1);
    store_words_str(w, key);
    store_words_str(w, STORE_PROTOCOL);
    store_words_str(w, "");
    put_caller(w, ask, said);
    for (i = 0; i < ask->n_settles; i++)
        put_settle(w, &ask->settles[i], said->now_ns);
    for (i = 0; i < ask->n_scopes; i++)
        put_scope(w, ask, &ask->scopes[i], said->now_ns);
    for (i = 0; i < ask->n_puts; i++)
        put_put(w, &ask->puts[i]);
}
