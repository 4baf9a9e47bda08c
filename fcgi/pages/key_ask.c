/*
 * key_ask.c - does each upstream take our key?
 *
 *   start --> look() --> limiter_ready()    the lease, as ready.c has it: one
 *                                           worker of a host asks
 *                    --> limiter_key_is()   another key than before: ask, too,
 *                                           a moment later
 *   GET /v1/models with it   401            it is refused
 *                            2xx            and without it?  Refused: it is
 *                                           taken.  Else that told nothing
 *        --> limiter_key_told()
 *
 * The question is free, and no request waits for it.  Where the list needs no
 * key, the first real answer tells.  A key that is refused is worth the second
 * question: somebody who has just put a wrong one there learns of it before
 * his first request does.
 */
#include "fcgi/pages/key_ask.h"

#include <string.h>
#include <time.h>

#include "fcgi/config/config.h"
#include "fcgi/config/key_text.h"
#include "fcgi/pages/ask_models.h"
#include "fcgi/sluice.h"
#include "fcgi/upstream/answer_head.h"
#include "fcgi/upstream/redact.h"
#include "fcgi/upstream/transfer.h"
#include "fcgi/upstream/upstream.h"
#include "fcgi/upstream/verdict.h"
#include "lib/buf.h"
#include "state/own_keys.h"
#include "state/readiness.h"

#define SOON_NS  (25 * NS_PER_MS) /* while the state is busy, */
#define REST_NS  NS_PER_S         /* and once that has lasted */
#define SOONS    40
#define SPARE_NS (500 * NS_PER_MS) /* as in ready.c */
#define AFTER_NS (250 * NS_PER_MS) /* who has no lease lets who has go first */

enum asked_state {
    ASKED_NOT = 0,  /* nothing is to be done for it */
    ASKED_MARK = 1, /* the limiter does not know yet which key it is */
    ASKED_NOW = 2,  /* a question is under way */
    ASKED_TELL = 3, /* the limiter does not know yet what was said */
};

struct asked {
    struct key_ask *k;
    enum asked_state state;
    struct transfer *transfer; /* with ASKED_NOW */
    bool bare;                 /* without the key */
    bool again;                /* on a connection of its own */
    struct upstream_head head;
    struct buf body;
    struct own_key_told told;
    char message[LIMITER_REASON_MAX];
};

struct key_ask {
    struct sluice *s;
    bool looked; /* the lease was asked for */
    bool leased; /* it is ours, and what came of it is to be told */
    bool waited; /* it is not, and whose it is has had the time to ask */
    bool untold; /* that is known now */
    int best;    /* the status that says most of reachability */
    char why[LIMITER_REASON_MAX]; /* of one without a connection */
    unsigned tries;
    struct loop_timer timer, patience;
    struct asked asked[UPSTREAMS_MAX];
};

static void ask(struct asked *a);

/* ---- an answer ------------------------------------------------------------------- */

static bool is_key_trouble(int status)
{
    return status == 401 || status == 403;
}

/* One line of the upstream's, with no key in it. */
static void take_words(struct asked *a)
{
    const struct config *cfg = a->k->s->cfg;
    struct verdict_input in = verdict_input(&a->head);
    struct secrets secrets = {.n = 0};
    struct verdict v;
    size_t i;

    in.body = a->body.len > 0 ? buf_head(&a->body) : "";
    in.len = a->body.len;
    in.now_s = (int64_t)time(NULL);
    verdict_of(&v, &in);
    for (i = 0; i < cfg->n_upstreams; i++)
        secrets_add(&secrets, cfg->upstreams[i].api_key, 4);
    (void)redact(&secrets, v.words.message, strlen(v.words.message));
    snprintf(a->message, sizeof(a->message), "%.*s",
             (int)sizeof(a->message) - 1, v.words.message);
}

/* True: one more question is to be asked. */
static bool take_answer(struct asked *a)
{
    int status = a->head.status;

    a->told = (struct own_key_told){.by_list = true, .message = a->message};
    if (a->bare) {
        a->told.word = is_key_trouble(status) ? KEY_ACCEPTED : KEY_UNTOLD;
        return false;
    }
    if (is_key_trouble(status)) {
        take_words(a);
        a->told.word = KEY_REFUSED;
        a->told.status = (uint16_t)status;
        return false;
    }
    a->bare = status >= 200 && status < 300;
    return a->bare;
}

static void forget_answer(struct asked *a)
{
    head_clear(&a->head);
    buf_free(&a->body);
}

static int rank(int status)
{
    if (status <= 0 || status >= 500)
        return status > 0;
    return is_key_trouble(status) ? 2 : 3;
}

/* ---- telling ------------------------------------------------------------------------ */

static bool tell_keys(struct key_ask *k)
{
    size_t i;
    bool all = true;

    for (i = 0; i < k->s->cfg->n_upstreams; i++) {
        struct asked *a = &k->asked[i];

        if (a->state != ASKED_TELL)
            continue;
        if (limiter_key_told(k->s->lim, (uint32_t)i, &a->told,
                             loop_now(k->s->loop)))
            a->state = ASKED_NOT;
        else
            all = false;
    }
    return all;
}

static bool is_under_way(const struct key_ask *k)
{
    size_t i;

    for (i = 0; i < k->s->cfg->n_upstreams; i++)
        if (k->asked[i].state == ASKED_NOW)
            return true;
    return false;
}

/* False: the state is busy. */
static bool tell(struct key_ask *k)
{
    bool all = tell_keys(k);

    if (!k->leased || is_under_way(k))
        return all;
    k->leased = !limiter_probed(k->s->lim, rank(k->best) >= 2,
                                (uint16_t)min_i64(k->best, 999), k->why,
                                loop_now(k->s->loop));
    return all && !k->leased;
}

/* A busy state is asked again soon, a lost one each second. */
static void come_again(struct key_ask *k)
{
    loop_at(k->s->loop, &k->timer,
            loop_now(k->s->loop) + (k->tries < SOONS ? SOON_NS : REST_NS));
    k->tries += k->tries < SOONS;
}

/* ---- asking ---------------------------------------------------------------------- */

static void on_sent(void *arg)
{
    (void)arg;
}

static void on_head(void *arg, struct upstream_head *head)
{
    struct asked *a = arg;

    head_clear(&a->head);
    head_move(&a->head, head);
}

static bool on_body(void *arg, const char *data, size_t len)
{
    struct asked *a = arg;

    if (a->body.len + len <= WORDS_BYTES)
        buf_add(&a->body, data, len);
    return true;
}

static void finish(struct asked *a, bool is_answer)
{
    struct key_ask *k = a->k;
    int status = a->head.status;
    bool more = is_answer && status > 0 && take_answer(a);

    a->transfer = NULL;
    if (rank(status) > rank(k->best))
        k->best = status;
    forget_answer(a);
    if (more) {
        ask(a);
        return;
    }
    a->state = is_answer && status > 0 ? ASKED_TELL : ASKED_NOT;
    if (!tell(k))
        come_again(k);
}

static void on_end(void *arg, enum transfer_end how, const char *detail)
{
    struct asked *a = arg;

    a->transfer = NULL;
    if (how == END_UNREACHABLE && a->k->why[0] == '\0')
        snprintf(a->k->why, sizeof(a->k->why), "%.31s: %.60s",
                 a->k->s->cfg->upstreams[a - a->k->asked].name, detail);
    if (how == END_STALE && a->head.status == 0 && !a->again) {
        a->again = true;
        ask(a);
        return;
    }
    finish(a, how == END_OK);
}

static const struct transfer_ops ops = {NULL, on_sent, on_head, on_body,
                                        on_end};

static void ask(struct asked *a)
{
    struct sluice *s = a->k->s;
    size_t i = (size_t)(a - a->k->asked);
    int64_t connect_ms = min_i64(s->cfg->connect_ms, s->cfg->ready_probe_ms);

    a->state = ASKED_NOW;
    a->transfer = a->bare ? ask_models_bare(s, i, connect_ms, &ops, a)
                          : ask_models(s, i, connect_ms, a->again, &ops, a);
}

/* ---- looking --------------------------------------------------------------------- */

/* A digest of the key, so that another one is known for another: 64 bits of it,
 * of which nobody makes a key. */
static uint64_t mark_of(const char *key)
{
    unsigned char hash[KEY_HASH];
    uint64_t mark;

    key_text_hash(hash, key, strlen(key));
    memcpy(&mark, hash, sizeof(mark));
    return mark;
}

/* False: the state is busy. */
static bool take_lease(struct key_ask *k)
{
    int64_t probe_ns = k->s->cfg->ready_probe_ms * NS_PER_MS;
    struct limiter_probe_times times = {probe_ns, probe_ns + SPARE_NS};
    struct limiter_ready st;

    if (k->looked)
        return true;
    if (!limiter_ready(k->s->lim, &times, loop_now(k->s->loop), &st))
        return false;
    k->looked = true;
    k->leased = st.probe == PROBE_OURS;
    return true;
}

static bool mark_keys(struct key_ask *k)
{
    const struct config *cfg = k->s->cfg;
    bool all = true;
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i++) {
        struct asked *a = &k->asked[i];
        bool is_other;

        if (a->state != ASKED_MARK)
            continue;
        if (!limiter_key_is(k->s->lim, (uint32_t)i,
                            mark_of(cfg->upstreams[i].api_key), k->leased,
                            loop_now(k->s->loop), &is_other)) {
            all = false;
            continue;
        }
        a->state = ASKED_NOT;
        if (is_other)
            ask(a);
    }
    return all;
}

/* Both would ask of a key that is new, were the other one quicker. */
static bool lets_another_go_first(struct key_ask *k)
{
    bool is_first = !k->leased && !k->waited;

    k->waited = true;
    if (is_first)
        loop_at(k->s->loop, &k->timer, loop_now(k->s->loop) + AFTER_NS);
    return is_first;
}

static void look(struct key_ask *k)
{
    if (!take_lease(k)) {
        come_again(k);
        return;
    }
    if (lets_another_go_first(k))
        return;
    if (!mark_keys(k) || !tell(k))
        come_again(k);
}

static void on_timer(void *arg)
{
    look(arg);
}

/* Who has not answered by now tells nothing. */
static void on_patience_over(void *arg)
{
    struct key_ask *k = arg;
    size_t i;

    for (i = 0; i < k->s->cfg->n_upstreams; i++)
        if (k->asked[i].transfer != NULL) {
            transfer_cancel(k->asked[i].transfer);
            finish(&k->asked[i], false);
        }
}

/* ---- in and out ------------------------------------------------------------------ */

struct key_ask *key_ask_start(struct sluice *s)
{
    struct key_ask *k = calloc(1, sizeof(*k));
    bool any = false;
    size_t i;

    CHECK(k != NULL);
    k->s = s;
    k->timer = (struct loop_timer){.fn = on_timer, .arg = k};
    k->patience = (struct loop_timer){.fn = on_patience_over, .arg = k};
    for (i = 0; i < s->cfg->n_upstreams; i++) {
        k->asked[i].k = k;
        if (s->cfg->upstreams[i].api_key == NULL)
            continue;
        k->asked[i].state = ASKED_MARK;
        any = true;
    }
    if (!any)
        return k;
    /* Our place among the workers is the first turn's to take. */
    loop_at(s->loop, &k->timer, loop_now(s->loop) + NS_PER_MS);
    loop_at(s->loop, &k->patience,
            loop_now(s->loop) + s->cfg->ready_probe_ms * NS_PER_MS);
    return k;
}

void key_ask_free(struct key_ask *k)
{
    size_t i;

    if (k == NULL)
        return;
    loop_cancel(k->s->loop, &k->timer);
    loop_cancel(k->s->loop, &k->patience);
    for (i = 0; i < ARRAY_LEN(k->asked); i++) {
        if (k->asked[i].transfer != NULL)
            transfer_cancel(k->asked[i].transfer);
        forget_answer(&k->asked[i]);
    }
    free(k);
}
