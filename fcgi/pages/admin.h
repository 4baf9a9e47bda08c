/*
 * What operators do.
 */
#ifndef SLUICE_ADMIN_H
#define SLUICE_ADMIN_H

#include "fcgi/step.h"

struct exchange;

/* The pages. */
enum step admin_pause(struct exchange *x);
enum step admin_resume(struct exchange *x);
enum step admin_cancel(struct exchange *x);
enum step admin_clear(struct exchange *x);

#endif
