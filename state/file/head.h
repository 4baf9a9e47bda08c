/*
 * Is a mapped file one of this version, and of this boot?
 */
#ifndef SLUICE_FILE_HEAD_H
#define SLUICE_FILE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/policy/lay_head.h"

/* What all files of a kind have in common. */
struct file_kind {
    const char *magic; /* 8 bytes */
    uint32_t version, layout_hash;
    uint64_t size;
};

/* A word of LEN bytes, going on from H. */
#define FILE_HASH_0 2166136261u
uint32_t file_hash(uint32_t h, const void *data, size_t len);

/* What a new file's head says, but for its time and its checksum; also what an
 * old one's is compared with.  Reads /proc. */
void file_head_init(struct lay_head *h, const struct file_kind *kind,
                    uint64_t secret);
void file_head_sign(struct lay_head *h);
/* Is it one of this version? */
bool file_head_is_sound(const struct lay_head *h, const struct file_kind *kind);
bool file_head_is_same_boot(const struct lay_head *a, const struct lay_head *b);

#endif
