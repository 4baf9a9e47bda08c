/*
 * The CGI heads of answers, ours and the upstream's.
 */
#ifndef SLUICE_PASSED_HEADERS_H
#define SLUICE_PASSED_HEADERS_H

struct buf;
struct exchange;
struct relay_error;
struct upstream_head;

/* Of a 200 that is sent before anything is known: whole. */
void heads_of_wait(struct buf *b, const struct exchange *x);
/* Of the upstream's answer H, without its length and the blank line. */
void heads_of_answer(struct buf *b, const struct exchange *x,
                     const struct upstream_head *h);
/* Of an error: whole. */
void heads_of_error(struct buf *b, const struct exchange *x,
                    const struct relay_error *e);

#endif
