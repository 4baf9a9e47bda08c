/*
 * look.c - what does the shared state say?
 *
 * Read from the file itself, without a worker's help and without ever writing
 * to it: it works while nobody answers.  Where the file is out of reach (--url,
 * another user's) a worker tells the same (far.c).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "fcgi/config/config.h"
#include "fcgi/config/told.h"
#include "lib/boottime.h"
#include "state/view.h"
#include "state/view_verdict.h"

/* Nothing is said of what is normal. */
static void print_retreat(const struct view_retreat *v)
{
    char why[LIMITER_NAME_MAX], ends[DURATION_MAX];

    if (v->state == RETREAT_NORMAL)
        return;
    printf("  retreat: %s", retreat_state_names[v->state]);
    if (v->ends_ns >= 0)
        printf(", next step in %s", duration(ends, v->ends_ns));
    printf(", %u a window, made longer %u times: %s\n", v->allowance, v->streak,
           plain(why, v->reason));
}

/* What its refusals have taught; SPAN_NS is the window. */
static void print_learned(const struct view_learned *v, int64_t span_ns,
                          uint32_t set)
{
    char age[DURATION_MAX], span[DURATION_MAX], gap[DURATION_MAX];

    if (v->kind == LEARNED_WINDOW)
        printf("  limit about %u per %s", v->requests, duration(span, span_ns));
    else if (v->kind == LEARNED_RATE)
        printf("  limit about one each %s", duration(gap, v->gap_ns));
    else if (v->kind == LEARNED_LUCK)
        printf("  about %.1f %% are refused at random",
               (double)v->refused_permille / 10);
    else
        return;
    printf(", learned %s ago", duration(age, v->age_ns));
    if (set > 0)
        printf("; you set %u", set);
    printf("\n");
}

static void print_bench(const char *what, const struct view_bench *v)
{
    char why[LIMITER_NAME_MAX], ends[DURATION_MAX];

    if (v->ends_ns < 0)
        return;
    printf("  %s: requests get %d, until it is tried again in %s: %s\n", what,
           told_status(v->cause), duration(ends, v->ends_ns),
           plain(why, v->reason));
}

/* Only those of which there is more to tell than their name. */
static void print_model(const struct view_model *v, int64_t span_ns)
{
    char name[LIMITER_NAME_MAX], rest[DURATION_MAX];

    if (v->ceiling == 0 && v->rest_ns < 0 && v->bench.ends_ns < 0 &&
        v->retreat.state == RETREAT_NORMAL &&
        v->learned.kind == LEARNED_NOTHING)
        return;
    printf("%s: %u in flight, %u waiting", plain(name, v->name), v->in_flight,
           v->waiting);
    if (v->ceiling > 0)
        printf(", at most %u at once", v->ceiling);
    if (v->rest_ns >= 0)
        printf(", rests for %s", duration(rest, v->rest_ns));
    printf("\n");
    print_bench("off", &v->bench);
    print_retreat(&v->retreat);
    print_learned(&v->learned, span_ns, 0);
}

/* To one that cannot be reached requests wait; they are refused by others. */
static void print_held(const struct view_scope *v)
{
    char why[LIMITER_NAME_MAX], ends[DURATION_MAX];

    if (!ejection_waits(v->unpaid.cause)) {
        print_bench(held_words(v->unpaid.cause), &v->unpaid);
        return;
    }
    if (v->unpaid.ends_ns >= 0)
        printf("  %s, tried again in %s: %s\n", held_words(v->unpaid.cause),
               duration(ends, v->unpaid.ends_ns), plain(why, v->unpaid.reason));
}

/* Only what is wrong: that a key is taken is no news. */
static void print_key(const struct view_key *k)
{
    char since[DURATION_MAX];

    if (k->word != KEY_REFUSED)
        return;
    printf("  our key is refused for %s, with %u: ",
           duration(since, k->since_ns), k->status);
    print_text(stdout, k->message);
    printf("\n");
}

/* Of a shared line the sum stands at its lead, and the others point there. */
static void print_waits(const struct limiter_view *view,
                        const struct view_scope *v)
{
    const char *lead = lead_of(view, v);
    char name[LIMITER_NAME_MAX];

    if (lead != NULL)
        printf("  waiting: in the line of %s", plain(name, lead));
    else
        printf("  waiting: %u high, %u normal, %u low", v->waiting[CLASS_HIGH],
               v->waiting[CLASS_NORMAL], v->waiting[CLASS_LOW]);
}

/* The first line is what is looked for; below it, indented, what is out of the
 * ordinary. */
static void print_scope(const struct limiter_view *view,
                        const struct view_scope *v)
{
    char name[LIMITER_NAME_MAX], span[DURATION_MAX], slot[DURATION_MAX],
        eta[DURATION_MAX];

    printf("%s: %u of %u requests used in %s", plain(name, v->name), v->used,
           v->rules.requests, duration(span, v->rules.window_ns));
    printf(", %u in flight (%u not yet written)\n", v->in_flight, v->open);
    print_waits(view, v);
    printf("; next slot: %s; a new request would go in: %s\n",
           duration(slot, v->next_slot_ns), duration(eta, v->eta_ns));
    printf("  went there: %" PRIu64 ", %" PRIu64
           " in the last minute; answered "
           "with 429: %" PRIu64 "; tokens: %" PRIu64 " in, %" PRIu64 " out\n",
           v->went.all, v->went.minute, v->went.refused, v->went.tokens_in,
           v->went.tokens_out);
    if (v->went.told < v->went.answers)
        printf("  of its %" PRIu64 " answers %" PRIu64 " told their tokens\n",
               v->went.answers, v->went.told);
    if (v->tokens_limit > 0)
        printf("  tokens: %" PRIu64 " of %" PRIu64 " used, %" PRIu64
               " reserved\n",
               v->tokens_used, v->tokens_limit, v->tokens_reserved);
    if (v->rules.burst < v->rules.requests)
        printf("  bucket: %.1f of %u tokens\n", (double)v->tokens_milli / 1000,
               v->rules.burst);
    print_retreat(&v->retreat);
    print_learned(&v->learned, v->rules.window_ns, v->rules.requests);
    print_held(v);
    print_key(&v->key);
}

/* Of the first limit of UPSTREAM: they have one window. */
static int64_t window_of(const struct limiter_view *v, uint32_t upstream)
{
    uint32_t i;

    for (i = 0; i < v->n_scopes; i++)
        if (v->scopes[i].upstream == upstream)
            return v->scopes[i].rules.window_ns;
    return 0;
}

/* The sentences may quote a model's name, or what an upstream said. */
static void print_sentence(const char *lead, const char *text)
{
    printf("%s: ", lead);
    print_text(stdout, text);
    printf("\n");
}

void look_verdict(const struct limiter_view *v, struct view_verdict *out)
{
    const struct view_verdict *told = far_verdict();

    if (told != NULL)
        *out = *told;
    else
        view_verdict(v, (int64_t)time(NULL) * 1000, out);
}

/* What it is, why, and what to do about it. */
static void print_verdict(const struct limiter_view *view)
{
    struct view_verdict v;

    if (view->n_workers == 0) { /* only who looks at the file can see that */
        puts("not running: no worker is left; this is how it was");
        return;
    }
    look_verdict(view, &v);
    print_sentence(v.word, v.title);
    print_sentence("  why", v.reason);
    if (v.next_step[0] != '\0')
        print_sentence("  do", v.next_step);
}

/* What made requests wait for more than the window, since the beginning. */
static void print_past_holds(const struct limiter_counters *c)
{
    printf("held back so far: %" PRIu64 " times after a 429, %" PRIu64
           " after a try that was refused, %" PRIu64
           " while recovering, %" PRIu64
           " for want of payment; recovered %" PRIu64
           " times, ended by hand %" PRIu64 " times\n",
           c->holds[HOLD_RATE], c->holds[HOLD_PROBE], c->holds[HOLD_RECOVERY],
           c->holds[HOLD_UNPAID], c->retreats_over, c->holds_ended);
    printf("models so far: %" PRIu64 " times switched off upstream, %" PRIu64
           " times found to take fewer at once\n",
           c->benches, c->ceilings_cut);
}

/* From the whole to its parts: the service, its limits, models that are held,
 * counts, workers. */
static void print_status(const struct limiter_view *v)
{
    const struct limiter_counters *c = &v->counters;
    char a[DURATION_MAX], b[DURATION_MAX], by[LIMITER_NAME_MAX];
    uint64_t refused = 0;
    uint32_t i;

    print_verdict(v);
    waits_print(v);
    printf("up %s, %u workers\n", duration(a, v->uptime_ns), v->n_workers);
    if (v->paused_ns >= 0)
        printf("paused for %s, by %s: nothing is sent\n",
               duration(a, v->paused_ns), plain(by, v->paused_by));
    for (i = 0; i < v->n_scopes; i++)
        print_scope(v, &v->scopes[i]);
    for (i = 0; i < v->n_models; i++)
        print_model(&v->models[i], window_of(v, v->models[i].upstream));
    for (i = 0; i < REFUSALS; i++)
        refused += c->refused[i];
    printf("counts: %" PRIu64 " joined, %" PRIu64 " sent, %" PRIu64
           " left, %" PRIu64 " refused; %" PRIu64 " repairs, %" PRIu64
           " recoveries, %" PRIu64 " dead workers\n",
           c->joined, c->sent, c->left, refused, c->repairs, c->recoveries,
           c->swept);
    print_past_holds(c);
    for (i = 0; i < v->n_workers; i++)
        printf("worker %u: started %s ago, seen %s ago%s\n", v->workers[i].pid,
               duration(a, v->workers[i].age_ns),
               duration(b, v->workers[i].seen_ns),
               v->workers[i].stalled ? ", does not answer" : "");
}

/* One row a request, whole names cut: for people.  A program asks /api/queue. */
static void print_queue(const struct limiter_view *v)
{
    char age[DURATION_MAX], eta[DURATION_MAX], client[LIMITER_NAME_MAX],
        model[LIMITER_NAME_MAX];
    char id[LIMITER_NAME_MAX];
    uint32_t i;

    printf("%-9s %-8s %-10s %-10s %-12s %-24s %-36s %s\n", "POSITION",
           "PRIORITY", "AGE", "ETA", "WHY", "CLIENT", "MODEL", "ID");
    for (i = 0; i < v->n_rows; i++) {
        const struct view_row *r = &v->rows[i];

        if (r->waiting)
            printf("%-9u ", r->position + 1);
        else
            printf("%-9s ", "running");
        printf("%-8s %-10s %-10s %-12s %-24.24s %-36.36s %s\n",
               limiter_class_names[r->cls], duration(age, r->age_ns),
               r->waiting ? duration(eta, r->eta_ns) : "-", waits_why(r),
               plain(client, r->client), plain(model, r->model),
               plain(id, r->request_id));
    }
}

/* Where the files cannot be read a worker is asked, if nobody said which files
 * are meant. */
static int look_far(struct ctl *c, struct limiter_view *out, char *err,
                    size_t max)
{
    size_t n = strlen(err);
    int quiet = c->is_quiet, rc;

    c->is_quiet = 1;
    rc = c->state_dir == NULL ? far_view(c, out) : EXIT_FAILURE;
    c->is_quiet = quiet;
    if (rc == EXIT_SUCCESS) {
        c->at.is_far = true;
        err[0] = '\0';
    } else if (c->state_dir == NULL) {
        snprintf(err + n, max - n,
                 "; and nobody answers at %s: --dir or --url says where it is",
                 c->at.url);
    }
    return rc;
}

/* EXIT_SUCCESS with a reason in ERR: one of the two files cannot be had. */
int look_try(struct ctl *c, struct limiter_view *out, char *err, size_t max)
{
    char why[4600] = "";
    int rc = where_find(c), quiet = c->is_quiet;

    err[0] = '\0';
    if (rc != EXIT_SUCCESS)
        return rc;
    if (c->at.is_far) {
        c->is_quiet = 1;
        rc = far_view(c, out);
        c->is_quiet = quiet;
        if (rc != EXIT_SUCCESS)
            snprintf(err, max, "%s does not tell its state", c->at.url);
        return rc;
    }
    far_forget();
    if (view_peek(c->at.dir, boottime_ns(), out, why, sizeof(why)) == -1)
        rc = look_far(c, out, why, sizeof(why));
    snprintf(err, max, "%s", why);
    return rc;
}

/* For a command that prints: what is wrong goes to stderr, once. */
int look_at(struct ctl *c, struct limiter_view *out)
{
    char err[4800];
    int rc = where_find(c);

    if (rc != EXIT_SUCCESS)
        return rc;
    if (c->at.is_far) /* which says by itself what is wrong */
        return far_view(c, out);
    rc = look_try(c, out, err, sizeof(err));
    if (err[0] != '\0') /* or one of the two files: the other is shown */
        fprintf(stderr, "sluicectl: %s\n", err);
    return rc;
}

/* A look, printed. */
static int look(struct ctl *c, void (*print)(const struct limiter_view *v))
{
    struct limiter_view view;
    int rc = look_at(c, &view);

    if (rc != EXIT_SUCCESS)
        return rc;
    print(&view);
    view_free(&view);
    return EXIT_SUCCESS;
}

/* What could be set instead of what is; 0: nothing. */
static uint32_t learned_requests(const struct view_scope *s)
{
    if (s->learned.kind == LEARNED_WINDOW)
        return s->learned.requests;
    if (s->learned.kind == LEARNED_RATE && s->learned.gap_ns > 0)
        return (uint32_t)max_i64(s->rules.window_ns / s->learned.gap_ns, 1);
    return 0;
}

/* The first limit of which something was learned, or that of UPSTREAM. */
int look_learned(struct ctl *c, const char *upstream, char *name, size_t max,
                 uint32_t *requests, int *is_rate)
{
    struct limiter_view v;
    int rc = look_at(c, &v);
    uint32_t i;

    *requests = 0;
    *is_rate = 0;
    for (i = 0; rc == EXIT_SUCCESS && i < v.n_scopes && *requests == 0; i++) {
        const struct view_scope *s = &v.scopes[i];

        if (upstream != NULL && strcmp(upstream, s->rules.name) != 0)
            continue;
        *requests = learned_requests(s);
        *is_rate = s->learned.kind == LEARNED_RATE;
        snprintf(name, max, "%s", s->rules.name);
    }
    if (rc == EXIT_SUCCESS)
        view_free(&v);
    return rc;
}

int look_status(struct ctl *c)
{
    return look(c, print_status);
}

int look_queue(struct ctl *c)
{
    return look(c, print_queue);
}
