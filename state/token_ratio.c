/*
 * token_ratio.c - how many tokens does a model make of a text?
 *
 *   fcgi/pages/count_tokens.c --> limiter_token_ratio()
 *
 * Looks at the rows of one name for a moment (section.c), and changes nothing.
 */
#include "state/token_ratio.h"

#include "state/policy/layout.h"
#include "state/policy/model_state.h"
#include "state/policy/names.h"
#include "state/section.h"
#include "state/worker.h"

struct question {
    struct limiter *lim;
    const char *model;
    uint32_t ratio_m;
};

/* Needs the lock. */
static void look(void *arg)
{
    struct question *q = arg;
    struct layout *lay = q->lim->file.lay;
    uint64_t most = 0;
    uint32_t up, i;

    for (up = 0; up < LAY_UPSTREAMS; up++) {
        const struct token_estimate *e;

        i = names_find_model(lay, up, q->model);
        if (i == NONE)
            continue;
        e = &model_state_at(lay, i)->tokens;
        if (!token_estimate_is_sane(e) || e->ratio.guessed <= most)
            continue;
        most = e->ratio.guessed;
        q->ratio_m = token_estimate_ratio_m(e);
    }
}

bool limiter_token_ratio(struct limiter *lim, const char *model,
                         uint32_t *ratio_m)
{
    struct question q = {lim, model, 0};
    bool done = section_read(lim, look, &q);

    *ratio_m = q.ratio_m;
    return done;
}
