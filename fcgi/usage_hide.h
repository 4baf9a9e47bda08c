/*
 * A report of tokens that the client of a stream has not asked for.
 */
#ifndef SLUICE_USAGE_HIDE_H
#define SLUICE_USAGE_HIDE_H

#include <stdbool.h>
#include <stddef.h>

/* All zeros at a stream's beginning. */
struct usage_hide {
    bool is_on;  /* the report is ours: nobody else is to see it */
    bool cr;     /* the last byte was CR: a LF now belongs to it */
    bool hid_it; /* that CR was hidden */
};

/*
 * Takes the report, an event without choices, out of the LEN bytes of EVENTS,
 * wherever in it it stands.  They begin behind an event and end with one; its
 * blank line may be cut within CRLF.  How many bytes are left, at its
 * beginning.
 */
size_t usage_hide(struct usage_hide *h, char *events, size_t len);
/* Is EVENT, with or without its blank line, the report, and to be hidden? */
bool usage_hide_is(const struct usage_hide *h, const char *event, size_t len);

#endif
