/*
 * shared_terms.c - which settings do hosts that share a store follow alike?
 *
 * What an operator has changed while it ran: live settings, and keys that were made.
 * The settings file is each host's own.  Another host's text goes the way of each
 * change here (adopt.c): it is checked, kept on the disk, published to all workers.
 * So a host that starts again without the store has what it had.
 */
#include "fcgi/shared_terms.h"

#include <json-c/json.h>

#include "fcgi/config/terms.h"
#include "lib/base.h"
#include "lib/fnv.h"

/* A worker that never changed anything may have none of either. */
static struct json_object *copy_or(struct json_object *o,
                                   struct json_object *(*otherwise)(void))
{
    return o != NULL ? json_object_get(o) : otherwise();
}

const char *shared_terms_text(struct shared_terms *t, const struct terms *own,
                              size_t *len)
{
    if (t->o == NULL || t->generation != own->generation) {
        json_object_put(t->o);
        t->o = json_object_new_object();
        CHECK(t->o != NULL);
        t->generation = own->generation;
        json_object_object_add(t->o, "live",
                               copy_or(own->live, json_object_new_object));
        json_object_object_add(t->o, "keys",
                               copy_or(own->keys, json_object_new_array));
    }
    return json_object_to_json_string_length(t->o, JSON_C_TO_STRING_PLAIN, len);
}

uint64_t shared_terms_hash(struct shared_terms *t, const struct terms *own)
{
    size_t len;
    const char *text = shared_terms_text(t, own, &len);

    return fnv(FNV_BEGIN, text, len);
}

void shared_terms_free(struct shared_terms *t)
{
    json_object_put(t->o);
    t->o = NULL;
}
