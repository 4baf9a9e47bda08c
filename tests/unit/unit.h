/*
 * A suite is a table of sentences, ended by a row of NULLs; every test file
 * exports one function that registers its own.
 */
#ifndef SLUICE_UNIT_H
#define SLUICE_UNIT_H

#include <stddef.h>

#include <CUnit/CUnit.h>

struct unit_test {
    const char *sentence; /* what holds, as in "an empty queue has no head" */
    void (*run)(void);
};

static inline CU_ErrorCode unit_add(const char *suite,
                                    const struct unit_test *tests)
{
    CU_pSuite s = CU_add_suite(suite, NULL, NULL);

    for (; s != NULL && tests->sentence != NULL; tests++)
        if (CU_add_test(s, tests->sentence, tests->run) == NULL)
            break;
    return CU_get_error();
}

CU_ErrorCode test_config_add(void);
CU_ErrorCode test_settings_add(void);
CU_ErrorCode test_store_url_add(void);
CU_ErrorCode test_store_ask_add(void);
CU_ErrorCode test_store_answer_add(void);
CU_ErrorCode test_store_check_add(void);
CU_ErrorCode test_pool_add(void);
CU_ErrorCode test_json_walk_add(void);
CU_ErrorCode test_json_plain_add(void);
CU_ErrorCode test_model_name_add(void);
CU_ErrorCode test_conversation_add(void);
CU_ErrorCode test_asking_add(void);
CU_ErrorCode test_choices_add(void);
CU_ErrorCode test_setting_rows_add(void);
CU_ErrorCode test_log_add(void);
CU_ErrorCode test_loop_add(void);
CU_ErrorCode test_find_add(void);
CU_ErrorCode test_notify_add(void);
CU_ErrorCode test_usage_add(void);
CU_ErrorCode test_usage_ask_add(void);
CU_ErrorCode test_usage_hide_add(void);
CU_ErrorCode test_adopt_add(void);
CU_ErrorCode test_request_add(void);
CU_ErrorCode test_random_streams_add(void);
CU_ErrorCode test_multipart_add(void);
CU_ErrorCode test_header_rules_add(void);
CU_ErrorCode test_route_add(void);
CU_ErrorCode test_routes_add(void);
CU_ErrorCode test_auth_add(void);
CU_ErrorCode test_whence_add(void);
CU_ErrorCode test_origins_add(void);
CU_ErrorCode test_client_name_add(void);
CU_ErrorCode test_clients_add(void);
CU_ErrorCode test_keys_add(void);
CU_ErrorCode test_cors_add(void);
CU_ErrorCode test_sse_add(void);
CU_ErrorCode test_client_add(void);
CU_ErrorCode test_reply_add(void);
CU_ErrorCode test_buf_add(void);
CU_ErrorCode test_accept_add(void);
CU_ErrorCode test_delay_add(void);
CU_ErrorCode test_deadlines_add(void);
CU_ErrorCode test_listing_add(void);
CU_ErrorCode test_upstream_error_add(void);
CU_ErrorCode test_redact_add(void);
CU_ErrorCode test_refusal_words_add(void);
CU_ErrorCode test_verdict_add(void);
CU_ErrorCode test_fingerprint_add(void);
CU_ErrorCode test_ready_add(void);
CU_ErrorCode test_stream_start_add(void);
CU_ErrorCode test_answer_probe_add(void);
CU_ErrorCode test_sniff_add(void);
CU_ErrorCode test_whole_add(void);
CU_ErrorCode test_unfold_add(void);
CU_ErrorCode test_relay_add(void);
CU_ErrorCode test_vocabulary_add(void);
CU_ErrorCode test_metrics_add(void);
CU_ErrorCode test_live_add(void);
CU_ErrorCode test_revise_add(void);
CU_ErrorCode test_upstream_add(void);
CU_ErrorCode test_proxy_add(void);
CU_ErrorCode test_proxy_text_add(void);
CU_ErrorCode test_transfer_add(void);
CU_ErrorCode test_messages_request_add(void);
CU_ErrorCode test_custom_input_add(void);
CU_ErrorCode test_responses_answer_add(void);
CU_ErrorCode test_responses_cuts_add(void);
CU_ErrorCode test_responses_request_add(void);
CU_ErrorCode test_responses_stream_add(void);
CU_ErrorCode test_responses_tools_add(void);
CU_ErrorCode test_messages_answer_add(void);
CU_ErrorCode test_messages_stream_add(void);
CU_ErrorCode test_messages_parts_add(void);
CU_ErrorCode test_messages_too_long_add(void);
CU_ErrorCode test_tool_changes_add(void);
CU_ErrorCode test_messages_cuts_add(void);
CU_ErrorCode test_messages_round_add(void);
CU_ErrorCode test_messages_golden_add(void);
CU_ErrorCode test_event_data_add(void);

#endif
