/* test_grant.c - a slot between its grant and its first byte on the wire. */
#include <string.h>

#include "desk.h"
#include "layout.h"
#include "worker.h"

/* ---- none ------------------------------------------------------------------ */

static void a_request_without_a_ticket_asks_for_nothing(void)
{
    struct desk *d = desk_of(1, 2);
    struct limiter_report rep = {ANSWER_RATE, -1, 429, ""};
    struct ticket_news news = {.position = 7};

    limiter_sent(d->w[0], NULL);
    limiter_report(d->w[0], NULL, &rep);
    limiter_again(d->w[0], NULL, true);
    limiter_body_gone(d->w[0], NULL);
    limiter_lost(d->w[0], NULL);
    CU_ASSERT_FALSE(limiter_place(d->w[0], NULL, d->now, &news));
    CU_ASSERT_EQUAL(news.position, 7);
    limiter_done(d->w[0], NULL, false);
    CU_ASSERT_FALSE(limiter_has_wishes(d->w[0]));
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.counters.sent, 0);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"a request without a ticket asks for nothing",
     a_request_without_a_ticket_asks_for_nothing},
    {NULL, NULL},
};

CU_ErrorCode test_grant_add(void)
{
    return unit_add("grant", tests);
}
