/*
 * body_plain.c - what does a body ask for that says it as nearly all do?
 *
 *   json_plain() --> one walk along its members --> what each of them says
 *
 * What is read, and what it means, is as in body.c; there is what may be odd
 * about it.  Of two members of one name the last counts, as json-c has it.
 */
#include "fcgi/body_plain.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fcgi/request.h"
#include "fcgi/route.h"
#include "lib/base.h"
#include "lib/json_plain.h"
#include "lib/json_walk.h"

/* The members that are looked at. */
#define MEMBERS(X)                                                             \
    X(MODEL, "model")                                                          \
    X(STREAM, "stream")                                                        \
    X(MAX_TOKENS, "max_tokens")                                                \
    X(MAX_COMPLETION_TOKENS, "max_completion_tokens")                          \
    X(MAX_OUTPUT_TOKENS, "max_output_tokens")                                  \
    X(N, "n")                                                                  \
    X(BEST_OF, "best_of")                                                      \
    X(USER, "user")                                                            \
    X(SAFETY_IDENTIFIER, "safety_identifier")                                  \
    X(METADATA, "metadata")                                                    \
    X(PROMPT, "prompt")                                                        \
    X(PREVIOUS, "previous_response_id")                                        \
    X(CONVERSATION, "conversation")
#define AS_KIND(kind, name) MEMBER_##kind,
#define AS_NAME(kind, name) {name, sizeof(name) - 1},
enum member { MEMBERS(AS_KIND) MEMBER_KINDS };

/* Where each is; those that are not there are at NULL. */
struct members {
    struct json_span at[MEMBER_KINDS];
};

/* What was read, to be taken over when all of it is in order. */
struct read {
    struct json_span model, user;
    bool has_stream, stream, is_bound;
    int64_t max_tokens, answers;
};

/* ---- where it is -------------------------------------------------------------- */

/* Of KEY, in which nothing is escaped; MEMBER_KINDS: of no interest. */
static enum member member_of(struct json_span key)
{
    static const struct {
        const char *text;
        size_t len;
    } names[] = {MEMBERS(AS_NAME)};
    unsigned i;

    for (i = 0; i < MEMBER_KINDS; i++)
        if (names[i].len == key.len &&
            memcmp(names[i].text, key.at, key.len) == 0)
            break;
    return (enum member)i;
}

static bool is_escaped(struct json_span text)
{
    return memchr(text.at, '\\', text.len) != NULL;
}

/* False: a key is escaped, and may mean one of these. */
static bool find(struct members *m, struct json_span body)
{
    struct json_item item;
    struct json_walk w;
    enum member which;

    memset(m, 0, sizeof(*m));
    if (!json_walk_into(&w, body) || !w.is_object)
        return false;
    while (json_walk_next(&w, &item)) {
        if (is_escaped(item.key))
            return false;
        which = member_of(item.key);
        if (which != MEMBER_KINDS)
            m->at[which] = item.value;
    }
    return w.at != NULL;
}

/* ---- what it says ------------------------------------------------------------- */

static bool is(struct json_span value, const char *word)
{
    return value.len == strlen(word) &&
           strncasecmp(value.at, word, value.len) == 0;
}

/* It is not there, or says so. */
static bool is_nothing(struct json_span value)
{
    return value.at == NULL || *value.at == 'n';
}

static bool is_number(struct json_span value)
{
    return value.at != NULL &&
           (*value.at == '-' || (*value.at >= '0' && *value.at <= '9'));
}

/* Between its quotes.  False: it is no string, or one that is escaped. */
static bool string_of(struct json_span value, struct json_span *text)
{
    if (value.at == NULL || *value.at != '"')
        return false;
    *text = (struct json_span){value.at + 1, value.len - 2};
    return !is_escaped(*text);
}

/* False: it is none, or has a fraction. */
static bool whole_of(struct json_span value, int64_t *n)
{
    if (!is_number(value) || memchr(value.at, '.', value.len) != NULL)
        return false;
    *n = strtoll(value.at, NULL, 10); /* something that is no digit follows */
    return true;
}

static bool read_model(const struct request *r, const struct members *m,
                       struct read *out)
{
    struct json_span value = m->at[MEMBER_MODEL];

    if (value.at == NULL) /* one that was stored says for which it is */
        return r->route->ends == ENDS_RESPONSE &&
               m->at[MEMBER_PROMPT].at != NULL;
    return string_of(value, &out->model) && out->model.len > 0 &&
           out->model.len <= MODEL_BYTES;
}

static bool read_stream(const struct members *m, struct read *out)
{
    struct json_span value = m->at[MEMBER_STREAM];

    if (is_nothing(value))
        return true;
    out->has_stream = true;
    out->stream = is(value, "true") || is(value, "\"true\"") || is(value, "1");
    return out->stream || is(value, "false") || is(value, "\"false\"") ||
           is(value, "0");
}

static bool read_max_tokens(const struct members *m, struct read *out)
{
    unsigned i;
    int64_t n;

    for (i = MEMBER_MAX_TOKENS; i <= MEMBER_MAX_OUTPUT_TOKENS; i++) {
        if (is_nothing(m->at[i]))
            continue;
        if (!whole_of(m->at[i], &n))
            return false;
        out->max_tokens = max_i64(out->max_tokens, n);
    }
    return true;
}

static void read_answers(const struct members *m, struct read *out)
{
    int64_t n;

    if (whole_of(m->at[MEMBER_N], &n))
        out->answers = max_i64(out->answers, n);
    if (whole_of(m->at[MEMBER_BEST_OF], &n))
        out->answers = max_i64(out->answers, n);
}

/* Takes VALUE as the user, if none is known, and it is one.  False: it is
 * escaped. */
static bool take_user(struct json_span value, struct read *out)
{
    if (out->user.len > 0 || value.at == NULL || *value.at != '"')
        return true;
    return string_of(value, &out->user);
}

static bool read_user(const struct members *m, struct read *out)
{
    struct json_span within = {NULL, 0};
    struct json_item item;
    struct json_walk w;

    if (!take_user(m->at[MEMBER_USER], out) ||
        !take_user(m->at[MEMBER_SAFETY_IDENTIFIER], out))
        return false;
    if (out->user.len > 0 || m->at[MEMBER_METADATA].at == NULL ||
        !json_walk_into(&w, m->at[MEMBER_METADATA]) || !w.is_object)
        return true;
    while (json_walk_next(&w, &item))
        if (json_walk_says(item.key, "user_id"))
            within = item.value;
    return take_user(within, out);
}

static void read_bonds(const struct request *r, const struct members *m,
                       struct read *out)
{
    out->is_bound = r->route->ends == ENDS_RESPONSE &&
                    (m->at[MEMBER_PROMPT].at != NULL ||
                     !is_nothing(m->at[MEMBER_PREVIOUS]) ||
                     !is_nothing(m->at[MEMBER_CONVERSATION]));
}

/* ---- all of it ------------------------------------------------------------------ */

static void take_over(struct request *r, const struct read *in)
{
    size_t most = sizeof(r->user) - 1;

    if (in->model.at != NULL)
        request_name_model(r, in->model.at, in->model.len);
    if (in->has_stream)
        r->stream = in->stream;
    r->max_tokens = in->max_tokens;
    r->answers = min_i64(in->answers, ANSWERS_MAX);
    if (r->user[0] == '\0' && in->user.len > 0) /* else it is known before */
        (void)snprintf(r->user, sizeof(r->user), "%.*s",
                       (int)(in->user.len < most ? in->user.len : most),
                       in->user.at);
    if (r->route->ends == ENDS_RESPONSE)
        r->is_bound = in->is_bound;
}

bool body_plain_read(struct request *r)
{
    struct json_span body = {buf_head(&r->body), r->body.len};
    struct read in = {.max_tokens = r->max_tokens, .answers = r->answers};
    struct members m;

    if (!json_plain(body.at, body.len, JSON_VALUES_MAX) || !find(&m, body) ||
        !read_model(r, &m, &in) || !read_stream(&m, &in) ||
        !read_max_tokens(&m, &in) || !read_user(&m, &in))
        return false;
    read_answers(&m, &in);
    read_bonds(r, &m, &in);
    take_over(r, &in);
    return true;
}
