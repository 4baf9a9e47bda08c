/*
 * asked_headers.c - which header fields came with a request?
 *
 * All but secrets are kept until its upstream is known, whose settings say which
 * of them pass, and one may name the client.  FastCGI has made '_' of '-' in
 * their names; nobody uses the other.
 */
#include "fcgi/asked_headers.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "fcgi/config/header_rules.h"

/* HTTP_X_FOO=bar: "x-foo", and where bar begins.  NULL: no header, or a
 * secret. */
static const char *read_field(char name[HEADER_NAME_MAX], const char *param)
{
    size_t n;

    if (strncmp(param, "HTTP_", 5) == 0)
        param += 5;
    else if (strncmp(param, "CONTENT_TYPE=", 13) != 0)
        return NULL;
    for (n = 0; param[n] != '=' && param[n] != '\0'; n++) {
        unsigned char c = (unsigned char)param[n];

        if (n + 1 >= HEADER_NAME_MAX || !(isalnum(c) || c == '_'))
            return NULL;
        name[n] = c == '_' ? '-' : (char)tolower(c);
    }
    name[n] = '\0';
    if (n == 0 || param[n] != '=' || param[n + 1] == '\0' ||
        header_is_secret(name))
        return NULL;
    return param + n + 1;
}

void asked_headers_read(struct asked_headers *h, char *const *envp)
{
    char name[HEADER_NAME_MAX];
    const char *value;

    for (; *envp != NULL; envp++) {
        value = read_field(name, *envp);
        if (value == NULL || asked_header(h, name) != NULL)
            continue;
        buf_add(&h->text, name, strlen(name) + 1);
        buf_add(&h->text, value, strlen(value) + 1);
    }
    if (h->text.data != NULL)
        buf_fit(&h->text); /* a thousand wait */
}

void asked_headers_free(struct asked_headers *h)
{
    buf_free(&h->text);
}

const char *asked_header_next(const struct asked_headers *h, const char *at,
                              const char **value)
{
    const char *end;

    if (h->text.len == 0)
        return NULL;
    end = buf_head(&h->text) + h->text.len;
    if (at == NULL) {
        at = buf_head(&h->text);
    } else {
        at += strlen(at) + 1; /* its name */
        at += strlen(at) + 1; /* and its value */
    }
    if (at == end)
        return NULL;
    *value = at + strlen(at) + 1;
    return at;
}

const char *asked_header(const struct asked_headers *h, const char *name)
{
    const char *at = NULL, *value = NULL;

    while ((at = asked_header_next(h, at, &value)) != NULL)
        if (strcasecmp(at, name) == 0)
            return value;
    return NULL;
}
