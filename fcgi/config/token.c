/*
 * token.c - who is the administrator, if nobody said so?
 *
 * Whoever can read a file that only we can.  It is made once, of 32 random
 * bytes; it never reaches a log.
 */
#include "fcgi/config/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "fcgi/config/fields.h"
#include "fcgi/config/json_file.h"
#include "fcgi/config/settings.h"
#include "lib/atomic_file.h"
#include "lib/complaint.h"

#define TOKEN_NAME  "admin.token"
#define TOKEN_BYTES 32

/* 0: *TOKEN is the caller's; 1: there is no such file; -1: ERR. */
static int read_token(char **token, const char *dir, struct complaint *err)
{
    char path[SETTING_TEXT_MAX + 64];
    const char *why;

    snprintf(path, sizeof(path), "%s/%s", dir, TOKEN_NAME);
    if (access(path, F_OK) == -1 && errno == ENOENT)
        return 1;
    why = json_file_secret(token, path);
    return why == NULL ? 0 : complain(err, "%s: %s", path, why);
}

static int make_token(const char *dir, struct complaint *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bits[TOKEN_BYTES];
    char text[2 * TOKEN_BYTES + 1];
    size_t i;
    int rc;

    if (atomic_file_make_dir(dir, err) == -1)
        return -1;
    if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
        return complain(err, "getrandom: %s", strerror(errno));
    for (i = 0; i < sizeof(bits); i++) {
        text[2 * i] = digits[bits[i] >> 4];
        text[2 * i + 1] = digits[bits[i] & 15];
    }
    text[2 * TOKEN_BYTES] = '\n';
    rc = atomic_file_make(dir, TOKEN_NAME, text, sizeof(text), err);
    explicit_bzero(bits, sizeof(bits));
    explicit_bzero(text, sizeof(text));
    return rc;
}

int token_take(struct config *cfg, char *err, size_t err_max)
{
    struct complaint c = {err, err_max};
    int rc;

    if (cfg->admin_token != NULL)
        return 0;
    rc = read_token(&cfg->admin_token, cfg->data_dir, &c);
    if (rc == 1 && make_token(cfg->data_dir, &c) == 0)
        rc = read_token(&cfg->admin_token, cfg->data_dir, &c);
    return rc == 0 ? 0 : -1;
}
