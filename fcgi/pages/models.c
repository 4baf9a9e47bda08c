/*
 * models.c - which models are there?
 *
 * The upstream answers this before its limiter, so it costs no slot.  With a
 * key of our own the list is the same for every client: it is kept for 60 s,
 * one question is asked however many clients do, and a single model is looked
 * up in it.  Without one each client asks with its own key, and nothing is
 * kept: such a request is forwarded as others are, but free, without a ticket.
 * With several upstreams their lists are put together; listing.c reads them.
 * Where none has one, each client is told what the first of them said.  Where
 * there is a choice of upstreams, who has which model is kept for longer.
 */
#include "fcgi/pages/models.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/config.h"
#include "fcgi/exchange.h"
#include "fcgi/free.h"
#include "fcgi/models_told.h"
#include "fcgi/pages/ask_models.h"
#include "fcgi/upstream/listed.h"
#include "fcgi/upstream/listing.h"
#include "fcgi/upstream/verdict.h"
#include "lib/log.h"

#define FRESH_NS (60 * NS_PER_S)
#define ASK_NS   (15 * NS_PER_S) /* for one upstream's list */
/* Of what is only to choose by. */
#define LISTED_FRESH_NS (5 * 60 * NS_PER_S)
#define LISTED_KEPT_NS  (60 * 60 * NS_PER_S)

struct models {
    struct sluice *s;
    json_object *list;  /* array of models; NULL: none yet */
    int64_t fetched_ns; /* when it was complete */
    struct listed *listed;
    int64_t listed_ns[UPSTREAMS_MAX]; /* when each told; 0: never */
    int64_t begun_ns;                 /* the last question of all of them */
    struct loop_timer watch;          /* the next one by ourselves */
    /* A question under way: */
    struct transfer *transfer;
    size_t asked; /* index of the upstream that is asked */
    json_object *coming;
    struct upstream_head head;
    struct buf body;
    bool too_long;
    bool any; /* at least one upstream has a list */
    /* What the first one without a list said, as the answer to all: */
    struct reply_error failure; /* status 0: nothing yet */
    struct loop_timer timer;
    struct exchange *waiting[1024];
    size_t n_waiting;
};

static void ask_next(struct models *m);

/* ---- answering --------------------------------------------------------------- */

/* Everyone who waited for the list gets it, or hears why not. */
static void answer_all(struct models *m)
{
    const struct reply_error *e = &m->failure;

    while (m->n_waiting > 0) {
        struct exchange *x = m->waiting[--m->n_waiting];

        if (m->list != NULL)
            (void)models_tell(x, m->list);
        else
            (void)exchange_fail_as(x, e->status, e->code, e->retry_ms, e->retry,
                                   "%s", e->message);
        exchange_run(x);
    }
}

/* ---- failing -------------------------------------------------------------------- */

__attribute__((format(printf, 5, 6))) static void note_failure(
    struct models *m, int status, enum error_code code, int retry,
    const char *fmt, ...)
{
    struct reply_error *e = &m->failure;
    va_list ap;

    if (e->status != 0)
        return;
    *e = (struct reply_error){status, code, retry != 0 ? 5000 : -1, retry, ""};
    va_start(ap, fmt);
    vsnprintf(e->message, sizeof(e->message), fmt, ap);
    va_end(ap);
}

/* The upstream's error is told with its status and its words.  That a key is
 * refused is no matter of the client's: the key is ours. */
static void note_error(struct models *m, const char *name)
{
    struct verdict_input in = verdict_input(&m->head);
    struct verdict v;

    in.body = m->body.len > 0 ? buf_head(&m->body) : "";
    in.len = m->body.len;
    in.is_cut = m->too_long;
    in.now_s = (int64_t)time(NULL);
    verdict_of(&v, &in);
    if (v.kind == VERDICT_KEY)
        note_failure(m, v.status, ERROR_UPSTREAM, 0,
                     "The upstream %s does not accept Sluice's own key "
                     "(NVIDIA_API_KEY, or upstreams[].api_key_file): %.160s",
                     name, v.words.message);
    else
        note_failure(m, v.status, ERROR_UPSTREAM,
                     v.status >= 500 || v.status == 429 ? -1 : 0,
                     "The upstream %s answered the question for its models "
                     "with status %d: %.200s",
                     name, m->head.status, v.words.message);
    if (m->failure.retry_ms >= 0 && v.retry_ms >= 0)
        m->failure.retry_ms = v.retry_ms;
}

/* ---- asking --------------------------------------------------------------------- */

static void on_sent(void *arg)
{
    (void)arg;
}

static void on_head(void *arg, struct upstream_head *head)
{
    struct models *m = arg;

    head_clear(&m->head);
    head_move(&m->head, head);
}

static bool on_body(void *arg, const char *data, size_t len)
{
    struct models *m = arg;

    if (m->body.len + len <= MODELS_BYTES)
        buf_add(&m->body, data, len);
    else
        m->too_long = true; /* not a list of models */
    return true;
}

/* Has one that was asked before told of the model ID, this time? */
static bool was_told(const struct models *m, const char *id)
{
    size_t i;

    for (i = 0; i < m->asked; i++)
        if (m->listed_ns[i] >= m->begun_ns &&
            listed_has(m->listed, i, id) == LISTED_YES)
            return true;
    return false;
}

/* What several have is one model: who asks for it gets one of them. */
static void put_together(struct models *m, json_object *list)
{
    size_t n = json_object_array_length(list), i;

    for (i = 0; i < n; i++) {
        json_object *one = json_object_array_get_idx(list, i);
        json_object *id;

        if (json_object_object_get_ex(one, "id", &id) &&
            !was_told(m, json_object_get_string(id)))
            json_object_array_add(m->coming, json_object_get(one));
    }
}

/* Reads the answer, if it is a list. */
static bool take_list(struct models *m)
{
    json_object *list = json_object_new_array();
    bool is_one = !m->too_long && listing_read(list, &m->body);

    if (is_one) {
        listed_take(m->listed, m->asked, list);
        m->listed_ns[m->asked] = loop_now(m->s->loop);
        put_together(m, list);
        m->any = true;
    }
    json_object_put(list);
    return is_one;
}

/* The upstream that was asked has answered, wholly or not. */
static void take_answer(struct models *m, bool whole)
{
    const char *name = m->s->cfg->upstreams[m->asked].name;

    if (!whole)
        note_failure(m, 502, ERROR_UPSTREAM_UNREACHABLE, -1,
                     "The upstream %s did not answer the question for its "
                     "models.",
                     name);
    else if (m->head.status >= 300)
        note_error(m, name);
    else if (!take_list(m))
        note_failure(m, 502, ERROR_UPSTREAM, 0,
                     "What the upstream %s answered to the question for its "
                     "models is no list of models.",
                     name);
}

static void finish_one(struct models *m, bool whole)
{
    m->transfer = NULL;
    loop_cancel(m->s->loop, &m->timer);
    take_answer(m, whole);
    head_clear(&m->head);
    buf_free(&m->body);
    m->too_long = false;
    m->asked++;
    ask_next(m);
}

static void on_end(void *arg, enum transfer_end how, const char *detail)
{
    struct models *m = arg;

    if (how != END_OK)
        log_say(m->s->log, LOG_WARN_, "models", "no list of models: %s",
                detail);
    finish_one(m, how == END_OK);
}

static void on_timeout(void *arg)
{
    struct models *m = arg;

    transfer_cancel(m->transfer);
    finish_one(m, false);
}

static const struct transfer_ops ops = {NULL, on_sent, on_head, on_body,
                                        on_end};

static void ask(struct models *m)
{
    m->transfer =
        ask_models(m->s, m->asked, m->s->cfg->connect_ms, false, &ops, m);
    loop_at(m->s->loop, &m->timer, loop_now(m->s->loop) + ASK_NS);
}

/* The next upstream is asked; after the last one the list is complete. */
static void ask_next(struct models *m)
{
    if (m->asked < m->s->cfg->n_upstreams) {
        ask(m);
        return;
    }
    if (m->any) {
        json_object_put(m->list);
        m->list = m->coming;
        m->fetched_ns = loop_now(m->s->loop);
    } else {
        json_object_put(m->coming);
        if (loop_now(m->s->loop) - m->fetched_ns > FRESH_NS) {
            json_object_put(m->list);
            m->list = NULL;
        }
    }
    m->coming = NULL;
    answer_all(m);
}

/* ---- by ourselves ------------------------------------------------------------- */

static void ask_all(struct models *m)
{
    m->coming = json_object_new_array();
    CHECK(m->coming != NULL);
    m->begun_ns = loop_now(m->s->loop);
    m->asked = 0;
    m->any = false;
    m->failure.status = 0;
    ask_next(m);
}

static void forget_old(struct models *m, int64_t now)
{
    size_t i;

    for (i = 0; i < UPSTREAMS_MAX; i++)
        if (m->listed_ns[i] != 0 && now - m->listed_ns[i] > LISTED_KEPT_NS) {
            listed_forget(m->listed, i);
            m->listed_ns[i] = 0;
        }
}

static void on_watch(void *arg)
{
    struct models *m = arg;
    const struct config *cfg = m->s->cfg;
    int64_t now = loop_now(m->s->loop);

    forget_old(m, now);
    if (m->coming == NULL && (cfg->n_upstreams > 1 || cfg->n_fallbacks > 0))
        ask_all(m);
    loop_at(m->s->loop, &m->watch, now + LISTED_FRESH_NS);
}

void models_watch(struct models *m)
{
    m->s->listed = m->listed;
    on_watch(m);
}

/* ---- in and out -------------------------------------------------------------------- */

struct models *models_new(struct sluice *s)
{
    struct models *m = calloc(1, sizeof(*m));

    CHECK(m != NULL);
    m->s = s;
    m->listed = listed_new();
    m->timer.fn = on_timeout;
    m->timer.arg = m;
    m->watch.fn = on_watch;
    m->watch.arg = m;
    return m;
}

void models_free(struct models *m)
{
    if (m == NULL)
        return;
    if (m->transfer != NULL)
        transfer_cancel(m->transfer);
    loop_cancel(m->s->loop, &m->timer);
    loop_cancel(m->s->loop, &m->watch);
    m->s->listed = NULL;
    json_object_put(m->list);
    json_object_put(m->coming);
    listed_free(m->listed);
    head_clear(&m->head);
    buf_free(&m->body);
    free(m);
}

static void stop_waiting(struct exchange *x)
{
    struct models *m = x->s->models;
    size_t i;

    for (i = 0; i < m->n_waiting; i++)
        if (m->waiting[i] == x)
            m->waiting[i--] = m->waiting[--m->n_waiting];
}

static enum step too_many(struct exchange *x)
{
    return exchange_fail_as(x, 503, ERROR_QUEUE_FULL, 1000, 1,
                            "Too many clients ask for the models at once.");
}

enum step models_answer(struct exchange *x)
{
    struct models *m = x->s->models;
    enum step next;

    if (models_tell_alias(x, &next))
        return next;
    if (x->s->cfg->upstreams[0].api_key == NULL)
        return free_go(x);
    if (m->list != NULL && loop_now(x->s->loop) - m->fetched_ns < FRESH_NS)
        return models_tell(x, m->list);
    if (m->n_waiting == ARRAY_LEN(m->waiting))
        return too_many(x);
    m->waiting[m->n_waiting++] = x;
    if (m->coming == NULL)
        ask_all(m);
    return exchange_wait(x, stop_waiting);
}
