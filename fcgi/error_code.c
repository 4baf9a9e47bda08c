/*
 * error_code.c - what is true of each error that clients get?
 */
#include "fcgi/error_code.h"

#include <assert.h>

#define ROW(code, ...) [code] = {__VA_ARGS__},
const struct error_row error_rows[] = {ERROR_CODE_LIST(ROW)};
#undef ROW
static_assert(ARRAY_LEN(error_rows) == ERROR_CODES, "a row for each");

/* The compiler names a refusal that is missing. */
enum error_code error_of_refusal(enum limiter_refusal why)
{
    switch (why) {
    case REFUSED_CLIENT_FULL:
        return ERROR_CLIENT_QUEUE_FULL;
    case REFUSED_DEADLINE:
        return ERROR_DEADLINE;
    case REFUSED_STATE:
        return ERROR_STATE;
    case REFUSED_MODEL_OFF:
    case REFUSED_UPSTREAM_HELD:
        return ERROR_UPSTREAM_OFF;
    case REFUSED_TOKENS:
        return ERROR_TOKENS;
    case REFUSED_NOT:
    case REFUSED_QUEUE_FULL:
    case REFUSED_BYTES:
    case REFUSED_TABLE:
    case REFUSALS:
        break;
    }
    return ERROR_QUEUE_FULL;
}
