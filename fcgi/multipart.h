/*
 * Fields of a form with files (multipart/form-data, RFC 7578).
 */
#ifndef SLUICE_MULTIPART_H
#define SLUICE_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Looks in BODY, whose Content-Type is TYPE, for the field NAME that is no
 * file, wherever it stands: *VALUE points into BODY.  False: there is none, or
 * BODY is no sound form.
 */
bool multipart_field(const char *type, const char *body, size_t len,
                     const char *name, const char **value, size_t *value_len);

#endif
