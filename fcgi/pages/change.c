/*
 * change.c - how does an operator change settings, and hear what came of it?
 *
 * adopt.c makes the change.  Its client waits meanwhile (step PAGE), and is
 * answered with what was in force then, once all workers follow.
 */
#include "fcgi/pages/change.h"

#include <json-c/json.h>

#include "fcgi/adopt.h"
#include "fcgi/config/bounds.h"
#include "fcgi/config/revision.h"
#include "fcgi/exchange.h"
#include "fcgi/pages/config_page.h"

#define PATCH_BYTES (64 * KIB) /* every key of every upstream is less */

static void put_reloaded(struct buf *b, struct config *cfg,
                         const struct revision *rev)
{
    (void)cfg;
    buf_str(b, "{\"reloaded\":true,\"warnings\":");
    buf_json_text(b, json_object_to_json_string_ext(
                         rev->notes, JSON_C_TO_STRING_PLAIN |
                                         JSON_C_TO_STRING_NOSLASHESCAPE));
    buf_str(b, "}\n");
}

static void put_patched(struct buf *b, struct config *cfg,
                        const struct revision *rev)
{
    (void)rev;
    config_page_put(b, cfg);
}

static void on_told(void *arg, const struct buf *answer,
                    const struct reply_error *e)
{
    struct exchange *x = arg;

    if (answer != NULL)
        (void)exchange_json(x, answer);
    else
        (void)exchange_fail_as(x, e->status, e->code, e->retry_ms, e->retry,
                               "%s", e->message);
    exchange_run(x);
}

static void stop_waiting(struct exchange *x)
{
    adopt_forget(x->s->adopt, x);
}

static struct adopt_asker asker_of(struct exchange *x)
{
    return (struct adopt_asker){.remote = request_address(x->req),
                                .id = x->req->id,
                                .told = on_told,
                                .arg = x};
}

enum step change_patch(struct exchange *x)
{
    struct adopt_asker who = asker_of(x);

    if (x->req->body.len > PATCH_BYTES)
        return exchange_fail_as(x, 413, ERROR_TOO_LARGE, -1, 0,
                                "A change of settings is at most %zu KB.",
                                PATCH_BYTES / KIB);
    if (x->req->body.len == 0)
        return exchange_fail_as(x, 400, ERROR_BAD_REQUEST, -1, 0,
                                "the body: must be one JSON object");
    who.put = put_patched;
    adopt_patch(x->s->adopt, &who, buf_head(&x->req->body), x->req->body.len);
    return exchange_wait(x, stop_waiting);
}

enum step change_reload(struct exchange *x)
{
    struct adopt_asker who = asker_of(x);

    who.put = put_reloaded;
    adopt_reload(x->s->adopt, &who);
    return exchange_wait(x, stop_waiting);
}
