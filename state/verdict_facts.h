/*
 * What a verdict's rows are asked about, and what they note for its sentences.
 */
#ifndef SLUICE_VERDICT_FACTS_H
#define SLUICE_VERDICT_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/verdict_form.h"
#include "state/view_form.h"

/* What the sentences of a row are made of. */
struct verdict_facts {
    const struct limiter_view *v;
    int64_t time_ms;
    uint32_t waiting, running, n_groups;
    struct view_group groups[VIEW_GROUPS];
    struct view_verdict *out;
    const char *why;
    char n[48], of[48], in[48];
    const char *name;
};

/* Does this hold?  Then the gaps of its sentences, and whose it is, are noted in
 * F; else what was noted is of no meaning. */
bool verdict_no_worker_answers(struct verdict_facts *f);
bool verdict_state_is_new(struct verdict_facts *f);
bool verdict_store_is_lost(struct verdict_facts *f);
bool verdict_is_paused(struct verdict_facts *f);
bool verdict_key_is_refused(struct verdict_facts *f);
bool verdict_is_unpaid(struct verdict_facts *f);
bool verdict_is_away(struct verdict_facts *f);
bool verdict_is_holding(struct verdict_facts *f);
bool verdict_is_probing(struct verdict_facts *f);
bool verdict_is_recovering(struct verdict_facts *f);
bool verdict_is_nearly_full(struct verdict_facts *f);
bool verdict_is_failing(struct verdict_facts *f);
bool verdict_model_is_busy(struct verdict_facts *f);
bool verdict_client_is_at_limit(struct verdict_facts *f);
bool verdict_is_at_concurrency(struct verdict_facts *f);
bool verdict_is_out_of_tokens(struct verdict_facts *f);
bool verdict_is_spaced(struct verdict_facts *f);
bool verdict_is_between_tries(struct verdict_facts *f);
bool verdict_has_learned_lower(struct verdict_facts *f);
bool verdict_somebody_waits(struct verdict_facts *f);
bool verdict_somebody_runs(struct verdict_facts *f);
bool verdict_always(struct verdict_facts *f);

#endif
