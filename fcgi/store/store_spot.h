/* One place a connection can be made to: a number, never a name. */
#ifndef SLUICE_STORE_SPOT_H
#define SLUICE_STORE_SPOT_H

#include <sys/socket.h>

struct store_spot {
    struct sockaddr_storage at;
    socklen_t len;
};

#endif
