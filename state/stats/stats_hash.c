/*
 * stats_hash.c - do two builds mean the same by a statistics file's bytes?
 *
 * As file/layout_hash.c.
 */
#include "state/stats/stats_hash.h"

#include "state/policy/facts.h"
#include "state/stats/stats_layout.h"

/* clang-format off */
#define LAY_HEAD(N, A, T, S)                                                   \
    A(S, magic) N(S, version) N(S, layout_hash) N(S, size) A(S, boot_id)       \
    N(S, time_ns) N(S, created_ns) N(S, secret) N(S, checksum) N(S, pad)
FACTS(lay_head, LAY_HEAD)

#define LAY_FLAG(N, A, T, S)                                                   \
    N(S, dirty) N(S, writes)
FACTS(lay_flag, LAY_FLAG)

#define LAY_STATS_LIVE(N, A, T, S)                                             \
    T(S, flag, lay_flag) N(S, under_ns)
FACTS(lay_stats_live, LAY_STATS_LIVE)

#define LAY_HISTOGRAM(N, A, T, S)                                              \
    A(S, n) N(S, sum_us)
FACTS(lay_histogram, LAY_HISTOGRAM)

#define LAY_CODE(N, A, T, S)                                                   \
    N(S, status) N(S, pad) N(S, n)
FACTS(lay_code, LAY_CODE)

#define LAY_ROUTE(N, A, T, S)                                                  \
    A(S, name) T(S, codes, lay_code) N(S, other)
FACTS(lay_route, LAY_ROUTE)

#define LAY_PROVIDER(N, A, T, S)                                               \
    A(S, name) T(S, first_byte, lay_histogram) T(S, duration, lay_histogram)   \
    A(S, errors) N(S, tokens_in) N(S, tokens_out) N(S, answers) N(S, told)
FACTS(lay_provider, LAY_PROVIDER)

#define LAY_STAND_IN(N, A, T, S)                                               \
    A(S, asked) A(S, served) N(S, n)
FACTS(lay_stand_in, LAY_STAND_IN)

#define LAY_SUMS(N, A, T, S)                                                   \
    N(S, requests) A(S, outcomes) A(S, reasons) A(S, phases) A(S, retries)     \
    N(S, queue_us) N(S, first_byte_us) N(S, generation_us)                     \
    T(S, queue, lay_histogram) T(S, routes, lay_route)                         \
    T(S, providers, lay_provider) T(S, stand_ins, lay_stand_in)
FACTS(lay_sums, LAY_SUMS)

#define RESERVOIR(N, A, T, S)                                                  \
    A(S, n) N(S, sum)
FACTS(reservoir, RESERVOIR)

#define LAY_LAST_MINUTE(N, A, T, S) N(S, last_s) A(S, in)
FACTS(lay_last_minute, LAY_LAST_MINUTE)

#define LAY_FIGURES(N, A, T, S)                                                \
    A(S, name) N(S, owner) N(S, used) N(S, requests) N(S, sent) N(S, refused)  \
    N(S, streams) N(S, tokens_in) N(S, tokens_out) N(S, answers) N(S, told)    \
    N(S, last_at_ms)                                                           \
    A(S, outcomes) T(S, minute, lay_last_minute) T(S, first_byte, reservoir) T(S, queue, reservoir)          \
    T(S, gap, reservoir) T(S, speed, reservoir) T(S, bytes, reservoir)
FACTS(lay_figures, LAY_FIGURES)

#define LAY_UPSTREAM_SENDS(N, A, T, S)                                         \
    A(S, name) N(S, n) N(S, refused) N(S, tokens_in) N(S, tokens_out)          \
    N(S, answers) N(S, told)                                                   \
    N(S, last_s) A(S, in)
FACTS(lay_upstream_sends, LAY_UPSTREAM_SENDS)

#define LAY_RECENT(N, A, T, S)                                                 \
    N(S, used) N(S, stream) N(S, status) N(S, outcome) N(S, attempts)          \
    N(S, pad) N(S, at_ms) N(S, queue_ns) N(S, first_byte_ns) N(S, total_ns)    \
    N(S, bytes) N(S, tokens_in) N(S, tokens_out) A(S, id) A(S, client)         \
    A(S, model) A(S, route) A(S, code)
FACTS(lay_recent, LAY_RECENT)

#define LAY_TALLY(N, A, T, S)                                                  \
    T(S, sums, lay_sums) N(S, wall_ms) N(S, n_recent)                          \
    T(S, recent, lay_recent) T(S, models, lay_figures)                         \
    T(S, clients, lay_figures) T(S, upstreams, lay_upstream_sends)
FACTS(lay_tally, LAY_TALLY)

#define LAY_MOMENT(N, A, T, S)                                                 \
    N(S, begin) N(S, queue_us) N(S, first_byte_us) N(S, generation_us)         \
    N(S, tokens_in) N(S, tokens_out) N(S, sends) N(S, requests)                \
    A(S, outcomes) N(S, queue_n) N(S, first_byte_n) N(S, generation_n)         \
    N(S, waiting) N(S, in_flight) N(S, window_used) N(S, window_limit)         \
    A(S, queue) A(S, first_byte) A(S, speed) N(S, told)
FACTS(lay_moment, LAY_MOMENT)

#define LAY_HISTORY(N, A, T, S)                                                \
    N(S, now_s) N(S, first_s) N(S, turn_ns) N(S, ahead_s) N(S, behind_ns)      \
    N(S, from_s) N(S, to_s) N(S, saving_from_s) N(S, saving_to_s)              \
    N(S, due_ns) N(S, lease_ns) N(S, owner) N(S, filled) N(S, filled_to)       \
    N(S, mute) N(S, failures) N(S, pad) T(S, moments, lay_moment)
FACTS(lay_history, LAY_HISTORY)

#define LAY_TRAIL_STEP(N, A, T, S)                                             \
    N(S, when) N(S, sends) N(S, refused) N(S, tokens_in) N(S, tokens_out)
FACTS(lay_trail_step, LAY_TRAIL_STEP)

#define LAY_TRAIL(N, A, T, S)                                                  \
    A(S, name) N(S, last_s) N(S, used) N(S, ready_s)                           \
    T(S, steps, lay_trail_step)
FACTS(lay_trail, LAY_TRAIL)

#define LAY_TRAILS(N, A, T, S)                                                 \
    N(S, first_s) N(S, at_s) A(S, places) A(S, when) A(S, of_row)              \
    N(S, filled_to) T(S, of, lay_trail)
FACTS(lay_trails, LAY_TRAILS)

#define LAY_LEDGER_ROW(N, A, T, S)                                             \
    N(S, when) N(S, id) N(S, requests) N(S, ok) N(S, errors) N(S, refused)     \
    N(S, streams) N(S, sends) N(S, answers) N(S, told) N(S, tokens_in)         \
    N(S, tokens_out) N(S, bytes_in) N(S, bytes_out) N(S, queue_ms)             \
    N(S, first_byte_ms) N(S, answer_ms) N(S, queue_n) N(S, first_byte_n)       \
    N(S, answer_n) A(S, queue) A(S, first_byte)
FACTS(lay_ledger_row, LAY_LEDGER_ROW)

#define LAY_LEDGER_NAME(N, A, T, S)                                            \
    A(S, text) N(S, last_s) A(S, at)
FACTS(lay_ledger_name, LAY_LEDGER_NAME)

#define LAY_LEDGER_POOL(N, A, T, S)                                            \
    N(S, next) N(S, now_from) N(S, base) N(S, when) N(S, open)
FACTS(lay_ledger_pool, LAY_LEDGER_POOL)

#define LAY_LEDGER(N, A, T, S)                                                 \
    N(S, first_s) N(S, at_s) N(S, given_s) T(S, pools, lay_ledger_pool)        \
    A(S, ids) N(S, pad) T(S, names, lay_ledger_name)                           \
    T(S, rows, lay_ledger_row)
FACTS(lay_ledger, LAY_LEDGER)

#define LAY_SHEET(N, A, T, S)                                                  \
    N(S, turn) N(S, number) N(S, len) N(S, pad) A(S, text)
FACTS(lay_sheet, LAY_SHEET)

#define LAY_BOARD(N, A, T, S)                                                  \
    N(S, owner) N(S, current) N(S, lease_ns) N(S, built_ns) N(S, builds)       \
    A(S, viewers) T(S, sheets, lay_sheet)
FACTS(lay_board, LAY_BOARD)

/* Made of the one list there is. */
#define N_SUM(name)      FACTS_SUM_N(lay_counters, name)
#define A_SUM(name, of)  FACTS_SUM_A(lay_counters, name)
#define N_FIT(name)      FACTS_FIT_N(lay_counters, name)
#define A_FIT(name, of)  FACTS_FIT_A(lay_counters, name)
#define N_ROW(name)      FACTS_ROW_N(lay_counters, name)
#define A_ROW(name, of)  FACTS_ROW_A(lay_counters, name)
FACTS_OF(lay_counters, LIMITER_COUNTERS(N_SUM, A_SUM),
         LIMITER_COUNTERS(N_FIT, A_FIT), LIMITER_COUNTERS(N_ROW, A_ROW))

#define STATS_LAYOUT(N, A, T, S)                                               \
    T(S, head, lay_head) T(S, live, lay_stats_live)                            \
    T(S, counters, lay_counters) T(S, tally, lay_tally)                        \
    T(S, history, lay_history) T(S, trails, lay_trails)                  \
    T(S, ledgers, lay_ledger) T(S, board, lay_board)
FACTS(stats_layout, STATS_LAYOUT)
/* clang-format on */

uint32_t stats_hash(void)
{
    return facts_hash(&stats_layout_facts);
}
