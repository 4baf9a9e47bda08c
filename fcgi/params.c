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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "fcgi/fault.h"

static const char *const names[PARAM_COUNT] = {
    [PARAM_CONTENT_LENGTH] = "CONTENT_LENGTH",
    [PARAM_CONTENT_TYPE] = "CONTENT_TYPE",
    [PARAM_ACCESS_CONTROL_REQUEST_HEADERS] =
        "HTTP_ACCESS_CONTROL_REQUEST_HEADERS",
    [PARAM_API_KEY] = "HTTP_API_KEY",
    [PARAM_AUTHORIZATION] = "HTTP_AUTHORIZATION",
    [PARAM_FORWARDED] = "HTTP_FORWARDED",
    [PARAM_HOST] = "HTTP_HOST",
    [PARAM_ORIGIN] = "HTTP_ORIGIN",
    [PARAM_SEC_FETCH_SITE] = "HTTP_SEC_FETCH_SITE",
    [PARAM_SEC_WEBSOCKET_KEY] = "HTTP_SEC_WEBSOCKET_KEY",
    [PARAM_UPGRADE] = "HTTP_UPGRADE",
    [PARAM_USER_AGENT] = "HTTP_USER_AGENT",
    [PARAM_X_API_KEY] = "HTTP_X_API_KEY",
    [PARAM_X_FORWARDED_FOR] = "HTTP_X_FORWARDED_FOR",
    [PARAM_X_SLUICE_CLIENT] = "HTTP_X_SLUICE_CLIENT",
    [PARAM_X_SLUICE_DEADLINE] = "HTTP_X_SLUICE_DEADLINE",
    [PARAM_X_SLUICE_PRIORITY] = "HTTP_X_SLUICE_PRIORITY",
    [PARAM_X_STAINLESS_READ_TIMEOUT] = "HTTP_X_STAINLESS_READ_TIMEOUT",
    [PARAM_X_STAINLESS_RETRY_COUNT] = "HTTP_X_STAINLESS_RETRY_COUNT",
    [PARAM_X_STAINLESS_RUNTIME] = "HTTP_X_STAINLESS_RUNTIME",
    [PARAM_X_STAINLESS_TIMEOUT] = "HTTP_X_STAINLESS_TIMEOUT",
    [PARAM_REMOTE_ADDR] = "REMOTE_ADDR",
    [PARAM_REQUEST_METHOD] = "REQUEST_METHOD",
    [PARAM_REQUEST_URI] = "REQUEST_URI",
};

struct name {
    const char *text;
    size_t len;
};

static int compare(const void *key, const void *entry)
{
    const struct name *n = key;
    const char *other = *(const char *const *)entry;
    int order = strncmp(n->text, other, n->len);

    return order != 0 ? order : -(other[n->len] != '\0');
}

static bool is_header(struct name n)
{
    return n.len >= 5 && strncmp(n.text, "HTTP_", 5) == 0;
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

static bool is_repeated(const struct name *seen, size_t n_seen, struct name n)
{
    size_t i;

    for (i = 0; i < n_seen; i++)
        if (seen[i].len == n.len && memcmp(seen[i].text, n.text, n.len) == 0)
            return true;
    return false;
}

static bool has_control(const char *s)
{
    for (; *s != '\0'; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return true;
    return false;
}

void params_read(struct params *p, char *const *envp, struct fault *fault)
{
    struct name seen[PARAMS_MAX];
    size_t n_seen, bytes = 0;
    char shown[64];

    memset(p, 0, sizeof(*p));
    for (n_seen = 0; envp[n_seen] != NULL; n_seen++) {
        const char *text = envp[n_seen], *eq = strchr(text, '=');
        size_t all = strlen(text);
        struct name n = {text, eq != NULL ? (size_t)(eq - text) : all};
        const char *const *known;

        bytes += all;
        if (n_seen == PARAMS_MAX || bytes > PARAMS_BYTES) {
            fault_bad(fault,
                      "The request has too many headers (at most %d, %zu "
                      "bytes).",
                      PARAMS_MAX, PARAMS_BYTES);
            return;
        }
        seen[n_seen] = n;
        known = bsearch(&n, names, PARAM_COUNT, sizeof(names[0]), compare);
        if ((known != NULL || is_header(n)) && has_control(text))
            fault_bad(fault, "The header %s holds a control character.",
                      header_name(n, shown, sizeof(shown)));
        if (eq == NULL)
            continue;
        if (is_repeated(seen, n_seen, n)) {
            fault_bad(fault,
                      "The header %s is there twice, or in two "
                      "spellings.",
                      header_name(n, shown, sizeof(shown)));
            continue;
        }
        if (known != NULL && eq[1] != '\0')
            p->value[known - names] = eq + 1;
    }
}
