/*
 * Tools that come and go in the middle of a conversation.
 */
#ifndef SLUICE_TOOL_CHANGES_H
#define SLUICE_TOOL_CHANGES_H

#include <stdbool.h>

struct json_object;

/* What the messages of ROOT have changed, by the tool's name: true, it may be
 * called; false, it may not; an object, it is this one now.  The caller owns
 * it. */
struct json_object *tool_changes_read(struct json_object *root);

/* May TOOL, one of the request's, be called after CHANGES?  Not if another has
 * its name now. */
bool tool_changes_offer(struct json_object *changes, struct json_object *tool);

/* Is BLOCK, of a turn of role system, such a change? */
bool tool_changes_is(struct json_object *block);

#endif
