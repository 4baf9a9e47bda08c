/*
 * Internet addresses and ranges of them, both families alike.
 */
#ifndef SLUICE_ADDRESS_H
#define SLUICE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_TEXT 46 /* of the longest, with its zero: INET6_ADDRSTRLEN */

/* IPv4 is kept as IPv6 maps it (RFC 4291, 2.5.5.2): there is one form. */
struct address {
    unsigned char byte[16];
};

/* All addresses that share the first BITS bits of BASE. */
struct network {
    struct address base;
    unsigned bits; /* 1..128; of IPv4 96 more than people write */
};

/* Reads the LEN bytes at TEXT, an address and nothing else; a zone ("%eth0")
 * is left out. */
bool address_read(struct address *a, const char *text, size_t len);
/* As people write it; IPv4 with its dots. */
void address_write(char out[ADDRESS_TEXT], const struct address *a);

bool address_is_loopback(const struct address *a);
/* RFC 1918, RFC 4193, and the link-local ones of both. */
bool address_is_private(const struct address *a);

/* Reads an address, or ADDRESS/BITS.  NULL, or what is wrong with it. */
const char *network_read(struct network *n, const char *text);
bool network_has(const struct network *n, const struct address *a);

#endif
