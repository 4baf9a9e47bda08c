/*
 * Another model's name in a request's body.
 */
#ifndef SLUICE_MODEL_NAME_H
#define SLUICE_MODEL_NAME_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct request;

/* BODY with NAME for its model, into OUT, which is empty; nothing else of it
 * changes.  False: it is no JSON object with a model, and OUT stays empty. */
bool model_name_put(struct buf *out, const char *body, size_t len,
                    const char *name);
/* The same of a form of Content-Type TYPE. */
bool model_name_put_form(struct buf *out, const char *type, const char *body,
                         size_t len, const char *name);
/* R asks for NAME from now on, as far as its body says; that may be the one that
 * it came with.  False: its body names none, and stays as it is. */
bool model_name_change(struct request *r, const char *name);

#endif
