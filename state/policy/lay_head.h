/*
 * How a mapped file introduces itself.
 */
#ifndef SLUICE_LAY_HEAD_H
#define SLUICE_LAY_HEAD_H

#include <stdint.h>

/* Written once, checked by every opener. */
struct lay_head {
    char magic[8];
    uint32_t version;
    uint32_t layout_hash; /* of every field of the file */
    uint64_t size;        /* of the file */
    uint8_t boot_id[16];
    uint64_t time_ns; /* clocks differ between time namespaces */
    int64_t created_ns;
    uint64_t secret;   /* key of the fingerprints; statistics have none: 0 */
    uint32_t checksum; /* of the bytes before it */
    uint32_t pad;
};

/* Up while somebody writes; who reads without the lock sees by `writes`
 * whether it was one file from begin to end. */
struct lay_flag {
    uint32_t dirty, writes;
};

#endif
