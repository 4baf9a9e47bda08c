/*
 * Mirrors fcgi/pages/routes.c: whoever adds a route is told here what else it
 * needs.  Reads API.md and the files in conf/, from the root.
 */
#include "fcgi/pages/routes.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/json_file.h"
#include "fcgi/cors.h"
#include "lib/base.h"
#include "state/stats/outcomes.h"
#include "unit.h"

#define SAID_MAX 64

/* One method of one path in the table of API.md. */
struct said {
    char method[8], path[32];
    enum route_access access;
    bool is_met;
};

struct page {
    struct said said[SAID_MAX];
    size_t n;
};

static bool is_ours(const struct route *row)
{
    return strncmp(row->path, "/v1/", 4) != 0;
}

/* PATH as somebody would ask for it: something stands for the rest. */
static void asked(char out[64], const char *path)
{
    char *rest;

    (void)snprintf(out, 64, "%s", path);
    rest = strchr(out, '*');
    if (rest != NULL)
        *rest = 'x';
}

/* ---- API.md ------------------------------------------------------------------ */

static enum route_access access_of(const char *cell)
{
    if (strstr(cell, "admin") != NULL)
        return ACCESS_ADMIN;
    if (strstr(cell, "key") != NULL)
        return ACCESS_KEY;
    if (strstr(cell, "read") != NULL)
        return ACCESS_READ;
    return ACCESS_ALL;
}

/* "GET `/a`, `/b?c=`": what a first cell says. */
static void read_cell(struct page *p, char *cell, enum route_access access)
{
    char method[8] = "", *at, *end;

    (void)sscanf(cell, " %7[A-Z]", method);
    for (at = strchr(cell, '`'); at != NULL && p->n < SAID_MAX;
         at = strchr(end + 1, '`')) {
        struct said *s = &p->said[p->n++];

        end = strchr(at + 1, '`');
        CU_ASSERT_PTR_NOT_NULL_FATAL(end);
        (void)snprintf(s->method, sizeof(s->method), "%s", method);
        (void)snprintf(s->path, sizeof(s->path), "%.*s",
                       (int)strcspn(at + 1, "?{`"), at + 1);
        s->access = access;
        s->is_met = false;
    }
}

static void read_page(struct page *p)
{
    struct json_file file; /* of any text */
    char *line, *rest, *cell, *needs;

    p->n = 0;
    CU_ASSERT_PTR_NULL_FATAL(json_file_read(&file, "fcgi/API.md", 1 << 20));
    rest = strstr(file.text, "\n| route |");
    CU_ASSERT_PTR_NOT_NULL_FATAL(rest);
    rest++;
    while ((line = strsep(&rest, "\n")) != NULL && *line == '|') {
        line++;
        cell = strsep(&line, "|");
        needs = line;
        (void)strsep(&needs, "|");
        if (needs != NULL && strchr(cell, '`') != NULL)
            read_cell(p, cell, access_of(needs));
    }
    json_file_free(&file);
    CU_ASSERT_TRUE(p->n > 10);
}

static struct said *said_of(struct page *p, const char *method,
                            const char *path)
{
    size_t i, len = strcspn(path, "*");

    for (i = 0; i < p->n; i++)
        if (strcmp(p->said[i].method, method) == 0 &&
            strlen(p->said[i].path) == len &&
            strncmp(p->said[i].path, path, len) == 0)
            return &p->said[i];
    return NULL;
}

static void missed(const char *file, const char *method, const char *path)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "%s misses %s %s", file, method, path);
    CU_FAIL(text);
    fprintf(stderr, "\n%s\n", text);
}

/* METHOD of ROW is in API.md, with what it needs. */
static void check_said(struct page *p, const struct route *row,
                       const char *method)
{
    const struct route *found;
    const char *allow;
    struct said *s = said_of(p, method, row->path);
    char path[64];

    asked(path, row->path);
    found = route_find(&routes_all, method, path, &allow);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    if (s == NULL) {
        missed("fcgi/API.md", method, row->path);
        return;
    }
    CU_ASSERT_EQUAL(s->access, found->access);
    s->is_met = true;
}

/* Calls FN for each of ROW's methods but HEAD, which is those of GET. */
static void each_method(const struct route *row, struct page *p,
                        void (*fn)(struct page *p, const struct route *row,
                                   const char *method))
{
    char methods[32], *rest = methods, *method;

    (void)snprintf(methods, sizeof(methods), "%s", row->methods);
    while ((method = strsep(&rest, ", ")) != NULL)
        if (*method != '\0' && strcmp(method, "HEAD") != 0)
            fn(p, row, method);
}

static void a_page_is_in_the_manual(void)
{
    struct page p;
    size_t i;

    read_page(&p);
    for (i = 0; i < routes_all.n; i++)
        if (is_ours(&routes_all.rows[i]))
            each_method(&routes_all.rows[i], &p, check_said);
    for (i = 0; i < p.n; i++)
        if (!p.said[i].is_met)
            missed("fcgi/pages/routes.c", p.said[i].method, p.said[i].path);
}

/* ---- metrics and browsers ------------------------------------------------------ */

/* A longer name would be cut, and one too many be "other". */
static void metrics_have_room_for_every_name(void)
{
    size_t i, k, n = 1; /* "none": no route */

    for (i = 0; i < routes_all.n; i++) {
        const char *name = routes_all.rows[i].name;

        CU_ASSERT_TRUE(strlen(name) < LIMITER_ROUTE_MAX);
        CU_ASSERT_TRUE(*name != '\0' && strspn(name, "abcdefghijklmnopqrstuvwx"
                                                     "yz_") == strlen(name));
        for (k = 0; k < i && strcmp(routes_all.rows[k].name, name) != 0; k++)
            ;
        n += k == i;
    }
    CU_ASSERT_TRUE(strlen(routes_all.preflight->name) < LIMITER_ROUTE_MAX);
    CU_ASSERT_TRUE(n + 1 <= TALLY_ROUTES);
}

static void check_permitted(struct page *p, const struct route *row,
                            const char *method)
{
    (void)p;
    if (strstr(cors_methods(row->path), method) == NULL)
        missed("fcgi/cors.c", method, row->path);
}

static void a_listed_page_may_use_every_method(void)
{
    size_t i;

    for (i = 0; i < routes_all.n; i++)
        each_method(&routes_all.rows[i], NULL, check_permitted);
}

/* ---- web servers ---------------------------------------------------------------- */

/* Which paths FILE passes on, as far as AFTER. */
static void pattern_of(regex_t *re, const char *file, const char *after)
{
    char text[256], *at;
    struct json_file conf;

    CU_ASSERT_PTR_NULL_FATAL(json_file_read(&conf, file, 1 << 20));
    at = strstr(conf.text, "^/(?:v1/");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    *strstr(at, after) = '\0';
    (void)snprintf(text, sizeof(text), "%s", at);
    while ((at = strstr(text, "(?:")) != NULL) /* PCRE's, not POSIX' */
        memmove(at + 1, at + 3, strlen(at + 3) + 1);
    CU_ASSERT_EQUAL_FATAL(regcomp(re, text, REG_EXTENDED | REG_NOSUB), 0);
    json_file_free(&conf);
}

static void every_web_server_passes_it_on(void)
{
    static const struct {
        const char *file, *after;
    } servers[] = {
        {"conf/lighttpd/50-sluice.conf", "\" {"},
        {"conf/nginx/sluice.conf", " {"},
        {"conf/apache/sluice-fcgid.conf", "\" \""},
        {"conf/apache/sluice.conf", "\">"},
    };
    char path[64];
    size_t i, k;
    regex_t re;

    for (i = 0; i < ARRAY_LEN(servers); i++) {
        pattern_of(&re, servers[i].file, servers[i].after);
        for (k = 0; k < routes_all.n; k++) {
            asked(path, routes_all.rows[k].path);
            if (regexec(&re, path, 0, NULL, 0) != 0)
                missed(servers[i].file, "", path);
        }
        regfree(&re);
    }
}

static const struct unit_test tests[] = {
    {"a page is in the manual, and what is there is a page",
     a_page_is_in_the_manual},
    {"metrics have room for every route's name",
     metrics_have_room_for_every_name},
    {"a page of a listed origin may use every method",
     a_listed_page_may_use_every_method},
    {"every web server passes every route on", every_web_server_passes_it_on},
    {NULL, NULL},
};

CU_ErrorCode test_routes_add(void)
{
    return unit_add("routes", tests);
}
