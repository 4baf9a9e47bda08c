/*
 * A reply of the store, from a text: [ok 1 'a text' [] ~ !ERR]; ~ is nil.
 */
#ifndef SLUICE_TREE_H
#define SLUICE_TREE_H

#include <hiredis/hiredis.h>

/* For freeReplyObject(). */
redisReply *tree(const char *text);

#endif
