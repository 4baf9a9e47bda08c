/*
 * limiter.h - may this request be sent now, and if not, when?
 *
 * Tickets and turns, and nothing else.  Requests become
 * tickets; limiter_turn() does everything asked since the last turn under one
 * lock and tells each ticket what happened through its callback.  The file,
 * its lock and its layout stay in state/.
 *
 * A limiter belongs to one thread.  Times are CLOCK_BOOTTIME nanoseconds.
 */
#ifndef SLUICE_LIMITER_H
#define SLUICE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"
#include "lib/serial.h"
#include "state/policy/vocabulary.h"

struct ticket;
struct limiter;

/*
 * Opens or creates the state file in directory DIR (file/state_file.c).
 * DATA_DIR, or NULL, is where workers are looked for that had another directory
 * by the name of DIR.  Returns 0 and gives *OUT, or -1 with one line in ERR
 * that says what was found and what to do.
 */
MUST_USE int limiter_open(struct limiter **out, const char *dir,
                          const char *data_dir,
                          const struct limiter_settings *set, int64_t now,
                          limiter_log_fn *log, void *log_arg, char *err,
                          size_t err_max);
/* Gives back every ticket and the worker's place.  NULL is fine. */
void limiter_close(struct limiter *lim);
/* Does any of ours wait or run? */
bool limiter_has_tickets(const struct limiter *lim);
/* Nothing is asked of us for a while: memory that is easily had again goes. */
void limiter_rest(const struct limiter *lim);

/* Other settings, from the next turn on, for all workers: unless the state
 * knows of a newer generation than ours. */
void limiter_set(struct limiter *lim, const struct limiter_settings *set);
/* The same, of GENERATION (serial.h): if it is newer than what the state
 * knows, every worker is poked and finds it in limiter_generation(). */
void limiter_adopt(struct limiter *lim, const struct limiter_settings *set,
                   uint64_t generation);
/* The newest generation, as the last turn saw it; 0: none yet. */
uint64_t limiter_generation(const struct limiter *lim);
/* Has every worker that answers adopted GENERATION, or a newer one?  Also
 * false while the state is busy. */
MUST_USE bool limiter_all_follow(struct limiter *lim, uint64_t generation,
                                 int64_t now);

/* Readable when another worker has something for us: take a turn. */
int limiter_fd(const struct limiter *lim);

/*
 * Does all that was asked.  Callbacks run inside, after the lock is gone, and
 * may ask for more.  Returns when the next turn is due: NOW or earlier means
 * at once, at the latest a second ahead.  A NOW that is behind the clock is
 * raised to it: a process that slept must not put a send into the past.
 */
int64_t limiter_turn(struct limiter *lim, int64_t now);

/* A new ticket; FN hears of it during a turn.  Never NULL. */
struct ticket *limiter_join(struct limiter *lim,
                            const struct limiter_request *req, ticket_fn *fn,
                            void *arg);
/* A ticket of NULL, in what follows, is a request that has none: it is in no
 * line and uses no slot. */

/*
 * The next thing is T's first byte on the wire: may it?  To be asked each time,
 * as late as can be, because a grant ends when the state file is lost, an
 * operator pauses or cancels, or (with a store for several machines) its lease
 * is over: and whoever was stopped meanwhile knows nothing of it.  False: write
 * nothing, and say limiter_again() with UNSENT.  Memory, a clock, and at most
 * three stats a second; no lock.  NULL, a request without a ticket: it may.
 */
MUST_USE bool limiter_may_write(struct limiter *lim, struct ticket *t,
                                int64_t now);
/* A granted request's last byte is on the wire, just now: this moment is what
 * the log of sends keeps, however much later the next turn is.  Asked of a
 * ticket that was not told TICKET_GRANTED, or of NULL, this and the next two
 * do nothing. */
void limiter_sent(struct limiter *lim, struct ticket *t);
/* A granted one is to be tried again, but not before FOR_NS are over: it gives
 * its slot back now and keeps its place at the head of its line, where it
 * comes to with limiter_again(), which its owner says then.  UNSENT as there.
 * NULL: nothing. */
void limiter_aside(struct limiter *lim, struct ticket *t, bool unsent,
                   int64_t for_ns);
/* A granted one, or one aside, comes back to the head of its own line.  UNSENT: no byte of it
 * reached the wire, so it used no slot.  NULL: nothing, and nobody will ever
 * be granted by it. */
void limiter_again(struct limiter *lim, struct ticket *t, bool unsent);

/*
 * The verdict on a granted and sent request's answer; asked of any other
 * ticket, or of NULL, it does nothing.  But ANSWER_AWAY is said of one that was
 * granted and could not be sent.  Once for each attempt, as soon as it is known;
 * and again where a stream that had begun well ends in a refusal.
 * After ANSWER_RATE and ANSWER_BUSY the caller goes on with limiter_again(),
 * and the request waits at the head of its line.
 */
void limiter_report(struct limiter *lim, struct ticket *t,
                    const struct limiter_report *rep);

/* What the answer to T, which was sent, took in truth: it takes the place of the
 * estimate in the logs of sends, and the next estimates are made by it.  To be
 * said before limiter_done(), at most once for each answer; not said, the
 * estimate stays.  NULL: nothing. */
void limiter_settle(struct limiter *lim, struct ticket *t,
                    const struct limiter_usage *u);

/* How often was T refused (ANSWER_RATE) although others, of its model or its
 * upstream, had passed since the time before?  A limit that is full refuses all of
 * them.  As of the last turn; NULL: 0. */
uint32_t limiter_refusals(const struct ticket *t);

/* T was not left by its client: we failed it.  To be said before
 * limiter_done(), so that a retry of it is known (see fingerprint).  NULL:
 * nothing. */
void limiter_lost(struct limiter *lim, struct ticket *t);
/* T's upstream has failed it as often as it may be tried: to be said before
 * limiter_done().  NULL: nothing. */
void limiter_failed(struct limiter *lim, struct ticket *t);
/* Has this very request (its fingerprint) failed so within the last minute?
 * False too while the lock is busy, and of NULL. */
bool limiter_has_failed(struct limiter *lim, const struct ticket *t,
                        int64_t now);
/* The body is no longer held.  NULL: nothing. */
void limiter_body_gone(struct limiter *lim, struct ticket *t);
/* The request is over, in whatever state; takes the ticket.  UNSENT matters
 * only after TICKET_GRANTED: one that was not told so cannot have sent.  NULL:
 * nothing. */
void limiter_done(struct limiter *lim, struct ticket *t, bool unsent);

/* The key of all fingerprints: random, the same for all workers, not known
 * outside of the state file. */
uint64_t limiter_secret(const struct limiter *lim);

/* Something was asked that needs a turn. */
bool limiter_has_wishes(const struct limiter *lim);
/* All that was asked is about what is sent or over, went well, and as of the last
 * turn nobody waits for what it gives back: the turn may come a little later,
 * with others' wishes. */
bool limiter_may_wait(const struct limiter *lim);

/* Where a waiting ticket stands now: as TICKET_WAITS.  Returns false, leaving
 * *NEWS as it was, while the lock is busy or the ticket does not wait; NULL
 * never does. */
bool limiter_place(struct limiter *lim, struct ticket *t, int64_t now,
                   struct ticket_news *news);

/* Time since the service started, without a lock; 0 while unknown. */
int64_t limiter_uptime_ns(struct limiter *lim, int64_t now);

#endif
