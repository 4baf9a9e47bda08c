/*
 * term.c - how is a terminal taken, and given back?
 *
 * It is given back on every way out: the end of top, a signal that ends (they
 * come by a descriptor, so that no page is cut in the middle), exit(), and a
 * crash (CHECK, SIGSEGV), whose handler does only what a handler may.  Ctrl-Z
 * gives it back as well, and takes it again when the shell lets us go on.
 *
 * SIGKILL alone leaves it as it is; `reset` helps then.  Two of these on one terminal
 * would be in each other's way: the second one gets no keys while it is in the
 * background, as any program does.
 */
#include "ctl/term.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base.h"

#define ENTER           "\033[?1049h\033[?25l" /* the other screen, no cursor */
#define LEAVE           "\033[0m\033[?25h\033[?1049l"
#define ROWS_ENDLESS    1000000 /* of what is no terminal */
#define COLUMNS_ENDLESS 200     /* as wide as a page ever needs */

/* For handlers and atexit(): there is one terminal. */
static struct termios before;
static volatile sig_atomic_t is_taken;

/* Nothing but what is allowed in a signal handler. */
static void give_back(void)
{
    if (!is_taken)
        return;
    is_taken = 0;
    if (write(STDOUT_FILENO, LEAVE, sizeof(LEAVE) - 1) == -1) {
        /* it is gone: then nothing has to be given back */
    }
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void on_crash(int signal)
{
    give_back();
    raise(signal); /* SA_RESETHAND: now for good */
}

/* Signals of the keyboard stay signals: they come by the descriptor. */
static bool take(void)
{
    struct termios raw = before;

    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C stays a signal */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) == -1)
        return false;
    is_taken = 1;
    return write(STDOUT_FILENO, ENTER, sizeof(ENTER) - 1) != -1;
}

static void guard_crashes(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    const struct sigaction act = {.sa_handler = on_crash,
                                  .sa_flags = (int)SA_RESETHAND};
    size_t i;

    for (i = 0; i < ARRAY_LEN(crashes); i++)
        sigaction(crashes[i], &act, NULL);
}

/* Blocked, so that they wait for us, in whatever we are. */
static int signals_open(void)
{
    static const int come[] = {SIGINT,  SIGTERM, SIGHUP,
                               SIGQUIT, SIGTSTP, SIGWINCH};
    sigset_t set;
    size_t i;

    sigemptyset(&set);
    for (i = 0; i < ARRAY_LEN(come); i++)
        sigaddset(&set, come[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
        return -1;
    signal(SIGPIPE, SIG_IGN); /* write() tells */
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0';
}

/* The first of these that is set decides. */
static bool speaks_utf8(void)
{
    const char *value = is_set("LC_ALL")     ? getenv("LC_ALL")
                        : is_set("LC_CTYPE") ? getenv("LC_CTYPE")
                                             : getenv("LANG");

    return value != NULL && (strcasestr(value, "utf-8") != NULL ||
                             strcasestr(value, "utf8") != NULL);
}

/* Without a size (a serial line) a page is as long as it is. */
void term_measure(struct term *t)
{
    struct winsize w;

    t->rows = ROWS_ENDLESS;
    t->columns = COLUMNS_ENDLESS;
    if (!t->is_live || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == -1 ||
        w.ws_row == 0)
        return;
    t->rows = w.ws_row;
    if (w.ws_col > 0 && w.ws_col < COLUMNS_ENDLESS)
        t->columns = w.ws_col;
}

/* What is no terminal, or a dumb one, gets a page and no sequence. */
void term_open(struct term *t)
{
    const char *kind = getenv("TERM");

    memset(t, 0, sizeof(*t));
    t->signals = -1;
    t->is_live = isatty(STDOUT_FILENO) && kind != NULL &&
                 strcmp(kind, "dumb") != 0 &&
                 tcgetattr(STDIN_FILENO, &before) == 0;
    if (t->is_live) {
        t->signals = signals_open();
        atexit(give_back);
        guard_crashes();
        t->is_live = t->signals != -1 && take();
    }
    t->colours = t->is_live && !is_set("NO_COLOR");
    t->is_utf8 = t->is_live && speaks_utf8();
    term_measure(t);
}

/* Signals stay blocked: what comes now ends the process after its last word. */
void term_close(struct term *t)
{
    give_back();
    if (t->signals != -1)
        close(t->signals);
    t->signals = -1;
}

/* Ctrl-Z: the shell has the terminal until we are told to go on. */
static enum term_event rest(struct term *t)
{
    give_back();
    raise(SIGSTOP);
    if (!take())
        return TERM_END;
    term_measure(t);
    return TERM_BACK;
}

static enum term_event on_signal(struct term *t)
{
    struct signalfd_siginfo info;

    if (read(t->signals, &info, sizeof(info)) != sizeof(info))
        return TERM_END;
    if (info.ssi_signo == SIGTSTP)
        return rest(t);
    if (info.ssi_signo != SIGWINCH)
        return TERM_END;
    term_measure(t);
    return TERM_RESIZED;
}

/* A signal goes before a key: whoever presses Ctrl-C does not want the rest. */
enum term_event term_wait(struct term *t, int ms)
{
    struct pollfd p[2] = {{t->signals, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};

    if (poll(p, 2, ms) <= 0)
        return TERM_NOTHING;
    if (p[0].revents != 0)
        return on_signal(t);
    return TERM_KEYS;
}
