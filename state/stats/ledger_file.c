/*
 * ledger_file.c - what does the disk know of what models and clients did?
 *
 *   0      head     magic, version, sizes, checksum
 *   64     names    128 of 144 bytes: a name, its last moment, a checksum
 *   20480  records  27,648 of 144 bytes: a row, its number, a checksum
 *
 * A file of 4 MB for each ledger, and on the disk what was written of it.  A
 * row lies where its number says, in the file as in the state, so that writing
 * one again changes nothing.  Names are written whole: whose a row is stands in
 * the row, and one whose name is not here counts with the others.
 *
 * Those of several builds may write the same file while one follows the other:
 * each record is whole, by its checksum, and is one's or the other's.
 */
#include "state/stats/ledger_file.h"
#include "lib/fnv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define VERSION  1
#define NAMES_AT 64
#define ROWS_AT  20480
#define BATCH    256 /* records at once: 36 KB, of a thread's small stack */

const char *const ledger_file_names[LEDGERS] = {"history.models",
                                                "history.clients"};
const char *const ledger_file_aside_names[LEDGERS] = {
    "history.models.damaged", "history.clients.damaged"};
static const char *const temp_names[LEDGERS] = {".history.models.new",
                                                ".history.clients.new"};

struct row_record {
    struct lay_ledger_row row;
    uint64_t number, checksum;
};

struct name_record {
    struct ledger_named name;
    uint64_t checksum;
};

struct ledger_head {
    char magic[8];
    uint32_t version, record;
    uint32_t n[LEDGER_POOLS];
    uint32_t names;
    uint64_t ledger, checksum;
};

static_assert(sizeof(struct row_record) == 144 &&
                  sizeof(struct ledger_head) <= NAMES_AT &&
                  NAMES_AT + LEDGER_NAMES * sizeof(struct name_record) <=
                      ROWS_AT,
              "another VERSION");

static uint64_t row_sum(const struct row_record *r, uint32_t pool)
{
    uint64_t h = fnv(FNV_BEGIN, &pool, sizeof(pool));

    return fnv(h, r, offsetof(struct row_record, checksum));
}

static uint64_t name_sum(const struct ledger_named *name)
{
    return fnv(FNV_BEGIN, name, sizeof(*name));
}

static void head_init(struct ledger_head *h, uint32_t ledger)
{
    uint32_t i;

    memset(h, 0, sizeof(*h));
    memcpy(h->magic, "SLUICEL\n", sizeof(h->magic));
    h->version = VERSION;
    h->record = sizeof(struct row_record);
    for (i = 0; i < LEDGER_POOLS; i++)
        h->n[i] = ledger_pools[i].n;
    h->names = LEDGER_NAMES;
    h->ledger = ledger; /* one that was copied to the other's name is neither */
    h->checksum = fnv(0, h, offsetof(struct ledger_head, checksum));
}

static struct vault_kind kind_of(struct ledger_head *head, uint32_t ledger)
{
    head_init(head, ledger);
    return (struct vault_kind){
        .name = ledger_file_names[ledger],
        .aside = ledger_file_aside_names[ledger],
        .temp = temp_names[ledger],
        .head = head,
        .head_size = sizeof(*head),
        .size = ROWS_AT + (off_t)(LEDGER_ROWS * sizeof(struct row_record)),
        .sparse = true};
}

static off_t at(uint32_t pool, uint64_t number)
{
    const struct ledger_pool *p = &ledger_pools[pool];

    return ROWS_AT +
           (off_t)((p->first + number % p->n) * sizeof(struct row_record));
}

/* ---- names ---------------------------------------------------------------- */

/* Those that are damaged are none. */
static bool read_names(int fd, struct ledger_names *names)
{
    struct name_record r[LEDGER_NAMES];
    uint32_t i;

    memset(names, 0, sizeof(*names));
    if (!vault_get(fd, r, sizeof(r), NAMES_AT))
        return false;
    for (i = 0; i < LEDGER_NAMES; i++)
        if (ledger_is_name(r[i].name.text) &&
            r[i].checksum == name_sum(&r[i].name))
            names->of[i] = r[i].name;
    return true;
}

static struct ledger_named *find(struct ledger_names *names, const char *text)
{
    uint32_t i;

    for (i = 0; i < LEDGER_NAMES; i++)
        if (strncmp(names->of[i].text, text, LIMITER_NAME_MAX) == 0)
            return &names->of[i];
    return NULL;
}

/* OLD takes the place of nobody. */
static void join(struct ledger_names *names, const struct ledger_names *old)
{
    struct ledger_named *room;
    uint32_t i;

    for (i = 0; i < LEDGER_NAMES; i++) {
        room = find(names, "");
        if (room != NULL && old->of[i].text[0] != '\0' &&
            find(names, old->of[i].text) == NULL)
            *room = old->of[i];
    }
}

static bool write_names(const struct vault *v, const struct ledger_names *ours)
{
    struct ledger_names names = *ours, old;
    struct name_record r[LEDGER_NAMES];
    uint32_t i;

    if (!read_names(v->fd, &old))
        return false;
    join(&names, &old);
    memset(r, 0, sizeof(r));
    for (i = 0; i < LEDGER_NAMES; i++) {
        r[i].name = names.of[i];
        r[i].checksum = name_sum(&r[i].name);
    }
    return vault_put(v, r, sizeof(r), NAMES_AT);
}

/* ---- reading -------------------------------------------------------------- */

static void keep(struct ledger_past *past, const struct ledger_item *item,
                 uint32_t *max)
{
    if (past->n == *max) {
        *max = *max > 0 ? *max * 2 : BATCH;
        past->items = realloc(past->items, *max * sizeof(*past->items));
        CHECK(past->items != NULL);
    }
    past->items[past->n++] = *item;
}

static bool read_batch(int fd, struct ledger_item *item, uint32_t from,
                       struct ledger_past *past, uint32_t *max)
{
    const struct ledger_pool *p = &ledger_pools[item->pool];
    uint32_t n = p->n - from < BATCH ? p->n - from : BATCH, i;
    struct row_record r[BATCH];
    int64_t t;

    if (!vault_get(fd, r, n * sizeof(*r), at(item->pool, from)))
        return false;
    for (i = 0; i < n; i++) {
        /* The checksum last: most of a young file is holes. */
        if (r[i].number % p->n != from + i ||
            !ledger_row_is(&r[i].row, item->pool, &t) ||
            r[i].checksum != row_sum(&r[i], item->pool))
            continue;
        item->number = r[i].number;
        item->row = r[i].row;
        keep(past, item, max);
    }
    return true;
}

/* All or nothing. */
static bool read_all(int fd, uint32_t ledger, struct ledger_past *past)
{
    struct ledger_item item = {.ledger = ledger};
    uint32_t from, max = 0;

    if (!read_names(fd, &past->names))
        return false;
    for (; item.pool < LEDGER_POOLS; item.pool++)
        for (from = 0; from < ledger_pools[item.pool].n; from += BATCH)
            if (!read_batch(fd, &item, from, past, &max))
                return false;
    return true;
}

enum vault_result ledger_file_read(const char *dir, uint32_t ledger,
                                   struct ledger_past *past, int64_t until_ns,
                                   char *msg, size_t msg_max)
{
    struct ledger_head head;
    struct vault_kind kind = kind_of(&head, ledger);
    struct vault v = vault_of(&kind, dir, until_ns, msg, msg_max);
    enum vault_result res = vault_open(&v, O_RDONLY);

    memset(past, 0, sizeof(*past));
    if (res == VAULT_OK && !read_all(v.fd, ledger, past)) {
        res = vault_fail(&v, "");
        free(past->items);
        memset(past, 0, sizeof(*past));
    }
    vault_close(&v);
    return res;
}

/* ---- writing -------------------------------------------------------------- */

/* Newest first, as they were copied: those that lie one behind the other are
 * one write. */
static bool write_rows(const struct vault *v, const struct ledger_item *items,
                       uint32_t n)
{
    struct row_record r[BATCH];
    uint32_t i = 0, k;

    for (; i < n; i += k) {
        const struct ledger_item *it = &items[i];
        uint32_t size = ledger_pools[it->pool].n;

        for (k = 0; k < BATCH && i + k < n && it[k].pool == it->pool &&
                    it[k].number + k == it->number &&
                    it[k].number % size + k == it->number % size;
             k++) {
            struct row_record *to = &r[BATCH - 1 - k];

            to->row = it[k].row;
            to->number = it[k].number;
            to->checksum = row_sum(to, it->pool);
        }
        if (!vault_put(v, &r[BATCH - k], k * sizeof(*r),
                       at(it->pool, it[k - 1].number)))
            return false;
    }
    return true;
}

enum vault_result ledger_file_write(const char *dir, uint32_t ledger,
                                    const struct ledger_past *past,
                                    int64_t until_ns, char *msg, size_t msg_max)
{
    struct ledger_head head;
    struct vault_kind kind = kind_of(&head, ledger);
    struct vault v = vault_of(&kind, dir, until_ns, msg, msg_max);
    enum vault_result res;

    if (past->n == 0)
        return VAULT_OK;
    res = vault_open(&v, O_RDWR);
    if ((res == VAULT_OK || res == VAULT_NEW) &&
        !(write_names(&v, &past->names) &&
          write_rows(&v, past->items, past->n) && fdatasync(v.fd) == 0))
        res = vault_fail(&v, "");
    vault_close(&v);
    return res;
}
