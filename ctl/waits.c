/*
 * waits.c - for what does somebody wait, how many, and until when?
 *
 * A line for each cause, most first, as the dashboard has them.  What is to be
 * done differs by the cause: a full window opens by itself, a pause does not.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "lib/base.h"
#include "state/view_cause.h"

/* {u}: the upstream, {m}: the model, {c}: the client.  In words that stand after
 * "26 wait": what has to come, not what went wrong. */
static const char *const words[WAIT_CAUSES] = {
    [WAITS_WINDOW] = "for the window of {u}",
    [WAITS_MODEL] = "for the model {m} of {u}",
    [WAITS_CONCURRENCY] = "for one of those in flight at {u} (in_flight)",
    [WAITS_HOLD] = "for the hold of {u} to end",
    [WAITS_RECOVERING] = "for {u} to recover: fewer go than may",
    [WAITS_CLIENT] = "for the limit of the client {c}",
    [WAITS_PAUSED] = "for the pause to end (sluicectl resume)",
    [WAITS_UNPAID] = "for {u}, which is not paid for or used up",
    [WAITS_AWAY] = "for {u}, which cannot be reached or fails",
    [WAITS_KEY] = "for {u}, which refuses our key",
    [WAITS_TOKENS] = "for the limit in tokens of {u}",
    [WAITS_GAP] = "for the gap between two requests to {u}",
    [WAITS_STATE] = "for the shared state, or a worker that does not answer",
    [WAITS_RETRY] = "for their next try",
};

/* Those that may go to either of several have no one upstream to wait for. */
static const char *upstream_name(const struct limiter_view *v,
                                 uint32_t upstream)
{
    uint32_t i;

    for (i = 0; upstream != NONE && i < v->n_scopes; i++)
        if (v->scopes[i].upstream == upstream)
            return v->scopes[i].rules.name;
    return "any of several upstreams";
}

/* Letter by letter: the words are ours, and only what stands for a name comes from
 * somebody else, so it alone is freed of what a terminal would obey. */
static void print_words(const struct limiter_view *v,
                        const struct view_group *g)
{
    const char *p = words[g->cause];

    for (; *p != '\0'; p++) {
        char name[LIMITER_NAME_MAX];
        const char *text = "";

        if (*p != '{') {
            putchar(*p);
            continue;
        }
        if (p[1] == 'u')
            text = upstream_name(v, g->upstream);
        else if (p[1] == 'm' && g->model != NULL)
            text = g->model;
        else if (p[1] == 'c' && g->client != NULL)
            text = g->client;
        fputs(plain(name, text), stdout);
        p += 2;
    }
}

/* Of the last one nobody may know, though the next one is certain. */
static void print_times(const struct view_group *g)
{
    char next[DURATION_MAX], last[DURATION_MAX];

    if (g->next_ns < 0)
        printf(": no time is known\n");
    else if (g->waiting == 1)
        printf(": it goes in %s\n", duration(next, g->next_ns));
    else if (g->last_ns < 0)
        printf(": the next goes in %s\n", duration(next, g->next_ns));
    else
        printf(": the next goes in %s, the last in %s\n",
               duration(next, g->next_ns), duration(last, g->last_ns));
}

/* As many as a page of the dashboard has room for; of more causes than that the
 * rarest are left out, as they are there. */
void waits_print(const struct limiter_view *v)
{
    struct view_group groups[VIEW_GROUPS];
    uint32_t i, n = view_causes(v, groups, VIEW_GROUPS);

    for (i = 0; i < n; i++) {
        printf("%u %s ", groups[i].waiting,
               groups[i].waiting == 1 ? "waits" : "wait");
        print_words(v, &groups[i]);
        print_times(&groups[i]);
    }
}

const char *waits_why(const struct view_row *r)
{
    return r->waiting ? wait_cause_names[r->cause] : "-";
}
