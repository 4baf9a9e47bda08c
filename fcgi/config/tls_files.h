/*
 * The files that TLS to an upstream needs.
 */
#ifndef SLUICE_TLS_FILES_H
#define SLUICE_TLS_FILES_H

#include <stddef.h>

struct config;

/* Can they be used?  At a start, and for who wants to know beforehand: what
 * was fine then must not make a reload fail.  Returns 0, or -1 with ERR as of
 * config_load(). */
int tls_files_check(const struct config *cfg, char *err, size_t err_max);

#endif
