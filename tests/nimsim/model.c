/*
 * model.c - from "sim/slow-2000+stream-40-25" to a struct behaviour.
 *
 * Two tables: words with numbers after them, and words that name a fault
 * (those live in faults.c).  A part that fits neither is ignored, because any
 * model name at all must be answered.
 */
#include "model.h"

#include <stddef.h>
#include <string.h>

struct number_row {
    const char *word;
    size_t fields[2]; /* offsets into struct behaviour, one per number */
    int count;
    int64_t min;
    int64_t max;
};

#define FIELD(name) offsetof(struct behaviour, name)

/* Caps are round figures that keep one request from filling the machine. */
static const struct number_row number_rows[] = {
    {"slow", {FIELD(slow_ms), 0}, 1, 0, 86400000},
    {"stream", {FIELD(tokens), FIELD(gap_ms)}, 2, 0, 1000000},
    {"tokens", {FIELD(tokens), 0}, 1, 0, 1000000},
    {"silence", {FIELD(silence_ms), 0}, 1, 0, 86400000},
    {"big", {FIELD(big_kib), 0}, 1, 0, 65536},
    {"cut", {FIELD(cut_bytes), 0}, 1, 0, 999999999},
    {"early-end", {FIELD(end_bytes), 0}, 1, 0, 999999999},
    {"split", {FIELD(split_bytes), 0}, 1, 1, 65536},
    {"status", {FIELD(status), 0}, 1, 200, 599},
    {"retry-after", {FIELD(retry_after_s), 0}, 1, 0, 999999999},
    {"times", {FIELD(times), 0}, 1, 1, 1000000},
};

/* Reads 1 to 9 digits at *P and moves it behind them; -1 if there are none. */
static int64_t number_read(const char **p, const char *end)
{
    const char *start = *p;
    int64_t n = 0;

    while (*p < end && **p >= '0' && **p <= '9' && *p - start < 9) {
        n = n * 10 + (**p - '0');
        (*p)++;
    }
    return *p == start ? -1 : n;
}

static void number_clamp(int64_t *n, const struct number_row *row)
{
    if (*n < row->min)
        *n = row->min;
    if (*n > row->max)
        *n = row->max;
}

/* "stream-40-25" against the row of "stream". */
static bool row_parse(const struct number_row *row, struct behaviour *b,
                      const char *part, const char *end)
{
    size_t len = strlen(row->word);
    int64_t numbers[2];
    const char *p;
    int i;

    if ((size_t)(end - part) <= len || strncmp(part, row->word, len) != 0)
        return false;
    p = part + len;
    for (i = 0; i < row->count; i++) {
        if (p == end || *p != '-')
            return false;
        p++;
        numbers[i] = number_read(&p, end);
        if (numbers[i] == -1)
            return false;
        number_clamp(&numbers[i], row);
    }
    if (p != end)
        return false;
    for (i = 0; i < row->count; i++)
        memcpy((char *)b + row->fields[i], &numbers[i], sizeof(numbers[i]));
    return true;
}

static void part_parse(struct behaviour *b, const char *part, const char *end)
{
    size_t len = (size_t)(end - part);
    enum fault fault;
    size_t i;

    for (i = 0; i < sizeof(number_rows) / sizeof(number_rows[0]); i++) {
        if (row_parse(&number_rows[i], b, part, end))
            return;
    }
    if (len == strlen("comments") && strncmp(part, "comments", len) == 0)
        b->comments = true;
    fault = fault_parse(part, len);
    if (fault != FAULT_NONE)
        b->fault = fault;
}

void behaviour_parse(struct behaviour *b, const char *model)
{
    const char *part;
    const char *end;

    *b = (struct behaviour){
        .fault = FAULT_NONE,
        .status = -1,
        .retry_after_s = -1,
        .times = -1,
        .slow_ms = -1,
        .tokens = -1,
        .gap_ms = -1,
        .silence_ms = -1,
        .big_kib = -1,
        .cut_bytes = -1,
        .end_bytes = -1,
        .split_bytes = -1,
    };
    if (strncmp(model, "sim/", 4) != 0)
        return;
    for (part = model + 4;; part = end + 1) {
        end = strchrnul(part, '+');
        part_parse(b, part, end);
        if (*end == '\0')
            return;
    }
}

void behaviour_heal(struct behaviour *b)
{
    b->fault = FAULT_NONE;
    b->status = -1;
    b->cut_bytes = -1;
    b->end_bytes = -1;
}
