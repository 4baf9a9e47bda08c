/*
 * The admin token that nobody chose.
 */
#ifndef SLUICE_TOKEN_H
#define SLUICE_TOKEN_H

#include <stddef.h>

struct config;

/*
 * If CFG has no admin token: takes the one in its data_dir, which is made if
 * there is none.  Whoever starts at the same time takes the same.  0, or -1
 * with one line in ERR, and nobody is an administrator.  Waits for the disk.
 */
int token_take(struct config *cfg, char *err, size_t err_max);

#endif
