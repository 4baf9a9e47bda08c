/*
 * model_name.c - how does a request ask for another model?
 *
 * Its bytes go on as they came, but for those of the name: numbers keep their
 * digits, and objects the order of their members.  Where "model" stands twice
 * one reader takes the first and another the last, so all of them change.
 */
#include "fcgi/model_name.h"

#include "fcgi/multipart.h"
#include "fcgi/request.h"
#include "fcgi/route.h"
#include "lib/buf.h"
#include "lib/json_walk.h"

bool model_name_put(struct buf *out, const char *body, size_t len,
                    const char *name)
{
    const char *copied = body;
    struct json_walk w;
    struct json_item item;

    if (!json_walk_into(&w, (struct json_span){body, len}) || !w.is_object)
        return false;
    while (json_walk_next(&w, &item)) {
        if (!json_walk_says(item.key, "model"))
            continue;
        buf_add(out, copied, (size_t)(item.value.at - copied));
        buf_json(out, name);
        copied = item.value.at + item.value.len;
    }
    if (w.at == NULL || copied == body) {
        buf_free(out);
        return false;
    }
    buf_add(out, copied, (size_t)(body + len - copied));
    return true;
}

bool model_name_put_form(struct buf *out, const char *type, const char *body,
                         size_t len, const char *name)
{
    const char *value;
    size_t n;

    if (!multipart_field(type, body, len, "model", &value, &n))
        return false;
    buf_add(out, body, (size_t)(value - body));
    buf_str(out, name);
    buf_add(out, value + n, (size_t)(body + len - (value + n)));
    return true;
}

/* The one of R's bodies that is B. */
static bool change(const struct request *r, struct buf *b, const char *name)
{
    const char *type = asked_header(&r->headers, "content-type");
    struct buf changed = {NULL, 0, 0, 0};
    bool done = false;

    if (r->is_json || (r->route != NULL && r->route->needs_json))
        done = model_name_put(&changed, buf_head(b), b->len, name);
    else if (type != NULL)
        done = model_name_put_form(&changed, type, buf_head(b), b->len, name);
    if (!done)
        return false;
    buf_free(b);
    *b = changed;
    return true;
}

bool model_name_change(struct request *r, const char *name)
{
    if (r->body.len == 0 || !change(r, &r->body, name))
        return false;
    return r->as_came.len == 0 || change(r, &r->as_came, name);
}
