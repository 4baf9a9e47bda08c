/*
 * libcurl's handle of one request: what is set on it, and those to be used
 * again.
 */
#ifndef SLUICE_HANDLE_H
#define SLUICE_HANDLE_H

#include <curl/curl.h>

#include "fcgi/config/bounds.h"

struct transfer_request;

/* Of transfers that are over.  All zeros at its beginning. */
struct handles {
    CURL *spare[SPARE_HANDLES];
    int n;
};

/* A handle with nothing set; takes it back. */
CURL *handle_take(struct handles *h);
void handle_give(struct handles *h, CURL *easy);
void handle_fini(struct handles *h);

/* Sets all but callbacks.  Gives its header lines, one of which may hold the
 * key: to be freed with handle_forget(), after the transfer. */
struct curl_slist *handle_set(CURL *easy, const struct transfer_request *req);
void handle_forget(struct curl_slist *headers);

/* Host and port of REQ's proxy, for the caller to free; NULL: it has none. */
char *handle_proxy(const struct transfer_request *req);
/* Why there was no connection, if PROXY was on the way; else TEXT alone. */
void handle_explain(CURL *easy, const char *proxy, const char *text,
                    char detail[CURL_ERROR_SIZE]);

#endif
