/*
 * authority.c - is this a host, with or without a port?
 */
#include "fcgi/config/authority.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool authority_is_host(const char *text, size_t len)
{
    return len > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789.-_") >= len;
}

bool authority_is_fine(const char *text, size_t len)
{
    const char *end = memchr(text, *text == '[' ? ']' : ':', len);
    size_t host = end != NULL ? (size_t)(end - text) : len;
    char address[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    long port;

    if (*text == '[') {
        if (end == NULL || host - 1 >= sizeof(address))
            return false;
        (void)snprintf(address, sizeof(address), "%.*s", (int)host - 1,
                       text + 1);
        if (inet_pton(AF_INET6, address, &ignored) != 1)
            return false;
        host++;
    } else if (!authority_is_host(text, host)) {
        return false;
    }
    if (host == len)
        return true;
    if (text[host] != ':' || len - host < 2 || len - host > 6 ||
        strspn(text + host + 1, "0123456789") < len - host - 1)
        return false;
    port = strtol(text + host + 1, NULL, 10);
    return port >= 1 && port <= 65535;
}
