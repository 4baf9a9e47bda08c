/*
 * The rules name another scope: where do the rows go?
 */
#ifndef SLUICE_RESCOPE_H
#define SLUICE_RESCOPE_H

#include <stdint.h>

struct layout;

/* Every row into the scope that the rules in force name for it; scopes that
 * they do not name are left empty.  After a change of rules, and whenever that
 * may have been cut short. */
void rescope_rows(struct layout *lay, int64_t now);

#endif
