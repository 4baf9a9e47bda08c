/*
 * life.c - how does a worker come to the shared state, and go?
 *
 *   fcgi/ --> limiter_join(), _sent(), ... : wishes.c, kept in the ticket
 *         --> limiter_turn()               : turn.c, under the lock
 *
 * The lock and the dirty word are file/transaction.c's; whoever needs a moment
 * between turns has it through section.c.
 */
#include "state/limiter.h"

#include <string.h>
#include <unistd.h>

#include "lib/boottime.h"
#include "lib/sigbus.h"
#include "state/attach.h"
#include "state/completions.h"
#include "state/file/state_file.h"
#include "state/history_save.h"
#include "state/policy/eligible.h"
#include "state/policy/limits.h"
#include "state/policy/line_eta.h"
#include "state/policy/retry_priority.h"
#include "state/policy/wants.h"
#include "state/section.h"
#include "state/ticket_events.h"
#include "state/turn.h"
#include "state/view.h"
#include "state/worker.h"

#define LAST_NS (100 * NS_PER_MS) /* for the lock, at the end */

void limiter_set(struct limiter *lim, const struct limiter_settings *set)
{
    struct lay_rules r;
    uint32_t i;

    lim->set = *set;
    for (i = 0; i < set->n_upstreams; i++) {
        limits_take(&set->rules[i], &r);
        CHECK(limits_may_be_set(&r));
    }
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

/* ---- questions --------------------------------------------------------------- */

struct place_query {
    struct layout *lay;
    struct line_eta *line;
    struct ticket *t;
    int64_t now;
    bool waits;
};

/* What all of a line are told costs a look at each: it holds for a moment. */
#define PLACES_NS (100 * NS_PER_MS)

/* Needs the lock. */
static void place_shared(struct place_query *q, uint32_t line)
{
    struct line_eta *e = q->line;
    int64_t now = max_i64(q->now, q->lay->live.now_ns);

    if (e->line != line || now - e->now >= PLACES_NS || e->now > now ||
        e->id[q->t->row] != q->t->id)
        line_eta_all(e, q->lay, line, now);
    ticket_events_place_shared(q->lay, q->t, now, e);
}

/* Needs the lock. */
static void place_locked(void *arg)
{
    struct place_query *q = arg;
    const struct lay_row *r = row_at(q->lay, q->t->row);

    q->waits = r->id == q->t->id && r->state == ROW_WAITING;
    if (!q->waits)
        return;
    if (wants_has(q->lay, q->t->row)) {
        place_shared(q, r->scope);
        return;
    }
    if (q->lay->live.limited > 0) /* counts are written, but no other reads */
        eligible_measure(q->lay, r->scope);
    ticket_events_place(q->lay, q->t, max_i64(q->now, q->lay->live.now_ns),
                        NULL, 0);
}

bool limiter_place(struct limiter *lim, struct ticket *t, int64_t now,
                   struct ticket_news *news)
{
    struct place_query q = {
        .lay = lim->file.lay, .line = &lim->line_eta, .t = t, .now = now};

    if (t == NULL || t->row == NONE || t->state != TICKET_LINE ||
        !section_read(lim, place_locked, &q) || !q.waits)
        return false;
    *news = t->news;
    return true;
}

struct failed_query {
    const struct layout *lay;
    uint64_t fingerprint;
    int64_t now;
    bool has;
};

/* Needs the lock. */
static void failed_locked(void *arg)
{
    struct failed_query *q = arg;

    q->has = retry_priority_has_failed(q->lay, q->fingerprint,
                                       max_i64(q->now, q->lay->live.now_ns));
}

bool limiter_has_failed(struct limiter *lim, const struct ticket *t,
                        int64_t now)
{
    struct failed_query q = {.lay = lim->file.lay, .now = now};

    if (t == NULL)
        return false;
    q.fingerprint = t->req.fingerprint;
    return section_read(lim, failed_locked, &q) && q.has;
}

bool limiter_view(struct limiter *lim, int64_t now, struct limiter_view *out)
{
    const struct view_source from = {.fd = lim->file.fd,
                                     .lay = lim->file.lay,
                                     .stats = lim->stats.lay,
                                     .also = section_also,
                                     .lim = lim};
    const char *what = NULL;
    bool ok;

    if (lim->file.lay == NULL || lim->starting)
        return false;
    ok = view_collect(&from, now, out, &what);
    if (!ok && what != NULL)
        attach_lose(lim, what, true);
    attach_look_at_stats(lim);
    return ok;
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
    lim->seat = NONE;
    lim->starting = true;
    lim->gone.lost = &lim->journal.lost;
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

bool limiter_has_tickets(const struct limiter *lim)
{
    return lim->all.first != NULL;
}

void limiter_rest(const struct limiter *lim)
{
    file_rest(&lim->file);
    stats_file_rest(&lim->stats);
}

/* Tickets would be ended by the next sweep, but what is noted here nobody else
 * knows: for that the lock is waited for. */
static int64_t last_wait_ns(const struct limiter *lim)
{
    return lim->n_notes + lim->n_tries > 0 ? LAST_NS : 0;
}

void limiter_close(struct limiter *lim)
{
    if (lim == NULL)
        return;
    lim->now = lim->checked_ns = max_i64(lim->now, boottime_ns());
    if (lim->seat != NONE && file_is_current(&lim->file, lim->dir))
        turn_leave(lim, last_wait_ns(lim));
    history_save_end(lim);
    while (lim->all.first != NULL)
        ticket_free(&lim->all, lim->all.first);
    completions_free(lim);
    wake_fini(&lim->wake);
    file_close(&lim->file);
    stats_file_close(&lim->stats);
    if (lim->alive != -1)
        close(lim->alive);
    if (lim->dir != -1)
        close(lim->dir);
    free(lim->path);
    free(lim);
}
