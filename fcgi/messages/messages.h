/*
 * Anthropic's Messages API before an upstream that speaks chat completions:
 * what one side says, in the other's words.  README.md says what becomes of
 * each field.
 *
 * Nothing here knows a socket, a clock or a setting.  A text that is JSON as a
 * whole has a zero behind it; whatever is wrong with one, what comes out is
 * valid JSON, or nothing.
 */
#ifndef SLUICE_MESSAGES_H
#define SLUICE_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/config/bounds.h"
#include "lib/buf.h"

struct json_object;

/* ---- a request -------------------------------------------------------------- */

/* Does the client want the model to think? */
enum messages_thinks {
    THINKS_UNSAID = 0, /* as the model likes */
    THINKS = 1,
    THINKS_NOT = 2,
};

/* The ways to tell an upstream so; a bit each. */
#define THINKING_TEMPLATE 1u /* chat_template_kwargs: vLLM, SGLang, NIM */
#define THINKING_EFFORT   2u /* reasoning_effort: OpenAI, gpt-oss */

/* How to ask one upstream.  All zeros ask for what every one of them knows. */
struct messages_ask {
    const char *model; /* NULL: the one that the client named */
    /* The member of an assistant's message that past thinking goes into, as
     * "reasoning_content"; NULL: it does not go. */
    const char *reasoning_key;
    bool usage_by_caller; /* who asks a stream for its usage by himself */
    bool may_continue;    /* it can go on with an answer that was begun:
                                  continue_final_message (vLLM, SGLang) */
    int64_t max_tokens;   /* no more of them are asked for; 0: as many as
                                  the client wants */
};

/* Does the client want to see how the model thinks? */
enum messages_shown {
    SHOWN_UNSAID = 0, /* it said nothing: no, for many read the first block */
    SHOWN_NOT = 1,
    SHOWN_SIGN = 2, /* that it thinks, not what (display: omitted) */
    SHOWN_ALL = 3,
};

/* How many tokens a request might have. */
struct messages_tokens {
    int64_t texts_m; /* its texts, in thousandths, as if nothing was learned */
    int64_t sure;    /* its images, which no learning changes */
};

/* What else a request says. */
struct messages_got {
    char model[MODEL_BYTES + 1]; /* as the client named it */
    char user[CLIENT_MAX];       /* metadata.user_id, cut; "": none */
    bool stream;
    bool has_stops;     /* it named stop_sequences */
    int64_t max_tokens; /* as asked of the upstream */
    struct messages_tokens tokens;
    enum messages_shown shown;
    enum messages_thinks thinks;
    const char *effort; /* low, medium, high: a literal; NULL: not said */
};

/* Why there is none.  The words are one line and quote no prompt. */
struct messages_fault {
    int status;       /* 400, 413; 0: there is no fault */
    const char *type; /* Anthropic's, as messages_error_type() has it */
    bool is_thread;   /* it wants its conversation kept: an SDK that hears so
                         by ERROR_THREAD sends all of it instead */
    char words[256];
};

/* Appends to OUT the request BODY, LEN bytes and a zero, as one of
 * chat/completions.  0, or -1, with *FAULT, and OUT is as it was. */
int messages_request(const char *body, size_t len,
                     const struct messages_ask *ask, struct buf *out,
                     struct messages_got *got, struct messages_fault *fault);

/* Appends whether to think, and how much (EFFORT; NULL: that was not said), in
 * those of WAYS that have a word for it: members of the request, each behind a
 * comma, for before its last bracket. */
void messages_thinking(enum messages_thinks thinks, const char *effort,
                       unsigned ways, struct buf *out);

/* How many tokens are in that, for count_tokens, which needs no max_tokens: GOT has
 * them, and its model.  0, or -1 and *FAULT. */
int messages_count(const char *body, size_t len, struct messages_got *got,
                   struct messages_fault *fault);
/* T, one at least, as tokens of a model of which RATIO_M was learned: so many of
 * its own for a thousand that are guessed; 0: nothing was. */
int64_t messages_tokens(const struct messages_tokens *t, int64_t ratio_m);

/* ---- an answer -------------------------------------------------------------- */

/* What an answer must know of its request; the texts are borrowed for as long
 * as it is under way. */
struct messages_told {
    const char *model; /* as the client named it */
    const char *id;    /* of letters, digits, - and _; told as msg_ID */
    bool has_stops;
    enum messages_shown shown;
    int64_t tokens_in; /* told where the upstream tells none */
    int64_t ratio_m;   /* as above, for what comes out */
};

/* Appends to OUT the chat completion BODY, LEN bytes and a zero, as a message.
 * 0, or -1: it is none, and OUT is as it was. */
int messages_answer(const char *body, size_t len,
                    const struct messages_told *told, struct buf *out);

/* ---- errors, models --------------------------------------------------------- */

/* An upstream's words, with some before them. */
#define MESSAGES_TOLD (WORDS_MESSAGE + 32)

/* Anthropic's word for an error with STATUS, which may be any. */
const char *messages_error_type(int status);

/* What Anthropic says in the place of an upstream's WORDS: these, but for what
 * is too long, which is written to TOLD. */
const char *messages_error_words(int status, const char *words,
                                 char told[MESSAGES_TOLD]);

/* Appends an error as a body; WORDS may be anything. */
void messages_error(int status, const char *words, struct buf *out);

/* Which part of a list is wanted: so many, behind or before the model that is
 * called so.  All zeros: all of it. */
struct messages_page {
    int64_t limit;
    const char *after, *before;
};

/* Appends a part of LIST, an array of models as chat's API has them, each with an
 * "id", as Anthropic has lists.  0, or -1: none is called as PAGE says, and OUT is
 * as it was. */
int messages_models(struct json_object *list, const struct messages_page *page,
                    struct buf *out);
/* One of them. */
void messages_model(struct json_object *model, struct buf *out);

#endif
