/*
 * OpenAI's Responses API before an upstream that speaks chat completions: what
 * one side says, in the other's words.  README.md says what becomes of each
 * field.
 *
 * Nothing here knows a socket, a clock or a setting.  A text that is JSON as a
 * whole has a zero behind it; whatever is wrong with one, what comes out is
 * valid JSON, or nothing.
 */
#ifndef SLUICE_RESPONSES_H
#define SLUICE_RESPONSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/config/bounds.h"
#include "fcgi/messages/messages.h"
#include "lib/buf.h"

/* ---- a request -------------------------------------------------------------- */

#define EFFORT_MAX 17 /* a word for how much to think, and a zero */

/* What else a request says. */
struct responses_got {
    char model[MODEL_BYTES + 1]; /* as the client named it */
    char user[CLIENT_MAX];       /* user, safety_identifier, cut; "": none */
    struct messages_tokens tokens;
    enum messages_thinks thinks;
    char effort[EFFORT_MAX]; /* how much; "": not said */
    /* The members of the answer that say what was asked for: JSON, each with a
     * comma before it. */
    struct buf echo;
    /* Its tools whose calls are not just those of a function:
     * response_tools.h. */
    struct buf tools;
};

void responses_got_fini(struct responses_got *got);

/* Appends to OUT the request BODY, LEN bytes and a zero, as one of
 * chat/completions.  0, or -1, with *FAULT, and OUT is as it was.  *GOT is the
 * caller's to end in any case. */
int responses_request(const char *body, size_t len,
                      const struct messages_ask *ask, struct buf *out,
                      struct responses_got *got, struct messages_fault *fault);

/* ---- an answer -------------------------------------------------------------- */

/* What an answer must know of its request; the texts are borrowed for as long
 * as it is under way. */
struct responses_told {
    const char *id; /* of letters, digits, - and _; told as resp_ID */
    int64_t now_s;  /* seconds since 1970 */
    const struct responses_got *got;
    int64_t tokens_in; /* told where the upstream tells none */
    int64_t ratio_m;   /* for what comes out: messages_tokens() */
};

/* Appends to OUT the chat completion BODY, LEN bytes and a zero, as a response.
 * 0, or -1: it is none, and OUT is as it was. */
int responses_answer(const char *body, size_t len,
                     const struct responses_told *told, struct buf *out);

/* ---- errors ----------------------------------------------------------------- */

/* An error that ends a stream. */
struct responses_error {
    const char *id, *model; /* of the response: resp_ID */
    int64_t now_s;
    uint32_t number; /* events that came before it */
    int status;      /* 400..599, which the client has not seen */
    const char *message, *type, *code; /* CODE "": none */
};

/* Appends it as two events, for some clients look at the one alone, and some at
 * the other. */
void responses_error_events(const struct responses_error *e, struct buf *out);

#endif
