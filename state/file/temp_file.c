/* temp_file.c - how is there never half a file? */
#include "state/file/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "state/file/state_dir.h"

void *temp_file_map(int fd, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED)
        return NULL;
    /* Keys are never in it, but prompts' sizes and names need no core. */
    (void)madvise(p, size, MADV_DONTDUMP);
    return p;
}

static int fill(struct temp_file *t)
{
    int error = posix_fallocate(t->fd, 0, (off_t)t->size);

    if (error != 0) {
        errno = error;
        return -1;
    }
    t->map = temp_file_map(t->fd, t->size);
    return t->map == NULL ? -1 : 0;
}

int temp_file_make(struct temp_file *t, int dir, size_t size)
{
    uint64_t random = 0;
    int error;

    *t = (struct temp_file){.dir = dir, .fd = -1, .size = size};
    if (getrandom(&random, sizeof(random), 0) == -1)
        return -1;
    snprintf(t->name, sizeof(t->name), FILE_TEMP_PREFIX "%ld.%" PRIx64,
             (long)getpid(), random);
    t->fd = openat(dir, t->name,
                   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (t->fd == -1) {
        t->name[0] = '\0';
        return -1;
    }
    if (fill(t) == 0)
        return 0;
    error = errno;
    temp_file_drop(t);
    errno = error;
    return -1;
}

int temp_file_place(struct temp_file *t, const char *name, bool fresh)
{
    int error;

    if (renameat2(t->dir, t->name, t->dir, name,
                  fresh ? RENAME_NOREPLACE : 0) == 0) {
        t->name[0] = '\0';
        return 0;
    }
    error = errno;
    (void)unlinkat(t->dir, t->name, 0);
    t->name[0] = '\0';
    errno = error;
    return -1;
}

void temp_file_drop(struct temp_file *t)
{
    if (t->name[0] != '\0')
        (void)unlinkat(t->dir, t->name, 0);
    t->name[0] = '\0';
    if (t->map != NULL)
        munmap(t->map, t->size);
    t->map = NULL;
    if (t->fd != -1)
        close(t->fd);
    t->fd = -1;
}
