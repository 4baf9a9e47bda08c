/* opening.c - what does a state file say that is opened, or made? */
#include "state/file/opening.h"

#include <stdarg.h>
#include <stdio.h>

#include "state/file/layout_hash.h"
#include "state/policy/layout.h"

void opening_note(const struct file_open *o, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(o->note, o->note_max, fmt, ap);
    va_end(ap);
}

void opening_lose_past(struct lay_live *l, int64_t now)
{
    int64_t until_ns = now + NS_PER_S;
    uint32_t i;

    for (i = 0; i < LAY_UPSTREAMS; i++)
        l->lost_ns[i] = max_i64(l->lost_ns[i], until_ns);
    l->quota_lost_ns = max_i64(l->quota_lost_ns, until_ns);
}

struct file_kind opening_kind(void)
{
    return (struct file_kind){LAYOUT_MAGIC, LAYOUT_VERSION, layout_hash(),
                              sizeof(struct layout)};
}
