/*
 * What is a browser told about pages of other origins?
 */
#ifndef SLUICE_CORS_H
#define SLUICE_CORS_H

#include <stdbool.h>

struct buf;
struct request;

/* Is R a browser's question whether a page may send something? */
bool cors_is_preflight(const struct request *r);
/* The methods that a page may use on PATH, as in Access-Control-Allow-Methods:
 * all that routes there have. */
const char *cors_methods(const char *path);
/* Into the head of the answer to such a question. */
void cors_permit(struct buf *b, const struct request *r);
/* Into the head of any answer to R, if the page that asked may read it. */
void cors_headers(struct buf *b, const struct request *r);

#endif
