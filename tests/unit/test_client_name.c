/* Mirrors fcgi/client_name.c, asked_headers.c and turned_away.c: from parameters to
 * the name of a client, and to what is told who may not. */
#include "fcgi/client_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/auth.h"
#include "fcgi/config/clients.h"
#include "fcgi/config/config.h"
#include "fcgi/gate.h"
#include "fcgi/pages/routes.h"
#include "fcgi/request.h"
#include "unit.h"

static char loop[] = "loopback", header[] = "X-OpenWebUI-User-Id";
static char *proxies[] = {loop};

/* A chat whose parameters are the usual ones and EXTRA, ended by NULL, with
 * BODY; checked, for request_free(). */
static struct request *ask(const struct config *cfg, const char *const *extra,
                           const char *body)
{
    char *envp[16], length[48];
    struct request *r;
    size_t n = 0, i;

    (void)snprintf(length, sizeof(length), "CONTENT_LENGTH=%zu", strlen(body));
    envp[n++] = strdup("REQUEST_METHOD=POST");
    envp[n++] = strdup("REQUEST_URI=/v1/chat/completions");
    envp[n++] = strdup("CONTENT_TYPE=application/json");
    envp[n++] = strdup(length);
    for (; *extra != NULL; extra++)
        envp[n++] = strdup(*extra);
    envp[n] = NULL;
    r = request_new(envp, 5);
    for (i = 0; i < n; i++)
        free(envp[i]); /* it keeps nothing of them */
    if (r->fault.status == 0)
        gate_route(&routes_all, r);
    auth_check(cfg, r);
    buf_str(&r->body, body);
    request_parse_body(r);
    client_name_by_body(cfg, r);
    return r;
}

#define LOCAL "REMOTE_ADDR=127.0.0.1"
#define ID    "HTTP_X_OPENWEBUI_USER_ID="
#define KEY   "sk-sluice-aaaa"

static void a_name_has_its_rank(void)
{
    static const struct {
        const char *extra[5], *body, *want;
    } rows[] = {
        {{LOCAL}, "", "127.0.0.1"},
        {{LOCAL, ID "u-1"}, "", "u-1"},
        {{LOCAL, ID "u-1"}, ",\"user\":\"b\"", "u-1"},
        {{LOCAL, ID "u-1", "HTTP_X_SLUICE_CLIENT=me"}, "", "me"},
        {{LOCAL, "HTTP_X_SLUICE_CLIENT=me"}, ",\"user\":\"b\"", "me"},
        {{LOCAL, "HTTP_X_FORWARDED_FOR=8.8.8.8"}, "", "8.8.8.8"},
        {{LOCAL, "HTTP_X_FORWARDED_FOR=8.8.8.8", ID "u-1"}, "", "u-1"},
        {{LOCAL}, ",\"user\":\"b\"", "b"},
        {{LOCAL}, ",\"user\":\"b\",\"safety_identifier\":\"c\"", "b"},
        {{LOCAL}, ",\"safety_identifier\":\"c\"", "c"},
        {{LOCAL}, ",\"metadata\":{\"user_id\":\"d\"}", "d"},
        {{LOCAL}, ",\"user\":\"\",\"metadata\":{\"user_id\":\"d\"}", "d"},
        {{LOCAL}, ",\"user\":7,\"metadata\":[\"user_id\"]", "127.0.0.1"},
        {{LOCAL}, ",\"user\":null,\"metadata\":null", "127.0.0.1"},
        {{LOCAL},
         ",\"metadata\":{\"user_id\":{\"user_id\":\"d\"}}",
         "127.0.0.1"},
        {{LOCAL}, ",\"user\":\"a b\\u0007<\\u00e9>\"", "a_b_____"},
        {{LOCAL, ID "a b<\xff>"}, "", "a_b___"},
        {{LOCAL, ID}, "", "127.0.0.1"},
        /* Names that have keys are nobody else's. */
        {{LOCAL, ID "alice"}, "", "127.0.0.1"},
        {{LOCAL}, ",\"user\":\"alice\"", "127.0.0.1"},
        {{LOCAL, "HTTP_X_SLUICE_CLIENT=alice"}, ",\"user\":\"b\"", "b"},
        /* And a key has one name. */
        {{LOCAL, "HTTP_AUTHORIZATION=Bearer " KEY, ID "u-1"},
         ",\"user\":\"b\"",
         "alice"},
        {{LOCAL, "HTTP_X_API_KEY=" KEY}, ",\"user\":\"b\"", "alice"},
        {{LOCAL, "HTTP_API_KEY=" KEY}, "", "alice"},
    };
    struct client_key alice = {.name = "alice", .weight = 1};
    struct config cfg = {.trusted_proxies = proxies,
                         .n_trusted_proxies = 1,
                         .anonymous = FROM_ANY,
                         .clients = &alice,
                         .n_clients = 1,
                         .client_header = header,
                         .client_from_user = true};
    char body[256];
    size_t i;

    alice.priority = CLASS_NORMAL;
    key_text_hash(alice.hash, KEY, strlen(KEY));
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct request *r;

        (void)snprintf(body, sizeof(body), "{\"model\":\"m\"%s}", rows[i].body);
        r = ask(&cfg, rows[i].extra, body);
        CU_ASSERT_EQUAL(r->fault.status, 0);
        CU_ASSERT_STRING_EQUAL(r->client, rows[i].want);
        request_free(r);
    }
}

static void without_the_settings_such_names_mean_nothing(void)
{
    static const char *const extra[] = {LOCAL, ID "u-1",
                                        "HTTP_X_FORWARDED_FOR=8.8.8.8", NULL};
    struct config cfg = {.anonymous = FROM_LOOPBACK};
    struct request *r = ask(&cfg, extra, "{\"model\":\"m\",\"user\":\"b\"}");

    CU_ASSERT_EQUAL(r->fault.status, 0);
    CU_ASSERT_STRING_EQUAL(r->client, "127.0.0.1");
    request_free(r);
}

static void long_names_are_cut(void)
{
    static const char *const extra[] = {LOCAL, NULL};
    struct config cfg = {.client_from_user = true};
    char body[400], user[300];
    struct request *r;

    memset(user, 'u', sizeof(user) - 1);
    user[sizeof(user) - 1] = '\0';
    (void)snprintf(body, sizeof(body), "{\"model\":\"m\",\"user\":\"%s\"}",
                   user);
    r = ask(&cfg, extra, body);
    CU_ASSERT_EQUAL(strlen(r->client), CLIENT_MAX - 1);
    request_free(r);
}

static void what_is_kept_is_no_secret(void)
{
    static char cookie[] = "HTTP_COOKIE=c", key[] = "HTTP_X_API_KEY=k",
                bearer[] = "HTTP_AUTHORIZATION=a", own[] = "NVIDIA_API_KEY=n",
                user[] = "HTTP_X_USER=u", empty[] = "HTTP_X_EMPTY=";
    static char *const envp[] = {cookie, key, bearer, own, user, empty, NULL};
    struct asked_headers h = {.text = {NULL, 0, 0, 0}};
    const char *value = NULL, *at;

    asked_headers_read(&h, envp);
    at = asked_header_next(&h, NULL, &value);
    CU_ASSERT_STRING_EQUAL(at, "x-user");
    CU_ASSERT_STRING_EQUAL(value, "u");
    CU_ASSERT_PTR_NULL(asked_header_next(&h, at, &value));
    CU_ASSERT_STRING_EQUAL(asked_header(&h, "X-User"), "u");
    CU_ASSERT_PTR_NULL(asked_header(&h, "Cookie"));
    asked_headers_free(&h);
}

/* ---- keys in headers of their own ------------------------------------------------- */

static void a_key_may_have_a_header_of_its_own(void)
{
    static const struct {
        const char *extra[5];
        int want;
        bool keeps;
    } rows[] = {
        {{"REMOTE_ADDR=8.8.8.8", "HTTP_X_API_KEY=" KEY}, 0, false},
        {{"REMOTE_ADDR=8.8.8.8", "HTTP_API_KEY=" KEY}, 0, false},
        {{"REMOTE_ADDR=8.8.8.8", "HTTP_X_API_KEY=" KEY,
          "HTTP_AUTHORIZATION=Bearer x"},
         0,
         false},
        {{"REMOTE_ADDR=8.8.8.8", "HTTP_X_API_KEY=x",
          "HTTP_AUTHORIZATION=Bearer " KEY},
         0,
         false},
        {{"REMOTE_ADDR=8.8.8.8", "HTTP_X_API_KEY=" KEY, "HTTP_API_KEY=x"},
         0,
         false},
        {{"REMOTE_ADDR=8.8.8.8", "HTTP_X_API_KEY=" KEY,
          "HTTP_HOST=evil.example"},
         0,
         false},
        {{LOCAL, "HTTP_X_API_KEY=x"}, 401, false},
        {{LOCAL, "HTTP_API_KEY=x"}, 401, false},
        {{LOCAL, "HTTP_X_API_KEY=Bearer " KEY}, 401, false},
        {{LOCAL, "HTTP_X_API_KEY=x", "HTTP_API_KEY=" KEY}, 401, false},
        {{LOCAL, "HTTP_X_API_KEY=" KEY "a"}, 401, false},
        {{LOCAL, "HTTP_X_API_KEY=admin"}, 401, false},
        {{LOCAL}, 0, false},
    };
    struct client_key alice = {.name = "alice", .weight = 1};
    char admin[] = "admin", up[] = "nvapi-key", origin[] = "https://p.example";
    char *origins[] = {origin};
    struct config cfg = {.clients = &alice,
                         .n_clients = 1,
                         .n_upstreams = 1,
                         .origins = origins,
                         .n_origins = 1,
                         .admin_token = admin};
    size_t i;

    key_text_hash(alice.hash, KEY, strlen(KEY));
    cfg.upstreams[0].api_key = up;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct request *r = ask(&cfg, rows[i].extra, "{\"model\":\"m\"}");

        CU_ASSERT_EQUAL(r->fault.status, rows[i].want);
        CU_ASSERT_PTR_NULL(r->api_key);
        CU_ASSERT_PTR_NULL(r->authorization);
        CU_ASSERT_PTR_NULL(strstr(r->fault.message, KEY));
        request_free(r);
    }
}

static void without_keys_of_ours_it_is_the_upstreams(void)
{
    static const struct {
        const char *extra[4], *want; /* NULL: nobody is to see it */
    } rows[] = {
        {{LOCAL, "HTTP_X_API_KEY=theirs"}, "theirs"},
        {{LOCAL, "HTTP_API_KEY=azure"}, "azure"},
        {{LOCAL, "HTTP_API_KEY=azure", "HTTP_X_API_KEY=theirs"}, "theirs"},
        {{LOCAL, "HTTP_X_API_KEY=admin"}, NULL},
        {{LOCAL, "HTTP_X_API_KEY=t", "HTTP_AUTHORIZATION=Bearer admin"}, NULL},
        {{LOCAL}, NULL},
    };
    char admin[] = "admin";
    struct config cfg = {.n_upstreams = 1, .admin_token = admin};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct request *r = ask(&cfg, rows[i].extra, "{\"model\":\"m\"}");

        CU_ASSERT_EQUAL(r->fault.status, 0);
        if (rows[i].want == NULL)
            CU_ASSERT_PTR_NULL(r->api_key);
        if (rows[i].want != NULL && r->api_key != NULL)
            CU_ASSERT_STRING_EQUAL(r->api_key, rows[i].want);
        CU_ASSERT_EQUAL(r->api_key != NULL, rows[i].want != NULL);
        request_free(r);
    }
}

/* ---- what is told ---------------------------------------------------------------- */

static void who_is_turned_away_is_told_what_would_help(void)
{
    static const struct {
        const char *extra[4];
        int status;
        const char *says, *not ; /* NULL: anything */
    } rows[] = {
        {{LOCAL, "HTTP_HOST=sluice:8080"}, 403, "SLUICE_HOSTS=sluice", NULL},
        {{LOCAL, "HTTP_HOST=Evil.Example"},
         403,
         "The host name Evil.Example",
         NULL},
        {{LOCAL, "HTTP_HOST=<b>x\"y"}, 403, "?b?x?y", "<"},
        {{LOCAL, "HTTP_HOST=a\xe2\x80\xaegpj"}, 403, "a???gpj", "\xe2"},
        {{LOCAL, "HTTP_HOST=[::1"}, 403, "(SLUICE_HOSTS)", "SLUICE_HOSTS="},
        {{LOCAL,
          "HTTP_HOST="
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
         403,
         "(SLUICE_HOSTS) could list.",
         "SLUICE_HOSTS="},
        {{LOCAL, "HTTP_ORIGIN=https://a.example:1"},
         403,
         "SLUICE_ORIGINS=https://a.example:1",
         NULL},
        {{LOCAL, "HTTP_ORIGIN=app://obsidian.md"},
         403,
         "SLUICE_ORIGINS=app://obsidian.md",
         NULL},
        {{LOCAL, "HTTP_ORIGIN=moz-extension://0d5a"},
         403,
         "SLUICE_ORIGINS=moz-extension://*",
         NULL},
        {{LOCAL, "HTTP_ORIGIN=null"}, 403, "SLUICE_ORIGINS=null", NULL},
        {{LOCAL, "HTTP_ORIGIN=https://a<script>"},
         403,
         "https://a?script?",
         "<"},
        {{LOCAL, "HTTP_SEC_FETCH_SITE=cross-site"},
         403,
         "Sec-Fetch-Site",
         NULL},
        {{"REMOTE_ADDR=172.18.0.5"},
         401,
         "from 172.18.0.5 without",
         "somebody"},
        {{"REMOTE_ADDR=172.18.0.5"}, 401, "SLUICE_ANONYMOUS", NULL},
        {{"REMOTE_ADDR=172.18.0.5"},
         401,
         "who needs none: it is loopback; this address would take private.",
         NULL},
        {{"REMOTE_ADDR=8.8.8.8"}, 401, "this address would take any.", NULL},
        {{LOCAL, "HTTP_X_FORWARDED_FOR=9.9.9.9"},
         401,
         "from 9.9.9.9 without",
         NULL},
        {{LOCAL, "HTTP_X_FORWARDED_FOR=unknown"},
         401,
         "from somebody behind 127.0.0.1 without",
         NULL},
        {{"REMOTE_ADDR=<b>"}, 401, "from ?b? without", "<"},
        {{NULL}, 401, "from unknown without", NULL},
    };
    struct config cfg = {.trusted_proxies = proxies, .n_trusted_proxies = 1};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct request *r = ask(&cfg, rows[i].extra, "{\"model\":\"m\"}");
        const char *told = r->fault.message;

        CU_ASSERT_EQUAL(r->fault.status, rows[i].status);
        if (strstr(told, rows[i].says) == NULL ||
            (rows[i].not != NULL && strstr(told, rows[i].not ) != NULL) ||
            told[strlen(told) - 1] == '?' ||
            strlen(told) + 1 == sizeof(r->fault.message)) {
            fprintf(stderr, "\n%s: %s\n", rows[i].says, told);
            CU_FAIL("what is told");
        }
        request_free(r);
    }
}

static const struct unit_test tests[] = {
    {"a name has its rank", a_name_has_its_rank},
    {"without the settings such names mean nothing",
     without_the_settings_such_names_mean_nothing},
    {"long names are cut", long_names_are_cut},
    {"what is kept is no secret", what_is_kept_is_no_secret},
    {"a key may have a header of its own", a_key_may_have_a_header_of_its_own},
    {"without keys of ours it is the upstream's",
     without_keys_of_ours_it_is_the_upstreams},
    {"who is turned away is told what would help",
     who_is_turned_away_is_told_what_would_help},
    {NULL, NULL},
};

CU_ErrorCode test_client_name_add(void)
{
    return unit_add("client_name", tests);
}
