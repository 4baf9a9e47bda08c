/*
 * error_code.c - what is true of each error that clients get?
 */
#include "fcgi/error_code.h"

#include <assert.h>

#define ROW(code, ...) [code] = {__VA_ARGS__},
const struct error_row error_rows[] = {ERROR_CODE_LIST(ROW)};
#undef ROW
static_assert(ARRAY_LEN(error_rows) == ERROR_CODES, "a row for each");

enum error_code error_of_refusal(enum limiter_refusal why)
{
    static const enum error_code codes[] = {
        [REFUSED_NOT] = ERROR_QUEUE_FULL,
        [REFUSED_QUEUE_FULL] = ERROR_QUEUE_FULL,
        [REFUSED_CLIENT_FULL] = ERROR_CLIENT_QUEUE_FULL,
        [REFUSED_BYTES] = ERROR_QUEUE_FULL,
        [REFUSED_DEADLINE] = ERROR_DEADLINE,
        [REFUSED_TABLE] = ERROR_QUEUE_FULL,
        [REFUSED_STATE] = ERROR_STATE,
        [REFUSED_MODEL_OFF] = ERROR_UPSTREAM_OFF,
        [REFUSED_UPSTREAM_HELD] = ERROR_UPSTREAM_OFF,
    };

    static_assert(ARRAY_LEN(codes) == REFUSALS, "a code for each");
    return codes[why];
}
