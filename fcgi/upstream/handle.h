/*
 * libcurl's handle of one request: what is set on it, and those to be used
 * again.
 */
#ifndef SLUICE_HANDLE_H
#define SLUICE_HANDLE_H

#include <stdbool.h>

#include <curl/curl.h>

#include "fcgi/config/bounds.h"
#include "fcgi/upstream/transfer.h"

struct handle_lines;

struct handle {
    CURL *easy;
    char *text; /* the URL that is set on it; NULL: none */
    CURLU *url; /* the same, in its parts */
};

/* Of transfers that are over, ready for the next. */
struct handles {
    struct handle *spare[SPARE_HANDLES];
    int n;
    /* What its user sets on each that is new: the same for all requests. */
    void (*prepare)(CURL *easy, void *arg);
    void *arg;
};

/* A handle on which nothing of a request is set but an URL; takes it back, from one that
 * was handle_is_usual(). */
struct handle *handle_take(struct handles *h);
void handle_give(struct handles *h, struct handle *one, bool is_usual);
/* Nothing is asked for a while: most of them go. */
void handle_rest(struct handles *h);
void handle_fini(struct handles *h);

/* Sets what REQ wants, but for callbacks.  Gives its header lines, one of which
 * may hold the key: to be freed with handle_forget(), which NULL is fine for. */
struct handle_lines *handle_set(struct handle *one,
                                const struct transfer_request *req);
void handle_forget(struct handle_lines *lines);
/* The answer's head is here, so these have left and nobody needs them any more:
 * it may last for hours. */
void handle_sent(CURL *easy, struct handle_lines **lines);
/* Bytes of the lines that are REQ's own, in its head. */
size_t handle_lines_len(const struct transfer_request *req);
/* Is REQ as nearly all are, so that its handle serves the next one, too? */
bool handle_is_usual(const struct transfer_request *req);

/* What CODE means, after SENDS times at which libcurl was about to send. */
enum transfer_end handle_verdict(CURLcode code, bool has_head, unsigned sends);
/* Host and port of REQ's proxy, for the caller to free; NULL: it has none. */
char *handle_proxy(const struct transfer_request *req);
/* Why there was no connection, if PROXY was on the way; else TEXT alone. */
void handle_explain(CURL *easy, const char *proxy, const char *text,
                    char detail[CURL_ERROR_SIZE]);

#endif
