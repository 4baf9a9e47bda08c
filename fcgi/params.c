/*
 * params.c - which parameters did the web server send, and are they sound?
 *
 * Hostile: names may occur twice (two spellings of one header become one
 * parameter name), values may hold control characters.  What is the server's
 * own and of no use to us may do so: Apache's SERVER_SIGNATURE ends its line.
 */
#include "fcgi/params.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "fcgi/fault.h"

struct name {
    const char *text;
    size_t len;
};

#define NAME(text)                                                             \
    {                                                                          \
        text, sizeof(text) - 1                                                 \
    }
static const struct name names[PARAM_COUNT] = {
    [PARAM_CONTENT_LENGTH] = NAME("CONTENT_LENGTH"),
    [PARAM_CONTENT_TYPE] = NAME("CONTENT_TYPE"),
    [PARAM_ACCESS_CONTROL_REQUEST_HEADERS] =
        NAME("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
    [PARAM_API_KEY] = NAME("HTTP_API_KEY"),
    [PARAM_AUTHORIZATION] = NAME("HTTP_AUTHORIZATION"),
    [PARAM_FORWARDED] = NAME("HTTP_FORWARDED"),
    [PARAM_HOST] = NAME("HTTP_HOST"),
    [PARAM_ORIGIN] = NAME("HTTP_ORIGIN"),
    [PARAM_SEC_FETCH_SITE] = NAME("HTTP_SEC_FETCH_SITE"),
    [PARAM_SEC_WEBSOCKET_KEY] = NAME("HTTP_SEC_WEBSOCKET_KEY"),
    [PARAM_UPGRADE] = NAME("HTTP_UPGRADE"),
    [PARAM_USER_AGENT] = NAME("HTTP_USER_AGENT"),
    [PARAM_X_API_KEY] = NAME("HTTP_X_API_KEY"),
    [PARAM_X_FORWARDED_FOR] = NAME("HTTP_X_FORWARDED_FOR"),
    [PARAM_X_SLUICE_CLIENT] = NAME("HTTP_X_SLUICE_CLIENT"),
    [PARAM_X_SLUICE_DEADLINE] = NAME("HTTP_X_SLUICE_DEADLINE"),
    [PARAM_X_SLUICE_PRIORITY] = NAME("HTTP_X_SLUICE_PRIORITY"),
    [PARAM_X_STAINLESS_READ_TIMEOUT] = NAME("HTTP_X_STAINLESS_READ_TIMEOUT"),
    [PARAM_X_STAINLESS_RETRY_COUNT] = NAME("HTTP_X_STAINLESS_RETRY_COUNT"),
    [PARAM_X_STAINLESS_RUNTIME] = NAME("HTTP_X_STAINLESS_RUNTIME"),
    [PARAM_X_STAINLESS_TIMEOUT] = NAME("HTTP_X_STAINLESS_TIMEOUT"),
    [PARAM_REMOTE_ADDR] = NAME("REMOTE_ADDR"),
    [PARAM_REQUEST_METHOD] = NAME("REQUEST_METHOD"),
    [PARAM_REQUEST_URI] = NAME("REQUEST_URI"),
};

/* What was seen so far.  LIKE: a bit for each length and last letter that was
 * among them; most names are alone with theirs. */
struct seen {
    struct name names[PARAMS_MAX];
    size_t n;
    uint64_t like;
};

static bool is_header(struct name n)
{
    return n.len >= 5 && memcmp(n.text, "HTTP_", 5) == 0;
}

/* Which of ours is it?  PARAM_COUNT: none.  The last letters differ most. */
static size_t known(struct name n)
{
    size_t i;

    if (n.len < sizeof("HTTP_HOST") - 1 ||
        (*n.text != 'H' && *n.text != 'C' && *n.text != 'R'))
        return PARAM_COUNT; /* most are the web server's own */
    for (i = 0; i < PARAM_COUNT; i++)
        if (names[i].len == n.len &&
            names[i].text[n.len - 1] == n.text[n.len - 1] &&
            memcmp(names[i].text, n.text, n.len) == 0)
            break;
    return i;
}

/* HTTP_X_FOO -> "x-foo", for people. */
static const char *header_name(struct name n, char *out, size_t max)
{
    size_t i = is_header(n) ? 5 : 0, o;

    for (o = 0; i < n.len && o + 1 < max; i++, o++) {
        unsigned char c = (unsigned char)n.text[i];

        out[o] = '?';
        if (c == '_')
            out[o] = '-';
        else if (isalnum(c))
            out[o] = (char)tolower(c);
    }
    out[o] = '\0';
    return out;
}

/* Notes N.  True: it was there before. */
static bool is_repeated(struct seen *s, struct name n)
{
    unsigned last = n.len > 0 ? (unsigned char)n.text[n.len - 1] : 0;
    uint64_t bit = UINT64_C(1) << ((n.len * 7 + last) & 63);
    bool may_be = (s->like & bit) != 0;
    size_t i;

    for (i = 0; may_be && i < s->n; i++)
        if (s->names[i].len == n.len &&
            memcmp(s->names[i].text, n.text, n.len) == 0)
            return true;
    s->like |= bit;
    s->names[s->n++] = n;
    return false;
}

static bool has_control(const char *s)
{
    for (; *s != '\0'; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return true;
    return false;
}

/* Of one that is known, or a header. */
static void check(struct name n, struct fault *fault)
{
    char shown[64];

    if (has_control(n.text))
        fault_bad(fault, "The header %s holds a control character.",
                  header_name(n, shown, sizeof(shown)));
}

static void take(struct params *p, struct seen *s, struct name n,
                 struct fault *fault)
{
    bool repeated = is_repeated(s, n);
    size_t which = known(n);
    char shown[64];

    if (which != PARAM_COUNT || is_header(n))
        check(n, fault);
    if (n.text[n.len] == '\0')
        return; /* it has no value */
    if (repeated)
        fault_bad(fault,
                  "The header %s is there twice, or in two "
                  "spellings.",
                  header_name(n, shown, sizeof(shown)));
    else if (which != PARAM_COUNT && n.text[n.len + 1] != '\0')
        p->value[which] = n.text + n.len + 1;
}

void params_read(struct params *p, char *const *envp, struct fault *fault)
{
    struct seen s;
    size_t i, bytes = 0;

    memset(p, 0, sizeof(*p));
    s.n = 0;
    s.like = 0;
    for (i = 0; envp[i] != NULL; i++) {
        struct name n = {envp[i], (size_t)(strchrnul(envp[i], '=') - envp[i])};

        bytes += n.len + strlen(envp[i] + n.len);
        if (i == PARAMS_MAX || bytes > PARAMS_BYTES) {
            fault_bad(fault,
                      "The request has too many headers (at most %d, %zu "
                      "bytes).",
                      PARAMS_MAX, PARAMS_BYTES);
            return;
        }
        take(p, &s, n, fault);
    }
}
