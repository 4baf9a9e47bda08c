/*
 * What a service manager is told: ready, reloading, stopping, still alive.
 * Under a web server that starts the workers itself there is nobody to tell,
 * and none of this does anything.
 */
#ifndef SLUICE_NOTIFY_H
#define SLUICE_NOTIFY_H

#include <stdint.h>

struct loop;
struct notify;

/* Looks at NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; from here on the loop
 * L, borrowed, tells twice in the watchdog's time that it still goes round.
 * NULL: nobody wants to know.  All below take that for an answer. */
struct notify *notify_open(struct loop *l);
void notify_close(struct notify *n);

void notify_ready(struct notify *n);
void notify_reloading(struct notify *n); /* the settings are read anew */
/* That is over.  WHY: they were refused, one line; NULL: they are in force. */
void notify_reloaded(struct notify *n, const char *why);
/* It ends, and may take as long as MOST_MS.  Later words go unsaid. */
void notify_stopping(struct notify *n, int64_t most_ms);

#endif
