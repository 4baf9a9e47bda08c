/*
 * delay.c - for how long does an upstream want to be left alone?
 *
 * Read digit by digit: strtod() would take "inf", "nan" and "0x10" too, and
 * what is no number must not become one.
 */
#include "fcgi/upstream/delay.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "fcgi/config/bounds.h"
#include "state/limiter.h"

#define MS_PER_S 1000
/* Above any delay, and far from what would overflow below. */
#define TOO_MANY (INT64_MAX / (INT64_C(1) << 24))

/*
 * Digits with or without a fraction at *P, as thousandths, rounded up; *P is
 * moved behind them.  -1: there are none.
 */
static int64_t thousandths(const char **p)
{
    const char *s = *p;
    int64_t n = 0, unit = 100;
    bool has_more = false;

    if (*s < '0' || *s > '9')
        return -1;
    for (; *s >= '0' && *s <= '9'; s++)
        n = n > TOO_MANY ? n : n * 10 + (*s - '0');
    n *= 1000;
    if (*s == '.' && s[1] >= '0' && s[1] <= '9')
        for (s++; *s >= '0' && *s <= '9'; s++, unit /= 10) {
            n += unit * (*s - '0');
            has_more = has_more || (unit == 0 && *s != '0');
        }
    *p = s;
    return has_more ? n + 1 : n;
}

/* All of VALUE as thousandths; -1: it is something else. */
static int64_t number(const char *value)
{
    int64_t n = thousandths(&value);

    return *value == '\0' ? n : -1;
}

static int64_t bounded(int64_t ms)
{
    return min_i64(ms, DELAY_MS_MAX);
}

/* RFC 9110, 5.6.7: the form to send, and two that are obsolete. */
static int64_t date(const char *value)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(forms); i++) {
        struct tm tm;
        const char *end;

        memset(&tm, 0, sizeof(tm));
        end = strptime(value, forms[i], &tm);
        if (end != NULL && *end == '\0')
            return timegm(&tm);
    }
    return -1;
}

int64_t delay_date(const char *value, int64_t now_s)
{
    int64_t when_s = value == NULL ? -1 : date(value);

    return when_s < 0 ? now_s : when_s;
}

int64_t delay_retry_after(const char *value, int64_t now_s)
{
    int64_t ms, when_s;

    if (value == NULL)
        return -1;
    ms = number(value);
    if (ms >= 0)
        return bounded(ms);
    when_s = date(value);
    if (when_s < 0)
        return -1;
    if (when_s <= now_s)
        return 0;
    return bounded(min_i64(when_s - now_s, DELAY_MS_MAX) * MS_PER_S);
}

int64_t delay_retry_after_ms(const char *value)
{
    int64_t n = value == NULL ? -1 : number(value);

    return n < 0 ? -1 : bounded((n + 999) / 1000);
}

/* The length in ms of the unit at *P, which is moved behind it; 0: none. */
static int64_t unit_ms(const char **p)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    size_t i;

    for (i = 0; i < ARRAY_LEN(units); i++) {
        size_t len = strlen(units[i].name);

        if (strncmp(*p, units[i].name, len) == 0) {
            *p += len;
            return units[i].ms;
        }
    }
    return 0;
}

int64_t delay_reset(const char *value)
{
    int64_t total = 0;

    if (value == NULL || *value == '\0')
        return -1;
    if (number(value) >= 0)
        return number(value) > DELAY_MS_MAX ? -1 : number(value);
    while (*value != '\0') {
        int64_t n = thousandths(&value);
        int64_t unit = unit_ms(&value);

        if (n < 0 || unit == 0)
            return -1;
        n = min_i64(n, DELAY_MS_MAX * INT64_C(1000));
        total = bounded(total + (n * unit + 999) / 1000);
    }
    return total;
}
