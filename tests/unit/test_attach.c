/* Mirrors state/attach.c: who is the first in the directory? */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "desk.h"

static int flock_fails, flock_error; /* the next so many calls */

/* In place of the C library's. */
int flock(int fd, int operation)
{
    if (flock_fails > 0) {
        flock_fails--;
        errno = flock_error;
        return -1;
    }
    return (int)syscall(SYS_flock, fd, operation);
}

/* Opens a worker in an empty directory while flock() fails N times. */
static int open_failing(struct desk *d, int n, int error, char err[256])
{
    int rc;

    flock_fails = n;
    flock_error = error;
    rc = limiter_open(&d->w[0], d->dir, &d->set, d->now, NULL, NULL, err, 256);
    flock_fails = 0;
    return rc;
}

/* It is the first all the same: no window of its is full. */
static void an_interrupted_lock_is_taken_again(void)
{
    struct desk *d = desk_new(4);
    char err[256] = "";
    struct ask *a;

    CU_ASSERT_EQUAL_FATAL(open_failing(d, 1, EINTR, err), 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.counters.recoveries, 0);
    a = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_free(d);
}

static void a_lock_that_cannot_be_had_stops_the_start(void)
{
    struct desk *d = desk_new(4);
    char err[256] = "";

    CU_ASSERT_EQUAL(open_failing(d, 1, ENOLCK, err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "flock"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err, strerror(ENOLCK)));
    CU_ASSERT_EQUAL(access(desk_file(d), F_OK), -1);
    d->w[0] = NULL;
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"an interrupted lock is taken again", an_interrupted_lock_is_taken_again},
    {"a lock that cannot be had stops the start",
     a_lock_that_cannot_be_had_stops_the_start},
    {NULL, NULL},
};

CU_ErrorCode test_attach_add(void)
{
    return unit_add("attach", tests);
}
