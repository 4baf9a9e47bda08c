/*
 * The codes of errors that clients get: one list, of which enum, text and what
 * is true of each are made.
 */
#ifndef SLUICE_ERROR_CODE_H
#define SLUICE_ERROR_CODE_H

#include <stdbool.h>

#include "state/stats/outcomes.h"

/*
 * Code, its text, then where a call says nothing else: HTTP status; in how
 * many ms it is of use to come back, -1: not said; x-should-retry: 1 true, 0
 * false, -1 not said.  Then the reason that is counted, NONE: it is the
 * upstream's doing; and the outcome of a request that ends so.
 *
 * A new code is a row here, in API.md, and a reason in outcomes.h.
 */
#define ERROR_CODE_LIST(X)                                                     \
    X(ERROR_NONE, "", 0, -1, -1, REASON_NONE, OUTCOME_OK)                      \
    X(ERROR_QUEUE_FULL, "sluice_queue_full", 429, 5000, 1, REASON_QUEUE_FULL,  \
      OUTCOME_REFUSED)                                                         \
    X(ERROR_CLIENT_QUEUE_FULL, "sluice_client_queue_full", 429, 5000, 1,       \
      REASON_CLIENT_FULL, OUTCOME_REFUSED)                                     \
    X(ERROR_DEADLINE, "sluice_deadline", 429, -1, 0, REASON_DEADLINE,          \
      OUTCOME_REFUSED)                                                         \
    X(ERROR_QUEUE_TIMEOUT, "sluice_queue_timeout", 429, 5000, -1,              \
      REASON_QUEUE_TIMEOUT, OUTCOME_REFUSED)                                   \
    X(ERROR_PAUSED, "sluice_paused", 503, 5000, 1, REASON_PAUSED,              \
      OUTCOME_REFUSED)                                                         \
    X(ERROR_DRAINING, "sluice_draining", 503, 1000, 1, REASON_DRAINING,        \
      OUTCOME_REFUSED)                                                         \
    X(ERROR_UPSTREAM_OFF, "sluice_upstream_off", 503, -1, 0,                   \
      REASON_UPSTREAM_OFF, OUTCOME_OFF)                                        \
    X(ERROR_STATE, "sluice_state", 503, 1000, 1, REASON_STATE,                 \
      OUTCOME_REFUSED)                                                         \
    X(ERROR_CANCELLED, "sluice_cancelled", 503, -1, 0, REASON_CANCELLED,       \
      OUTCOME_CANCELLED)                                                       \
    X(ERROR_TOO_LARGE, "sluice_too_large", 413, -1, -1, REASON_TOO_LARGE,      \
      OUTCOME_CLIENT_ERROR)                                                    \
    X(ERROR_BAD_REQUEST, "sluice_bad_request", 400, -1, -1,                    \
      REASON_BAD_REQUEST, OUTCOME_CLIENT_ERROR)                                \
    /* Claude Code would try these two for minutes */                          \
    X(ERROR_UNAUTHORIZED, "sluice_unauthorized", 401, -1, 0,                   \
      REASON_UNAUTHORIZED, OUTCOME_REFUSED)                                    \
    X(ERROR_FORBIDDEN, "sluice_forbidden", 403, -1, 0, REASON_FORBIDDEN,       \
      OUTCOME_REFUSED)                                                         \
    X(ERROR_NOT_FOUND, "sluice_not_found", 404, -1, -1, REASON_NOT_FOUND,      \
      OUTCOME_CLIENT_ERROR)                                                    \
    X(ERROR_METHOD, "sluice_method", 405, -1, -1, REASON_METHOD,               \
      OUTCOME_CLIENT_ERROR)                                                    \
    X(ERROR_UPGRADE, "sluice_no_websocket", 426, -1, 0, REASON_NO_WEBSOCKET,   \
      OUTCOME_CLIENT_ERROR)                                                    \
    X(ERROR_TOKENS, "sluice_tokens", 400, -1, 0, REASON_TOKENS,                \
      OUTCOME_CLIENT_ERROR)                                                    \
    /* Anthropic's word for it, which its SDKs know */                         \
    X(ERROR_THREAD, "thread_unsupported_request", 400, -1, 0,                  \
      REASON_BAD_REQUEST, OUTCOME_CLIENT_ERROR)                                \
    X(ERROR_UPSTREAM_UNREACHABLE, "sluice_upstream_unreachable", 502, 1000,    \
      -1, REASON_NONE, OUTCOME_UPSTREAM_ERROR)                                 \
    X(ERROR_UPSTREAM_TIMEOUT, "sluice_upstream_timeout", 504, -1, -1,          \
      REASON_NONE, OUTCOME_UPSTREAM_ERROR)                                     \
    X(ERROR_UPSTREAM_TRUNCATED, "sluice_upstream_truncated", 502, 1000, -1,    \
      REASON_NONE, OUTCOME_TRUNCATED)                                          \
    /* a page's word, as OpenAI has it */                                      \
    X(ERROR_MODEL_NOT_FOUND, "model_not_found", 404, -1, 0, REASON_OTHER,      \
      OUTCOME_REFUSED)                                                         \
    /* its own error, in its own words; no error of ours */                    \
    X(ERROR_UPSTREAM, "upstream_error", 502, -1, -1, REASON_NONE,              \
      OUTCOME_UPSTREAM_ERROR)

enum error_code { ERROR_CODE_LIST(LIST_KIND) ERROR_CODES };

/* A row of that list. */
struct error_row {
    const char *text;
    int status;
    int retry_ms;
    int retry;
    enum reason reason;
    enum outcome outcome;
};

extern const struct error_row error_rows[ERROR_CODES];

/* What a refusal of the limiter is told as. */
enum error_code error_of_refusal(enum limiter_refusal why);

#endif
