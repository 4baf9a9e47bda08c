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
 * Lines that may wait leave many at a time: a write for each request would be a
 * tenth of what a small one costs.  Into a file any number of them goes at
 * once; a pipe takes PIPE_BUF bytes whole and no more.
 *
 * Any thread may log: a line is its caller's own, what waits has a lock, and
 * a reopened file takes the place of the old one under the same number.
 */
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/digits.h"
#include "lib/utf8.h"

/* What log_end() may add: ,"dropped":18446744073709551615}\n */
#define TAIL_MAX  40
#define LINE_ROOM (LOG_LINE_MAX - TAIL_MAX)

#define LATER_MAX (16 * 1024) /* bytes of lines that wait */

struct log {
    char *path; /* NULL: standard error, which is not ours to close */
    int fd;
    enum log_level level;
    pid_t pid;            /* ours: nothing forks behind log_open() */
    pthread_mutex_t lock; /* of what follows, and of the writing */
    bool is_file;         /* a regular one: nobody has to read it first */
    bool torn;            /* the last write left half a line (full disk) */
    unsigned long long dropped; /* lines lost since the last that got through */
    char *later;                /* lines that wait; NULL: none ever did */
    size_t len;                 /* bytes of them */
};

static int open_path(const char *path)
{
    return open(
        path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        0640);
}

static void look_at_file(struct log *log)
{
    struct stat st;

    log->is_file = fstat(log->fd, &st) == 0 && S_ISREG(st.st_mode);
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
    log->pid = getpid();
    pthread_mutex_init(&log->lock, NULL);
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
    look_at_file(log);
    *out = log;
    return 0;
}

/* Writing it. */

/*
 * Standard error is shared with others, who would see O_NONBLOCK too; so we
 * ask first.  A pipe that poll() calls writable has PIPE_BUF bytes free.
 */
static bool may_write(const struct log *log)
{
    struct pollfd p = {.fd = log->fd, .events = POLLOUT};

    if (log->is_file || log->path != NULL)
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

static size_t lines_of(const char *text, size_t len)
{
    const char *at = text, *end = text + len;
    size_t n = 0;

    for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL;
         at++)
        n++;
    return n;
}

/* Writes LEN bytes, which are whole lines.  How many were lost. */
static size_t write_lines(struct log *log, const char *text, size_t len)
{
    size_t n;

    /* Half a line on the disk is ended first, or it would spoil this one. */
    if (log->torn && write_once(log, "\n", 1) == 1)
        log->torn = false;
    n = log->torn ? 0 : write_once(log, text, len);
    if (n > 0 && text[n - 1] != '\n')
        log->torn = true;
    return lines_of(text + n, len - n);
}

/* As many whole lines of the LEN bytes at TEXT as go in one write. */
static size_t piece(const struct log *log, const char *text, size_t len)
{
    if (log->is_file || len <= LOG_LINE_MAX)
        return len; /* no line is longer: */
    return (size_t)((char *)memrchr(text, '\n', LOG_LINE_MAX) - text) + 1;
}

/* Needs the lock. */
static void flush(struct log *log)
{
    size_t at, n;

    for (at = 0; at < log->len; at += n) {
        n = piece(log, log->later + at, log->len - at);
        log->dropped += write_lines(log, log->later + at, n);
    }
    log->len = 0;
}

void log_flush(struct log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->lock);
    flush(log);
    pthread_mutex_unlock(&log->lock);
}

bool log_waits(struct log *log)
{
    bool waits = false;

    if (log != NULL) {
        pthread_mutex_lock(&log->lock);
        waits = log->len > 0;
        pthread_mutex_unlock(&log->lock);
    }
    return waits;
}

/* Needs the lock.  What was lost is told by the next line that gets through. */
static void write_now(struct log *log, struct log_line *line)
{
    unsigned long long before;
    size_t lost;

    flush(log);
    before = log->dropped;
    if (before > 0)
        line->len += (size_t)snprintf(line->text + line->len - 2, TAIL_MAX,
                                      ",\"dropped\":%llu}\n", before) -
                     2;
    lost = write_lines(log, line->text, line->len);
    log->dropped = lost > 0 ? before + lost : 0;
}

/* Needs the lock. */
static void write_later(struct log *log, const struct log_line *line)
{
    if (log->len + line->len > LATER_MAX)
        flush(log);
    memcpy(log->later + log->len, line->text, line->len);
    log->len += line->len;
}

static bool may_wait(struct log *log)
{
    log->later = log->later != NULL ? log->later : malloc(LATER_MAX);
    return log->later != NULL && log->dropped == 0;
}

static void end(struct log_line *line, bool later)
{
    struct log *log = line->log;

    if (log == NULL)
        return;
    line->log = NULL; /* a line is written once */
    line->text[line->len++] = '}';
    line->text[line->len++] = '\n';
    pthread_mutex_lock(&log->lock);
    if (later && may_wait(log))
        write_later(log, line);
    else
        write_now(log, line);
    pthread_mutex_unlock(&log->lock);
}

void log_end(struct log_line *line)
{
    end(line, false);
}

void log_end_later(struct log_line *line)
{
    end(line, true);
}

int log_reopen(struct log *log)
{
    int fd, rc, saved;

    if (log == NULL || log->path == NULL)
        return 0;
    fd = open_path(log->path);
    if (fd == -1)
        return -1;
    pthread_mutex_lock(&log->lock);
    flush(log); /* into the old one */
    rc = dup3(fd, log->fd, O_CLOEXEC);
    saved = errno;
    look_at_file(log);
    pthread_mutex_unlock(&log->lock);
    close(fd);
    errno = saved;
    return rc == -1 ? -1 : 0;
}

void log_close(struct log *log)
{
    if (log == NULL)
        return;
    log_flush(log);
    if (log->path != NULL)
        close(log->fd);
    pthread_mutex_destroy(&log->lock);
    free(log->later);
    free(log->path);
    free(log);
}

/* Building a line. */

/* False: it does not fit, and the line is as it was. */
static bool add(struct log_line *line, const char *bytes, size_t len)
{
    if (len > LINE_ROOM - line->len)
        return false;
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
    return true;
}

/* What a terminal obeys is escaped. */
static bool add_character(struct log_line *line, const unsigned char *s,
                          size_t len, bool sound)
{
    char escaped[16];
    unsigned code;

    if (!sound)
        return add(line, "\xef\xbf\xbd", 3); /* U+FFFD */
    if (s[0] == '"' || s[0] == '\\')
        return add(line, "\\", 1) && add(line, (const char *)s, 1);
    code = utf8_unseen(s, len);
    if (code == 0)
        return add(line, (const char *)s, len);
    (void)snprintf(escaped, sizeof(escaped), "\\u%04x", code);
    return add(line, escaped, strlen(escaped));
}

/* Bytes at S that stand for themselves. */
static size_t plain(const unsigned char *s, const unsigned char *end)
{
    const unsigned char *p = s;

    while (p < end && *p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\')
        p++;
    return (size_t)(p - s);
}

static bool add_quoted(struct log_line *line, const char *value)
{
    size_t whole = strnlen(value, LOG_TEXT_MAX + 4), len, used = 0;
    const unsigned char *s = (const unsigned char *)value;
    const unsigned char *end = s + whole;
    bool fits = add(line, "\"", 1);

    while (fits && s < end) {
        len = whole <= LOG_TEXT_MAX ? plain(s, end) : 0;
        if (len > 0) {
            fits = add(line, (const char *)s, len);
        } else {
            size_t sound = utf8_len(s, end);

            len = sound > 0 ? sound : 1;
            if (used + len > LOG_TEXT_MAX)
                return add(line, "...\"", 4);
            fits = add_character(line, s, len, sound > 0);
        }
        used += len;
        s += len;
    }
    return fits && add(line, "\"", 1);
}

/* A key is a literal of ours: nothing of it has to be escaped. */
static bool add_key(struct log_line *line, const char *key)
{
    bool first = line->text[line->len - 1] == '{';

    return add(line, first ? "\"" : ",\"", first ? 1 : 2) &&
           add(line, key, strlen(key)) && add(line, "\":", 2);
}

/* ,"key":VALUE, all of it or nothing. */
static void add_field(struct log_line *line, const char *key, const char *value,
                      bool quoted)
{
    size_t start = line->len;

    if (!add_key(line, key) ||
        !(quoted ? add_quoted(line, value) : add(line, value, strlen(value))))
        line->len = start;
}

/* N digits at AT. */
static void put_digits(char *at, int n, int value)
{
    while (n-- > 0) {
        at[n] = (char)('0' + value % 10);
        value /= 10;
    }
}

static void add_time(struct log_line *line)
{
    char text[] = "0000-00-00T00:00:00.000Z";
    struct timespec now;
    struct tm tm;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &tm) == NULL)
        return;
    put_digits(text, 4, tm.tm_year + 1900);
    put_digits(text + 5, 2, tm.tm_mon + 1);
    put_digits(text + 8, 2, tm.tm_mday);
    put_digits(text + 11, 2, tm.tm_hour);
    put_digits(text + 14, 2, tm.tm_min);
    put_digits(text + 17, 2, tm.tm_sec);
    put_digits(text + 20, 3, (int)(now.tv_nsec / 1000000));
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
    log_int(line, "pid", log->pid);
}

void log_str(struct log_line *line, const char *key, const char *value)
{
    if (line->log != NULL && value != NULL)
        add_field(line, key, value, true);
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
    char text[DIGITS_MAX + 1];

    if (line->log == NULL)
        return;
    text[digits(text, value)] = '\0';
    add_field(line, key, text, false);
}

void log_bool(struct log_line *line, const char *key, int value)
{
    if (line->log != NULL)
        add_field(line, key, value ? "true" : "false", false);
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
