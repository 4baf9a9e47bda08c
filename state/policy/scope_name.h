/*
 * What is a scope called where others have it in another row of their tables?
 */
#ifndef SLUICE_SCOPE_NAME_H
#define SLUICE_SCOPE_NAME_H

#include <stdint.h>

#define SCOPE_NAME_MAX 168 /* with the zero */

struct layout;

/* "UPSTREAM", or "UPSTREAM/MODEL" of a model's; "" of one without a name. */
void scope_name(struct layout *lay, uint32_t scope, char out[SCOPE_NAME_MAX]);
/* The scope with that name; NONE: there is none here. */
uint32_t scope_named(struct layout *lay, const char *name);

#endif
