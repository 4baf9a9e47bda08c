/*
 * own_key.c - does the upstream take our key?
 *
 *   a real answer     says so, whatever it is about
 *   the list of       refuses a key that is wrong, where it asks for one.  That
 *   models            it comes says nothing: many give it to anybody
 *
 * A key may also have the right to ask models and none to list them: so a list's
 * 403 says nothing, and its 401 nothing against a model that took the key.
 *
 * A 403 may also be about the one request: a model that the account was not
 * granted, a prompt that was moderated.  So a key that others went well with is
 * believed until three in a row say otherwise; a 401 has no other meaning.
 */
#include "state/policy/own_key.h"

#include <string.h>

#define DOUBTS_MAX 3

bool own_key_is_sane(const struct lay_own_key *k, int64_t now)
{
    return k->word <= KEY_REFUSED && k->status <= 999 &&
           k->doubts <= DOUBTS_MAX && k->by_list <= 1 && k->since_ns >= 0 &&
           k->since_ns <= now;
}

void own_key_forget(struct lay_own_key *k, uint64_t mark)
{
    memset(k, 0, sizeof(*k));
    k->mark = mark;
}

static bool accept(struct lay_own_key *k, bool by_list, int64_t now)
{
    if (by_list && k->word == KEY_REFUSED && k->by_list == 0)
        return false; /* a model has refused it: of that the list knows nothing */
    k->doubts = 0;
    if (k->word == KEY_ACCEPTED) {
        k->by_list = k->by_list == 1 && by_list;
        return false;
    }
    own_key_forget(k, k->mark);
    k->word = KEY_ACCEPTED;
    k->by_list = by_list;
    k->since_ns = now;
    return true;
}

/* Is it only this one request that is refused, maybe? */
static bool is_doubt(struct lay_own_key *k, const struct own_key_told *told)
{
    if (told->by_list || told->status != 403 || k->word != KEY_ACCEPTED)
        return false;
    k->doubts++;
    return k->doubts < DOUBTS_MAX;
}

static bool refuse(struct lay_own_key *k, const struct own_key_told *told,
                   int64_t now)
{
    bool is_news = k->word != KEY_REFUSED;

    if (told->by_list &&
        (told->status != 401 || (k->word != KEY_UNTOLD && k->by_list == 0)))
        return false; /* known from a better witness */
    if (is_doubt(k, told))
        return false;
    if (is_news)
        k->since_ns = now;
    k->word = KEY_REFUSED;
    k->doubts = 0;
    k->status = told->status;
    k->by_list = told->by_list;
    memset(k->message, 0, sizeof(k->message));
    memcpy(k->message, told->message,
           strnlen(told->message, sizeof(k->message) - 1));
    return is_news;
}

bool own_key_take(struct lay_own_key *k, const struct own_key_told *told,
                  int64_t now)
{
    switch (told->word) {
    case KEY_ACCEPTED:
        return accept(k, told->by_list, now);
    case KEY_REFUSED:
        return refuse(k, told, now);
    case KEY_UNTOLD:
        break;
    }
    /* The list comes.  If it did not with this very key, it takes that now. */
    return told->by_list && k->word == KEY_REFUSED && k->by_list == 1 &&
           accept(k, true, now);
}
