/* What the user says, as chat messages. */
#ifndef SLUICE_CHAT_USER_H
#define SLUICE_CHAT_USER_H

#include <stdbool.h>

#include "fcgi/messages/turn_list.h"

/* Turns FROM to END, which are the user's, remarks of the system, or silent.
 * False: a fault. */
bool chat_user_write(struct turn_list *t, size_t from, size_t end);

#endif
