/*
 * faults.c - one row per fault: its word in a model's name, what is answered.
 *
 * The bodies follow what is known of NVIDIA's gateway (NVCF, problem+json),
 * of its edge (plain text 404) and of the model servers behind it.
 */
#include "faults.h"

#include <string.h>

#define PROBLEM "application/problem+json"
#define JSON    "application/json"
#define TEXT    "text/plain; charset=utf-8"

#define GONE_BODY                                                              \
    "{\"status\":410,\"title\":\"Gone\",\"detail\":"                           \
    "\"The model has reached its end of life\"}"

struct fault_row {
    const char *word; /* NULL: cannot be asked for by name */
    struct fault_answer answer;
};

static const struct fault_row rows[FAULT_COUNT] = {
    [FAULT_RATE] = {"429",
                    {429, PROBLEM,
                     "{\"status\":429,\"title\":\"Too Many Requests\"}", 0}},
    [FAULT_RATE_DETAIL] =
        {"429-detail",
         {429, PROBLEM,
          "{\"status\":429,\"title\":\"Too Many Requests\",\"detail\":"
          "\"Function work queue is full\"}",
          0}},
    [FAULT_INTERNAL] = {"500",
                        {500, JSON,
                         "{\"message\":\"Internal server error\",\"type\":"
                         "\"internal_server_error\",\"code\":500}",
                         0}},
    [FAULT_EXHAUSTED] = {"exhausted", {503, JSON, FAULT_EXHAUSTED_BODY, 0}},
    [FAULT_OFFLINE] = {"offline",
                       {503, PROBLEM,
                        "{\"status\":503,\"title\":\"Service Unavailable\","
                        "\"detail\":\"The model is offline\"}",
                        10800}},
    [FAULT_EOL] = {"eol", {410, PROBLEM, GONE_BODY, 0}},
    [FAULT_DEGRADED] =
        {"degraded",
         {400, PROBLEM,
          "{\"status\":400,\"title\":\"Bad Request\",\"detail\":\"Function id "
          "'00000000-0000-4000-8000-000000000000': DEGRADED function cannot "
          "be invoked\"}",
          0}},
    [FAULT_NOT_GRANTED] =
        {"not-granted",
         {404, PROBLEM,
          "{\"status\":404,\"title\":\"Not Found\",\"detail\":\"Function "
          "'00000000-0000-4000-8000-000000000000': Not found for account "
          "'practice'\"}",
          0}},
    [FAULT_CREDITS] = {"credits",
                       {402, PROBLEM,
                        "{\"status\":402,\"title\":\"Payment Required\","
                        "\"detail\":\"Cloud credits expired\"}",
                        0}},
    [FAULT_BAD_GATEWAY] = {"502",
                           {502, PROBLEM,
                            "{\"status\":502,\"title\":\"Bad Gateway\","
                            "\"detail\":\"Upstream request failed.\"}",
                            0}},
    [FAULT_POLL_TIMEOUT] = {"504", {504, NULL, "", 0}},
    [FAULT_UNKNOWN] = {"unknown", {404, TEXT, "404 page not found\n", 0}},
    [FAULT_NO_KEY] = {"401",
                      {401, PROBLEM,
                       "{\"status\":401,\"title\":\"Unauthorized\","
                       "\"detail\":\"Header of type `authorization` was "
                       "missing\"}",
                       0}},
    [FAULT_WRONG_KEY] = {"403",
                         {403, PROBLEM,
                          "{\"status\":403,\"title\":\"Forbidden\","
                          "\"detail\":\"Authorization failed\"}",
                          0}},
    [FAULT_RATE_GATEWAY] = {"429-gateway",
                            {429, JSON,
                             "{\"message\":\"rate limit exceeded\"}\n", 0}},
    [FAULT_OVERLOADED] = {"overloaded",
                          {503, PROBLEM,
                           "{\"status\":503,\"title\":\"Service Unavailable\","
                           "\"detail\":\"Service temporarily overloaded\"}",
                           0}},
    [FAULT_GONE] = {"gone", {410, PROBLEM, GONE_BODY, 0}},
    [FAULT_BAD_MODEL_SERVER] =
        {"400-model",
         {400, JSON,
          "{\"message\":\"max_tokens must be at least 1, got -1.\","
          "\"type\":\"Bad Request\",\"code\":400}",
          0}},
    [FAULT_BAD_OPENAI] =
        {"400-openai",
         {400, JSON,
          "{\"error\":{\"message\":\"'temperature' must be between 0 and 2\","
          "\"type\":\"invalid_request_error\",\"param\":\"temperature\","
          "\"code\":\"invalid_value\"}}",
          0}},
    [FAULT_BAD_FIELD] =
        {"422",
         {422, JSON,
          "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\","
          "\"store\"],\"msg\":\"Extra inputs are not permitted\","
          "\"input\":false}]}",
          0}},
    [FAULT_NO_JOB] = {NULL,
                      {404, PROBLEM,
                       "{\"status\":404,\"title\":\"Not Found\","
                       "\"detail\":\"Request id not found\"}",
                       0}},
    [FAULT_QUOTA] = {"quota",
                     {429, JSON,
                      "{\"error\":{\"message\":\"You exceeded your current "
                      "quota, please check your plan and billing details.\","
                      "\"type\":\"insufficient_quota\",\"param\":null,"
                      "\"code\":\"insufficient_quota\"}}",
                      0}},
    [FAULT_BILLING] = {"billing",
                       {400, JSON,
                        "{\"error\":{\"message\":\"Billing hard limit has been "
                        "reached\",\"type\":\"invalid_request_error\","
                        "\"param\":null,\"code\":"
                        "\"billing_hard_limit_reached\"}}",
                        0}},
    [FAULT_LIMIT_NONE] = {"limit-none",
                          {429, JSON,
                           "{\"error\":{\"code\":429,\"message\":\"You "
                           "exceeded your current quota, please check your "
                           "plan and billing details.\\n* Quota exceeded for "
                           "metric: free_tier_requests, limit: 0\\nPlease "
                           "retry in 30s.\",\"status\":\"RESOURCE_EXHAUSTED\""
                           "}}",
                           0}},
    [FAULT_TOO_LARGE] = {"too-large",
                         {429, JSON,
                          "{\"error\":{\"message\":\"Request too large for "
                          "model on tokens per minute (TPM): Limit 6000, "
                          "Requested 14810, please reduce your message "
                          "size.\",\"type\":\"tokens\",\"code\":"
                          "\"rate_limit_exceeded\"}}",
                          2}},
    [FAULT_AT_ONCE] = {"at-once",
                       {429, JSON,
                        "{\"status\":429,\"error\":\"INSUFFICIENT QUOTA\","
                        "\"message\":\"You exceeded your current limit of "
                        "concurrent requests.\"}",
                        0}},
    [FAULT_DEAR] = {"dear",
                    {402, JSON,
                     "{\"error\":{\"message\":\"This request requires more "
                     "credits, or fewer max_tokens. You requested up to 4096 "
                     "tokens, but can only afford 100.\",\"code\":402}}",
                     0}},
    [FAULT_OVERLOADED_529] = {"529",
                              {529, JSON,
                               "{\"type\":\"error\",\"error\":{\"type\":"
                               "\"overloaded_error\",\"message\":"
                               "\"Overloaded\"}}",
                               0}},
    [FAULT_RATE_INSIDE] = {"429-inside",
                           {200, JSON,
                            "{\"error\":{\"message\":\"Provider returned "
                            "error\",\"code\":429,\"metadata\":{\"raw\":"
                            "\"rate-limited upstream\"}},\"user_id\":\"u\"}",
                            0}},
    [FAULT_GATEWAY_INSIDE] = {"502-inside",
                              {200, JSON,
                               "{\"error\":{\"message\":\"Provider returned "
                               "error\",\"code\":\"502\"}}",
                               0}},
    [FAULT_ERROR_BESIDE] = {"error-beside",
                            {200, JSON,
                             "{\"error\":{\"message\":\"a part failed\","
                             "\"code\":429},\"choices\":[{\"index\":0,"
                             "\"message\":{\"role\":\"assistant\",\"content\":"
                             "\"the rest\"},\"finish_reason\":\"error\"}]}",
                             0}},
    [FAULT_STREAM_OVERLOADED] = {"overloaded-stream", {200, NULL, NULL, 0}},
    [FAULT_EVENT_OVERLOADED] = {"overloaded-event", {200, NULL, NULL, 0}},
    [FAULT_STREAM_EXHAUSTED] = {"exhausted-stream", {200, NULL, NULL, 0}},
    [FAULT_HANG] = {"hang", {0, NULL, NULL, 0}},
    [FAULT_RESET] = {"reset", {0, NULL, NULL, 0}},
    [FAULT_CLOSE] = {"close", {0, NULL, NULL, 0}},
    [FAULT_GARBAGE] = {"garbage", {0, NULL, NULL, 0}},
    [FAULT_BADHEADER] = {"badheader", {200, NULL, NULL, 0}},
    [FAULT_BIGHEADER] = {"bigheader", {200, NULL, NULL, 0}},
    [FAULT_SHORT] = {"short", {200, NULL, NULL, 0}},
};

enum fault fault_parse(const char *word, size_t len)
{
    size_t i;

    for (i = 0; i < FAULT_COUNT; i++) {
        const char *name = rows[i].word;

        if (name != NULL && strlen(name) == len &&
            strncmp(name, word, len) == 0)
            return (enum fault)i;
    }
    return FAULT_NONE;
}

const char *fault_word(enum fault fault)
{
    return rows[fault].word;
}

const struct fault_answer *fault_answer(enum fault fault)
{
    return rows[fault].answer.body == NULL ? NULL : &rows[fault].answer;
}

int fault_status(enum fault fault)
{
    return rows[fault].answer.status;
}
