/*
 * What may somebody else read of this?
 */
#ifndef SLUICE_DISGUISE_H
#define SLUICE_DISGUISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct json_object;
struct disguise;

enum disguised {
    NAME_CLIENT = 0,
    NAME_MODEL = 1,
    NAME_UPSTREAM = 2,
    NAME_PROVIDER = 3,
    NAME_KINDS = 4,
};

struct disguise *disguise_new(void);
void disguise_free(struct disguise *d); /* wipes the secrets; NULL is fine */

/* "client-3": what NAME is called from now on; borrowed. */
const char *disguise_name(struct disguise *d, enum disguised kind,
                          const char *name);
/* TEXT, which may be NULL, is to be nowhere in what is written. */
void disguise_secret(struct disguise *d, const char *text);

/* O with names disguised, and of texts only those that are words of ours.
 * OF is the key that it stands under. */
void disguise_json(struct disguise *d, FILE *to, const char *of,
                   struct json_object *o, int depth);
/* One line of a log for people: words and numbers, and nothing else. */
void disguise_line(FILE *to, const char *text);
/* The page of /metrics, without what is zero. */
void disguise_metrics(struct disguise *d, FILE *to, const char *text);
/* TEXT itself, all of it: whatever name or secret is in it all the same goes. */
void disguise_last(struct disguise *d, char *text);

#endif
