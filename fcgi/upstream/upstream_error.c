/*
 * upstream_error.c - what does an upstream's error say, in whatever shape it comes?
 *
 *   {"error":{"message","type","code"}}     OpenAI's, and NIM's workers'
 *   {"status","title","detail"}             NVIDIA's gateway (RFC 9457)
 *   {"message","type","code"}               NIM's model servers
 *   {"detail":"..."}, {"detail":[{"loc","msg","type"}]}   FastAPI
 *   {"error":"..."}, {"error":"...","message":"..."}      others
 *   text, HTML, nothing                     proxies on the way
 *
 * The bytes are a stranger's: every length is given, none is found by a zero.
 * Of FastAPI's list, `input` is left out: it is the prompt.
 */
#include "fcgi/upstream/upstream_error.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fcgi/upstream/one_line.h"
#include "lib/base.h"
#include "lib/buf.h"
#include "lib/json_strict.h"

/* ---- texts ------------------------------------------------------------------ */

/* Appends what PARTS holds to the message, and frees it. */
static void put_parts(struct upstream_error_words *w, struct buf *parts)
{
    buf_add(parts, "", 1);
    one_line_add(w->message, sizeof(w->message), buf_head(parts),
                 parts->len - 1);
    buf_free(parts);
}

/* The place of WORD, in lower case, in TEXT of any case; NULL: nowhere. */
static const char *find(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word), i;

    for (i = 0; i + n <= len; i++)
        if (strncasecmp(text + i, word, n) == 0)
            return text + i;
    return NULL;
}

/* ---- JSON --------------------------------------------------------------------- */

/* Fills DST, if it is empty, with the text O has under KEY.  False: it is
 * empty still. */
static bool take_member(char *dst, size_t size, struct json_object *o,
                        const char *key)
{
    struct json_object *value;

    if (*dst == '\0' && json_object_object_get_ex(o, key, &value) &&
        json_object_is_type(value, json_type_string))
        one_line_add(dst, size, json_object_get_string(value),
                     (size_t)json_object_get_string_len(value));
    return *dst != '\0';
}

/* json-c would make 429 of "429 things". */
static bool is_digits(struct json_object *value)
{
    size_t len;

    if (!json_object_is_type(value, json_type_string))
        return false;
    len = (size_t)json_object_get_string_len(value);
    return len > 0 && len <= 9 &&
           strspn(json_object_get_string(value), "0123456789") == len;
}

/* A code may be a number: then it is the status, as a rule. */
static void take_status(struct upstream_error_words *w, struct json_object *o,
                        const char *key)
{
    struct json_object *value;
    int64_t n;

    if (!json_object_object_get_ex(o, key, &value) ||
        (!json_object_is_type(value, json_type_int) && !is_digits(value)))
        return;
    n = json_object_get_int64(value);
    if (n >= 400 && n <= 599)
        w->status = (int)n;
    if (w->code[0] == '\0' && strcmp(key, "code") == 0 &&
        json_object_is_type(value, json_type_int))
        snprintf(w->code, sizeof(w->code), "%" PRId64, n);
}

static void add_text(struct buf *b, struct json_object *value)
{
    buf_add(b, json_object_get_string(value),
            (size_t)json_object_get_string_len(value));
}

/* One of FastAPI's findings: "body.messages: Field required". */
static void add_finding(struct buf *b, struct json_object *finding)
{
    struct json_object *loc, *msg;
    size_t i;

    if (json_object_is_type(finding, json_type_string))
        add_text(b, finding);
    if (!json_object_object_get_ex(finding, "msg", &msg) ||
        !json_object_is_type(msg, json_type_string))
        return;
    if (json_object_object_get_ex(finding, "loc", &loc) &&
        json_object_is_type(loc, json_type_array))
        for (i = 0; i < json_object_array_length(loc); i++) {
            struct json_object *step = json_object_array_get_idx(loc, i);

            buf_str(b, step == NULL ? "null" : json_object_get_string(step));
            buf_str(b, i + 1 < json_object_array_length(loc) ? "." : ": ");
        }
    add_text(b, msg);
}

static void take_findings(struct upstream_error_words *w,
                          struct json_object *list)
{
    struct buf parts = {NULL, 0, 0, 0};
    size_t i;

    for (i = 0; i < json_object_array_length(list); i++) {
        struct json_object *finding = json_object_array_get_idx(list, i);

        if (parts.len > 0)
            buf_str(&parts, "; ");
        add_finding(&parts, finding);
        if (json_object_is_type(finding, json_type_object))
            take_member(w->code, sizeof(w->code), finding, "type");
    }
    put_parts(w, &parts);
}

static bool take_object(struct upstream_error_words *w, struct json_object *o,
                        int depth);

/* `detail`: a text, a list of findings, or one more object. */
static bool take_detail(struct upstream_error_words *w, struct json_object *o,
                        int depth)
{
    struct json_object *detail;

    if (!json_object_object_get_ex(o, "detail", &detail))
        return false;
    if (json_object_is_type(detail, json_type_array))
        take_findings(w, detail);
    else if (json_object_is_type(detail, json_type_object) && depth > 0)
        take_object(w, detail, depth - 1);
    return take_member(w->message, sizeof(w->message), o, "detail");
}

/* The error in O, of any shape that is known; its inner error goes first.
 * False: O says nothing that could be shown. */
static bool take_object(struct upstream_error_words *w, struct json_object *o,
                        int depth)
{
    static const char *const keys[] = {"error", "msg", "title"};
    struct json_object *inner;
    size_t i;

    if (depth > 0 && json_object_object_get_ex(o, "error", &inner) &&
        json_object_is_type(inner, json_type_object) &&
        take_object(w, inner, depth - 1))
        return true;
    take_status(w, o, "status");
    take_status(w, o, "code");
    take_member(w->code, sizeof(w->code), o, "code");
    take_member(w->type, sizeof(w->type), o, "type");
    if (strpbrk(w->type, ":/") != NULL)
        w->type[0] = '\0'; /* RFC 9457: a URI */
    if (take_member(w->message, sizeof(w->message), o, "message") ||
        take_detail(w, o, depth))
        return true;
    for (i = 0; i < ARRAY_LEN(keys); i++)
        if (take_member(w->message, sizeof(w->message), o, keys[i]))
            return true;
    return false;
}

static bool is_openai(struct json_object *o)
{
    struct json_object *error, *message;

    return json_object_object_get_ex(o, "error", &error) &&
           json_object_is_type(error, json_type_object) &&
           json_object_object_get_ex(error, "message", &message) &&
           json_object_is_type(message, json_type_string);
}

static bool is_bare(struct json_object *o)
{
    static const char *const parts[] = {"choices", "data", "output", "content"};
    struct json_object *member;
    size_t i;

    for (i = 0; i < ARRAY_LEN(parts); i++)
        if (json_object_object_get_ex(o, parts[i], &member))
            return false;
    return json_object_object_get_ex(o, "error", &member) &&
           json_object_is_type(member, json_type_object);
}

static bool is_detailed(struct json_object *o)
{
    struct json_object *detail;

    if (!json_object_object_get_ex(o, "detail", &detail))
        return false;
    if (json_object_is_type(detail, json_type_string))
        return json_object_get_string_len(detail) > 0;
    if (json_object_is_type(detail, json_type_array))
        return json_object_array_length(detail) > 0;
    return json_object_is_type(detail, json_type_object);
}

static void take_json(struct upstream_error_words *w, struct json_object *o,
                      const char *text, size_t len)
{
    w->shape = is_openai(o) ? WORDS_OPENAI : WORDS_JSON;
    w->has_detail = is_detailed(o);
    w->is_bare = is_bare(o);
    if (!take_object(w, o, 2))
        one_line_add(w->message, sizeof(w->message), text, len);
}

/* ---- the rest ------------------------------------------------------------------- */

static bool is_html(const char *type, const char *text, size_t len)
{
    if (type != NULL && strncasecmp(type, "text/html", 9) == 0)
        return true;
    return (len >= 9 && strncasecmp(text, "<!doctype", 9) == 0) ||
           (len >= 5 && strncasecmp(text, "<html", 5) == 0);
}

static void take_html(struct upstream_error_words *w, int status,
                      const char *text, size_t len)
{
    const char *end = text + len, *title = find(text, len, "<title"), *close;
    struct buf parts = {NULL, 0, 0, 0};

    w->shape = WORDS_HTML;
    buf_fmt(&parts, "The upstream answered %d with an HTML page", status);
    if (title != NULL)
        title = memchr(title, '>', (size_t)(end - title));
    if (title != NULL) {
        close = memchr(title, '<', (size_t)(end - title));
        buf_str(&parts, ": ");
        buf_add(&parts, title + 1,
                (size_t)((close == NULL ? end : close) - title - 1));
    } else {
        buf_str(&parts, ".");
    }
    put_parts(w, &parts);
}

static void take_nothing(struct upstream_error_words *w, int status)
{
    struct buf parts = {NULL, 0, 0, 0};

    w->shape = WORDS_EMPTY;
    buf_fmt(&parts, "The upstream answered %d with no body%s", status,
            status == 504 ? ": no worker took the request, or the answer took "
                            "longer than the upstream waits for it "
                            "(NVCF-POLL-SECONDS)."
                          : ".");
    put_parts(w, &parts);
}

static void take_text(struct upstream_error_words *w, int status,
                      const char *type, const char *text, size_t len)
{
    if (is_html(type, text, len)) {
        take_html(w, status, text, len);
        return;
    }
    w->shape = *text == '{' || *text == '[' ? WORDS_BROKEN : WORDS_TEXT;
    one_line_add(w->message, sizeof(w->message), text, len);
    if (w->message[0] == '\0')
        take_nothing(w, status);
}

void upstream_error_read(struct upstream_error_words *w, int status,
                         const char *type, const char *body, size_t len,
                         bool is_cut)
{
    struct buf copy = {NULL, 0, 0, 0};
    struct json_object *o = NULL;
    const char *text;

    memset(w, 0, sizeof(*w));
    is_cut = is_cut || len > WORDS_BYTES;
    len = len > WORDS_BYTES ? WORDS_BYTES : len;
    if (len > 0)
        buf_add(&copy, body, len);
    buf_add(&copy, "", 1); /* for the JSON parser */
    text = buf_head(&copy);
    while (len > 0 && strchr(" \t\r\n", *text) != NULL && *text != '\0') {
        text++;
        len--;
    }
    if (!is_cut && len > 0 && *text == '{')
        o = json_strict_object(text, len);
    if (o != NULL)
        take_json(w, o, text, len);
    else if (len > 0)
        take_text(w, status, type, text, len);
    else
        take_nothing(w, status);
    json_object_put(o);
    buf_free(&copy);
}

void upstream_error_coded(struct upstream_error_words *w, int status,
                          const char *coding)
{
    struct buf parts = {NULL, 0, 0, 0};

    memset(w, 0, sizeof(*w));
    w->shape = WORDS_CODED;
    buf_fmt(&parts,
            "The upstream answered %d with a body that is compressed (%s), "
            "although Sluice had asked for a plain one.",
            status, coding);
    put_parts(w, &parts);
}

/* ---- event streams ----------------------------------------------------------------- */

/* What the SDKs take for an error: openai-python _streaming.py, openai-node
 * core/streaming.ts. */
static bool is_error(struct json_object *o, bool is_named)
{
    static const char *const keys[] = {"object", "type"};
    struct json_object *error, *name;
    size_t i;

    if (is_named)
        return true;
    if (json_object_object_get_ex(o, "error", &error)) {
        if (json_object_is_type(error, json_type_object))
            return json_object_object_length(error) > 0;
        return json_object_get_boolean(error);
    }
    for (i = 0; i < ARRAY_LEN(keys); i++)
        if (json_object_object_get_ex(o, keys[i], &name) &&
            json_object_is_type(name, json_type_string) &&
            strcmp(json_object_get_string(name), "error") == 0)
            return true;
    return false;
}

/* One event's data.  NAMED: its `event` field is "error". */
static bool take_event(struct upstream_error_words *w, struct buf *data,
                       bool is_named)
{
    struct json_object *o;
    bool found;

    /* Most events are words of an answer: not worth a parse. */
    if (!is_named && memmem(data->data, data->len, "error", 5) == NULL)
        return false;
    buf_add(data, "", 1);
    data->len--;
    o = json_strict_object(buf_head(data), data->len);
    found = o == NULL ? is_named : is_error(o, is_named);
    if (found && o != NULL)
        take_json(w, o, buf_head(data), data->len);
    else if (found)
        take_text(w, 200, NULL, buf_head(data), data->len);
    json_object_put(o);
    return found;
}

/* The value of FIELD, with its colon, if LINE has that one; NULL: another. */
static const char *field(const char *line, size_t len, const char *name,
                         size_t *value_len)
{
    size_t n = strlen(name);

    if (len < n || memcmp(line, name, n) != 0)
        return NULL;
    n += len > n && line[n] == ' ';
    *value_len = len - n;
    return line + n;
}

bool upstream_error_in_stream(struct upstream_error_words *w, const char *bytes,
                              size_t from, size_t len)
{
    struct buf data = {NULL, 0, 0, 0};
    bool is_named = false, found = false;
    size_t at = from;

    memset(w, 0, sizeof(*w));
    len = len > WORDS_BYTES ? WORDS_BYTES : len;
    if (at == 0 && len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        at = 3;
    while (at < len && !found) {
        const char *line = bytes + at, *value;
        size_t n = 0, value_len = 0;

        while (at + n < len && line[n] != '\n' && line[n] != '\r')
            n++;
        if (at + n == len)
            break; /* its end is not here yet */
        at += n + 1;
        if (line[n] == '\r' && at < len && bytes[at] == '\n')
            at++;
        if ((value = field(line, n, "data:", &value_len)) != NULL) {
            if (data.len > 0)
                buf_add(&data, "\n", 1);
            buf_add(&data, value, value_len);
        } else if ((value = field(line, n, "event:", &value_len)) != NULL) {
            is_named = value_len == 5 && memcmp(value, "error", 5) == 0;
        } else if (n == 0) {
            found = data.len > 0 && take_event(w, &data, is_named);
            buf_free(&data);
            is_named = false;
        }
    }
    buf_free(&data);
    return found;
}
