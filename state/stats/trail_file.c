/*
 * trail_file.c - what does the disk know of where requests went?
 *
 *   0      head    magic, version, sizes, checksum
 *   64     names   16 of 40 bytes: a name and its checksum
 *   4096   blocks  16 of 24 bytes x 13,080: a name's steps by their place
 *
 * 5 MB at most, and on the disk what was written of it.  Beside `history`,
 * which is what it was: a build that does not know this file goes on with that
 * one, and one that finds that one alone begins this.
 *
 * A name has a block for as long as there is room.  The checksum of a step
 * covers its name and its place, so that what is left of a name that had the
 * block before is no step of the new one.  Blocks are given to names by one at a
 * time, as files are made (vault.c).
 */
#include "state/stats/trail_file.h"
#include "lib/fnv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define VERSION   1
#define NAMES_AT  64
#define BLOCKS_AT 4096
#define BATCH     1024 /* records at once: 24 KB */

struct trail_record {
    struct lay_trail_step step;
    uint32_t checksum;
};

struct name_record {
    char name[TRAIL_NAME_SIZE];
    uint64_t checksum;
};

struct trail_head {
    char magic[8];
    uint32_t version, record;
    uint32_t n[HISTORY_RINGS];
    uint32_t names;
    uint64_t checksum;
};

#define BLOCK ((off_t)(sizeof(struct trail_record) * HISTORY_ALL))

static_assert(sizeof(struct trail_record) == 24 &&
                  sizeof(struct trail_head) <= NAMES_AT &&
                  NAMES_AT + TRAILS * sizeof(struct name_record) <= BLOCKS_AT,
              "another VERSION");

static uint32_t step_sum(const struct lay_trail_step *s, const char *name,
                         uint32_t place)
{
    uint64_t h = fnv(FNV_BEGIN, &place, sizeof(place));

    h = fnv(h, name, TRAIL_NAME_SIZE);
    h = fnv(h, s, sizeof(*s));
    return (uint32_t)(h ^ h >> 32);
}

static uint64_t name_sum(const char *name, uint32_t block)
{
    return fnv(fnv(FNV_BEGIN, &block, sizeof(block)), name, TRAIL_NAME_SIZE);
}

static void head_init(struct trail_head *h)
{
    uint32_t i;

    memset(h, 0, sizeof(*h));
    memcpy(h->magic, "SLUICEU\n", sizeof(h->magic));
    h->version = VERSION;
    h->record = sizeof(struct trail_record);
    for (i = 0; i < HISTORY_RINGS; i++)
        h->n[i] = history_rings[i].n;
    h->names = TRAILS;
    h->checksum = fnv(0, h, offsetof(struct trail_head, checksum));
}

static struct vault_kind kind_of(struct trail_head *head)
{
    head_init(head);
    return (struct vault_kind){.name = TRAIL_FILE_NAME,
                               .aside = TRAIL_FILE_ASIDE_NAME,
                               .temp = "." TRAIL_FILE_NAME ".new",
                               .head = head,
                               .head_size = sizeof(*head),
                               .size = BLOCKS_AT + TRAILS * BLOCK,
                               .sparse = true};
}

/* ---- names ---------------------------------------------------------------- */

/* Those that are damaged are none. */
static bool read_names(int fd, struct trail_names *names)
{
    struct name_record r[TRAILS];
    uint32_t i;

    memset(names, 0, sizeof(*names));
    if (!vault_get(fd, r, sizeof(r), NAMES_AT))
        return false;
    for (i = 0; i < TRAILS; i++)
        if (trails_is_name(r[i].name) &&
            r[i].checksum == name_sum(r[i].name, i))
            memcpy(names->of[i], r[i].name, TRAIL_NAME_SIZE);
    return true;
}

static uint32_t find(const struct trail_names *names, const char *name)
{
    uint32_t i = 0;

    while (i < TRAILS && strncmp(names->of[i], name, TRAIL_NAME_SIZE) != 0)
        i++;
    return i;
}

/* A block without a name, else one whose name nobody knows any more. */
static uint32_t find_room(const struct trail_names *names,
                          const struct trail_names *keep)
{
    uint32_t i = find(names, "");

    if (i < TRAILS)
        return i;
    for (i = 0; i < TRAILS && find(keep, names->of[i]) < TRAILS;)
        i++;
    return i;
}

/* NAME gets a block, unless somebody else has just given it one. */
static bool give_block(struct vault *v, struct trail_names *names,
                       const struct trail_names *keep, const char *name)
{
    struct name_record r;
    uint32_t i;

    if (!vault_lock(v) || !read_names(v->fd, names))
        return false;
    if (find(names, name) < TRAILS)
        return true;
    i = find_room(names, keep);
    if (i == TRAILS)
        return true; /* of those that write together none has more names */
    memset(&r, 0, sizeof(r));
    memcpy(r.name, name, strnlen(name, TRAIL_NAME_SIZE - 1));
    r.checksum = name_sum(r.name, i);
    memcpy(names->of[i], r.name, TRAIL_NAME_SIZE);
    return vault_put(v, &r, sizeof(r),
                     NAMES_AT + (off_t)(i * sizeof(struct name_record)));
}

/* ---- reading -------------------------------------------------------------- */

struct found {
    struct trail_item *items;
    uint32_t n, max;
};

static void keep_item(struct found *f, const struct trail_item *item)
{
    if (f->n == f->max) {
        f->max = f->max > 0 ? f->max * 2 : BATCH;
        f->items = realloc(f->items, f->max * sizeof(*f->items));
        CHECK(f->items != NULL);
    }
    f->items[f->n++] = *item;
}

static bool read_batch(int fd, struct trail_item *item, uint32_t n,
                       struct found *f)
{
    struct trail_record r[BATCH];
    int64_t t;
    uint32_t i;

    if (!vault_get(fd, r, n * sizeof(*r),
                   BLOCKS_AT + item->block * BLOCK +
                       (off_t)(item->place * sizeof(*r))))
        return false;
    for (i = 0; i < n; i++, item->place++) {
        item->step = r[i].step;
        if (trails_belongs(&r[i].step, item->place, &t) &&
            r[i].checksum == step_sum(&r[i].step, item->name, item->place))
            keep_item(f, item);
    }
    return true;
}

/* All or nothing. */
static bool read_all(int fd, struct found *f)
{
    struct trail_names names;
    struct trail_item item;
    uint32_t left;

    memset(&item, 0, sizeof(item));
    if (!read_names(fd, &names))
        return false;
    for (; item.block < TRAILS; item.block++) {
        memcpy(item.name, names.of[item.block], TRAIL_NAME_SIZE);
        item.place = 0;
        while (item.name[0] != '\0' && item.place < HISTORY_ALL) {
            left = HISTORY_ALL - item.place;
            if (!read_batch(fd, &item, left < BATCH ? left : BATCH, f))
                return false;
        }
    }
    return true;
}

enum vault_result trail_file_read(const char *dir, struct trail_item **items,
                                  uint32_t *n, int64_t until_ns, char *msg,
                                  size_t msg_max)
{
    struct trail_head head;
    struct vault_kind kind = kind_of(&head);
    struct vault v = vault_of(&kind, dir, until_ns, msg, msg_max);
    struct found f = {NULL, 0, 0};
    enum vault_result res = vault_open(&v, O_RDONLY);

    if (res == VAULT_OK && !read_all(v.fd, &f)) {
        res = vault_fail(&v, "");
        free(f.items);
        f = (struct found){NULL, 0, 0};
    }
    *items = f.items;
    *n = f.n;
    vault_close(&v);
    return res;
}

/* ---- writing -------------------------------------------------------------- */

static int by_order(const void *a, const void *b)
{
    uint64_t x = trails_order(a), y = trails_order(b);

    return (x > y) - (x < y);
}

/* Which block is each item's?  TRAILS: none. */
static bool find_blocks(struct vault *v, const struct trail_names *keep,
                        struct trail_item *items, uint32_t n)
{
    struct trail_names names;
    uint32_t i;

    if (!read_names(v->fd, &names))
        return false;
    for (i = 0; i < n; i++) {
        items[i].block = find(&names, items[i].name);
        if (items[i].block < TRAILS || !trails_is_name(items[i].name))
            continue;
        if (!give_block(v, &names, keep, items[i].name))
            return false;
        items[i].block = find(&names, items[i].name);
    }
    return true;
}

/* Items that lie one behind the other are one write. */
static bool write_items(const struct vault *v, const struct trail_item *items,
                        uint32_t n)
{
    struct trail_record r[BATCH];
    uint32_t i = 0, k;
    off_t at;

    for (; i < n && items[i].block < TRAILS; i += k) {
        const struct trail_item *it = &items[i];

        for (k = 0; k < BATCH && i + k < n && it[k].block == it->block &&
                    it[k].place == it->place + k;
             k++) {
            r[k].step = it[k].step;
            r[k].checksum = step_sum(&it[k].step, it[k].name, it[k].place);
        }
        at = BLOCKS_AT + it->block * BLOCK + (off_t)(it->place * sizeof(*r));
        if (!vault_put(v, r, k * sizeof(*r), at))
            return false;
    }
    return true;
}

enum vault_result trail_file_write(const char *dir,
                                   const struct trail_names *keep,
                                   struct trail_item *items, uint32_t n,
                                   int64_t until_ns, char *msg, size_t msg_max)
{
    struct trail_head head;
    struct vault_kind kind = kind_of(&head);
    struct vault v = vault_of(&kind, dir, until_ns, msg, msg_max);
    enum vault_result res;
    bool ok;

    if (n == 0)
        return VAULT_OK;
    res = vault_open(&v, O_RDWR);
    if (res == VAULT_OK || res == VAULT_NEW) {
        ok = find_blocks(&v, keep, items, n);
        if (ok) {
            qsort(items, n, sizeof(*items), by_order);
            ok = write_items(&v, items, n) && fdatasync(v.fd) == 0;
        }
        if (!ok)
            res = vault_fail(&v, "");
    }
    vault_close(&v);
    return res;
}
