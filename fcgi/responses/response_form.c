/*
 * response_form.c - how does a response look, around what was said?
 *
 *   finish_reason length           incomplete, max_output_tokens
 *   content_filter                 incomplete, content_filter
 *   anything else                  completed
 *
 * What an upstream does not tell of tokens is estimated: clients reckon with it
 * how full the context is.
 */
#include "fcgi/responses/response_form.h"

#include <string.h>

#include "fcgi/messages/json_write.h"
#include "fcgi/messages/token_guess.h"

/* NULL: it is complete. */
static const char *missing(const struct answer_end *end)
{
    if (end->is_cut)
        return "max_output_tokens";
    return end->is_filtered ? "content_filter" : NULL;
}

static void write_status(const struct answer_end *end, struct buf *out)
{
    const char *why = end != NULL ? missing(end) : NULL;
    const char *status = why != NULL ? "incomplete" : "completed";

    buf_fmt(out, ",\"status\":\"%s\",\"error\":null,\"incomplete_details\":",
            end != NULL ? status : "in_progress");
    if (why != NULL)
        buf_fmt(out, "{\"reason\":\"%s\"}", why);
    else
        buf_str(out, "null");
}

/* OpenAI's counts what a cache had among the input, as chat does. */
static void write_usage(const struct responses_told *told,
                        const struct answer_end *end, struct buf *out)
{
    int64_t in = end->has_usage ? end->prompt : told->tokens_in;
    int64_t said = end->has_usage
                       ? end->completion
                       : token_guess_scale(end->said_m, told->ratio_m);

    buf_str(out, "{\"input_tokens\":");
    buf_int(out, in);
    buf_str(out, ",\"input_tokens_details\":{\"cache_write_tokens\":0,"
                 "\"cached_tokens\":");
    buf_int(out, end->cached);
    buf_str(out, "},\"output_tokens\":");
    buf_int(out, said);
    buf_str(out, ",\"output_tokens_details\":{\"reasoning_tokens\":");
    buf_int(out, end->thought);
    buf_str(out, "},\"total_tokens\":");
    buf_int(out, in + said);
    buf_str(out, "}");
}

void response_form_write(const struct responses_told *told,
                         const struct buf *output, const struct answer_end *end,
                         struct buf *out)
{
    buf_str(out, "{\"id\":\"resp_");
    json_write_chars(out, told->id, strlen(told->id));
    buf_str(out, "\",\"object\":\"response\",\"created_at\":");
    buf_int(out, told->now_s);
    write_status(end, out);
    buf_str(out, ",\"background\":false,\"model\":");
    json_write_text(out, told->got->model, strlen(told->got->model));
    if (told->got->echo.len > 0)
        buf_add(out, buf_head(&told->got->echo), told->got->echo.len);
    buf_str(out, ",\"output\":[");
    if (output->len > 0)
        buf_add(out, buf_head(output), output->len);
    buf_str(out, "],\"usage\":");
    if (end != NULL)
        write_usage(told, end, out);
    else
        buf_str(out, "null");
    buf_str(out, "}");
}
