/*
 * model.c - from "sim/slow-2000+stream-40-25" to a struct behaviour.
 *
 * Three tables: words with numbers after them, words alone, and words that
 * name a fault (those live in faults.c).  A part that fits neither is ignored, because any
 * model name at all must be answered.
 */
#include "model.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "text.h"

struct number_row {
    const char *word;
    size_t fields[2]; /* offsets into struct behaviour, one per number */
    int64_t min;
    int64_t max;
    int count;
    bool is_fault; /* times-N ends it, and the log tells of it */
};

#define FIELD(name) offsetof(struct behaviour, name)

/* Caps are round figures that keep one request from filling the machine. */
static const struct number_row number_rows[] = {
    {"slow", {FIELD(slow_ms), 0}, 0, 86400000, 1, false},
    {"stream", {FIELD(tokens), FIELD(gap_ms)}, 0, 1000000, 2, false},
    {"tokens", {FIELD(tokens), 0}, 0, 1000000, 1, false},
    {"think", {FIELD(thoughts), 0}, 0, 1000000, 1, false},
    {"pair", {FIELD(pair), 0}, 0, 1000000, 1, false},
    {"silence", {FIELD(silence_ms), 0}, 0, 86400000, 1, false},
    {"blank", {FIELD(blanks), FIELD(blank_ms)}, 0, 86400000, 2, false},
    {"big", {FIELD(big_kib), 0}, 0, 65536, 1, false},
    {"split", {FIELD(split_bytes), 0}, 1, 65536, 1, false},
    {"times", {FIELD(times), 0}, 1, 1000000, 1, false},
    {"percent", {FIELD(percent), 0}, 0, 100, 1, false},
    {"workers", {FIELD(workers), 0}, 0, 1000000, 1, false},
    {"queue", {FIELD(queue), 0}, 0, 1000000, 1, false},
    {"context", {FIELD(context), 0}, 1, 999999999, 1, false},
    {"poll", {FIELD(polls), 0}, 0, 1000000, 1, false},
    {"poll-ms", {FIELD(poll_ms), 0}, 0, 86400000, 1, false},
    {"retry-after", {FIELD(retry_after_s), 0}, 0, 999999999, 1, false},
    {"retry-after-ms", {FIELD(retry_after_ms), 0}, 0, 999999999, 1, false},
    {"retry-date", {FIELD(retry_date_s), 0}, 0, 999999999, 1, false},
    {"clock", {FIELD(clock_s), 0}, 0, 999999999, 1, false},
    {"ratelimit", {FIELD(reset_s), 0}, 0, 999999999, 1, false},
    {"status", {FIELD(status), 0}, 200, 599, 1, true},
    {"problem", {FIELD(problem), 0}, 200, 599, 1, true},
    {"html", {FIELD(html), 0}, 200, 599, 1, true},
    {"text", {FIELD(text), 0}, 200, 599, 1, true},
    {"empty", {FIELD(empty), 0}, 200, 599, 1, true},
    {"cut-head", {FIELD(head_bytes), 0}, 0, 999999999, 1, true},
    {"cut", {FIELD(cut_bytes), 0}, 0, 999999999, 1, true},
    {"reset", {FIELD(reset_bytes), 0}, 0, 999999999, 1, true},
    {"early-end", {FIELD(end_bytes), 0}, 0, 999999999, 1, true},
    {"stream-error",
     {FIELD(error_events), FIELD(error_code)},
     0,
     1000000,
     2,
     true},
    {"failed", {FIELD(failed_events), 0}, 0, 1000000, 1, true},
    {"error-event", {FIELD(told_events), 0}, 0, 1000000, 1, true},
};
#define NUMBER_ROWS (sizeof(number_rows) / sizeof(number_rows[0]))

static const struct {
    const char *word;
    size_t field;
    bool is_fault;
} flag_rows[] = {
    {"comments", FIELD(comments), false},
    {"tools", FIELD(calls_tool), true}, /* so that times-1 ends it */
    {"agent", FIELD(is_agent), false},
    {"mirror", FIELD(is_mirror), false},
    {"stops", FIELD(stops), false},
    {"ratelimit", FIELD(has_ratelimit), false},
    {"rfc850", FIELD(is_rfc850), false},
    {"asctime", FIELD(is_asctime), false},
    {"retry-garbage", FIELD(is_retry_garbage), false},
    {"should-retry", FIELD(says_retry), false},
    {"deprecated", FIELD(is_deprecated), false},
    {"echo-key", FIELD(echoes_key), false},
    {"echo-key-escaped", FIELD(echoes_escaped), false},
    {"redirect", FIELD(is_redirect), false},
    {"bare", FIELD(list_bare), false},
    {"named", FIELD(list_named), false},
    {"null", FIELD(list_null), false},
    {"chunked", FIELD(is_chunked), false},
    {"unframed", FIELD(is_unframed), false},
    {"unended", FIELD(is_unended), true},
    {"gzip", FIELD(is_gzip), true},
    {"gzip-silent", FIELD(is_gzip_silent), true},
    {"json-for-stream", FIELD(is_whole), true},
    {"untyped", FIELD(is_untyped), false},
    {"as-text", FIELD(is_text), false},
    {"as-octets", FIELD(is_octets), false},
    {"as-lines", FIELD(is_lines), false},
    {"as-json", FIELD(is_json), false},
    {"audio", FIELD(is_audio), false},
    {"list", FIELD(is_list), false},
    {"bom", FIELD(has_bom), false},
    {"no-done", FIELD(lacks_done), true},
    {"done-instead", FIELD(has_done), true},
    {"no-usage", FIELD(lacks_usage), false},
    {"bare-usage", FIELD(has_bare_usage), false},
    {"early-usage", FIELD(has_early_usage), false},
    {"no-options", FIELD(refuses_options), false},
    {"no-template", FIELD(lacks_template), false},
    {"no-effort", FIELD(lacks_effort), false},
    {"vary", FIELD(varies), false},
    {"crlf", FIELD(has_crlf), false},
    {"done-then-open", FIELD(stays_open), true},
};
#define FLAG_ROWS (sizeof(flag_rows) / sizeof(flag_rows[0]))

static int64_t *number_of(struct behaviour *b, const struct number_row *row,
                          int i)
{
    return (int64_t *)(void *)((char *)b + row->fields[i]);
}

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
        *number_of(b, row, i) = numbers[i];
    return true;
}

static void part_parse(struct behaviour *b, const char *part, const char *end)
{
    size_t len = (size_t)(end - part);
    enum fault fault;
    size_t i;

    for (i = 0; i < NUMBER_ROWS; i++) {
        if (row_parse(&number_rows[i], b, part, end))
            return;
    }
    for (i = 0; i < FLAG_ROWS; i++) {
        if (strlen(flag_rows[i].word) == len &&
            strncmp(flag_rows[i].word, part, len) == 0)
            *((bool *)(void *)((char *)b + flag_rows[i].field)) = true;
    }
    fault = fault_parse(part, len);
    if (fault != FAULT_NONE)
        b->fault = fault;
}

void behaviour_add(struct behaviour *b, const char *words)
{
    const char *part;
    const char *end;

    for (part = words;; part = end + 1) {
        end = strchrnul(part, '+');
        part_parse(b, part, end);
        if (*end == '\0')
            return;
    }
}

void behaviour_parse(struct behaviour *b, const char *model)
{
    size_t i;
    int n;

    *b = (struct behaviour){.fault = FAULT_NONE};
    for (i = 0; i < NUMBER_ROWS; i++) {
        for (n = 0; n < number_rows[i].count; n++)
            *number_of(b, &number_rows[i], n) = -1;
    }
    if (strncmp(model, "sim/", 4) == 0)
        behaviour_add(b, model + 4);
}

static void word_add(struct text *out, const char *word)
{
    if (out->len > 0)
        text_str(out, "+");
    text_str(out, word);
}

void behaviour_faults(const struct behaviour *b, struct text *out)
{
    struct behaviour copy = *b;
    size_t i;
    int n;

    if (b->fault != FAULT_NONE && fault_word(b->fault) != NULL)
        word_add(out, fault_word(b->fault));
    for (i = 0; i < NUMBER_ROWS; i++) {
        const struct number_row *row = &number_rows[i];

        if (!row->is_fault || *number_of(&copy, row, 0) == -1)
            continue;
        word_add(out, row->word);
        for (n = 0; n < row->count; n++)
            text_fmt(out, "-%" PRId64, *number_of(&copy, row, n));
    }
    for (i = 0; i < FLAG_ROWS; i++) {
        if (flag_rows[i].is_fault &&
            *((const bool *)(const void *)((const char *)b +
                                           flag_rows[i].field)))
            word_add(out, flag_rows[i].word);
    }
}

void behaviour_heal(struct behaviour *b)
{
    size_t i;
    int n;

    b->fault = FAULT_NONE;
    for (i = 0; i < NUMBER_ROWS; i++) {
        for (n = 0; n < number_rows[i].count && number_rows[i].is_fault; n++)
            *number_of(b, &number_rows[i], n) = -1;
    }
    for (i = 0; i < FLAG_ROWS; i++) {
        if (flag_rows[i].is_fault)
            *((bool *)(void *)((char *)b + flag_rows[i].field)) = false;
    }
}
