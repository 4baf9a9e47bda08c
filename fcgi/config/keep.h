/*
 * What a running worker cannot change stays as it is.
 */
#ifndef SLUICE_KEEP_H
#define SLUICE_KEEP_H

struct config;
struct json_object;

/*
 * Settings of NEXT that need a restart are given the values that NOW, which is
 * in force and not changed, has; for each that differs a line is added to
 * NOTES, an array, or with NULL is not.  NEXT is to be settled after it.
 */
void keep_fixed(struct config *next, struct config *now,
                struct json_object *notes);

#endif
