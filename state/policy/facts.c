/* facts.c - do two builds mean the same by the same bytes? */
#include "state/policy/facts.h"

#include <string.h>

/* FNV-1a. */
static uint32_t add(uint32_t h, const void *data, size_t len)
{
    const unsigned char *p = data;

    while (len-- > 0)
        h = (h ^ *p++) * 16777619u;
    return h;
}

static uint32_t add_number(uint32_t h, uint64_t number)
{
    return add(h, &number, sizeof(number));
}

uint32_t facts_hash(const struct facts *f)
{
    uint32_t h = add(2166136261u, f->name, strlen(f->name));
    size_t i;

    for (i = 0; i < f->n; i++) {
        const struct fact *field = &f->list[i];

        h = add(h, field->name, strlen(field->name));
        h = add_number(h, field->at);
        h = add_number(h, field->size);
        h = add_number(h, field->each);
        h = add_number(h, field->in != NULL ? facts_hash(field->in) : 0);
    }
    return h;
}
