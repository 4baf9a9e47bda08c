/*
 * The address of a proxy, which may have a password in it.
 */
#ifndef SLUICE_PROXY_TEXT_H
#define SLUICE_PROXY_TEXT_H

#include <stddef.h>

struct buf;

/* The parts of a proxy as its field keeps it; they point into it. */
struct proxy_parts {
    size_t scheme_len;    /* of its beginning, with "://" */
    const char *user;     /* percent-encoded */
    size_t user_len;      /* 0: none */
    const char *password; /* behind the colon; percent-encoded */
    size_t password_len;
    const char *host; /* and port, to the end */
};

/* What is wrong with TEXT; NULL: nothing. */
const char *proxy_text_fault(const char *text);
/* Makes TEXT, sound already, what its field keeps. */
void proxy_text_trim(char *text);
void proxy_text_split(struct proxy_parts *parts, const char *proxy);
/* PROXY and a zero, with stars for its user. */
void proxy_text_show(struct buf *b, const char *proxy);

#endif
