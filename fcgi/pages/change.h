/* Changes of the settings that an operator asks for. */
#ifndef SLUICE_CHANGE_H
#define SLUICE_CHANGE_H

#include "fcgi/step.h"

struct exchange;

/* PATCH /api/config: some values, for all workers. */
enum step change_patch(struct exchange *x);
/* POST /api/reload: the file is read anew. */
enum step change_reload(struct exchange *x);

#endif
