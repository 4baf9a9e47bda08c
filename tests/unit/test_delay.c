/* Mirrors fcgi/upstream/delay.c. */
#include "fcgi/upstream/delay.h"

#include <stdio.h>

#include "fcgi/config/bounds.h"
#include "unit.h"

/* Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110. */
#define THEN INT64_C(784111777)

struct row {
    const char *value;
    int64_t ms;
};

static void check(const struct row *r, int64_t have)
{
    if (have != r->ms)
        printf("\n    %s: %lld, not %lld\n", r->value, (long long)have,
               (long long)r->ms);
    CU_ASSERT_EQUAL(have, r->ms);
}

static void retry_after_is_seconds_or_a_date(void)
{
    static const struct row rows[] = {
        {NULL, -1},
        {"0", 0},
        {"1", 1000},
        {"0.25", 250},
        {"1.5", 1500},
        {"0.0001", 1},
        {"120", 120000},
        {"10800", 10800000},
        {"Sun, 06 Nov 1994 08:50:07 GMT", 30000},
        {"Sunday, 06-Nov-94 08:50:07 GMT", 30000},
        {"Sun Nov  6 08:50:07 1994", 30000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sat, 05 Nov 1994 08:49:37 GMT", 0},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&rows[i], delay_retry_after(rows[i].value, THEN));
}

/* The upstream's clock is an hour ahead, and so are both of its dates. */
static void a_date_counts_from_the_answers_own(void)
{
    static const char *const dates[] = {
        "Sun, 06 Nov 1994 09:49:37 GMT",
        "Sunday, 06-Nov-94 09:49:37 GMT",
        "Sun Nov  6 09:49:37 1994",
    };
    size_t i;

    for (i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        CU_ASSERT_EQUAL(delay_date(dates[i], THEN), THEN + 3600);
        CU_ASSERT_EQUAL(delay_retry_after("Sun, 06 Nov 1994 09:49:42 GMT",
                                          delay_date(dates[i], THEN)),
                        5000);
    }
    CU_ASSERT_EQUAL(delay_date(NULL, THEN), THEN);
    CU_ASSERT_EQUAL(delay_date("", THEN), THEN);
    CU_ASSERT_EQUAL(delay_date("now", THEN), THEN);
    CU_ASSERT_EQUAL(delay_date("784111777", THEN), THEN);
}

static void what_is_no_delay_is_ignored_and_none_exceeds_a_day(void)
{
    static const struct row rows[] = {
        {"", -1},
        {"-1", -1},
        {"+5", -1},
        {" 5", -1},
        {"5 ", -1},
        {"5s", -1},
        {"1e3", -1},
        {".5", -1},
        {"5.", -1},
        {"inf", -1},
        {"nan", -1},
        {"0x10", -1},
        {"soon", -1},
        {"1, 2", -1},
        {"Sun, 06 Nov 1994 08:50:07 CET", -1},
        {"Sun, 66 Nov 1994 08:50:07 GMT", -1},
        {"Sun, 06 Nov 1994 08:50:07 GMT, 5", -1},
        {"86400", DELAY_MS_MAX},
        {"86401", DELAY_MS_MAX},
        {"9223372036854775807", DELAY_MS_MAX},
        {"99999999999999999999999999999999999999999999", DELAY_MS_MAX},
        {"99999999999999999999999999.99999999999999999", DELAY_MS_MAX},
        {"Fri, 31 Dec 9999 23:59:59 GMT", DELAY_MS_MAX},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&rows[i], delay_retry_after(rows[i].value, THEN));
}

static void retry_after_ms_is_milliseconds(void)
{
    static const struct row rows[] = {
        {NULL, -1},     {"0", 0},   {"250", 250},
        {"250.5", 251}, {"x", -1},  {"-250", -1},
        {"", -1},       {"1s", -1}, {"99999999999999999999", DELAY_MS_MAX},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&rows[i], delay_retry_after_ms(rows[i].value));
}

static void a_reset_is_a_duration_or_seconds(void)
{
    static const struct row rows[] = {
        {NULL, -1},
        {"", -1},
        {"7", 7000},
        {"7.5", 7500},
        {"12s", 12000},
        {"350ms", 350},
        {"1m12.5s", 72500},
        {"2h0m1s", 7201000},
        {"0s", 0},
        {"100h", DELAY_MS_MAX},
        {"99999999999999999999h", DELAY_MS_MAX},
        {"1m1m1m", 180000},
        {"m", -1},
        {"12x", -1},
        {"1m12", -1},
        {"-12s", -1},
        {"1795406599", -1}, /* a date */
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&rows[i], delay_reset(rows[i].value));
}

static const struct unit_test tests[] = {
    {"Retry-After is seconds or a date", retry_after_is_seconds_or_a_date},
    {"a date counts from the answer's own", a_date_counts_from_the_answers_own},
    {"what is no delay is ignored, and none exceeds a day",
     what_is_no_delay_is_ignored_and_none_exceeds_a_day},
    {"retry-after-ms is milliseconds", retry_after_ms_is_milliseconds},
    {"a reset is a duration or seconds", a_reset_is_a_duration_or_seconds},
    {NULL, NULL},
};

CU_ErrorCode test_delay_add(void)
{
    return unit_add("delay", tests);
}
