/*
 * ledger_row.c - what does one request add to what a model or a client did?
 *
 *   ledger.c --> ledger_row_add()   a request is over
 *
 * All that a request has to tell is told at its end: of one that takes an hour
 * nothing is known before, and then all at once.
 */
#include "state/stats/ledger_row.h"

#include <assert.h>

#include "lib/base.h"
#include "state/stats/rings.h"

/* Who reads and who maps it rely on this size: the disk's is the same. */
static_assert(sizeof(struct lay_ledger_row) == 128, "bump STATS_VERSION");

/* More, and no further than to the end: a number that begins at 0 again would
 * be a lie, one that stays is a bound. */
static void more(uint32_t *sum, uint64_t n)
{
    *sum = n < UINT32_MAX - *sum ? *sum + (uint32_t)n : UINT32_MAX;
}

/* The upstream's fault or ours; what the client did, or somebody for it, is
 * neither well nor an error. */
static bool is_error(enum outcome o)
{
    return o != OUTCOME_OK && o != OUTCOME_CLIENT_ERROR &&
           o != OUTCOME_HANGUP && o != OUTCOME_CANCELLED;
}

/* Counted with the others' quantiles: one more of its bucket. */
static void spread(uint16_t *buckets, enum band band, int64_t us)
{
    uint32_t one[PAST_BUCKETS] = {0}, i, k;

    quantiles_add(band, one, us);
    for (i = 0; i < PAST_BUCKETS - 1 && one[i] == 0;)
        i++;
    if (buckets[i] == UINT16_MAX)
        for (k = 0; k < PAST_BUCKETS; k++)
            buckets[k] /= 2;
    buckets[i]++;
}

/* NS of a part of its life, in milliseconds, rounded: sums of thousands are as
 * good as those of microseconds, and need half the room. */
static void took(uint32_t *sum_ms, uint32_t *n, int64_t ns)
{
    more(sum_ms, ((uint64_t)ns + NS_PER_MS / 2) / NS_PER_MS);
    more(n, 1);
}

static void add_times(struct lay_ledger_row *r, const struct limiter_note *n)
{
    if (n->queue_ns >= 0) {
        took(&r->queue_ms, &r->queue_n, n->queue_ns);
        spread(r->queue, BAND_QUEUE, n->queue_ns / 1000);
    }
    if (n->first_byte_ns >= 0) {
        took(&r->first_byte_ms, &r->first_byte_n, n->first_byte_ns);
        spread(r->first_byte, BAND_FIRST_BYTE, n->first_byte_ns / 1000);
    }
    /* From its slot to its end: what the model took, not what others did. */
    if (n->first_byte_ns >= 0 && n->generation_ns >= 0)
        took(&r->answer_ms, &r->answer_n, n->first_byte_ns + n->generation_ns);
}

void ledger_row_add(struct lay_ledger_row *r, const struct limiter_note *n)
{
    more(&r->requests, 1);
    more(&r->ok, n->outcome == OUTCOME_OK);
    more(&r->errors, is_error(n->outcome));
    more(&r->refused, n->refusals);
    more(&r->streams, n->stream);
    more(&r->sends, n->attempts);
    more(&r->answers, note_is_answer(n));
    more(&r->told, note_is_told(n));
    more(&r->tokens_in, (uint64_t)max_i64(n->tokens_in, 0));
    more(&r->tokens_out, (uint64_t)max_i64(n->tokens_out, 0));
    r->bytes_in += n->prompt_bytes;
    r->bytes_out += n->bytes;
    add_times(r, n);
}

bool ledger_row_is(const struct lay_ledger_row *r, uint32_t pool, int64_t *t)
{
    *t = r->when * ledger_pools[pool].step_s;
    return r->id != 0 && rings_is_time(*t);
}
