/*
 * process.c - what does this process use of the machine?
 *
 * Read from /proc/self, which is memory of the kernel's: nothing to wait for.
 */
#include "fcgi/pages/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "fcgi/pages/exposition.h"

/* The beginning of a small file, with a zero; empty: it cannot be read. */
static void read_file(const char *path, char *out, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd == -1 ? -1 : read(fd, out, max - 1);

    out[n > 0 ? n : 0] = '\0';
    if (fd != -1)
        close(fd);
}

static double seconds(clockid_t id)
{
    struct timespec ts;

    if (clock_gettime(id, &ts) == -1)
        return -1;
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void look_at_memory(struct process_usage *u)
{
    int64_t page = sysconf(_SC_PAGESIZE), all, resident;
    char text[128];

    read_file("/proc/self/statm", text, sizeof(text));
    if (sscanf(text, "%" SCNd64 " %" SCNd64, &all, &resident) != 2)
        return;
    u->virtual_bytes = all * page;
    u->resident_bytes = resident * page;
}

/* The 22nd field counts ticks since the machine's start; the second one is a
 * name in parentheses, which may hold anything. */
static void look_at_start(struct process_usage *u)
{
    char text[1024];
    const char *p;
    unsigned long long ticks;
    int field;

    read_file("/proc/self/stat", text, sizeof(text));
    p = strrchr(text, ')');
    for (field = 2; p != NULL && field < 22; field++)
        p = strchr(p + 1, ' ');
    if (p == NULL || sscanf(p, "%llu", &ticks) != 1)
        return;
    u->start_s = seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME) +
                 (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static void look_at_descriptors(struct process_usage *u)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *e;
    struct rlimit max;

    if (getrlimit(RLIMIT_NOFILE, &max) == 0 && max.rlim_cur != RLIM_INFINITY)
        u->max_fds = (int64_t)max.rlim_cur;
    if (dir == NULL)
        return;
    u->open_fds = -1; /* this directory is one */
    while ((e = readdir(dir)) != NULL)
        u->open_fds += e->d_name[0] != '.';
    closedir(dir);
}

void process_look(struct process_usage *u)
{
    *u = (struct process_usage){-1, -1, -1, -1, -1, -1};
    u->cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
    look_at_memory(u);
    look_at_start(u);
    look_at_descriptors(u);
}

/* ---- as a scrape sees it ------------------------------------------------------ */

static void put_known(struct exposition *p, const struct exposition_labels *of,
                      const char *name, const char *help, int64_t value)
{
    if (value < 0)
        return;
    exposition_begin(p, name, "gauge", help);
    exposition_count(p, of, (uint64_t)value);
}

/* Of the worker that answers, by its name: another one's figures in the same
 * series would be a counter that goes backwards. */
void process_put(struct exposition *p)
{
    char pid[16];
    const struct exposition_labels of = {"worker", pid, NULL, NULL};
    struct process_usage u;

    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    process_look(&u);
    exposition_begin(p, "process_cpu_seconds", "counter",
                     "Processor time of the worker that answers.");
    exposition_real(p, &of, u.cpu_s > 0 ? u.cpu_s : 0);
    put_known(p, &of, "process_resident_memory_bytes", "Its memory in RAM.",
              u.resident_bytes);
    put_known(p, &of, "process_virtual_memory_bytes", "Its address space.",
              u.virtual_bytes);
    put_known(p, &of, "process_open_fds", "Its descriptors.", u.open_fds);
    put_known(p, &of, "process_max_fds", "As many as it may have.", u.max_fds);
    if (u.start_s < 0)
        return;
    exposition_begin(p, "process_start_time_seconds", "gauge",
                     "Its start, since 1970.");
    exposition_real(p, &of, u.start_s);
}
