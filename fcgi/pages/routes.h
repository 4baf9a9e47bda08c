/*
 * Everything that Sluice answers.
 */
#ifndef SLUICE_ROUTES_H
#define SLUICE_ROUTES_H

#include "fcgi/route.h"

extern const struct routes routes_all;

#endif
