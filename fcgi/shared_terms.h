/*
 * Which settings do hosts that share a store follow alike?
 */
#ifndef SLUICE_SHARED_TERMS_H
#define SLUICE_SHARED_TERMS_H

#include <stddef.h>
#include <stdint.h>

struct json_object;
struct terms;

struct shared_terms {      /* zero at first */
    struct json_object *o; /* made of that generation */
    uint64_t generation;
};

/* Nothing was ever changed: there is nothing to tell. */
#define SHARED_TERMS_PLAIN "{\"live\":{},\"keys\":[]}"

/* The live settings and the keys (their hashes) of OWN as one text of JSON;
 * borrowed until OWN is another, or the next two are called. */
const char *shared_terms_text(struct shared_terms *t, const struct terms *own,
                              size_t *len);
uint64_t shared_terms_hash(struct shared_terms *t, const struct terms *own);
void shared_terms_free(struct shared_terms *t);

#endif
