/*
 * reply.c - bodies out, at their pace, whole or cut.
 *
 *   buffered, unbroken      one response from memory
 *   buffered, cut or split  \  body_read(), which libmicrohttpd calls
 *   streamed                /  whenever it can write
 *
 * body_read() gives what is due and suspends the connection until the next
 * piece is.  An event is handed over alone, so it leaves alone.
 */
#include "reply.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "clock.h"
#include "request.h"
#include "sim.h"
#include "wire.h"

/* The most that is asked of body_read() at once. */
#define BLOCK_BYTES  16384
#define SPLIT_GAP_NS NS_PER_MS

/* Any date will do: it is passed on, not judged. */
#define DEPRECATION "Fri, 31 Dec 2027 23:59:59 GMT"

void reply_reqid(const struct request *r, char id[37])
{
    snprintf(id, 37, "00000000-0000-4000-8000-%012llx",
             (unsigned long long)(r->answer_seq & 0xffffffffffff));
}

static void add_header(struct MHD_Response *response, const char *name,
                       const char *value)
{
    if (value != NULL)
        MHD_add_response_header(response, name, value);
}

static enum MHD_Result queue_plain(struct MHD_Connection *conn, int status,
                                   struct MHD_Response *response)
{
    enum MHD_Result result =
        MHD_queue_response(conn, (unsigned int)status, response);

    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *memory_response(struct text *body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body->len, body->data, MHD_RESPMEM_MUST_FREE);

    *body = (struct text){0};
    return response;
}

enum MHD_Result reply_plain(struct MHD_Connection *conn, int status,
                            const char *type, struct text *body)
{
    struct MHD_Response *response = memory_response(body);

    if (response == NULL)
        return MHD_NO;
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    return queue_plain(conn, status, response);
}

__attribute__((format(printf, 3, 4))) static void add_format(
    struct MHD_Response *response, const char *name, const char *fmt, ...)
{
    struct text value = {0};
    va_list ap;

    va_start(ap, fmt);
    text_vfmt(&value, fmt, ap);
    va_end(ap);
    add_header(response, name, value.data);
    text_free(&value);
}

/* RFC 9110, 5.6.7. */
static void add_date(struct MHD_Response *response, const char *name,
                     time_t when)
{
    struct tm tm;
    char date[40];

    gmtime_r(&when, &tm);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    add_header(response, name, date);
}

/* In the form to send, or one of the two that are obsolete. */
static void add_retry_date(struct request *r, struct MHD_Response *response)
{
    int64_t ahead = r->how.clock_s == -1 ? 0 : r->how.clock_s;
    time_t when = time(NULL) + ahead + r->how.retry_date_s;
    struct tm tm;
    char day[40], second[40], year[5];

    gmtime_r(&when, &tm);
    strftime(second, sizeof(second), "%H:%M:%S", &tm);
    strftime(year, sizeof(year), "%Y", &tm);
    if (r->how.is_rfc850) {
        strftime(day, sizeof(day), "%A, %d-%b", &tm);
        add_format(response, MHD_HTTP_HEADER_RETRY_AFTER, "%s-%s %s GMT", day,
                   year + 2, second);
    } else if (r->how.is_asctime) {
        strftime(day, sizeof(day), "%a %b %e", &tm);
        add_format(response, MHD_HTTP_HEADER_RETRY_AFTER, "%s %s %s", day,
                   second, year);
    } else {
        add_date(response, MHD_HTTP_HEADER_RETRY_AFTER, when);
    }
}

/*
 * As NVIDIA's newer gateway writes them: durations in Go's way, and a wait of
 * more than a minute is none to retry after.  Tokens are made up
 * where nobody counts them.
 */
static void add_ratelimit(struct request *r, struct MHD_Response *response)
{
    int64_t minutes = r->reopens_ns / (60 * NS_PER_S);
    double seconds = (double)(r->reopens_ns % (60 * NS_PER_S)) / 1e9;

    add_format(response, "X-Ratelimit-Limit-Requests", "%lld",
               (long long)r->limit);
    add_format(response, "X-Ratelimit-Remaining-Requests", "%lld",
               (long long)r->remaining);
    if (minutes == 0)
        add_format(response, "X-Ratelimit-Reset-Requests", "%.9gs", seconds);
    else
        add_format(response, "X-Ratelimit-Reset-Requests", "%lldm%.9gs",
                   (long long)minutes, seconds);
    if (r->tokens_limit == 0) {
        add_header(response, "X-Ratelimit-Limit-Tokens", "100000");
        add_header(response, "X-Ratelimit-Remaining-Tokens", "90000");
        add_header(response, "X-Ratelimit-Reset-Tokens", "1m12.5s");
    }
    if (r->retry_after > 60)
        add_header(response, "X-Should-Retry", "false");
}

static void add_tokens(struct request *r, struct MHD_Response *response)
{
    bool is_told;

    pthread_mutex_lock(&r->sim->lock);
    is_told = r->sim->tells_tokens;
    pthread_mutex_unlock(&r->sim->lock);
    if (r->tokens_limit == 0 || !is_told)
        return;
    add_format(response, "X-Ratelimit-Limit-Tokens", "%lld",
               (long long)r->tokens_limit);
    add_format(response, "X-Ratelimit-Remaining-Tokens", "%lld",
               (long long)r->tokens_left);
}

/* Of one that is used up: nothing else says when to come again. */
static void add_reset(struct request *r, struct MHD_Response *response)
{
    add_header(response, "X-Ratelimit-Remaining-Requests", "0");
    add_format(response, "X-Ratelimit-Reset-Requests", "%lldm%llds",
               (long long)(r->how.reset_s / 60),
               (long long)(r->how.reset_s % 60));
}

static void add_retry(struct request *r, struct MHD_Response *response)
{
    if (r->retry_after != -1)
        add_format(response, MHD_HTTP_HEADER_RETRY_AFTER, "%lld",
                   (long long)r->retry_after);
    else if (r->status >= 400 && r->how.retry_date_s != -1)
        add_retry_date(r, response);
    else if (r->status >= 400 && r->how.is_retry_garbage)
        add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "soon");
    if (r->how.clock_s != -1)
        add_date(response, MHD_HTTP_HEADER_DATE, time(NULL) + r->how.clock_s);
    if (r->status >= 400 && r->how.retry_after_ms != -1)
        add_format(response, "retry-after-ms", "%lld",
                   (long long)r->how.retry_after_ms);
}

/* The key that was sent, where a proxy's headers might have it. */
static void add_echoes(struct request *r, struct MHD_Response *response)
{
    static const char *const names[] = {"X-Request-Id", "Nvcf-Trace",
                                        "OpenAI-Organization",
                                        "X-Ratelimit-Key", "Deprecation"};
    const char *key = MHD_lookup_connection_value(
        r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        add_header(response, names[i], key);
}

/* What the body is said to be, if not what it is. */
static const char *type_of(const struct request *r)
{
    const struct behaviour *how = &r->how;

    if (how->is_untyped)
        return NULL;
    if (how->is_audio && !r->is_refused)
        return "audio/mpeg";
    return how->is_text     ? "text/plain"
           : how->is_octets ? "application/octet-stream"
           : how->is_lines  ? "application/x-ndjson"
           : how->is_json   ? "application/json"
                            : r->type;
}

/* Adds what all answers of the practice API carry.  Takes RESPONSE. */
static enum MHD_Result queue(struct request *r, struct MHD_Response *response)
{
    char id[37];

    if (response == NULL)
        return MHD_NO;
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type_of(r));
    add_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING,
               r->how.is_gzip ? "gzip" : NULL);
    add_retry(r, response);
    if (r->how.has_ratelimit)
        add_ratelimit(r, response);
    add_tokens(r, response);
    if (r->status >= 400 && r->how.reset_s != -1)
        add_reset(r, response);
    if (r->status >= 400 && r->how.says_retry)
        add_header(response, "X-Should-Retry", "true");
    if (r->how.is_deprecated)
        add_header(response, "Deprecation", DEPRECATION);
    if (r->how.echoes_key)
        add_echoes(r, response);
    add_header(response, MHD_HTTP_HEADER_LOCATION, r->location.data);
    reply_reqid(r, id);
    add_header(response, "Nvcf-Reqid", id);
    add_header(response, "Nvcf-Status", r->nvcf_status);
    return queue_plain(r->conn, r->status, response);
}

/* --- bodies in pieces --- */

/* How many body bytes may leave at all. */
static uint64_t allowed_bytes(const struct request *r)
{
    uint64_t allowed = UINT64_MAX;

    if (r->how.cut_bytes != -1)
        allowed = (uint64_t)r->how.cut_bytes;
    if (r->how.end_bytes != -1 && (uint64_t)r->how.end_bytes < allowed)
        allowed = (uint64_t)r->how.end_bytes;
    if (r->how.reset_bytes != -1 && (uint64_t)r->how.reset_bytes < allowed)
        allowed = (uint64_t)r->how.reset_bytes;
    return allowed;
}

/* So that the bytes arrive, however the library closes. */
static ssize_t body_cut(struct request *r)
{
    wire_shut(r);
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* The roughest wins where several allow the same number of bytes. */
static ssize_t body_broken_off(struct request *r)
{
    uint64_t allowed = allowed_bytes(r);

    if (r->how.reset_bytes != -1 && (uint64_t)r->how.reset_bytes == allowed) {
        wire_reset(r);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (r->how.cut_bytes != -1 && (uint64_t)r->how.cut_bytes == allowed)
        return body_cut(r);
    return MHD_CONTENT_READER_END_OF_STREAM;
}

static bool is_coded(const struct request *r)
{
    return r->how.is_gzip || r->how.is_gzip_silent;
}

/* What stands in R->out as gzip has it; IS_LAST: nothing follows. */
static void code_piece(struct request *r, bool is_last)
{
    struct text coded = {0};

    gzip_add(&r->gzip, r->out.data, r->out.len, &coded);
    if (is_last)
        gzip_end(&r->gzip, &coded);
    r->gzip_ended = is_last;
    text_free(&r->out);
    r->out = coded;
}

/* The next event, as it leaves. */
static bool next_piece(struct request *r)
{
    bool is_one = sse_next(&r->sse, &r->out);

    if (!is_coded(r) || r->gzip_ended)
        return is_one;
    code_piece(r, !is_one);
    return true;
}

/* The next event into R->out, unless some of it is still there. */
static bool has_piece(struct request *r)
{
    int64_t event_ns;

    if (r->out_sent < r->out.len)
        return true;
    if (!r->is_stream)
        return false;
    event_ns = r->answer_ns + sse_due_ns(&r->sse);
    if (event_ns > r->due_ns)
        r->due_ns = event_ns;
    r->out.len = 0;
    r->out_sent = 0;
    return next_piece(r);
}

static size_t piece_give(struct request *r, char *buf, size_t max)
{
    uint64_t allowed = allowed_bytes(r) - r->body_sent;
    size_t n = r->out.len - r->out_sent;

    if (n > max)
        n = max;
    if (n > allowed)
        n = (size_t)allowed;
    if (r->how.split_bytes != -1) {
        if (n > (size_t)r->how.split_bytes)
            n = (size_t)r->how.split_bytes;
        r->due_ns = clock_now_ns() + SPLIT_GAP_NS;
    }
    memcpy(buf, r->out.data + r->out_sent, n);
    r->out_sent += n;
    r->body_sent += n;
    return n;
}

/* sim/blank-N-MS: a line end, if it is its time; 0: not yet. */
static ssize_t blank_give(struct request *r, char *buf)
{
    int64_t due_ns =
        r->answer_ns + r->blanks_sent * r->how.blank_ms * NS_PER_MS;

    if (clock_now_ns() < due_ns) {
        if (waits_until(r->sim->waits, &r->wait, due_ns, true) == WAIT_OVER)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        return 0;
    }
    r->blanks_sent++;
    r->body_sent++;
    *buf = '\n';
    return 1;
}

/* All is sent. */
static ssize_t body_end(struct request *r)
{
    if (r->how.is_unended)
        return body_cut(r);
    if (!r->how.stays_open || !r->is_stream)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (waits_until(r->sim->waits, &r->wait, WAIT_FOREVER, true) == WAIT_OVER)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    return 0;
}

static ssize_t body_read(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct request *r = cls;
    struct waits *waits = r->sim->waits;

    (void)pos;
    if (waits_is_over(waits, &r->wait))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (r->body_sent >= allowed_bytes(r))
        return body_broken_off(r);
    if (r->blanks_sent < r->how.blanks && !r->is_stream)
        return blank_give(r, buf);
    if (!has_piece(r))
        return body_end(r);
    if (clock_now_ns() < r->due_ns) {
        if (waits_until(waits, &r->wait, r->due_ns, true) == WAIT_OVER)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        return 0;
    }
    return (ssize_t)piece_give(r, buf, max);
}

static enum MHD_Result queue_pieces(struct request *r, uint64_t size)
{
    r->answer_ns = clock_now_ns();
    return queue(r, MHD_create_response_from_callback(size, BLOCK_BYTES,
                                                      body_read, r, NULL));
}

enum MHD_Result reply_buffered(struct request *r)
{
    bool is_chunked =
        r->how.is_chunked || r->how.is_unended || r->how.blanks > 0;
    uint64_t size;

    r->is_stream = false;
    if (is_coded(r))
        code_piece(r, true);
    size = r->out.len;
    if (r->how.end_bytes != -1 && (uint64_t)r->how.end_bytes < size)
        size = r->out.len = (size_t)r->how.end_bytes;
    if (!is_chunked && r->how.cut_bytes == -1 && r->how.reset_bytes == -1 &&
        r->how.split_bytes == -1)
        return queue(r, memory_response(&r->out));
    return queue_pieces(r, is_chunked ? MHD_SIZE_UNKNOWN : size);
}

enum MHD_Result reply_stream(struct request *r)
{
    r->type = "text/event-stream";
    return queue_pieces(r, MHD_SIZE_UNKNOWN);
}
