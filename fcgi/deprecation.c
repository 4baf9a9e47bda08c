/*
 * deprecation.c - has today been said that this model will be gone?
 */
#include "fcgi/deprecation.h"

#include <string.h>
#include <time.h>

#include "fcgi/exchange_parts.h"
#include "lib/log.h"

#define DAY_S 86400

/* The oldest makes room: then it may be said twice a day. */
static struct deprecated *place_of(struct sluice *s, const char *model)
{
    struct deprecated *oldest = &s->deprecated[0];
    size_t i;

    for (i = 0; i < DEPRECATED_MAX; i++) {
        struct deprecated *d = &s->deprecated[i];

        if (strcmp(d->model, model) == 0)
            return d;
        if (d->said_s < oldest->said_s)
            oldest = d;
    }
    oldest->said_s = 0;
    snprintf(oldest->model, sizeof(oldest->model), "%s", model);
    return oldest;
}

void deprecation_note(struct exchange *x, const struct upstream_head *head)
{
    const char *since = upstream_header(head, "deprecation");
    const char *model = exchange_served_by(x); /* not the route's */
    int64_t now = (int64_t)time(NULL);
    struct deprecated *d;
    struct log_line l;

    if (since == NULL || model[0] == '\0')
        return;
    d = place_of(x->s, model);
    if (d->said_s != 0 && now - d->said_s < DAY_S)
        return;
    d->said_s = now;
    log_begin(&l, x->s->log, LOG_WARN_, "deprecation");
    log_str(&l, "model", model);
    log_str(&l, "deprecation", since);
    log_end(&l);
}
