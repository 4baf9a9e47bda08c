/*
 * What is a browser told about pages of other origins?
 */
#ifndef SLUICE_CORS_H
#define SLUICE_CORS_H

#include <stdbool.h>

struct buf;
struct exchange;
struct request;
struct route;

/* The route of a browser's question whether a page may send R; NULL: R is no
 * such question. */
const struct route *cors_route(const struct request *r);
/* Into the head of an answer to R, if the page that asked may read it. */
void cors_headers(struct buf *b, const struct request *r);

#endif
