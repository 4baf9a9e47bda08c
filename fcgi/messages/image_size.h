/* How many pixels has an image? */
#ifndef SLUICE_IMAGE_SIZE_H
#define SLUICE_IMAGE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the beginning of BASE64, LEN characters: a PNG, GIF, JPEG or WebP.  False:
 * it is none, or does not say so early enough. */
bool image_size(const char *base64, size_t len, uint32_t *width,
                uint32_t *height);

#endif
