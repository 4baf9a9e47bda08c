/*
 * sums.c - which of the sums can be, and what do they say?
 */
#include "state/stats/sums.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "state/stats/stand_ins.h"
#include "state/stats/tally.h"

static bool is_publisher(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

void limiter_provider_of(const char *model, char out[LIMITER_PROVIDER_MAX])
{
    size_t n = 0;

    memset(out, 0, LIMITER_PROVIDER_MAX);
    while (n < LIMITER_PROVIDER_MAX && is_publisher(model[n]))
        n++;
    if (n > 0 && n < LIMITER_PROVIDER_MAX && model[n] == '/')
        memcpy(out, model, n);
}

/* "other" is the last row's. */
bool sums_is_provider(const char *name)
{
    size_t n = 0;

    while (n < LIMITER_PROVIDER_MAX && is_publisher(name[n]))
        n++;
    return n > 0 && n < LIMITER_PROVIDER_MAX && name[n] == '\0' &&
           strcmp(name, "other") != 0;
}

/* ---- what cannot be ----------------------------------------------------------- */

/* Rows are filled from the front, each with a name of its own.  What is behind
 * the first one that no worker wrote is noise, too. */
static void check_providers(struct lay_sums *s)
{
    uint32_t i, k, good = 0;

    for (i = 0; i < TALLY_PROVIDERS && good == i; i++) {
        for (k = 0; k < i; k++)
            if (strncmp(s->providers[k].name, s->providers[i].name,
                        LIMITER_PROVIDER_MAX) == 0)
                break;
        good += k == i && sums_is_provider(s->providers[i].name);
    }
    for (i = good; i < TALLY_PROVIDERS; i++)
        if (s->providers[i].name[0] != '\0')
            memset(&s->providers[i], 0, sizeof(s->providers[i]));
    memset(s->providers[TALLY_PROVIDERS].name, 0, LIMITER_PROVIDER_MAX);
}

static void check_codes(struct lay_route *r)
{
    uint32_t i, k, good = 0;

    for (i = 0; i < TALLY_CODES && good == i; i++) {
        for (k = 0; k < i; k++)
            if (r->codes[k].status == r->codes[i].status)
                break;
        good += k == i && r->codes[i].status >= 100 && r->codes[i].status < 600;
    }
    memset(&r->codes[good], 0, (TALLY_CODES - good) * sizeof(r->codes[0]));
}

static bool is_route(const char *name)
{
    size_t n = 0;

    while (n < LIMITER_ROUTE_MAX && is_publisher(name[n]))
        n++;
    return n > 0 && n < LIMITER_ROUTE_MAX && name[n] == '\0';
}

static void check_routes(struct lay_sums *s)
{
    uint32_t i, k, good = 0;

    for (i = 0; i < TALLY_ROUTES && good == i; i++) {
        for (k = 0; k < i; k++)
            if (strncmp(s->routes[k].name, s->routes[i].name,
                        LIMITER_ROUTE_MAX) == 0)
                break;
        good += k == i && is_route(s->routes[i].name);
    }
    memset(&s->routes[good], 0, (TALLY_ROUTES - good) * sizeof(s->routes[0]));
    for (i = 0; i <= TALLY_ROUTES; i++)
        check_codes(&s->routes[i]);
    memset(s->routes[TALLY_ROUTES].name, 0, LIMITER_ROUTE_MAX);
}

void sums_check(struct lay_sums *s)
{
    check_providers(s);
    check_routes(s);
    stand_ins_check(s);
}

/* ---- telling --------------------------------------------------------------- */

/* All of FROM, which is as long as TO. */
#define COPY(to, from)                                                         \
    do {                                                                       \
        static_assert(sizeof(to) == sizeof(from), "the same numbers");         \
        memcpy(&(to), &(from), sizeof(to));                                    \
    } while (0)

static void tell_histogram(const struct lay_histogram *h,
                           struct tally_histogram *out)
{
    COPY(out->n, h->n);
    out->sum_us = h->sum_us;
}

static void tell_route(const struct lay_route *r, struct tally_route *out)
{
    uint32_t i;

    COPY(out->name, r->name);
    for (i = 0; i < TALLY_CODES; i++) {
        out->codes[i].status = r->codes[i].status;
        out->codes[i].n = r->codes[i].n;
    }
    out->other = r->other;
}

static void tell_provider(const struct lay_provider *p,
                          struct tally_provider *out)
{
    COPY(out->name, p->name);
    tell_histogram(&p->first_byte, &out->first_byte);
    tell_histogram(&p->duration, &out->duration);
    COPY(out->errors, p->errors);
    out->tokens_in = p->tokens_in;
    out->tokens_out = p->tokens_out;
    out->answers = p->answers;
    out->told = p->told;
}

void sums_tell(const struct lay_sums *s, struct tally_sums *out)
{
    uint32_t i;

    out->requests = s->requests;
    COPY(out->outcomes, s->outcomes);
    COPY(out->reasons, s->reasons);
    COPY(out->phases, s->phases);
    COPY(out->retries, s->retries);
    out->queue_us = s->queue_us;
    out->first_byte_us = s->first_byte_us;
    out->generation_us = s->generation_us;
    for (i = 0; i < LIMITER_CLASSES; i++)
        tell_histogram(&s->queue[i], &out->queue[i]);
    for (i = 0; i <= TALLY_ROUTES; i++)
        tell_route(&s->routes[i], &out->routes[i]);
    for (i = 0; i <= TALLY_PROVIDERS; i++)
        tell_provider(&s->providers[i], &out->providers[i]);
    stand_ins_tell(s, out);
}
