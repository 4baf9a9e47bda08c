/* A whole chat completion, told by another API. */
#ifndef SLUICE_CHAT_ANSWER_H
#define SLUICE_CHAT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/messages/chat_teller.h"

/* Tells TO what BODY says, LEN bytes and a zero: its head, content and end.
 * False: it is none, and nothing was told. */
bool chat_answer_tell(const char *body, size_t len,
                      const struct chat_teller *tell, void *to,
                      struct buf *out);

#endif
