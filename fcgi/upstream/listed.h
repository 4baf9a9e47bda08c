/*
 * Which upstream's own list has which model?
 */
#ifndef SLUICE_LISTED_H
#define SLUICE_LISTED_H

#include <stddef.h>

struct json_object;
struct listed; /* of all upstreams, by their index */

enum listed_word {
    LISTED_UNKNOWN = 0, /* nobody has asked it, or it has no list */
    LISTED_NO = 1,
    LISTED_YES = 2,
};

struct listed *listed_new(void);
void listed_free(struct listed *l); /* NULL is fine */

/* UPSTREAM lists the models of LIST, an array as listing_read() makes it; their
 * names are copied, and put in order. */
void listed_take(struct listed *l, size_t upstream, struct json_object *list);
/* What UPSTREAM lists is not known any more. */
void listed_forget(struct listed *l, size_t upstream);
/* Does UPSTREAM list MODEL?  L may be NULL. */
enum listed_word listed_has(const struct listed *l, size_t upstream,
                            const char *model);

#endif
