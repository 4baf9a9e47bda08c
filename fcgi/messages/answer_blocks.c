/*
 * answer_blocks.c - which blocks is an answer made of?
 *
 *   words              text
 *   thinking           thinking, with a signature; nothing for who did not ask
 *                      for it, as many clients read the first block only
 *   a call of a tool   tool_use
 *
 * What comes by pieces and what comes as a whole goes the same way, so that
 * both are the same message.  White space at the beginning of a text that
 * follows something else parted the two, and belongs to neither.
 */
#include "fcgi/messages/answer_blocks.h"

#include "fcgi/messages/json_write.h"
#include "fcgi/messages/message_form.h"

/* By enum block_kind: how a block begins, how its pieces are called in a stream
 * and how they end, there and in a whole message. */
static const struct {
    const char *begin, *empty_end; /* before and behind no text */
    const char *delta, *delta_end;
    const char *whole_end;
} forms[] = {
    [BLOCK_TEXT] = {"{\"type\":\"text\",\"text\":\"", "\"}",
                    "{\"type\":\"text_delta\",\"text\":\"", "\"}", "\"}"},
    [BLOCK_THINKING] = {"{\"type\":\"thinking\",\"thinking\":\"",
                        "\",\"signature\":\"\"}",
                        "{\"type\":\"thinking_delta\",\"thinking\":\"", "\"}",
                        "\",\"signature\":\"" MESSAGE_FORM_SIGNATURE "\"}"},
    [BLOCK_CALL] = {"", "{}}",
                    "{\"type\":\"input_json_delta\",\"partial_json\":\"", "\"}",
                    "}"},
};

/* ---- events ----------------------------------------------------------------- */

/* The event's name, and its data up to what follows the index. */
static void begin_event(const struct answer_blocks *b, struct buf *out,
                        const char *name)
{
    buf_fmt(out, "event: %s\ndata: {\"type\":\"%s\",\"index\":%zu", name, name,
            b->n - 1);
}

static void tell_piece(const struct answer_blocks *b, struct buf *out,
                       const char *text, size_t len)
{
    begin_event(b, out, "content_block_delta");
    buf_str(out, ",\"delta\":");
    buf_str(out, forms[b->open].delta);
    json_write_chars(out, text, len);
    buf_str(out, forms[b->open].delta_end);
    buf_str(out, "}\n\n");
}

static void tell_signature(const struct answer_blocks *b, struct buf *out)
{
    begin_event(b, out, "content_block_delta");
    buf_str(out, ",\"delta\":{\"type\":\"signature_delta\",\"signature\":"
                 "\"" MESSAGE_FORM_SIGNATURE "\"}}\n\n");
}

/* ---- blocks ----------------------------------------------------------------- */

void answer_blocks_close(void *blocks, struct buf *out, bool is_cut)
{
    struct answer_blocks *b = blocks;
    enum block_kind kind = b->open;

    (void)is_cut; /* the message says so */
    if (kind == BLOCK_NONE)
        return;
    if (!b->is_stream) {
        buf_str(out, forms[kind].whole_end);
    } else {
        if (kind == BLOCK_THINKING)
            tell_signature(b, out);
        begin_event(b, out, "content_block_stop");
        buf_str(out, "}\n\n");
    }
    b->open = BLOCK_NONE;
}

/* What stands before the block itself. */
static void begin(struct answer_blocks *b, struct buf *out,
                  enum block_kind kind)
{
    answer_blocks_close(b, out, false);
    b->open = kind;
    b->n++;
    if (b->is_stream) {
        begin_event(b, out, "content_block_start");
        buf_str(out, ",\"content_block\":");
    } else if (b->n > 1) {
        buf_str(out, ",");
    }
    buf_str(out, forms[kind].begin);
}

static void begun(const struct answer_blocks *b, struct buf *out)
{
    if (b->is_stream) {
        buf_str(out, forms[b->open].empty_end);
        buf_str(out, "}\n\n");
    }
}

static void put(struct answer_blocks *b, struct buf *out, const char *text,
                size_t len)
{
    if (b->is_stream)
        tell_piece(b, out, text, len);
    else
        json_write_chars(out, text, len);
}

static void add(struct answer_blocks *b, struct buf *out, enum block_kind kind,
                const char *text, size_t len)
{
    if (b->open != kind) {
        if (b->has_begun)
            len = message_form_trim(&text, len);
        if (len == 0)
            return;
        begin(b, out, kind);
        begun(b, out);
    }
    b->has_begun = true;
    if (kind != BLOCK_THINKING || b->told->shown == SHOWN_ALL)
        put(b, out, text, len);
}

/* ---- what is said ----------------------------------------------------------- */

void answer_blocks_words(void *blocks, struct buf *out, const char *text,
                         size_t len)
{
    if (len > 0)
        add(blocks, out, BLOCK_TEXT, text, len);
}

void answer_blocks_thought(void *blocks, struct buf *out, const char *text,
                           size_t len)
{
    struct answer_blocks *b = blocks;

    b->has_begun = true;
    if (b->told->shown >= SHOWN_SIGN)
        add(b, out, BLOCK_THINKING, text, len);
}

void answer_blocks_call(void *blocks, struct buf *out, const struct buf *id,
                        const struct buf *name)
{
    struct answer_blocks *b = blocks;

    begin(b, out, BLOCK_CALL);
    message_form_call(b->told, b->n, id, name, out);
    begun(b, out);
    b->has_begun = true;
}

void answer_blocks_input(void *blocks, struct buf *out, const char *json,
                         size_t len)
{
    const struct answer_blocks *b = blocks;

    if (b->is_stream)
        tell_piece(b, out, json, len);
    else
        buf_add(out, json, len);
}
