/*
 * dir_fault.c - could a worker use this state directory?
 *
 *   sluicectl check, and so make run --> dir_fault_find()
 *
 * The same that attach.c will find, said once and by the program that was asked,
 * rather than by each worker that a web server starts again and again.
 */
#include "state/dir_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/file/opening.h"
#include "state/file/state_dir.h"

/* PATH's parent, "/" of "/name". */
static void parent_of(char *out, size_t max, const char *path)
{
    char *slash;

    snprintf(out, max, "%s", path);
    slash = strrchr(out, '/');
    if (slash == out)
        slash++;
    if (slash != NULL)
        *slash = '\0';
}

/* It is not there: can it be made? */
static enum dir_fault find_parent(const char *path, char *why, size_t max)
{
    char parent[4096];
    struct stat st;

    parent_of(parent, sizeof(parent), path);
    if (stat(parent, &st) == -1 || !S_ISDIR(st.st_mode)) {
        snprintf(why, max,
                 "state_dir %s: cannot be made, for %s is no directory: make "
                 "it, or choose another state_dir",
                 path, parent);
        return DIR_UNUSABLE;
    }
    if (access(parent, W_OK | X_OK) == 0)
        return DIR_FINE;
    snprintf(why, max,
             "state_dir %s: cannot be made in %s: %s; make it (mkdir -m 700, "
             "chown), or choose another state_dir",
             path, parent, strerror(errno));
    return DIR_NOT_OURS;
}

/* What lies in it by the state's name. */
static enum dir_fault find_file(const char *path, char *why, size_t max)
{
    char file[4200];
    const char *wrong;
    struct stat st;

    snprintf(file, sizeof(file), "%s/%s", path, FILE_NAME);
    if (lstat(file, &st) == -1)
        return DIR_FINE;
    wrong = S_ISLNK(st.st_mode) ? "is a symbolic link" : file_stranger(&st);
    if (wrong == NULL)
        return DIR_FINE;
    snprintf(why, max, "state_dir %s: %s %s; move it away", path, FILE_NAME,
             wrong);
    return DIR_UNUSABLE;
}

enum dir_fault dir_fault_find(const char *path, char *why, size_t max)
{
    struct stat st;

    why[0] = '\0';
    if (lstat(path, &st) == -1 && errno == ENOENT)
        return find_parent(path, why, max);
    if (lstat(path, &st) == -1) {
        snprintf(why, max, "state_dir %s: %s", path, strerror(errno));
        return errno == ENOTDIR ? DIR_UNUSABLE : DIR_NOT_OURS;
    }
    if (!S_ISDIR(st.st_mode)) {
        snprintf(why, max,
                 "state_dir %s: is a link or not a directory; must be a "
                 "directory of its own",
                 path);
        return DIR_UNUSABLE;
    }
    if ((st.st_mode & 022) != 0) {
        snprintf(why, max,
                 "state_dir %s: others may write to it; must be chmod 0700",
                 path);
        return DIR_UNUSABLE;
    }
    if (st.st_uid != geteuid()) {
        snprintf(why, max,
                 "state_dir %s: belongs to user %u; must belong to the user "
                 "that runs Sluice (chown)",
                 path, (unsigned)st.st_uid);
        return DIR_NOT_OURS;
    }
    if (access(path, R_OK | W_OK | X_OK) == -1) {
        snprintf(why, max, "state_dir %s: %s", path, strerror(errno));
        return DIR_NOT_OURS;
    }
    return find_file(path, why, max);
}
