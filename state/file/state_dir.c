/* state_dir.c - is the state directory ours alone, and clean? */
#include "state/file/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base.h"
#include "state/file/wake.h"

int file_open_dir(const char *path, char *msg, size_t max)
{
    struct stat st;
    int fd;

    if (mkdir(path, 0700) == -1 && errno != EEXIST) {
        snprintf(msg, max, "state_dir %s: cannot be made: %s", path,
                 strerror(errno));
        return -1;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1) {
        snprintf(msg, max, "state_dir %s: %s", path,
                 errno == ELOOP || errno == ENOTDIR
                     ? "is a link or not a directory"
                     : strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) == -1 || st.st_uid != geteuid() ||
        (st.st_mode & 022) != 0) {
        snprintf(msg, max,
                 "state_dir %s: must belong to the user that runs Sluice and "
                 "be writable by nobody else (chown, chmod 0700)",
                 path);
        close(fd);
        return -1;
    }
    return fd;
}

const char *file_stranger(const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return "is not a regular file";
    if (st->st_uid != geteuid())
        return "belongs to another user";
    if (st->st_nlink > 1)
        return "has a second hard link";
    if ((st->st_mode & 077) != 0)
        return "can be read or written by others (its mode must be 0600)";
    return NULL;
}

void file_clean_dir(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (d == NULL) {
        if (fd != -1)
            close(fd);
        return;
    }
    while ((e = readdir(d)) != NULL)
        if (strncmp(e->d_name, FILE_TEMP_PREFIX, strlen(FILE_TEMP_PREFIX)) ==
                0 ||
            strncmp(e->d_name, WAKE_PREFIX, strlen(WAKE_PREFIX)) == 0)
            (void)unlinkat(dir, e->d_name, 0);
    closedir(d);
}
