/*
 * response_items.c - which items is an answer made of?
 *
 *   words                     message, with one part: output_text, or refusal
 *   thinking                  reasoning, told as its summary: that is what all
 *                             clients show
 *   a call of a function      function_call
 *   of a custom tool          custom_tool_call, with its text (custom_input.c)
 *
 * What comes by pieces and what comes as a whole goes the same way, so that
 * both are the same response.  White space at the beginning of a text that
 * follows something else parted the two, and belongs to neither.
 */
#include "fcgi/responses/response_items.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/messages/json_write.h"
#include "fcgi/messages/message_form.h"
#include "fcgi/responses/response_tools.h"

/* By enum response_output.  An item is its type, and its text in quotes: of a
 * part, if it has one, or its own. */
static const struct form {
    const char *prefix;           /* of its id */
    const char *type, *end;       /* around its part, or its text */
    const char *part, *part_end;  /* around its text; NULL: it has none */
    const char *part_event;       /* .added, .done */
    const char *text_event, *key; /* .delta, .done; its text there */
    const char *at, *more;        /* which part; what else such an event has */
} forms[] = {
    [OUTPUT_TEXT] =
        {"msg", "\"type\":\"message\",\"role\":\"assistant\",\"content\":[",
         "]", "{\"type\":\"output_text\",\"text\":\"",
         "\",\"annotations\":[],\"logprobs\":[]}", "response.content_part",
         "response.output_text", "text", ",\"content_index\":0",
         ",\"logprobs\":[]"},
    [OUTPUT_REFUSAL] =
        {"msg", "\"type\":\"message\",\"role\":\"assistant\",\"content\":[",
         "]", "{\"type\":\"refusal\",\"refusal\":\"", "\"}",
         "response.content_part", "response.refusal", "refusal",
         ",\"content_index\":0", ""},
    [OUTPUT_REASONING] = {"rs", "\"type\":\"reasoning\",\"summary\":[", "]",
                          "{\"type\":\"summary_text\",\"text\":\"", "\"}",
                          "response.reasoning_summary_part",
                          "response.reasoning_summary_text", "text",
                          ",\"summary_index\":0", ""},
    [OUTPUT_FUNCTION] = {"fc", "\"type\":\"function_call\",\"arguments\":\"",
                         "\"", NULL, NULL, NULL,
                         "response.function_call_arguments", "arguments", "",
                         ""},
    [OUTPUT_CUSTOM] = {"ctc", "\"type\":\"custom_tool_call\",\"input\":\"",
                       "\"", NULL, NULL, NULL,
                       "response.custom_tool_call_input", "input", "", ""},
};

void response_items_fini(struct response_items *r)
{
    buf_free(&r->call);
    buf_free(&r->text);
    buf_free(&r->output);
    custom_input_fini(&r->input);
}

bool response_items_is_full(const void *items)
{
    const struct response_items *r = items;

    return r->text.len + r->input.json.len + r->output.len > CHAT_EVENT_MAX;
}

static void put(struct buf *out, const struct buf *b)
{
    if (b->len > 0)
        buf_add(out, buf_head(b), b->len);
}

static void empty(struct buf *b)
{
    buf_take(b, b->len);
}

/* ---- an item ---------------------------------------------------------------- */

static void put_id(const struct response_items *r, struct buf *out)
{
    buf_fmt(out, "\"%s_", forms[r->open].prefix);
    json_write_chars(out, r->told->id, strlen(r->told->id));
    buf_fmt(out, "_%zu\"", r->n - 1);
}

static void put_part(const struct response_items *r, struct buf *out,
                     bool is_done)
{
    buf_str(out, forms[r->open].part);
    if (is_done)
        put(out, &r->text);
    buf_str(out, forms[r->open].part_end);
}

/* What has only begun has no text and no part so far: that is how clients tell
 * it from one that is done, and begin to gather. */
static void put_item(const struct response_items *r, struct buf *out,
                     const char *status)
{
    const struct form *f = &forms[r->open];
    bool is_done = strcmp(status, "in_progress") != 0;

    buf_str(out, "{\"id\":");
    put_id(r, out);
    buf_fmt(out, ",\"status\":\"%s\",", status);
    buf_str(out, f->type);
    if (f->part != NULL && is_done)
        put_part(r, out, true);
    else if (is_done)
        put(out, &r->text);
    buf_str(out, f->end);
    put(out, &r->call);
    buf_str(out, "}");
}

/* ---- events ----------------------------------------------------------------- */

void response_items_begin_event(struct response_items *r, const char *name,
                                struct buf *out)
{
    buf_fmt(out, "event: %s\ndata: {\"type\":\"%s\",\"sequence_number\":%u,",
            name, name, r->number++);
}

void response_items_end_event(struct buf *out)
{
    buf_str(out, "}\n\n");
}

/* Of the open item; up to a comma.  Its index is its place in the output of the
 * last event. */
static void begin_event(struct response_items *r, struct buf *out,
                        const char *name, const char *what)
{
    char all[64];

    (void)snprintf(all, sizeof(all), "%s.%s", name, what);
    response_items_begin_event(r, all, out);
    buf_fmt(out, "\"output_index\":%zu,", r->n - 1);
}

static void tell_item(struct response_items *r, struct buf *out,
                      const char *what, const char *status)
{
    begin_event(r, out, "response.output_item", what);
    buf_str(out, "\"item\":");
    put_item(r, out, status);
    response_items_end_event(out);
}

/* Calls have none. */
static void tell_part(struct response_items *r, struct buf *out,
                      const char *what, bool is_done)
{
    if (forms[r->open].part == NULL)
        return;
    begin_event(r, out, forms[r->open].part_event, what);
    buf_str(out, "\"item_id\":");
    put_id(r, out);
    buf_str(out, forms[r->open].at);
    buf_str(out, ",\"part\":");
    put_part(r, out, is_done);
    response_items_end_event(out);
}

/* TEXT as it stands in JSON: the next piece, or all of it.  The SDKs want a call's
 * name where its arguments are done. */
static void tell_text(struct response_items *r, struct buf *out,
                      const char *what, const struct buf *text)
{
    const struct form *f = &forms[r->open];
    bool is_done = strcmp(what, "done") == 0;

    begin_event(r, out, f->text_event, what);
    buf_str(out, "\"item_id\":");
    put_id(r, out);
    buf_str(out, f->at);
    buf_str(out, f->more);
    if (is_done && r->open == OUTPUT_FUNCTION)
        put(out, &r->call);
    buf_fmt(out, ",\"%s\":\"", is_done ? f->key : "delta");
    put(out, text);
    buf_str(out, "\"");
    response_items_end_event(out);
}

/* ---- from beginning to end -------------------------------------------------- */

/* One item is over before the next begins.  Whose call it is was put together
 * before (response_items_call()). */
static void begin(struct response_items *r, struct buf *out,
                  enum response_output kind)
{
    response_items_close(r, out, false);
    r->open = kind;
    r->n++;
    r->has_begun = true;
    empty(&r->text);
    if (kind < OUTPUT_FUNCTION)
        empty(&r->call);
    if (!r->is_stream)
        return;
    tell_item(r, out, "added", "in_progress");
    tell_part(r, out, "added", false);
}

/* PIECE, which is emptied, is next of what the open one says. */
static void add_piece(struct response_items *r, struct buf *out,
                      struct buf *piece)
{
    put(&r->text, piece);
    if (r->is_stream && piece->len > 0)
        tell_text(r, out, "delta", piece);
    buf_free(piece);
}

/* So are the LEN bytes of TEXT. */
static void add(struct response_items *r, struct buf *out, const char *text,
                size_t len)
{
    struct buf piece = {NULL, 0, 0, 0};

    json_write_chars(&piece, text, len);
    add_piece(r, out, &piece);
}

/* Goes on with an item of KIND, or begins one. */
static void say(struct response_items *r, struct buf *out,
                enum response_output kind, const char *text, size_t len)
{
    if (r->open != kind) {
        if (r->has_begun)
            len = message_form_trim(&text, len);
        if (len == 0)
            return;
        begin(r, out, kind);
    }
    add(r, out, text, len);
}

/* What was not of the usual form is known now. */
static void end_input(struct response_items *r, struct buf *out)
{
    struct buf piece = {NULL, 0, 0, 0};

    custom_input_end(&r->input, &piece);
    add_piece(r, out, &piece);
    custom_input_fini(&r->input);
    r->input = (struct custom_input){.at = 0};
}

/* Arguments are JSON, also those of a call without any. */
void response_items_close(void *items, struct buf *out, bool is_cut)
{
    struct response_items *r = items;
    const char *status = is_cut ? "incomplete" : "completed";

    if (r->open == OUTPUT_NONE)
        return;
    if (r->open == OUTPUT_CUSTOM)
        end_input(r, out);
    if (r->open == OUTPUT_FUNCTION && r->text.len == 0)
        add(r, out, "{}", 2);
    if (r->is_stream) {
        tell_text(r, out, "done", &r->text);
        tell_part(r, out, "done", true);
        tell_item(r, out, "done", status);
    }
    buf_str(&r->output, r->output.len > 0 ? "," : "");
    put_item(r, &r->output, status);
    r->open = OUTPUT_NONE;
}

/* ---- what is said ----------------------------------------------------------- */

void response_items_words(void *items, struct buf *out, const char *text,
                          size_t len)
{
    say(items, out, OUTPUT_TEXT, text, len);
}

void response_items_refusal(void *items, struct buf *out, const char *text,
                            size_t len)
{
    say(items, out, OUTPUT_REFUSAL, text, len);
}

void response_items_thought(void *items, struct buf *out, const char *text,
                            size_t len)
{
    say(items, out, OUTPUT_REASONING, text, len);
}

/* Its result must say of which call it is. */
static void put_call_id(struct response_items *r, const struct buf *id)
{
    if (id->len > 0) {
        json_write_text(&r->call, buf_head(id), id->len);
        return;
    }
    buf_str(&r->call, "\"call_");
    json_write_chars(&r->call, r->told->id, strlen(r->told->id));
    buf_fmt(&r->call, "_%zu\"", r->n);
}

void response_items_call(void *items, struct buf *out, const struct buf *id,
                         const struct buf *name)
{
    struct response_items *r = items;
    struct response_tool tool = {.space = ""};
    bool is_known = response_tools_find(&r->told->got->tools, buf_head(name),
                                        name->len, &tool);

    response_items_close(r, out, false);
    empty(&r->call);
    buf_str(&r->call, ",\"call_id\":");
    put_call_id(r, id);
    buf_str(&r->call, ",\"name\":");
    if (is_known)
        json_write_text(&r->call, tool.name, strlen(tool.name));
    else
        json_write_text(&r->call, buf_head(name), name->len);
    if (tool.space[0] != '\0') {
        buf_str(&r->call, ",\"namespace\":");
        json_write_text(&r->call, tool.space, strlen(tool.space));
    }
    begin(r, out, tool.is_custom ? OUTPUT_CUSTOM : OUTPUT_FUNCTION);
}

void response_items_input(void *items, struct buf *out, const char *json,
                          size_t len)
{
    struct response_items *r = items;
    struct buf piece = {NULL, 0, 0, 0};

    if (r->open == OUTPUT_CUSTOM)
        custom_input_take(&r->input, json, len, &piece);
    else
        json_write_chars(&piece, json, len);
    add_piece(r, out, &piece);
}
