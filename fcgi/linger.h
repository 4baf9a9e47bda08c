/*
 * Connections whose request was answered before it had wholly come.
 */
#ifndef SLUICE_LINGER_H
#define SLUICE_LINGER_H

#include <stdbool.h>
#include <stdint.h>

struct linger_list;
struct loop;

struct linger_list *linger_new(struct loop *loop);
/* Closes all of them. */
void linger_free(struct linger_list *l);
/* Takes FD, over which the whole answer has gone. */
void linger_add(struct linger_list *l, int fd);
/* Closes those that have been there for too long. */
void linger_expire(struct linger_list *l, int64_t now);
bool linger_is_idle(const struct linger_list *l);

#endif
