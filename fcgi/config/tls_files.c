/*
 * tls_files.c - can the files be used that TLS to an upstream needs, or to the
 * shared store?
 *
 *   main.c, sluicectl check --> tls_files_check()
 *
 * libcurl reads them anew for each connection, and would say so only then, of
 * every request.  Here it is the start that fails, with the key's name.
 */
#include "fcgi/config/tls_files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "fcgi/config/settings.h"
#include "lib/complaint.h"

/* What is looked at, and who is told. */
struct check {
    const struct config *cfg;
    const struct config_upstream *up;
    struct complaint err;
};

static int refuse(struct check *c, const char *key, const char *what,
                  const char *path, const char *why)
{
    const struct setting *row = setting_find(key, c->up != NULL);
    char label[SETTING_LABEL_MAX];

    setting_label(label, sizeof(label), row, setting_source(row, c->cfg, c->up),
                  c->cfg, c->up);
    return complain(&c->err, "%s: %s%s%s%s", label, what, path,
                    *path != '\0' ? ": " : "", why);
}

static int cannot_use(struct check *c, const char *key, const char *path,
                      const char *why)
{
    return refuse(c, key, "cannot use ", path, why);
}

/* NULL: it can be read, and is a file, or with DIR a directory. */
static const char *stat_fault(const char *path, struct stat *st,
                              bool may_be_dir)
{
    if (stat(path, st) == -1 || access(path, R_OK) == -1)
        return strerror(errno);
    if (S_ISREG(st->st_mode) || (may_be_dir && S_ISDIR(st->st_mode)))
        return NULL;
    return may_be_dir ? "must be a regular file or a directory"
                      : "must be a regular file";
}

/* ---- who is trusted ------------------------------------------------------------- */

/* "9d66eef0.0", as c_rehash calls them. */
static bool is_hash(const char *name)
{
    size_t i;

    for (i = 0; i < 8; i++)
        if (!isxdigit((unsigned char)name[i]))
            return false;
    return name[8] == '.' && isdigit((unsigned char)name[9]);
}

static const char *directory_fault(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    bool found = false;

    if (dir == NULL)
        return strerror(errno);
    while (!found && (entry = readdir(dir)) != NULL)
        found = is_hash(entry->d_name);
    closedir(dir);
    return found ? NULL
                 : "has no certificate by its hash; must be a directory that "
                   "`openssl rehash` has been through";
}

/* The same call as libcurl's: what it takes, is taken. */
static const char *bundle_fault(const char *path)
{
    X509_STORE *store = X509_STORE_new();
    bool fine = store != NULL && X509_STORE_load_file(store, path) == 1;

    X509_STORE_free(store);
    ERR_clear_error();
    return fine ? NULL : "must hold one or more certificates in PEM";
}

/* The certificates at PATH, which KEY names; NULL: the system's. */
static int check_ca(struct check *c, const char *key, const char *path)
{
    const char *why;
    struct stat st;

    if (path == NULL)
        return 0;
    why = stat_fault(path, &st, true);
    if (why == NULL)
        why = S_ISDIR(st.st_mode) ? directory_fault(path) : bundle_fault(path);
    return why == NULL ? 0 : cannot_use(c, key, path, why);
}

/* ---- who we are ----------------------------------------------------------------- */

/* A worker has nobody to ask. */
static int no_passphrase(char *buf, int size, int writes, void *arg)
{
    (void)buf;
    (void)size;
    (void)writes;
    (void)arg;
    return -1;
}

static X509 *read_certificate(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *cert = NULL;

    if (file != NULL)
        cert = PEM_read_bio_X509_AUX(file, NULL, no_passphrase, NULL);
    BIO_free(file);
    return cert;
}

static EVP_PKEY *read_key(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = NULL;

    if (file != NULL)
        key = PEM_read_bio_PrivateKey(file, NULL, no_passphrase, NULL);
    BIO_free(file);
    return key;
}

/* What is wrong with the two, and at which of them. */
static const char *pair_fault(const struct config_upstream *up,
                              const char **at_key)
{
    X509 *cert = read_certificate(up->client_cert_file);
    EVP_PKEY *key = read_key(up->client_key_file);
    const char *why = NULL;

    *at_key = cert == NULL ? "client_cert_file" : "client_key_file";
    if (cert == NULL)
        why = "must hold a certificate in PEM";
    else if (key == NULL)
        why = "must hold a private key in PEM, without a passphrase";
    else if (X509_check_private_key(cert, key) != 1)
        why = "the key does not belong to client_cert_file; must be the one "
              "that the certificate was made for";
    X509_free(cert);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return why;
}

static const char *files_fault(const struct config_upstream *up,
                               const char **at_key)
{
    const char *why;
    struct stat st;

    *at_key = "client_cert_file";
    why = stat_fault(up->client_cert_file, &st, false);
    if (why != NULL)
        return why;
    *at_key = "client_key_file";
    why = stat_fault(up->client_key_file, &st, false);
    if (why != NULL)
        return why;
    if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0)
        return "others may read or write it; must be chmod 0640 or less";
    return pair_fault(up, at_key);
}

static int check_client(struct check *c)
{
    const struct config_upstream *up = c->up;
    bool cert = up->client_cert_file != NULL, key = up->client_key_file != NULL;
    const char *at, *why;

    if (!cert && !key)
        return 0;
    at = cert ? "client_cert_file" : "client_key_file";
    if (cert != key)
        return refuse(c, at, "client_cert_file and client_key_file", "",
                      " must be given both, or neither");
    if (strncmp(up->base_url, "https://", 8) != 0)
        return refuse(c, at, "nobody asks for it over http://", "",
                      "; must be left out, or base_url be https://");
    why = files_fault(up, &at);
    return why == NULL ? 0
                       : cannot_use(c, at,
                                    strcmp(at, "client_cert_file") == 0
                                        ? up->client_cert_file
                                        : up->client_key_file,
                                    why);
}

int tls_files_check(const struct config *cfg, char *err, size_t err_max)
{
    struct check c = {cfg, NULL, {err, err_max}};
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i++) {
        c.up = &cfg->upstreams[i];
        if (check_ca(&c, "ca_file", c.up->ca_file) == -1 ||
            check_client(&c) == -1)
            return -1;
    }
    c.up = NULL;
    return check_ca(&c, "shared.tls_ca", cfg->shared_tls_ca);
}
