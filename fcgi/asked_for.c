/*
 * asked_for.c - which model does a client mean?
 *
 * One that a row of model_alias fits is another one for all that follows: for
 * the choice of upstreams and stand-ins, for limits, metrics and the log.  Only
 * its client is told the name that it knows.
 */
#include "fcgi/asked_for.h"

#include <stdlib.h>
#include <string.h>

#include "fcgi/config/aliases.h"
#include "fcgi/config/config.h"
#include "fcgi/model_name.h"
#include "fcgi/route.h"
#include "lib/json_walk.h"

void asked_for_settle(struct exchange *x)
{
    struct request *r = x->req;
    char name[MODEL_BYTES];

    if (!r->route->proxied || r->asked_for != NULL ||
        !aliases_of(x->s->cfg, request_model(r), name) ||
        !model_name_change(r, name))
        return;
    r->asked_for = strdup(request_model(r));
    CHECK(r->asked_for != NULL);
    request_name_model(r, name, strlen(name));
}

/* ---- what its client is told ---------------------------------------------------- */

/* Copies BODY to OUT, with NAME for what stands under "model", in the outermost
 * object or in the answer that an event of one API or the other holds. */
static void put(struct buf *out, struct json_span body, const char *name,
                bool is_outermost)
{
    const char *copied = body.at, *end = body.at + body.len;
    struct json_walk w;
    struct json_item item;

    if (!json_walk_into(&w, body) || !w.is_object) {
        buf_add(out, body.at, body.len);
        return;
    }
    while (json_walk_next(&w, &item)) {
        bool is_name = json_walk_says(item.key, "model") &&
                       item.value.len > 0 && *item.value.at == '"';
        bool is_answer =
            is_outermost && (json_walk_says(item.key, "response") ||
                             json_walk_says(item.key, "message"));

        if (!is_name && !is_answer)
            continue;
        buf_add(out, copied, (size_t)(item.value.at - copied));
        if (is_name)
            buf_json(out, name);
        else
            put(out, item.value, name, false);
        copied = item.value.at + item.value.len;
    }
    buf_add(out, copied, (size_t)(end - copied));
}

void asked_for_tell(const struct exchange *x, struct buf *body)
{
    struct buf told = {NULL, 0, 0, 0};

    if (x->req->asked_for == NULL || body->len == 0)
        return;
    put(&told, (struct json_span){buf_head(body), body->len}, x->req->asked_for,
        true);
    buf_free(body);
    *body = told;
}

void asked_for_tell_events(const struct exchange *x, const char *data,
                           size_t len, struct buf *out)
{
    static const char field[] = "data:";
    const char *p = data, *end = data + len;

    while (p < end) {
        size_t n = 0, head = sizeof(field) - 1;

        while (p + n < end && p[n] != '\n' && p[n] != '\r')
            n++;
        if (n > head && memcmp(p, field, head) == 0) {
            buf_add(out, p, head);
            put(out, (struct json_span){p + head, n - head}, x->req->asked_for,
                true);
        } else {
            buf_add(out, p, n);
        }
        p += n;
        for (n = 0; p + n < end && (p[n] == '\n' || p[n] == '\r');)
            n++;
        buf_add(out, p, n);
        p += n;
    }
}
