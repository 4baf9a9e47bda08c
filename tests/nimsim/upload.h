/*
 * A file that came as multipart/form-data.
 */
#ifndef NIMSIM_UPLOAD_H
#define NIMSIM_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

struct text;

/* The file object for BODY, with the name and the size that the file has.
 * False: there is no file in it. */
bool upload_answer(const struct text *body, uint64_t seq, struct text *out);

#endif
