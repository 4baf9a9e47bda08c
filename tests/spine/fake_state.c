/* fake_state.c - what the pages ask of the shared state, beside tickets. */
#include <string.h>

#include "fake_limiter.h"
#include "state/board.h"
#include "state/history.h"
#include "state/operator.h"
#include "state/own_keys.h"
#include "state/standing.h"
#include "state/token_ratio.h"
#include "state/view.h"

void limiter_adopt(struct limiter *lim, const struct limiter_settings *set,
                   uint64_t generation)
{
    (void)lim;
    (void)set;
    (void)generation;
}

uint64_t limiter_generation(const struct limiter *lim)
{
    (void)lim;
    return 0;
}

bool limiter_all_follow(struct limiter *lim, uint64_t generation, int64_t now)
{
    (void)generation;
    (void)now;
    return lim->follows;
}

int64_t limiter_uptime_ns(struct limiter *lim, int64_t now)
{
    (void)lim;
    (void)now;
    return 90 * NS_PER_S;
}

bool limiter_pause(struct limiter *lim, const char *by, int64_t now)
{
    (void)now;
    if (!lim->lost)
        lim->paused = by != NULL;
    return !lim->lost;
}

bool limiter_is_paused(const struct limiter *lim)
{
    return lim->paused;
}

bool limiter_cancel(struct limiter *lim, const char *request_id, int64_t now,
                    uint32_t *n)
{
    (void)request_id;
    (void)now;
    *n = lim->hits;
    return !lim->lost;
}

bool limiter_end_hold(struct limiter *lim, uint32_t upstream, const char *model)
{
    (void)upstream;
    (void)model;
    lim->ends += !lim->lost;
    return !lim->lost;
}

bool limiter_ready(struct limiter *lim, const struct limiter_probe_times *times,
                   int64_t now, struct limiter_ready *out)
{
    (void)times;
    (void)now;
    *out = lim->ready;
    return !lim->lost;
}

bool limiter_token_ratio(struct limiter *lim, const char *model,
                         uint32_t *ratio_m)
{
    (void)model;
    *ratio_m = lim->token_ratio_m;
    return !lim->lost;
}

bool limiter_standing(struct limiter *lim, const char *name,
                      const struct limiter_own_limits *own, int64_t now,
                      struct limiter_standing *out)
{
    uint32_t half = own->requests_per_min / 2;

    (void)name;
    (void)now;
    *out = (struct limiter_standing){
        .requests = {half, own->requests_per_min - half, 0}, .waiting = 1};
    return !lim->lost;
}

bool limiter_probed(struct limiter *lim, bool reachable, uint16_t status,
                    const char *why, int64_t now)
{
    (void)now;
    if (lim->lost)
        return false;
    lim->ready.probe = PROBE_KNOWN;
    lim->ready.reachable = reachable;
    lim->ready.status = status;
    snprintf(lim->ready.why, sizeof(lim->ready.why), "%s", why);
    return true;
}

/* Of keys it keeps what it was told last. */

bool limiter_key_is(struct limiter *lim, uint32_t upstream, uint64_t mark,
                    bool again, int64_t now, bool *forgotten)
{
    (void)again;
    (void)now;
    *forgotten = upstream < LIMITER_UPSTREAMS && !lim->lost &&
                 lim->marks[upstream] != mark;
    if (*forgotten)
        lim->marks[upstream] = mark;
    return !lim->lost;
}

bool limiter_key_told(struct limiter *lim, uint32_t upstream,
                      const struct own_key_told *told, int64_t now)
{
    (void)now;
    if (lim->lost || upstream >= LIMITER_UPSTREAMS)
        return false;
    lim->keys[upstream] = *told;
    snprintf(lim->key_message, sizeof(lim->key_message), "%s", told->message);
    lim->keys[upstream].message = lim->key_message;
    lim->key_words++;
    return true;
}

/* A board that nobody writes; all other pages find the state busy. */

bool limiter_board_ask(struct limiter *lim, int64_t fresh_ns, int64_t now,
                       enum board_state *out)
{
    (void)fresh_ns;
    (void)now;
    *out = BOARD_FRESH;
    return !lim->lost;
}

bool limiter_board_put(struct limiter *lim, const char *text, size_t len)
{
    (void)text;
    (void)len;
    return !lim->lost;
}

bool limiter_board_read(struct limiter *lim, char *to, size_t *len,
                        uint64_t *number)
{
    int n;

    if (lim->lost)
        return false;
    *number = ++lim->boards;
    n = snprintf(to, BOARD_MAX, "{\"n\":%u}", lim->boards);
    *len = (size_t)n < lim->board_bytes ? lim->board_bytes : (size_t)n;
    memset(to + n, ' ', *len - (size_t)n);
    return true;
}

uint64_t limiter_board_number(struct limiter *lim, int64_t fresh_ns,
                              int64_t *next_ns)
{
    (void)lim;
    (void)fresh_ns;
    (void)next_ns;
    return 1;
}

void limiter_board_viewers(struct limiter *lim, uint32_t n)
{
    (void)lim;
    (void)n;
}

bool limiter_view(struct limiter *lim, int64_t now, struct limiter_view *out)
{
    (void)lim;
    (void)now;
    (void)out;
    return false;
}

bool limiter_tally(struct limiter *lim, int64_t now, struct limiter_tally *out)
{
    (void)lim;
    (void)now;
    (void)out;
    return false;
}

bool limiter_history(struct limiter *lim, const struct past_range *range,
                     struct limiter_past *out)
{
    (void)lim;
    (void)range;
    (void)out;
    return false;
}

bool limiter_history_trails(struct limiter *lim,
                            const struct limiter_past *past,
                            struct past_trails *out)
{
    (void)lim;
    (void)past;
    (void)out;
    return false;
}

bool limiter_history_grain(struct limiter *lim, enum past_whose whose,
                           struct past_range *range, uint32_t *pool)
{
    (void)lim;
    (void)whose;
    (void)range;
    (void)pool;
    return false;
}

bool limiter_history_ledger(struct limiter *lim, enum past_whose whose,
                            uint32_t pool, const struct limiter_past *past,
                            const char *name, struct past_ledger *out)
{
    (void)lim;
    (void)whose;
    (void)pool;
    (void)past;
    (void)name;
    (void)out;
    return false;
}

void past_ledger_free(struct past_ledger *out)
{
    (void)out;
}
