/*
 * One JSON object a line.  Lines are built on the stack and leave with one
 * write(), alone or with others; hostile text is escaped and cut.  No prompt, answer or key is ever
 * handed to these functions.
 */
#ifndef SLUICE_LOG_H
#define SLUICE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
    LOG_DEBUG_ = 0,
    LOG_INFO_ = 1,
    LOG_WARN_ = 2,
    LOG_ERROR_ = 3,
};

#define LOG_LINE_MAX 4096 /* PIPE_BUF: a line is never torn on a pipe */
#define LOG_TEXT_MAX 512  /* bytes of one string value, before escaping */

struct log;

/* A line under construction; lives on the caller's stack. */
struct log_line {
    struct log *log; /* NULL: below the level, everything is a no-op */
    size_t len;
    char text[LOG_LINE_MAX];
};

/* Opens PATH (NULL: standard error) for appending.  Returns 0, or -1 with
 * errno set.  *OUT is the caller's. */
int log_open(struct log **out, const char *path, enum log_level level);
/* Opens the path again (after a rotation); every thread may go on writing.
 * Returns 0, or -1 with errno set and the old file still in use. */
int log_reopen(struct log *log);
void log_close(struct log *log); /* NULL is fine */

/* Starts a line with "ts" (RFC 3339, UTC, milliseconds), "level", "event",
 * "pid".  LOG may be NULL (nothing is written). */
void log_begin(struct log_line *line, struct log *log, enum log_level level,
               const char *event);
/* Adds one field.  KEY is a literal; VALUE may be hostile; NULL is left out. */
void log_str(struct log_line *line, const char *key, const char *value);
void log_int(struct log_line *line, const char *key, int64_t value);
void log_bool(struct log_line *line, const char *key, int value);
void log_end(struct log_line *line); /* writes it */
/* Writes it with others: with the next log_flush(), with the next line that does
 * not wait, or when there are many.  What ends a process outright loses those
 * that wait. */
void log_end_later(struct log_line *line);
/* Writes what waits. */
void log_flush(struct log *log);
/* Does anything? */
bool log_waits(struct log *log);

/* A whole line with a "message" from a printf format. */
void log_say(struct log *log, enum log_level level, const char *event,
             const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
