/*
 * store_tls.c - is it the store that we speak to, and does nobody listen?
 *
 * OpenSSL, which libcurl brings along, and not hiredis' own: 0.14 has none, and
 * 1.2's does not look whether a certificate bears the name that was asked for.
 */
#include "fcgi/store/store_tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "fcgi/config/store_url.h"
#include "lib/complaint.h"

struct ssl_ctx_st *store_tls_new(const char *ca, struct complaint *why)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int fine = ctx != NULL;

    if (fine) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        fine = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;
    }
    /* Certificates that are named replace the system's: whom a company trusts for
     * its store need not be whom a browser trusts. */
    if (fine && ca == NULL)
        fine = SSL_CTX_set_default_verify_paths(ctx);
    else if (fine) /* one of the two it is; tls_files.c has looked */
        fine = SSL_CTX_load_verify_file(ctx, ca) == 1 ||
               SSL_CTX_load_verify_dir(ctx, ca) == 1;
    ERR_clear_error();
    if (fine)
        return ctx;
    (void)complain(why, "TLS cannot be had: %s; look at shared.tls_ca",
                   ca != NULL ? "its certificates cannot be read"
                              : "there is no memory");
    SSL_CTX_free(ctx);
    return NULL;
}

void store_tls_free(struct ssl_ctx_st *ctx)
{
    SSL_CTX_free(ctx);
}

/* Is it an address rather than a name? */
static bool is_number(const char *host)
{
    unsigned char ignored[16];

    return inet_pton(AF_INET, host, ignored) == 1 ||
           inet_pton(AF_INET6, host, ignored) == 1;
}

/* An address stands in another field of a certificate, and is no SNI. */
static bool expect(SSL *ssl, const char *host)
{
    char name[STORE_HOST_MAX]; /* OpenSSL copies it, and wants it writable */

    if (is_number(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    (void)snprintf(name, sizeof(name), "%s", host);
    return SSL_set1_host(ssl, name) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct ssl_st *store_tls_open(struct ssl_ctx_st *ctx, const char *host, int fd)
{
    SSL *ssl = SSL_new(ctx);

    if (ssl == NULL || !expect(ssl, host) || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return ssl;
}

/* Without a farewell: nothing is waited for, and the store loses nothing. */
void store_tls_close(struct ssl_st *ssl)
{
    SSL_free(ssl);
}

/* What OpenSSL wants next.  A close without a farewell is a fault too: somebody
 * may have cut what was being said. */
static enum store_tls_step step(SSL *ssl, int rc)
{
    switch (SSL_get_error(ssl, rc)) {
    case SSL_ERROR_NONE:
        return STORE_TLS_DONE;
    case SSL_ERROR_WANT_READ:
        return STORE_TLS_READ;
    case SSL_ERROR_WANT_WRITE:
        return STORE_TLS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return STORE_TLS_END;
    default:
        return STORE_TLS_FAULT;
    }
}

/* Its queue of errors is the thread's: libcurl must not find ours. */
enum store_tls_step store_tls_shake(struct ssl_st *ssl)
{
    ERR_clear_error();
    return step(ssl, SSL_do_handshake(ssl));
}

enum store_tls_step store_tls_read(struct ssl_st *ssl, void *data, size_t len,
                                   size_t *done)
{
    ERR_clear_error();
    return step(ssl, SSL_read_ex(ssl, data, len, done));
}

enum store_tls_step store_tls_write(struct ssl_st *ssl, const void *data,
                                    size_t len, size_t *done)
{
    ERR_clear_error();
    return step(ssl, SSL_write_ex(ssl, data, len, done));
}

void store_tls_why(struct ssl_st *ssl, struct complaint *why)
{
    long fault = SSL_get_verify_result(ssl);
    unsigned long code = ERR_peek_error();
    /* A certificate's fault says more than the alert that followed it. */
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

    if (fault != X509_V_OK)
        (void)complain(why,
                       "its certificate is not trusted: %s; look at "
                       "shared.tls_ca and the name in shared.url",
                       X509_verify_cert_error_string(fault));
    else
        (void)complain(why,
                       "TLS failed: %s; does it speak TLS at this port "
                       "(rediss://)?",
                       reason != NULL ? reason : "the connection was closed");
    ERR_clear_error();
}
