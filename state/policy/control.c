/*
 * control.c - what have operators decided?
 *
 * A pause has a number that rises with each pause and resume (serial.h): who
 * finds a smaller one than it knows is in a new file, and puts it right
 * (operator.c).  The generation of the settings works the same way.
 */
#include "state/policy/control.h"

#include <string.h>

#include "lib/serial.h"

#define FUTURE_MAX NS_PER_S

bool control_is_sane(const struct lay_control *c, int64_t now)
{
    return serial_is_sane(c->generation) && serial_is_sane(c->pauses) &&
           c->paused_ns >= 0 && c->paused_ns <= now + FUTURE_MAX;
}

void control_rebuild(struct lay_control *c, int64_t now)
{
    if (!control_is_sane(c, now))
        memset(c, 0, sizeof(*c)); /* the workers know better */
    c->cancels++; /* whoever died may have marked rows and not said so */
}

void control_set_pause(struct lay_control *c, uint64_t number, int64_t since_ns,
                       const char *by)
{
    memset(c->by, 0, sizeof(c->by));
    memcpy(c->by, by, strnlen(by, sizeof(c->by) - 1));
    c->pauses = number;
    c->paused_ns = since_ns;
}
