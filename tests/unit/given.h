/*
 * Settings from a file and an environment, both made up.  In JSON that is
 * given as a text ' stands for ", so that it can be read.
 */
#ifndef TESTS_GIVEN_H
#define TESTS_GIVEN_H

#include <stddef.h>
#include <sys/types.h>

struct config;

#define GIVEN_ERR_MAX  512
#define GIVEN_VARS_MAX 4
#define CANARY         "nvapi-CANARY-0123456789" /* no message may ever hold it */

/* A file of its own, whose path is put into PATH. */
void given_file(char *path, size_t max, const char *text, size_t len,
                mode_t mode);
/* Loads JSON (LEN bytes; NULL: no file) and VARS (ended by NULL). */
struct config *given_bytes(const char *json, size_t len,
                           const char *const *vars, char *err);
struct config *given_text(const char *json, const char *const *vars, char *err);
/* The same of what must be fine. */
struct config *given_sound(const char *json, const char *v1, const char *v2);
/* And of what must not, with WANTED in the message.  LEN: of JSON that has a
 * zero in it. */
void given_refused(const char *json, size_t len, const char *const *vars,
                   const char *wanted);

#endif
