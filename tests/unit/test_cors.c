/* Mirrors fcgi/cors.c. */
#include "fcgi/cors.h"

#include <string.h>

#include "fcgi/gate.h"
#include "fcgi/pages/routes.h"
#include "fcgi/reply.h"
#include "fcgi/request.h"
#include "fcgi/route.h"
#include "unit.h"

static char get[] = "GET", options[] = "OPTIONS", page[] = "https://p.example";

static void only_what_a_browser_asks_is_a_preflight(void)
{
    static const struct {
        char *method, *origin;
        const char *path;
        bool want;
    } rows[] = {
        {options, page, "/v1/chat/completions", true},
        {options, page, "/v1/anything", true},
        {options, page, "/api/config", true},
        {options, page, "/api/", true},
        {options, page, "/health", false},
        {options, page, "/metrics", false},
        {options, page, "/", false},
        {options, NULL, "/v1/models", false},
        {get, page, "/v1/models", false},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[64];
        struct request r = {
            .method = rows[i].method, .origin = rows[i].origin, .path = path};
        const struct route *found;

        strcpy(path, rows[i].path);
        CU_ASSERT_EQUAL(cors_is_preflight(&r), rows[i].want);
        gate_route(&routes_all, &r);
        found = r.route;
        CU_ASSERT_EQUAL(found != NULL && found->access == ACCESS_PREFLIGHT,
                        rows[i].want);
    }
}

static void a_page_that_may_not_gets_no_header(void)
{
    struct request r = {.method = get, .origin = page};
    struct buf b = {NULL, 0, 0, 0};

    cors_headers(&b, &r);
    CU_ASSERT_EQUAL(b.len, 0);
    r.cors = true;
    reply_head(&b, &r, 503, NULL);
    buf_add(&b, "", 1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(buf_head(&b),
               "\r\nAccess-Control-Allow-Origin: https://p.example\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_head(&b), "\r\nVary: Origin\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_head(&b), "retry-after-ms"));
    CU_ASSERT_PTR_NULL(strstr(buf_head(&b), "Credentials"));
    buf_free(&b);
}

static const struct unit_test tests[] = {
    {"only what a browser asks is a preflight",
     only_what_a_browser_asks_is_a_preflight},
    {"a page that may not gets no header", a_page_that_may_not_gets_no_header},
    {NULL, NULL},
};

CU_ErrorCode test_cors_add(void)
{
    return unit_add("cors", tests);
}
