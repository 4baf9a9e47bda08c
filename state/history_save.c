/*
 * history_save.c - how does the past outlive the state file?
 *
 *   a new state file   one worker reads what the disk knows (a thread) and adds
 *                      it, a piece a turn
 *   now and then       one worker copies what changed, a piece a turn,
 *                      and writes it (a thread)
 *   at the end         every worker writes what changed since, by itself
 *
 * Who does it has a lease, as in readiness.c: it ends with its time, or with its
 * worker (workers.c).  What changed is a span of time: from_s to to_s.  While it
 * is written it is remembered as saving_from_s to saving_to_s, so that nothing
 * is forgotten if it does not come to pass.  Nothing is written before the disk
 * was read, or the begin of a new file would hide the hour it began in.
 *
 * What cannot be read is read again, after pauses that grow, and nothing is
 * saved until it was: a disk that fails for a while costs no history.  One that
 * fails for good costs what lies beyond the state file, and nothing else.
 */
#include "state/history_save.h"

#include <pthread.h>
#include <string.h>

#include "lib/boottime.h"
#include "state/history.h"
#include "state/history_pieces.h"
#include "state/say.h"
#include "state/section.h"
#include "state/worker.h"

#define LEASE_NS (20 * NS_PER_S)
#define AGAIN_NS (2 * NS_PER_S)   /* next try at reading; grows to a minute */
#define MORE_NS  NS_PER_MS        /* until the next piece */
#define LOOK_NS  (50 * NS_PER_MS) /* while the thread is at it */
#define STACK    (256 * 1024)

#define LAST_NS (100 * NS_PER_MS) /* for the lock, at the end */

enum archive_state {
    KEEP_IDLE = 0,
    KEEP_READ = 1,    /* the thread reads, or is about to */
    KEEP_FILL = 2,    /* what it read is added */
    KEEP_COLLECT = 3, /* what changed is copied */
    KEEP_WRITE = 4,   /* the thread writes, or is about to */
    KEEP_WRITTEN = 5,
};

struct archive {
    char *dir;
    int64_t every_ns;
    enum archive_state state;

    struct history_pieces all; /* read, or to be written */

    pthread_t thread;
    bool has_thread;
    int done; /* set by the thread, last */
    int64_t until_ns;
    enum vault_result result;
    char msg[512];
    const char *tell; /* MSG is to be logged, after this; NULL: it is not */
};

void limiter_keep(struct limiter *lim, const char *data_dir, int64_t every_ns)
{
    struct archive *k = calloc(1, sizeof(*k));

    CHECK(k != NULL && lim->archive == NULL);
    k->dir = strdup(data_dir);
    CHECK(k->dir != NULL);
    k->every_ns = min_i64(every_ns, HISTORY_DUE_MAX_NS);
    lim->archive = k;
}

/* ---- the lease --------------------------------------------------------------- */

static bool is_ours(const struct limiter *lim, const struct lay_history *h)
{
    return h->owner == lim->seat + 1;
}

static bool is_due(const struct limiter *lim, const struct lay_history *h)
{
    if (h->owner != 0 && !is_ours(lim, h) && h->lease_ns > lim->now &&
        h->lease_ns < lim->now + HISTORY_DUE_MAX_NS)
        return false;
    return h->due_ns <= lim->now || h->due_ns > lim->now + HISTORY_DUE_MAX_NS;
}

static void take_lease(struct limiter *lim, struct lay_history *h)
{
    h->lease_ns = lim->now + LEASE_NS;
    h->due_ns = lim->now + (h->filled ? lim->archive->every_ns : AGAIN_NS);
    __atomic_store_n(&h->owner, lim->seat + 1, __ATOMIC_RELEASE);
    lim->archive->until_ns = boottime_ns() + LEASE_NS;
}

/* ---- the thread -------------------------------------------------------------------- */

static void *work(void *arg)
{
    struct archive *k = arg;

    if (k->state == KEEP_READ)
        k->result = history_pieces_read(&k->all, k->dir, k->until_ns, k->msg,
                                        sizeof(k->msg));
    else
        k->result = history_pieces_write(&k->all, k->dir, k->until_ns, k->msg,
                                         sizeof(k->msg));
    __atomic_store_n(&k->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void start_thread(struct archive *k)
{
    pthread_attr_t attr;
    int error;

    k->done = 0;
    error = pthread_attr_init(&attr);
    if (error == 0) {
        (void)pthread_attr_setstacksize(&attr, STACK);
        error = pthread_create(&k->thread, &attr, work, k);
        (void)pthread_attr_destroy(&attr);
    }
    k->has_thread = error == 0;
    if (k->has_thread)
        return;
    snprintf(k->msg, sizeof(k->msg), "no thread for it: %s", strerror(error));
    k->result = VAULT_FAILED;
    k->done = 1;
}

void history_save_wait(struct limiter *lim)
{
    struct archive *k = lim->archive;

    if (k == NULL || !k->has_thread)
        return;
    (void)pthread_join(k->thread, NULL);
    k->has_thread = false;
}

void history_save_reap(struct limiter *lim)
{
    struct archive *k = lim->archive;

    if (k == NULL || !__atomic_load_n(&k->done, __ATOMIC_ACQUIRE))
        return;
    history_save_wait(lim);
    k->done = 0;
    k->state = k->state == KEEP_READ ? KEEP_FILL : KEEP_WRITTEN;
}

/* ---- under the lock ------------------------------------------------------------------ */

/* Needs the lock.  That it FAILED is said once by all workers, until it works
 * again; that something was no history each time. */
static void judge(struct limiter *lim, struct lay_history *h,
                  const char *failed)
{
    struct archive *k = lim->archive;

    if (k->result == VAULT_FAILED && !h->mute)
        k->tell = failed;
    h->mute = k->result == VAULT_FAILED;
    if (k->result != VAULT_ASIDE)
        return;
    k->tell = "a new file is begun: ";
    lim->stats.lay->counters.histories_aside += k->all.asides;
}

static void begin_save(struct archive *k, struct lay_history *h)
{
    if (h->saving_from_s > 0 && h->saving_from_s <= h->saving_to_s) {
        h->from_s = min_i64(h->from_s, h->saving_from_s);
        h->to_s = max_i64(h->to_s, h->saving_to_s);
    }
    h->saving_to_s = h->to_s;
    h->saving_from_s = h->from_s;
    h->from_s = h->to_s = h->now_s; /* goes on to change */
    history_pieces_begin(&k->all, h->saving_from_s, h->saving_to_s);
    k->state = KEEP_COLLECT;
}

static void end_save(struct limiter *lim, struct archive *k,
                     struct lay_history *h)
{
    k->state = KEEP_IDLE;
    if (!is_ours(lim, h))
        return; /* another one does it again */
    h->owner = 0;
    judge(lim, h, "it is not kept beyond the state file: ");
    if (k->result == VAULT_FAILED)
        return;
    if (k->result != VAULT_ASIDE)
        h->saving_from_s = h->saving_to_s = 0;
    if (k->result == VAULT_OK)
        return;
    h->from_s = 1; /* a new file knows nothing of what was saved before */
    h->due_ns = lim->now;
}

/* It may be sound: nothing is saved over it, and somebody looks again. */
static void read_again(struct limiter *lim, struct lay_history *h)
{
    uint32_t n =
        h->failures < HISTORY_FAILURES ? h->failures : HISTORY_FAILURES;

    judge(lim, h, "what the disk has of it is not read or changed yet: ");
    h->owner = 0;
    h->due_ns = lim->now + (AGAIN_NS << n);
    h->failures = n + 1;
    lim->archive->state = KEEP_IDLE;
}

static void fill_piece(struct limiter *lim, struct archive *k,
                       struct lay_history *h)
{
    if (!is_ours(lim, h) || h->filled) {
        k->state = KEEP_IDLE;
        return;
    }
    if (k->result == VAULT_FAILED) {
        read_again(lim, h);
        return;
    }
    h->lease_ns = lim->now + LEASE_NS;
    if (!history_pieces_fill(&k->all, lim->stats.lay))
        return;
    judge(lim, h, "");
    h->filled = 1;
    h->failures = 0;
    h->owner = 0;
    h->due_ns = lim->now + k->every_ns;
    k->state = KEEP_IDLE;
}

void history_save_step(struct limiter *lim)
{
    struct lay_history *h = &lim->stats.lay->history;
    struct archive *k = lim->archive;

    /* What is ours alone would only replace what the others keep. */
    if (k == NULL || (!lim->stats.shared && k->state == KEEP_IDLE))
        return;
    switch (k->state) {
    case KEEP_IDLE:
        if (!is_due(lim, h))
            return;
        take_lease(lim, h);
        if (h->filled)
            begin_save(k, h);
        else
            k->state = KEEP_READ;
        break;
    case KEEP_FILL:
        fill_piece(lim, k, h);
        break;
    case KEEP_COLLECT:
        if (is_ours(lim, h) && k->all.piece != NULL)
            history_pieces_copy(&k->all, lim->stats.lay);
        else if (!is_ours(lim, h))
            k->state = KEEP_IDLE;
        break;
    case KEEP_WRITTEN:
        end_save(lim, k, h);
        break;
    case KEEP_READ:
    case KEEP_WRITE:
        lim->next_ns = min_i64(lim->next_ns, lim->now + LOOK_NS);
        return;
    }
    if (k->state != KEEP_IDLE)
        lim->next_ns = min_i64(lim->next_ns, lim->now + MORE_NS);
}

void history_save_go_on(struct limiter *lim)
{
    struct archive *k = lim->archive;

    if (k == NULL)
        return;
    if (k->tell != NULL)
        limiter_say(lim, "history", "%s%s", k->tell, k->msg);
    k->tell = NULL;
    if (k->state == KEEP_IDLE)
        history_pieces_drop(&k->all);
    if (k->state == KEEP_COLLECT) {
        history_pieces_keep(&k->all);
        history_pieces_room(&k->all);
        if (k->all.all_copied)
            k->state = KEEP_WRITE;
    }
    if ((k->state == KEEP_READ || k->state == KEEP_WRITE) && !k->has_thread &&
        !k->done)
        start_thread(k);
}

/* ---- the end ---------------------------------------------------------------------------- */

struct last_look {
    struct limiter *lim;
    bool first, all, ok;
};

/* Needs the lock. */
static void look_last(void *arg)
{
    struct last_look *l = arg;
    const struct lay_history *h = &l->lim->stats.lay->history;
    struct archive *k = l->lim->archive;
    int64_t from = max_i64(h->from_s, 1), to = h->to_s;

    l->ok = h->filled && l->lim->stats.shared;
    if (!l->ok)
        return;
    if (h->saving_from_s > 0 && h->saving_from_s <= h->saving_to_s) {
        from = min_i64(h->from_s, h->saving_from_s);
        to = max_i64(h->to_s, h->saving_to_s);
    }
    if (l->first)
        history_pieces_begin(&k->all, l->all ? 1 : from, to);
    l->first = false;
    history_pieces_copy(&k->all, l->lim->stats.lay);
}

/* What changed, or ALL.  Nothing is marked as saved: whoever comes next saves
 * it again. */
static bool collect(struct limiter *lim, bool all)
{
    struct last_look l = {.lim = lim, .first = true, .all = all, .ok = true};
    struct archive *k = lim->archive;
    bool more = true;

    history_pieces_drop(&k->all);
    history_pieces_room(&k->all);
    /* Nobody waits for us any more: others' turns may pass first. */
    while (more && section_stats(lim, LAST_NS, look_last, &l)) {
        if (!l.ok)
            return false;
        history_pieces_keep(&k->all);
        more = !k->all.all_copied;
    }
    return !more;
}

/* Once more for a file that is in the way, and for one that is new and lacks
 * all that was saved before. */
static void save_last(struct limiter *lim)
{
    struct archive *k = lim->archive;
    enum vault_result res = VAULT_ASIDE;
    int tries;

    for (tries = 0; tries < 3 && (res == VAULT_ASIDE || res == VAULT_NEW);
         tries++) {
        if (!collect(lim, tries > 0))
            return;
        res = history_pieces_write(&k->all, k->dir, NEVER, k->msg,
                                   sizeof(k->msg));
        if (res == VAULT_ASIDE)
            limiter_say(lim, "history", "a new file is begun: %s", k->msg);
    }
    if (res == VAULT_FAILED)
        limiter_say(lim, "history", "what came last is not kept: %s", k->msg);
}

void history_save_end(struct limiter *lim)
{
    struct archive *k = lim->archive;

    if (k == NULL)
        return;
    if (k->has_thread)
        (void)pthread_join(k->thread, NULL);
    if (lim->file.lay != NULL)
        save_last(lim);
    history_pieces_drop(&k->all);
    free(k->dir);
    free(k);
    lim->archive = NULL;
}
