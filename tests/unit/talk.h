/* A random request of the Messages API, and what is left of one on its way. */
#ifndef SLUICE_TALK_H
#define SLUICE_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/messages/messages.h"

/* A conversation of TURNS turns, one at least, with whatever else a client may
 * say; the caller's.  Such as Anthropic takes, but for empty texts. */
struct json_object *talk_make(size_t turns);

/* How it may be asked. */
struct messages_ask talk_ask(void);

/*
 * The canonical form: what both APIs have a word for, said in Messages' words
 * and in one way only.  The caller's.
 */

/* Of a request ROOT of the Messages API, without what README.md of
 * fcgi/messages/ says is lost.  NULL: nothing is left that could be asked. */
struct json_object *talk_kept(struct json_object *root,
                              const struct messages_ask *ask, unsigned ways);

/* Of its turns alone, as TO's "system" and "messages". */
void talk_keep_turns(struct json_object *to, struct json_object *root,
                     const struct messages_ask *ask);

/* Of a chat request.  A member that it does not know stays in it under that
 * name, so that it is equal to none of the others. */
struct json_object *talk_back(struct json_object *chat);

/* Are they the same value?  A whole number may be written in either way. */
bool talk_is_same(struct json_object *a, struct json_object *b);

/* ---- trees ------------------------------------------------------------------ */

/* NULL: there is none, it is null, or O is no object. */
static inline struct json_object *talk_get(struct json_object *o,
                                           const char *key)
{
    return json_object_is_type(o, json_type_object)
               ? json_object_object_get(o, key)
               : NULL;
}

static inline bool talk_is_word(struct json_object *v, const char *text)
{
    return json_object_is_type(v, json_type_string) &&
           strcmp(json_object_get_string(v), text) == 0;
}

static inline bool talk_is(struct json_object *block, const char *type)
{
    return talk_is_word(talk_get(block, "type"), type);
}

static inline size_t talk_count(struct json_object *list)
{
    return json_object_is_type(list, json_type_array)
               ? json_object_array_length(list)
               : 0;
}

static inline struct json_object *talk_at(struct json_object *list, size_t i)
{
    return json_object_array_get_idx(list, i);
}

/* FROM's KEY, if it has one, as TO's. */
static inline void talk_keep(struct json_object *to, const char *to_key,
                             struct json_object *from, const char *key)
{
    if (talk_get(from, key) != NULL)
        json_object_object_add(to, to_key,
                               json_object_get(talk_get(from, key)));
}

#endif
