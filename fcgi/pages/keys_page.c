/*
 * keys_page.c - who has a key, and how does an operator change that?
 *
 *   list                 s->cfg: the settings' clients, and keys that were made
 *   make, set, revoke    adopt.c; answered once all workers follow
 *
 * A key is told in one answer and then wiped; all else names it by the first
 * digits of its hash.
 */
#include "fcgi/pages/keys_page.h"

#include <stdlib.h>
#include <string.h>

#include "fcgi/adopt.h"
#include "fcgi/config/clients.h"
#include "fcgi/config/config.h"
#include "fcgi/config/revision.h"
#include "fcgi/exchange.h"
#include "lib/clock.h"

#define BODY_MAX (4 * KIB) /* a name and seven numbers */

static const char under[] = "/api/keys/";

/* ---- one key --------------------------------------------------------------- */

static void put_moment(struct buf *b, const char *member, int64_t at)
{
    buf_fmt(b, ",\"%s\":", member);
    if (at != 0)
        buf_int(b, at);
    else
        buf_str(b, "null");
}

/* Without its last brace. */
static void put_key(struct buf *b, const struct client_key *key, int64_t now_ms)
{
    char id[KEY_ID];

    key_text_id(id, key->hash);
    buf_str(b, "{\"name\":");
    buf_json(b, key->name);
    buf_fmt(b, ",\"id\":\"%s\",\"source\":\"%s\"", id,
            key->made_at != 0 ? "made" : "settings");
    put_moment(b, "made_at", key->made_at);
    put_moment(b, "expires_at", key->expires_at);
    buf_fmt(b,
            ",\"expired\":%s,\"priority\":\"%s\",\"weight\":%lld,"
            "\"requests_per_min\":%lld,\"tokens_per_min\":%lld,"
            "\"tokens_per_day\":%lld,\"queue_max\":%lld",
            clients_is_over(key, now_ms) ? "true" : "false",
            limiter_class_names[key->priority], (long long)key->weight,
            (long long)key->requests_per_min, (long long)key->tokens_per_min,
            (long long)key->tokens_per_day, (long long)key->queue_max);
}

/* ---- all of them ------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct client_ref *)a)->key->name,
                  ((const struct client_ref *)b)->key->name);
}

static void put_all(struct buf *b, const struct config *cfg, int64_t now_ms)
{
    size_t n = cfg->n_clients + cfg->n_made, i;
    struct client_ref *all = calloc(n + 1, sizeof(*all));

    CHECK(all != NULL);
    for (i = 0; i < n; i++)
        all[i].key = i < cfg->n_clients ? &cfg->clients[i]
                                        : &cfg->made[i - cfg->n_clients];
    qsort(all, n, sizeof(*all), by_name);
    buf_str(b, "{\"keys\":[");
    for (i = 0; i < n; i++) {
        buf_str(b, i > 0 ? ",\n" : "");
        put_key(b, all[i].key, now_ms);
        buf_str(b, "}");
    }
    buf_str(b, "]}\n");
    free(all);
}

enum step keys_page_list(struct exchange *x)
{
    struct buf b = {NULL, 0, 0, 0};
    enum step next;

    put_all(&b, x->s->cfg, clock_wall_ms());
    next = exchange_json(x, &b);
    buf_free(&b);
    return next;
}

/* ---- orders --------------------------------------------------------------------- */

/* Of one that is made, and of one that is changed. */
static void put_one(struct buf *b, struct config *cfg,
                    const struct revision *rev)
{
    const struct client_key *key = clients_named(cfg, rev->order.name);

    CHECK(key != NULL); /* CFG was built with it, or refused */
    put_key(b, key, clock_wall_ms());
    if (rev->order.deed == KEY_MAKE)
        buf_fmt(b, ",\"key\":\"%s\"", rev->order.key);
    buf_str(b, "}\n");
}

static void put_revoked(struct buf *b, struct config *cfg,
                        const struct revision *rev)
{
    (void)cfg;
    buf_str(b, "{\"revoked\":");
    buf_json(b, rev->order.name);
    buf_str(b, "}\n");
}

static void on_told(void *arg, const struct buf *answer,
                    const struct reply_error *e)
{
    struct exchange *x = arg;
    bool is_new = strcmp(x->req->method, "POST") == 0;

    if (answer != NULL)
        (void)exchange_json_as(x, is_new ? 201 : 200, answer);
    else
        (void)exchange_fail_as(x, e->status, e->code, e->retry_ms, e->retry,
                               "%s", e->message);
    exchange_run(x);
}

static void stop_waiting(struct exchange *x)
{
    adopt_forget(x->s->adopt, x);
}

/* DEED, of the client NAME. */
static enum step order(struct exchange *x, enum key_deed deed, const char *name)
{
    const struct adopt_asker who = {.remote = request_address(x->req),
                                    .id = x->req->id,
                                    .put = deed == KEY_REVOKE ? put_revoked
                                                              : put_one,
                                    .told = on_told,
                                    .arg = x};
    const struct buf *body = &x->req->body;

    if (body->len > BODY_MAX)
        return exchange_fail_as(x, 413, ERROR_TOO_LARGE, -1, 0,
                                "What is said of a key is at most %zu KB.",
                                BODY_MAX / KIB);
    if (body->len == 0 && deed != KEY_REVOKE)
        return exchange_fail_as(x, 400, ERROR_BAD_REQUEST, -1, 0,
                                "the body: must be one JSON object");
    adopt_keys(x->s->adopt, &who, deed, name,
               body->len > 0 ? buf_head(body) : "", body->len);
    return exchange_wait(x, stop_waiting);
}

/* The same of the client whose name the path has. */
static enum step order_named(struct exchange *x, enum key_deed deed)
{
    const char *name = x->req->path + strlen(under);

    if (strlen(name) >= CLIENT_MAX)
        return exchange_fail_as(x, 404, ERROR_NOT_FOUND, -1, 0,
                                "No key was made of that name.");
    return order(x, deed, name);
}

enum step keys_page_make(struct exchange *x)
{
    return order(x, KEY_MAKE, "");
}

enum step keys_page_set(struct exchange *x)
{
    return order_named(x, KEY_SET);
}

enum step keys_page_revoke(struct exchange *x)
{
    return order_named(x, KEY_REVOKE);
}
