/*
 * rows_tokens.c - a limit in tokens: is it used, and kept?
 *
 * A request takes 800 on average (sizes.c).  Of 10,000 in a minute that is twelve:
 * then it counts what is left over because the next one does not fit.  What is
 * reserved beyond the truth for as long as an answer takes, and of aborted ones for
 * a whole window, is lost either way.  Requests are believed to be limited, too, to
 * more than there can be.
 */
#include "row.h"

#include "lib/base.h"

#define LIMIT(N) .kind = ROW_TOKENS, .upstream.tokens = {(N), 60 * NS_PER_S}
#define FEW      LIMIT(10000), .windows = 60, .demand = {{.loops = 40, .clients = 8}}
#define MANY                                                                   \
    LIMIT(100000), .believed = 1000, .demand = {{.loops = 240, .clients = 8}}

#define BOUNDS(USED_TODAY, MOST_EVER)                                          \
    .bounds = {{TOKENS, (USED_TODAY)}, {MOST, (MOST_EVER)}},                   \
    .wanted = {{TOKENS, 85}}

const struct row rows_tokens[] = {
    {.group = "tokens a minute, of requests of 60 to 3,500",
     .name = "10,000 tokens, max_tokens near the truth",
     FEW,
     .given = BOUND_NEAR,
     BOUNDS(80, 100),
     .holds = true},
    {.name = "10,000 tokens, max_tokens 1,500 with each",
     FEW,
     .given = BOUND_FAR,
     BOUNDS(57, 100),
     .holds = true},
    {.name = "10,000 tokens, no max_tokens",
     FEW,
     .given = BOUND_NONE,
     .bounds = {{TOKENS, 64}, {MOST, 103}},
     .wanted = {{TOKENS, 85}},
     .holds = true},
    {.name = "100,000 tokens, max_tokens near the truth",
     MANY,
     .given = BOUND_NEAR,
     .bounds = {{TOKENS, 85}, {MOST, 100}},
     .holds = true},
    {.name = "100,000 tokens, max_tokens 1,500 with each",
     MANY,
     .given = BOUND_FAR,
     BOUNDS(65, 100),
     .holds = true},
    {.name = "100,000 tokens, no max_tokens",
     MANY,
     .given = BOUND_NONE,
     BOUNDS(71, 103),
     .holds = true},
    {.name = NULL},
};
