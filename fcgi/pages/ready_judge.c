/*
 * ready_judge.c - under which thresholds could a request be served soon?
 *
 * Pure.  The first that is wrong gives its reason; of an operator's pause
 * before all else, then of our keys, the shared store, the upstream, the
 * queue, the bucket.
 */
#include <stdarg.h>
#include <string.h>

#include "fcgi/config/config.h"
#include "fcgi/pages/ready.h"

static void blame(struct ready_verdict *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void blame(struct ready_verdict *v, const char *fmt, ...)
{
    va_list ap;

    if (v->reason[0] != '\0')
        return;
    va_start(ap, fmt);
    vsnprintf(v->reason, sizeof(v->reason), fmt, ap);
    va_end(ap);
}

static bool has_tokens(const struct limiter_ready_upstream *u,
                       const struct config *cfg)
{
    return u->burst_milli > 0 &&
           u->tokens_milli * 100 > cfg->ready_tokens_percent * u->burst_milli;
}

/* An ETA that nobody can tell is held against no one: the number of those that
 * wait decides. */
static bool is_soon(const struct limiter_ready_upstream *u,
                    const struct config *cfg)
{
    return u->eta_ns / NS_PER_MS * 100 <
           cfg->ready_queue_percent * cfg->queue_timeout_ms;
}

/* Why no upstream is asked: of the first. */
static const char *why_held(enum ejection_cause cause)
{
    if (cause == EJECTED_KEY)
        return "the upstream refuses our key; until then requests are refused";
    if (cause == EJECTED_AWAY)
        return "the upstream cannot be reached; until then requests wait";
    if (cause == EJECTED_FAULTY)
        return "all that the upstream says is errors; until then requests wait";
    return "the upstream wants to be paid (402); until then requests are "
           "refused";
}

static void judge_queue(struct ready_verdict *v, const struct limiter_ready *st,
                        const struct config *cfg, bool paid, bool soon)
{
    bool room =
        st->waiting_max == 0 ||
        (int64_t)st->waiting * 100 < cfg->ready_queue_percent * st->waiting_max;

    v->queue = room && paid && soon;
    if (!paid)
        blame(v, "%s", why_held(st->upstreams[0].cause));
    else if (!room)
        blame(v, "%u of %u places in the queue are taken (ready.queue_percent)",
              st->waiting, st->waiting_max);
    else if (!soon)
        blame(v, "a new request would wait too long for queue.timeout_s "
                 "(ready.queue_percent)");
}

static void judge_upstream(struct ready_verdict *v,
                           const struct limiter_ready *st,
                           const struct config *cfg)
{
    v->reachable = st->reachable;
    if (!v->reachable && st->status == 0 && st->why[0] != '\0')
        blame(v, "no upstream can be reached: %s", st->why);
    else if (!v->reachable && st->status == 0)
        blame(v,
              "no upstream answered GET /v1/models within %g s (ready.probe_s)",
              (double)cfg->ready_probe_ms / 1000);
    else if (!v->reachable)
        blame(v, "the upstream answered GET /v1/models with status %u",
              st->status);
}

/* Of ours; a client's own, where we have none, is the client's business.  An
 * upstream may be of use without us being told so: only what all say counts. */
static void judge_keys(struct ready_verdict *v, const struct limiter_ready *st,
                       const struct config *cfg, uint32_t n)
{
    uint32_t i, ours = 0, refused = 0, accepted = 0, status = 0;

    for (i = 0; i < n && i < cfg->n_upstreams; i++) {
        const struct limiter_ready_upstream *u = &st->upstreams[i];

        if (cfg->upstreams[i].api_key == NULL)
            continue;
        ours++;
        accepted += u->key == KEY_ACCEPTED;
        refused += u->key == KEY_REFUSED;
        if (u->key == KEY_REFUSED && status == 0)
            status = u->key_status;
    }
    v->key = accepted > 0 ? 1 : ours > 0 && refused == ours ? 0 : -1;
    v->usable = refused < i || i == 0;
    if (!v->usable)
        blame(v,
              "the upstream refuses our key (status %u): put a valid one into "
              "api_key_file or NVIDIA_API_KEY and restart",
              status);
}

/* All hosts lose it together, mostly: but another may have a way to it. */
static void judge_store(struct ready_verdict *v, const struct limiter_ready *st)
{
    v->store = st->store == READY_NO_STORE ? -1 : st->store == READY_STORE_UP;
    if (v->store == 0)
        blame(v, "the shared store cannot be used (shared.url); until then "
                 "requests wait (shared.on_loss)");
}

void ready_judge(struct ready_verdict *v, const struct limiter_ready *st,
                 const struct config *cfg, bool paused)
{
    uint32_t i, n = (uint32_t)min_i64(st->n_upstreams, LIMITER_UPSTREAMS);
    bool soon = false, paid = false;

    memset(v, 0, sizeof(*v));
    v->paused = paused;
    if (paused)
        blame(v, "an operator has paused everything (sluicectl resume)");
    for (i = 0; i < n && i < cfg->n_upstreams; i++) {
        const struct limiter_ready_upstream *u = &st->upstreams[i];

        v->tokens = v->tokens || has_tokens(u, cfg);
        paid = paid || !u->held;
        soon = soon || (!u->held && is_soon(u, cfg));
    }
    judge_keys(v, st, cfg, n);
    judge_store(v, st);
    judge_upstream(v, st, cfg);
    judge_queue(v, st, cfg, paid, soon);
    if (!v->tokens)
        blame(v, "the bucket is empty, or nearly so (ready.tokens_percent)");
    v->ready = v->reachable && v->queue && v->tokens && v->usable &&
               !v->paused && v->store != 0;
}
