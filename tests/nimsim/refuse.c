/*
 * refuse.c - what is answered instead of a success?
 *
 * The words of NVIDIA's own errors are in faults.c; here are those that
 * depend on the request, and the headers that any of them may carry.
 */
#include "refuse.h"

#include <stdio.h>

#include "reply.h"
#include "request.h"
#include "sim.h"
#include "tokens.h"

static void begin(struct request *r, int status, const char *type)
{
    r->is_refused = true;
    r->status = status;
    r->type = type;
    r->nvcf_status = "errored";
    r->retry_after = r->how.retry_after_s;
    r->out.len = 0;
}

void refuse_with(struct request *r, const struct fault_answer *answer)
{
    begin(r, answer->status, answer->type);
    if (answer->retry_after_s > 0 && r->retry_after == -1)
        r->retry_after = answer->retry_after_s;
    text_str(&r->out, answer->body);
}

void refuse_bad(struct request *r, const char *message)
{
    begin(r, MHD_HTTP_BAD_REQUEST, "application/json");
    text_str(&r->out, "{\"error\":{\"message\":");
    text_json(&r->out, message);
    text_str(&r->out, ",\"type\":\"invalid_request_error\",\"param\":null,"
                      "\"code\":null}}");
}

void refuse_tokens(struct request *r, int64_t limit, int64_t used,
                   int64_t asked)
{
    begin(r, MHD_HTTP_TOO_MANY_REQUESTS, "application/json");
    text_fmt(&r->out,
             "{\"error\":{\"message\":\"Rate limit reached on tokens per min "
             "(TPM): Limit %lld, Used %lld, Requested %lld.\",\"type\":"
             "\"tokens\",\"param\":null,\"code\":\"rate_limit_exceeded\"}}",
             (long long)limit, (long long)used, (long long)asked);
}

void refuse_exhausted(struct request *r, int64_t limit)
{
    begin(r, MHD_HTTP_SERVICE_UNAVAILABLE, "application/json");
    text_fmt(&r->out, FAULT_EXHAUSTED_FORMAT("%lld", "%lld"), (long long)limit,
             (long long)limit);
}

/* --- any status, in any of the shapes there are --- */

static void write_openai(struct text *out, int status)
{
    text_fmt(out,
             "{\"error\":{\"message\":\"nimsim was asked for status %d\","
             "\"type\":\"practice_error\",\"param\":null,\"code\":%d}}",
             status, status);
}

static void write_problem(struct text *out, int status)
{
    text_fmt(out,
             "{\"status\":%d,\"title\":\"%s\",\"detail\":\"nimsim was asked "
             "for status %d\"}",
             status, MHD_get_reason_phrase_for((unsigned int)status), status);
}

static void write_html(struct text *out, int status)
{
    const char *reason = MHD_get_reason_phrase_for((unsigned int)status);

    text_fmt(out,
             "<!DOCTYPE html>\n<html>\n<head><title>%d %s</title></head>\n"
             "<body>\n<center><h1>%d %s</h1></center>\n"
             "<hr><center>nimsim</center>\n</body>\n</html>\n",
             status, reason, status, reason);
}

static void write_text(struct text *out, int status)
{
    text_fmt(out, "nimsim was asked for status %d\n", status);
}

static void write_nothing(struct text *out, int status)
{
    (void)status;
    text_str(out, "");
}

bool refuse_code(struct request *r)
{
    const struct {
        int64_t status;
        const char *type;
        void (*write)(struct text *out, int status);
    } shapes[] = {
        {r->how.status, "application/json", write_openai},
        {r->how.problem, "application/problem+json", write_problem},
        {r->how.html, "text/html; charset=utf-8", write_html},
        {r->how.text, "text/plain; charset=utf-8", write_text},
        {r->how.empty, NULL, write_nothing},
    };
    size_t i;

    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        if (shapes[i].status == -1)
            continue;
        begin(r, (int)shapes[i].status, shapes[i].type);
        /* These two have no body: RFC 9110, 6.4.1. */
        if (r->status != MHD_HTTP_NO_CONTENT &&
            r->status != MHD_HTTP_NOT_MODIFIED)
            shapes[i].write(&r->out, r->status);
        return true;
    }
    return false;
}

/* As a newer vLLM says it. */
bool refuse_context(struct request *r)
{
    int64_t prompt, answer;
    struct text words = {0};

    if (r->how.context == -1)
        return false;
    prompt = tokens_of_prompt(r->json);
    answer = answer_limit(r->json);
    if (prompt + answer <= r->how.context)
        return false;
    text_fmt(&words,
             "'max_tokens' or 'max_completion_tokens' is too large: %lld. This "
             "model's maximum context length is %lld tokens and your request "
             "has %lld input tokens (%lld > %lld - %lld).",
             (long long)answer, (long long)r->how.context, (long long)prompt,
             (long long)answer, (long long)r->how.context, (long long)prompt);
    refuse_bad(r, words.data);
    text_free(&words);
    return true;
}

/* --- the answer comes later, or from elsewhere --- */

void refuse_pending(struct request *r)
{
    begin(r, MHD_HTTP_ACCEPTED, NULL);
    r->nvcf_status = "in-progress";
    r->retry_after = -1;
    text_str(&r->out, "");
}

void refuse_redirect(struct request *r)
{
    const char *host =
        MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, "host");
    const char *base = r->sim->result_base;
    char id[37];

    begin(r, MHD_HTTP_FOUND, NULL);
    r->nvcf_status = "fulfilled";
    r->retry_after = -1;
    reply_reqid(r, id);
    text_str(&r->location, *base == '\0' ? "http://" : base);
    if (*base == '\0')
        text_str(&r->location, host == NULL ? "localhost" : host);
    text_fmt(&r->location, "/results/%s", id);
    text_str(&r->out, "");
}
