/*
 * The forms that a whole message and its events share.
 */
#ifndef SLUICE_MESSAGE_FORM_H
#define SLUICE_MESSAGE_FORM_H

#include "fcgi/messages/messages.h"

/* What stands where Anthropic signs what a model has thought; nobody here can,
 * and nobody here checks it when it comes back.  Clients insist on one. */
#define MESSAGE_FORM_SIGNATURE "bm90LXNpZ25lZC1ieS1hbnRocm9waWM="

struct json_object;

/* {"id":...,"type":"message","role":"assistant","model":... */
void message_form_head(const struct messages_told *told, struct buf *out);

/* {"type":"tool_use","id":...,"name":...,"input": of call N; ID may be empty */
void message_form_call(const struct messages_told *told, size_t n,
                       const struct buf *id, const struct buf *name,
                       struct buf *out);

/* What stands under KEY, if it is a text or a list of parts that are one:
 * calls FN with each. */
typedef void message_form_fn(void *arg, const char *text, size_t len);
void message_form_texts(struct json_object *o, const char *key,
                        message_form_fn *fn, void *arg);

/* The same of what a message or a delta says of its thinking, by whichever
 * name. */
void message_form_thoughts(struct json_object *o, message_form_fn *fn,
                           void *arg);

/* Past the white space at the beginning of *TEXT; returns what is left of
 * LEN. */
size_t message_form_trim(const char **text, size_t len);

/* The first choice of chat answer ROOT; NULL: there is none. */
struct json_object *message_form_choice(struct json_object *root);

#endif
