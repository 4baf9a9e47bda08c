/*
 * worker.c - starts a worker as a web server would, and looks at it from
 * outside.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject.h"

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void worker_clean(struct worker *w)
{
    (void)nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Two upstreams: one request in ten minutes for "tight/", so that others wait,
 * and a window so short that a lost one is soon over for the rest. */
static void write_config(const struct worker *w, const char *upstream)
{
    char path[192];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/sluice.json", w->dir);
    f = fopen(path, "we");
    CHECK(f != NULL);
    (void)fprintf(f,
                  "{\"upstreams\":["
                  "{\"name\":\"tight\",\"models\":[\"tight/*\"],"
                  "\"base_url\":\"%s\",\"requests\":1,\"window_s\":600},"
                  "{\"name\":\"nim\",\"base_url\":\"%s\",\"requests\":100,"
                  "\"window_s\":1,\"margin_ms\":100}],"
                  "\"drain_s\":1,\"commit_after_s\":0.05}\n",
                  upstream, upstream);
    CHECK(fclose(f) == 0);
}

void worker_prepare(struct worker *w, const char *upstream)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};

    w->pid = 0;
    w->deaths = 0;
    w->first_end = END_NOT;
    w->has_served = false;
    worker_clean(w);
    CHECK(mkdir(w->dir, 0700) == 0);
    write_config(w, upstream);
    (void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/fcgi.sock", w->dir);
    if (w->listen_fd != -1)
        close(w->listen_fd);
    w->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(w->listen_fd != -1);
    CHECK(bind(w->listen_fd, (struct sockaddr *)&sun, sizeof(sun)) == 0);
    CHECK(listen(w->listen_fd, 64) == 0);
}

/* MALLOC_PERTURB_ fills what is freed, so that its use shows. */
static void become_worker(const struct worker *w, const char *wish)
{
    char file[192], state[192], config[192], inject[96], preload[300];
    char perturb[] = "MALLOC_PERTURB_=165", name[] = "sluice.fcgi";
    char *argv[] = {name, NULL};
    char *env[] = {file, state, config, inject, preload, perturb, NULL};
    int out;

    (void)snprintf(file, sizeof(file), "%s/out", w->dir);
    out = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    (void)snprintf(file, sizeof(file), "INJECT_FILE=%s/told", w->dir);
    (void)snprintf(state, sizeof(state), "SLUICE_STATE_DIR=%s/state", w->dir);
    (void)snprintf(config, sizeof(config), "SLUICE_CONFIG=%s/sluice.json",
                   w->dir);
    (void)snprintf(inject, sizeof(inject), "INJECT=%s", wish);
    (void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", w->preload);
    if (dup2(w->listen_fd, 0) == -1 || dup2(out, 1) == -1 || dup2(out, 2) == -1)
        _exit(99);
    (void)execve(w->program, argv, env);
    _exit(99);
}

void worker_start(struct worker *w, const char *wish)
{
    w->pid = fork();
    CHECK(w->pid != -1);
    if (w->pid == 0)
        become_worker(w, wish);
}

char *worker_file(const struct worker *w, const char *name)
{
    char path[192], *text = calloc(1, 65536);
    size_t n = 0;
    FILE *f;

    CHECK(text != NULL);
    (void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
    f = fopen(path, "re");
    if (f == NULL)
        return text;
    n = fread(text, 1, 65535, f);
    text[n] = '\0';
    (void)fclose(f);
    return text;
}

static enum ending judge(const struct worker *w)
{
    char *out = worker_file(w, "out");
    enum ending how = END_BADLY;

    if (WIFEXITED(w->status) && WEXITSTATUS(w->status) == 0)
        how = END_WELL;
    else if (WIFEXITED(w->status) && strstr(out, "sluice: ") != NULL)
        how = END_MESSAGE;
    else if (WIFSIGNALED(w->status) && WTERMSIG(w->status) == SIGABRT &&
             (strstr(out, ": CHECK(") != NULL ||
              strstr(out, ": Assertion `") != NULL)) /* libfcgi's */
        how = END_CHECK;
    free(out);
    return how;
}

bool worker_has_ended(struct worker *w)
{
    if (w->pid == 0)
        return true;
    if (waitpid(w->pid, &w->status, WNOHANG) != w->pid)
        return false;
    w->pid = 0;
    if (w->deaths++ == 0) {
        w->first_end = judge(w);
        w->first_served = w->has_served;
    }
    return true;
}

void worker_ensure(struct worker *w)
{
    if (worker_has_ended(w))
        worker_start(w, "none:0");
}

enum ending worker_stop(struct worker *w, int patience_ms)
{
    int64_t until = clock_ms() + patience_ms;

    if (w->pid == 0)
        return judge(w);
    (void)kill(w->pid, SIGTERM);
    while (waitpid(w->pid, &w->status, WNOHANG) == 0) {
        if (clock_ms() > until) {
            (void)kill(w->pid, SIGKILL);
            (void)waitpid(w->pid, &w->status, 0);
            w->pid = 0;
            return END_NOT;
        }
        sleep_ms(2);
    }
    w->pid = 0;
    return judge(w);
}

/* ---- /proc --------------------------------------------------------------------- */

/* Is socket INODE one of TCP? */
static bool is_tcp(const struct worker *w, unsigned long inode)
{
    char path[64], line[512];
    unsigned long at = 0;
    bool found = false;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/net/tcp", w->pid);
    f = fopen(path, "re");
    while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
        found =
            sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %lu", &at) == 1 &&
            at == inode;
    if (f != NULL)
        (void)fclose(f);
    return found;
}

int worker_descriptors(const struct worker *w)
{
    char path[64], to[128];
    unsigned long inode;
    struct dirent *e;
    int n = 0;
    DIR *d;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", w->pid);
    d = opendir(path);
    while (d != NULL && (e = readdir(d)) != NULL) {
        ssize_t len = readlinkat(dirfd(d), e->d_name, to, sizeof(to) - 1);

        if (len <= 0)
            continue;
        to[len] = '\0';
        n += sscanf(to, "socket:[%lu]", &inode) != 1 || !is_tcp(w, inode);
    }
    if (d != NULL)
        closedir(d);
    return n;
}

int worker_threads(const struct worker *w)
{
    char path[64];
    struct dirent *e;
    int n = 0;
    DIR *d;

    (void)snprintf(path, sizeof(path), "/proc/%d/task", w->pid);
    d = opendir(path);
    while (d != NULL && (e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    return n;
}
