/*
 * fingerprint.c - is this the request that we refused a moment ago?
 *
 * Sixteen bytes at a time are mixed in by a multiplication whose two halves
 * are folded together (W. Yi's wyhash; 200 KB take 20 us).  Not a signature:
 * with the key somebody could make two bodies that look alike, and win a place
 * in his own line.  The key keeps those out who only guess, and makes the
 * numbers in the state file useless elsewhere.
 */
#include "fcgi/fingerprint.h"

#include <string.h>

#define ODD_1 0x9e3779b97f4a7c15u
#define ODD_2 0xbf58476d1ce4e5b9u

__extension__ typedef unsigned __int128 wide;

static uint64_t fold(uint64_t a, uint64_t b)
{
    wide p = (wide)a * b;

    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* The length comes first: the zeros that fill up the last words are none of
 * the bytes.  Only who knows KEY can make a factor zero. */
uint64_t fingerprint_mix(uint64_t key, uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t w[2];

    h = fold(h ^ len ^ ODD_1, ODD_2);
    for (; len >= sizeof(w); len -= sizeof(w), p += sizeof(w)) {
        memcpy(w, p, sizeof(w));
        h = fold(w[0] ^ key ^ ODD_1, w[1] ^ h);
    }
    w[0] = w[1] = 0;
    if (len > 0)
        memcpy(w, p, len);
    return fold(w[0] ^ key ^ ODD_1, w[1] ^ h);
}

uint64_t fingerprint_of(uint64_t key, const char *client, const void *body,
                        size_t len)
{
    const unsigned char *p = body;
    size_t end = FINGERPRINT_BYTES / 2;
    uint64_t h = fingerprint_mix(key, ODD_2, client, strlen(client));

    if (len <= FINGERPRINT_BYTES) {
        h = fingerprint_mix(key, h, p, len);
    } else {
        h = fingerprint_mix(key, h, &len, sizeof(len));
        h = fingerprint_mix(key, h, p, end);
        h = fingerprint_mix(key, h, p + len - end, end);
    }
    h = fold(h ^ key, ODD_1);
    return h != 0 ? h : 1;
}
