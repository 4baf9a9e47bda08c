/*
 * Where the shared store is, as people write it.
 */
#ifndef SLUICE_STORE_URL_H
#define SLUICE_STORE_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define STORE_PLACES    8   /* tried in turn: a cluster's or the sentinels' */
#define STORE_HOST_MAX  256 /* of DNS: 253, and the zero */
#define STORE_USER_MAX  128
#define STORE_PASS_MAX  1024 /* a token of a cloud is some hundred bytes */
#define STORE_MASTER    128
#define STORE_DB_MAX    9999
#define STORE_PORT      6379
#define STORE_SENTINELS 26379

/* One of the addresses. */
struct store_place {
    char host[STORE_HOST_MAX]; /* a name, or a number without brackets; of a
                                  unix socket its path */
    uint16_t port;             /* 0: a unix socket */
};

struct store_url {
    bool tls, sentinel;
    uint32_t db;
    char user[STORE_USER_MAX];     /* "": the default one */
    char password[STORE_PASS_MAX]; /* "": none; whoever holds this wipes it */
    char master[STORE_MASTER];     /* as the sentinels know it */
    size_t n;
    struct store_place at[STORE_PLACES];
};

/*
 * Reads TEXT:
 *
 *   redis://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]...][/DB]    rediss: TLS
 *   unix://[USER[:PASSWORD]@]/PATH[,/PATH...][?db=DB]
 *   sentinel://[...@]HOST[:PORT][,...]/MASTER[/DB]              sentinels: TLS
 *
 * An address behind a comma may repeat the scheme.  NULL, or what is wrong with
 * it, which quotes nothing.
 */
const char *store_url_read(struct store_url *u, const char *text);
void store_url_wipe(struct store_url *u);

/* TEXT, sound already, and a zero, with stars for user and password. */
void store_url_show(struct buf *b, const char *text);

#endif
