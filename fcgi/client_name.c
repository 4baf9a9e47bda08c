/*
 * client_name.c - what is a client called that has no key?
 *
 *   auth.c     --> client_name_by_head()  X-Sluice-Client, client_header, or
 *                                          the address
 *   exchange.c --> client_name_by_body()  its user, where only an address has
 *                                          named it
 *
 * A client with a key has the key's name, whatever it says: weight and limits
 * are bound to the name, and a key that could choose new ones would have as
 * many limits as it likes.
 */
#include "fcgi/client_name.h"

#include <string.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/clients.h"
#include "fcgi/config/config.h"
#include "fcgi/request.h"

void client_name_by_head(const struct config *cfg, struct request *r)
{
    if (!r->is_named && cfg->client_header != NULL)
        request_name_client(r, asked_header(&r->headers, cfg->client_header));
    else if (!r->is_named)
        request_name_client(r, NULL);
    if (clients_has_name(cfg, r->client))
        request_name_client(r, NULL);
    if (clients_has_name(cfg, r->client))
        request_name_client(r, "anonymous");
}

void client_name_by_body(const struct config *cfg, struct request *r)
{
    char before[CLIENT_MAX];

    if (!cfg->client_from_user || r->is_named || r->user[0] == '\0')
        return;
    memcpy(before, r->client, sizeof(before));
    request_name_client(r, r->user);
    if (clients_has_name(cfg, r->client))
        memcpy(r->client, before, sizeof(before));
}
