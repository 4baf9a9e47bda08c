/*
 * kept_headers.c - what did a header say of which only the settings know that
 * it matters?
 *
 * A request is read before anybody looks at the settings (gate.c holds them),
 * so headers are kept until its caller is checked: bounded, and none that is a
 * credential.
 */
#include "fcgi/kept_headers.h"

#include <ctype.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "lib/base.h"

/* Of each value, and of all: a name has 63 bytes. */
#define VALUE_BYTES 256
#define KEPT_BYTES  (8 * KIB)

static bool is_secret(const char *text, size_t name)
{
    static const char *const secret[] = {
        "HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "HTTP_X_API_KEY",
        "HTTP_API_KEY", "HTTP_COOKIE"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(secret); i++)
        if (strlen(secret[i]) == name && memcmp(secret[i], text, name) == 0)
            return true;
    return false;
}

void kept_headers_take(struct kept_headers *k, char *const *envp)
{
    size_t name, all, i;

    (void)buf_room(&k->text, KEPT_BYTES); /* so that no copy stays behind */
    for (i = 0; i < PARAMS_MAX && envp[i] != NULL; i++) {
        if (strncmp(envp[i], "HTTP_", 5) != 0)
            continue;
        name = strcspn(envp[i], "=");
        all = strlen(envp[i]) + 1;
        if (envp[i][name] == '=' && envp[i][name + 1] != '\0' &&
            all - name <= VALUE_BYTES && k->text.len + all <= KEPT_BYTES &&
            !is_secret(envp[i], name))
            buf_add(&k->text, envp[i], all);
    }
}

void kept_headers_wipe(struct kept_headers *k)
{
    if (k->text.data != NULL)
        explicit_bzero(k->text.data, k->text.cap);
    buf_free(&k->text);
}

/* Is the parameter NAME of LEN bytes that of HEADER: "HTTP_X_FOO", "X-Foo"? */
static bool is_of(const char *name, size_t len, const char *header)
{
    size_t i;

    if (len != strlen(header) + 5)
        return false;
    for (i = 0; header[i] != '\0'; i++)
        if (name[5 + i] !=
            (header[i] == '-' ? '_' : (char)toupper((unsigned char)header[i])))
            return false;
    return true;
}

const char *kept_headers_find(const struct kept_headers *k, const char *header)
{
    const char *p, *end;
    size_t len;

    if (k->text.len == 0)
        return NULL;
    p = buf_head(&k->text);
    for (end = p + k->text.len; p < end; p += strlen(p) + 1) {
        len = strcspn(p, "=");
        if (is_of(p, len, header))
            return p + len + 1;
    }
    return NULL;
}
