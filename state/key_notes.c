/*
 * key_notes.c - what is noted of our keys, and told to the log?
 *
 *   verdicts.c --> key_notes_answered()   a real answer
 *   own_keys.c --> key_notes_take()       a question at the start
 *
 * A change is logged as the others are (change_log.c), by the worker that saw
 * it: "key", "nim: unknown -> refused: status 401: ...".  Which file the key is
 * from only fcgi/ knows, and adds.
 */
#include "state/key_notes.h"

#include <stdio.h>

#include "state/change_log.h"
#include "state/policy/draft.h"
#include "state/worker.h"

static const char *word_of(const struct lay_own_key *k)
{
    return k->word == KEY_REFUSED    ? "refused"
           : k->word == KEY_ACCEPTED ? "ok"
                                     : "unknown";
}

void key_notes_take(struct limiter *lim, uint32_t row,
                    const struct own_key_told *told)
{
    struct layout *lay = lim->file.lay;
    struct lay_own_key new;
    struct change m = {.event = "key", .for_ns = -1};

    if (row >= LAY_UPSTREAMS)
        return;
    new = lay->own_keys[row];
    if (!own_key_is_sane(&new, lim->now))
        own_key_forget(&new, 0);
    m.from = word_of(&new);
    if (own_key_take(&new, told, lim->now)) {
        m.to = word_of(&new);
        if (new.word == KEY_REFUSED)
            snprintf(m.why, sizeof(m.why), "status %u: %.70s", new.status,
                     new.message);
        change_log_add(lim, row, &m);
    }
    draft_put(lay, &lay->own_keys[row], &new, sizeof(new));
}

void key_notes_answered(struct limiter *lim, uint32_t row,
                        const struct limiter_report *rep)
{
    const struct own_key_told told = {
        .word = rep->key, .status = rep->key_status, .message = rep->reason};

    if (rep->key != KEY_UNTOLD)
        key_notes_take(lim, row, &told);
}

void key_notes_forget(struct limiter *lim, uint32_t row)
{
    struct layout *lay = lim->file.lay;
    struct lay_own_key new;

    own_key_forget(&new, lay->own_keys[row].mark);
    draft_put(lay, &lay->own_keys[row], &new, sizeof(new));
}
