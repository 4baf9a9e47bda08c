/*
 * handle.c - what is libcurl told of one request?
 *
 * Environment proxies are not used: http_proxy can come from a request header
 * in a CGI-like environment (httpoxy).
 */
#include "fcgi/upstream/handle.h"

#include <string.h>
#include <strings.h>

#include "fcgi/config/bounds.h"
#include "fcgi/upstream/transfer.h"
#include "lib/base.h"

CURL *handle_take(struct handles *h)
{
    CURL *easy = h->n > 0 ? h->spare[--h->n] : curl_easy_init();

    CHECK(easy != NULL);
    return easy;
}

void handle_give(struct handles *h, CURL *easy)
{
    if (h->n == SPARE_HANDLES) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy); /* it knows nothing of the transfer any more */
    h->spare[h->n++] = easy;
}

void handle_fini(struct handles *h)
{
    while (h->n > 0)
        curl_easy_cleanup(h->spare[--h->n]);
}

/* The same for every request. */
static void set_common(CURL *e)
{
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
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
}

static void add_line(struct curl_slist **list, const char *line)
{
    *list = curl_slist_append(*list, line);
    CHECK(*list != NULL);
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

struct curl_slist *handle_set(CURL *e, const struct transfer_request *req)
{
    struct curl_slist *headers = NULL;
    bool has_type = false;
    size_t i;

    set_common(e);
    CHECK(curl_easy_setopt(e, CURLOPT_URL, req->url) == CURLE_OK);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)req->connect_ms);
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, (long)req->fresh);
    for (i = 0; req->headers[i] != NULL; i++) {
        add_line(&headers, req->headers[i]);
        if (strncasecmp(req->headers[i], "Content-Type:", 13) == 0)
            has_type = true;
    }
    /* Answers are read.  Without a word of it some servers compress. */
    add_line(&headers, "Accept-Encoding: identity");
    /* A body above 1 MB would wait up to a second for a 100. */
    add_line(&headers, "Expect:");
    if (!has_type)
        add_line(&headers, "Content-Type:"); /* or libcurl calls it a form */
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
    set_method(e, req);
    return headers;
}

void handle_forget(struct curl_slist *list)
{
    struct curl_slist *h;

    for (h = list; h != NULL; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(list);
}
