/*
 * Is this the request that we refused a moment ago?  A number that is the same
 * for the same client and the same body.
 */
#ifndef SLUICE_FINGERPRINT_H
#define SLUICE_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Never 0.  KEY is limiter_secret().  Of a body over FINGERPRINT_BYTES only
 * both ends and the length are looked at: the loop has no time for more.
 */
#define FINGERPRINT_BYTES ((size_t)1 << 20)

/* One of its steps: H with the LEN bytes at DATA mixed into it. */
uint64_t fingerprint_mix(uint64_t key, uint64_t h, const void *data,
                         size_t len);

uint64_t fingerprint_of(uint64_t key, const char *client, const void *body,
                        size_t len);

#endif
