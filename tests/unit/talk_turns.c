/*
 * talk_turns.c - what of the turns of a request has chat completions a word for?
 *
 * Each loss that fcgi/messages/README.md allows is named where it happens, in
 * its words; nothing else is lost.  A content that is a string is one block of
 * text, and a text that is empty is none.
 */
#include "talk.h"

#include "lib/base.h"

/* ---- texts ------------------------------------------------------------------ */

static void add_string(struct buf *b, struct json_object *s)
{
    if (json_object_is_type(s, json_type_string))
        buf_add(b, json_object_get_string(s),
                (size_t)json_object_get_string_len(s));
}

static struct json_object *string_of(struct buf *b)
{
    struct json_object *s =
        json_object_new_string_len(b->len > 0 ? buf_head(b) : "", (int)b->len);

    buf_free(b);
    return s;
}

static struct json_object *text_block(const char *type, struct json_object *s)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "type", json_object_new_string(type));
    json_object_object_add(o, type, s);
    return o;
}

/*
 * Adds to LIST a block of TYPE that says WORDS, which are used up.
 *
 * "texts with a blank line between them", "without images the content is one
 * string": APART says that it is not.
 */
static void add_words(struct json_object *list, const char *type,
                      struct buf *words, bool apart)
{
    size_t n = talk_count(list);
    struct json_object *last = n > 0 ? talk_at(list, n - 1) : NULL;
    struct buf all = {NULL, 0, 0, 0};

    if (words->len == 0) {
        buf_free(words);
        return;
    }
    if (apart || !talk_is(last, type)) {
        json_object_array_add(list, text_block(type, string_of(words)));
        return;
    }
    add_string(&all, talk_get(last, type));
    buf_str(&all, "\n\n");
    buf_add(&all, buf_head(words), words->len);
    buf_free(words);
    json_object_object_add(last, type, string_of(&all));
}

static void add_text(struct json_object *list, struct json_object *s,
                     bool apart)
{
    struct buf words = {NULL, 0, 0, 0};

    add_string(&words, s);
    add_words(list, "text", &words, apart);
}

/* A content as blocks; the caller's. */
static struct json_object *blocks_of(struct json_object *content)
{
    struct json_object *list;

    if (!json_object_is_type(content, json_type_string))
        return json_object_get(content);
    list = json_object_new_array();
    json_object_array_add(list, text_block("text", json_object_get(content)));
    return list;
}

/* ---- blocks of a user ------------------------------------------------------- */

static void add_block(struct json_object *list, struct json_object *b,
                      bool apart);

static void add_blocks(struct json_object *list, struct json_object *content,
                       bool apart)
{
    struct json_object *blocks = blocks_of(content);
    size_t i;

    for (i = 0; i < talk_count(blocks); i++)
        add_block(list, talk_at(blocks, i), apart);
    json_object_put(blocks);
}

/* "document, search_result: text in <document>", with what is known of it. */
static void begin_document(struct buf *b, struct json_object *block)
{
    static const char *const known[] = {"title", "context", "source"};
    size_t i;

    buf_str(b, "<document>");
    for (i = 0; i < ARRAY_LEN(known); i++) {
        struct json_object *s = talk_get(block, known[i]);

        if (!json_object_is_type(s, json_type_string) ||
            json_object_get_string_len(s) == 0)
            continue;
        buf_fmt(b, "\n<%s>", known[i]);
        add_string(b, s);
        buf_fmt(b, "</%s>", known[i]);
    }
}

static void add_document(struct json_object *list, struct json_object *b,
                         bool apart)
{
    struct json_object *source = talk_get(b, "source");
    struct json_object *content =
        talk_get(talk_is(b, "search_result") ? b : source, "content");
    struct buf words = {NULL, 0, 0, 0};

    begin_document(&words, b);
    if (content == NULL) {
        buf_str(&words, "\n");
        add_string(&words, talk_get(source, "data"));
        buf_str(&words, "\n</document>");
    } else {
        add_words(list, "text", &words, apart);
        add_blocks(list, content, apart);
        buf_str(&words, "</document>");
    }
    add_words(list, "text", &words, apart);
}

/* An image is where it comes from, and of which type. */
static void add_image(struct json_object *list, struct json_object *b,
                      bool apart)
{
    struct json_object *o = json_object_new_object();
    struct json_object *source = talk_get(b, "source");
    struct buf mark = {NULL, 0, 0, 0};

    if (!apart) { /* "tool_result: a text"; see add_images() */
        json_object_put(o);
        buf_str(&mark, "[image]");
        add_words(list, "text", &mark, apart);
        return;
    }
    json_object_object_add(o, "type", json_object_new_string("image"));
    talk_keep(o, "url", source, "url");
    talk_keep(o, "media_type", source, "media_type");
    talk_keep(o, "data", source, "data");
    json_object_array_add(list, o);
}

static void add_block(struct json_object *list, struct json_object *b,
                      bool apart)
{
    if (talk_is(b, "image"))
        add_image(list, b, apart);
    else if (talk_is(b, "document") || talk_is(b, "search_result"))
        add_document(list, b, apart);
    else if (talk_is(b, "tool_reference"))
        add_text(list, talk_get(b, "tool_name"), apart);
    else
        add_text(list, talk_get(b, "text"), apart);
}

/* ---- results ---------------------------------------------------------------- */

/* "a message of role tool, a text"; "is_error is the word Error: before it". */
static void add_result(struct json_object *list, struct json_object *b)
{
    struct json_object *o = json_object_new_object();
    struct json_object *said = json_object_new_array(), *content;
    struct buf error = {NULL, 0, 0, 0};

    if (json_object_get_boolean(talk_get(b, "is_error")))
        buf_str(&error, "Error:");
    add_words(said, "text", &error, false);
    if (talk_get(b, "content") != NULL)
        add_blocks(said, talk_get(b, "content"), false);
    content = talk_count(said) > 0
                  ? json_object_get(talk_get(talk_at(said, 0), "text"))
                  : json_object_new_string("");
    json_object_object_add(o, "type", json_object_new_string("tool_result"));
    talk_keep(o, "tool_use_id", b, "tool_use_id");
    json_object_object_add(o, "content", content);
    json_object_array_add(list, o);
    json_object_put(said);
}

/* "its images go into the user's message behind it". */
static void add_images(struct json_object *list, struct json_object *content,
                       size_t from, size_t end)
{
    size_t i;

    for (i = from; i < end && i < talk_count(content); i++) {
        struct json_object *b = talk_at(content, i);

        if (talk_is(b, "image"))
            add_image(list, b, true);
        else if (talk_is(b, "document"))
            add_images(list, talk_get(talk_get(b, "source"), "content"), 0,
                       SIZE_MAX);
    }
}

/* ---- turns ------------------------------------------------------------------ */

/* What all turns say, block by block, with what is not said left out. */
struct said {
    struct json_object *blocks, *roles;
};

static bool says_nothing(struct json_object *b, const struct messages_ask *ask)
{
    if (talk_is(b, "text"))
        return json_object_get_string_len(talk_get(b, "text")) == 0;
    if (talk_is(
            b,
            "thinking")) /* "the member that messages_ask names, else nothing" */
        return ask->reasoning_key == NULL ||
               json_object_get_string_len(talk_get(b, "thinking")) == 0;
    return talk_is(b, "redacted_thinking"); /* "what is redacted, nothing" */
}

static struct said all_said(struct json_object *root,
                            const struct messages_ask *ask)
{
    struct json_object *turns = talk_get(root, "messages");
    struct said s = {json_object_new_array(), json_object_new_array()};
    size_t i, k;

    for (i = 0; i < talk_count(turns); i++) {
        struct json_object *blocks =
            blocks_of(talk_get(talk_at(turns, i), "content"));

        for (k = 0; k < talk_count(blocks); k++) {
            if (says_nothing(talk_at(blocks, k), ask))
                continue;
            json_object_array_add(s.blocks,
                                  json_object_get(talk_at(blocks, k)));
            json_object_array_add(
                s.roles, json_object_get(talk_get(talk_at(turns, i), "role")));
        }
        json_object_put(blocks);
    }
    return s;
}

/* "a system message in the middle is said by the user, in <system-reminder>" */
static void add_reminder(struct json_object *list, struct json_object *b,
                         bool apart)
{
    struct buf words = {NULL, 0, 0, 0};

    buf_str(&words, "<system-reminder>\n");
    add_string(&words, talk_get(b, "text"));
    buf_str(&words, "\n</system-reminder>");
    add_words(list, "text", &words, apart);
}

static bool has_image(const struct said *s, size_t from, size_t end)
{
    struct json_object *found = json_object_new_array();
    bool has;
    size_t i;

    add_images(found, s->blocks, from, end);
    for (i = from; i < end; i++) {
        struct json_object *b = talk_at(s->blocks, i);

        if (talk_is(b, "tool_result"))
            add_images(found, talk_get(b, "content"), 0, SIZE_MAX);
    }
    has = talk_count(found) > 0;
    json_object_put(found);
    return has;
}

/* Results come first: they must follow their calls at once. */
static void keep_user(struct json_object *out, const struct said *s,
                      size_t from, size_t end, bool apart)
{
    size_t i;

    for (i = from; i < end; i++)
        if (talk_is(talk_at(s->blocks, i), "tool_result"))
            add_result(out, talk_at(s->blocks, i));
    for (i = from; i < end; i++) {
        struct json_object *b = talk_at(s->blocks, i);

        if (talk_is_word(talk_at(s->roles, i), "system"))
            add_reminder(out, b, apart);
        else if (!talk_is(b, "tool_result"))
            add_block(out, b, apart);
        else if (apart)
            add_images(out, talk_get(b, "content"), 0, SIZE_MAX);
    }
}

/* Thinking, words and calls have a place each, and no order among them. */
static void keep_assistant(struct json_object *out, const struct said *s,
                           size_t from, size_t end)
{
    static const char *const types[] = {"thinking", "text", "tool_use"};
    size_t i, k;

    for (k = 0; k < ARRAY_LEN(types); k++)
        for (i = from; i < end; i++) {
            struct json_object *b = talk_at(s->blocks, i), *call;
            struct buf words = {NULL, 0, 0, 0};

            if (!talk_is(b, types[k]))
                continue;
            add_string(&words, talk_get(b, types[k]));
            add_words(out, types[k], &words, false);
            if (k < 2)
                continue;
            call = json_object_new_object();
            talk_keep(call, "type", b, "type");
            talk_keep(call, "id", b, "id");
            talk_keep(call, "name", b, "name");
            talk_keep(call, "input", b, "input");
            json_object_array_add(out, call);
        }
}

/* What run FROM to END of one speaker says. */
static struct json_object *keep_run(const struct said *s, size_t from,
                                    size_t end, bool is_his)
{
    struct json_object *o = json_object_new_object();
    struct json_object *content = json_object_new_array();
    const char *role = is_his ? "assistant" : "user";

    if (is_his)
        keep_assistant(content, s, from, end);
    else
        keep_user(content, s, from, end, has_image(s, from, end));
    json_object_object_add(o, "role", json_object_new_string(role));
    json_object_object_add(o, "content", content);
    return o;
}

static bool is_his(const struct said *s, size_t i)
{
    return talk_is_word(talk_at(s->roles, i), "assistant");
}

/* "turns of one role in a row are one message" */
static struct json_object *keep_turns(const struct said *s, size_t from)
{
    struct json_object *list = json_object_new_array();
    size_t n = talk_count(s->blocks), end;

    for (; from < n; from = end) {
        for (end = from + 1; end < n && is_his(s, end) == is_his(s, from);)
            end++;
        json_object_array_add(list, keep_run(s, from, end, is_his(s, from)));
    }
    return list;
}

/* "Claude Code's x-anthropic-billing-header is left out" */
static bool is_bill(struct json_object *b)
{
    const char *text = json_object_get_string(talk_get(b, "text"));

    return strncmp(text, "x-anthropic-billing-header:", 27) == 0;
}

/* "system: the first message", and the turns of that role before all others. */
static struct json_object *keep_system(struct json_object *root,
                                       const struct said *s, size_t n)
{
    struct json_object *system = talk_get(root, "system"), *text = NULL;
    struct json_object *said = json_object_new_array();
    struct json_object *blocks = blocks_of(system);
    bool is_list = json_object_is_type(system, json_type_array);
    size_t i;

    for (i = 0; i < talk_count(blocks); i++)
        if (!is_list || !is_bill(talk_at(blocks, i)))
            add_block(said, talk_at(blocks, i), false);
    for (i = 0; i < n; i++)
        add_block(said, talk_at(s->blocks, i), false);
    if (talk_count(said) > 0)
        text = json_object_get(talk_get(talk_at(said, 0), "text"));
    json_object_put(said);
    json_object_put(blocks);
    return text;
}

void talk_keep_turns(struct json_object *to, struct json_object *root,
                     const struct messages_ask *ask)
{
    struct said s = all_said(root, ask);
    struct json_object *system;
    size_t n = 0;

    while (n < talk_count(s.roles) &&
           talk_is_word(talk_at(s.roles, n), "system"))
        n++;
    system = keep_system(root, &s, n);
    if (system != NULL)
        json_object_object_add(to, "system", system);
    json_object_object_add(to, "messages", keep_turns(&s, n));
    json_object_put(s.blocks);
    json_object_put(s.roles);
}
