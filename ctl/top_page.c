/*
 * top_page.c - what does `sluicectl top` show?
 *
 *   Sluice 0.1.0 at http://127.0.0.1:8080, up 2 h 5 m, 2 workers
 *   12 waiting, 3 running; 38 sent in the last minute
 *   nim          ############....  38 of 40 in 60.0 s   next slot 1.2 s
 *                holding, ends in 12.0 s: 429 Too Many Requests
 *   sends        ..::##==##  in steps of 60.0 s, limit 40
 *   POS CLASS ...
 *    1  high  ...
 *   q quit  p pause  c cancel ...
 *
 * It fits into 40 columns and into ten rows: what matters less gives way, a
 * column or a row at a time, and the requests always keep some rows.
 *
 * Every row is painted by paint.c and cut there, so nothing here counts columns but
 * to decide what is left out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/top.h"
#include "state/view_verdict.h"

#define LABEL      13 /* columns of what a line is about */
#define MODELS_MAX 3  /* that are in trouble; more are counted */
#define ROWS_MIN   3  /* of requests, below whatever else there is */
#define BAR_MAX    40

/* ---- above the table ------------------------------------------------------------ */

/* Where it is: somebody may have two of these open. */
static void put_title(struct page *p, const struct top *t,
                      const struct limiter_view *v)
{
    char up[DURATION_MAX];
    uint32_t i, stalled = 0;

    for (i = 0; i < v->n_workers; i++)
        stalled += v->workers[i].stalled;
    paint(p, STYLE_BOLD, "Sluice %s", SLUICE_VERSION);
    if (t->url != NULL && t->url[0] != '\0')
        paint(p, STYLE_PLAIN, " at %s", t->url);
    paint(p, STYLE_PLAIN, ", up %s", duration(up, v->uptime_ns));
    paint(p, v->n_workers > 0 ? STYLE_PLAIN : STYLE_BAD, ", %u worker%s",
          v->n_workers, v->n_workers == 1 ? "" : "s");
    if (stalled > 0)
        paint(p, STYLE_BAD, ", %u of them not answering", stalled);
    paint_end(p);
}

/* Of all upstreams; where each model has a limit, its rows tell the same sum. */
static uint64_t last_minute(const struct limiter_view *v)
{
    uint64_t sum = 0;
    uint32_t i;

    for (i = 0; i < v->n_scopes; i++)
        if (i == 0 || v->scopes[i].upstream != v->scopes[i - 1].upstream)
            sum += v->scopes[i].went.minute;
    return sum;
}

/* The same sentence as in status and on the page. */
static void put_verdict(struct page *p, const struct limiter_view *v)
{
    static const enum style styles[] = {[TONE_FINE] = STYLE_GOOD,
                                        [TONE_WAIT] = STYLE_WARN,
                                        [TONE_HOLD] = STYLE_BAD,
                                        [TONE_BAD] = STYLE_BAD};
    struct view_verdict verdict;
    char title[LIMITER_NAME_MAX * 2];
    size_t i;

    look_verdict(v, &verdict);
    snprintf(title, sizeof(title), "%s", verdict.title);
    for (i = 0; title[i] != '\0'; i++) /* a model's name may be in it */
        if (title[i] < ' ' || title[i] > '~')
            title[i] = '?';
    paint(p, styles[verdict.tone], "%s", title);
    paint_end(p);
}

/* A minute is a rate that people know; of a second it would be "0.6". */
static void put_sums(struct page *p, const struct limiter_view *v)
{
    uint32_t i, waiting = 0;
    int64_t oldest = -1;
    char age[DURATION_MAX];

    for (i = 0; i < v->n_rows; i++) {
        if (!v->rows[i].waiting)
            continue;
        waiting++;
        oldest = max_i64(oldest, v->rows[i].age_ns);
    }
    paint(p, waiting > 0 ? STYLE_WARN : STYLE_PLAIN, "%u waiting", waiting);
    paint(p, STYLE_PLAIN, ", %u running; %" PRIu64 " sent in the last minute",
          v->n_rows - waiting, last_minute(v));
    if (waiting > 0)
        paint(p, STYLE_PLAIN, "; one has waited %s", duration(age, oldest));
    paint_end(p);
    if (v->paused_ns < 0)
        return;
    paint(p, STYLE_BAD, "PAUSED for %s: nothing is sent; p goes on",
          duration(age, v->paused_ns));
    paint_end(p);
}

/* A full window is no fault: it is what Sluice is for. */
static enum style fullness(const struct view_scope *s)
{
    if (s->retreat.state != RETREAT_NORMAL || s->unpaid.ends_ns >= 0)
        return STYLE_BAD;
    return s->used >= s->rules.requests ? STYLE_WARN : STYLE_GOOD;
}

#define NARROW 60 /* below it half of a sentence would be cut: it is left out */

/* Who waits there, and when the next one goes. */
static void put_line(struct page *p, const struct limiter_view *v,
                     const struct view_scope *s)
{
    const char *lead = lead_of(v, s);
    char slot[DURATION_MAX], eta[DURATION_MAX], name[LIMITER_NAME_MAX];

    paint_to(p, STYLE_PLAIN, LABEL);
    if (s->next_slot_ns == 0)
        paint(p, STYLE_PLAIN, "a slot is open");
    else if (s->next_slot_ns < 0)
        paint(p, STYLE_PLAIN, "next slot unknown");
    else
        paint(p, STYLE_PLAIN, "next slot in %s",
              duration(slot, s->next_slot_ns));
    if (p->term->columns < NARROW)
        paint(p, STYLE_PLAIN, "%s", "");
    else if (lead != NULL)
        paint(p, STYLE_PLAIN, "; all wait in the line of %s",
              plain(name, lead));
    else
        paint(p, STYLE_PLAIN, "; a new request in %s; %u high %u normal %u low",
              duration(eta, s->eta_ns), s->waiting[CLASS_HIGH],
              s->waiting[CLASS_NORMAL], s->waiting[CLASS_LOW]);
    paint_end(p);
}

/* Both may be: a limit that was exceeded, at an upstream that wants to be paid. */
static void put_trouble(struct page *p, const struct view_scope *s)
{
    char ends[DURATION_MAX], why[LIMITER_NAME_MAX];

    if (s->retreat.state != RETREAT_NORMAL) {
        paint_to(p, STYLE_PLAIN, LABEL);
        paint(p, STYLE_BAD, "%s, next step in %s: %s",
              retreat_state_names[s->retreat.state],
              duration(ends, s->retreat.ends_ns),
              plain(why, s->retreat.reason));
        paint_end(p);
    }
    if (s->unpaid.ends_ns >= 0) {
        paint_to(p, STYLE_PLAIN, LABEL);
        paint(p, STYLE_BAD, "%s, tried again in %s: %s",
              held_words(s->unpaid.cause), duration(ends, s->unpaid.ends_ns),
              plain(why, s->unpaid.reason));
        paint_end(p);
    }
}

/* The bar gives way before the numbers do. */
static void put_scope(struct page *p, const struct limiter_view *v,
                      const struct view_scope *s)
{
    char name[LIMITER_NAME_MAX], span[DURATION_MAX];
    int width = p->term->columns - LABEL - 24;

    paint(p, STYLE_BOLD, "%-12.12s ", plain(name, s->name));
    if (width >= 8)
        paint_bar(p, fullness(s), s->used, s->rules.requests,
                  width > BAR_MAX ? BAR_MAX : width);
    paint(p, fullness(s), "%s%u of %u in %s", width >= 8 ? " " : "", s->used,
          s->rules.requests, duration(span, s->rules.window_ns));
    paint_end(p);
    put_line(p, v, s);
    if (s->tokens_limit > 0) {
        paint_to(p, STYLE_PLAIN, LABEL);
        paint(p, STYLE_PLAIN,
              "%" PRIu64 " of %" PRIu64 " tokens, %" PRIu64 " reserved",
              s->tokens_used, s->tokens_limit, s->tokens_reserved);
        paint_end(p);
    }
    put_trouble(p, s);
}

/* Of each upstream as long as the requests keep their rows. */
static void put_scopes(struct page *p, const struct limiter_view *v)
{
    uint32_t i;

    for (i = 0; i < v->n_scopes; i++) {
        if (p->last - p->row < ROWS_MIN + 6) {
            paint(p, STYLE_DIM, "... and %u more limits", v->n_scopes - i);
            paint_end(p);
            return;
        }
        put_scope(p, v, &v->scopes[i]);
    }
}

/* A ceiling is a model whose workers are full: its requests wait for those, not
 * for the window. */
static bool is_in_trouble(const struct view_model *m)
{
    return m->bench.ends_ns >= 0 || m->ceiling > 0 ||
           m->retreat.state != RETREAT_NORMAL;
}

/* One cause, the gravest: off, before refused, before busy. */
static void put_model(struct page *p, const struct view_model *m)
{
    char name[LIMITER_NAME_MAX], ends[DURATION_MAX], why[LIMITER_NAME_MAX];

    paint(p, STYLE_WARN, "%-32.32s ", plain(name, m->name));
    if (m->bench.ends_ns >= 0)
        paint(p, STYLE_PLAIN, "off for %s: %s",
              duration(ends, m->bench.ends_ns), plain(why, m->bench.reason));
    else if (m->retreat.state != RETREAT_NORMAL)
        paint(p, STYLE_PLAIN, "%s for %s: %s",
              retreat_state_names[m->retreat.state],
              duration(ends, m->retreat.ends_ns),
              plain(why, m->retreat.reason));
    else
        paint(p, STYLE_PLAIN, "busy: at most %u at once; %u run, %u wait",
              m->ceiling, m->in_flight, m->waiting);
    paint_end(p);
}

/* Those without trouble are rows of the table already. */
static void put_models(struct page *p, const struct limiter_view *v)
{
    uint32_t i, n = 0;

    for (i = 0; i < v->n_models; i++) {
        if (!is_in_trouble(&v->models[i]))
            continue;
        if (n++ < MODELS_MAX && p->last - p->row > ROWS_MIN + 4)
            put_model(p, &v->models[i]);
    }
    if (n > MODELS_MAX && p->last - p->row > ROWS_MIN + 4) {
        paint(p, STYLE_DIM, "... and %u more models", n - MODELS_MAX);
        paint_end(p);
    }
}

/* As high as the limit is a whole column; of steps that are no window, what the
 * limit is in a step. */
static void put_trend(struct page *p, const struct trend *t,
                      const struct limiter_view *v)
{
    const struct limiter_rules *r =
        v->n_scopes > 0 ? &v->scopes[0].rules : NULL;
    char step[DURATION_MAX];
    int i, room = p->term->columns - LABEL - 16;
    uint64_t top;

    if (t->n == 0 || r == NULL || r->window_ns <= 0 ||
        p->last - p->row < ROWS_MIN + 4)
        return;
    top = (uint64_t)((double)r->requests * (double)t->step_ns /
                     (double)r->window_ns);
    paint(p, STYLE_BOLD, "%-*s", LABEL, "sends");
    for (i = t->n > room ? t->n - (room > 4 ? room : 4) : 0; i < t->n; i++)
        if (t->known[i])
            paint_height(p, t->bars[i] >= top ? STYLE_WARN : STYLE_GOOD,
                         t->bars[i], top);
        else
            paint(p, STYLE_DIM, " ");
    paint(p, STYLE_PLAIN, " each %s", duration(step, t->step_ns));
    if (t->n < room - 14)
        paint(p, STYLE_PLAIN, ", limit %" PRIu64 "%s", top,
              t->is_own ? ", seen here" : "");
    paint_end(p);
}

/* ---- below it ------------------------------------------------------------------------- */

/* What y would do, and to whom. */
static void put_question(struct page *p, const struct top *t)
{
    char id[LIMITER_NAME_MAX];

    if (t->mode == MODE_CANCEL)
        paint(p, STYLE_BAD, "End request %s? Its client gets an error. y/n",
              plain(id, t->chosen));
    else if (t->mode == MODE_PAUSE)
        paint(p, STYLE_BAD, "Stop all sending, for everybody? y/n");
    else
        paint(p, STYLE_BOLD, "Show only (client, model or id): %s_", t->filter);
}

/* One row for three things, the most urgent first: a question, what came of an
 * order, the keys. */
static void put_keys(struct page *p, const struct top *t,
                     const struct limiter_view *v)
{
    if (t->mode != MODE_LOOK) {
        put_question(p, t);
    } else if (t->said[0] != '\0') {
        paint(p, t->is_bad ? STYLE_BAD : STYLE_GOOD, "%s", t->said);
    } else {
        paint(p, STYLE_DIM, "q quit  h help  %s  c cancel%s",
              v->paused_ns < 0 ? "p pause" : "p resume",
              p->term->columns < NARROW ? "" : "  s sort  / filter");
        if (t->filter[0] != '\0')
            paint(p, STYLE_WARN, "  only \"%s\": %u", t->filter, t->n_order);
        else if (t->n_order > t->shown)
            paint(p, STYLE_DIM, "  %u-%u of %u", t->first + 1,
                  t->first + t->shown, t->n_order);
    }
    paint_end(p);
}

/* As much of it as fits: the first lines are those that are looked for. */
static void put_help(struct page *p)
{
    static const char *const help[] = {
        "up, down, j, k   choose a request",
        "PgUp, PgDn       a page of them",
        "Home, End        the first, the last",
        "c                end the chosen one (asks)",
        "s, S             sort by the next column;",
        "                 the other way round",
        "/                show only some; Esc: all",
        "p                pause (asks), resume",
        "space            look now",
        "q, Ctrl-C        quit;  Ctrl-Z  rest",
        "",
        "POS 1 goes next; ETA is when, if nobody",
        "more urgent comes.  A bar of \"sends\" is",
        "one window; full: the limit was used up.",
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(help) && p->row < p->last - 1; i++) {
        paint(p, STYLE_PLAIN, "  %s", help[i]);
        paint_end(p);
    }
    paint(p, STYLE_DIM, "any key: back");
    paint_end(p);
}

/* The last row is the keys', wherever the rows above it end. */
void top_page(struct page *p, struct top *t, const struct limiter_view *v)
{
    bool has_keys = p->term->is_live;

    put_title(p, t, v);
    if (t->mode == MODE_HELP) {
        put_help(p);
    } else {
        p->last -= has_keys; /* the last row is the keys' */
        if (p->last >= ROWS_MIN + 8)
            put_verdict(p, v);
        put_sums(p, v);
        put_scopes(p, v);
        put_models(p, v);
        put_trend(p, &t->trend, v);
        top_table(p, t, v);
        while (has_keys && p->row < p->last)
            paint_end(p); /* down to the keys */
        p->last += has_keys;
        if (has_keys) {
            if (p->row > 0 && p->row == p->last - 1)
                buf_str(&p->text, "\r\n");
            put_keys(p, t, v);
        }
    }
    if (p->term->is_live)
        buf_str(&p->text, "\033[J");
}
