/* main.c - runs every suite; ends with CUnit's own summary. */
#include <stdio.h>

#include <CUnit/Basic.h>

#include "lab.h"
#include "unit.h"

/*
 * A row per test file; the order is that of the folders' stories.
 *
 * Not state/ under TSan: a limiter belongs to one thread, so there is no race
 * to find, and TSan cannot bear how sigbus.c leaves its handler.  TSan blocks
 * every signal while one runs, siglongjmp() does not undo that (sigbus.c lets
 * the mask be, which costs a system call a turn), and the second SIGBUS kills.
 * The threads of a worker are seen by tests/curl/.
 */
static CU_ErrorCode (*const suites[])(void) = {
#ifndef __SANITIZE_THREAD__
    test_bucket_add,
    test_window_add,
    test_admit_add,
    test_limits_add,
    test_queue_add,
    test_row_add,
    test_state_file_add,
    test_stats_file_add,
    test_limiter_add,
    test_lost_add,
    test_share_add,
    test_shared_line_add,
    test_last_minute_add,
    test_own_key_add,
    test_view_cause_add,
    test_view_shared_add,
    test_view_verdict_add,
    test_retreat_add,
    test_concurrency_add,
    test_model_limit_add,
    test_verdicts_add,
    test_model_state_add,
    test_retry_priority_add,
    test_torn_add,
    test_attach_add,
    test_reservoir_add,
    test_counters_add,
    test_quota_add,
    test_operator_add,
    test_rings_add,
    test_history_save_add,
    test_board_add,
    test_upstream_map_add,
    test_history_file_add,
    test_ledger_add,
    test_ledger_file_add,
    test_history_ledger_add,
    test_trails_add,
    test_trail_file_add,
    test_rescope_add,
    test_alarms_add,
    test_turns_add,
    test_grant_add,
    test_admit_rules_add,
    test_weight_add,
    test_token_estimate_add,
    test_tokens_add,
    test_slot_source_add,
    test_leader_add,
#endif
    test_config_add,
    test_pool_add,
    test_json_walk_add,
    test_json_plain_add,
    test_model_name_add,
    test_conversation_add,
    test_asking_add,
    test_choices_add,
    test_routes_add,
    test_setting_rows_add,
    test_log_add,
    test_loop_add,
    test_find_add,
    test_request_add,
    test_route_add,
    test_auth_add,
    test_sse_add,
    test_client_add,
    test_reply_add,
    test_buf_add,
    test_deadlines_add,
    test_delay_add,
    test_upstream_error_add,
    test_verdict_add,
    test_refusal_words_add,
    test_accept_add,
    test_fingerprint_add,
    test_ready_add,
    test_stream_start_add,
    test_metrics_add,
    test_clients_add,
    test_cors_add,
    test_keys_add,
    test_live_add,
    test_revise_add,
    test_settings_add,
    test_store_url_add,
    test_store_ask_add,
    test_store_answer_add,
    test_store_check_add,
    test_notify_add,
    test_usage_add,
    test_usage_ask_add,
    test_usage_hide_add,
    test_adopt_add,
    test_answer_probe_add,
    test_redact_add,
    test_listing_add,
    test_sniff_add,
    test_whole_add,
    test_unfold_add,
    test_relay_add,
    test_upstream_add,
    test_transfer_add,
    test_vocabulary_add,
    test_multipart_add,
    test_header_rules_add,
    test_proxy_add,
    test_proxy_text_add,
    test_whence_add,
    test_origins_add,
    test_client_name_add,
    test_random_streams_add,
    test_messages_request_add,
    test_messages_answer_add,
    test_messages_stream_add,
    test_messages_parts_add,
    test_messages_too_long_add,
    test_tool_changes_add,
    test_messages_cuts_add,
    test_messages_round_add,
    test_messages_golden_add,
    test_event_data_add,
    test_responses_request_add,
    test_responses_tools_add,
    test_responses_answer_add,
    test_responses_stream_add,
    test_responses_cuts_add,
    test_custom_input_add,
};

int main(void)
{
    unsigned failures;
    size_t i;

    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        if (suites[i]() == CUE_SUCCESS)
            continue;
        fprintf(stderr, "unit-tests: %s\n", CU_get_error_msg());
        return 1;
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    if (CU_basic_run_tests() != CUE_SUCCESS)
        return 1;
    failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures > 0;
}
