/*
 * What is a client called that has no key?
 */
#ifndef SLUICE_CLIENT_NAME_H
#define SLUICE_CLIENT_NAME_H

struct config;
struct request;

/* Names the client of R by its headers, or its address, which is known; by no
 * name that belongs to a key of CFG. */
void client_name_by_head(const struct config *cfg, struct request *r);
/* R's body has been read: by its user, if CFG says so and nothing that counts
 * for more has named it. */
void client_name_by_body(const struct config *cfg, struct request *r);

#endif
