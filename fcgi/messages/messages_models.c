/*
 * messages_models.c - which models are there, in Anthropic's words?
 *
 *   {"data":[{"type":"model","id":"...","display_name":"...",
 *   "created_at":"..."}],"has_more":false,"first_id":"...","last_id":"..."}
 *
 * All of them at once.  When one came to be is told as the list tells it; what
 * has no time has 1970, as Anthropic's own lists do.
 */
#include <json-c/json.h>
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

static void write_model(struct buf *out, struct json_object *model)
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

static void write_cursor(struct buf *out, const char *key,
                         struct json_object *id)
{
    buf_fmt(out, ",\"%s\":", key);
    if (id != NULL)
        json_write_string(out, id);
    else
        buf_str(out, "null");
}

static void write_list(struct buf *out, struct json_object *list)
{
    struct json_object *first = NULL, *last = NULL;
    size_t i, n = json_object_array_length(list);

    buf_str(out, "{\"data\":[");
    for (i = 0; i < n; i++) {
        struct json_object *model = json_object_array_get_idx(list, i);
        struct json_object *id = json_read_string(model, "id");

        if (id == NULL)
            continue;
        buf_str(out, first != NULL ? "," : "");
        write_model(out, model);
        first = first != NULL ? first : id;
        last = id;
    }
    buf_str(out, "],\"has_more\":false");
    write_cursor(out, "first_id", first);
    write_cursor(out, "last_id", last);
    buf_str(out, "}");
}

int messages_models(const char *body, size_t len, struct buf *out)
{
    struct json_object *root, *list;

    (void)json_read_object(body, len, &root);
    list = json_read_list(root, "data");
    if (list != NULL)
        write_list(out, list);
    json_object_put(root);
    return list != NULL ? 0 : -1;
}
