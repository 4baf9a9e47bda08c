/*
 * messages_models.c - which models are there, in Anthropic's words?
 *
 *   {"data":[{"type":"model","id":"...","display_name":"...",
 *   "created_at":"..."}],"has_more":false,"first_id":"...","last_id":"..."}
 *
 * All of them at once, unless its client wants a page.  When one came to be is
 * told as the list tells it; what has no time has 1970, as Anthropic's own lists
 * do.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <time.h>

#include "fcgi/messages/json_read.h"
#include "fcgi/messages/json_write.h"
#include "fcgi/messages/messages.h"

#define YEAR_10000 INT64_C(253402300800) /* the form has four digits */

static void write_time(struct buf *out, struct json_object *created)
{
    int64_t at = json_object_get_int64(created);
    time_t seconds = at > 0 && at < YEAR_10000 ? at : 0;
    struct tm tm;
    char text[32] = "";

    if (gmtime_r(&seconds, &tm) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_str(out, text);
}

void messages_model(struct json_object *model, struct buf *out)
{
    struct json_object *id = json_read_string(model, "id");
    struct json_object *name = json_read_string(model, "display_name");

    buf_str(out, "{\"type\":\"model\",\"id\":");
    json_write_string(out, id);
    buf_str(out, ",\"display_name\":");
    json_write_string(out, name != NULL ? name : id);
    buf_str(out, ",\"created_at\":\"");
    write_time(out, json_read_member(model, "created"));
    buf_str(out, "\"}");
}

/* ---- pages ------------------------------------------------------------------ */

/* A part of a list. */
struct part {
    size_t from, end;
    bool has_more; /* in the direction that is asked in */
};

/* Where the model ID is in LIST; its length: nowhere. */
static size_t place_of(struct json_object *list, const char *id)
{
    size_t i, n = json_object_array_length(list);

    for (i = 0; i < n; i++)
        if (json_read_is(json_object_array_get_idx(list, i), "id", id))
            break;
    return i;
}

/* The first ones behind `after`, or the last ones before `before`.  False: no
 * model is called so. */
static bool find_part(struct json_object *list,
                      const struct messages_page *page, struct part *out)
{
    size_t n = json_object_array_length(list);
    size_t most = page->limit > 0 ? (size_t)page->limit : n;

    *out = (struct part){0, n, false};
    if (page->after != NULL) {
        out->from = place_of(list, page->after) + 1;
        if (out->from > n)
            return false;
    }
    if (page->before != NULL) {
        out->end = place_of(list, page->before);
        if (out->end == n)
            return false;
    }
    if (out->end < out->from)
        out->end = out->from;
    out->has_more = out->end - out->from > most;
    if (out->has_more && page->before != NULL && page->after == NULL)
        out->from = out->end - most;
    else if (out->has_more)
        out->end = out->from + most;
    return true;
}

static void write_cursor(struct buf *out, const char *key,
                         struct json_object *list, size_t at)
{
    buf_fmt(out, ",\"%s\":", key);
    if (at < json_object_array_length(list))
        json_write_string(
            out, json_read_string(json_object_array_get_idx(list, at), "id"));
    else
        buf_str(out, "null");
}

int messages_models(struct json_object *list, const struct messages_page *page,
                    struct buf *out)
{
    size_t none = json_object_array_length(list), i;
    struct part p;

    if (!find_part(list, page, &p))
        return -1;
    buf_str(out, "{\"data\":[");
    for (i = p.from; i < p.end; i++) {
        buf_str(out, i > p.from ? "," : "");
        messages_model(json_object_array_get_idx(list, i), out);
    }
    buf_fmt(out, "],\"has_more\":%s", p.has_more ? "true" : "false");
    write_cursor(out, "first_id", list, p.from < p.end ? p.from : none);
    write_cursor(out, "last_id", list, p.from < p.end ? p.end - 1 : none);
    buf_str(out, "}");
    return 0;
}
