/*
 * pieces_why.c - how do the reasons look in the snapshot?
 *
 * As pieces.c: what an upstream says of our key, those that wait for the same,
 * and the verdict on all of it.
 */
#include <string.h>

#include "fcgi/config/fields.h"
#include "fcgi/pages/pieces.h"

/* ,"KEY":VALUE, or null for NULL and for what is empty */
static void text(struct buf *b, const char *key, const char *value)
{
    buf_str(b, ",");
    buf_json(b, key);
    buf_str(b, ":");
    if (value != NULL && value[0] != '\0')
        buf_json(b, value);
    else
        buf_str(b, "null");
}

static void seconds(struct buf *b, const char *key, int64_t ns)
{
    buf_str(b, ",");
    piece_seconds(b, key, ns);
}

/* Is there a key of ours for the upstream that CFG calls NAME? */
static bool has_own_key(const struct config *cfg, const char *name)
{
    size_t i;

    for (i = 0; cfg != NULL && i < cfg->n_upstreams; i++)
        if (strcmp(cfg->upstreams[i].name, name) == 0)
            return cfg->upstreams[i].api_key != NULL;
    return false;
}

/* Never which one it is, nor where it lies: whoever may look may not know. */
void piece_key(struct buf *b, const struct config *cfg,
               const struct view_scope *s)
{
    static const char *const words[] = {[KEY_UNTOLD] = "unknown",
                                        [KEY_ACCEPTED] = "ok",
                                        [KEY_REFUSED] = "refused"};
    const struct view_key *k = &s->key;

    buf_fmt(b, ",\"key\":{\"ours\":%s,\"state\":\"%s\",\"status\":",
            has_own_key(cfg, s->rules.name) ? "true" : "false", words[k->word]);
    if (k->status > 0)
        buf_int(b, k->status);
    else
        buf_str(b, "null");
    seconds(b, "since_s", k->since_ns);
    text(b, "message", k->message);
    buf_str(b, "}");
}

void piece_group(struct buf *b, const struct limiter_view *v,
                 const struct view_group *g)
{
    buf_fmt(b, "{\"cause\":\"%s\"", wait_cause_names[g->cause]);
    text(b, "upstream",
         g->upstream != NONE ? piece_upstream(v, g->upstream) : NULL);
    text(b, "model", g->model);
    text(b, "client", g->client);
    buf_fmt(b, ",\"waiting\":%u", g->waiting);
    seconds(b, "next_eta_s", g->next_ns);
    seconds(b, "last_eta_s", g->last_ns);
    buf_str(b, "}");
}

void piece_verdict(struct buf *b, const struct view_verdict *v)
{
    buf_fmt(b, "{\"word\":\"%s\",\"tone\":\"%s\"", v->word,
            view_tone_names[v->tone]);
    text(b, "title", v->title);
    text(b, "reason", v->reason);
    text(b, "next_step", v->next_step);
    text(b, "upstream", v->upstream);
    text(b, "model", v->model);
    text(b, "client", v->client);
    buf_fmt(b, ",\"waiting\":%u", v->waiting);
    seconds(b, "ends_s", v->ends_ns);
    buf_str(b, "}");
}
