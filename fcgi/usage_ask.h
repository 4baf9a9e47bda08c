/*
 * A body that asks for a stream is made to ask for a report of its tokens.
 */
#ifndef SLUICE_USAGE_ASK_H
#define SLUICE_USAGE_ASK_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* The one change of a body: IS in the place of WAS, both literals. */
struct usage_ask {
    size_t at;
    const char *was; /* "": nothing stood there */
    const char *is;  /* NULL: nothing is changed */
};

/*
 * What has to be changed of the LEN bytes of BODY, sound JSON, that its
 * `stream_options` have `include_usage`.  False: nothing, since it is no object,
 * asks for it by itself, or says something odd there, which is for the upstream
 * to judge.
 */
bool usage_ask_find(struct usage_ask *a, const char *body, size_t len);
/* Changes BODY as A says, and back. */
void usage_ask_put(const struct usage_ask *a, struct buf *body);
void usage_ask_take(const struct usage_ask *a, struct buf *body);

#endif
