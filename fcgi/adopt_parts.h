/*
 * What adopt.c and adopt_hosts.c keep of changes that are being made.
 */
#ifndef SLUICE_ADOPT_PARTS_H
#define SLUICE_ADOPT_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/adopt.h"
#include "fcgi/config/revision.h"
#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/offload.h"
#include "state/policy/vocabulary.h"

#define JOBS_MAX 64 /* changes that wait for the disk */

struct change {
    struct job job; /* first: offload.c gives it back */
    struct adopt *a;
    struct revision rev;
    struct adopt_asker who; /* told is NULL: nobody, or it is gone */
    char remote[64];        /* who asked; "": nobody */
    char id[LIMITER_ID_MAX];
    uint64_t stamp;    /* of what was published, before it was read */
    char *patch;       /* its body */
    struct buf answer; /* of who asked, once all follow */
    uint64_t generation;
    int64_t until_ns;    /* but not later */
    struct change *next; /* in a->changes */
};

struct adopt {
    struct sluice *s;
    struct offload *offload;
    char *const *env;
    struct terms own;
    struct change *changes; /* all of them */
    uint32_t n_changes;
    bool following;           /* one of them follows others */
    uint64_t tried;           /* generation that could not be followed */
    char said[512];           /* why not, as it was logged */
    uint64_t stamp;           /* of what was published when we looked last */
    struct json_object *text; /* adopt_text()'s, of that generation */
    uint64_t text_of;
    struct loop_timer timer; /* looks at who follows */
};

/* A change of KIND, WHO asks for it (NULL: nobody); to be given to offload_do(). */
struct change *adopt_begin(struct adopt *a, enum revise_kind kind,
                           const struct adopt_asker *who);
/* Copies what it says. */
void adopt_take_body(struct change *c, const char *body, size_t len);

#endif
