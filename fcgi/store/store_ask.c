/*
 * store_ask.c - what does a call say?
 *
 *   state/  fills a struct shared_ask  -->  here  -->  turn.lua reads it
 *
 * A flat list: numbers in decimal, each list behind its count, in the order that
 * turn.lua takes them.  Times go as ages in microseconds, because the store's
 * clock is another one; each is as old as the call is when it is written.
 */
#include "fcgi/store/store_ask.h"

#include <stdio.h>

#include "fcgi/store/store_words.h"
#include "lib/base.h"

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

/* Up, for a span: a window must not be shorter than it is. */
static void put_span(struct store_words *w, int64_t ns)
{
    store_words_int(w, (ns + NS_PER_US - 1) / NS_PER_US);
}

/* Down, for an age: what is younger counts for longer.  What lies after the
 * call is as old as the call. */
static void put_age(struct store_words *w, int64_t at_ns, int64_t now_ns,
                    int64_t most_us)
{
    int64_t us = max_i64(now_ns - at_ns, 0) / NS_PER_US;

    store_words_int(w, min_i64(us, most_us));
}

static void put_host(struct store_words *w, uint64_t host)
{
    char hex[SHARED_HOST_MAX];

    (void)snprintf(hex, sizeof(hex), "%016jx", (uintmax_t)host);
    store_words_str(w, hex);
}

static void put_settle(struct store_words *w, const struct shared_settle *s,
                       int64_t now_ns)
{
    char what = (char)s->what;

    store_words_u64(w, s->id);
    store_words_add(w, &what, 1);
    if (s->what == SHARED_SENT)
        put_age(w, s->at_ns, now_ns, SETTLE_AGE_MAX);
    else
        store_words_int(w, 0);
    store_words_int(w, s->tokens);
    store_words_int(w, s->cls);
    store_words_str(w, s->client);
    store_words_str(w, ""); /* client2: kept free */
}

static void put_head(struct store_words *w, const struct shared_head *h,
                     int64_t now_ns)
{
    store_words_int(w, h->cls);
    store_words_str(w, h->client);
    store_words_int(w, h->share);
    store_words_int(w, h->waiting);
    put_age(w, h->since_ns, now_ns, HEAD_AGE_MAX);
    store_words_int(w, h->tokens);
    store_words_int(w, h->quota_requests);
    put_span(w, h->quota_span_ns);
    store_words_int(w, h->quota_tokens);
}

static void put_scope(struct store_words *w, const struct shared_ask *ask,
                      const struct shared_scope *s, int64_t now_ns)
{
    uint32_t i;

    CHECK(s->first_head <= ask->n_heads &&
          s->heads <= ask->n_heads - s->first_head);
    store_words_str(w, s->name);
    store_words_int(w, s->limit);
    put_span(w, s->span_ns);
    store_words_int(w, s->tokens);
    put_span(w, s->gap_ns);
    store_words_int(w, s->in_flight);
    store_words_int(w, s->flying);
    store_words_int(w, s->ahead);
    store_words_int(w, s->unused);
    store_words_int(w, s->heads);
    for (i = 0; i < s->heads; i++)
        put_head(w, &ask->heads[s->first_head + i], now_ns);
}

static void put_put(struct store_words *w, const struct shared_put *p)
{
    store_words_str(w, p->name);
    store_words_u64(w, p->base);
    store_words_add(w, p->blob, p->len);
    put_span(w, p->hold_ns);
    store_words_int(w, p->cap);
    put_span(w, p->gap_ns);
    store_words_int(w, p->probe);
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
    store_words_str(w, said->run);
    put_host(w, ask->host);
    store_words_str(w, said->name);
    store_words_u64(w, ask->epoch);
    store_words_int(w, said->now_ns / NS_PER_US);
    /* Another server knows nothing of what we told this one: it must not take
     * back what we do not name. */
    store_words_int(w, ask->run == said->run_number
                           ? ask->flags
                           : ask->flags & ~(uint32_t)SHARED_SYNC);
    store_words_int(w, said->rtt_ns / NS_PER_US);
    store_words_u64(w, ask->vv);
    store_words_int(w, ask->n_settles);
    for (i = 0; i < ask->n_settles; i++)
        put_settle(w, &ask->settles[i], said->now_ns);
    store_words_int(w, ask->n_scopes);
    for (i = 0; i < ask->n_scopes; i++)
        put_scope(w, ask, &ask->scopes[i], said->now_ns);
    store_words_int(w, ask->n_puts);
    for (i = 0; i < ask->n_puts; i++)
        put_put(w, &ask->puts[i]);
}
