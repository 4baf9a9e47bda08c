/*
 * preload.c - makes one call of a worker fail.
 *
 *   INJECT=KIND:N[:ERRNO]   the N-th call of KIND fails; KIND:0 only counts
 *   INJECT_FILE=PATH        told there: "failed", who called; at the end how
 *                           many calls there were of each kind
 *
 * Counted are the calls that the worker and its libraries make through the
 * dynamic linker, from main() on; not what the C library does within itself.
 * The file is written with bare system calls, so that nothing counts itself.
 *
 * Only errors are made that the kernel could give: a write to an eventfd never
 * fails while its counter has room, and a read of one only with EAGAIN.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRAMES 24
#define EXPORT __attribute__((visibility("default")))
#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define OUR_FD 1000 /* out of the way of what the worker opens */

enum kind {
    MALLOC,
    READ,
    WRITE,
    ACCEPT4,
    MMAP,
    FLOCK,
    FALLOCATE,
    LIBFCGI,
    KINDS
};

static const char *const names[KINDS] = {"malloc",          "read",     "write",
                                         "accept4",         "mmap",     "flock",
                                         "posix_fallocate", "FCGX_Init"};

static const struct {
    const char *name;
    int code;
} errors[] = {
    {"ENOMEM", ENOMEM},
    {"EIO", EIO},
    {"EINTR", EINTR},
    {"EAGAIN", EAGAIN},
    {"EMFILE", EMFILE},
    {"ENFILE", ENFILE},
    {"ENOLCK", ENOLCK},
    {"ENOSPC", ENOSPC},
    {"ECONNABORTED", ECONNABORTED},
    {"EPIPE", EPIPE},
    {"ECONNRESET", ECONNRESET},
};

static enum kind which = KINDS;
static unsigned long wanted;
static int error_code;
static int report = -1;
static atomic_bool armed;
static atomic_bool started; /* the first request is here */
static atomic_ulong counts[KINDS];

static void tell(const char *text)
{
    (void)!syscall(SYS_write, report, text, strlen(text));
}

static void tell_failure(void)
{
    void *frames[FRAMES];
    int n = backtrace(frames, FRAMES);

    tell("failed\n");
    backtrace_symbols_fd(frames, n, report);
}

/* Does this call have to fail?  Counts it. */
static bool fails(enum kind kind)
{
    unsigned long n;

    if (!atomic_load_explicit(&armed, memory_order_relaxed))
        return false;
    n = atomic_fetch_add(&counts[kind], 1) + 1;
    if (kind != which || n != wanted)
        return false;
    tell_failure();
    errno = error_code;
    return true;
}

static void tell_counts(const char *word)
{
    char line[64];
    size_t i;

    for (i = 0; i < KINDS; i++) {
        (void)snprintf(line, sizeof(line), "%s %s %lu\n", word, names[i],
                       atomic_load(&counts[i]));
        tell(line);
    }
}

/* ---- memory --------------------------------------------------------------- */

/* glibc's own names of its functions: there before any constructor runs. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

EXPORT void *malloc(size_t size)
{
    return fails(MALLOC) ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t n, size_t size)
{
    return fails(MALLOC) ? NULL : __libc_calloc(n, size);
}

EXPORT void *realloc(void *p, size_t size)
{
    return fails(MALLOC) ? NULL : __libc_realloc(p, size);
}

/* ---- descriptors ------------------------------------------------------------ */

/* An eventfd or a signalfd. */
static bool is_anonymous(int fd)
{
    char path[32], to[32];
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = readlink(path, to, sizeof(to) - 1);
    return n > 10 && memcmp(to, "anon_inode", 10) == 0;
}

EXPORT ssize_t read(int fd, void *buf, size_t len)
{
    if ((error_code == EAGAIN || !is_anonymous(fd)) && fails(READ))
        return -1;
    return syscall(SYS_read, fd, buf, len);
}

EXPORT ssize_t write(int fd, const void *buf, size_t len)
{
    if (!is_anonymous(fd) && fails(WRITE))
        return -1;
    return syscall(SYS_write, fd, buf, len);
}

/* Declared here: <sys/socket.h> has a union for its address. */
struct sockaddr;
int accept4(int fd, struct sockaddr *addr, unsigned *len, int flags);

EXPORT int accept4(int fd, struct sockaddr *addr, unsigned *len, int flags)
{
    long got;

    if (fails(ACCEPT4))
        return -1;
    got = syscall(SYS_accept4, fd, addr, len, flags);
    if (got != -1 && !atomic_exchange(&started, true))
        tell_counts("started");
    return (int)got;
}

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
    if (fails(MMAP))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, at);
}

EXPORT int flock(int fd, int operation)
{
    /* To let go cannot fail but by interruption. */
    if (((operation & LOCK_UN) == 0 || error_code == EINTR) && fails(FLOCK))
        return -1;
    return (int)syscall(SYS_flock, fd, operation);
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t len)
{
    if (fails(FALLOCATE))
        return error_code;
    return syscall(SYS_fallocate, fd, 0, offset, len) == 0 ? 0 : errno;
}

/* The worker forbids others to look at it; the runner must, at /proc. */
EXPORT int prctl(int option, ...)
{
    unsigned long a[4];
    va_list ap;
    size_t i;

    va_start(ap, option);
    for (i = 0; i < LEN(a); i++)
        a[i] = va_arg(ap, unsigned long);
    va_end(ap);
    if (option == PR_SET_DUMPABLE)
        return 0;
    return (int)syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

/* ---- libraries --------------------------------------------------------------- */

/* A function of libfcgi's that looks for memory; no call of the kernel's. */
int FCGX_Init(void);

EXPORT int FCGX_Init(void)
{
    void *p = dlsym(RTLD_NEXT, "FCGX_Init");
    int (*next)(void);

    if (fails(LIBFCGI))
        return error_code;
    memcpy(&next, &p, sizeof(p));
    return next();
}

/* ---- the beginning and the end ------------------------------------------------ */

static void read_wish(void)
{
    char wish[64], *kind, *n, *code, *rest = wish;
    size_t i;

    (void)snprintf(wish, sizeof(wish), "%s", getenv("INJECT"));
    kind = strsep(&rest, ":");
    n = strsep(&rest, ":");
    code = strsep(&rest, ":");
    for (i = 0; i < KINDS; i++)
        if (strcmp(kind, names[i]) == 0)
            which = (enum kind)i;
    wanted = n != NULL ? strtoul(n, NULL, 10) : 0;
    error_code = ENOMEM;
    for (i = 0; code != NULL && i < LEN(errors); i++)
        if (strcmp(code, errors[i].name) == 0)
            error_code = errors[i].code;
}

static void at_end(void)
{
    atomic_store(&armed, false);
    tell_counts("count");
}

__attribute__((constructor)) static void begin(void)
{
    const char *file = getenv("INJECT_FILE");
    void *frame;
    int fd;

    if (getenv("INJECT") == NULL || file == NULL ||
        strcmp(program_invocation_short_name, "sluice.fcgi") != 0)
        return;
    fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    report = fcntl(fd, F_DUPFD_CLOEXEC, OUR_FD);
    (void)close(fd);
    read_wish();
    (void)backtrace(&frame, 1); /* loads what it needs */
    (void)atexit(at_end);
}

typedef int main_fn(int argc, char **argv, char **env);
typedef int start_fn(main_fn *fn, int argc, char **argv, void (*init)(void),
                     void (*fini)(void), void (*rtld_fini)(void), void *end);

static main_fn *real_main;

static int armed_main(int argc, char **argv, char **env)
{
    atomic_store(&armed, report != -1);
    return real_main(argc, argv, env);
}

start_fn __libc_start_main;

/* Wraps main(): what libraries do before it is not counted. */
EXPORT int __libc_start_main(main_fn *fn, int argc, char **argv,
                             void (*init)(void), void (*fini)(void),
                             void (*rtld_fini)(void), void *end)
{
    void *p = dlsym(RTLD_NEXT, "__libc_start_main");
    start_fn *start;

    memcpy(&start, &p, sizeof(p));
    real_main = fn;
    return start(armed_main, argc, argv, init, fini, rtld_fini, end);
}
