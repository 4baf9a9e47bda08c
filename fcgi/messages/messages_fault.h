/* What is wrong with a request, in words. */
#ifndef SLUICE_MESSAGES_FAULT_H
#define SLUICE_MESSAGES_FAULT_H

#include <stdbool.h>

#include "fcgi/messages/json_read.h"
#include "fcgi/messages/messages.h"

/* Puts it into F, unless there is a fault already.  Always false. */
bool messages_fault_set(struct messages_fault *f, int status, const char *fmt,
                        ...) __attribute__((format(printf, 3, 4)));

/* The same for a body that json_read_object() could not read. */
bool messages_fault_read(struct messages_fault *f, enum json_read is);

/* The `type` of O as it may be quoted: cut, and of harmless letters. */
#define FAULT_WORD 48
const char *messages_fault_type(struct json_object *o, char word[FAULT_WORD]);

#endif
