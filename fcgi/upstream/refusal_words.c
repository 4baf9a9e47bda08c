/*
 * refusal_words.c - what do the words of a refusal say: does it help to wait?
 *
 *   code "insufficient_quota"         not before somebody has paid
 *   "Limit 6000, Requested 14810"     never, for this request
 *   "limit: 0"                        the same
 *   code "overloaded_error"           yes, and for longer than a moment
 *
 * Nothing of it holds back anybody else but the first, and that only by a code
 * or a type: those are the upstream's own, while a message may quote a prompt.
 */
#include "fcgi/upstream/refusal_words.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base.h"

/* Where a message that says "overloaded" says it; a prompt comes later. */
#define LOAD_WITHIN 80
/* Far above any limit, far from what would overflow. */
#define NUMBER_MAX INT64_C(1000000000000)

/* ---- money -------------------------------------------------------------------- */

bool refusal_words_of_billing(const struct upstream_error_words *w)
{
    static const char *const words[] = {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_error",
        "billing_not_active",
        "access_terminated",
        "access_terminated_error",
        "exceeded_current_quota_error", /* Moonshot: not the rate's */
        "insufficient_balance",
        "insufficient_credits",
        "Arrearage",           /* DashScope */
        "AccountOverdueError", /* Ark */
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(w->code, words[i]) == 0 || strcmp(w->type, words[i]) == 0)
            return true;
    return false;
}

bool refusal_words_of_price(const struct upstream_error_words *w)
{
    static const char words[] = "This request requires more credits";

    return strncmp(w->message, words, sizeof(words) - 1) == 0;
}

/* ---- size ---------------------------------------------------------------------- */

/* "6000", ": 6,000", " ~6000" at *P, which is moved behind it; -1: no number. */
static int64_t number(const char **p)
{
    const char *s = *p + strspn(*p, " :=~");
    int64_t n = 0;

    if (s == *p || *s < '0' || *s > '9')
        return -1;
    for (;
         (*s >= '0' && *s <= '9') || (*s == ',' && s[1] >= '0' && s[1] <= '9');
         s++)
        if (*s != ',')
            n = min_i64(n * 10 + (*s - '0'), NUMBER_MAX);
    *p = s;
    return *s == '.' && s[1] >= '0' && s[1] <= '9' ? -1 : n;
}

/* The first number that stands behind WORD, and what follows; -1: none does. */
static int64_t number_behind(const char *text, const char *word,
                             const char **rest)
{
    const char *at = text;
    int64_t n;

    while ((at = strcasestr(at, word)) != NULL) {
        at += strlen(word);
        n = number(&at);
        *rest = at;
        if (n >= 0)
            return n;
    }
    return -1;
}

/* "Rate limit: 0 requests remaining" is none. */
static bool tells_what_is_left(const char *rest)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%.31s", rest);
    return strcasestr(text, "remaining") != NULL ||
           strcasestr(text, " left") != NULL;
}

/* One of several limits may be the one that is nothing. */
static bool has_no_limit(const char *text)
{
    const char *rest = text;
    int64_t n;

    while ((n = number_behind(rest, "limit", &rest)) >= 0)
        if (n == 0 && !tells_what_is_left(rest))
            return true;
    return false;
}

bool refusal_words_of_size(const struct upstream_error_words *w)
{
    const char *rest;
    int64_t limit = number_behind(w->message, "limit", &rest);
    int64_t requested = number_behind(w->message, "requested", &rest);

    if (limit >= 0 && requested >= 0)
        return requested > limit;
    return has_no_limit(w->message);
}

/* The second number is the limit: the first counts others as well. */
uint32_t refusal_words_at_once(const struct upstream_error_words *w)
{
    static const char words[] = " limit reached (";
    const char *p = strstr(w->message, words);
    unsigned n = 0;
    char end = '\0';

    if (p == NULL ||
        sscanf(p + sizeof(words) - 1, "%*9[0-9]/%5u%c", &n, &end) != 2 ||
        end != ')')
        return 0;
    return n <= 10000 ? n : 0;
}

/* ---- load ---------------------------------------------------------------------- */

bool refusal_words_of_load(const struct upstream_error_words *w)
{
    char begin[LOAD_WITHIN + 1];

    (void)snprintf(begin, sizeof(begin), "%.*s", LOAD_WITHIN, w->message);
    return strcasestr(w->type, "overloaded") != NULL ||
           strcasestr(w->code, "overloaded") != NULL ||
           strcasestr(begin, "overloaded") != NULL;
}
