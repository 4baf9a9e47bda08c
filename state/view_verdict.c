/*
 * view_verdict.c - how does it stand, in a word, and what can be done?
 *
 *   snapshot.c, sluicectl status --> view_verdict()
 *
 * One table: the first row that applies is what is said, so the most serious one
 * comes first.  A row finds out whether it applies, and notes what its sentences
 * have gaps for: {name} whose it is, {n} and {of} numbers, {in} a time from now,
 * {up} the upstream, {why} its own words.
 */
#include "state/view_verdict.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "state/verdict_facts.h"
#include "state/view_cause.h"

const char *const view_tone_names[] = {"fine", "wait", "hold", "bad"};

/* ---- the table -------------------------------------------------------------------- */

static const struct row {
    const char *word;
    enum view_tone tone;
    bool (*applies)(struct verdict_facts *f);
    const char *title, *reason, *next_step;
} rows[] = {
    {"state_trouble", TONE_BAD, verdict_no_worker_answers, "No worker answers.",
     "None of {n} workers has been seen lately: they are stopped, or stuck.",
     "Look at them (`sluicectl status` has their numbers) and at the log; "
     "restart Sluice if they stay silent."},
    {"state_trouble", TONE_BAD, verdict_state_is_new,
     "{n} wait because the shared state is new.",
     "It was lost or the machine has just started, so that nobody knows what "
     "was sent before: the window counts as full. The next goes {in}.",
     "Wait. If it happens again, the log says what is wrong with state_dir."},
    {"store_lost", TONE_BAD, verdict_store_is_lost,
     "The store that all machines share cannot be reached.",
     "Nobody knows what the other machines send; shared.on_loss says what "
     "happens meanwhile.",
     "See whether the store of shared.url runs, and whether this machine "
     "reaches it."},
    {"paused", TONE_HOLD, verdict_is_paused, "Sluice is paused.",
     "{name} paused it {n} ago: nothing that costs a slot is sent.",
     "Resume it: `sluicectl resume`, or the button."},
    {"key_refused", TONE_BAD, verdict_key_is_refused,
     "The upstream {name} refuses our key.",
     "It has answered {n} for {of}: {why}",
     "Put a valid key into api_key_file or NVIDIA_API_KEY and restart. If the "
     "account was put in order instead: `sluicectl clear`."},
    {"unpaid", TONE_HOLD, verdict_is_unpaid,
     "The upstream {name} wants to be paid.",
     "It said: {why}. Requests for it are refused; it is tried again {in}.",
     "Add credit to the account, then `sluicectl clear`, or wait for the next "
     "try."},
    {"upstream_away", TONE_BAD, verdict_is_away,
     "The upstream {name} does not answer.",
     "{why}. Requests for it wait; it is tried again {in}.",
     "See whether it is up and whether this machine reaches it; else wait."},
    {"hold", TONE_HOLD, verdict_is_holding, "{name} said 429: nothing is sent.",
     "{why}. One request tries again {in}, then the rest goes on.",
     "Wait. If somebody else uses the same account, set requests to your share "
     "of it."},
    {"hold", TONE_HOLD, verdict_is_probing,
     "{name} said 429: one request tries again.",
     "{why}. The rest goes on as soon as that one is answered.", "Wait."},
    {"queue_nearly_full", TONE_BAD, verdict_is_nearly_full,
     "The queue is nearly full: {n} of {of}.",
     "Who comes when it is full is refused (429, sluice_queue_full).",
     "Send less, or raise queue.max: `sluicectl set queue.max=N`."},
    {"recovering", TONE_WAIT, verdict_is_recovering,
     "{name} is being tried at {n} of {of} requests.",
     "{why}. The limit grows back by itself, step by step.", "Wait."},
    {"failing", TONE_BAD, verdict_is_failing,
     "{n} of the last {of} requests came to no good end.",
     "Most of them: {why}.",
     "Look at the last requests and at the log, which say what happened."},
    {"busy_model", TONE_WAIT, verdict_model_is_busy,
     "{n} of {of} wait for {name}.",
     "That model takes no more at once, or is left alone for now; others are "
     "not held up by it. The next goes {in}.",
     "Wait, or use another model."},
    {"client_limit", TONE_WAIT, verdict_client_is_at_limit,
     "{n} of {of} wait for the limit of the client {name}.",
     "It has sent as much as its own key may. The next goes {in}.",
     "Wait, or raise the limit of that key."},
    {"concurrency", TONE_WAIT, verdict_is_at_concurrency,
     "{n} wait until others at {name} have ended.",
     "As many run there as in_flight allows.",
     "Wait, or raise it: `sluicectl set upstreams.{up}.in_flight=N`."},
    {"tokens", TONE_WAIT, verdict_is_out_of_tokens,
     "{n} wait for the limit in tokens of {name}.",
     "As many tokens were sent as tokens_per_min allows. The next goes {in}.",
     "Wait, or raise it: `sluicectl set upstreams.{up}.tokens_per_min=N`."},
    {"gap", TONE_WAIT, verdict_is_spaced,
     "{n} wait for their turn, one by one.",
     "min_gap_ms or burst spaces them out. The next goes {in}.", ""},
    {"retry", TONE_WAIT, verdict_is_between_tries,
     "{n} are about to be tried again.",
     "Their upstream failed them a moment ago. The next goes {in}.", "Wait."},
    {"learned_lower", TONE_WAIT, verdict_has_learned_lower,
     "{name} takes fewer than is set: about {n} of {of}.",
     "Its refusals have taught that about {n} pass in {in}; {of} are set.",
     "Set what it takes: `sluicectl set upstreams.{up}.requests={n}`; or leave "
     "it: Sluice "
     "keeps to it by itself."},
    {"window", TONE_WAIT, verdict_somebody_waits, "{n} wait for the window.",
     "{of} requests were sent lately, as many as may. The next goes {in}.", ""},
    {"running", TONE_FINE, verdict_somebody_runs,
     "Nobody waits; {n} are running.", "Whoever comes now goes {in}.", ""},
    {"idle", TONE_FINE, verdict_always, "Nobody waits.",
     "Whoever comes now goes {in}.", ""},
};

const char *view_verdict_word(uint32_t i)
{
    return i < ARRAY_LEN(rows) ? rows[i].word : NULL;
}

/* ---- filling it in ----------------------------------------------------------------- */

static const char *gap(const struct verdict_facts *f, const char *name,
                       size_t len)
{
    if (len == 1)
        return f->n;
    if (len == 4)
        return f->name;
    if (len == 3)
        return f->why[0] != '\0' ? f->why : "it did not say why";
    return name[0] == 'i' ? f->in : name[0] == 'u' ? f->out->upstream : f->of;
}

static void fill(char *to, size_t max, const char *sentence,
                 const struct verdict_facts *f)
{
    const char *p = sentence, *end;
    size_t len = 0;

    for (; *p != '\0' && len + 1 < max; p++) {
        if (*p != '{' || (end = strchr(p, '}')) == NULL) {
            to[len++] = *p;
            continue;
        }
        len += (size_t)snprintf(to + len, max - len, "%s",
                                gap(f, p + 1, (size_t)(end - p - 1)));
        if (len >= max)
            len = max - 1;
        p = end;
    }
    to[len] = '\0';
}

static void begin(struct verdict_facts *f, const struct limiter_view *v,
                  int64_t time_ms, struct view_verdict *out)
{
    uint32_t i;

    memset(out, 0, sizeof(*out));
    f->v = v;
    f->time_ms = time_ms;
    f->out = out;
    f->waiting = f->running = 0;
    for (i = 0; i < v->n_rows; i++) {
        f->waiting += v->rows[i].waiting;
        f->running += !v->rows[i].waiting;
    }
    f->n_groups = view_causes(v, f->groups, VIEW_GROUPS);
}

/* What a row noted that did not apply is nobody's. */
static void clear(struct verdict_facts *f)
{
    memset(f->out, 0, sizeof(*f->out));
    f->out->ends_ns = -1;
    f->out->waiting = f->waiting;
    f->n[0] = f->of[0] = f->in[0] = '\0';
    f->name = f->why = "";
}

void view_verdict(const struct limiter_view *v, int64_t time_ms,
                  struct view_verdict *out)
{
    const struct row *row = rows;
    struct verdict_facts f;

    begin(&f, v, time_ms, out);
    for (clear(&f); !row->applies(&f); clear(&f))
        row++;
    out->word = row->word;
    out->tone = row->tone;
    fill(out->title, sizeof(out->title), row->title, &f);
    fill(out->reason, sizeof(out->reason), row->reason, &f);
    fill(out->next_step, sizeof(out->next_step), row->next_step, &f);
}
