/*
 * Which header fields of a request may go on to an upstream, and which never?
 */
#ifndef SLUICE_HEADER_RULES_H
#define SLUICE_HEADER_RULES_H

#include <stdbool.h>
#include <stddef.h>

#define HEADER_NAME_MAX 64 /* with its zero; none in use is half as long */

/* May NAME, in lower case, go on if the settings say so?  Not where it is of
 * one connection, tells of the client's browser or the way to us, or is a
 * credential, which goes its own way (onward_headers.c). */
bool header_may_pass(const char *name);

/* Does NAME, in lower case, hold what proves who somebody is? */
bool header_is_secret(const char *name);

/* Does PATTERN, a name or with its last character '*' a prefix, fit NAME, in
 * lower case? */
bool header_fits(const char *pattern, const char *name);

/* What is wrong with an entry of pass_headers, or of set_headers ("Name:
 * value"); NULL: nothing. */
const char *header_pattern_fault(const char *pattern);
const char *header_line_fault(const char *line);

#endif
