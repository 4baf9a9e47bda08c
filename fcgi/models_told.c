/*
 * models_told.c - how is a list of models told?
 *
 *   pages/models.c --> models_tell()     our own list, or one of it
 *   relay_end.c    --> models_retell()   an upstream's, which its client asked
 *                                        with a key of its own
 *
 * In the shape of the API that asks: Anthropic's clients say which of its versions
 * they speak, and may want a page.  Names that stand for models (model_alias) are
 * models to who asks; a pattern is none, but each name that fits it is one.
 */
#include "fcgi/models_told.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/answer.h"
#include "fcgi/config/aliases.h"
#include "fcgi/config/config.h"
#include "fcgi/config/protocols.h"
#include "fcgi/messages/messages.h"
#include "fcgi/route.h"
#include "fcgi/target.h"
#include "fcgi/tongue.h"
#include "fcgi/upstream/listing.h"

#define PATH      "/v1/models"
#define LIMIT_MAX 1000 /* as Anthropic has it */

/* The id that is asked for; "": all of them. */
static const char *id_of(const struct exchange *x)
{
    const char *id = x->req->path + sizeof(PATH) - 1;

    return *id == '/' ? id + 1 : id;
}

static bool is_called(struct json_object *model, const char *id)
{
    struct json_object *v;

    return json_object_object_get_ex(model, "id", &v) &&
           strcmp(json_object_get_string(v), id) == 0;
}

static struct json_object *find(struct json_object *list, const char *id)
{
    size_t i, n = json_object_array_length(list);

    for (i = 0; i < n; i++)
        if (is_called(json_object_array_get_idx(list, i), id))
            return json_object_array_get_idx(list, i);
    return NULL;
}

/* ---- names that stand for models -------------------------------------------------- */

/* Called ID; REAL is what it stands for. */
static struct json_object *new_alias(const char *id, const char *real)
{
    struct json_object *model = json_object_new_object();

    CHECK(model != NULL);
    json_object_object_add(model, "id", json_object_new_string(id));
    json_object_object_add(model, "object", json_object_new_string("model"));
    json_object_object_add(model, "created", json_object_new_int(0));
    json_object_object_add(model, "owned_by", json_object_new_string("sluice"));
    json_object_object_add(model, "display_name", json_object_new_string(real));
    return model;
}

/* LIST behind the names that stand for models; the caller's. */
static struct json_object *with_aliases(const struct config *cfg,
                                        struct json_object *list)
{
    struct json_object *all = json_object_new_array();
    char name[MODEL_BYTES];
    size_t i, len;

    CHECK(all != NULL);
    for (i = 0; i < cfg->n_aliases; i++) {
        len = strcspn(cfg->aliases[i], "=");
        CHECK(len < sizeof(name)); /* aliases_fault() */
        memcpy(name, cfg->aliases[i], len);
        name[len] = '\0';
        if (strpbrk(name, "*?[\\") == NULL && find(list, name) == NULL)
            json_object_array_add(all,
                                  new_alias(name, cfg->aliases[i] + len + 1));
    }
    for (i = 0; i < json_object_array_length(list); i++)
        json_object_array_add(
            all, json_object_get(json_object_array_get_idx(list, i)));
    return all;
}

/* ---- in the shape of the API ------------------------------------------------------ */

static void put_json(struct buf *b, struct json_object *v)
{
    buf_json_text(
        b, json_object_to_json_string_ext(
               v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static bool read_limit(const char *target, int64_t *out)
{
    char text[16], *end;
    int found = target_query(target, "limit", text, sizeof(text));

    if (found == 0)
        return true;
    *out = found == 1 ? strtol(text, &end, 10) : 0;
    return *out >= 1 && *out <= LIMIT_MAX && *end == '\0';
}

/* Puts the part of LIST that TARGET's query wants; what is wrong with that, or
 * NULL. */
static const char *put_page(struct buf *b, struct json_object *list,
                            const char *target)
{
    char after[MODEL_BYTES], before[MODEL_BYTES];
    int has_after = target_query(target, "after_id", after, sizeof(after));
    int has_before = target_query(target, "before_id", before, sizeof(before));
    struct messages_page page = {.after = has_after == 1 ? after : NULL,
                                 .before = has_before == 1 ? before : NULL};

    if (!read_limit(target, &page.limit))
        return "limit: must be a whole number from 1 to 1000";
    if (has_after == -1 || has_before == -1 ||
        messages_models(list, &page, b) == -1)
        return "after_id, before_id: must be the id of a model in the list";
    return NULL;
}

static enum step tell_list(struct exchange *x, struct json_object *all)
{
    struct buf b = {NULL, 0, 0, 0};
    const char *why = NULL;
    enum step next;

    if (request_speaks_messages(x->req)) {
        why = put_page(&b, all, x->req->target);
    } else {
        buf_str(&b, "{\"object\":\"list\",\"data\":");
        put_json(&b, all);
        buf_str(&b, "}\n");
    }
    next = why == NULL ? exchange_json(x, &b)
                       : exchange_fail(x, ERROR_BAD_REQUEST, "%s", why);
    buf_free(&b);
    return next;
}

static enum step tell_one(struct exchange *x, struct json_object *model)
{
    struct buf b = {NULL, 0, 0, 0};
    enum step next;

    if (request_speaks_messages(x->req))
        messages_model(model, &b);
    else
        put_json(&b, model);
    buf_str(&b, "\n");
    next = exchange_json(x, &b);
    buf_free(&b);
    return next;
}

enum step models_tell(struct exchange *x, struct json_object *list)
{
    const char *id = id_of(x);
    struct json_object *all = with_aliases(x->s->cfg, list);
    struct json_object *model = *id != '\0' ? find(all, id) : NULL;
    enum step next;

    if (*id == '\0')
        next = tell_list(x, all);
    else if (model != NULL)
        next = tell_one(x, model);
    else
        next = exchange_fail(x, ERROR_MODEL_NOT_FOUND,
                             "The upstream lists no model \"%.120s\".", id);
    json_object_put(all);
    return next;
}

bool models_tell_alias(struct exchange *x, enum step *next)
{
    struct json_object *model;
    char real[MODEL_BYTES];

    if (!aliases_of(x->s->cfg, id_of(x), real))
        return false;
    model = new_alias(id_of(x), real);
    *next = tell_one(x, model);
    json_object_put(model);
    return true;
}

/* ---- an upstream's own answer ----------------------------------------------------- */

static bool is_to_be_retold(const struct exchange *x, const struct buf *body)
{
    const char *path = x->req->path;
    size_t n = sizeof(PATH) - 1;

    return body->len > 0 && request_speaks_messages(x->req) &&
           strncmp(path, PATH, n) == 0 && (path[n] == '\0' || path[n] == '/') &&
           !protocols_has(&x->s->cfg->upstreams[x->attempt.upstream],
                          tongue_messages.protocol);
}

/* As above, into OUT; false: BODY is none. */
static bool retell_list(struct exchange *x, struct buf *body, struct buf *out)
{
    struct json_object *list = json_object_new_array(), *all;
    bool is_one;

    CHECK(list != NULL);
    is_one = listing_read(list, body);
    all = with_aliases(x->s->cfg, list);
    if (is_one)
        (void)put_page(out, all, x->req->target);
    json_object_put(all);
    json_object_put(list);
    return out->len > 0;
}

static bool retell_one(struct buf *body, struct buf *out)
{
    struct json_object *model = json_tokener_parse(buf_head(body)), *id;

    if (json_object_object_get_ex(model, "id", &id) &&
        json_object_is_type(id, json_type_string))
        messages_model(model, out);
    json_object_put(model);
    return out->len > 0;
}

void models_retell(struct exchange *x, struct buf *body)
{
    struct buf told = {NULL, 0, 0, 0};

    if (!is_to_be_retold(x, body))
        return;
    *buf_room(body, 1) = '\0';
    if (*id_of(x) == '\0' ? retell_list(x, body, &told)
                          : retell_one(body, &told)) {
        buf_free(body);
        *body = told;
    }
}
