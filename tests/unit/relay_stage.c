/* relay_stage.c - a relay with nothing around it. */
#include "relay_stage.h"

#include <fastcgi.h>
#include <stdio.h>
#include <string.h>

#include "fcgi/gate.h"
#include "fcgi/pages/routes.h"
#include "fcgi/relay.h"
#include "unit.h"

void stage_open(struct stage *st, const char *path, const char *type)
{
    char method[] = "REQUEST_METHOD=POST", uri[64], line[64];
    char *envp[] = {method, uri, NULL};

    memset(st, 0, sizeof(*st));
    (void)snprintf(uri, sizeof(uri), "REQUEST_URI=%s", path);
    st->s.loop = loop_new();
    st->s.cfg = &st->cfg;
    CU_ASSERT_PTR_NOT_NULL_FATAL(st->s.loop);
    st->x.s = &st->s;
    st->x.is_dirty = true; /* nobody flushes */
    st->x.stats.sending = true;
    st->x.req = request_new(envp, 1);
    st->x.req->stream = true;
    gate_route(&routes_all, st->x.req);
    CU_ASSERT_PTR_NOT_NULL_FATAL(st->x.req->route);
    st->x.client.fd = -1;
    relay_init(&st->x.relay);
    deadlines_init(&st->x.due);
    head_clear(&st->head);
    st->head.status = 200;
    (void)snprintf(line, sizeof(line), "Content-Type: %s", type);
    CU_ASSERT_TRUE(head_take(&st->head, line, strlen(line)));
}

const char *stage_hear(struct stage *st)
{
    struct buf *out = &st->x.client.out;

    while (out->len > 0) {
        FCGI_Header h;
        size_t len;

        memcpy(&h, buf_head(out), sizeof(h));
        len = (size_t)h.contentLengthB1 << 8 | h.contentLengthB0;
        buf_add(&st->said, buf_head(out) + sizeof(h), len);
        buf_take(out, sizeof(h) + len + h.paddingLength);
    }
    buf_add(&st->said, "", 1);
    st->said.len--;
    return buf_head(&st->said);
}

void stage_close(struct stage *st)
{
    head_clear(&st->head);
    relay_fini(&st->x.relay);
    request_free(st->x.req);
    buf_free(&st->x.client.out);
    buf_free(&st->said);
    loop_free(st->s.loop);
}
