/*
 * top.c - what happens now?
 *
 * A page a second on the terminal's other screen, from the state file alone,
 * so that it shows the queue even while no worker answers.  Each page is built
 * whole and written at once: nothing flickers.
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "state/view.h"

#define PAGE_MS     1000
#define BAR_MAX     60
#define COLUMNS_MAX 400

struct page {
    FILE *out;
    int rows, columns;
    int used; /* rows */
};

/* What the last page saw, to tell how fast it goes. */
struct last {
    uint64_t sent;
    int64_t uptime_ns;
};

static void line(struct page *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* One row, cut to the terminal's width; none below its last. */
static void line(struct page *p, const char *fmt, ...)
{
    char text[COLUMNS_MAX];
    va_list ap;

    if (p->used >= p->rows)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fprintf(p->out, "%s%.*s", p->used++ > 0 ? "\n" : "", p->columns, text);
}

static void bar(char out[BAR_MAX + 1], uint32_t used, uint32_t limit, int width)
{
    int full, i;

    width = width > BAR_MAX ? BAR_MAX : width < 10 ? 10 : width;
    full = limit > 0 ? (int)((uint64_t)used * (uint64_t)width / limit) : 0;
    full = full > width ? width : used > 0 && full == 0 ? 1 : full;
    for (i = 0; i < width; i++)
        out[i] = i < full ? '#' : '.';
    out[width] = '\0';
}

/* Who waits there. */
static void put_line(struct page *p, const struct limiter_view *view,
                     const struct view_scope *v)
{
    const char *lead = lead_of(view, v);
    char slot[DURATION_MAX], eta[DURATION_MAX], wait[128],
        name[LIMITER_NAME_MAX];

    if (lead != NULL)
        snprintf(wait, sizeof(wait), "all wait in the line of %.60s",
                 plain(name, lead));
    else
        snprintf(wait, sizeof(wait), "%u high, %u normal, %u low wait",
                 v->waiting[CLASS_HIGH], v->waiting[CLASS_NORMAL],
                 v->waiting[CLASS_LOW]);
    line(p, "               %s; %u in flight; next slot %s, a new request %s",
         wait, v->in_flight, duration(slot, v->next_slot_ns),
         duration(eta, v->eta_ns));
}

static void put_scope(struct page *p, const struct limiter_view *view,
                      const struct view_scope *v)
{
    char name[LIMITER_NAME_MAX], gauge[BAR_MAX + 1];
    char eta[DURATION_MAX], span[DURATION_MAX], why[LIMITER_NAME_MAX];

    bar(gauge, v->used, v->rules.requests, p->columns - 44);
    line(p, "%-14.14s [%s] %u of %u in %s", plain(name, v->name), gauge,
         v->used, v->rules.requests, duration(span, v->rules.window_ns));
    put_line(p, view, v);
    if (v->tokens_limit > 0)
        line(p,
             "               %" PRIu64 " of %" PRIu64 " tokens, %" PRIu64
             " reserved",
             v->tokens_used, v->tokens_limit, v->tokens_reserved);
    if (v->retreat.state != RETREAT_NORMAL)
        line(p, "               %s for %s: %s",
             retreat_state_names[v->retreat.state],
             duration(eta, v->retreat.ends_ns), plain(why, v->retreat.reason));
    if (v->unpaid.ends_ns >= 0)
        line(p, "               %s, tried again in %s: %s",
             held_words(v->unpaid.cause), duration(eta, v->unpaid.ends_ns),
             plain(why, v->unpaid.reason));
}

static void put_model(struct page *p, const struct view_model *v)
{
    char name[LIMITER_NAME_MAX], ends[DURATION_MAX], why[LIMITER_NAME_MAX];

    if (v->bench.ends_ns >= 0)
        line(p, "%-30.30s off for %s: %s", plain(name, v->name),
             duration(ends, v->bench.ends_ns), plain(why, v->bench.reason));
    else if (v->ceiling > 0)
        line(p, "%-30.30s at most %u at once, %u in flight, %u wait",
             plain(name, v->name), v->ceiling, v->in_flight, v->waiting);
}

static void put_row(struct page *p, const struct view_row *r)
{
    char age[DURATION_MAX], eta[DURATION_MAX], client[LIMITER_NAME_MAX];
    char model[LIMITER_NAME_MAX], id[LIMITER_NAME_MAX], place[16];

    snprintf(place, sizeof(place), "%u", r->position + 1);
    line(p, "%-8s %-8s %-10s %-10s %-20.20s %-30.30s %s",
         r->waiting ? place : "running", limiter_class_names[r->cls],
         duration(age, r->age_ns), r->waiting ? duration(eta, r->eta_ns) : "-",
         plain(client, r->client), plain(model, r->model),
         plain(id, r->request_id));
}

static void put_view(struct page *p, const struct limiter_view *v,
                     const struct last *last)
{
    char up[DURATION_MAX];
    uint32_t i, waiting = 0, stalled = 0;
    double s = (double)(v->uptime_ns - last->uptime_ns) / 1e9;
    uint64_t sent = v->counters.sent - last->sent;

    for (i = 0; i < v->n_rows; i++)
        waiting += v->rows[i].waiting;
    for (i = 0; i < v->n_workers; i++)
        stalled += v->workers[i].stalled;
    line(p,
         "Sluice %s, up %s: %u waiting, %u running, %.1f sent a second; %u "
         "workers%s",
         SLUICE_VERSION, duration(up, v->uptime_ns), waiting,
         v->n_rows - waiting,
         last->uptime_ns > 0 && s > 0 ? (double)sent / s : 0.0, v->n_workers,
         stalled > 0 ? ", some do not answer" : "");
    line(p, "%s", v->paused_ns >= 0 ? "PAUSED: nothing is sent" : "");
    for (i = 0; i < v->n_scopes; i++)
        put_scope(p, v, &v->scopes[i]);
    for (i = 0; i < v->n_models; i++)
        put_model(p, &v->models[i]);
    line(p, "%s", "");
    line(p, "%-8s %-8s %-10s %-10s %-20s %-30s %s", "PLACE", "CLASS", "AGE",
         "ETA", "CLIENT", "MODEL", "ID");
    for (i = 0; i < v->n_rows; i++)
        put_row(p, &v->rows[i]);
}

static void measure(struct page *p)
{
    struct winsize w;

    p->rows = 1000000;
    p->columns = COLUMNS_MAX - 1;
    p->used = 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == -1 || w.ws_row == 0)
        return;
    p->rows = w.ws_row;
    if (w.ws_col > 0 && w.ws_col < COLUMNS_MAX)
        p->columns = w.ws_col;
}

/* One page; BEFORE and AFTER it what the terminal is to do. */
static int show(struct ctl *c, struct last *last, const char *before,
                const char *after)
{
    struct limiter_view view;
    struct page p;
    char *text = NULL;
    size_t len = 0;
    int rc = look_at(c, &view);

    if (rc != EXIT_SUCCESS)
        return rc;
    measure(&p);
    p.out = open_memstream(&text, &len);
    if (p.out == NULL) {
        view_free(&view);
        return EXIT_FAILURE;
    }
    put_view(&p, &view, last);
    last->sent = view.counters.sent;
    last->uptime_ns = view.uptime_ns;
    view_free(&view);
    fclose(p.out);
    fputs(before, stdout);
    fputs(text, stdout);
    fputs(after, stdout);
    fflush(stdout);
    free(text);
    return EXIT_SUCCESS;
}

/* True: somebody wants no more of it. */
static int waits_for_end(int signals)
{
    struct pollfd p[2] = {{signals, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    char key = 0;

    if (poll(p, 2, PAGE_MS) <= 0)
        return 0;
    if ((p[0].revents & POLLIN) != 0)
        return 1;
    return read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 'Q';
}

static int signals_open(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC);
}

int top_run(struct ctl *c)
{
    struct last last = {0, 0};
    struct termios old, raw;
    int rc, signals;

    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &old) == -1)
        return show(c, &last, "", "\n");
    signals = signals_open();
    if (signals == -1)
        return EXIT_FAILURE;
    raw = old;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    fputs("\033[?1049h\033[?25l", stdout); /* the other screen, no cursor */
    do
        rc = show(c, &last, "\033[H\033[2J", "");
    while (rc == EXIT_SUCCESS && !waits_for_end(signals));
    fputs("\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &old);
    close(signals);
    return rc;
}
