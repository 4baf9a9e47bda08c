/*
 * The words of an API in which a client may ask an upstream that speaks chat
 * completions: what of it is translated, and by whom.
 */
#ifndef SLUICE_TONGUE_H
#define SLUICE_TONGUE_H

#include <stdint.h>

#include "fcgi/config/asking.h"
#include "fcgi/messages/chat_stream.h"
#include "fcgi/messages/messages.h"
#include "fcgi/responses/responses.h"
#include "fcgi/upstream/sse.h"

/* What a request has said besides, for its answer. */
struct tongue_got {
    const struct tongue *by;
    const char *user;            /* whose work it is; "": it does not say */
    enum messages_thinks thinks; /* what it wants of the model's thinking, */
    const char *effort;          /* and a word for how much; NULL: not said */
    const char *model;           /* as it named it; NULL: not known */
    struct messages_tokens tokens;
    union {
        struct messages_got messages;
        struct responses_got responses;
    } is;
};

/* What an answer must know. */
struct tongue_told {
    const struct tongue_got *got;
    const char *id;  /* of letters and digits */
    int64_t now_s;   /* seconds since 1970 */
    int64_t ratio_m; /* what was learned of its model's tokens, as
                        messages_tokens() has it */
};

/* A text that is JSON has LEN bytes and a zero; 0, or -1. */
struct tongue {
    const char *protocol; /* as in an upstream's `protocols` */
    enum sse_ends ends;   /* what the streams of its clients end with */

    /* A request's body as one of chat/completions; with a fault *GOT is to be
     * forgotten, too. */
    int (*ask)(const char *body, size_t len, const struct asking *how,
               struct buf *chat, struct tongue_got *got,
               struct messages_fault *fault);
    /* Only GOT's model and tokens; NULL: that is no question of this API. */
    int (*count)(const char *body, size_t len, struct tongue_got *got,
                 struct messages_fault *fault);
    void (*forget)(struct tongue_got *got);

    /* An answer: whole, or a stream, which is the caller's. */
    int (*answer)(const char *body, size_t len, const struct tongue_told *told,
                  struct buf *out);
    struct chat_stream *(*begin)(const struct tongue_told *told);
    void (*end)(struct chat_stream *s);
    /* How many events it has told; NULL: this API does not count them. */
    uint32_t (*events)(const struct chat_stream *s);
    /* A sign of life, which may stand anywhere in a stream but before its head;
     * NULL: there is none. */
    void (*ping)(struct buf *out);
};

extern const struct tongue tongue_messages, tongue_responses;

void tongue_forget(struct tongue_got *got); /* NULL is fine */

#endif
