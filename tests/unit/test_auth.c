/* Mirrors fcgi/auth.c. */
#include "auth.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "request.h"
#include "route.h"
#include "unit.h"

static const struct route client = {.access = ACCESS_CLIENT};
static const struct route reader = {.access = ACCESS_READ};
static const struct route anyone = {.access = ACCESS_ALL};

/* The status that a request gets; 0: it may pass. */
static int ask(const struct config *cfg, const struct route *route,
               const char *addr, const char *host, const char *origin,
               const char *authorization)
{
    char text[4][256];
    const char *from[4] = {addr, host, origin, authorization};
    struct request r = {.route = route};
    char **to[4] = {&r.remote_addr, &r.host, &r.origin, &r.authorization};
    size_t i;

    for (i = 0; i < 4; i++) {
        if (from[i] == NULL)
            continue;
        (void)snprintf(text[i], sizeof(text[i]), "%s", from[i]);
        *to[i] = text[i];
    }
    auth_check(cfg, &r);
    return r.fault.status;
}

static void addresses_have_ranges(void)
{
    static const struct {
        const char *addr;
        enum origin_range least; /* the narrowest setting that lets it in */
    } rows[] = {
        {"127.0.0.1", FROM_LOOPBACK},     {"127.255.255.254", FROM_LOOPBACK},
        {"::1", FROM_LOOPBACK},           {"::ffff:127.0.0.1", FROM_LOOPBACK},
        {"10.0.0.1", FROM_PRIVATE},       {"172.16.0.1", FROM_PRIVATE},
        {"172.31.255.255", FROM_PRIVATE}, {"192.168.7.7", FROM_PRIVATE},
        {"169.254.1.1", FROM_PRIVATE},    {"::ffff:192.168.7.7", FROM_PRIVATE},
        {"fd00::1", FROM_PRIVATE},        {"fc00::1", FROM_PRIVATE},
        {"fe80::1", FROM_PRIVATE},        {"172.15.255.255", FROM_ANY},
        {"172.32.0.0", FROM_ANY},         {"11.0.0.1", FROM_ANY},
        {"126.0.0.1", FROM_ANY},          {"128.0.0.1", FROM_ANY},
        {"192.169.0.1", FROM_ANY},        {"8.8.8.8", FROM_ANY},
        {"2001:db8::1", FROM_ANY},        {"fec0::1", FROM_ANY},
        {"::ffff:8.8.8.8", FROM_ANY},     {"", FROM_ANY},
        {"localhost", FROM_ANY},          {"127.1", FROM_ANY},
        {"127.0.0.1 ", FROM_ANY},         {NULL, FROM_ANY},
    };
    size_t i;
    int set;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (set = FROM_LOOPBACK; set <= FROM_NOWHERE; set++) {
            struct config cfg = {.anonymous = (enum origin_range)set,
                                 .read = (enum origin_range)set};
            int want =
                set != FROM_NOWHERE && set >= (int)rows[i].least ? 0 : 401;

            CU_ASSERT_EQUAL(ask(&cfg, &client, rows[i].addr, NULL, NULL, NULL),
                            want);
            CU_ASSERT_EQUAL(ask(&cfg, &reader, rows[i].addr, NULL, NULL, NULL),
                            want);
            CU_ASSERT_EQUAL(ask(&cfg, &anyone, rows[i].addr, NULL, NULL, NULL),
                            0);
        }
    }
}

static void strange_hosts_and_pages_stay_out(void)
{
    static const struct {
        const char *host, *origin;
        int want;
    } rows[] = {
        {NULL, NULL, 0},
        {"localhost", NULL, 0},
        {"LocalHost:8080", NULL, 0},
        {"127.0.0.1:8080", NULL, 0},
        {"192.168.1.2", NULL, 0},
        {"[::1]:8080", NULL, 0},
        {"[::1]", NULL, 0},
        {"ai.example", NULL, 0},
        {"AI.example:443", NULL, 0},
        {"evil.example", NULL, 403},
        {"ai.example.evil.example", NULL, 403},
        {"localhost.evil.example", NULL, 403},
        {"127.0.0.1.evil.example", NULL, 403},
        {"", NULL, 403},
        {":80", NULL, 403},
        {"[::1", NULL, 403},
        {"[evil.example]", NULL, 403},
        {"2130706433", NULL, 403},
        {"localhost:8080", "http://localhost:8080", 0},
        {"localhost:8080", "HTTP://LOCALHOST:8080", 0},
        {"localhost:8080", "http://localhost:8081", 403},
        {"localhost:8080", "http://localhost", 403},
        {"localhost:8080", "http://evil.example", 403},
        {"localhost:8080", "null", 403},
        {"localhost:8080", "localhost:8080", 403},
        {"localhost:8080", "https://page.example", 0},
        {"localhost:8080", "https://page.example:444", 403},
        {"localhost:8080", "http://page.example", 403},
        {"evil.example", "http://evil.example", 403},
        {NULL, "http://evil.example", 403},
    };
    char host[] = "ai.example", origin[] = "https://page.example";
    char *hosts[] = {host}, *origins[] = {origin};
    struct config cfg = {.anonymous = FROM_ANY,
                         .read = FROM_ANY,
                         .hosts = hosts,
                         .n_hosts = 1,
                         .origins = origins,
                         .n_origins = 1};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(
            ask(&cfg, &client, "127.0.0.1", rows[i].host, rows[i].origin, NULL),
            rows[i].want);
        CU_ASSERT_EQUAL(
            ask(&cfg, &reader, "127.0.0.1", rows[i].host, rows[i].origin, NULL),
            rows[i].want);
        CU_ASSERT_EQUAL(
            ask(&cfg, &anyone, "127.0.0.1", rows[i].host, rows[i].origin, NULL),
            0);
    }
}

static void a_token_opens_what_it_is_for(void)
{
    static const struct {
        const char *authorization;
        int want;
    } rows[] = {
        {NULL, 401},
        {"", 401},
        {"Bearer read-me", 0},
        {"bearer read-me", 0},
        {"Bearer admin", 0},
        {"Bearer read-m", 401},
        {"Bearer read-mee", 401},
        {"Bearer Read-me", 401},
        {"Bearer ", 401},
        {"Bearer", 401},
        {"read-me", 401},
        {"Basic read-me", 401},
    };
    char token[] = "read-me", admin[] = "admin";
    struct config cfg = {.anonymous = FROM_NOWHERE,
                         .read = FROM_NOWHERE,
                         .read_token = token,
                         .admin_token = admin};
    struct config none = {.anonymous = FROM_NOWHERE, .read = FROM_NOWHERE};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *a = rows[i].authorization;

        CU_ASSERT_EQUAL(ask(&cfg, &reader, "127.0.0.1", NULL, NULL, a),
                        rows[i].want);
        CU_ASSERT_EQUAL(ask(&cfg, &client, "127.0.0.1", NULL, NULL, a), 401);
        CU_ASSERT_EQUAL(ask(&none, &reader, "127.0.0.1", NULL, NULL, a), 401);
    }
}

static void a_stranger_learns_only_that_he_is_one(void)
{
    struct config cfg = {.anonymous = FROM_LOOPBACK};
    char far[] = "8.8.8.8", near[] = "127.0.0.1";
    struct request r = {.route = &client, .remote_addr = far};

    fault_set(&r.fault, 400, "sluice_bad_request", "what is wrong inside");
    auth_check(&cfg, &r);
    CU_ASSERT_EQUAL(r.fault.status, 401);
    CU_ASSERT_PTR_NULL(strstr(r.fault.message, "inside"));
    r = (struct request){.route = &client, .remote_addr = near};
    fault_set(&r.fault, 400, "sluice_bad_request", "what is wrong inside");
    auth_check(&cfg, &r);
    CU_ASSERT_EQUAL(r.fault.status, 400);
    CU_ASSERT_STRING_EQUAL(r.fault.message, "what is wrong inside");
}

static const struct unit_test tests[] = {
    {"an address is loopback, private or neither", addresses_have_ranges},
    {"strange hosts and pages stay out", strange_hosts_and_pages_stay_out},
    {"a token opens what it is for", a_token_opens_what_it_is_for},
    {"a stranger learns only that he is one",
     a_stranger_learns_only_that_he_is_one},
    {NULL, NULL},
};

CU_ErrorCode test_auth_add(void)
{
    return unit_add("auth", tests);
}
