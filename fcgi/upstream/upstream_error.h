/*
 * What does an upstream's error say, in whatever shape it comes?
 */
#ifndef SLUICE_UPSTREAM_ERROR_H
#define SLUICE_UPSTREAM_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/config/bounds.h"

enum words_shape {
    WORDS_EMPTY = 0, /* no body, or white space */
    WORDS_CODED,     /* compressed: not read */
    WORDS_TEXT,
    WORDS_HTML,
    WORDS_BROKEN, /* begins as JSON does, but is cut, deep or no object */
    WORDS_JSON,   /* an object of any shape but OpenAI's */
    WORDS_OPENAI, /* {"error":{"message":"..."}}, whole and sound: can pass
                     byte for byte */
};

/* Texts are valid UTF-8 of one line, without control characters. */
struct upstream_error_words {
    enum words_shape shape;
    bool has_detail; /* the body has a `detail` that says something */
    bool is_bare;    /* an `error` object, and no part of an answer beside it */
    int status;      /* 400..599 that the body itself names; 0: none */
    char message[WORDS_MESSAGE]; /* never empty */
    char type[WORDS_TOKEN];      /* "": not said */
    char code[WORDS_TOKEN];      /* the same; a number as its digits */
};

/*
 * Reads the LEN bytes of BODY, of any content, of an answer with STATUS.
 * IS_CUT: there were more.  TYPE is its Content-Type or NULL.
 */
void upstream_error_read(struct upstream_error_words *w, int status,
                         const char *type, const char *body, size_t len,
                         bool is_cut);

/* The same for a body in the content CODING, of which nothing is known. */
void upstream_error_coded(struct upstream_error_words *w, int status,
                          const char *coding);

/*
 * Looks for an error among the events in BYTES, the beginning of a 200 event
 * stream.  FROM of them, which end with an event, were looked through before;
 * an event without its blank line is not looked at.  False: there is none, and
 * *W is of no use.
 */
bool upstream_error_in_stream(struct upstream_error_words *w, const char *bytes,
                              size_t from, size_t len);

#endif
