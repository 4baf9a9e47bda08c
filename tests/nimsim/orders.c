/*
 * operator.c - which words does an arrival get beside its model's?
 *
 * One draw from the generator for each accepted arrival, a second one for a
 * fault's kind, and one for a model's percent-N: the same seed and the same arrivals give the same faults.
 */
#include "orders.h"

#include <string.h>

#include "model.h"

void orders_reset(struct orders *o)
{
    o->state = o->seed;
    o->next_at = 0;
    o->next_len = 0;
}

/* SplitMix64 (Steele, Lea and Flood, 2014): any seed is a good one. */
static uint64_t draw(struct orders *o)
{
    uint64_t z = (o->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

bool orders_chance(struct orders *o, double percent)
{
    return (double)(draw(o) >> 11) * 0x1p-53 * 100 < percent;
}

const char *orders_for_model(const struct orders *o, const char *model)
{
    size_t i;

    for (i = 0; i < o->models_len; i++) {
        if (strcmp(o->models[i].model, model) == 0)
            return o->models[i].words;
    }
    return "";
}

enum orders_by orders_give(struct orders *o, struct behaviour *how)
{
    const char *words = "";
    enum orders_by by = ORDERS_BY_MODEL;

    if (o->next_at < o->next_len) {
        words = o->next[o->next_at++];
        by = ORDERS_BY_NEXT;
    } else if (o->kinds_len > 0 && o->percent > 0 &&
               orders_chance(o, o->percent)) {
        words = o->kinds[draw(o) % o->kinds_len];
        by = ORDERS_BY_CHANCE;
    }
    if (*words == '\0')
        return ORDERS_BY_MODEL;
    behaviour_heal(how);
    behaviour_add(how, words);
    return by;
}

enum fault orders_free(struct orders *o)
{
    const char *word;

    if (o->free_len == 0)
        return FAULT_NONE;
    word = o->free[o->free_at++ % o->free_len];
    return fault_parse(word, strlen(word));
}
