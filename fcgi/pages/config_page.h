/*
 * The settings as people and programs see them: /api/config.
 */
#ifndef SLUICE_CONFIG_PAGE_H
#define SLUICE_CONFIG_PAGE_H

#include "fcgi/step.h"

struct buf;
struct config;
struct exchange;

/* Appends every setting that may be shown, with all there is to say of it. */
void config_page_put(struct buf *b, struct config *cfg);

enum step config_page_answer(struct exchange *x);

#endif
