/*
 * adopt_hosts.c - which settings do hosts that share a store follow alike?
 *
 * Live settings and the keys that were made, as one text.  It is made anew when
 * they change; another host's goes the way of each change here (adopt.c): checked,
 * kept on the disk, published to all workers.  So a host that starts again without
 * the store has what it had.
 */
#include <json-c/json.h>

#include "fcgi/adopt_parts.h"
#include "lib/base.h"

const char *adopt_text(struct adopt *a, size_t *len)
{
    struct json_object *o;

    if (a->text == NULL || a->text_of != a->own.generation) {
        json_object_put(a->text);
        a->text = o = json_object_new_object();
        CHECK(o != NULL);
        a->text_of = a->own.generation;
        json_object_object_add(o, "live",
                               a->own.live != NULL
                                   ? json_object_get(a->own.live)
                                   : json_object_new_object());
        json_object_object_add(o, "keys",
                               a->own.keys != NULL
                                   ? json_object_get(a->own.keys)
                                   : json_object_new_array());
    }
    return json_object_to_json_string_length(a->text, JSON_C_TO_STRING_PLAIN,
                                             len);
}

void adopt_shared(struct adopt *a, const char *text, size_t len)
{
    struct change *c;

    if (a->n_changes >= JOBS_MAX)
        return; /* it is put again by whoever changes something next */
    c = adopt_begin(a, REVISE_SHARED, NULL);
    adopt_take_body(c, text, len);
    offload_do(a->offload, &c->job);
}

uint64_t adopt_generation(const struct adopt *a)
{
    return a->own.generation;
}

bool adopt_is_busy(const struct adopt *a)
{
    return a->n_changes > 0;
}
