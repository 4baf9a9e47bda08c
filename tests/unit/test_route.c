/* Mirrors fcgi/route.c over the table of pages/routes.c; the paths come decoded,
 * as request.c leaves them. */
#include "fcgi/route.h"

#include <string.h>

#include "fcgi/gate.h"
#include "fcgi/pages/routes.h"
#include "fcgi/request.h"
#include "unit.h"

#define ANY "GET, HEAD, POST, PUT, PATCH, DELETE"

static void a_path_and_a_method_make_a_route(void)
{
    static const struct {
        const char *method, *path, *name; /* NULL: a fault */
        int status;
        const char *allow;
    } rows[] = {
        {"POST", "/v1/chat/completions", "chat", 0, ""},
        {"POST", "/v1/completions", "completions", 0, ""},
        {"POST", "/v1/embeddings", "embeddings", 0, ""},
        {"POST", "/v1/responses", "responses", 0, ""},
        {"POST", "/v1/ranking", "ranking", 0, ""},
        {"GET", "/v1/chat/completions", "other", 0, ""},
        {"post", "/v1/chat/completions", NULL, 405, ANY},
        {"POS", "/v1/chat/completions", NULL, 405, ANY},
        {"", "/v1/chat/completions", NULL, 405, ANY},
        {"GET, HEAD", "/v1/models", NULL, 405, ANY},
        {"GET", "/v1/models", "models", 0, ""},
        {"HEAD", "/v1/models", "models", 0, ""},
        {"POST", "/v1/models", "other", 0, ""},
        {"DELETE", "/v1/models/ft:x", "other", 0, ""},
        {"GET", "/v1/models/meta/llama-3.1-8b", "models", 0, ""},
        {"POST", "/v1/chat/completions/x", "other", 0, ""},
        {"GET", "/v1/files", "other", 0, ""},
        {"POST", "/v1/audio/speech", "other", 0, ""},
        {"DELETE", "/v1/files/7", "other", 0, ""},
        {"PUT", "/v1/files/7", "other", 0, ""},
        {"PATCH", "/v1/files/7", "other", 0, ""},
        {"HEAD", "/v1/files/7", "other", 0, ""},
        {"TRACE", "/v1/files/7", NULL, 405, ANY},
        {"GET", "/v1/", NULL, 404, ""},
        {"GET", "/v1", NULL, 404, ""},
        {"GET", "/v1x/models", NULL, 404, ""},
        {"GET", "/V1/models", NULL, 404, ""},
        {"GET", "/", NULL, 404, ""},
        {"GET", "/health", "health", 0, ""},
        {"GET", "/health/ready", "ready", 0, ""},
        {"HEAD", "/health/ready", "ready", 0, ""},
        {"POST", "/health/ready", NULL, 405, "GET, HEAD"},
        {"GET", "/health/", NULL, 404, ""},
        {"GET", "/healthy", NULL, 404, ""},
        {"POST", "/health", NULL, 405, "GET, HEAD"},
        {"EAD", "/health", NULL, 405, "GET, HEAD"},
        {"GET", "/api/status", "status", 0, ""},
        {"GET", "/api/queue", "queue", 0, ""},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char method[32], path[64];
        struct request r = {.method = method, .path = path};
        const struct route *found;

        (void)snprintf(method, sizeof(method), "%s", rows[i].method);
        (void)snprintf(path, sizeof(path), "%s", rows[i].path);
        gate_route(&routes_all, &r);
        found = r.route;
        CU_ASSERT_EQUAL(found != NULL, rows[i].name != NULL);
        if (found != NULL && rows[i].name != NULL)
            CU_ASSERT_STRING_EQUAL(found->name, rows[i].name);
        CU_ASSERT_EQUAL(r.fault.status, rows[i].status);
        CU_ASSERT_STRING_EQUAL(r.allow, rows[i].allow);
    }
}

static void what_spends_quota_needs_a_client(void)
{
    static const char *const spending[] = {"/v1/chat/completions", "/v1/x",
                                           "/v1/embeddings", "/v1/models"};
    size_t i;

    for (i = 0; i < sizeof(spending) / sizeof(spending[0]); i++) {
        char method[8] = "POST", path[64];
        struct request r = {.method = method, .path = path};
        const struct route *found;

        (void)snprintf(path, sizeof(path), "%s", spending[i]);
        if (strcmp(path, "/v1/models") == 0)
            memcpy(method, "GET", 4);
        gate_route(&routes_all, &r);
        found = r.route;
        CU_ASSERT_PTR_NOT_NULL_FATAL(found);
        CU_ASSERT_EQUAL(found->access, ACCESS_CLIENT);
        CU_ASSERT_EQUAL(found->proxied, found->answer == NULL);
    }
}

static void a_stream_ends_as_its_route_says(void)
{
    static const struct {
        const char *path;
        enum sse_ends ends;
    } rows[] = {
        {"/v1/chat/completions", ENDS_DONE},
        {"/v1/completions", ENDS_DONE},
        {"/v1/responses", ENDS_RESPONSE},
        {"/v1/embeddings", ENDS_ANYHOW},
        {"/v1/ranking", ENDS_ANYHOW},
        {"/v1/audio/speech", ENDS_ANYHOW},
        {"/v1/messages", ENDS_MESSAGE},
        {"/v1/messages/count_tokens", ENDS_ANYHOW},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char method[] = "POST", path[64];
        struct request r = {.method = method, .path = path};
        const struct route *found;

        (void)snprintf(path, sizeof(path), "%s", rows[i].path);
        gate_route(&routes_all, &r);
        found = r.route;
        CU_ASSERT_PTR_NOT_NULL_FATAL(found);
        CU_ASSERT_EQUAL(found->ends, rows[i].ends);
    }
}

static void a_route_says_whether_a_model_answers(void)
{
    static const struct {
        const char *method, *path;
        bool is_inference;
    } rows[] = {
        {"POST", "/v1/chat/completions", true},
        {"POST", "/v1/completions", true},
        {"POST", "/v1/embeddings", true},
        {"POST", "/v1/responses", true},
        {"POST", "/v1/ranking", true},
        {"POST", "/v1/messages", true},
        {"POST", "/v1/moderations", true},
        {"POST", "/v1/images/generations", true},
        {"POST", "/v1/audio/speech", true},
        {"POST", "/v1/audio/transcriptions", true},
        {"POST", "/v1/rerank", true},
        {"POST", "/v1/genai/stabilityai/sdxl", true},
        {"POST", "/v1/retrieval/nvidia/reranking", true},
        {"POST", "/v1/batches", false},
        {"POST", "/v1/files", false},
        {"POST", "/v1/fine_tuning/jobs", false},
        {"POST", "/v1/threads", false},
        {"POST", "/v1/threads/x/runs", false},
        {"POST", "/v1/threads/runs", false},
        {"POST", "/v1/assistants", false},
        {"POST", "/v1/messages/batches", false},
        {"POST", "/v1/messages/count_tokens", false},
        {"POST", "/v1/images", false},
        {"POST", "/v1/chat/typo", false},
        {"POST", "/v1/responses/x/cancel", false},
        {"GET", "/v1/responses/x", false},
        {"GET", "/v1/models", false},
        {"GET", "/health", false},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char method[8], path[64];
        struct request r = {.method = method, .path = path};
        const struct route *found;

        (void)snprintf(method, sizeof(method), "%s", rows[i].method);
        (void)snprintf(path, sizeof(path), "%s", rows[i].path);
        gate_route(&routes_all, &r);
        found = r.route;
        CU_ASSERT_PTR_NOT_NULL_FATAL(found);
        CU_ASSERT_EQUAL(found->is_inference, rows[i].is_inference);
    }
}

static const struct unit_test tests[] = {
    {"a path and a method make a route, a 404 or a 405",
     a_path_and_a_method_make_a_route},
    {"what spends quota is for clients", what_spends_quota_needs_a_client},
    {"a stream ends as its route says", a_stream_ends_as_its_route_says},
    {"a route says whether a model answers",
     a_route_says_whether_a_model_answers},
    {NULL, NULL},
};

CU_ErrorCode test_route_add(void)
{
    return unit_add("route", tests);
}
