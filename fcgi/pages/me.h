/*
 * What the owner of a key has used, and has left: /api/me.
 */
#ifndef SLUICE_ME_H
#define SLUICE_ME_H

#include "fcgi/step.h"

struct exchange;

enum step me_answer(struct exchange *x);

#endif
