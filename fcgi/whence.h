/*
 * Where does a request come from?
 */
#ifndef SLUICE_WHENCE_H
#define SLUICE_WHENCE_H

#include <stdbool.h>

#include "fcgi/config/fields.h"
#include "lib/address.h"

struct whence {
    char addr[ADDRESS_TEXT]; /* the client's; "": nobody knows */
    enum origin_range range; /* as far as it may be counted on */
    bool is_veiled; /* someone behind ADDR, a proxy that does not say who */
};

/* What is known of it, each as it came, or NULL. */
struct whence_told {
    const char *peer;          /* who has connected: REMOTE_ADDR */
    const char *forwarded_for; /* X-Forwarded-For */
    const char *forwarded;     /* RFC 7239 */
};

/* Who asks?  The headers mean nothing unless the peer is one of CFG's
 * trusted_proxies. */
void whence_find(struct whence *w, const struct config *cfg,
                 const struct whence_told *told);

#endif
