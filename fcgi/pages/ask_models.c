/*
 * ask_models.c - how is an upstream asked for its list of models?
 *
 *   models.c    for those who ask for it, and to know who has what
 *   ready.c     to see that it is there
 */
#include "fcgi/pages/ask_models.h"

#include "fcgi/config/api_url.h"
#include "fcgi/config/config.h"
#include "fcgi/onward_headers.h"
#include "fcgi/sluice.h"
#include "fcgi/upstream/upstream.h"

struct transfer *ask_models(struct sluice *s, size_t upstream,
                            int64_t connect_ms, bool fresh,
                            const struct transfer_ops *to, void *arg)
{
    const struct config_upstream *u = &s->cfg->upstreams[upstream];
    struct buf url = {NULL, 0, 0, 0};
    struct onward_headers headers;
    struct transfer_request req = {
        .method = "GET",
        .headers = onward_headers_ask(&headers, u, "application/json"),
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
