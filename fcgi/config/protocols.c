/*
 * protocols.c - which API does an upstream speak?
 *
 * Nobody's choice is what was so before there was one: chat, and Responses as
 * they come.  An upstream that takes its key as Anthropic does (`x-api-key`)
 * speaks Messages too.
 */
#include "fcgi/config/protocols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/fields.h"
#include "fcgi/config/settings.h"
#include "lib/base.h"
#include "lib/complaint.h"

#define MESSAGES "messages"

bool protocols_has(const struct config_upstream *up, const char *protocol)
{
    size_t i;

    for (i = 0; i < up->n_protocols; i++)
        if (strcmp(up->protocols[i], protocol) == 0)
            return true;
    return false;
}

enum protocols_who protocols_speakers(const struct config *cfg,
                                      const char *protocol)
{
    size_t i, n = 0;

    for (i = 0; i < cfg->n_upstreams; i++)
        n += protocols_has(&cfg->upstreams[i], protocol);
    if (n == 0)
        return PROTOCOLS_NOBODY;
    return n < cfg->n_upstreams ? PROTOCOLS_SOME : PROTOCOLS_ALL;
}

static bool is_known(const char *word)
{
    static const char *const words[] = {"chat", MESSAGES, "responses"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

static int add_messages(struct config_upstream *up, struct complaint *err)
{
    char **list = calloc(up->n_protocols + 2, sizeof(*list));
    char *word = strdup(MESSAGES);

    if (list == NULL || word == NULL) {
        free(list);
        free(word);
        return complain(err, "%s", strerror(ENOMEM));
    }
    if (up->n_protocols > 0)
        memcpy(list, up->protocols, up->n_protocols * sizeof(*list));
    list[up->n_protocols++] = word;
    free(up->protocols);
    up->protocols = list;
    return 0;
}

int protocols_settle(struct config *cfg, struct config_upstream *up,
                     struct complaint *err)
{
    const struct setting *row = setting_find("protocols", true);
    char label[SETTING_LABEL_MAX];
    size_t i;

    setting_label(label, sizeof(label), row, setting_source(row, cfg, up), cfg,
                  up);
    if (up->n_protocols == 0)
        return complain(err,
                        "%s: an empty list; must have chat, messages or "
                        "responses in it",
                        label);
    for (i = 0; i < up->n_protocols; i++)
        if (!is_known(up->protocols[i]))
            return complain(err,
                            "%s: an entry is not known; must be chat, messages "
                            "or responses",
                            label);
    if (setting_source(row, cfg, up) == SOURCE_DEFAULT &&
        up->key_header == KEY_X_API_KEY && !protocols_has(up, MESSAGES))
        return add_messages(up, err);
    return 0;
}
