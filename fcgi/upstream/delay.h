/*
 * For how long does an upstream want to be left alone?
 */
#ifndef SLUICE_DELAY_H
#define SLUICE_DELAY_H

#include <stdint.h>

/*
 * The value of a Retry-After header (RFC 9110, 10.2.3) in milliseconds from
 * NOW_S, seconds since 1970 (delay_date()): whole or broken seconds, or a date in any of the
 * three forms of RFC 9110, 5.6.7.  At most DELAY_MS_MAX; 0 for a date that is
 * past; -1 for NULL and for what is none of these.
 */
int64_t delay_retry_after(const char *value, int64_t now_s);

/* What a Date header says, seconds since 1970; NOW_S for NULL and for what is
 * no date.  Both of an answer's dates are of one clock, which may be wrong. */
int64_t delay_date(const char *value, int64_t now_s);

/* As a Retry-After, that of retry-after-ms, which OpenAI's SDKs know: milliseconds. */
int64_t delay_retry_after_ms(const char *value);

/*
 * As a Retry-After, that of x-ratelimit-reset-...: a duration as Go writes it ("1m12.5s",
 * "350ms"), or seconds.  -1 also for more seconds than a bench may last: then
 * it is a date in seconds or milliseconds, and nobody says which.
 */
int64_t delay_reset(const char *value);

#endif
