/*
 * rows_choice.c - several upstreams that may serve the same: is all of them used?
 *
 * Each has a sliding window, and its limit is believed as it is.  Where nothing
 * is said 100 loops want more than there is.
 */
#include "row.h"

#include "lib/base.h"

#define S NS_PER_S
#define W (60 * S)

#define WINDOW(N)                                                              \
    {                                                                          \
        .limit = {.kind = LIMIT_SLIDING, .size = (N), .window_ns = W},         \
        .of = OF_ACCOUNT                                                       \
    }
#define AT_ONCE(N)                                                             \
    {                                                                          \
        .limit = {.kind = LIMIT_AT_ONCE, .size = (N)}, .of = 0,                \
        .says = SAY_BUSY                                                       \
    }
/* ITS says what is special about it; .answer_ns = 0: nothing. */
#define UP(N, ITS)                                                             \
    {                                                                          \
        .upstream = {.limits = {WINDOW(N)}, ITS}, .believed = (N)              \
    }
#define OUT(FROM, TO, SAYS) .outage = {(FROM), (TO), (SAYS)}
#define SHED(PERMILLE)      .shed = {(PERMILLE), OF_ACCOUNT, SAY_RATE}
#define DAY                 (24 * 3600 * S)

#define FIRST .kind = ROW_CHOICE, .upstream.limits = {WINDOW(40)}

#define SOUND                                                                  \
    .bounds = {{GOODPUT, 98}, {BESIDE, 100}, {MOST, 100}, {ETA_P90, 1}}

const struct row rows_choice[] = {
    {.group = "several upstreams for the same requests",
     .name = "40 and 20",
     FIRST,
     .more = {UP(20, .answer_ns = 0)},
     SOUND,
     .holds = true},
    /* Of one client: among several who comes later may go first, and what the
     * others were told was too early, with one upstream as with more.  Who waits at
     * the end is counted nowhere: half a percent is that. */
    {.name = "40 and 20, nine tenths of it asked for",
     FIRST,
     .more = {UP(20, .answer_ns = 0)},
     .demand = {{.loops = 216, .think_ns = 240 * S, .at_any_time = true}},
     .bounds = {{GOODPUT, 98}, {BESIDE, 99.5}, {MOST, 100}, {ETA_P90, 1}},
     .holds = true},
    {.name = "40, 20, and nobody at the third",
     FIRST,
     .more = {UP(20, .answer_ns = 0), UP(40, OUT(0, DAY, SAY_AWAY))},
     .bounds = {{GOODPUT, 98}, {BESIDE, 100}, {MOST, 100}},
     .wanted = {{ETA_P90, 1}},
     .holds = true},
    {.name = "40 and 40, one says nothing but errors",
     FIRST,
     .more = {UP(40, OUT(0, DAY, SAY_FAULT))},
     .bounds = {{GOODPUT, 98}, {BESIDE, 100}, {MOST, 100}},
     .holds = true},
    {.name = "40 and 40, one answers after 15 s",
     FIRST,
     .more = {UP(40, .answer_ns = 15 * S)},
     SOUND,
     .holds = true},
    {.name = "40 and 40, one sheds 10 %",
     FIRST,
     .more = {UP(40, SHED(100))},
     .bounds = {{GOODPUT, 95}, {BESIDE, 98}, {MOST, 100}},
     .wanted = {{BESIDE, 100}},
     .holds = true},
    {.name = "40 and 40, one bears 2 of 6 s at once",
     FIRST,
     .more = {{.upstream = {.limits = {WINDOW(40), AT_ONCE(2)},
                            .answer_ns = 6 * S},
               .believed = 40}},
     .bounds = {{GOODPUT, 95}, {BESIDE, 100}, {MOST, 100}},
     .holds = true},
    {.name = "40 and 40, one says 429 for two windows",
     FIRST,
     .more = {UP(40, OUT(8 * W, 10 * W, SAY_RATE))},
     .bounds = {{GOODPUT, 95}, {MOST, 100}},
     .wanted = {{BESIDE, 100}},
     .holds = true},
    {.name = NULL},
};
