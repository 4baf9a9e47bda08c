/*
 * sigbus.c - what if the mapped file is not what it was?
 *
 * A signal handler has no argument to carry its context, so the way out is
 * kept in a thread-local: the one place where the program has such state.
 */
#include "lib/sigbus.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "lib/base.h"

static _Thread_local sigjmp_buf *way_out;
static _Thread_local const char *damage;

static void on_sigbus(int sig)
{
    if (way_out != NULL) {
        damage = "the file was truncated";
        siglongjmp(*way_out, GUARD_BUS);
    }
    signal(sig, SIG_DFL); /* not ours: the access is repeated and kills */
}

void sigbus_init(void)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = on_sigbus;
    sa.sa_flags = SA_NODEFER; /* siglongjmp does not restore the mask */
    sigemptyset(&sa.sa_mask);
    CHECK(sigaction(SIGBUS, &sa, NULL) == 0);
}

void sigbus_damaged(const char *what)
{
    CHECK(way_out != NULL);
    damage = what;
    siglongjmp(*way_out, GUARD_DAMAGED);
}

enum sigbus_result sigbus_run(void (*fn)(void *), void *arg, const char **what)
{
    sigjmp_buf here;
    sigjmp_buf *volatile outer = way_out;
    int how = sigsetjmp(here, 0);

    if (how == 0) {
        way_out = &here;
        fn(arg);
    } else if (what != NULL) {
        *what = damage;
    }
    way_out = outer;
    return (enum sigbus_result)how;
}
