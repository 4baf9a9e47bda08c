/*
 * The terminal that `sluicectl top` has to itself, and gives back.
 */
#ifndef SLUICE_TERM_H
#define SLUICE_TERM_H

#include <stdbool.h>

struct term {
    bool is_live; /* somebody looks, and can press keys */
    bool colours; /* NO_COLOR is not set, and it knows them */
    bool is_utf8; /* more than ASCII may be shown */
    int rows, columns;
    int signals; /* readable: one came */
};

enum term_event {
    TERM_NOTHING = 0, /* the time is over */
    TERM_KEYS = 1,    /* there is something to read */
    TERM_RESIZED = 2,
    TERM_BACK = 3, /* was stopped, and goes on: everything anew */
    TERM_END = 4,  /* a signal, or nobody is there any more */
};

/* What is there.  Where is_live comes of it the terminal is ours: its other
 * screen, no cursor, keys one by one; until term_close(), or however else this
 * process ends, but for SIGKILL. */
void term_open(struct term *t);
void term_close(struct term *t);
/* Waits for MS. */
enum term_event term_wait(struct term *t, int ms);
void term_measure(struct term *t);

#endif
