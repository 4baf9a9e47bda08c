/*
 * The answer on its way to the client: when its head goes out, which bytes
 * are ours, and what a client is told that must not believe it was complete.
 */
#ifndef SLUICE_RELAY_H
#define SLUICE_RELAY_H

#include "fcgi/exchange_parts.h"
#include "fcgi/passed_headers.h"
#include "fcgi/upstream/sniff.h"

void relay_init(struct relay *r);
void relay_fini(struct relay *r);

/* Will events be the answer, if it is what was asked for? */
bool relay_wants_events(const struct exchange *x);
/* Sends a head of ours: 200, before anything is known. */
void relay_commit(struct exchange *x);
/* A sign of life, where the answer allows one.  TEXT is the comment. */
void relay_beat(struct exchange *x, const char *text);

/* An event that says nothing, as its API has it, before the first one. */
void relay_wait_event(struct exchange *x);
/* A comment in an event stream, and what ends those before an event. */
void relay_comment(struct exchange *x, const char *text);
void relay_end_comments(struct exchange *x);

/* KIND is what the body's first bytes are, if they were looked at. */
void relay_head(struct exchange *x, const struct upstream_head *h,
                enum sniffed kind);
/* More of the body would only pile up here: the client is too slow. */
bool relay_is_full(const struct exchange *x);
/* Takes all of it, also then. */
void relay_body(struct exchange *x, const char *data, size_t len);
/* It is an event stream that has said its end: nothing is missing, however
 * its connection ends. */
bool relay_has_ended(const struct exchange *x);
/* The upstream's answer is whole.  False: it only looked so (a stream without
 * its end, or not what our head promised); relay_error() is to follow, unless the client
 * was told already. */
bool relay_finish(struct exchange *x);
/* The answer that was passed on tells of an error, within a 200 and events, and
 * stays without its end. */
bool relay_tells_error(const struct exchange *x);
/* Why an answer cannot be told as events; after relay_finish(). */
void relay_why_not(const struct exchange *x, char *text, size_t size);
/* An error as status, event or JSON, whatever still fits.  False: it is to stay
 * without its end, for it was a good answer so far. */
bool relay_error(struct exchange *x, const struct relay_error *e);

/* For relay_end.c: bytes to the client; *B is freed. */
void relay_emit(struct exchange *x, const void *data, size_t len);
void relay_emit_buf(struct exchange *x, struct buf *b);
/* The same of the upstream's answer, in its client's words. */
void relay_tell(struct exchange *x, const char *data, size_t len);
/* As long may an answer be that is told whole. */
size_t relay_held_max(const struct exchange *x);
/* The head of a held answer, with its length if that is not -1; once. */
void relay_send_head(struct exchange *x, int64_t length);
/* What is held, to a client that wants to see it. */
void relay_send_held(struct exchange *x);
/* The same of a stream, without what an error in it may quote. */
void relay_send_held_events(struct exchange *x);
bool relay_is_head_only(const struct exchange *x);
/* An event was an error, for the first time: that is noted.  It is in what is held
 * and the LEN bytes of DATA behind that. */
void relay_note_error(struct exchange *x, const char *data, size_t len);

#endif
