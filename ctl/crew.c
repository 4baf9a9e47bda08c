/*
 * crew.c - which processes are the web server's?
 *
 * By its session, from /proc: lighttpd's own children and theirs, and nobody
 * else's.  What has ended and waits to be reaped is not counted.
 */
#include "ctl/crew.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of process PID: is it of that session, and does it live?  The fields are
 * behind a name in brackets that may hold anything. */
static bool is_of(const char *pid, pid_t session)
{
    char path[64], text[512], state;
    const char *p;
    int ppid, group, s = -1;
    size_t n;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    f = fopen(path, "re");
    if (f == NULL)
        return false;
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    p = strrchr(text, ')');
    return p != NULL &&
           sscanf(p + 1, " %c %d %d %d", &state, &ppid, &group, &s) == 4 &&
           s == session && state != 'Z' && state != 'X';
}

/* Process 1 and the leader are never in it: they are ended by name, not by
 * session.  A process that appears while /proc is read is found the next time. */
void crew_list(struct crew *out, pid_t leader)
{
    DIR *dir = opendir("/proc");
    struct dirent *e;

    out->n = 0;
    while (dir != NULL && out->n < CREW_MAX && (e = readdir(dir)) != NULL) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

        if (pid > 1 && pid != leader && is_of(e->d_name, leader))
            out->list[out->n++] = pid;
    }
    if (dir != NULL)
        closedir(dir);
}

/* A few workers each: two loops are fine. */
bool crew_shares(const struct crew *a, const struct crew *b)
{
    size_t i, k;

    for (i = 0; i < a->n; i++)
        for (k = 0; k < b->n; k++)
            if (a->list[i] == b->list[k])
                return true;
    return false;
}

/* One that has gone meanwhile is no fault. */
void crew_kill(const struct crew *c, int signal)
{
    size_t i;

    for (i = 0; i < c->n; i++)
        kill(c->list[i], signal);
}
