/*
 * change_log.c - what changed for everybody in this turn?
 *
 * Noted under the lock by the worker that changed it, logged after it: one
 * line for each change, "nim: normal -> holding for 60.5 s: ...".  A turn that
 * was cut short by a damaged file changed nothing that still counts.
 */
#include <string.h>

#include "state/change_log.h"
#include "state/policy/admit.h"
#include "state/say.h"
#include "state/worker.h"

static void copy(char *to, size_t max, const char *from)
{
    size_t n = strnlen(from, max - 1);

    memcpy(to, from, n);
    to[n] = '\0';
}

/* Names come from the shared file: no control characters into a log. */
static void clean(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

void change_log_add(struct limiter *lim, uint32_t scope,
                    const struct change *what)
{
    struct layout *lay = lim->file.lay;
    struct change *m;

    if (lim->n_marks == MARKS_MAX) {
        lim->more_marks++;
        return;
    }
    m = &lim->marks[lim->n_marks++];
    *m = *what;
    if (scope < LAY_UPSTREAMS)
        copy(m->name, sizeof(lay->rules[scope].name), lay->rules[scope].name);
    else if (scope < LAY_SCOPES)
        copy(m->name, sizeof(m->name), lay->models[scope - LAY_UPSTREAMS].text);
    clean(m->name);
    clean(m->why);
}

void change_log_why(struct change *m, const char *reason)
{
    copy(m->why, sizeof(m->why), reason);
}

static void say(struct limiter *lim, const struct change *m)
{
    char span[40] = "";

    if (m->for_ns >= 0)
        snprintf(span, sizeof(span), " for %.1f s", (double)m->for_ns / 1e9);
    else if (m->at_once > 0)
        snprintf(span, sizeof(span), " to %u at once", m->at_once);
    limiter_say(lim, m->event, "%s: %s -> %s%s%s%s", m->name, m->from, m->to,
                span, m->why[0] != '\0' ? ": " : "", m->why);
}

void change_log_tell(struct limiter *lim)
{
    uint32_t i;

    for (i = 0; i < lim->n_marks; i++)
        say(lim, &lim->marks[i]);
    if (lim->more_marks > 0)
        limiter_say(lim, "retreat", "and %u more changes in the same turn",
                    lim->more_marks);
    change_log_forget(lim);
}

void change_log_forget(struct limiter *lim)
{
    lim->n_marks = lim->more_marks = 0;
}
