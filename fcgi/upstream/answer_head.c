/*
 * answer_head.c - what does the head of an answer say?
 *
 * A line that could split the head we make of it spoils the whole answer.
 */
#include "fcgi/upstream/answer_head.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "state/limiter.h"

#define FIELD_MAX 64 /* of a name that we would keep, with its zero */

/*
 * Of an answer all that means something end to end is kept (RFC 9110, 7.6.1),
 * so neither these nor what a Connection field names, and but for what is between the upstream and its own clients' browsers, what
 * would be an order to our web server (RFC 3875, 6.3.3: Status; X-Sendfile and
 * its kin), and what only Sluice may say.  A name that ends in '-' is a prefix.
 */
static const char *const left_out[] = {
    "keep-alive",
    "proxy-",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "set-cookie",
    "set-cookie2",
    "alt-svc",
    "nel",
    "report-to",
    "reporting-",
    "strict-transport-security",
    "access-control-",
    "content-security-policy",
    "server",
    "via",
    "x-powered-by",
    "status",
    "x-sendfile",
    "x-sendfile2",
    "x-lighttpd-",
    "x-accel-",
    "x-litespeed-",
    "x-sluice-",
    "content-md5",
    "clear-site-data",
    "http2-settings",
};

void head_clear(struct upstream_head *h)
{
    while (h->n > 0)
        free(h->headers[--h->n].name);
    free(h->headers);
    h->headers = NULL;
    h->status = 0;
    h->content_length = -1;
    h->chunked = false;
    h->hops[0] = '\0';
}

void head_move(struct upstream_head *to, struct upstream_head *from)
{
    *to = *from;
    from->n = 0;
    from->headers = NULL;
    head_clear(from);
}

const char *upstream_header(const struct upstream_head *h, const char *name)
{
    size_t i;

    for (i = 0; i < h->n; i++)
        if (strcmp(h->headers[i].name, name) == 0)
            return h->headers[i].value;
    return NULL;
}

bool head_is_encoded(const struct upstream_head *h)
{
    const char *how = upstream_header(h, "content-encoding");

    return how != NULL && strcasecmp(how, "identity") != 0;
}

/* Is the type in TYPE, with or without parameters, NAME? */
static bool is_type(const char *type, const char *name)
{
    size_t n = strlen(name);

    return strncasecmp(type, name, n) == 0 && strchr("; \t", type[n]) != NULL;
}

bool head_is_json(const struct upstream_head *h)
{
    const char *type = upstream_header(h, "content-type");
    size_t n = type == NULL ? 0 : strcspn(type, "; \t");

    return type != NULL &&
           (is_type(type, "application/json") ||
            (n > 5 && strncasecmp(type + n - 5, "+json", 5) == 0));
}

bool head_is_json_lines(const struct upstream_head *h)
{
    static const char *const names[] = {
        "application/x-ndjson", "application/ndjson",
        "application/jsonl",    "application/x-jsonlines",
        "application/json-seq", "application/stream+json",
    };
    const char *type = upstream_header(h, "content-type");
    size_t i;

    for (i = 0; type != NULL && i < ARRAY_LEN(names); i++)
        if (is_type(type, names[i]))
            return true;
    return false;
}

bool head_is_events(const struct upstream_head *h)
{
    const char *type = upstream_header(h, "content-type");

    return type != NULL && is_type(type, "text/event-stream") &&
           !head_is_encoded(h);
}

/* ---- of its hop alone --------------------------------------------------------- */

static bool is_of_hop(const struct upstream_head *h, const char *name)
{
    char listed[FIELD_MAX + 2];

    if (h->hops[0] == '\0')
        return false;
    (void)snprintf(listed, sizeof(listed), ",%s,", name);
    return strstr(h->hops, listed) != NULL;
}

/* Frees the names among those kept that HOPS lists by now. */
static void drop_of_hop(struct upstream_head *h)
{
    size_t i, n = 0;

    for (i = 0; i < h->n; i++)
        if (is_of_hop(h, h->headers[i].name))
            free(h->headers[i].name);
        else
            h->headers[n++] = h->headers[i];
    h->n = n;
}

/* VALUE of a Connection field: names with commas between them. */
static void note_hops(struct upstream_head *h, const char *value, size_t len)
{
    size_t n = strlen(h->hops), i;

    if (n == 0)
        h->hops[n++] = ',';
    for (i = 0; i < len && n < sizeof(h->hops) - 2; i++)
        if (value[i] != ' ' && value[i] != '\t')
            h->hops[n++] = (char)tolower((unsigned char)value[i]);
    while (i < len && h->hops[n - 1] != ',')
        n--; /* not half a name */
    if (h->hops[n - 1] != ',')
        h->hops[n++] = ',';
    h->hops[n] = '\0';
    drop_of_hop(h);
}

static bool is_kept(const struct upstream_head *h, const char *name)
{
    size_t i, n;

    if (is_of_hop(h, name))
        return false;
    for (i = 0; i < ARRAY_LEN(left_out); i++) {
        if (left_out[i][0] != name[0])
            continue;
        n = strlen(left_out[i]);
        if (left_out[i][n - 1] == '-' ? strncmp(name, left_out[i], n) == 0
                                      : strcmp(name, left_out[i]) == 0)
            return false;
    }
    return true;
}

/* The name before COLON in lower case; false: none that we would keep. */
static bool field_name(char *name, size_t max, const char *line,
                       const char *colon)
{
    size_t i, n = (size_t)(colon - line);

    if (n >= max)
        return false;
    for (i = 0; i < n; i++) {
        if (!isalnum((unsigned char)line[i]) && strchr("-_", line[i]) == NULL)
            return false;
        name[i] = (char)tolower((unsigned char)line[i]);
    }
    name[n] = '\0';
    return true;
}

/* -1: none that could be relied on. */
static int64_t length_of(const char *value, size_t len)
{
    int64_t n = 0;
    size_t i;

    if (len == 0 || len > 18)
        return -1;
    for (i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9')
            return -1;
        n = n * 10 + (value[i] - '0');
    }
    return n;
}

/* Does the head say how long its body is? */
static void note_framing(struct upstream_head *h, const char *name,
                         const char *value, size_t len)
{
    if (strcmp(name, "transfer-encoding") ==
        0) /* "gzip" alone frames nothing */
        h->chunked =
            len >= 7 && strncasecmp(value + len - 7, "chunked", 7) == 0;
    if (strcmp(name, "content-length") == 0)
        h->content_length = length_of(value, len);
    if (h->chunked)
        h->content_length = -1; /* RFC 9112, 6.3 */
}

static bool is_sound(const char *line, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++)
        if (((unsigned char)line[i] < 0x20 && line[i] != '\t') ||
            line[i] == 0x7f)
            return false;
    return len > 0 && *line != ' ' && *line != '\t' && *line != ':' &&
           memchr(line, ':', len) != NULL;
}

/* Both strings in one piece: a thousand streams have a head each. */
static void set(struct upstream_header *to, const char *name, const char *value,
                size_t value_len)
{
    size_t n = strlen(name) + 1;

    to->name = malloc(n + value_len + 1);
    CHECK(to->name != NULL);
    memcpy(to->name, name, n);
    memcpy(to->name + n, value, value_len);
    to->name[n + value_len] = '\0';
    to->value = to->name + n;
}

void head_replace(struct upstream_head *h, const char *name, const char *value)
{
    size_t i;

    for (i = 0; i < h->n && strcmp(h->headers[i].name, name) != 0;)
        i++;
    CHECK(i < h->n);
    free(h->headers[i].name);
    set(&h->headers[i], name, value, strlen(value));
}

/* A thousand streams have a head each, of few headers as a rule. */
static struct upstream_header *one_more(struct upstream_head *h)
{
    if (h->n % 16 == 0) {
        h->headers = realloc(h->headers, (h->n + 16) * sizeof(*h->headers));
        CHECK(h->headers != NULL);
    }
    return &h->headers[h->n++];
}

bool head_take(struct upstream_head *h, const char *line, size_t len)
{
    const char *end = line + len, *from;
    char name[FIELD_MAX];

    if (!is_sound(line, len))
        return false;
    from = memchr(line, ':', len);
    if (from == NULL || !field_name(name, sizeof(name), line, from))
        return true;
    for (from++; from < end && (*from == ' ' || *from == '\t');)
        from++;
    while (end > from && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    note_framing(h, name, from, (size_t)(end - from));
    if (strcmp(name, "connection") == 0)
        note_hops(h, from, (size_t)(end - from));
    else if (is_kept(h, name) && h->n < UPSTREAM_HEADERS)
        set(one_more(h), name, from, (size_t)(end - from));
    return true;
}
