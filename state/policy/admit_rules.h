/*
 * admit_rules.h - what has to be so before one more may go?
 *
 * Every rule of admission, written once.  A rule answers the same question for
 * now and in a forecast: when, as far as it alone decides, may the next go that
 * takes so much?  admit.c asks all of them and the latest time counts.
 *
 * To add one: a row in ADMIT_RULES, and in admit_rules.c (or a file of its own,
 * which is included there) the two functions that carry its name, NAME_now()
 * and NAME_foretell().  The compiler names those that are missing.  Where the
 * forecast of it depends on who went before, or is another for the first than
 * for the rest, admit_is_stepwise() in admit.c has to say so.
 */
#ifndef SLUICE_ADMIT_RULES_H
#define SLUICE_ADMIT_RULES_H

#include <stdint.h>

#include "state/policy/bucket.h"
#include "state/policy/take.h"
#include "state/policy/window.h"

struct lay_scope;
struct layout;
struct lay_rules;

/*
 * In the order in which a forecast asks, because each is told what those
 * before it have found: first what is the same for all that wait, then what
 * depends on those who go before, at last what only an event can change.
 */
#define ADMIT_RULES(RULE)                                                      \
    RULE(known, "sends of a file that is lost may still count")                \
    RULE(hold, "the upstream refused: none goes, or a probe is under way")     \
    RULE(pace, "after a refusal one after the other, or ever more at once")    \
    RULE(unpaid, "the account is not paid for: none goes, or one tries")       \
    RULE(log_room, "each that goes has to find room in the log of sends")      \
    RULE(window, "so much in any window, or less while the scope recovers")    \
    RULE(tokens, "so many tokens in any window, by estimates and answers")     \
    RULE(gap, "so much time between two writes")                               \
    RULE(bucket, "tokens, where they are fewer than the window's")             \
    RULE(in_flight, "so many with the upstream at once")                       \
    RULE(pause, "an operator stopped everything")

#define ADMIT_RULE_ID(name, what) ADMIT_RULE_##name,
enum admit_rule_id { ADMIT_RULES(ADMIT_RULE_ID) ADMIT_RULES_N };
#undef ADMIT_RULE_ID

/* What is asked about; all that a rule may look at.  Nothing is changed. */
struct admit_ask {
    struct layout *lay;
    uint32_t scope, upstream;
    const struct lay_scope *s; /* the scope, looked at */
    const struct lay_rules *r; /* of the upstream, the same */
    int64_t now;
};

/*
 * What would be if nobody else came, each went as early as it may and what is
 * open were written now.  One is asked for after the other.
 */
struct forecast {
    struct admit_ask ask;
    uint64_t used;           /* what the log and the open ones weigh */
    uint32_t n;              /* so many have gone in it, */
    uint64_t weight;         /* which weigh so much together, */
    int64_t last_ns;         /* the last of them then; at first: now */
    struct bucket bucket;    /* without what these and the open ones took */
    struct window_walk walk; /* how far the log has expired */
    struct {                 /* the same of tokens, where they are limited */
        uint64_t used, gone;
        struct window_walk walk;
        uint32_t expired_n;
        uint64_t expired;
    } tokens;
    /* Those that have gone: the caller's memory, in their order.  NEVER: as if
     * it had gone now, since nobody can say. */
    const int64_t *times;
    const struct take *takes; /* NULL: each takes EACH */
    struct take each;
    uint32_t expired_n; /* so many of them have left the window again, */
    uint64_t expired;   /* which weigh so much together */
    int64_t rounds_ns;  /* windows that were left out (forecast_skip()) */
};

/*
 * Both need the lock, look only, and cost a few nanoseconds: they are asked
 * for each that waits.  For the first of a forecast, with nothing open and no
 * probe under way, both give the same.
 */
struct admit_rule {
    const char *name, *what;
    /* The earliest time at which one that takes WHAT may go if nothing else
     * happens: at most ask->now, it may now; NEVER: an event has to come
     * first. */
    int64_t (*now)(const struct admit_ask *ask, struct take what);
    /* The earliest time from AT on for the next, which takes WHAT.  NEVER: nobody can
     * say; those behind it are foretold as if it had gone AT. */
    int64_t (*foretell)(struct forecast *f, struct take what, int64_t at);
};

/* By their ids. */
extern const struct admit_rule admit_rules[];

/* The latest of all rules' answers. */
int64_t admit_rules_now(const struct admit_ask *ask, struct take what);
/* ASK for SCOPE, whose log must be refreshed (admit_refresh()). */
void admit_rules_ask(struct admit_ask *ask, struct layout *lay, uint32_t scope,
                     int64_t now);

/* TIMES and TAKES as above; TIMES is to be filled as forecast_next() tells.
 * NULL for TAKES: each weighs 1, and takes as many tokens as those that wait do
 * on average. */
void forecast_begin(struct forecast *f, const struct admit_ask *ask,
                    const int64_t *times, const struct take *takes);
/* What the next takes where nobody says. */
struct take forecast_each(const struct forecast *f);
/* When the next, which takes WHAT, goes. */
int64_t forecast_next(struct forecast *f, struct take what);
/* The first K, of weight 1, have gone: where neither gap nor bucket nor tokens
 * have a say, and before anything else is asked. */
void forecast_skip(struct forecast *f, uint32_t k);

#endif
