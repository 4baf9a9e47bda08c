/*
 * Where does an upstream's API lie, and what does a base_url have to be?
 */
#ifndef SLUICE_API_URL_H
#define SLUICE_API_URL_H

#include <stdbool.h>

struct buf;
struct config_upstream;

/*
 * The whole URL at U, with its zero, of TARGET: the path and query that a
 * client asked for, which begins with "/v1".  What U has of its own stands for
 * that: the path of its base_url, or its api_path.  A query of base_url is
 * added, but for what the client says itself.
 */
void api_url(struct buf *b, const struct config_upstream *u,
             const char *target);

/* ADDRESS, of something at U's API, as clients ask for it, with its zero: a path
 * that begins with "/v1".  False, and B is as it was: it lies elsewhere, or is
 * that already. */
bool api_url_back(struct buf *b, const struct config_upstream *u,
                  const char *address);

/* What is wrong with TEXT as a base_url, until the next call; NULL: nothing. */
const char *api_url_fault(const char *text);
/* A sound one as it is kept, for the caller to free: its scheme in lower case,
 * no slash at the end of its path and no two in a row.  NULL: no memory. */
char *api_url_kept(const char *text);

#endif
