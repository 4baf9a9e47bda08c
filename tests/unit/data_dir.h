/* A directory that holds a file of the past. */
#ifndef SLUICE_DATA_DIR_H
#define SLUICE_DATA_DIR_H

extern char data_dir[64]; /* one that a test made itself, too */

/* An empty one. */
void data_dir_make(void);
/* Of NAME in it; valid until it is asked again. */
const char *data_dir_path(const char *name);
/* With the file NAME, what was set aside of it, and nothing else.  Asserts. */
void data_dir_remove(const char *name);

#endif
