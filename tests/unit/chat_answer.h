/* A random answer in chat completions' words, as a whole and as a stream, and the
 * message that it should become. */
#ifndef SLUICE_CHAT_ANSWER_H
#define SLUICE_CHAT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/messages/messages.h"

struct json_object;

#define ANSWER_CALLS 3

struct answer_call {
    struct buf id, name, arguments; /* id may be empty, and so may be name */
    struct json_object *input;      /* what it was called with */
};

struct chat_answer {
    const char *thought_key; /* NULL: it thinks in tags, or not at all */
    struct buf thought, words, refusal;
    struct answer_call calls[ANSWER_CALLS];
    size_t n;
    const char *reason, *stop_key; /* NULL: it gives none */
    bool has_usage;
    int64_t prompt, cached, completion;
};

/* What is rolled next; the caller drops it. */
void chat_answer_make(struct chat_answer *a);
void chat_answer_drop(struct chat_answer *a);

/* Appends all of it as one JSON text, without a zero. */
void chat_answer_write(const struct chat_answer *a, struct buf *out);

/* Appends it as events: words cut between any two characters, calls mixed. */
void chat_answer_stream(const struct chat_answer *a, struct buf *out);

/* Its stop sequence, if it names one. */
#define ANSWER_STOP "\nstop"

/* The message; the caller's. */
struct json_object *chat_answer_message(const struct chat_answer *a,
                                        const struct messages_told *told);

/* What of it is thinking, and what words, without the white space that parts
 * them; both to be freed. */
void chat_answer_parts(const struct chat_answer *a, struct buf *thought,
                       struct buf *words);

#endif
