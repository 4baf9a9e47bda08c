/*
 * What stands before the path of a URL.
 */
#ifndef SLUICE_AUTHORITY_H
#define SLUICE_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>

/* Are the LEN bytes of TEXT a bare name, or an address of IPv4? */
bool authority_is_host(const char *text, size_t len);
/* HOST, HOST:PORT, [IPv6] or [IPv6]:PORT? */
bool authority_is_fine(const char *text, size_t len);

#endif
