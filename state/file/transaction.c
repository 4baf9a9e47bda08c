/*
 * transaction.c - who may write now, and what if it is killed meanwhile?
 *
 *   take the lock        file_lock.c, never waited for by the loop
 *   under a guard        lib/sigbus.c: damage ends the section, not the worker
 *     may it?            left by a dead writer: repair first (turn.c), or not now
 *     dirty goes up      before the first store
 *     fn
 *     dirty goes down    after the last one: what is found up was left by a kill
 *   also                 the statistics, with a guard and a flag of their own:
 *                        whatever happens there, the state is whole already
 *   drop the lock
 */
#include "state/file/transaction.h"

#include "lib/file_lock.h"
#include "lib/sigbus.h"
#include "state/policy/layout.h"

/* A kill, and whoever reads without the lock (peek.c), see stores in their
 * order: that is all the order there has to be. */
static void raise_flag(uint32_t *dirty, uint32_t *writes)
{
    __atomic_store_n(dirty, 1, __ATOMIC_RELAXED);
    __atomic_store_n(writes, *writes + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void lower_flag(uint32_t *dirty)
{
    __atomic_store_n(dirty, 0, __ATOMIC_RELEASE);
}

static bool take(int fd, int64_t wait_ns)
{
    if (fd == -1)
        return true;
    return wait_ns > 0 ? file_lock_wait(fd, wait_ns) : file_lock_take(fd);
}

static void drop(int fd)
{
    if (fd != -1)
        file_lock_drop(fd);
}

struct section {
    const struct transaction *t;
    bool writes, done;
};

/* Needs the lock. */
static void run(void *arg)
{
    struct section *s = arg;
    const struct transaction *t = s->t;
    struct lay_live *l = &t->lay->live;

    if (t->may != NULL ? !t->may(t->arg) : l->dirty != 0 || l->retired != 0)
        return;
    if (s->writes)
        raise_flag(&l->dirty, &l->writes);
    if (t->fn != NULL)
        t->fn(t->arg);
    if (s->writes)
        lower_flag(&l->dirty);
    s->done = true;
}

static enum state_end transact(const struct transaction *t, bool writes,
                               const char **what)
{
    struct section s = {t, writes, false};
    enum sigbus_result how;

    if (!take(t->fd, t->wait_ns))
        return STATE_BUSY;
    how = sigbus_run(run, &s, what);
    if (how == GUARD_OK && s.done && t->also != NULL)
        t->also(t->arg);
    drop(t->fd);
    if (how != GUARD_OK)
        return STATE_DAMAGED;
    return s.done ? STATE_DONE : STATE_BUSY;
}

enum state_end state_write(const struct transaction *t, const char **what)
{
    return transact(t, true, what);
}

enum state_end state_read(const struct transaction *t, const char **what)
{
    return transact(t, false, what);
}

struct also {
    struct lay_flag *flag;
    void (*repair)(void *);
    void (*fn)(void *);
    void *arg;
};

static void run_also(void *arg)
{
    struct also *a = arg;
    bool left = a->flag->dirty != 0;

    raise_flag(&a->flag->dirty, &a->flag->writes);
    if (left)
        a->repair(a->arg);
    a->fn(a->arg);
    lower_flag(&a->flag->dirty);
}

bool state_also(struct lay_flag *flag, void (*repair)(void *),
                void (*fn)(void *), void *arg, const char **what)
{
    struct also a = {flag, repair, fn, arg};

    return sigbus_run(run_also, &a, what) == GUARD_OK;
}

bool state_alone(int fd, int64_t wait_ns, void (*fn)(void *), void *arg)
{
    if (!take(fd, wait_ns))
        return false;
    fn(arg);
    drop(fd);
    return true;
}
