/*
 * thinking_ask.c - how is an upstream told whether its model shall think?
 *
 *   attempt.c   thinking_ask()              the end of the body is changed
 *   follow_up.c thinking_ask_is_refused()   it goes again without
 *
 * Of a request that came in other words and goes in chat's.  Chat
 * completions have no one word for it, and servers refuse those that they do not
 * know: the upstream's `thinking` says which it has, and `auto` says all, and
 * leaves out what is refused (refused_fields.c).
 *
 * The words stand before the last bracket of the body, which is ours and ends
 * with it: what others change (model_name.c, usage_ask.c) is before them.
 */
#include "fcgi/thinking_ask.h"

#include <string.h>

#include "fcgi/as_chat.h"
#include "fcgi/config/config.h"
#include "fcgi/messages/messages.h"
#include "fcgi/refused_fields.h"

_Static_assert(FIELD_TEMPLATE == THINKING_TEMPLATE &&
                   FIELD_EFFORT == THINKING_EFFORT,
               "one bit for a field");

static unsigned ways_of(const struct exchange *x)
{
    static const unsigned ways[] = {
        [THINK_AUTO] = THINKING_TEMPLATE | THINKING_EFFORT,
        [THINK_TEMPLATE] = THINKING_TEMPLATE,
        [THINK_EFFORT] = THINKING_EFFORT,
        [THINK_OFF] = 0,
    };

    return ways[x->s->cfg->upstreams[x->attempt.upstream].thinking] &
           ~refused_fields_of(x);
}

void thinking_ask(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct buf *body = &x->req->body;
    unsigned ways;
    size_t bare;

    if (!as_chat_is(x) || !x->req->route->is_inference || body->len == 0)
        return;
    ways = ways_of(x);
    if (ways == a->thinking)
        return;
    bare = body->len - a->thinking_len - 1;
    body->len = bare;
    messages_thinking(x->req->got->thinks, x->req->got->effort, ways, body);
    a->thinking = ways;
    a->thinking_len = body->len - bare;
    buf_str(body, "}");
    buf_fit(body);
}

static unsigned named(const struct exchange *x, const struct verdict *v)
{
    static const char *const template[] = {"chat_template"};
    static const char *const effort[] = {"reasoning_effort", "reasoningEffort",
                                         "reasoning effort"};
    static const char *const any[] = {"extra fields", "Extra inputs"};
    unsigned ways = 0;

    if (refused_fields_say(x, v, template, ARRAY_LEN(template)))
        ways |= FIELD_TEMPLATE;
    if (refused_fields_say(x, v, effort, ARRAY_LEN(effort)))
        ways |= FIELD_EFFORT;
    if (ways == 0 && x->attempt.ask.is == NULL &&
        refused_fields_say(x, v, any, ARRAY_LEN(any)))
        ways = FIELD_TEMPLATE | FIELD_EFFORT;
    return ways & x->attempt.thinking;
}

bool thinking_ask_is_refused(struct exchange *x, const struct verdict *v)
{
    unsigned ways = 0;

    if (x->attempt.thinking_len > 0 && x->req->body.data != NULL)
        ways = named(x, v);
    x->attempt.refused_fields |= ways;
    return ways != 0;
}
