/*
 * log.c - one JSON object a line, whole or not at all.
 *
 *   log_begin() --> log_str(), log_int(), log_bool() ... --> log_end()
 *        every part goes through add(), which takes all of it or nothing
 *
 * What always holds:
 *   - line->text without its end is a JSON object that lacks only "}";
 *   - LINE_ROOM bytes always leave room for "dropped", "}" and the newline;
 *   - a line leaves with one write, or is counted as dropped: the caller
 *     never waits for whoever reads the log.
 *
 * Any thread may log: a line is its caller's own, the counters are atomic, and
 * a reopened file takes the place of the old one under the same number.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What log_end() may add: ,"dropped":18446744073709551615}\n */
#define TAIL_MAX  40
#define LINE_ROOM (LOG_LINE_MAX - TAIL_MAX)

struct log {
    char *path; /* NULL: standard error, which is not ours to close */
    int fd;
    enum log_level level;
    atomic_ullong dropped; /* lines lost since the last that got through */
    atomic_bool torn;      /* the last write left half a line (full disk) */
};

static int open_path(const char *path)
{
    return open(
        path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        0640);
}

int log_open(struct log **out, const char *path, enum log_level level)
{
    struct log *log = calloc(1, sizeof(*log));
    int saved;

    *out = NULL;
    if (log == NULL)
        return -1;
    log->fd = STDERR_FILENO;
    log->level = level;
    atomic_init(&log->dropped, 0);
    atomic_init(&log->torn, false);
    if (path != NULL) {
        log->path = strdup(path);
        log->fd = log->path != NULL ? open_path(path) : -1;
    }
    if (log->fd == -1) {
        saved = errno;
        free(log->path);
        free(log);
        errno = saved;
        return -1;
    }
    *out = log;
    return 0;
}

int log_reopen(struct log *log)
{
    int fd, rc, saved;

    if (log == NULL || log->path == NULL)
        return 0;
    fd = open_path(log->path);
    if (fd == -1)
        return -1;
    rc = dup3(fd, log->fd, O_CLOEXEC);
    saved = errno;
    close(fd);
    errno = saved;
    return rc == -1 ? -1 : 0;
}

void log_close(struct log *log)
{
    if (log == NULL)
        return;
    if (log->path != NULL)
        close(log->fd);
    free(log->path);
    free(log);
}

/*
 * Building a line.
 */

/* False: it does not fit, and the line is as it was. */
static bool add(struct log_line *line, const char *bytes, size_t len)
{
    if (len > LINE_ROOM - line->len)
        return false;
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
    return true;
}

/*
 * The character at S, before END: gives its length and whether it is UTF-8.
 * What is not is one byte long, so that nothing sound behind it is lost.
 * Over-long forms, surrogates and what lies beyond U+10FFFF are not.
 */
static size_t character(const unsigned char *s, const unsigned char *end,
                        bool *sound)
{
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4, i;

    *sound = s[0] < 0x80 || (s[0] >= 0xc2 && s[0] <= 0xf4);
    if (len > (size_t)(end - s))
        *sound = false;
    for (i = 1; *sound && i < len; i++)
        *sound = (s[i] & 0xc0) == 0x80;
    if (*sound && len > 2) /* the second byte bounds the value */
        *sound =
            !((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
              (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f));
    return *sound ? len : 1;
}

/* Controls are C0, DEL and C1: a terminal obeys all of them. */
static bool add_character(struct log_line *line, const unsigned char *s,
                          size_t len, bool sound)
{
    char escaped[8];
    unsigned code = s[0];

    if (!sound)
        return add(line, "\xef\xbf\xbd", 3); /* U+FFFD */
    if (s[0] == '"' || s[0] == '\\')
        return add(line, "\\", 1) && add(line, (const char *)s, 1);
    if (len == 2 && s[0] == 0xc2 && s[1] < 0xa0)
        code = s[1];
    if (code >= 0x20 && code != 0x7f && !(code >= 0x80 && code < 0xa0))
        return add(line, (const char *)s, len);
    (void)snprintf(escaped, sizeof(escaped), "\\u%04x", code);
    return add(line, escaped, 6);
}

static bool add_quoted(struct log_line *line, const char *value)
{
    size_t whole = strnlen(value, LOG_TEXT_MAX + 4), len, used = 0;
    const unsigned char *s = (const unsigned char *)value;
    const unsigned char *end = s + whole;
    bool sound, fits = add(line, "\"", 1);

    while (fits && s < end) {
        len = character(s, end, &sound);
        if (used + len > LOG_TEXT_MAX)
            return add(line, "...\"", 4);
        fits = add_character(line, s, len, sound);
        used += len;
        s += len;
    }
    return fits && add(line, "\"", 1);
}

/* ,"key":VALUE, all of it or nothing. */
static void add_field(struct log_line *line, const char *key, const char *value,
                      bool quoted)
{
    size_t start = line->len;
    bool first = line->text[start - 1] == '{';

    if ((!first && !add(line, ",", 1)) || !add_quoted(line, key) ||
        !add(line, ":", 1) ||
        !(quoted ? add_quoted(line, value) : add(line, value, strlen(value))))
        line->len = start;
}

static void add_time(struct log_line *line)
{
    struct timespec now;
    struct tm tm;
    char text[64];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &tm) == NULL)
        return;
    (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ",
                   tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                   tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);
    log_str(line, "ts", text);
}

void log_begin(struct log_line *line, struct log *log, enum log_level level,
               const char *event)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    line->log = log != NULL && level >= log->level ? log : NULL;
    line->len = 0;
    if (line->log == NULL)
        return;
    (void)add(line, "{", 1);
    add_time(line);
    log_str(line, "level", names[level]);
    log_str(line, "event", event);
    log_int(line, "pid", getpid());
}

void log_str(struct log_line *line, const char *key, const char *value)
{
    if (line->log != NULL && value != NULL)
        add_field(line, key, value, true);
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
    char text[24];

    if (line->log == NULL)
        return;
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    add_field(line, key, text, false);
}

void log_bool(struct log_line *line, const char *key, int value)
{
    if (line->log != NULL)
        add_field(line, key, value ? "true" : "false", false);
}

/*
 * Writing it.
 */

/*
 * Standard error is shared with others, who would see O_NONBLOCK too; so we
 * ask first.  A pipe that poll() calls writable has PIPE_BUF bytes free.
 */
static bool may_write(const struct log *log)
{
    struct pollfd p = {.fd = log->fd, .events = POLLOUT};

    if (log->path != NULL)
        return true;
    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

/* The bytes written: all, fewer on a full disk, none where it would block. */
static size_t write_once(const struct log *log, const char *text, size_t len)
{
    ssize_t n;

    if (!may_write(log))
        return 0;
    do
        n = write(log->fd, text, len);
    while (n == -1 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

void log_end(struct log_line *line)
{
    struct log *log = line->log;
    unsigned long long dropped;
    size_t n;

    if (log == NULL)
        return;
    line->log = NULL; /* a line is written once */
    dropped = atomic_exchange(&log->dropped, 0);
    if (dropped > 0)
        line->len += (size_t)snprintf(line->text + line->len, TAIL_MAX,
                                      ",\"dropped\":%llu", dropped);
    line->text[line->len++] = '}';
    line->text[line->len++] = '\n';
    /* Half a line on the disk is ended first, or it would spoil this one. */
    if (atomic_load(&log->torn) && write_once(log, "\n", 1) == 1)
        atomic_store(&log->torn, false);
    n = atomic_load(&log->torn) ? 0 : write_once(log, line->text, line->len);
    if (n < line->len)
        atomic_fetch_add(&log->dropped, dropped + 1);
    if (n > 0 && n < line->len)
        atomic_store(&log->torn, true);
}

void log_say(struct log *log, enum log_level level, const char *event,
             const char *fmt, ...)
{
    char message[LOG_TEXT_MAX + 8]; /* longer than a value, so that it is cut */
    struct log_line line;
    va_list ap;

    log_begin(&line, log, level, event);
    if (line.log == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    log_str(&line, "message", message);
    log_end(&line);
}
