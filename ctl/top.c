/*
 * top.c - what happens now, and what is to be done about it?
 *
 * A page a second, from the state file where that can be read, so that the queue
 * is shown even while no worker answers; orders go through a worker.  What
 * cannot be undone asks first: the keys mean y and n then, and nothing else.
 *
 *   term.c      the terminal, taken and given back
 *   top_page.c  what the page shows       paint.c   how it gets there
 *   top_rows.c  which requests, in which order      trend.c   the history
 *
 * What always holds: nothing is ended or paused by one key alone; a key that is no
 * answer is a no; the chosen request is known by its id, so that y never meets another
 * one that has moved into its row; and whoever looks costs the workers one question
 * in three seconds, for the line of history.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/top.h"
#include "lib/boottime.h"

#define PAGE_MS   1000
#define SAID_NS   (5 * NS_PER_S) /* so long a word stays */
#define PAGE_ROWS 10             /* PgUp, PgDn */
#define ESC       27

struct live {
    struct ctl *c;
    struct term term;
    struct page page;
    struct top top;
    struct limiter_view view;
    bool has_view, is_lost;
    int64_t said_ns;
};

/* ---- words ------------------------------------------------------------------- */

/* Cut to one line: what a worker answers may quote a client's name. */
static void say(struct live *l, bool is_bad, const char *text)
{
    char *p;

    snprintf(l->top.said, sizeof(l->top.said), "%s", text);
    for (p = l->top.said; *p != '\0'; p++) /* an answer's words may have any */
        if (*p < ' ' || *p > '~')
            *p = '?';
    l->top.is_bad = is_bad;
    l->said_ns = boottime_ns();
}

/* ---- a page -------------------------------------------------------------------- */

/* A Sluice that is started anew is there again a moment later: who looks goes
 * on looking. */
static void look_again(struct live *l)
{
    struct limiter_view fresh;
    char why[TOP_SAID_MAX];
    int rc = look_try(l->c, &fresh, why, sizeof(why));
    bool was_lost = l->is_lost;

    l->is_lost = why[0] != '\0'; /* all of it, or one of its two files */
    if (l->is_lost)
        say(l, true, why);
    else if (was_lost)
        say(l, false, "it is there again");
    if (rc != EXIT_SUCCESS)
        return;
    if (l->has_view)
        view_free(&l->view);
    l->view = fresh;
    l->has_view = true;
    trend_look(&l->top.trend, l->c, &l->view, boottime_ns());
}

/* An order, and what came of it as the line above the keys. */
static void order(struct live *l, const char *method, const char *path,
                  const char *done)
{
    char why[TOP_SAID_MAX];
    bool ok = call_order(l->c, method, path, why, sizeof(why)) == EXIT_SUCCESS;

    look_again(l); /* what it did is seen at once */
    if (!l->is_lost)
        say(l, !ok, ok ? done : why);
}

/* Nobody is there any more: false. */
static bool write_page(struct page *p)
{
    const char *from = buf_head(&p->text);
    size_t left = p->text.len;

    while (left > 0) {
        ssize_t n = write(STDOUT_FILENO, from, left);

        if (n <= 0)
            return false;
        from += n;
        left -= (size_t)n;
    }
    return true;
}

/* What is wrong stays on the page for as long as it is wrong. */
static bool show(struct live *l)
{
    if (boottime_ns() - l->said_ns > SAID_NS && !l->is_lost)
        l->top.said[0] = '\0';
    top_order(&l->top, &l->view);
    page_begin(&l->page, &l->term);
    top_page(&l->page, &l->top, &l->view);
    return write_page(&l->page);
}

/* ---- keys ------------------------------------------------------------------------ */

enum key {
    KEY_UP = 256,
    KEY_DOWN = 257,
    KEY_PAGE_UP = 258,
    KEY_PAGE_DOWN = 259,
    KEY_HOME = 260,
    KEY_END = 261,
};

/* What a sequence behind ESC [ or ESC O means; 0: nothing. */
static int sequence(const char *text, size_t n, size_t *used)
{
    static const struct {
        const char *text;
        int key;
    } known[] = {
        {"A", KEY_UP},         {"B", KEY_DOWN}, {"5~", KEY_PAGE_UP},
        {"6~", KEY_PAGE_DOWN}, {"H", KEY_HOME}, {"F", KEY_END},
        {"1~", KEY_HOME},      {"4~", KEY_END},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(known); i++) {
        size_t len = strlen(known[i].text);

        if (len <= n && memcmp(known[i].text, text, len) == 0) {
            *used = len;
            return known[i].key;
        }
    }
    for (*used = 0; *used < n; ++*used) /* one of others: to its last letter */
        if (text[*used] >= '@' && text[*used] <= '~')
            break;
    *used += *used < n;
    return 0;
}

/* By its id from now on: the row may be another's a second later. */
static void move_to(struct live *l, int64_t to)
{
    struct top *t = &l->top;

    if (t->n_order == 0)
        return;
    to = to < 0 ? 0 : min_i64(to, t->n_order - 1);
    t->cursor = (uint32_t)to;
    snprintf(t->chosen, sizeof(t->chosen), "%s",
             l->view.rows[t->order[to]].request_id);
}

/* Beyond either end is the end. */
static void on_move(struct live *l, int key)
{
    struct top *t = &l->top;
    int64_t at = t->cursor;

    if (t->chosen[0] == '\0' && key == KEY_DOWN)
        at = -1; /* nobody was chosen: the first one is */
    switch (key) {
    case KEY_UP:
        at--;
        break;
    case KEY_DOWN:
        at++;
        break;
    case KEY_PAGE_UP:
        at -= PAGE_ROWS;
        break;
    case KEY_PAGE_DOWN:
        at += PAGE_ROWS;
        break;
    case KEY_HOME:
        at = 0;
        break;
    default:
        at = t->n_order;
        break;
    }
    move_to(l, at);
}

/* To go on harms nobody, so it is not asked. */
static void on_pause_key(struct live *l)
{
    if (l->view.paused_ns < 0)
        l->top.mode = MODE_PAUSE;
    else
        order(l, "POST", "/api/resume", "resumed");
}

/* Nobody is chosen at first: c alone cannot hit somebody. */
static void on_cancel_key(struct live *l)
{
    if (l->top.chosen[0] == '\0' || l->top.n_order == 0)
        say(l, true, "choose a request first: up, down");
    else
        l->top.mode = MODE_CANCEL;
}

/* False: it is the end. */
static bool on_look_key(struct live *l, int key)
{
    struct top *t = &l->top;

    switch (key) {
    case 'q':
    case 'Q':
        return false;
    case 'h':
    case '?':
        t->mode = MODE_HELP;
        break;
    case 'k':
        on_move(l, KEY_UP);
        break;
    case 'j':
        on_move(l, KEY_DOWN);
        break;
    case 's':
        t->sort = (enum top_sort)((t->sort + 1) % SORTS);
        break;
    case 'S':
        t->is_reversed = !t->is_reversed;
        break;
    case '/':
        t->mode = MODE_FILTER;
        break;
    case ESC:
        t->filter[0] = t->chosen[0] = '\0';
        break;
    case ' ':
        look_again(l);
        break;
    case 'p':
        on_pause_key(l);
        break;
    case 'c':
        on_cancel_key(l);
        break;
    default:
        if (key >= KEY_UP)
            on_move(l, key);
        break;
    }
    return true;
}

/* It is in force while it is typed; Escape gives up all of it. */
static void on_filter_key(struct top *t, int key)
{
    size_t n = strlen(t->filter);

    if (key == '\r' || key == '\n') {
        t->mode = MODE_LOOK;
    } else if (key == ESC) {
        t->filter[0] = '\0';
        t->mode = MODE_LOOK;
    } else if ((key == 127 || key == '\b') && n > 0) {
        t->filter[n - 1] = '\0';
    } else if (key >= ' ' && key <= '~' && n + 1 < sizeof(t->filter)) {
        t->filter[n] = (char)key;
        t->filter[n + 1] = '\0';
    }
}

/* Only y does it; whatever else is no. */
static void on_answer(struct live *l, int key)
{
    enum top_mode asked = l->top.mode;
    char path[LIMITER_ID_MAX * 3 + 16];

    l->top.mode = MODE_LOOK;
    if (key != 'y' && key != 'Y') {
        say(l, false, "nothing was done");
    } else if (asked == MODE_PAUSE) {
        order(l, "POST", "/api/pause", "paused: nothing is sent");
    } else {
        call_queue_path(path, sizeof(path), l->top.chosen);
        order(l, "DELETE", path, "it was ended; its client was told");
    }
}

/* One mode at a time: a y that was meant for a question never reaches another. */
static bool on_key(struct live *l, int key)
{
    switch (l->top.mode) {
    case MODE_FILTER:
        on_filter_key(&l->top, key);
        return true;
    case MODE_CANCEL:
    case MODE_PAUSE:
        on_answer(l, key);
        return true;
    case MODE_HELP:
        l->top.mode = MODE_LOOK;
        return key != 'q';
    case MODE_LOOK:
        break;
    }
    return on_look_key(l, key);
}

/* All that was pressed; false: it is the end. */
static bool read_keys(struct live *l)
{
    char text[64];
    ssize_t n = read(STDIN_FILENO, text, sizeof(text));
    size_t i = 0, used;
    bool goes_on = n > 0;

    while (goes_on && i < (size_t)n) {
        int key = (unsigned char)text[i++];

        if (key == ESC && i < (size_t)n && (text[i] == '[' || text[i] == 'O')) {
            key = sequence(text + i + 1, (size_t)n - i - 1, &used);
            i += used + 1;
        }
        goes_on = key == 0 || on_key(l, key);
    }
    return goes_on;
}

/* ---- the whole ---------------------------------------------------------------------- */

/* Until q, a signal, or the end of the terminal. */
static void run_live(struct live *l)
{
    int64_t due = boottime_ns() + PAGE_MS * NS_PER_MS;

    while (show(l)) {
        int64_t left = (due - boottime_ns()) / NS_PER_MS;

        switch (term_wait(&l->term, left > 0 ? (int)left : 0)) {
        case TERM_END:
            return;
        case TERM_KEYS:
            if (!read_keys(l))
                return;
            break;
        case TERM_RESIZED:
        case TERM_BACK:
            break;
        case TERM_NOTHING:
            look_again(l);
            due = boottime_ns() + PAGE_MS * NS_PER_MS;
            break;
        }
    }
}

/* Where nobody can press a key it is one page, for scripts and for a look. */
int top_run(struct ctl *c)
{
    struct live *l = calloc(1, sizeof(*l));
    int rc;

    CHECK(l != NULL);
    l->c = c;
    rc = look_at(c, &l->view); /* what is wrong is said before the page */
    if (rc == EXIT_SUCCESS) {
        l->has_view = true;
        l->top.url = c->at.url;
        trend_look(&l->top.trend, c, &l->view, boottime_ns());
        term_open(&l->term);
        if (l->term.is_live)
            run_live(l);
        else
            (void)show(l);
        term_close(&l->term);
        view_free(&l->view);
        buf_free(&l->page.text);
    }
    free(l);
    return rc;
}
