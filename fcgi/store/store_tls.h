/*
 * TLS to the store.
 */
#ifndef SLUICE_STORE_TLS_H
#define SLUICE_STORE_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct ssl_ctx_st;
struct ssl_st;
struct complaint;

/* CA: PEM, or a directory of hashes; NULL: the system's.  NULL with WHY. */
struct ssl_ctx_st *store_tls_new(const char *ca, struct complaint *why);
void store_tls_free(struct ssl_ctx_st *ctx); /* NULL is fine */

/* For a connection to HOST, a name or an address, which its certificate must
 * bear.  NULL: no memory. */
struct ssl_st *store_tls_open(struct ssl_ctx_st *ctx, const char *host, int fd);
void store_tls_close(struct ssl_st *ssl); /* NULL is fine */

enum store_tls_step {
    STORE_TLS_DONE = 0,
    STORE_TLS_READ,  /* once it can be read */
    STORE_TLS_WRITE, /* once it can be written */
    STORE_TLS_END,   /* the other side has closed */
    STORE_TLS_FAULT,
};

enum store_tls_step store_tls_shake(struct ssl_st *ssl);
/* *DONE bytes with STORE_TLS_DONE. */
enum store_tls_step store_tls_read(struct ssl_st *ssl, void *data, size_t len,
                                   size_t *done);
enum store_tls_step store_tls_write(struct ssl_st *ssl, const void *data,
                                    size_t len, size_t *done);
/* What went wrong, after STORE_TLS_FAULT. */
void store_tls_why(struct ssl_st *ssl, struct complaint *why);

#endif
