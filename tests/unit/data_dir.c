/* data_dir.c - a directory that holds a file of the past. */
#include "data_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state/stats/vault.h"
#include "unit.h"

char data_dir[64];

void data_dir_make(void)
{
    strcpy(data_dir, "/tmp/sluice-past-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(data_dir));
}

const char *data_dir_path(const char *name)
{
    static char path[160];

    (void)snprintf(path, sizeof(path), "%s/%s", data_dir, name);
    return path;
}

void data_dir_remove(const char *name)
{
    char aside[64];

    (void)snprintf(aside, sizeof(aside), "%s.damaged", name);
    (void)unlink(data_dir_path(name));
    (void)unlink(data_dir_path(aside));
    (void)unlink(data_dir_path(VAULT_LOCK_NAME));
    CU_ASSERT_EQUAL(rmdir(data_dir), 0);
}
