/*
 * limiter.c - may this request be sent now, and if not, when?
 *
 *   fcgi/ --> limiter_join(), _sent(), ... : wishes, kept in the ticket
 *         --> limiter_turn()
 *               attach     attach.c  the right file, sound and current (state_file.c)
 *               lock       file_lock.c    never waited for
 *               locked()   workers.c  who lives
 *                          operator.c  what operators want
 *                          upstream_map.c  which rows are our upstreams'
 *                          rescope.c which scope does each request wait in
 *                          ticket_ops.c  wishes become transitions (row.c)
 *                          completions.c   what is over is counted (counters.c)
 *                          verdicts.c  answers become holds (retreat.c, ...)
 *                          slots.c   who gets the open slots (admit.c, queue.c)
 *                          ticket_events.c    who waits, and for how long (position.c)
 *                          rings.c what is it that others want to know?
 *               unlock
 *               tell       wake.c    other workers; then our tickets (ticket_events.c)
 *
 * The lock is taken here for all that tickets do; besides by state_file.c, to look at
 * a file before it is used, and by view.c and readiness.c for a look.  What always
 * holds when it is free: live.dirty is 0, unless the last writer was killed.
 *
 * Time comes in as an argument and is raised to the clock's own reading once
 * the lock is held: a worker may be stopped between the two, and a send must
 * never be booked into the past.
 */
#include "state/limiter.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/boottime.h"
#include "lib/file_lock.h"
#include "lib/sigbus.h"
#include "state/file/repair.h"
#include "state/history_save.h"
#include "state/operator.h"
#include "state/policy/eligible.h"
#include "state/policy/limits.h"
#include "state/policy/quota.h"
#include "state/policy/rescope.h"
#include "state/stats.h"
#include "state/view.h"
#include "state/worker.h"

#define BUSY_NS     NS_PER_MS         /* next try at a lock somebody holds, */
#define BUSY_MAX_NS (50 * NS_PER_MS)  /* rising to this while it lasts */
#define FULL_NS     (50 * NS_PER_MS)  /* next try at a full roster */
#define STUCK_NS    (10 * NS_PER_MS)  /* next try at a log that is full */
#define GAP_NS      (NS_PER_MS / 5)   /* for others, between long turns */
#define LAST_NS     (100 * NS_PER_MS) /* for the lock, at the end */
#define PATIENCE_NS (2 * NS_PER_S)    /* then new requests are refused */

void limiter_say(struct limiter *lim, const char *event, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (lim->log != NULL)
        lim->log(lim->log_arg, event, text);
}

/* ---- what can be asked ----------------------------------------------- */

struct ticket *limiter_join(struct limiter *lim,
                            const struct limiter_request *req, ticket_fn *fn,
                            void *arg)
{
    struct ticket *t = ticket_new(req, fn, arg);

    CHECK(req->upstream < lim->set.n_upstreams && req->weight > 0 &&
          req->requests_per_min <= QUOTA_MAX);
    t->generation = lim->generation;
    ticket_append(&lim->all, t);
    ticket_ops_add(lim, t, WISH_JOIN);
    return t;
}

void limiter_sent(struct limiter *lim, struct ticket *t)
{
    int64_t now = boottime_ns();

    if (t == NULL || !t->granted || (t->wishes & WISH_SENT) != 0)
        return;
    /* A clock behind our last turn's is not the one that turns are given. */
    t->sent_ns = now >= lim->now ? now : NEVER;
    ticket_ops_add(lim, t, WISH_SENT);
}

/* Or it will be, after the next turn. */
static bool is_aside(const struct ticket *t)
{
    return t->state == TICKET_ASIDE || (t->wishes & WISH_ASIDE) != 0;
}

void limiter_aside(struct limiter *lim, struct ticket *t, bool unsent,
                   int64_t for_ns)
{
    if (t == NULL || !t->granted || is_aside(t))
        return;
    t->aside_ns = for_ns;
    ticket_ops_add(lim, t, unsent ? WISH_ASIDE : WISH_ASIDE | WISH_SENT);
}

void limiter_again(struct limiter *lim, struct ticket *t, bool unsent)
{
    if (t == NULL)
        return;
    if (is_aside(t)) /* whether it was sent is said already */
        ticket_ops_add(lim, t, WISH_AGAIN);
    else if (t->granted)
        ticket_ops_add(lim, t, unsent ? WISH_AGAIN : WISH_AGAIN | WISH_SENT);
}

void limiter_report(struct limiter *lim, struct ticket *t,
                    const struct limiter_report *rep)
{
    CHECK(rep->answer < ANSWERS);
    if (t == NULL || !t->granted)
        return;
    t->report = *rep;
    t->report.reason[LIMITER_REASON_MAX - 1] = '\0';
    ticket_ops_add(lim, t, WISH_REPORT);
}

void limiter_body_gone(struct limiter *lim, struct ticket *t)
{
    if (t == NULL)
        return;
    t->req.body_bytes = 0;
    ticket_ops_add(lim, t, WISH_BODY_GONE);
}

void limiter_lost(struct limiter *lim, struct ticket *t)
{
    (void)lim;
    if (t != NULL)
        t->lost = true;
}

void limiter_done(struct limiter *lim, struct ticket *t, bool unsent)
{
    if (t == NULL)
        return;
    t->fn = NULL;
    ticket_ops_add(lim, t,
                   t->granted && !is_aside(t) && !unsent ? WISH_DONE | WISH_SENT
                                                         : WISH_DONE);
}

bool limiter_end_hold(struct limiter *lim, uint32_t upstream, const char *model)
{
    struct end_wish *w = &lim->ends[lim->n_ends];

    CHECK(upstream < lim->set.n_upstreams);
    if (lim->n_ends == ENDS_MAX)
        return false;
    lim->n_ends++;
    w->upstream = upstream;
    memset(w->model, 0, sizeof(w->model));
    memcpy(w->model, model, strnlen(model, sizeof(w->model) - 1));
    return true;
}

bool limiter_has_wishes(const struct limiter *lim)
{
    return lim->wishes != NULL || lim->n_ends > 0 || lim->n_notes > 0 ||
           lim->n_tries > 0;
}

void limiter_set(struct limiter *lim, const struct limiter_settings *set)
{
    uint32_t i;

    lim->set = *set;
    for (i = 0; i < set->n_upstreams; i++)
        CHECK(limits_is_sane(&set->rules[i]));
    for (; i < LIMITER_UPSTREAMS; i++)
        memset(&lim->set.rules[i], 0, sizeof(lim->set.rules[i]));
    lim->unsettled = true;
}

void limiter_adopt(struct limiter *lim, const struct limiter_settings *set,
                   uint64_t generation)
{
    CHECK(serial_is_sane(generation));
    limiter_set(lim, set);
    lim->generation = generation;
}

/* ---- the locked section ------------------------------------------------ */

/* Needs the lock.  False: too much time has passed since the path was looked
 * at, so nothing may be done. */
static bool begin(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;

    if (memcmp(&lay->head, &lim->file.head, sizeof(lay->head)) != 0 ||
        lay->live.retired || lay->live.dirty > 1)
        sigbus_damaged("its head is not ours any more");
    lim->now = max_i64(lim->now, boottime_ns());
    lim->late = lim->now - lim->checked_ns >= TICK_NS;
    if (lim->late)
        return false;
    if (lay->live.now_ns > lim->now + NS_PER_S ||
        lay->live.last_arrival > lim->now + NS_PER_S ||
        lay->live.service_start_ns > lim->now + NS_PER_S ||
        lay->live.service_start_ns < 0)
        sigbus_damaged("a time in the future");
    if (!serial_is_sane(lay->live.last_id) ||
        !serial_is_sane(lay->live.last_grant) ||
        !serial_is_sane(lay->live.last_chunk))
        sigbus_damaged("a number that nobody can count to");
    lim->now = max_i64(lim->now, lay->live.now_ns);
    if (lay->live.dirty) {
        lay->live.counters.repairs++;
        repair_run(lay, lim->now);
        lim->repaired = true;
    }
    if (lim->repairs != lay->live.counters.repairs)
        lim->unsettled = true; /* what operator.c knows may be lost */
    layout_begin_write(&lay->live);
    if (lim->slot != NONE &&
        !workers_is_mine(lay, lim->slot, lim->wake.address))
        sigbus_damaged("our place in the roster");
    lay->live.now_ns = lim->now;
    rings_turn(lay, (lim->now + wall_ns() - boottime_ns()) / NS_PER_S);
    lim->first_s = lay->history.first_s;
    lim->service_start_ns = lay->live.service_start_ns;
    lim->recoveries = lay->live.counters.recoveries;
    return true;
}

/* Needs the lock. */
static void end(struct limiter *lim)
{
    __atomic_store_n(&lim->file.lay->live.dirty, 0, __ATOMIC_SEQ_CST);
}

/* Needs the lock.  What holds, who we are, and what we brought along. */
static void settle_in(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;

    if (lim->slot == NONE) {
        workers_sweep(lay, lim->file.fd, NONE, lim->now, &lim->gone);
        lim->at_odds = !upstream_map_take(lim);
        if (lim->at_odds)
            return; /* limiter_turn() refuses and tries again */
    }
    lim->repairs = lay->live.counters.repairs;
    upstream_map_rule(lim, operator_lead(lim));
    rescope_rows(lay, lim->now);
    if (lim->slot == NONE)
        lim->slot =
            workers_claim(lay, lim->file.fd, lim->wake.address, lim->now);
    if (lim->slot != NONE)
        ticket_ops_adopt(lim);
}

/* Needs the lock.  What one of us does once a second, for all. */
static void sweep(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    int64_t last = lay->live.swept_ns;

    if (last > lim->now - TICK_NS && last <= lim->now)
        return;
    workers_sweep(lay, lim->file.fd, lim->slot, lim->now, &lim->gone);
    upstream_map_rule(lim, false);
    verdicts_tick(lim);
}

/* Needs the lock.  A turn has its bounds: see TURN_MAX. */
static void begin_effort(struct limiter *lim)
{
    const struct effort none = {0, 0, false};

    lim->joins = lim->at_joins = lim->grants = lim->told = none;
    lim->more = lim->adopting = false;
}

static void locked(void *arg)
{
    struct limiter *lim = arg;

    if (!begin(lim))
        return;
    begin_effort(lim);
    if (lim->slot == NONE || lim->unsettled)
        settle_in(lim);
    if (lim->slot != NONE)
        workers_seen(lim->file.lay, lim->slot, lim->now);
    if (lim->slot != NONE && !lim->adopting) {
        operator_look(lim);
        slots_accept(lim); /* before revoke(): late is not never */
        slots_revoke(lim);
        sweep(lim);
        verdicts_end(lim);
        ticket_ops_fulfil(lim);
        completions_apply(lim);
        operator_cancelled(lim);
        ticket_ops_refuse_off(lim);
        slots_hand_out_all(lim);
        ticket_events_places(lim);
        rings_gauge(lim->file.lay, lim->places[0], lim->now);
        history_save_step(lim);
    }
    lim->alone = workers_is_alone(lim->file.lay, lim->slot);
    end(lim);
}

/* ---- a turn --------------------------------------------------------------- */

static void tell_workers(struct limiter *lim)
{
    uint32_t i;

    for (i = 0; i < lim->n_pokes; i++)
        wake_poke(&lim->wake, lim->pokes[i]);
    if (lim->n_pokes > 0)
        memset(lim->poked, 0, sizeof(lim->poked));
    lim->n_pokes = 0;
    for (i = 0; i < lim->gone.n; i++) {
        wake_bury_dead(&lim->wake, lim->gone.address[i]);
        limiter_say(lim, "worker_swept", "a dead worker's requests were ended");
    }
    lim->gone.n = 0;
    if (lim->repaired)
        limiter_say(lim, "state_repaired", "a worker died while it wrote");
    lim->repaired = false;
    change_log_tell(lim);
}

/* No turn could be had.  Those that wait, wait on; new ones are refused once
 * it has lasted, because nobody can say for how long. */
static int64_t trouble(struct limiter *lim, int64_t retry_ns)
{
    struct ticket *t;

    if (lim->trouble_ns == NEVER)
        lim->trouble_ns = lim->now;
    if (lim->now - lim->trouble_ns >= PATIENCE_NS)
        for (t = lim->all.first; t != NULL; t = t->next)
            if ((t->wishes & WISH_JOIN) != 0) {
                ticket_ops_owe(lim, t);
                ticket_events_refused(lim, t, REFUSED_STATE, -1);
            }
    ticket_events_tell(lim, true);
    ticket_events_free(lim);
    return lim->now + retry_ns;
}

static int64_t busy_ns(const struct limiter *lim)
{
    if (lim->trouble_ns == NEVER)
        return BUSY_NS;
    return min_i64(max_i64((lim->now - lim->trouble_ns) / 8, BUSY_NS),
                   BUSY_MAX_NS);
}

/* Needs the lock, and drops it. */
static bool run_locked(struct limiter *lim, void (*fn)(void *), void *arg)
{
    const char *what = "";
    enum sigbus_result how;

    lim->next_ns = lim->now + TICK_NS;
    change_log_forget(lim);
    how = sigbus_run(fn, arg, &what);
    file_lock_drop(lim->file.fd);
    if (how == GUARD_OK)
        return true;
    attach_lose(lim, what, true);
    return false;
}

/* The lock is not fair: who takes it again at once leaves others, who try every
 * millisecond, no moment to get it in. */
static int64_t gap_ns(const struct limiter *lim)
{
    return lim->alone ? 0 : GAP_NS;
}

int64_t limiter_turn(struct limiter *lim, int64_t now)
{
    lim->now = now;
    lim->more = false;
    if (lim->wishes == NULL) /* else a poke may wait for a turn of its own */
        wake_drain(&lim->wake);
    history_save_reap(lim);
    do {
        if (!attach_check(lim))
            return trouble(lim, max_i64(lim->retry_ns - now, BUSY_NS));
        if (!file_lock_take(lim->file.fd))
            return trouble(lim, busy_ns(lim));
        if (!run_locked(lim, locked, lim))
            return trouble(lim, 0);
    } while (lim->late);
    tell_workers(lim);
    history_save_go_on(lim);
    if (lim->slot == NONE) {
        if (lim->at_odds && !lim->told_odds)
            limiter_say(lim, "upstreams_differ",
                        "workers with other upstreams use all %d rows: nothing "
                        "can be sent until some of them end",
                        LAY_UPSTREAMS);
        lim->told_odds = lim->at_odds;
        return trouble(lim, FULL_NS);
    }
    lim->trouble_ns = NEVER;
    ticket_events_tell(lim, false);
    ticket_events_free(lim);
    completions_trim(lim);
    if (lim->more)
        return lim->now + gap_ns(lim);
    if (lim->wishes == NULL)
        return lim->next_ns;
    return lim->stuck ? min_i64(lim->next_ns, lim->now + STUCK_NS) : lim->now;
}

struct errand {
    struct limiter *lim;
    void (*fn)(struct limiter *lim, void *arg);
    void *arg;
};

static void run_errand(void *arg)
{
    struct errand *e = arg;

    if (!begin(e->lim))
        return;
    e->fn(e->lim, e->arg);
    end(e->lim);
}

bool limiter_at_once(struct limiter *lim, int64_t now,
                     void (*fn)(struct limiter *lim, void *arg), void *arg)
{
    struct errand e = {lim, fn, arg};

    lim->now = max_i64(lim->now, now);
    do {
        if (!attach_check(lim) || lim->slot == NONE || lim->unsettled ||
            !file_lock_take(lim->file.fd))
            return false; /* a turn has to come first */
        if (!run_locked(lim, run_errand, &e))
            return false;
    } while (lim->late);
    tell_workers(lim);
    return true;
}

/* ---- a look -------------------------------------------------------------------- */

bool limiter_look(struct limiter *lim, void (*fn)(void *), void *arg)
{
    const char *what = "";
    enum sigbus_result how;

    if (lim->file.lay == NULL || !file_lock_take(lim->file.fd))
        return false;
    how = sigbus_run(fn, arg, &what);
    file_lock_drop(lim->file.fd);
    if (how != GUARD_OK)
        attach_lose(lim, what, true);
    return how == GUARD_OK;
}

struct touch {
    struct lay_live *live;
    void (*fn)(void *);
    void *arg;
    bool done;
};

/* Needs the lock. */
static void touch(void *arg)
{
    struct touch *t = arg;

    if (t->live->dirty != 0 || t->live->retired != 0)
        return;
    layout_begin_write(t->live);
    t->fn(t->arg);
    __atomic_store_n(&t->live->dirty, 0, __ATOMIC_SEQ_CST);
    t->done = true;
}

bool limiter_touch(struct limiter *lim, void (*fn)(void *), void *arg)
{
    struct touch t = {NULL, fn, arg, false};

    if (lim->file.lay == NULL || lim->slot == NONE || lim->unsettled)
        return false;
    t.live = &lim->file.lay->live;
    return limiter_look(lim, touch, &t) && t.done;
}

/* ---- questions --------------------------------------------------------------- */

struct place_query {
    struct layout *lay;
    struct ticket *t;
    int64_t now;
    bool waits;
};

/* Needs the lock. */
static void place_locked(void *arg)
{
    struct place_query *q = arg;
    const struct lay_row *r = row_at(q->lay, q->t->row);

    q->waits =
        q->lay->live.dirty == 0 && r->id == q->t->id && r->state == ROW_WAITING;
    if (!q->waits)
        return;
    if (q->lay->live.limited > 0) /* counts are written, but no other reads */
        eligible_measure(q->lay, r->scope);
    ticket_events_place(q->lay, q->t, max_i64(q->now, q->lay->live.now_ns),
                        NULL, 0);
}

bool limiter_place(struct limiter *lim, struct ticket *t, int64_t now,
                   struct ticket_news *news)
{
    struct place_query q = {lim->file.lay, t, now, false};

    if (t == NULL || t->row == NONE || t->state != TICKET_LINE ||
        !limiter_look(lim, place_locked, &q) || !q.waits)
        return false;
    *news = t->news;
    return true;
}

bool limiter_view(struct limiter *lim, int64_t now, struct limiter_view *out)
{
    const char *what = NULL;

    if (lim->file.lay == NULL)
        return false;
    if (view_collect(lim->file.fd, lim->file.lay, now, out, &what))
        return true;
    if (what != NULL)
        attach_lose(lim, what, true);
    return false;
}

bool limiter_tally(struct limiter *lim, int64_t now, struct limiter_tally *out)
{
    const char *what = NULL;

    if (lim->file.lay == NULL)
        return false;
    if (sums_collect(lim->file.fd, lim->file.lay, now, out, &what))
        return true;
    if (what != NULL)
        attach_lose(lim, what, true);
    return false;
}

int limiter_fd(const struct limiter *lim)
{
    return lim->wake.fd;
}

uint64_t limiter_secret(const struct limiter *lim)
{
    return lim->secret;
}

int64_t limiter_uptime_ns(struct limiter *lim, int64_t now)
{
    return lim->service_start_ns == 0 ? 0 : now - lim->service_start_ns;
}

/* ---- opening and closing --------------------------------------------------- */

int limiter_open(struct limiter **out, const char *dir, const char *data_dir,
                 const struct limiter_settings *set, int64_t now,
                 limiter_log_fn *log, void *log_arg, char *err, size_t err_max)
{
    struct limiter *lim = calloc(1, sizeof(*lim));

    CHECK(lim != NULL);
    err[0] = '\0';
    sigbus_init();
    lim->file.fd = lim->wake.fd = lim->dir = lim->alive = -1;
    lim->slot = NONE;
    lim->path = strdup(dir);
    CHECK(lim->path != NULL);
    limiter_set(lim, set);
    lim->now = lim->opened_ns = now;
    lim->trouble_ns = NEVER;
    lim->wishes_end = &lim->wishes;
    lim->news_end = &lim->news;
    lim->fresh_end = &lim->fresh;
    lim->log = log;
    lim->log_arg = log_arg;
    if (attach_first(lim, data_dir, err, err_max)) {
        *out = lim;
        return 0;
    }
    limiter_close(lim);
    return -1;
}

/* Needs the lock.  What was asked last still counts, but nothing new begins;
 * what becomes free goes to the others. */
static void leave(void *arg)
{
    struct limiter *lim = arg;
    struct ticket *t;

    if (!begin(lim))
        return;
    for (t = lim->all.first; t != NULL; t = t->next)
        t->wishes &= WISH_SENT | WISH_REPORT | WISH_DONE | WISH_ASIDE;
    do {
        begin_effort(lim);
        if (lim->unsettled)
            settle_in(lim);
    } while (lim->adopting);
    ticket_ops_fulfil(lim);
    completions_apply(lim);
    workers_leave(lim->file.lay, lim->file.fd, lim->slot, lim->now);
    lim->slot = NONE;
    slots_hand_out_all(lim);
    end(lim);
}

/* Tickets would be ended by the next sweep, but what is noted here nobody else
 * knows: for that the lock is waited for, a tenth of a second at most. */
static bool lock_at_last(const struct limiter *lim)
{
    return lim->n_notes + lim->n_tries > 0
               ? file_lock_wait(lim->file.fd, LAST_NS)
               : file_lock_take(lim->file.fd);
}

bool limiter_has_tickets(const struct limiter *lim)
{
    return lim->all.first != NULL;
}

void limiter_rest(const struct limiter *lim)
{
    file_rest(&lim->file);
}

void limiter_close(struct limiter *lim)
{
    if (lim == NULL)
        return;
    lim->now = lim->checked_ns = max_i64(lim->now, boottime_ns());
    if (lim->slot != NONE && file_is_current(&lim->file, lim->dir) &&
        lock_at_last(lim) && run_locked(lim, leave, lim))
        tell_workers(lim);
    history_save_end(lim);
    while (lim->all.first != NULL)
        ticket_free(&lim->all, lim->all.first);
    completions_free(lim);
    wake_fini(&lim->wake);
    file_close(&lim->file);
    if (lim->alive != -1)
        close(lim->alive);
    if (lim->dir != -1)
        close(lim->dir);
    free(lim->path);
    free(lim);
}
