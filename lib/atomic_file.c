/*
 * atomic_file.c - how does a text get onto the disk whole?
 *
 * Into a temporary file, to the disk, to its name in one step, and that step
 * to the disk too.
 */
#include "lib/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base.h"
#include "lib/complaint.h"
#include "lib/file_lock.h"

#define PATH_BYTES_MAX (PATH_MAX + 64) /* a directory, and a short name */

static int fail(struct complaint *err, const char *path)
{
    return complain(err, "%s: %s", path, strerror(errno));
}

int atomic_file_make_dir(const char *path, struct complaint *err)
{
    struct stat st;

    if (mkdir(path, 0700) == 0)
        return 0;
    if (errno != EEXIST)
        return fail(err, path);
    if (stat(path, &st) == -1)
        return fail(err, path);
    errno = ENOTDIR;
    return S_ISDIR(st.st_mode) ? 0 : fail(err, path);
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n == -1 && errno != EINTR)
            return false;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* A new file at PATH with TEXT in it. */
static int put_text(const char *path, const char *text, size_t len,
                    bool durable, struct complaint *err)
{
    int fd =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool fine;

    if (fd == -1)
        return fail(err, path);
    fine = write_all(fd, text, len) && (!durable || fsync(fd) == 0);
    if (!fine)
        (void)fail(err, path);
    if (close(fd) == -1 && fine) {
        fine = false;
        (void)fail(err, path);
    }
    if (!fine)
        (void)unlink(path);
    return fine ? 0 : -1;
}

static int sync_dir(const char *dir, struct complaint *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

    if (fd == -1 || fsync(fd) == -1)
        rc = fail(err, dir);
    if (fd != -1)
        close(fd);
    return rc;
}

static void join(char *out, const char *dir, const char *name)
{
    (void)snprintf(out, PATH_BYTES_MAX, "%s/%s", dir, name);
}

/* A name that no other process uses. */
static void temporary(char *out, const char *path)
{
    (void)snprintf(out, PATH_BYTES_MAX + 32, "%s.%ld.tmp", path,
                   (long)getpid());
}

int atomic_file_write(const char *dir, const char *name, const char *text,
                      size_t len, bool durable, struct complaint *err)
{
    char path[PATH_BYTES_MAX], temp[PATH_BYTES_MAX + 32];

    join(path, dir, name);
    temporary(temp, path);
    (void)unlink(temp); /* of a process with our number that was killed */
    if (put_text(temp, text, len, durable, err) == -1)
        return -1;
    if (rename(temp, path) == -1) {
        (void)fail(err, path);
        (void)unlink(temp);
        return -1;
    }
    return durable ? sync_dir(dir, err) : 0;
}

int atomic_file_make(const char *dir, const char *name, const char *text,
                     size_t len, struct complaint *err)
{
    char path[PATH_BYTES_MAX], temp[PATH_BYTES_MAX + 32];
    int rc = 0;

    join(path, dir, name);
    temporary(temp, path);
    (void)unlink(temp);
    if (put_text(temp, text, len, true, err) == -1)
        return -1;
    if (link(temp, path) == -1 && errno != EEXIST)
        rc = fail(err, path);
    (void)unlink(temp);
    return rc == 0 ? sync_dir(dir, err) : rc;
}

int atomic_file_lock(const char *dir, const char *name, int wait_ms,
                     struct complaint *err)
{
    char path[PATH_BYTES_MAX];
    int fd;

    join(path, dir, name);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1)
        return fail(err, path);
    if (file_lock_wait(fd, wait_ms * NS_PER_MS))
        return fd;
    (void)complain(err, "%s: %s", path,
                   errno == EWOULDBLOCK ? "another process does not let go"
                                        : strerror(errno));
    close(fd);
    return -1;
}
