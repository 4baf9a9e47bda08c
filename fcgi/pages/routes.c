/*
 * routes.c - what is answered, by whom, and for whom?
 *
 * The first row whose path and method fit decides (route.c): what is under /v1
 * and in no row of its own is passed on.  A row also says whether a model
 * answers there; what costs a slot is a setting (free.c).  Batches, files, threads and what else an upstream may
 * have are not: an error of theirs is of no model, and to send one of their
 * POSTs twice makes two of something.
 *
 * A new route is a row here and, if it is a page of ours, its file in this
 * folder and its line in the table of API.md; tests/unit/test_routes.c names
 * what was forgotten.
 */
#include "fcgi/pages/routes.h"

#include <stddef.h>

#include "fcgi/pages/admin.h"
#include "fcgi/pages/change.h"
#include "fcgi/pages/config_page.h"
#include "fcgi/pages/count_tokens.h"
#include "fcgi/pages/events.h"
#include "fcgi/pages/health.h"
#include "fcgi/pages/history_page.h"
#include "fcgi/pages/keys_page.h"
#include "fcgi/pages/me.h"
#include "fcgi/pages/metrics.h"
#include "fcgi/pages/models.h"
#include "fcgi/pages/not_stored.h"
#include "fcgi/pages/preflight.h"
#include "fcgi/pages/ready.h"
#include "fcgi/pages/status.h"
#include "lib/base.h"

#define ANY_METHOD "GET, HEAD, POST, PUT, PATCH, DELETE"

/* What a row is: the three of struct route, and how its streams end. */
#define CHAT_LIKE(ends) ACCESS_CLIENT, true, true, true, ends, NULL, NULL, NULL
/* A model answers it, but what is in the body is between the two. */
#define INFERENCE(ends) ACCESS_CLIENT, true, false, true, ends, NULL, NULL, NULL
/* Only passed on. */
#define PASSED_ON                                                              \
    ACCESS_CLIENT, true, false, false, ENDS_ANYHOW, NULL, NULL, NULL
#define OUR_OWN(access, answer)                                                \
    access, false, false, false, ENDS_ANYHOW, answer, NULL, NULL

/* Messages before an upstream that speaks chat completions (as_chat.c). */
static const struct route messages_as_chat = {
    .path = "/v1/messages",
    .methods = "POST",
    .name = "messages",
    .access = ACCESS_CLIENT,
    .proxied = true,
    .needs_json = true,
    .is_inference = true,
    .ends = ENDS_DONE,
    .tongue = &tongue_messages,
};

/* The same of a question that needs no upstream. */
static const struct route count_tokens_here = {
    .path = "/v1/messages/count_tokens",
    .methods = "POST",
    .name = "messages",
    .access = ACCESS_CLIENT,
    .answer = count_tokens_answer,
    .tongue = &tongue_messages,
};

/* Responses before an upstream that speaks chat completions, and what would have
 * to be stored for them. */
static const struct route responses_as_chat = {
    .path = "/v1/responses",
    .methods = "POST",
    .name = "responses",
    .access = ACCESS_CLIENT,
    .proxied = true,
    .needs_json = true,
    .is_inference = true,
    .ends = ENDS_DONE,
    .tongue = &tongue_responses,
};

static const struct route nothing_stored = {
    .path = "/v1/responses/*",
    .methods = ANY_METHOD,
    .name = "other",
    .access = ACCESS_CLIENT,
    .answer = not_stored_answer,
    .tongue = &tongue_responses,
};

static const struct route rows[] = {
    {"/v1/chat/completions", "POST", "chat", CHAT_LIKE(ENDS_DONE)},
    {"/v1/completions", "POST", "completions", CHAT_LIKE(ENDS_DONE)},
    {"/v1/embeddings", "POST", "embeddings", CHAT_LIKE(ENDS_ANYHOW)},
    {"/v1/responses", "POST", "responses", ACCESS_CLIENT, true, true, true,
     ENDS_RESPONSE, NULL, &responses_as_chat, NULL},
    {"/v1/responses/*", ANY_METHOD, "other", ACCESS_CLIENT, true, false, false,
     ENDS_ANYHOW, NULL, &nothing_stored, NULL},
    {"/v1/ranking", "POST", "ranking", CHAT_LIKE(ENDS_ANYHOW)},
    {"/v1/models", "GET, HEAD", "models",
     OUR_OWN(ACCESS_CLIENT, models_answer)},
    {"/v1/models/*", "GET, HEAD", "models",
     OUR_OWN(ACCESS_CLIENT, models_answer)},
    /* OpenAI's, Anthropic's, and those of NIM, vLLM and their like. */
    {"/v1/messages", "POST", "messages", ACCESS_CLIENT, true, false, true,
     ENDS_MESSAGE, NULL, &messages_as_chat, NULL},
    {"/v1/messages/count_tokens", "POST", "messages", ACCESS_CLIENT, true,
     false, false, ENDS_ANYHOW, NULL, &count_tokens_here, NULL},
    {"/v1/moderations", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/images/generations", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/images/edits", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/images/variations", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/audio/speech", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/audio/transcriptions", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/audio/translations", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/rerank", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/score", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/classify", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/pooling", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/infer", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/genai/*", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/retrieval/*", "POST", "other", INFERENCE(ENDS_ANYHOW)},
    {"/v1/*", ANY_METHOD, "other", PASSED_ON},
    {"/health", "GET, HEAD", "health", OUR_OWN(ACCESS_ALL, health_answer)},
    {"/health/ready", "GET, HEAD", "ready", OUR_OWN(ACCESS_ALL, ready_answer)},
    {"/metrics", "GET, HEAD", "metrics", OUR_OWN(ACCESS_READ, metrics_answer)},
    {"/api/status", "GET, HEAD", "status", OUR_OWN(ACCESS_READ, status_answer)},
    {"/api/queue", "GET, HEAD", "queue", OUR_OWN(ACCESS_READ, queue_answer)},
    {"/api/queue/*", "DELETE", "control", OUR_OWN(ACCESS_ADMIN, admin_cancel)},
    {"/api/config", "PATCH", "config", OUR_OWN(ACCESS_ADMIN, change_patch)},
    {"/api/config", "GET, HEAD, PATCH", "config",
     OUR_OWN(ACCESS_READ, config_page_answer)},
    {"/api/keys", "POST", "keys", OUR_OWN(ACCESS_ADMIN, keys_page_make)},
    {"/api/keys", "GET, HEAD, POST", "keys",
     OUR_OWN(ACCESS_ADMIN, keys_page_list)},
    {"/api/keys/*", "DELETE", "keys", OUR_OWN(ACCESS_ADMIN, keys_page_revoke)},
    {"/api/keys/*", "PATCH, DELETE", "keys",
     OUR_OWN(ACCESS_ADMIN, keys_page_set)},
    {"/api/me", "GET, HEAD", "me", OUR_OWN(ACCESS_KEY, me_answer)},
    {"/api/pause", "POST", "control", OUR_OWN(ACCESS_ADMIN, admin_pause)},
    {"/api/resume", "POST", "control", OUR_OWN(ACCESS_ADMIN, admin_resume)},
    {"/api/retreat/clear", "POST", "control",
     OUR_OWN(ACCESS_ADMIN, admin_clear)},
    {"/api/reload", "POST", "control", OUR_OWN(ACCESS_ADMIN, change_reload)},
    {"/api/events", "GET", "events", OUR_OWN(ACCESS_READ, events_answer)},
    {"/api/history", "GET, HEAD", "history",
     OUR_OWN(ACCESS_READ, history_page_answer)},
};

/* Of no path of its own: auth.c says who may ask. */
static const struct route preflight = {
    .path = "/*",
    .methods = "OPTIONS",
    .name = "preflight",
    .access = ACCESS_PREFLIGHT,
    .answer = preflight_answer,
};

const struct routes routes_all = {rows, ARRAY_LEN(rows), &preflight};
