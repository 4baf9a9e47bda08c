/*
 * scope.c - what is known of this scope, and how far does it keep back?
 *
 * Values of the shared file are looked at here before anybody reckons with
 * them; the retreat itself is arithmetic (retreat.c), whose result takes the
 * old one's place as a whole (draft.c).
 */
#include "state/policy/scope.h"

#include "state/policy/draft.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"

#define RETREAT_MAX_NS (300 * NS_PER_S) /* where the rules do not say */

struct lay_scope *scope_sound(struct layout *lay, uint32_t scope)
{
    struct lay_scope *s = scope_at(lay, scope);

    if (s->open > LAY_ROWS ||
        (s->open_weight | s->open_tokens) >
            (uint64_t)LAY_ROWS * LAY_TOKENS_MAX ||
        s->last_send_ns > lay->live.now_ns || s->bucket.at_ns < 0 ||
        s->bucket.level > INT64_MAX / 4 || s->bucket.level < -INT64_MAX / 4)
        sigbus_damaged("scope");
    return s;
}

struct retreat *scope_retreat(struct layout *lay, uint32_t scope)
{
    struct retreat *re = &scope_at(lay, scope)->retreat;

    if (!retreat_is_sane(re, lay->live.now_ns))
        sigbus_damaged("retreat");
    return re;
}

struct retreat_rule scope_retreat_rule(struct layout *lay, uint32_t scope)
{
    return scope_retreat_by(limits_of(lay, scope));
}

struct retreat_rule scope_retreat_by(const struct lay_rules *r)
{
    return (struct retreat_rule){r->window_ns, r->margin_ns,
                                 r->retreat_max_ns > 0 ? r->retreat_max_ns
                                                       : RETREAT_MAX_NS,
                                 r->requests};
}

void scope_retreat_put(struct layout *lay, uint32_t scope,
                       const struct retreat *new)
{
    draft_put(lay, &scope_at(lay, scope)->retreat, new, sizeof(*new));
}

bool scope_is_probed(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct retreat *re = scope_retreat(lay, scope);
    const struct lay_row *row;

    if (re->probe_id == 0 || now >= re->until_ns)
        return false;
    row = row_at(lay, re->probe_row);
    return row->id == re->probe_id && row_is_in_flight(row);
}

const struct lay_row *scope_probe(struct layout *lay, uint32_t scope)
{
    const struct retreat *re = scope_retreat(lay, scope);
    const struct lay_row *row;

    if (re->state != RETREAT_PROBING || re->probe_id == 0)
        return NULL;
    row = row_at(lay, re->probe_row);
    return row->id == re->probe_id && row->state == ROW_SENT ? row : NULL;
}

bool scope_probes_with(struct layout *lay, uint32_t row)
{
    const struct lay_row *r = row_at(lay, row);
    const struct retreat *re = &scope_at(lay, r->scope)->retreat;

    return re->state == RETREAT_PROBING && re->probe_id == r->id;
}

/* By its lease, or until silence is as good as an answer. */
static int64_t probed_until(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct retreat *re = scope_retreat(lay, scope);
    const struct lay_row *probe = scope_probe(lay, scope);
    int64_t until = re->until_ns;

    if (!scope_is_probed(lay, scope, now))
        return now;
    if (probe != NULL)
        until = min_i64(until, retreat_silent_at(re, probe->changed_ns));
    return max_i64(until, now);
}

/* Nearly always it is normal: then nothing else is looked at, here and below. */
int64_t scope_held_until(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct retreat *re = &scope_at(lay, scope)->retreat;

    if (re->state == RETREAT_NORMAL)
        return now;
    re = scope_retreat(lay, scope);
    if (re->state == RETREAT_HOLDING)
        return max_i64(re->until_ns, now);
    if (re->state == RETREAT_PROBING)
        return probed_until(lay, scope, now);
    return now;
}

uint32_t scope_limit(struct layout *lay, uint32_t scope, uint32_t k)
{
    const struct retreat *re = &scope_at(lay, scope)->retreat;
    uint32_t requests = limits_requests(lay, limits_of(lay, scope));

    if (re->state == RETREAT_NORMAL)
        return requests;
    re = scope_retreat(lay, scope);
    if (k == 0 && re->state != RETREAT_RECOVERING)
        return requests;
    return retreat_limit(re, requests);
}

int64_t scope_grows_at(struct layout *lay, uint32_t scope)
{
    const struct retreat *re = &scope_at(lay, scope)->retreat;

    if (re->state != RETREAT_RECOVERING)
        return NEVER;
    return scope_retreat(lay, scope)->until_ns;
}

uint32_t scope_retreating(const struct layout *lay, uint32_t from)
{
    uint32_t word = from / 64;
    uint64_t mask = UINT64_MAX << from % 64;

    for (; word < ARRAY_LEN(lay->live.retreating); word++, mask = UINT64_MAX) {
        uint64_t bits = lay->live.retreating[word] & mask;

        if (bits != 0)
            return word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return LAY_SCOPES;
}
