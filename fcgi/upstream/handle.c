/*
 * handle.c - what is libcurl told of one request?
 *
 * Environment proxies are not used: http_proxy can come from a request header
 * in a CGI-like environment (httpoxy).  A proxy is a setting of an upstream, and
 * asked for a tunnel to http:// upstreams, too: so what a proxy says is never
 * taken for an answer, and it sees no key.
 */
#include "fcgi/upstream/handle.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/fields.h"
#include "fcgi/config/proxy_text.h"
#include "fcgi/upstream/transfer.h"
#include "lib/base.h"
#include "lib/buf.h"

/* libcurl reads 16 KB at a time, and has the room for it as long as a transfer
 * lasts.  An event is some hundred bytes; this is the least that it takes. */
#define STREAM_READ 1024L
#define WHOLE_READ  16384L

/* The same for every request. */
static void set_common(CURL *e)
{
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOPROXY, "");
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    /* A transfer that is cancelled while its host is looked up would
     * otherwise hold the loop until the look-up ends. */
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    /* TLS keeps it as long as the transfer; the default is four times this,
     * and a stream uses it once. */
    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 15L);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, (long)ADDRESS_KEPT_S);
    curl_easy_setopt(e, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_KEPT_S);
}

/* ---- those to be used again -------------------------------------------------- */

/*
 * What most requests have in common stays set: to forget it and set it anew takes
 * as long as all that differs.  How a request of another kind, or by another way,
 * is asked is forgotten with all else.
 */
static void prepare(const struct handles *h, struct handle *one)
{
    set_common(one->easy);
    h->prepare(one->easy, h->arg);
}

struct handle *handle_take(struct handles *h)
{
    struct handle *one;

    if (h->n > 0)
        return h->spare[--h->n];
    one = calloc(1, sizeof(*one));
    CHECK(one != NULL);
    one->easy = curl_easy_init();
    one->url = curl_url();
    CHECK(one->easy != NULL && one->url != NULL);
    prepare(h, one);
    return one;
}

/* It points at nothing of the last request any more. */
static void let_go(CURL *e)
{
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
}

static void end(struct handle *one)
{
    curl_easy_cleanup(one->easy);
    curl_url_cleanup(one->url);
    free(one->text);
    free(one);
}

void handle_give(struct handles *h, struct handle *one, bool is_usual)
{
    if (h->n == SPARE_HANDLES) {
        end(one);
        return;
    }
    if (is_usual) {
        let_go(one->easy);
    } else {
        curl_easy_reset(one->easy);
        free(one->text);
        one->text = NULL;
        prepare(h, one);
    }
    h->spare[h->n++] = one;
}

void handle_rest(struct handles *h)
{
    while (h->n > REST_HANDLES)
        end(h->spare[--h->n]);
}

void handle_fini(struct handles *h)
{
    while (h->n > 0)
        end(h->spare[--h->n]);
}

/* ---- the way there --------------------------------------------------------- */

/* LEN bytes of TEXT, percent-encoded, as an option. */
static void set_decoded(CURL *e, CURLoption option, const char *text,
                        size_t len)
{
    char *plain = len > 0 ? curl_easy_unescape(e, text, (int)len, NULL) : NULL;

    CHECK(plain != NULL || len == 0);
    curl_easy_setopt(e, option, plain != NULL ? plain : "");
    if (plain != NULL)
        explicit_bzero(plain, strlen(plain));
    curl_free(plain);
}

static void set_no_proxy(CURL *e, char *const *hosts, size_t n)
{
    struct buf list = {NULL, 0, 0, 0};
    size_t i;

    for (i = 0; i < n; i++) {
        buf_str(&list, i > 0 ? "," : "");
        buf_str(&list, hosts[i]);
    }
    buf_add(&list, "", 1);
    curl_easy_setopt(e, CURLOPT_NOPROXY, buf_head(&list));
    buf_free(&list);
}

/* User and password apart: libcurl quotes an address that it cannot read. */
static void set_proxy(CURL *e, const struct config_upstream *via)
{
    struct buf url = {NULL, 0, 0, 0};
    struct proxy_parts p;

    proxy_text_split(&p, via->proxy);
    buf_add(&url, via->proxy, p.scheme_len);
    buf_add(&url, p.host, strlen(p.host) + 1);
    CHECK(curl_easy_setopt(e, CURLOPT_PROXY, buf_head(&url)) == CURLE_OK);
    buf_free(&url);
    if (p.user_len > 0) {
        set_decoded(e, CURLOPT_PROXYUSERNAME, p.user, p.user_len);
        set_decoded(e, CURLOPT_PROXYPASSWORD, p.password, p.password_len);
    }
    set_no_proxy(e, via->no_proxy, via->n_no_proxy);
    curl_easy_setopt(e, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(e, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    /* Nothing that would have to ask others first, and block for it. */
    curl_easy_setopt(e, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(e, CURLOPT_SOCKS5_AUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(e, CURLOPT_PROXY_SSLVERSION,
                     (long)CURL_SSLVERSION_TLSv1_2);
}

/* Instead of the system's, not besides them. */
static void set_ca(CURL *e, const char *path)
{
    struct stat st;
    bool is_dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);

    curl_easy_setopt(e, CURLOPT_CAINFO, is_dir ? NULL : path);
    curl_easy_setopt(e, CURLOPT_CAPATH, is_dir ? path : NULL);
    curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, is_dir ? NULL : path);
    curl_easy_setopt(e, CURLOPT_PROXY_CAPATH, is_dir ? path : NULL);
    /* A file that was replaced is read again, as one of the others is. */
    curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, (long)CONNECTION_KEPT_S);
}

static void set_way(CURL *e, const struct transfer_request *req)
{
    const struct config_upstream *via = req->via;

    if (via == NULL)
        return;
    if (via->proxy != NULL)
        set_proxy(e, via);
    if (via->ca_file != NULL)
        set_ca(e, via->ca_file);
    if (via->client_cert_file != NULL && !req->elsewhere) {
        curl_easy_setopt(e, CURLOPT_SSLCERT, via->client_cert_file);
        curl_easy_setopt(e, CURLOPT_SSLKEY, via->client_key_file);
    }
}

/* ---- what is asked --------------------------------------------------------- */

/* Header lines as libcurl wants them, in one piece. */
struct handle_lines {
    size_t size; /* bytes of it all */
    size_t n;
    char *end; /* of the texts so far, which lie behind the nodes */
    struct curl_slist nodes[];
};

static struct handle_lines *lines_new(size_t n, size_t bytes)
{
    size_t size =
        sizeof(struct handle_lines) + n * sizeof(struct curl_slist) + bytes;
    struct handle_lines *l = malloc(size);

    CHECK(l != NULL);
    l->size = size;
    l->n = 0;
    l->end = (char *)&l->nodes[n];
    return l;
}

static void add_line(struct handle_lines *l, const char *line)
{
    size_t len = strlen(line) + 1;

    l->nodes[l->n] = (struct curl_slist){memcpy(l->end, line, len), NULL};
    if (l->n > 0)
        l->nodes[l->n - 1].next = &l->nodes[l->n];
    l->n++;
    l->end += len;
}

/* What has a body is a POST to libcurl, by whatever name. */
static void set_method(CURL *e, const struct transfer_request *req)
{
    bool posts = strcmp(req->method, "POST") == 0;

    if (strcmp(req->method, "HEAD") == 0)
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    else if (!posts && strcmp(req->method, "GET") != 0)
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, req->method);
    if (!posts && req->body == NULL)
        return;
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, req->body != NULL ? req->body : "");
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
}

/* Ours, behind REQ's own. */
static const char *const always[] = {
    /* Answers are read.  Without a word of it some servers compress. */
    "Accept-Encoding: identity",
    /* A body above 1 MB would wait up to a second for a 100. */
    "Expect:",
    "Content-Type:", /* or libcurl calls it a form; unless it is said */
};

static struct handle_lines *lines_of(const struct transfer_request *req)
{
    size_t n = ARRAY_LEN(always), bytes = 64 * ARRAY_LEN(always), i;
    bool has_type = false;
    struct handle_lines *l;

    for (i = 0; req->headers[i] != NULL; i++)
        bytes += strlen(req->headers[i]) + 1;
    l = lines_new(n + i, bytes);
    for (i = 0; req->headers[i] != NULL; i++) {
        add_line(l, req->headers[i]);
        if (strncasecmp(req->headers[i], "Content-Type:", 13) == 0)
            has_type = true;
    }
    for (i = 0; i < (has_type ? n - 1 : n); i++)
        add_line(l, always[i]);
    return l;
}

/* Most requests go where the last one went: what was parsed then is not again.
 * What cannot be parsed is libcurl's to refuse, in its words. */
static void set_url(struct handle *one, const char *url)
{
    const unsigned as_is = CURLU_PATH_AS_IS | CURLU_NON_SUPPORT_SCHEME;
    bool is_good;

    if (one->text != NULL && strcmp(one->text, url) == 0)
        return;
    free(one->text);
    one->text = strdup(url);
    CHECK(one->text != NULL);
    is_good = curl_url_set(one->url, CURLUPART_URL, url, as_is) == CURLUE_OK;
    curl_easy_setopt(one->easy, CURLOPT_CURLU, is_good ? one->url : NULL);
    CHECK(curl_easy_setopt(one->easy, CURLOPT_URL, url) == CURLE_OK);
}

struct handle_lines *handle_set(struct handle *one,
                                const struct transfer_request *req)
{
    struct handle_lines *l = lines_of(req);
    CURL *e = one->easy;

    set_way(e, req);
    set_url(one, req->url);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)req->connect_ms);
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, (long)req->fresh);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE,
                     req->is_streamed ? STREAM_READ : WHOLE_READ);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, &l->nodes[0]);
    set_method(e, req);
    return l;
}

size_t handle_lines_len(const struct transfer_request *req)
{
    size_t i, len = 0;

    for (i = 0; req->headers[i] != NULL; i++)
        len += strlen(req->headers[i]) + 2;
    return len;
}

bool handle_is_usual(const struct transfer_request *req)
{
    const struct config_upstream *via = req->via;

    return strcmp(req->method, "POST") == 0 &&
           (via == NULL || (via->proxy == NULL && via->ca_file == NULL &&
                            via->client_cert_file == NULL));
}

void handle_forget(struct handle_lines *l)
{
    if (l == NULL) /* its answer came before its end */
        return;
    explicit_bzero(l, l->size);
    free(l);
}

void handle_sent(CURL *e, struct handle_lines **lines)
{
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, NULL);
    handle_forget(*lines);
    *lines = NULL;
}

/* ---- the end, and its words ------------------------------------------------------------- */

enum transfer_end handle_verdict(CURLcode code, bool has_head, unsigned sends)
{
    if (code == CURLE_OK)
        return has_head ? END_OK : END_LOST; /* cut within the head */
    if (sends > 1)
        return END_STALE;
    if (has_head)
        return END_TRUNCATED;
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL: /* a status line that is none */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        return END_GARBAGE;
    default:
        return sends == 0 ? END_UNREACHABLE : END_LOST;
    }
}

char *handle_proxy(const struct transfer_request *req)
{
    struct proxy_parts p;
    char *host;

    if (req->via == NULL || req->via->proxy == NULL)
        return NULL;
    proxy_text_split(&p, req->via->proxy);
    host = strdup(p.host);
    CHECK(host != NULL);
    return host;
}

void handle_explain(CURL *e, const char *proxy, const char *text,
                    char detail[CURL_ERROR_SIZE])
{
    long status = 0;

    curl_easy_getinfo(e, CURLINFO_HTTP_CONNECTCODE, &status);
    if (proxy == NULL)
        (void)snprintf(detail, CURL_ERROR_SIZE, "%s", text);
    else if (status == 407)
        (void)snprintf(detail, CURL_ERROR_SIZE,
                       "the proxy %.128s wants a user and password (setting "
                       "proxy), or others (407)",
                       proxy);
    else if (status >= 300)
        (void)snprintf(detail, CURL_ERROR_SIZE,
                       "the proxy %.128s does not let it through (%ld)", proxy,
                       status);
    else
        (void)snprintf(detail, CURL_ERROR_SIZE, "%.100s (proxy %.128s)", text,
                       proxy);
}
