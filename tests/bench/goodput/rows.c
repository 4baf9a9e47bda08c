/*
 * rows.c - the table: which upstreams, and what has to come out of each?  For
 * several at once rows_choice.c, for limits in tokens rows_tokens.c.
 *
 * Believed are 40 in 60 s with half a second of margin, and 100 loops of 8
 * clients want more than there is, unless a row says otherwise.  A row without
 * a bound is there to be looked at.
 */
#include "row.h"

#include "lib/base.h"

#define S     NS_PER_S
#define W     (60 * S)
#define SMALL (6 * S) /* the window of what was measured end to end */

/* Limits of the account, of a model, of each model. */
#define ACCOUNT(KIND, N, WINDOW)                                               \
    {                                                                          \
        .limit = {.kind = (KIND), .size = (N), .window_ns = (WINDOW)},         \
        .of = OF_ACCOUNT                                                       \
    }
#define MODEL(KIND, N, WINDOW)                                                 \
    {                                                                          \
        .limit = {.kind = (KIND), .size = (N), .window_ns = (WINDOW)}, .of = 0 \
    }
#define EACH(KIND, N, WINDOW)                                                  \
    {                                                                          \
        .limit = {.kind = (KIND), .size = (N), .window_ns = (WINDOW)},         \
        .of = OF_EACH                                                          \
    }
#define BUCKET(N, BURST)                                                       \
    {                                                                          \
        .limit = {LIMIT_BUCKET, (N), W, (BURST)}, .of = OF_ACCOUNT             \
    }
#define WORKERS(N, OF)                                                         \
    {                                                                          \
        .limit = {.kind = LIMIT_AT_ONCE, .size = (N)}, .of = (OF),             \
        .says = SAY_BUSY                                                       \
    }

#define ONE(KIND, N) .upstream.limits = {ACCOUNT(KIND, N, W)}
#define SHED(PERMILLE)                                                         \
    .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, W)},                      \
                 .shed = {(PERMILLE), OF_ACCOUNT, SAY_RATE}}
#define ASKED(MODELS_USED)                                                     \
    .demand = {{.loops = 100, .clients = 8, .models = (MODELS_USED)}}

#define EXACT      .bounds = {{GOODPUT, 98}, {LATER, 0.25}}
#define NIMSIM     .answer_ns = 20 * NS_PER_MS, .refuse_ns = 5 * NS_PER_MS
#define END_TO_END .window_ns = SMALL, .windows = 10

const struct row rows_one[] = {
    {.group = "one limit of the account, believed 40",
     .name = "fixed 40",
     ONE(LIMIT_FIXED, 40),
     EXACT,
     .holds = true},
    {.name = "fixed 30", ONE(LIMIT_FIXED, 30), EXACT, .holds = true},
    {.name = "fixed 20", ONE(LIMIT_FIXED, 20), EXACT, .holds = true},
    {.name = "fixed 10", ONE(LIMIT_FIXED, 10), EXACT, .holds = true},
    {.name = "fixed 5", ONE(LIMIT_FIXED, 5), EXACT, .holds = true},
    {.name = "fixed 1", ONE(LIMIT_FIXED, 1), EXACT, .holds = true},
    {.name = "sliding 40", ONE(LIMIT_SLIDING, 40), EXACT, .holds = true},
    {.name = "sliding 20", ONE(LIMIT_SLIDING, 20), EXACT, .holds = true},
    {.name = "sliding 10", ONE(LIMIT_SLIDING, 10), EXACT, .holds = true},
    {.name = "sliding 5", ONE(LIMIT_SLIDING, 5), EXACT, .holds = true},
    {.name = "sliding 1", ONE(LIMIT_SLIDING, 1), EXACT, .holds = true},
    {.name = "sliding 20, refused ones count",
     ONE(LIMIT_SLIDING_ALL, 20),
     .holds = true,
     .bounds = {{GOODPUT, 95}}},
    {.name = "sliding 5, refused ones count",
     ONE(LIMIT_SLIDING_ALL, 5),
     .holds = true,
     .bounds = {{GOODPUT, 95}}},
    {.name = "fixed 20 of the clock", ONE(LIMIT_CLOCK, 20)},
    {.name = "fixed 20, says Retry-After",
     .upstream
         .limits = {{.limit = {.kind = LIMIT_FIXED, .size = 20, .window_ns = W},
                     .of = OF_ACCOUNT,
                     .tells = true}}},
    {.name = "fixed 80", ONE(LIMIT_FIXED, 80)},
    /* Longer than until the first try. */
    {.name = "fixed 20 of 6 s, up to 0.3 s away",
     END_TO_END,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 20, SMALL)},
                  .way_ns = 300 * NS_PER_MS},
     .bounds = {{BEYOND, 2}, {LATER, 0.25}},
     .holds = true},
    {.name = "fixed 20, 429s 5 s late",
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 20, W)}, .refuse_ns = 5 * S}},

    {.group = "luck: refused at random, limit fixed 40",
     .name = "shed 1 %",
     SHED(10),
     .bounds = {{GOODPUT, 97}},
     .holds = true},
    {.name = "shed 5 %", SHED(50), .bounds = {{GOODPUT, 97}}, .holds = true},
    {.name = "shed 10 %", SHED(100), .bounds = {{GOODPUT, 97}}, .holds = true},
    {.name = "shed 20 %", SHED(200), .bounds = {{GOODPUT, 93}}, .holds = true},
    {.name = "shed 5 %, limit fixed 20",
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 20, W)},
                  .shed = {50, OF_ACCOUNT, SAY_RATE}}},

    {.group = "a rate",
     .name = "bucket 20 a minute, of 5",
     .upstream.limits = {BUCKET(20, 5)},
     .bounds = {{GOODPUT, 80}, {REFUSED, 6}},
     .holds = true},
    {.name = "bucket 10 a minute, of 1",
     .upstream.limits = {BUCKET(10, 1)},
     .bounds = {{GOODPUT, 80}, {REFUSED, 6}},
     .holds = true},
    {.name = "bucket 30 a minute, of 10",
     .upstream.limits = {BUCKET(30, 10)},
     .bounds = {{GOODPUT, 80}, {REFUSED, 6}}},

    {.group = "strangers use the account too, limit fixed 40",
     .name = "stranger, 10 each 2.5 windows",
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, W)},
                  .stranger = {150 * S, 10}},
     .bounds = {{GOODPUT, 98}},
     .holds = true},
    /* Whoever sends 40 in 60.5 s cannot send them just as the window opens, as
     * an oracle without a promise does, and comes behind one of these. */
    {.name = "stranger, 1 each 6 s",
     .promised = true,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, W)},
                  .stranger = {6 * S, 1}},
     .bounds = {{GOODPUT, 98}},
     .holds = true},
    {.name = "the same beside an oracle without a promise",
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, W)},
                  .stranger = {6 * S, 1}}},

    {.group = "it changes",
     .name = "fixed 20 rises to 40",
     .windows = 30,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 20, W)},
                  .change = {330 * S, 40}},
     .holds = true,
     .bounds = {{RECOVER, 20}}},
    {.name = "fixed 40 falls to 20",
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, W)},
                  .change = {330 * S, 20}},
     .holds = true,
     .bounds = {{RECOVER, 1}}},
    {.name = "500 to all for two windows",
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, W)},
                  .outage = {330 * S, 450 * S, SAY_FINE}}},

    {.group = "whose limit?",
     .name = "one model of three always 429",
     .upstream.limits = {ACCOUNT(LIMIT_FIXED, 40, W), MODEL(LIMIT_FIXED, 0, W)},
     ASKED(3),
     .owed = {0, 20, 20},
     .bounds = {{OTHERS, 98}},
     .holds = true},
    {.name = "one model of three at 30 an hour",
     .windows = 120,
     .upstream.limits = {ACCOUNT(LIMIT_FIXED, 40, W),
                         MODEL(LIMIT_FIXED, 30, 3600 * S)},
     ASKED(3),
     .owed = {0.5, 19.75, 19.75},
     .bounds = {{WATCHED, 83.3}},
     .holds = true},
    {.name = "account 20, eight models",
     ONE(LIMIT_FIXED, 20),
     ASKED(8),
     .holds = true,
     .bounds = {{BEYOND, 8}}},
    {.name = "each of two models 10",
     .upstream.limits = {EACH(LIMIT_FIXED, 10, W)},
     ASKED(2),
     .owed = {10, 10}},
    {.name = "account 40, one of two models 10",
     .upstream.limits = {ACCOUNT(LIMIT_FIXED, 40, W),
                         MODEL(LIMIT_FIXED, 10, W)},
     ASKED(2),
     .owed = {10, 30}},

    {.group = "what blocks: workers, moods",
     .name = "4 workers of 1 s, beside a free model",
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, W), WORKERS(4, 0)},
                  .service_ns = {S}},
     ASKED(2),
     .owed = {20, 20},
     .bounds = {{WATCHED, 90},
                {GOODPUT, 98},
                {PER_ANSWER, 0.1},
                {OWN_ETA_P50, 2},
                {OWN_ETA_P90, 10}},
     .holds = true},
    {.name = "4 workers of 12 s, alone",
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, W), WORKERS(4, 0)},
                  .service_ns = {12 * S}},
     .bounds = {{PER_ANSWER, 0.1}},
     .holds = true},
    {.name = "half of one model's answers 503",
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, W)},
                  .shed = {500, 0, SAY_BUSY}},
     ASKED(2),
     .owed = {10, 20},
     .bounds = {{WATCHED, 80}, {OTHERS, 95}},
     .holds = true},
    {.name = "8 in flight of the account, 20 s each",
     .upstream = {.limits = {{.limit = {.kind = LIMIT_AT_ONCE, .size = 8},
                              .of = OF_ACCOUNT}},
                  .answer_ns = 20 * S}},

    {.group = "one request never passes; 5 innocent clients, 10 s apart",
     .name = "A1: of another model",
     ONE(LIMIT_FIXED, 40),
     .demand = {{.loops = 5,
                 .clients = 5,
                 .first_client = 1,
                 .first_model = 1,
                 .think_ns = 10 * S},
                {.loops = 1, .think_ns = 10 * S, .poisoned = true}},
     .bounds = {{WAIT, 1}, {TRIED, 5}},
     .holds = true},
    {.name = "A2: of the same model",
     ONE(LIMIT_FIXED, 40),
     .demand =
         {{.loops = 5, .clients = 5, .first_client = 1, .think_ns = 10 * S},
          {.loops = 1, .think_ns = 10 * S, .poisoned = true}},
     .bounds = {{WAIT, 1}, {TRIED, 5}},
     .holds = true},
    {.name = "A1: of the same client",
     ONE(LIMIT_FIXED, 40),
     .demand = {{.loops = 5, .first_model = 1, .think_ns = 10 * S},
                {.loops = 1, .think_ns = 10 * S, .poisoned = true}},
     .bounds = {{WAIT, 1}, {TRIED, 5}},
     .holds = true},
    {.group = "measured end to end: window 6 s, for 60 s",
     .name = "end to end: fixed 40",
     END_TO_END,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, SMALL)}, NIMSIM},
     .bounds = {{GOODPUT, 98}},
     .seen = {GOODPUT, 100},
     .holds = true},
    {.name = "end to end: fixed 20",
     END_TO_END,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 20, SMALL)}, NIMSIM},
     .bounds = {{GOODPUT, 98}},
     .seen = {GOODPUT, 100},
     .holds = true},
    {.name = "end to end: stranger, 10 each 15 s",
     END_TO_END,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, SMALL)},
                  .stranger = {15 * S, 10},
                  NIMSIM},
     .bounds = {{GOODPUT, 98}},
     .seen = {GOODPUT, 98}},
    {.name = "end to end: shed 5 %",
     END_TO_END,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, SMALL)},
                  .shed = {50, OF_ACCOUNT, SAY_RATE},
                  NIMSIM},
     .bounds = {{GOODPUT, 97}},
     .seen = {GOODPUT, 100},
     .holds = true},
    {.name = "end to end: shed 10 %",
     END_TO_END,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, SMALL)},
                  .shed = {100, OF_ACCOUNT, SAY_RATE},
                  NIMSIM},
     .bounds = {{GOODPUT, 97}},
     .seen = {GOODPUT, 102},
     .holds = true},
    {.name = "end to end: 4 workers of 1 s, alone",
     END_TO_END,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, SMALL), WORKERS(4, 0)},
                  .service_ns = {S},
                  NIMSIM},
     .bounds = {{PER_ANSWER, 0.1}},
     .seen = {GOODPUT, 98},
     .holds = true},
    {.name = "end to end: 4 workers of 1 s, beside a free model",
     END_TO_END,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, SMALL), WORKERS(4, 0)},
                  .service_ns = {S},
                  NIMSIM},
     ASKED(2),
     .owed = {20, 20},
     /* Of ten windows the last is cut off, and the first was a burst. */
     .bounds = {{WATCHED, 80},
                {EVEN, 85},
                {PER_ANSWER, 0.1},
                {OWN_ETA_P50, 2},
                {OWN_ETA_P90, 10}},
     .seen = {WATCHED, 86},
     .holds = true},
    {.name = "end to end: half of one model's answers 503",
     END_TO_END,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, SMALL)},
                  .shed = {500, 0, SAY_BUSY},
                  NIMSIM},
     ASKED(2),
     .owed = {10, 20},
     .bounds = {{WATCHED, 80}, {OTHERS, 90}},
     .seen = {WATCHED, 99},
     .holds = true},
    {.name = "end to end: one model of two always 429",
     END_TO_END,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 40, SMALL),
                             MODEL(LIMIT_FIXED, 0, SMALL)},
                  NIMSIM},
     ASKED(2),
     .owed = {0, 40},
     .bounds = {{OTHERS, 95}},
     .seen = {GOODPUT, 97},
     .holds = true},
    {.name = "end to end: 200 jobs, 30 % mixed faults",
     .window_ns = 2 * S,
     .windows = 100,
     .believed = 100,
     .tries = 8,
     .jobs = 200,
     .upstream = {.limits = {ACCOUNT(LIMIT_FIXED, 100, 2 * S)},
                  .shed = {300, OF_ACCOUNT, SAY_MIXED},
                  NIMSIM},
     .demand = {{.loops = 200}},
     .bounds = {{DONE, 100}, {SLOWER, 3}},
     .seen = {GOODPUT, 49}},
    {.name = NULL},
};
