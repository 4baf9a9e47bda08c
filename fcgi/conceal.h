/*
 * No secret of ours, nor the caller's, in what an upstream says.  Everything
 * here overwrites in place and keeps lengths.
 */
#ifndef SLUICE_CONCEAL_H
#define SLUICE_CONCEAL_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct exchange;
struct upstream_head;
struct upstream_error_words;

/* LEN bytes of an error, a detail, a message. */
void conceal_bytes(const struct exchange *x, char *text, size_t len);
void conceal_text(const struct exchange *x, char *text);
/* The body of an error. */
void conceal_body(const struct exchange *x, struct buf *body);
/* The values of the fields of any answer. */
void conceal_head(const struct exchange *x, struct upstream_head *head);
/* What was read of an error: unescaped, it may show what was not seen. */
void conceal_words(const struct exchange *x, struct upstream_error_words *w);
/* A whole answer of 2xx: looked through only if it is an error object. */
void conceal_answer(const struct exchange *x, struct buf *body);
/* Could these bytes be of an error?  Quick; false for most of an answer. */
bool conceal_must_see(const char *text, size_t len);
/* Whole events, or the last of a stream: only in errors among them.  IS_TORN:
 * all that is held is a piece of an error. */
void conceal_events(const struct exchange *x, struct buf *held, bool is_torn);

#endif
