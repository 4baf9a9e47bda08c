/*
 * route.c - paths and the list of models.
 */
#include "route.h"

#include <stddef.h>
#include <string.h>

#include "model.h"
#include "text.h"

#define MODELS "/v1/models"

static const struct {
    const char *path;
    enum route route;
} posts[] = {
    {"/v1/chat/completions", ROUTE_CHAT},
    {"/v1/completions", ROUTE_COMPLETIONS},
    {"/v1/responses", ROUTE_RESPONSES},
    {"/v1/embeddings", ROUTE_EMBEDDINGS},
    {"/v1/ranking", ROUTE_RANKING},
};

static const struct {
    const char *id;
    const char *owned_by;
} models[] = {
    {"deepseek-ai/deepseek-v3.1", "deepseek-ai"},
    {"google/gemma-3-27b-it", "google"},
    {"meta/llama-3.1-8b-instruct", "meta"},
    {"meta/llama-3.3-70b-instruct", "meta"},
    {"microsoft/phi-4-mini-instruct", "microsoft"},
    {"mistralai/mistral-small-24b-instruct", "mistralai"},
    {"moonshotai/kimi-k2-instruct", "moonshotai"},
    {"nvidia/llama-3.1-nemotron-70b-instruct", "nvidia"},
    {"nvidia/nv-embedqa-e5-v5", "nvidia"},
    {"nvidia/nv-rerankqa-mistral-4b-v3", "nvidia"},
    {"qwen/qwen3-235b-a22b", "qwen"},
    {"sim/echo", "sim"},
};

/* Without a model of their own, or with one that they only name. */
static const char *const things[] = {
    "/v1/batches",  "/v1/files",       "/v1/fine_tuning/jobs",
    "/v1/threads/", "/v1/moderations", "/v1/rerank",
};

static bool begins(const char *path, const char *with)
{
    return strncmp(path, with, strlen(with)) == 0;
}

static bool is_models(const char *path)
{
    size_t len = strlen(MODELS);

    return strncmp(path, MODELS, len) == 0 &&
           (path[len] == '\0' || path[len] == '/');
}

enum route route_find(const char *method, const char *path)
{
    bool is_get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    size_t i;

    if (strncmp(path, "/sim/", 5) == 0)
        return ROUTE_CONTROL;
    if (is_get && begins(path, "/results/"))
        return ROUTE_RESULT;
    if (is_get &&
        (begins(path, "/v1/status/") || begins(path, "/v2/nvcf/pexec/status/")))
        return ROUTE_STATUS;
    if (strncmp(path, "/v1/", 4) != 0)
        return ROUTE_NOWHERE;
    if (is_get && is_models(path))
        return ROUTE_MODELS;
    for (i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
        if (begins(path, things[i]))
            return ROUTE_THING;
    }
    if (strcmp(method, "POST") != 0)
        return ROUTE_OTHER;
    for (i = 0; i < sizeof(posts) / sizeof(posts[0]); i++) {
        if (strcmp(posts[i].path, path) == 0)
            return posts[i].route;
    }
    return ROUTE_OTHER;
}

static void model_write(size_t i, struct text *out)
{
    text_str(out, "{\"id\":");
    text_json(out, models[i].id);
    text_str(out, ",\"object\":\"model\",\"created\":735790403,\"owned_by\":");
    text_json(out, models[i].owned_by);
    text_str(out, "}");
}

/* As some servers have it that only nearly speak OpenAI's API. */
static void write_odd_list(const struct behaviour *how, struct text *out)
{
    if (how->list_null)
        text_str(out, "{\"object\":\"list\",\"data\":null}");
    else if (how->list_named)
        text_str(out, "{\"models\":[{\"name\":\"sim/echo\"}]}");
    else
        text_str(out, "[{\"id\":\"sim/echo\",\"object\":\"model\"}]");
}

bool route_models_body(const char *path, const struct behaviour *how,
                       struct text *out)
{
    const char *id = path + strlen(MODELS);
    size_t i;

    if (*id == '/') {
        for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
            if (strcmp(models[i].id, id + 1) == 0) {
                model_write(i, out);
                return true;
            }
        }
        return false;
    }
    if (how->list_bare || how->list_named || how->list_null) {
        write_odd_list(how, out);
        return true;
    }
    text_str(out, "{\"object\":\"list\",\"data\":[");
    for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        if (i > 0)
            text_str(out, ",");
        model_write(i, out);
    }
    text_str(out, "]}");
    return true;
}
