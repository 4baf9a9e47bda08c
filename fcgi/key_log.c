/*
 * key_log.c - what is the log told of our keys?
 *
 * One line a change, by the worker that saw it (state/own_keys.c).  The state
 * knows what happened; here is added which key it is, by its file or variable
 * and never by a byte of it, and what to do.
 */
#include "fcgi/key_log.h"

#include <string.h>

#include "fcgi/config/config.h"
#include "fcgi/sluice.h"
#include "lib/log.h"

const char *key_log_label(const struct config *cfg, size_t upstream)
{
    const struct config_upstream *u = &cfg->upstreams[upstream];
    const struct config_upstream *lead = &cfg->upstreams[u->pool];
    size_t nth = upstream - u->pool;

    if (nth < lead->n_api_key_files)
        return lead->api_key_files[nth];
    return u->api_key_file != NULL ? u->api_key_file : "NVIDIA_API_KEY";
}

/* The upstream that MESSAGE begins with; n_upstreams: none of ours. */
static size_t find(const struct config *cfg, const char *message)
{
    size_t len = strcspn(message, ":"), i;

    for (i = 0; i < cfg->n_upstreams; i++)
        if (strlen(cfg->upstreams[i].name) == len &&
            memcmp(cfg->upstreams[i].name, message, len) == 0)
            break;
    return i;
}

void key_log(struct sluice *s, const char *message)
{
    size_t upstream = find(s->cfg, message);
    const char *why = strstr(message, "-> refused: ");
    const char *label = upstream < s->cfg->n_upstreams
                            ? key_log_label(s->cfg, upstream)
                            : "api_key_file";

    if (why == NULL)
        log_say(s->log, LOG_INFO_, "key", "the upstream's word on %s: %s",
                label, message);
    else
        log_say(s->log, LOG_ERROR_, "key",
                "the upstream %.*s refuses our key, the one in %s (%s): put a "
                "valid one there and restart; until then requests get its "
                "refusal",
                (int)strcspn(message, ":"), message, label,
                why + strlen("-> refused: "));
}
