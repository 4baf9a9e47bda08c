/*
 * store_settle.c - do the settings of the shared store agree?
 *
 * A password that is given twice is a question which of them counts; a user
 * without one cannot be told to the store; certificates without TLS would make
 * somebody believe that there is TLS.
 */
#include "fcgi/config/store_settle.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fcgi/config/fields.h"
#include "fcgi/config/settings.h"
#include "fcgi/config/store_url.h"
#include "lib/complaint.h"

#define NAME_MAX_ 64 /* of a host, with the zero: HOST_NAME_MAX is that */

/* The machine's name, with a dash for what no name here may have. */
static char *machine(void)
{
    char name[NAME_MAX_] = "";
    size_t i;

    if (gethostname(name, sizeof(name) - 1) == -1 || *name == '\0')
        return strdup("host");
    for (i = 0; name[i] != '\0'; i++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                   "0123456789_.-",
                   name[i]) == NULL)
            name[i] = '-';
    return strdup(name);
}

static int refuse(const struct config *cfg, struct complaint *err,
                  const char *key, const char *why)
{
    const struct setting *row = setting_find(key, false);
    char label[SETTING_LABEL_MAX];

    setting_label(label, sizeof(label), row, setting_source(row, cfg, NULL),
                  cfg, NULL);
    return complain(err, "%s: %s", label, why);
}

static int check(const struct config *cfg, const struct store_url *u,
                 struct complaint *err)
{
    bool has_password = *u->password != '\0' || cfg->shared_password != NULL;

    if (*u->password != '\0' && cfg->shared_password != NULL)
        return refuse(cfg, err, "shared.password_file",
                      "shared.url has a password too; must be one of them");
    if (*u->user != '\0' && !has_password)
        return refuse(cfg, err, "shared.url",
                      "it has a user without a password; must have one, or "
                      "shared.password_file");
    if (cfg->shared_tls_ca != NULL && !u->tls)
        return refuse(cfg, err, "shared.tls_ca",
                      "shared.url is without TLS; must be rediss://, or this "
                      "be left out");
    return 0;
}

int store_settle(struct config *cfg, struct complaint *err)
{
    struct store_url u;
    int rc = 0;

    if (cfg->shared_name == NULL)
        cfg->shared_name = machine();
    if (cfg->shared_name == NULL)
        return complain(err, "%s", strerror(ENOMEM));
    if (cfg->shared_url == NULL)
        return 0;
    if (store_url_read(&u, cfg->shared_url) == NULL)
        rc = check(cfg, &u, err);
    store_url_wipe(&u);
    return rc;
}
