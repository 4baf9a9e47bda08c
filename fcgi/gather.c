/*
 * gather.c - does it pay to wait for more?
 *
 * A step has a price, however little there is to do: the process is woken, asks
 * what there is, and wakes the web server.  With a thousand streams it is more
 * than the half of all that a piece costs, for they come one by one, some
 * thousands a second.  So where a step had nothing but pieces of streams, and
 * those are many, the next one begins no sooner than GATHER_NS after it.  A
 * piece waits for half of that on the average, which nobody sees in a stream.
 *
 * Nothing else is: timers, among them a slot that opens, new connections and
 * what other workers grant end the wait, and a step that had anything to do but
 * that is followed by the next one at once.
 */
#include "fcgi/gather.h"

#include "fcgi/sluice.h"
#include "lib/base.h"
#include "state/limiter.h"

#define GATHER_NS (1 * NS_PER_MS)
/* Many: so many pieces in a span, 2,000 a second. */
#define SPAN_NS (20 * NS_PER_MS)
#define MANY    40

void gather_begin(struct sluice *s)
{
    loop_hurry(s->loop, s->limiter_watch.fd);
    loop_hurry(s->loop, s->signal_watch.fd);
    loop_hurry(s->loop, 0);
}

static void count(struct gathered *g, int64_t now)
{
    g->in_span += g->pieces;
    if (now - g->span_ns < SPAN_NS)
        return;
    if (g->in_span >= MANY && now - g->span_ns < 2 * SPAN_NS)
        g->busy_ns = now + 2 * SPAN_NS;
    g->span_ns = now;
    g->in_span = 0;
}

void gather_look(struct sluice *s)
{
    struct gathered *g = &s->gather;
    int64_t now = loop_now(s->loop);

    count(g, now);
    if (g->pieces > 0 && g->pieces >= loop_ready(s->loop) && now < g->busy_ns)
        loop_gather(s->loop, GATHER_NS);
    g->pieces = 0;
}
