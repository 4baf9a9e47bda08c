/*
 * A shared state in private memory, for the tests of its parts: no file, no
 * lock, no clock.
 */
#ifndef SLUICE_LAB_H
#define SLUICE_LAB_H

#include "state/policy/layout.h"
#include "state/policy/take.h"
#include "state/stats/stats_layout.h"
#include "unit.h"

/* Far beyond any machine's time since boot, which the limiter would take
 * instead of an earlier one. */
#define LAB_T0 (INT64_C(400000000) * NS_PER_S)

/* An empty state at LAB_T0; free(3) it. */
struct layout *lab_new(void);

/* Empty statistics; free(3) them. */
struct stats_layout *lab_stats(void);

/* REQUESTS in WINDOW_S and MARGIN_MS, nothing else set. */
struct limiter_rules lab_rules(uint32_t requests, int64_t window_s,
                               int64_t margin_ms);

/* The same, as a row of the file. */
struct lay_rules lab_lay_rules(uint32_t requests, int64_t window_s,
                               int64_t margin_ms);

/* A request of CLIENT. */
struct limiter_request lab_request(const char *client, enum limiter_class cls,
                                   uint32_t weight);

/* Lets one of CLIENT join scope 0's line.  Its row. */
uint32_t lab_join(struct layout *lay, const char *client, int64_t now);

/* The same of one that weighs WEIGHT. */
uint32_t lab_join_heavy(struct layout *lay, const char *client, uint32_t weight,
                        int64_t now);

/* The same of one that takes WHAT. */
uint32_t lab_join_taking(struct layout *lay, const char *client,
                         struct take what, int64_t now);

/* One of scope 0 is granted and written at once. */
void lab_send(struct layout *lay, int64_t now);
/* May one more of scope 0 go? */
bool lab_may_send(struct layout *lay, int64_t now);

/* Are all counts what a recount from the slots gives?  Asserts. */
void lab_recount(struct layout *lay);
/* Is there no row, no waiter and no open send left?  Asserts. */
void lab_is_settled(struct layout *lay);

/* Pseudo-random numbers below N, the same in each run. */
uint32_t lab_random(uint32_t n);

/* The suites of state/. */
CU_ErrorCode test_bucket_add(void);
CU_ErrorCode test_window_add(void);
CU_ErrorCode test_admit_add(void);
CU_ErrorCode test_admit_rules_add(void);
CU_ErrorCode test_weight_add(void);
CU_ErrorCode test_token_estimate_add(void);
CU_ErrorCode test_tokens_add(void);
CU_ErrorCode test_slot_source_add(void);
CU_ErrorCode test_leader_add(void);
CU_ErrorCode test_alarms_add(void);
CU_ErrorCode test_turns_add(void);
CU_ErrorCode test_limits_add(void);
CU_ErrorCode test_queue_add(void);
CU_ErrorCode test_quota_add(void);
CU_ErrorCode test_row_add(void);
CU_ErrorCode test_state_file_add(void);
CU_ErrorCode test_stats_file_add(void);
CU_ErrorCode test_limiter_add(void);
CU_ErrorCode test_lost_add(void);
CU_ErrorCode test_share_add(void);
CU_ErrorCode test_shared_line_add(void);
CU_ErrorCode test_last_minute_add(void);
CU_ErrorCode test_own_key_add(void);
CU_ErrorCode test_view_cause_add(void);
CU_ErrorCode test_view_shared_add(void);
CU_ErrorCode test_view_verdict_add(void);
CU_ErrorCode test_retreat_add(void);
CU_ErrorCode test_concurrency_add(void);
CU_ErrorCode test_model_limit_add(void);
CU_ErrorCode test_verdicts_add(void);
CU_ErrorCode test_model_state_add(void);
CU_ErrorCode test_retry_priority_add(void);
CU_ErrorCode test_torn_add(void);
CU_ErrorCode test_attach_add(void);
CU_ErrorCode test_rings_add(void);
CU_ErrorCode test_grant_add(void);
CU_ErrorCode test_history_save_add(void);
CU_ErrorCode test_history_file_add(void);
CU_ErrorCode test_ledger_add(void);
CU_ErrorCode test_ledger_file_add(void);
CU_ErrorCode test_history_ledger_add(void);
CU_ErrorCode test_trails_add(void);
CU_ErrorCode test_trail_file_add(void);
CU_ErrorCode test_board_add(void);
CU_ErrorCode test_reservoir_add(void);
CU_ErrorCode test_counters_add(void);
CU_ErrorCode test_operator_add(void);
CU_ErrorCode test_upstream_map_add(void);
CU_ErrorCode test_rescope_add(void);

#endif
