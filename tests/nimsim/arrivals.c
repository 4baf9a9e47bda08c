/*
 * arrivals.c - what came, when, and what was decided.
 *
 * A ring of the newest arrivals.  Its memory is reserved at once but only
 * touched as it fills, so a generous bound costs nothing in a short test.
 * The caller holds the lock of struct sim around every call.
 */
#include "arrivals.h"

#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct arrivals {
    size_t max;
    uint64_t added; /* since the last clear; also the newest seq */
    struct arrival *ring;
};

struct arrivals *arrivals_new(size_t max)
{
    struct arrivals *log = calloc(1, sizeof(*log));

    if (log == NULL)
        return NULL;
    log->max = max;
    log->ring = calloc(max, sizeof(*log->ring));
    if (log->ring == NULL) {
        free(log);
        return NULL;
    }
    return log;
}

void arrivals_free(struct arrivals *log)
{
    if (log == NULL)
        return;
    free(log->ring);
    free(log);
}

void arrivals_clear(struct arrivals *log)
{
    log->added = 0;
}

uint64_t arrivals_next(const struct arrivals *log)
{
    return log->added + 1;
}

void arrivals_add(struct arrivals *log, const struct arrival *a)
{
    struct arrival *slot = &log->ring[log->added % log->max];

    *slot = *a;
    slot->seq = ++log->added;
}

uint64_t arrivals_dropped(const struct arrivals *log)
{
    return log->added > log->max ? log->added - log->max : 0;
}

size_t arrivals_kept(const struct arrivals *log)
{
    return (size_t)(log->added - arrivals_dropped(log));
}

/* The I-th of those kept, the oldest being 0. */
static const struct arrival *nth(const struct arrivals *log, size_t i)
{
    return &log->ring[(arrivals_dropped(log) + i) % log->max];
}

uint64_t arrivals_of_model(const struct arrivals *log, const char *model)
{
    char cut[sizeof(log->ring->model)];
    size_t kept = arrivals_kept(log);
    uint64_t count = 0;
    size_t i;

    arrivals_copy(cut, sizeof(cut), model);
    for (i = 0; i < kept; i++) {
        const struct arrival *a = nth(log, i);

        if (a->verdict == ARRIVAL_ACCEPTED && strcmp(a->model, cut) == 0)
            count++;
    }
    return count;
}

static bool is_counted(const struct arrival *a, bool only_accepted)
{
    switch (a->verdict) {
    case ARRIVAL_ACCEPTED:
        return true;
    case ARRIVAL_REFUSED:
    case ARRIVAL_UNAUTHORIZED:
        return !only_accepted;
    case ARRIVAL_POLL:
    case ARRIVAL_RESULT:
        return false;
    }
    return false;
}

size_t arrivals_max_in(const struct arrivals *log, int64_t length_ns,
                       bool only_accepted)
{
    size_t kept = arrivals_kept(log);
    size_t oldest = 0;
    size_t inside = 0;
    size_t max = 0;
    size_t i;

    /* A fullest window can always be moved so that it ends in an arrival. */
    for (i = 0; i < kept; i++) {
        inside += is_counted(nth(log, i), only_accepted);
        while (nth(log, i)->t_ns - nth(log, oldest)->t_ns >= length_ns) {
            inside -= is_counted(nth(log, oldest), only_accepted);
            oldest++;
        }
        if (inside > max)
            max = inside;
    }
    return max;
}

int64_t arrivals_max_tokens(const struct arrivals *log, int64_t length_ns)
{
    size_t kept = arrivals_kept(log), oldest = 0, i;
    int64_t inside = 0, max = 0;

    for (i = 0; i < kept; i++) {
        inside += nth(log, i)->tokens;
        for (; nth(log, i)->t_ns - nth(log, oldest)->t_ns >= length_ns;
             oldest++)
            inside -= nth(log, oldest)->tokens;
        max = inside > max ? inside : max;
    }
    return max;
}

int64_t arrivals_tokens_in(const struct arrivals *log, int64_t length_ns,
                           int64_t now_ns)
{
    int64_t n = 0;
    size_t i;

    for (i = arrivals_kept(log); i > 0; i--) {
        if (now_ns - nth(log, i - 1)->t_ns >= length_ns)
            break;
        n += nth(log, i - 1)->tokens;
    }
    return n;
}

static void write_one(const struct arrival *a, struct text *out)
{
    static const char *const verdicts[] = {
        [ARRIVAL_ACCEPTED] = "accepted",
        [ARRIVAL_REFUSED] = "refused",
        [ARRIVAL_UNAUTHORIZED] = "unauthorized",
        [ARRIVAL_POLL] = "poll",
        [ARRIVAL_RESULT] = "result",
    };

    text_fmt(out, "{\"seq\":%" PRIu64 ",\"t_ns\":%" PRId64, a->seq, a->t_ns);
    text_str(out, ",\"method\":");
    text_json(out, a->method);
    text_str(out, ",\"path\":");
    text_json(out, a->path);
    text_str(out, ",\"model\":");
    text_json(out, a->model);
    text_fmt(out, ",\"stream\":%s,\"body_bytes\":%" PRIu64,
             a->stream ? "true" : "false", a->body_bytes);
    text_str(out, ",\"body_sha256\":\"");
    text_hex(out, a->body_sha256, sizeof(a->body_sha256));
    text_fmt(out, "\",\"status\":%d,\"verdict\":\"%s\",\"auth\":%s", a->status,
             verdicts[a->verdict], a->has_auth ? "true" : "false");
    if (a->has_auth) {
        text_str(out, ",\"auth_sha256\":\"");
        text_hex(out, a->auth_sha256, sizeof(a->auth_sha256));
        text_str(out, "\"");
    }
    if (a->has_request_id) {
        text_str(out, ",\"request_id\":");
        text_json(out, a->request_id);
    }
    if (a->accept_encoding[0] != '\0') {
        text_str(out, ",\"accept_encoding\":");
        text_json(out, a->accept_encoding);
    }
    if (a->poll_seconds[0] != '\0') {
        text_str(out, ",\"poll_seconds\":");
        text_json(out, a->poll_seconds);
    }
    if (a->tokens > 0)
        text_fmt(out, ",\"tokens\":%" PRId64, a->tokens);
    if (a->fault[0] != '\0') {
        text_str(out, ",\"fault\":");
        text_json(out, a->fault);
        text_fmt(out, ",\"fault_by\":\"%s\"", a->fault_by);
    }
    text_str(out, "}");
}

void arrivals_write(const struct arrivals *log, uint64_t since,
                    struct text *out)
{
    uint64_t first = arrivals_dropped(log);
    size_t kept = arrivals_kept(log);
    size_t i = since <= first ? 0 : (size_t)(since - first);
    bool is_first = true;

    text_str(out, "[");
    for (; i < kept; i++) {
        if (!is_first)
            text_str(out, ",\n");
        is_first = false;
        write_one(nth(log, i), out);
    }
    text_str(out, "]");
}

void arrivals_copy(char *dst, size_t size, const char *s)
{
    size_t len = strlen(s);

    if (len >= size) {
        len = size - 1;
        while (len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80)
            len--;
    }
    memcpy(dst, s, len);
    dst[len] = '\0';
}
