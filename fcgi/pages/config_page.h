/*
 * The settings as people and programs see them: /api/config.
 */
#ifndef SLUICE_CONFIG_PAGE_H
#define SLUICE_CONFIG_PAGE_H

struct buf;
struct config;
struct exchange;

/* Appends every setting that may be shown, with all there is to say of it. */
void config_page_put(struct buf *b, struct config *cfg);

/* GET and PATCH; each returns an enum step. */
int config_page_answer(struct exchange *x);
int config_page_patch(struct exchange *x);

#endif
