/* Mirrors fcgi/auth.c. */
#include "fcgi/auth.h"

#include <stdlib.h>
#include <string.h>

#include "fcgi/config/clients.h"
#include "fcgi/config/config.h"
#include "fcgi/request.h"
#include "fcgi/route.h"
#include "unit.h"

static const struct route client = {.access = ACCESS_CLIENT};
static const struct route reader = {.access = ACCESS_READ};
static const struct route anyone = {.access = ACCESS_ALL};

static const struct route admin_route = {.access = ACCESS_ADMIN};
static const struct route preflight = {.access = ACCESS_PREFLIGHT};

/* What became of a request. */
struct verdict {
    int status; /* 0: it may pass */
    char client[CLIENT_MAX];
    enum limiter_class cls;
    uint32_t weight, requests_per_min, queue_max;
    bool keeps_key, cors;
};

/* Who asks, and with what; NULL: it is not there. */
struct caller {
    const struct route *route;
    const char *addr, *host, *origin, *authorization, *name;
    enum limiter_class cls;
    bool has_cls;
    bool elsewhere; /* as Sec-Fetch-Site has it */
};

static char *copy(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

static struct verdict judge(const struct config *cfg, const struct caller *c)
{
    struct request r = {.route = c->route,
                        .remote_addr = copy(c->addr),
                        .host = copy(c->host),
                        .origin = copy(c->origin),
                        .authorization = copy(c->authorization),
                        .cls = c->has_cls ? c->cls : CLASS_NORMAL,
                        .has_cls = c->has_cls,
                        .from_elsewhere = c->elsewhere,
                        .weight = 1};
    struct verdict v;

    request_name_client(&r, c->name);
    auth_check(cfg, &r);
    v = (struct verdict){.status = r.fault.status,
                         .cls = r.cls,
                         .weight = r.weight,
                         .requests_per_min = r.requests_per_min,
                         .queue_max = r.queue_max,
                         .keeps_key = r.authorization != NULL,
                         .cors = r.cors};
    memcpy(v.client, r.client, sizeof(v.client));
    request_forget_key(&r);
    free(r.remote_addr);
    free(r.host);
    free(r.origin);
    return v;
}

/* The status that a request gets. */
static int ask(const struct config *cfg, const struct route *route,
               const char *addr, const char *host, const char *origin,
               const char *authorization)
{
    struct caller c = {.route = route,
                       .addr = addr,
                       .host = host,
                       .origin = origin,
                       .authorization = authorization};

    return judge(cfg, &c).status;
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

    fault_set(&r.fault, ERROR_BAD_REQUEST, "what is wrong inside");
    auth_check(&cfg, &r);
    CU_ASSERT_EQUAL(r.fault.status, 401);
    CU_ASSERT_PTR_NULL(strstr(r.fault.message, "inside"));
    r = (struct request){.route = &client, .remote_addr = near};
    fault_set(&r.fault, ERROR_BAD_REQUEST, "what is wrong inside");
    auth_check(&cfg, &r);
    CU_ASSERT_EQUAL(r.fault.status, 400);
    CU_ASSERT_STRING_EQUAL(r.fault.message, "what is wrong inside");
}

/* ---- keys of clients ------------------------------------------------------ */

#define KEY_A "sk-sluice-aaaa"
#define KEY_B "sk-sluice-bbbb"

static void name_two(struct client_key two[2])
{
    memset(two, 0, 2 * sizeof(*two));
    strcpy(two[0].name, "alice");
    strcpy(two[1].name, "bob");
    key_text_hash(two[0].hash, KEY_A, strlen(KEY_A));
    key_text_hash(two[1].hash, KEY_B, strlen(KEY_B));
    two[0].priority = CLASS_HIGH;
    two[0].weight = 7;
    two[0].requests_per_min = 6;
    two[0].queue_max = 9;
    two[1].priority = CLASS_LOW;
    two[1].weight = 1;
}

/*
 * Everything that decides about a client's request: is there an upstream key,
 * are there clients, where from, with what; and what is expected: does it
 * pass, as whom, and may the upstream see the Authorization?
 */
static void who_may_spend_quota(void)
{
    static const struct {
        bool key, clients;
        enum origin_range anonymous;
        const char *addr, *authorization;
        int want;
        bool alice, keeps_key;
    } rows[] = {
        /* Neither: the Authorization is the upstream's, addresses decide. */
        {0, 0, FROM_LOOPBACK, "127.0.0.1", NULL, 0, 0, 0},
        {0, 0, FROM_LOOPBACK, "127.0.0.1", "Bearer nvapi-x", 0, 0, 1},
        {0, 0, FROM_LOOPBACK, "127.0.0.1", "Basic eDp5", 0, 0, 1},
        {0, 0, FROM_LOOPBACK, "10.0.0.1", "Bearer nvapi-x", 401, 0, 1},
        {0, 0, FROM_PRIVATE, "10.0.0.1", "Bearer nvapi-x", 0, 0, 1},
        {0, 0, FROM_PRIVATE, "8.8.8.8", "Bearer nvapi-x", 401, 0, 1},
        {0, 0, FROM_ANY, "8.8.8.8", "Bearer nvapi-x", 0, 0, 1},
        {0, 0, FROM_NOWHERE, "127.0.0.1", "Bearer nvapi-x", 401, 0, 1},
        /* A token of ours is for nobody else's eyes. */
        {0, 0, FROM_LOOPBACK, "127.0.0.1", "Bearer admin", 0, 0, 0},
        {0, 0, FROM_LOOPBACK, "127.0.0.1", "Bearer read-me", 0, 0, 0},
        /* An upstream key: what SDKs send instead means nothing. */
        {1, 0, FROM_LOOPBACK, "127.0.0.1", NULL, 0, 0, 0},
        {1, 0, FROM_LOOPBACK, "127.0.0.1", "Bearer sk-dummy", 0, 0, 0},
        /* But one of ours that lost a digit does not pass as none. */
        {1, 0, FROM_LOOPBACK, "127.0.0.1", "Bearer " KEY_A, 401, 0, 0},
        {1, 0, FROM_LOOPBACK, "8.8.8.8", "Bearer sk-dummy", 401, 0, 0},
        {1, 0, FROM_PRIVATE, "10.0.0.1", "Bearer sk-dummy", 0, 0, 0},
        {1, 0, FROM_ANY, "8.8.8.8", "Bearer sk-dummy", 0, 0, 0},
        {1, 0, FROM_NOWHERE, "127.0.0.1", "Bearer sk-dummy", 401, 0, 0},
        /* Clients: a key counts from everywhere, and only a right one. */
        {1, 1, FROM_LOOPBACK, "127.0.0.1", "Bearer " KEY_A, 0, 1, 0},
        {1, 1, FROM_LOOPBACK, "8.8.8.8", "Bearer " KEY_A, 0, 1, 0},
        {1, 1, FROM_NOWHERE, "8.8.8.8", "bearer " KEY_A, 0, 1, 0},
        {1, 1, FROM_NOWHERE, NULL, "Bearer " KEY_A, 0, 1, 0},
        {1, 1, FROM_LOOPBACK, "127.0.0.1", NULL, 0, 0, 0},
        {1, 1, FROM_PRIVATE, "10.0.0.1", NULL, 0, 0, 0},
        {1, 1, FROM_ANY, "8.8.8.8", NULL, 0, 0, 0},
        {1, 1, FROM_LOOPBACK, "8.8.8.8", NULL, 401, 0, 0},
        {1, 1, FROM_NOWHERE, "127.0.0.1", NULL, 401, 0, 0},
        {1, 1, FROM_ANY, "127.0.0.1", "Bearer sk-dummy", 401, 0, 0},
        {1, 1, FROM_ANY, "127.0.0.1", "Bearer " KEY_A "a", 401, 0, 0},
        {1, 1, FROM_ANY, "127.0.0.1", "Bearer sk-sluice-aaa", 401, 0, 0},
        {1, 1, FROM_ANY, "127.0.0.1", "Bearer  " KEY_A, 401, 0, 0},
        {1, 1, FROM_ANY, "127.0.0.1", "Bearer ", 401, 0, 0},
        {1, 1, FROM_ANY, "127.0.0.1", "Basic " KEY_A, 401, 0, 0},
        {1, 1, FROM_ANY, "127.0.0.1", KEY_A, 401, 0, 0},
        {1, 1, FROM_ANY, "127.0.0.1", "", 401, 0, 0},
        {1, 1, FROM_NOWHERE, "127.0.0.1", "Bearer admin", 401, 0, 0},
        {1, 1, FROM_NOWHERE, "127.0.0.1", "Bearer read-me", 401, 0, 0},
    };
    char token[] = "read-me", ruler[] = "admin", upstream[] = "nvapi-key";
    struct client_key two[2];
    size_t i;

    name_two(two);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config cfg = {.anonymous = rows[i].anonymous,
                             .read_token = token,
                             .admin_token = ruler,
                             .clients = rows[i].clients ? two : NULL,
                             .n_clients = rows[i].clients ? 2 : 0,
                             .n_upstreams = 1};
        struct caller c = {.route = &client,
                           .addr = rows[i].addr,
                           .authorization = rows[i].authorization};
        struct verdict v;

        cfg.upstreams[0].api_key = rows[i].key ? upstream : NULL;
        v = judge(&cfg, &c);
        CU_ASSERT_EQUAL(v.status, rows[i].want);
        CU_ASSERT_EQUAL(strcmp(v.client, "alice") == 0, rows[i].alice);
        CU_ASSERT_EQUAL(v.keeps_key, rows[i].keeps_key);
        /* A foreign page may not, a foreign name only with a right key. */
        c.origin = "https://evil.example";
        v = judge(&cfg, &c);
        CU_ASSERT_EQUAL(v.status, 403);
        CU_ASSERT_FALSE(v.cors);
        c.origin = NULL;
        c.host = "evil.example";
        CU_ASSERT_EQUAL(judge(&cfg, &c).status, rows[i].alice ? 0 : 403);
        c.origin = "https://evil.example.org";
        CU_ASSERT_EQUAL(judge(&cfg, &c).status, 403);
        /* Nor may a picture of such a page: it has no Origin. */
        c.origin = c.host = NULL;
        c.elsewhere = true;
        CU_ASSERT_EQUAL(judge(&cfg, &c).status, rows[i].alice ? 0 : 403);
        /* Who is refused has no client's name, whatever he says. */
        c.elsewhere = false;
        c.name = "alice";
        CU_ASSERT_EQUAL(strcmp(judge(&cfg, &c).client, "alice") == 0,
                        rows[i].alice || !rows[i].clients);
    }
}

static void a_key_brings_its_share_and_a_request_asks_for_less(void)
{
    static const struct {
        const char *authorization, *name;
        bool has_cls;
        enum limiter_class cls;
        const char *want;
        enum limiter_class want_cls;
    } rows[] = {
        {"Bearer " KEY_A, NULL, false, CLASS_NORMAL, "alice", CLASS_HIGH},
        {"Bearer " KEY_A, "bob", false, CLASS_NORMAL, "alice", CLASS_HIGH},
        {"Bearer " KEY_A, NULL, true, CLASS_LOW, "alice", CLASS_LOW},
        {"Bearer " KEY_A, NULL, true, CLASS_NORMAL, "alice", CLASS_NORMAL},
        {"Bearer " KEY_B, NULL, true, CLASS_HIGH, "bob", CLASS_LOW},
        {"Bearer " KEY_B, NULL, false, CLASS_NORMAL, "bob", CLASS_LOW},
        {NULL, NULL, false, CLASS_NORMAL, "127.0.0.1", CLASS_NORMAL},
        {NULL, "carol", true, CLASS_LOW, "carol", CLASS_LOW},
        {NULL, "carol", true, CLASS_HIGH, "carol", CLASS_NORMAL},
        {NULL, "alice", false, CLASS_NORMAL, "127.0.0.1", CLASS_NORMAL},
    };
    struct client_key two[2];
    struct config cfg = {.clients = two, .n_clients = 2}, none = {.n_hosts = 0};
    struct caller c = {.route = &client, .addr = "127.0.0.1"};
    struct verdict v;
    size_t i;

    name_two(two);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        c.authorization = rows[i].authorization;
        c.name = rows[i].name;
        c.has_cls = rows[i].has_cls;
        c.cls = rows[i].cls;
        v = judge(&cfg, &c);
        CU_ASSERT_EQUAL(v.status, 0);
        CU_ASSERT_STRING_EQUAL(v.client, rows[i].want);
        CU_ASSERT_EQUAL(v.cls, rows[i].want_cls);
        CU_ASSERT_EQUAL(v.weight, strcmp(v.client, "alice") == 0 ? 7 : 1);
        CU_ASSERT_EQUAL(v.requests_per_min,
                        strcmp(v.client, "alice") == 0 ? 6 : 0);
        CU_ASSERT_EQUAL(v.queue_max, strcmp(v.client, "alice") == 0 ? 9 : 0);
    }
    c = (struct caller){.route = &client,
                        .addr = "127.0.0.1",
                        .name = "alice",
                        .cls = CLASS_HIGH,
                        .has_cls = true};
    v = judge(&none, &c); /* nobody owns a name: all choose freely */
    CU_ASSERT_STRING_EQUAL(v.client, "alice");
    CU_ASSERT_EQUAL(v.cls, CLASS_HIGH);
}

/* Keys that were made: while their time lasts as those of the settings, and
 * nobody else notices that there are any. */
static void a_key_that_was_made_counts_until_it_ends(void)
{
    static const char gone[] =
        "Bearer sk-sluice-"
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    static const struct {
        int64_t expires_at;
        const char *authorization;
        bool key; /* of the upstream */
        int want, want_me;
        bool alice;
    } rows[] = {
        {0, "Bearer " KEY_A, 1, 0, 0, 1},
        {INT64_C(1) << 50, "Bearer " KEY_A, 1, 0, 0, 1},
        {1, "Bearer " KEY_A, 1, 401, 401, 0},
        {1, "Bearer " KEY_A, 0, 401, 401, 0},
        {0, "Bearer sk-dummy", 1, 0, 401, 0},
        {0, NULL, 1, 0, 401, 0},
        {0, "Bearer admin", 1, 0, 401, 0},
        {0, gone, 1, 401, 401, 0}, /* one of ours that is revoked */
        {0, gone, 0, 0, 401, 0},   /* it may be the upstream's */
    };
    static const struct route me = {.access = ACCESS_KEY};
    char upstream[] = "nvapi-key", ruler[] = "admin";
    struct client_key two[2];
    struct verdict v;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config cfg = {
            .made = two, .n_made = 2, .n_upstreams = 1, .admin_token = ruler};
        struct caller c = {.route = &client,
                           .addr = "127.0.0.1",
                           .authorization = rows[i].authorization,
                           .cls = CLASS_HIGH,
                           .has_cls = true};

        name_two(two);
        two[0].expires_at = rows[i].expires_at;
        cfg.upstreams[0].api_key = rows[i].key ? upstream : NULL;
        v = judge(&cfg, &c);
        CU_ASSERT_EQUAL(v.status, rows[i].want);
        CU_ASSERT_EQUAL(strcmp(v.client, "alice") == 0, rows[i].alice);
        CU_ASSERT_EQUAL(v.requests_per_min, rows[i].alice ? 6 : 0);
        CU_ASSERT_EQUAL(v.cls, CLASS_HIGH);
        c.route = &me;
        v = judge(&cfg, &c);
        CU_ASSERT_EQUAL(v.status, rows[i].want_me);
        CU_ASSERT_FALSE(v.keeps_key);
    }
}

static void only_the_admin_token_changes_anything(void)
{
    static const struct {
        const char *authorization;
        int want;
    } rows[] = {
        {NULL, 401},         {"Bearer admin", 0},     {"Bearer adminn", 401},
        {"Bearer adm", 401}, {"Bearer read-me", 401}, {"Bearer " KEY_A, 401},
        {"Bearer ", 401},    {"admin", 401},
    };
    static const char *const from[] = {"127.0.0.1", "::1", "8.8.8.8", NULL};
    char token[] = "read-me", ruler[] = "admin",
         page[] = "https://page.example";
    char *origins[] = {page};
    struct client_key two[2];
    struct config cfg = {.read_token = token,
                         .admin_token = ruler,
                         .anonymous = FROM_ANY,
                         .read = FROM_ANY,
                         .clients = two,
                         .n_clients = 2,
                         .origins = origins,
                         .n_origins = 1};
    struct config none = {.anonymous = FROM_ANY, .read = FROM_ANY};
    size_t i, k;

    name_two(two);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *a = rows[i].authorization;

        for (k = 0; k < sizeof(from) / sizeof(from[0]); k++) {
            CU_ASSERT_EQUAL(ask(&cfg, &admin_route, from[k], NULL, NULL, a),
                            rows[i].want);
            CU_ASSERT_EQUAL(ask(&cfg, &admin_route, from[k], NULL, page, a),
                            rows[i].want);
            CU_ASSERT_EQUAL(ask(&none, &admin_route, from[k], NULL, NULL, a),
                            401);
        }
        CU_ASSERT_EQUAL(ask(&cfg, &admin_route, "::1", "evil.example", NULL, a),
                        403);
        CU_ASSERT_EQUAL(
            ask(&cfg, &admin_route, "::1", NULL, "https://evil.example", a),
            403);
    }
}

static void a_page_is_told_what_it_may(void)
{
    static const struct {
        const char *host, *origin;
        int want; /* of the preflight */
        bool cors;
    } rows[] = {
        {"localhost:8080", "https://page.example", 0, true},
        {"localhost:8080", "http://localhost:8080", 0, true},
        {"evil.example", "https://page.example", 0, true},
        {"evil.example", "http://evil.example", 403, false},
        {"localhost:8080", "https://evil.example", 403, false},
        {"localhost:8080", "null", 403, false},
        {"localhost:8080", NULL, 0, false},
        {"localhost:8080", "chrome-extension://abcdef", 0, true},
        {"localhost:8080", "chrome-extension://a/b", 403, false},
        {"evil.example", "https://a.star.example", 0, true},
        {"localhost:8080", "https://star.example", 403, false},
        {"localhost:8080", "file://", 0, true},
    };
    char page[] = "https://page.example", extension[] = "chrome-extension://*",
         star[] = "https://*.star.example", disk[] = "file://";
    char *origins[] = {page, extension, star, disk};
    struct config cfg = {.origins = origins, .n_origins = 4};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct caller c = {.route = &preflight,
                           .addr = "8.8.8.8",
                           .host = rows[i].host,
                           .origin = rows[i].origin};
        struct verdict v = judge(&cfg, &c);

        CU_ASSERT_EQUAL(v.status, rows[i].want);
        CU_ASSERT_EQUAL(v.cors, rows[i].cors);
        c.route = NULL; /* an answer of 404 */
        CU_ASSERT_EQUAL(judge(&cfg, &c).status, 0);
    }
}

static const struct unit_test tests[] = {
    {"an address is loopback, private or neither", addresses_have_ranges},
    {"strange hosts and pages stay out", strange_hosts_and_pages_stay_out},
    {"a token opens what it is for", a_token_opens_what_it_is_for},
    {"a stranger learns only that he is one",
     a_stranger_learns_only_that_he_is_one},
    {"who may spend quota", who_may_spend_quota},
    {"a key brings its share, and a request asks for less",
     a_key_brings_its_share_and_a_request_asks_for_less},
    {"a key that was made counts until it ends",
     a_key_that_was_made_counts_until_it_ends},
    {"only the admin token changes anything",
     only_the_admin_token_changes_anything},
    {"a page is told what it may", a_page_is_told_what_it_may},
    {NULL, NULL},
};

CU_ErrorCode test_auth_add(void)
{
    return unit_add("auth", tests);
}
