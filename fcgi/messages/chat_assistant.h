/* What the assistant has said, as a chat message. */
#ifndef SLUICE_CHAT_ASSISTANT_H
#define SLUICE_CHAT_ASSISTANT_H

#include <stdbool.h>

#include "fcgi/messages/turn_list.h"

/* Turns FROM to END, which are his, or silent, but not all of them.  False: a
 * fault. */
bool chat_assistant_write(struct turn_list *t, size_t from, size_t end);

#endif
