/*
 * trend.c - where does the line of history come from?
 *
 * From the workers, who keep it for 400 days (/api/history): there it is at
 * once.  Where none answers it is counted here, from the first page on.  A bar
 * is a window of the first upstream, so that it is as high as the limit when the
 * window was used up; of a window shorter than a second, a second.
 *
 * A bar that nobody counted (we were not running) is a gap, not a zero: a line that
 * falls to nothing would be a lie about a machine that was off.
 */
#include "ctl/trend.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "ctl/ctl.h"
#include "lib/base.h"

#define ASK_AGAIN_NS (3 * NS_PER_S)
#define ASK_LATER_NS (30 * NS_PER_S) /* nobody answered */

/* Whole seconds: the history has no finer steps. */
static int64_t window_of(const struct limiter_view *v)
{
    int64_t ns = v->n_scopes > 0 ? v->scopes[0].rules.window_ns : 0;

    return max_i64((ns + NS_PER_S - 1) / NS_PER_S, 1) * NS_PER_S;
}

/* Seconds are kept for ten minutes: as long as bars are shorter than a minute,
 * no more of them. */
static int64_t bars_of(int64_t window_ns)
{
    int64_t s = window_ns / NS_PER_S;

    return s < 60 ? max_i64(min_i64(600 / s, TREND_BARS), 1) : TREND_BARS;
}

/* The answer's columns; the last TREND_BARS of them, and from the first on of
 * which anything is known. */
static bool adopt(struct trend *t, struct json_object *root)
{
    struct json_object *sends = call_at(root, "sends");
    double step = json_object_get_double(call_at(root, "step_s"));
    size_t i, n = json_object_is_type(sends, json_type_array)
                      ? json_object_array_length(sends)
                      : 0;
    size_t skip = n > TREND_BARS ? n - TREND_BARS : 0;

    while (skip < n && json_object_array_get_idx(sends, skip) == NULL)
        skip++;
    if (n == skip || step <= 0)
        return false;
    t->n = (int)(n - skip);
    t->step_ns = (int64_t)(step * 1e9);
    for (i = skip; i < n; i++) {
        struct json_object *value = json_object_array_get_idx(sends, i);

        t->known[i - skip] = value != NULL;
        t->bars[i - skip] = (uint64_t)json_object_get_int64(value);
    }
    return true;
}

/* Quiet, and for two seconds at most: a page waits for it.  Both ends of a range
 * count, and it begins in the middle of a step: so much gives steps of a window. */
static bool ask(struct trend *t, struct ctl *c, int64_t window_ns)
{
    int64_t s = window_ns / NS_PER_S, bars = bars_of(window_ns);
    struct json_object *root;
    char path[128];
    int quiet = c->is_quiet;
    bool ok;

    snprintf(path, sizeof(path),
             "/api/history?from=-%" PRId64 "&points=%" PRId64,
             s * (bars - 1) + s / 3, bars);
    c->is_quiet = 1;
    ok = call_get(c, path, &root) == EXIT_SUCCESS && adopt(t, root);
    c->is_quiet = quiet;
    json_object_put(root);
    return ok;
}

/* The oldest one goes. */
static void push(struct trend *t)
{
    if (t->n == TREND_BARS) {
        memmove(t->bars, t->bars + 1, sizeof(t->bars) - sizeof(t->bars[0]));
        t->n--;
    }
    t->known[t->n] = true;
    t->bars[t->n++] = 0;
}

/* What the counter rose by belongs to the bar of this moment. */
static void count(struct trend *t, uint64_t sent, int64_t window_ns,
                  int64_t now)
{
    if (!t->is_own) {
        memset(t, 0, sizeof(*t));
        t->is_own = true;
        t->step_ns = window_ns;
        t->step_began_ns = now;
        t->sent_before = sent;
        push(t);
    }
    while (now - t->step_began_ns >= t->step_ns) {
        t->step_began_ns += t->step_ns;
        push(t);
        if (now - t->step_began_ns > TREND_BARS * t->step_ns)
            t->step_began_ns = now; /* nobody looked for long */
    }
    if (sent > t->sent_before)
        t->bars[t->n - 1] += sent - t->sent_before;
    t->sent_before = sent;
}

/* From the workers again as soon as one answers: they have seen more than we. */
void trend_look(struct trend *t, struct ctl *c, const struct limiter_view *v,
                int64_t now)
{
    int64_t asked = t->asked_ns;
    int64_t pause = t->is_own ? ASK_LATER_NS : ASK_AGAIN_NS;

    if (asked == 0 || now - asked >= pause) {
        if (ask(t, c, window_of(v)))
            t->is_own = false;
        else
            count(t, v->counters.sent, window_of(v), now);
        t->asked_ns = now;
    } else if (t->is_own) {
        count(t, v->counters.sent, window_of(v), now);
    }
}
