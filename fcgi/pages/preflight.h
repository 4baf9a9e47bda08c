/*
 * The page that a browser asks before a page of another origin may send.
 */
#ifndef SLUICE_PREFLIGHT_H
#define SLUICE_PREFLIGHT_H

#include "fcgi/step.h"

struct exchange;

enum step preflight_answer(struct exchange *x);

#endif
