/*
 * What may be said of a client, wherever it is said.
 */
#ifndef SLUICE_CLIENT_FIELDS_H
#define SLUICE_CLIENT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

struct client_key;
struct complaint;
struct json_object;
struct setting;

/* One entry on its way in. */
struct client_entry {
    struct client_key *client;
    const char *list; /* where it stands: "clients", "keys"; NULL: alone */
    size_t i;         /* its place in the list */
    bool is_made;     /* of a key that we make: its name is part of a path, and
                       * queue_max may say in a number that it is nobody's */
    struct complaint *err;
};

/* The defaults; all else is zero. */
void client_fields_init(struct client_key *client);
/* VALUE is what MEMBER is to be.  0; 1: no such member, nothing was said; -1:
 * refused, and the complaint names the entry, the member and what it must be,
 * never the value. */
int client_fields_put(const struct client_entry *e, const char *member,
                      struct json_object *value);
/* Complains of MEMBER, which MUST be something; returns -1. */
int client_fields_refuse(const struct client_entry *e, const char *member,
                         const char *must);
/* The same of one that nobody knows, with the nearest that is known. */
int client_fields_unknown(const struct client_entry *e, const char *member);
/* The name and the hash, which every entry has; -1: one is missing. */
int client_fields_complete(const struct client_entry *e);

/* What MEMBER may be; NULL: there is none of that name. */
const struct setting *client_fields_row(const char *member);

/* What is wrong with a client's name; NULL: nothing. */
const char *client_fields_name_fault(const char *name);

#endif
