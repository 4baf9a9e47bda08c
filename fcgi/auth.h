/*
 * Who may ask this?
 */
#ifndef SLUICE_AUTH_H
#define SLUICE_AUTH_H

struct config;
struct request;

/*
 * Checks Host, Origin, address and credential of R against its route; what is
 * wrong becomes R->fault.  Says in R whose request it is: the client's name,
 * class and shares; and whether a page may read the answer (cors).
 */
void auth_check(const struct config *cfg, struct request *r);

#endif
