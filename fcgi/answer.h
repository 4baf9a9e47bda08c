/*
 * Answers that Sluice gives by itself: errors, pages.  Each returns the step
 * that follows.
 */
#ifndef SLUICE_ANSWER_H
#define SLUICE_ANSWER_H

#include "fcgi/exchange_parts.h"

struct relay_error;

/* Answers with an error of ours, in whatever way is still possible. */
enum step exchange_fail(struct exchange *x, enum error_code code,
                        const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same where status or retry are not those of CODE's row. */
enum step exchange_fail_as(struct exchange *x, int status, enum error_code code,
                           int64_t retry_ms, int retry, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* The same with one that is put together already; it is changed by that. */
enum step exchange_fail_with(struct exchange *x, struct reply_error *e);
/* Answers with an error that is written already. */
enum step exchange_tell(struct exchange *x, const struct relay_error *e);

/* Answers 200 with a JSON text. */
enum step exchange_json(struct exchange *x, const struct buf *json);
/* The same with another status. */
enum step exchange_json_as(struct exchange *x, int status,
                           const struct buf *json);
/* The same with a text of another TYPE. */
enum step exchange_page(struct exchange *x, int status, const char *type,
                        const struct buf *page);

/*
 * For a page that cannot answer at once.  X stays in step PAGE until its answer
 * is ended: the page writes one as above, minding no step that this returns,
 * and calls exchange_run().  ON_LEAVE is called when X is over, answered or not.
 */
enum step exchange_wait(struct exchange *x,
                        void (*on_leave)(struct exchange *x));
/* For a page whose answer is the upstream's: X goes there without a ticket. */
enum step exchange_go_free(struct exchange *x,
                           void (*on_leave)(struct exchange *x));
/* The state cannot be had now: X's page is asked for again in a moment, and
 * refused once that has lasted for a second. */
enum step exchange_later(struct exchange *x);
/* X's client takes nothing, and is as good as gone; WHY is for the log.  Does
 * not run X: that is the caller's to do. */
void exchange_drop(struct exchange *x, const char *why);

#endif
