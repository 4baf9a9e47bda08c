/* The two sides of a conversation, as chat messages. */
#ifndef SLUICE_INPUT_SIDES_H
#define SLUICE_INPUT_SIDES_H

#include <stdbool.h>

#include "fcgi/responses/input_list.h"

/* Items FROM to END, which are all of one side.  False: a fault. */
bool input_user_write(struct input_list *l, size_t from, size_t end);
bool input_assistant_write(struct input_list *l, size_t from, size_t end);

#endif
