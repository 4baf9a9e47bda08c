/*
 * fuzz_whence.c - X-Forwarded-For and Forwarded into a client's address.
 *
 * Input, a line each: who has connected, what is trusted (one entry), then the
 * two headers.
 */
#include "fcgi/whence.h"
#include "fuzz.h"

#include <stdio.h>

#include "fcgi/config/config.h"

static struct whence find(char *trusted, const char *peer, const char *xff,
                          const char *forwarded)
{
    char *entries[] = {trusted};
    struct config cfg = {.trusted_proxies = entries, .n_trusted_proxies = 1};
    struct whence_told told = {peer, xff, forwarded};
    struct whence w;

    whence_find(&w, &cfg, &told);
    return w;
}

static bool is_same(const struct whence *a, const struct whence *b)
{
    return strcmp(a->addr, b->addr) == 0 && a->range == b->range &&
           a->is_veiled == b->is_veiled;
}

/* An address in its one form, with no more rights than it has itself. */
static void check(const struct whence *w)
{
    char again[ADDRESS_TEXT];
    struct address a;

    CHECK(w->range >= FROM_LOOPBACK && w->range <= FROM_ANY);
    if (w->addr[0] == '\0') {
        CHECK(w->range == FROM_ANY);
        return;
    }
    CHECK(address_read(&a, w->addr, strlen(w->addr)));
    address_write(again, &a);
    CHECK(strcmp(again, w->addr) == 0);
    CHECK(address_is_loopback(&a) || w->range > FROM_LOOPBACK);
    CHECK(address_is_loopback(&a) || address_is_private(&a) ||
          w->range == FROM_ANY);
}

/* What a client writes in front changes nothing, once the walk has met it. */
static void check_prefix(char *trusted, const char *peer, const char *xff,
                         const struct whence *w)
{
    struct whence its = find(trusted, w->addr, "unknown", NULL), more;
    char *text;

    if (w->is_veiled || its.is_veiled) /* nobody known, or a proxy */
        return;
    CHECK(asprintf(&text, "127.0.0.1, \"::1, %s", xff) != -1);
    more = find(trusted, peer, text, NULL);
    CHECK(is_same(&more, w));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    char *line[4] = {NULL};
    struct whence bare, w, x, f;
    size_t i, len;

    for (i = 0; i < 4; i++)
        if ((line[i] = take_line(&in, &len)) == NULL)
            line[i] = fuzz_copy("", 0);
    bare = find(line[1], line[0], NULL, NULL);
    w = find(line[1], line[0], line[2], line[3]);
    x = find(line[1], line[0], line[2], NULL);
    f = find(line[1], line[0], NULL, line[3]);
    check(&bare);
    check(&w);
    check(&x);
    check(&f);
    CHECK(w.range >= bare.range && x.range >= bare.range);
    CHECK(w.range >= x.range && w.range >= f.range);
    CHECK(is_same(&w, &x) || is_same(&w, &f));
    if (line[2][0] != '\0')
        check_prefix(line[1], line[0], line[2], &x);
    for (i = 0; i < 4; i++)
        free(line[i]);
    return 0;
}
