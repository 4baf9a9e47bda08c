/* say.c - what is the log told of the state? */
#include "state/say.h"

#include <stdarg.h>
#include <stdio.h>

#include "state/worker.h"

void limiter_say(struct limiter *lim, const char *event, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (lim->log != NULL)
        lim->log(lim->log_arg, event, text);
}
