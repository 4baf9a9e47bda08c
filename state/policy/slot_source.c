/*
 * slot_source.c - who says that a scope may send?
 *
 * The table of those there are.  The file names them by number, because every
 * process has its functions at other addresses.
 */
#include "state/policy/slot_source.h"

#include "state/policy/layout.h"
#include "state/policy/leased_slots.h"
#include "state/policy/local_slots.h"

static const struct slot_source local = {
    .name = "local",
    .have = local_slots_have,
    .want = local_slots_want,
    .take = local_slots_take,
    .adopt = local_slots_adopt,
    .sent = local_slots_sent,
    .back = local_slots_back,
    .verdict = local_slots_verdict,
};

static const struct slot_source leased = {
    .name = "leased",
    .have = leased_slots_have,
    .want = leased_slots_want,
    .take = leased_slots_take,
    .adopt = local_slots_adopt,
    .sent = leased_slots_sent,
    .back = leased_slots_back,
    .verdict = local_slots_verdict,
};

static const struct slot_source *sources[SLOT_SOURCES] = {
    [SLOTS_LOCAL] = &local,
    [SLOTS_SHARED] = &leased,
};

const struct slot_source *slot_source_of(struct layout *lay, uint32_t scope)
{
    uint32_t kind = scope_at(lay, scope)->source;

    if (kind >= SLOT_SOURCES || sources[kind] == NULL)
        sigbus_damaged("source of slots");
    return sources[kind];
}

const struct slot_source *slot_source_set(enum slot_source_kind kind,
                                          const struct slot_source *source)
{
    const struct slot_source *was = sources[kind];

    sources[kind] = source;
    return was;
}
