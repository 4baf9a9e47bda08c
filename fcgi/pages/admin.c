/*
 * admin.c - what may an operator do, besides changing settings?
 *
 *   pause, resume   nothing is sent, it goes on (state/operator.c)
 *   cancel          one request ends, waiting or running
 *   clear           a retreat, a 402 hold or a bench ends
 *
 * Each takes effect in all workers and is logged with who did it.  auth.c has
 * seen the token before anything here is called.
 */
#include "fcgi/pages/admin.h"

#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/config.h"
#include "fcgi/config/json_file.h"
#include "fcgi/config/settings.h"
#include "fcgi/control_log.h"
#include "fcgi/exchange.h"
#include "lib/clock.h"
#include "lib/complaint.h"
#include "lib/json_strict.h"
#include "state/operator.h"

#define BODY_MAX (4 * KIB) /* two names */

static void log_order(const struct exchange *x, const char *action,
                      const char *key, const char *value)
{
    control_log(x->s->log, request_address(x->req), x->req->id, action, key,
                value);
}

static enum step say(struct exchange *x, const char *json)
{
    struct buf b = {NULL, 0, 0, 0};
    enum step next;

    buf_str(&b, json);
    next = exchange_json(x, &b);
    buf_free(&b);
    return next;
}

static enum step bad(struct exchange *x, const char *what)
{
    return exchange_fail_as(x, 400, ERROR_BAD_REQUEST, -1, 0, "%s", what);
}

/* The object in the body, the caller's; none is an empty one.  NULL: the
 * client is to be told WHY. */
static struct json_object *body_of(struct exchange *x, char *why, size_t max)
{
    struct complaint err = {why, max};
    struct json_object *root;
    struct json_file text;

    if (x->req->body.len == 0)
        return json_object_new_object();
    if (x->req->body.len > BODY_MAX) {
        complain(&err, "the body: is larger than %zu bytes", BODY_MAX);
        return NULL;
    }
    memset(&text, 0, sizeof(text));
    text.len = x->req->body.len;
    text.text = strndup(buf_head(&x->req->body), text.len);
    CHECK(text.text != NULL);
    if (strlen(text.text) < text.len) {
        complain(&err, "the body: it has a zero byte");
        root = NULL;
    } else {
        root = json_file_parse(&text, "the body", &err);
    }
    json_file_free(&text);
    return root;
}

/* ---- pause, resume --------------------------------------------------------- */

static enum step set_pause(struct exchange *x, const char *by)
{
    char why[256];
    struct json_object *body = body_of(x, why, sizeof(why));

    if (body == NULL)
        return bad(x, why);
    json_object_put(body);
    if (!limiter_pause(x->s->lim, by, clock_now_ns()))
        return exchange_later(x);
    x->s->turn_due = true;
    log_order(x, by != NULL ? "pause" : "resume", NULL, NULL);
    return say(x, by != NULL ? "{\"paused\":true}\n" : "{\"paused\":false}\n");
}

enum step admin_pause(struct exchange *x)
{
    return set_pause(x, request_address(x->req));
}

enum step admin_resume(struct exchange *x)
{
    return set_pause(x, NULL);
}

/* ---- cancel ------------------------------------------------------------------ */

enum step admin_cancel(struct exchange *x)
{
    const char *id = x->req->path + strlen("/api/queue/");
    char json[48];
    uint32_t n;

    if (!limiter_cancel(x->s->lim, id, clock_now_ns(), &n))
        return exchange_later(x);
    if (n == 0)
        return exchange_fail_as(x, 404, ERROR_NOT_FOUND, -1, 0,
                                "No request that waits or runs has this id.");
    x->s->turn_due = true; /* it may be one of ours */
    log_order(x, "cancel", "id", id);
    snprintf(json, sizeof(json), "{\"cancelled\":%u}\n", n);
    return say(x, json);
}

/* ---- clear --------------------------------------------------------------------- */

/* The text of KEY, "" if it is not there; NULL: it is none. */
static const char *text_of(struct json_object *body, const char *key)
{
    struct json_object *value;
    const char *text;

    if (!json_object_object_get_ex(body, key, &value))
        return "";
    text = json_strict_text(value);
    return text != NULL && *text != '\0' ? text : NULL;
}

/* Ends what holds MODEL, or with "" all, of UPSTREAM, or with "" of each. */
static enum step clear(struct exchange *x, const char *upstream,
                       const char *model)
{
    const struct config *cfg = x->s->cfg;
    uint32_t i, n = 0;

    for (i = 0; i < cfg->n_upstreams; i++) {
        if (*upstream != '\0' && strcmp(upstream, cfg->upstreams[i].name) != 0)
            continue;
        n++;
        if (!limiter_end_hold(x->s->lim, i, model))
            return exchange_later(x);
    }
    if (n == 0)
        return bad(x, "upstream: must be the name of one that the settings "
                      "have");
    x->s->turn_due = true;
    log_order(x, "clear", *model != '\0' ? "model" : "upstream",
              *model != '\0' ? model : upstream);
    return say(x, "{\"cleared\":true}\n");
}

static bool has_other_keys(struct json_object *body)
{
    struct json_object_iterator it = json_object_iter_begin(body);
    struct json_object_iterator end = json_object_iter_end(body);

    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        const char *key = json_object_iter_peek_name(&it);

        if (strcmp(key, "upstream") != 0 && strcmp(key, "model") != 0)
            return true;
    }
    return false;
}

enum step admin_clear(struct exchange *x)
{
    char why[256];
    struct json_object *body = body_of(x, why, sizeof(why));
    const char *upstream, *model;
    enum step next;

    if (body == NULL)
        return bad(x, why);
    upstream = text_of(body, "upstream");
    model = text_of(body, "model");
    if (has_other_keys(body))
        next = bad(x, "the body: may have \"upstream\" and \"model\", nothing "
                      "else");
    else if (upstream == NULL || model == NULL ||
             strlen(model) >= LIMITER_NAME_MAX)
        next = bad(x, "upstream, model: must be names");
    else
        next = clear(x, upstream, model);
    json_object_put(body);
    return next;
}
