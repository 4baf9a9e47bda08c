/*
 * Where in a JSON text is what?  For those that want its bytes, and no tree of
 * it.
 */
#ifndef SLUICE_JSON_WALK_H
#define SLUICE_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the text that is walked. */
struct json_span {
    const char *at;
    size_t len;
};

/* What stands next in an object or an array. */
struct json_item {
    struct json_span
        key; /* between its quotes, as written; of an array: none */
    struct json_span value;
};

/* A place in an object or an array, and the end of the text. */
struct json_walk {
    const char *at, *end; /* AT: NULL once it is over, or makes no sense */
    bool is_object;
};

/* Goes into TEXT, which must be an object or an array but for white space
 * around it; false: it is neither. */
bool json_walk_into(struct json_walk *w, struct json_span text);
/* The next item.  False: there is none, or none that makes sense; w->at then
 * tells which: behind the last bracket, or NULL. */
bool json_walk_next(struct json_walk *w, struct json_item *out);

/* Does KEY, which may be escaped, say NAME, which is of plain letters? */
bool json_walk_says(struct json_span key, const char *name);

/* From FROM, which is a quote, to behind the one that ends the string; NULL:
 * none does.  The same of a value of any kind.  Neither is wholly checked. */
const char *json_walk_string(const char *from, const char *end);
const char *json_walk_value(const char *from, const char *end);

#endif
