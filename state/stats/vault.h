/*
 * A file of the past in the data directory: found, made, or set aside.
 *
 * Knows the disk and nothing of the shared state: its functions are called by
 * threads, and may block.
 */
#ifndef SLUICE_VAULT_H
#define SLUICE_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base.h"

#define VAULT_LOCK_NAME ".history.lock" /* held while one is made or moved */

enum vault_result {
    VAULT_OK = 0,
    VAULT_NEW = 1,    /* there was no file */
    VAULT_FAILED = 2, /* maybe it passes: the message says why */
    VAULT_ASIDE = 3,  /* what was there is damaged or not ours, which the
                       * message says, and has another name now */
};

/* What a file of its kind is called, and how it begins. */
struct vault_kind {
    const char *name, *aside, *temp;
    const void *head;
    size_t head_size; /* VAULT_HEAD_MAX at most */
    off_t size;       /* it never changes */
    bool sparse;      /* only what was written has room on the disk */
};

#define VAULT_HEAD_MAX 64

struct vault {
    const struct vault_kind *kind;
    const char *dir;
    int64_t until_ns; /* later, another worker has begun to do it */
    char *msg;        /* gets one line */
    size_t msg_max;
    int dir_fd, fd, lock; /* -1: none */
};

/* For vault_open().  What it is given is borrowed. */
static inline struct vault vault_of(const struct vault_kind *kind,
                                    const char *dir, int64_t until_ns,
                                    char *msg, size_t msg_max)
{
    return (struct vault){.kind = kind,
                          .dir = dir,
                          .until_ns = until_ns,
                          .msg = msg,
                          .msg_max = msg_max};
}

/*
 * With O_RDONLY or O_RDWR, which makes one where there is none.  VAULT_OK, or
 * _NEW with O_RDWR: it is open.  Else it is not.  vault_close() in any case.
 */
MUST_USE enum vault_result vault_open(struct vault *v, int flags);
void vault_close(struct vault *v);
/* The lock, if we do not have it.  False: errno says why it cannot be had. */
MUST_USE bool vault_lock(struct vault *v);
/* Says what could not be done, by errno; 0: a write was short.  VAULT_FAILED. */
enum vault_result vault_fail(const struct vault *v, const char *doing);
/* Reads N bytes at AT of FD.  False: errno says why; EIO where there were fewer:
 * it was cut, just now. */
MUST_USE bool vault_get(int fd, void *to, size_t n, off_t at);
/* Writes N bytes at AT, if it is not too late.  False: errno, or 0. */
MUST_USE bool vault_put(const struct vault *v, const void *data, size_t n,
                        off_t at);

#endif
