/*
 * The keys of clients, over the admin API: /api/keys.
 */
#ifndef SLUICE_KEYS_PAGE_H
#define SLUICE_KEYS_PAGE_H

#include "fcgi/step.h"

struct exchange;

/* GET /api/keys: all of them, and none of them. */
enum step keys_page_list(struct exchange *x);
/* POST /api/keys: a new one, told this once. */
enum step keys_page_make(struct exchange *x);
/* PATCH and DELETE /api/keys/NAME. */
enum step keys_page_set(struct exchange *x);
enum step keys_page_revoke(struct exchange *x);

#endif
