/*
 * What a generated answer says: the same words for the same model and the
 * same max_tokens, whatever was asked; an agent looks at the conversation.
 */
#ifndef NIMSIM_ANSWER_H
#define NIMSIM_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent.h"

struct behaviour;
struct json_object;
struct text;

/* Made up, and the same for every prompt, unless there is a limit in tokens:
 * see the head of answer.c. */
#define ANSWER_PROMPT_TOKENS 8

enum answer_kind {
    ANSWER_CHAT = 0,
    ANSWER_COMPLETION,
    ANSWER_RESPONSE,
};

struct answer {
    enum answer_kind kind;
    uint64_t seq;           /* of the arrival; the ids are made from it */
    int64_t created;        /* seconds since 1970 */
    const char *model;      /* borrowed from the request's JSON */
    int64_t tokens;         /* one word each */
    int64_t limit_bytes;    /* of the whole content; -1: the words decide */
    bool calls_tool;        /* in the place of words */
    int64_t calls;          /* how many, then */
    struct agent agent;     /* speaks, unless the model plays one */
    int64_t thoughts;       /* the first of the tokens; of a chat alone */
    const char *mirror;     /* the request, in the place of words; NULL: no */
    const char *stopped_by; /* a word, the last of which was that before it */
    bool is_cut_short;      /* max_tokens was smaller: finish_reason length */
    bool has_usage;         /* stream_options.include_usage */
    bool lacks_usage;       /* it tells of none, whoever asks */
    bool has_bare_usage;  /* chunks but the last say nothing of it, not null */
    bool has_early_usage; /* it stands in the chunk with the reason */
    int64_t prompt_tokens;
};

/* The first of the request's names for its token limit, or -1. */
int64_t answer_limit(struct json_object *json);

/* Plans the answer to the request JSON. */
void answer_init(struct answer *a, enum answer_kind kind,
                 const struct behaviour *how, struct json_object *json,
                 uint64_t seq);

/* Word I, and as it stands in the text, with what parts it from the one before
 * it.  Both may sit inside JSON. */
const char *answer_one_word(int64_t i);
void answer_word(int64_t i, struct text *out);

/* All that is said, as a JSON text. */
void answer_text(const struct answer *a, struct text *out);

/* Why it has ended: members of a choice. */
void answer_finish(const struct answer *a, struct text *out);

/* {"prompt_tokens":...}, in the dialect of the answer's kind. */
void answer_usage(const struct answer *a, struct text *out);

/* The whole body of a buffered answer. */
void answer_body(const struct answer *a, struct text *out);

/*
 * The response object of /v1/responses, without its outer comma or newline.
 * STATUS is "in_progress" or "completed"; only the latter has the content.
 */
void answer_response_object(const struct answer *a, const char *status,
                            struct text *out);
void answer_response_item(const struct answer *a, const char *status,
                          struct text *out);

#endif
