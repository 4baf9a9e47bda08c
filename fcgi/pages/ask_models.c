/*
 * ask_models.c - how is an upstream asked for its list of models?
 *
 *   models.c    for those who ask for it, and to know who has what
 *   ready.c     to see that it is there, and that it takes our key
 */
#include "fcgi/pages/ask_models.h"

#include "fcgi/config/api_url.h"
#include "fcgi/config/config.h"
#include "fcgi/onward_headers.h"
#include "fcgi/sluice.h"
#include "fcgi/upstream/upstream.h"

/* As WHO asks, which is the upstream U of the settings or a copy of it. */
static struct transfer *ask_as(struct sluice *s,
                               const struct config_upstream *who,
                               const struct config_upstream *u,
                               int64_t connect_ms, bool fresh,
                               const struct transfer_ops *to, void *arg)
{
    struct buf url = {NULL, 0, 0, 0};
    struct onward_headers headers;
    struct transfer_request req = {
        .method = "GET",
        .headers = onward_headers_ask(&headers, who, "application/json"),
        .connect_ms = connect_ms,
        .fresh = fresh,
        .via = u,
    };
    struct transfer *t;

    api_url(&url, u, "/v1/models");
    req.url = buf_head(&url);
    t = transfer_start(s->up, &req, to, arg);
    onward_headers_forget(&headers);
    buf_free(&url);
    return t;
}

struct transfer *ask_models(struct sluice *s, size_t upstream,
                            int64_t connect_ms, bool fresh,
                            const struct transfer_ops *to, void *arg)
{
    const struct config_upstream *u = &s->cfg->upstreams[upstream];

    return ask_as(s, u, u, connect_ms, fresh, to, arg);
}

struct transfer *ask_models_bare(struct sluice *s, size_t upstream,
                                 int64_t connect_ms,
                                 const struct transfer_ops *to, void *arg)
{
    const struct config_upstream *u = &s->cfg->upstreams[upstream];
    struct config_upstream nobody = *u;

    nobody.api_key = NULL;
    return ask_as(s, &nobody, u, connect_ms, true, to, arg);
}
