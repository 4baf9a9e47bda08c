/*
 * own_process.c - what does a worker allow itself, and what was it given?
 */
#include "fcgi/own_process.h"

#include <malloc.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "fcgi/config/bounds.h"

/* No core dump may hold a key or a prompt; descriptors as many as allowed. */
void own_process_limit(void)
{
    struct rlimit none = {0, 0}, files;

    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)mallopt(M_ARENA_MAX, 2); /* threads parse, the loop frees */
    /* Not the dynamic one: after one body of 25 MB glibc would keep others. */
    (void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

bool own_process_is_given(int fd)
{
    int on = 0;
    socklen_t len = sizeof(on);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

bool own_process_has_descriptors(void)
{
    struct rlimit files;

    return getrlimit(RLIMIT_NOFILE, &files) == -1 ||
           files.rlim_cur >= DESCRIPTORS_MIN;
}
