/*
 * layout_hash.c - do two builds mean the same by a state file's bytes?
 *
 * A list for each struct that is mapped, the outer ones last (facts.h).  With a
 * new field, list it here; no version has to be raised for it.
 */
#include "state/file/layout_hash.h"

#include "state/policy/facts.h"
#include "state/policy/layout.h"

/* clang-format off */
#define LAY_HEAD(N, A, T, S)                                                   \
    A(S, magic) N(S, version) N(S, layout_hash) N(S, size) A(S, boot_id)       \
    N(S, time_ns) N(S, created_ns) N(S, secret) N(S, checksum) N(S, pad)
FACTS(lay_head, LAY_HEAD)

#define LAY_LIVE(N, A, T, S)                                                   \
    N(S, dirty) N(S, writes) N(S, retired) N(S, rows_high) N(S, now_ns)        \
    N(S, service_start_ns) N(S, swept_ns) N(S, last_id) N(S, last_grant)       \
    N(S, last_arrival) N(S, last_chunk) N(S, free_row) N(S, free_flow)         \
    N(S, free_chunk) N(S, free_chunks) N(S, client_chunks) N(S, workers_high)  \
    N(S, waiting) N(S, offered) N(S, open) N(S, running) N(S, stalled)         \
    N(S, limited) N(S, refusing) N(S, pad) N(S, held_bytes) A(S, active)       \
    A(S, retreating) A(S, lost_ns) A(S, scope_ns) N(S, quota_lost_ns)          \
    N(S, quota_span_ns) N(S, repairs)
FACTS(lay_live, LAY_LIVE)

#define LAY_RULES(N, A, T, S)                                              \
    A(S, name) N(S, window_ns) N(S, margin_ns) N(S, min_gap_ns)                \
    N(S, requests) N(S, burst) N(S, in_flight) N(S, per_model)                 \
    N(S, learns) N(S, line) N(S, share) N(S, tokens) N(S, counts) N(S, pad) \
    N(S, retreat_max_ns)
FACTS(lay_rules, LAY_RULES)

#define LAY_DRAFT(N, A, T, S)                                                  \
    N(S, n) N(S, at) A(S, bytes)
FACTS(lay_draft, LAY_DRAFT)

#define LAY_BOUNDS(N, A, T, S)                                             \
    N(S, waiting) N(S, per_client) N(S, bytes)
FACTS(lay_bounds, LAY_BOUNDS)

#define BUCKET(N, A, T, S)                                                     \
    N(S, level) N(S, at_ns)
FACTS(bucket, BUCKET)

#define CHANCE(N, A, T, S) N(S, fine) N(S, refused)
FACTS(chance, CHANCE)

#define PACE(N, A, T, S)                                                       \
    N(S, gap_ns) N(S, patience) N(S, streak) N(S, refused) N(S, testing)       \
    N(S, began) N(S, odds) N(S, test) N(S, soon_ns)
FACTS(pace, PACE)

#define RHYTHM(N, A, T, S)                                                     \
    N(S, since_ns) N(S, passed) N(S, refused) N(S, after) N(S, after_bad)      \
    N(S, known) N(S, next)
FACTS(rhythm, RHYTHM)

#define UPSTREAM_WINDOW(N, A, T, S)                                            \
    N(S, opened_ns) N(S, hits) N(S, refused) N(S, allowance) N(S, size)        \
    N(S, sure) N(S, step) N(S, calm) N(S, calm_next) N(S, doubt_ns)
FACTS(upstream_window, UPSTREAM_WINDOW)

#define FINDING(N, A, T, S)                                                    \
    N(S, first_ns) N(S, reopens_ns) N(S, tries) N(S, refusals) N(S, burst)     \
    N(S, passes) N(S, opening) N(S, credit) N(S, before) N(S, suspect)
FACTS(finding, FINDING)

#define RETREAT(N, A, T, S)                                                    \
    N(S, state) N(S, learned) N(S, since_ns) N(S, learned_ns) N(S, until_ns)   \
    N(S, grant) N(S, probe_id) N(S, probe_row) N(S, strays) N(S, last_ns) N(S, passed_ns) N(S, refused_ns)    \
    N(S, told_ns) N(S, refuse_ns) T(S, window, upstream_window) T(S, pace, pace) \
    T(S, find, finding) T(S, luck, chance) T(S, rhythm, rhythm)       \
    A(S, reason)
FACTS(retreat, RETREAT)

#define LAY_CLASS(N, A, T, S)                                                  \
    N(S, start) N(S, finish) N(S, v) N(S, n) N(S, may) N(S, flows) N(S, pad)
FACTS(lay_class, LAY_CLASS)

#define LAY_WINDOW(N, A, T, S)                                                 \
    N(S, first) N(S, last) N(S, n) N(S, pad) N(S, weight) N(S, tokens)
FACTS(lay_window, LAY_WINDOW)

#define LAY_SCOPE(N, A, T, S)                                                  \
    T(S, bucket, bucket) T(S, retreat, retreat) N(S, last_send_ns) N(S, v)     \
    T(S, cls, lay_class) T(S, window, lay_window) N(S, waiting) N(S, open)     \
    N(S, open_weight) N(S, open_tokens) N(S, lined_tokens) N(S, in_flight)     \
    N(S, leader) N(S, alarm_ns) N(S, source) N(S, kept) N(S, probed)           \
    N(S, unseen) N(S, unseen_ns)
FACTS(lay_scope, LAY_SCOPE)

#define LAY_FLOW(N, A, T, S)                                                   \
    N(S, used) N(S, scope) N(S, cls) N(S, client) N(S, share) N(S, start)      \
    N(S, finish) N(S, head) N(S, tail) N(S, n) N(S, prev) N(S, next)           \
    N(S, chain) N(S, may) N(S, pad)
FACTS(lay_flow, LAY_FLOW)

#define LAY_NAME(N, A, T, S)                                                   \
    N(S, used) N(S, owner) N(S, refs) N(S, lined) N(S, chain) N(S, open)       \
    N(S, last_ns) A(S, text)
FACTS(lay_name, LAY_NAME)

#define DAY_HOUR(N, A, T, S) N(S, newest_ns) N(S, tokens)
FACTS(day_hour, DAY_HOUR)

#define LAY_QUOTA(N, A, T, S)                                                  \
    T(S, window, lay_window) N(S, open_weight) N(S, open_tokens)               \
    N(S, lined_weight) N(S, lined_tokens) N(S, lost_ns) N(S, per_min)          \
    N(S, was_free) N(S, tokens_per_min) N(S, pad) N(S, tokens_per_day)         \
    N(S, generation) N(S, said_ns) T(S, hours, day_hour)
FACTS(lay_quota, LAY_QUOTA)

#define EJECTION(N, A, T, S)                                                   \
    N(S, until_ns) N(S, grant) N(S, streak) N(S, cause) N(S, pad)             \
    A(S, reason)
FACTS(ejection, EJECTION)

#define CONCURRENCY(N, A, T, S)                                                \
    N(S, limit) N(S, size) N(S, from) N(S, credit) N(S, refused)               \
    N(S, patience) N(S, streak) N(S, took) T(S, lone, chance)   \
    N(S, grant) \
    N(S, rest_ns) N(S, span_ns)
FACTS(concurrency, CONCURRENCY)

#define UPPER_PART(N, A, T, S) N(S, value) N(S, n) N(S, streak)
FACTS(upper_part, UPPER_PART)

#define TOKEN_RATIO(N, A, T, S) N(S, told) N(S, guessed)
FACTS(token_ratio, TOKEN_RATIO)

#define TOKEN_ESTIMATE(N, A, T, S)                                             \
    T(S, in, upper_part) T(S, out, upper_part) T(S, ratio, token_ratio)
FACTS(token_estimate, TOKEN_ESTIMATE)

#define LAY_MODEL_STATE(N, A, T, S)                                            \
    T(S, ejection, ejection) T(S, concurrency, concurrency) N(S, in_flight)    \
    N(S, waiting) N(S, open) N(S, kept) N(S, probed) N(S, pad) N(S, service_ns)\
    T(S, tokens, token_estimate)
FACTS(lay_model_state, LAY_MODEL_STATE)

#define LAY_DEBT(N, A, T, S)                                                   \
    T(S, ejection, ejection) N(S, lease_ns) N(S, try_id) N(S, try_row)         \
    N(S, faults) N(S, fault_id)
FACTS(lay_debt, LAY_DEBT)

#define LAY_REACHABILITY(N, A, T, S)                                           \
    N(S, owner) N(S, known) N(S, lease_ns) N(S, known_ns) N(S, status)         \
    N(S, pad) A(S, why)
FACTS(lay_reachability, LAY_REACHABILITY)

#define LAY_OWN_KEY(N, A, T, S)                                                \
    N(S, word) N(S, status) N(S, doubts) N(S, by_list) N(S, since_ns)          \
    N(S, mark) A(S, message)
FACTS(lay_own_key, LAY_OWN_KEY)

#define LAY_CONTROL(N, A, T, S)                                                \
    N(S, generation) N(S, pauses) N(S, paused_ns) N(S, cancels) N(S, pad)      \
    A(S, by)
FACTS(lay_control, LAY_CONTROL)

#define LAY_RETRY(N, A, T, S)                                                  \
    N(S, fingerprint) N(S, at_ns)
FACTS(lay_retry, LAY_RETRY)

#define LAY_AFFINITY(N, A, T, S)                                               \
    N(S, key) N(S, at_ns) N(S, upstream) N(S, pad)
FACTS(lay_affinity, LAY_AFFINITY)

#define LAY_WORKER(N, A, T, S)                                                 \
    N(S, used) N(S, pid) N(S, address) N(S, started_ns) N(S, seen_ns)          \
    N(S, stalled) N(S, offers) N(S, generation) N(S, upstreams) N(S, pad)
FACTS(lay_worker, LAY_WORKER)

#define LAY_ROW(N, A, T, S)                                                    \
    N(S, state) N(S, worker) N(S, id) N(S, arrival) N(S, joined_ns)            \
    N(S, changed_ns) N(S, grant) N(S, body_bytes) N(S, fingerprint)            \
    N(S, scope) N(S, cls) N(S, client) N(S, model) N(S, weight) N(S, flow)     \
    N(S, prev) N(S, next) N(S, share) N(S, flags) A(S, request_id)
FACTS(lay_row, LAY_ROW)

#define LAY_CHUNK(N, A, T, S)                                                  \
    N(S, scope1) N(S, begin) N(S, end) N(S, next) N(S, grant_end) N(S, grant)  \
    N(S, number) A(S, t) A(S, weight) A(S, tokens)
FACTS(lay_chunk, LAY_CHUNK)

#define LAY_PLACE(N, A, T, S) N(S, t_ns) N(S, chunk) N(S, k)
FACTS(lay_place, LAY_PLACE)

#define LAY_TOKENS(N, A, T, S)                                                 \
    N(S, in) N(S, out) N(S, takes) N(S, own) T(S, in_scope, lay_place)         \
    T(S, in_client, lay_place) N(S, lease)
FACTS(lay_tokens, LAY_TOKENS)

#define LAY_TRACE(N, A, T, S) A(S, text)
FACTS(lay_trace, LAY_TRACE)

#define LAY_CHOICE(N, A, T, S)                                                 \
    N(S, upstream) N(S, rank) N(S, model) N(S, patience) N(S, number) N(S, pad)
FACTS(lay_choice, LAY_CHOICE)

#define LAY_WANT(N, A, T, S) N(S, n) N(S, mark) T(S, choice, lay_choice)
FACTS(lay_want, LAY_WANT)

#define LAY_STORE(N, A, T, S)                                                  \
    N(S, state) N(S, leader) N(S, epoch) N(S, host) N(S, run) N(S, vv) N(S, calls)       \
    N(S, lines) N(S, lines_told) N(S, beat_ns) N(S, news_ns) N(S, since_ns) N(S, call_ns)    \
    N(S, answer_ns) N(S, rtt_ns) N(S, told_ns) N(S, full_ns) N(S, stirred)                   \
    N(S, told_waiting) N(S, hosts) N(S, share_on_loss) N(S, ahead)             \
    N(S, leases_high) N(S, held) N(S, unsettled) N(S, sync) N(S, part) N(S, was_alone) N(S, n_hosts)
FACTS(lay_store, LAY_STORE)

#define LAY_HOST(N, A, T, S)                                                   \
    N(S, host) N(S, called_ns) N(S, rtt_ns) N(S, waiting) N(S, leases)         \
    A(S, name)
FACTS(lay_host, LAY_HOST)

#define LAY_ROOM(N, A, T, S)                                                   \
    N(S, next_ns) N(S, call_ns) N(S, total) N(S, elsewhere) N(S, flying) N(S, waiting) N(S, recall)
FACTS(lay_room, LAY_ROOM)

#define LAY_MIRROR(N, A, T, S) N(S, version) N(S, hash)
FACTS(lay_mirror, LAY_MIRROR)

#define LAY_LEASE(N, A, T, S)                                                  \
    N(S, state) N(S, scope) N(S, id) N(S, end_ns) N(S, at_ns) N(S, row_id)     \
    N(S, row) N(S, cls) N(S, client) N(S, by_cls) N(S, by_client)              \
    N(S, tokens) N(S, call)
FACTS(lay_lease, LAY_LEASE)

#define LAYOUT(N, A, T, S)                                                     \
    T(S, head, lay_head) T(S, live, lay_live) T(S, rules, lay_rules)       \
    T(S, draft, lay_draft) T(S, bounds, lay_bounds)                        \
    T(S, scopes, lay_scope) A(S, flow_hash) A(S, client_hash)                  \
    A(S, model_hash) T(S, flows, lay_flow) T(S, clients, lay_name)             \
    T(S, models, lay_name) T(S, quotas, lay_quota)                             \
    T(S, model_states, lay_model_state) T(S, debts, lay_debt)                        \
    T(S, probe, lay_reachability) T(S, own_keys, lay_own_key)                  \
    T(S, control, lay_control)                                                 \
    T(S, retries, lay_retry) T(S, affinities, lay_affinity)                    \
    T(S, workers, lay_worker) T(S, rows, lay_row)                              \
    T(S, traces, lay_trace) T(S, wants, lay_want) T(S, tokens, lay_tokens)     \
    T(S, chunks, lay_chunk) T(S, store, lay_store) T(S, hosts, lay_host) T(S, rooms, lay_room)       \
    T(S, mirrors, lay_mirror) T(S, settings, lay_mirror) T(S, leases, lay_lease) A(S, row_lease)
FACTS(layout, LAYOUT)
/* clang-format on */

uint32_t layout_hash(void)
{
    return facts_hash(&layout_facts);
}
