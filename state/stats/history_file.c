/*
 * history_file.c - what does the disk know of the past?
 *
 *   0      head     magic, version, sizes, checksum; padded to a record
 *   248    records  place i at 248 * (i + 1): a moment and its checksum
 *
 * A record that was torn, by a crash or a full disk, fails its checksum and
 * counts as not kept.  The checksum covers the place, so a record that was
 * copied elsewhere is none either.  It guards against accidents: whoever may
 * write here can also write a true one, and then moves a curve in a chart.
 *
 * What went to each upstream has a file of its own (trail_file.c): this one is
 * what it was before there was that, for older builds, too.
 */
#include "state/stats/history_file.h"
#include "lib/fnv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define VERSION 1
#define BATCH   256 /* records written at once: 64 KB */

struct vault_record {
    struct lay_moment moment;
    uint64_t checksum;
};

struct vault_head {
    char magic[8];
    uint32_t version, record;
    uint32_t n[HISTORY_RINGS];
    uint32_t pad;
    uint64_t checksum;
};

#define VAULT_SIZE ((off_t)(sizeof(struct vault_record) * (HISTORY_ALL + 1)))

static uint64_t record_sum(const struct lay_moment *m, uint32_t place)
{
    return fnv(fnv(FNV_BEGIN, &place, sizeof(place)), m, sizeof(*m));
}

static void head_init(struct vault_head *h)
{
    uint32_t i;

    memset(h, 0, sizeof(*h));
    memcpy(h->magic, "SLUICEH\n", sizeof(h->magic));
    h->version = VERSION;
    h->record = sizeof(struct vault_record);
    for (i = 0; i < HISTORY_RINGS; i++)
        h->n[i] = history_rings[i].n;
    h->checksum = fnv(0, h, offsetof(struct vault_head, checksum));
}

static struct vault_kind kind_of(const struct vault_head *head)
{
    return (struct vault_kind){.name = VAULT_NAME,
                               .aside = VAULT_ASIDE_NAME,
                               .temp = "." VAULT_NAME ".new",
                               .head = head,
                               .head_size = sizeof(*head),
                               .size = VAULT_SIZE};
}

/* ---- reading ------------------------------------------------------------------ */

/* Up to BATCH records from PLACE on.  How many there were; 0: errno says why
 * they cannot be read. */
static uint32_t read_batch(int fd, uint32_t place, struct vault_record *to)
{
    size_t size = sizeof(*to);
    ssize_t n = pread(fd, to, BATCH * size, (off_t)((place + 1) * size));

    if (n >= 0 && n < (ssize_t)size)
        errno = EIO; /* cut, just now */
    if (n < (ssize_t)size)
        return 0;
    n /= (ssize_t)size;
    return n < HISTORY_ALL - place ? (uint32_t)n : HISTORY_ALL - place;
}

/* All or nothing: what cannot be read now may be read later. */
static bool read_all(int fd, struct history_file_item *items, uint32_t *n)
{
    struct vault_record *r = malloc(BATCH * sizeof(*r));
    uint32_t place, got = 1, i;

    CHECK(r != NULL);
    *n = 0;
    for (place = 0; place < HISTORY_ALL && got > 0; place += got) {
        got = read_batch(fd, place, r);
        for (i = 0; i < got; i++)
            if (rings_belongs(&r[i].moment, place + i) &&
                r[i].checksum == record_sum(&r[i].moment, place + i))
                items[(*n)++] =
                    (struct history_file_item){place + i, r[i].moment};
    }
    free(r);
    return got > 0;
}

enum vault_result history_file_read(const char *dir,
                                    struct history_file_item **items,
                                    uint32_t *n, int64_t until_ns, char *msg,
                                    size_t msg_max)
{
    struct vault_head head;
    struct vault_kind kind = kind_of(&head);
    struct vault v = vault_of(&kind, dir, until_ns, msg, msg_max);
    enum vault_result res;

    head_init(&head);
    *items = NULL;
    *n = 0;
    res = vault_open(&v, O_RDONLY);
    if (res == VAULT_OK) {
        *items = calloc(HISTORY_ALL, sizeof(**items));
        CHECK(*items != NULL);
        if (!read_all(v.fd, *items, n)) {
            res = vault_fail(&v, "");
            free(*items);
            *items = NULL;
            *n = 0;
        }
    }
    vault_close(&v);
    return res;
}

/* ---- writing ------------------------------------------------------------------ */

/* Items that lie one behind the other are one write. */
static bool write_items(const struct vault *v,
                        const struct history_file_item *items, uint32_t n)
{
    struct vault_record *r = malloc(BATCH * sizeof(*r));
    uint32_t i = 0, k;
    bool ok = true;

    CHECK(r != NULL);
    while (i < n && ok) {
        off_t at = (off_t)((items[i].place + 1) * sizeof(*r));

        for (k = 0;
             k < BATCH && i + k < n && items[i + k].place == items[i].place + k;
             k++) {
            r[k].moment = items[i + k].moment;
            r[k].checksum = record_sum(&r[k].moment, items[i + k].place);
        }
        ok = vault_put(v, r, k * sizeof(*r), at);
        i += k;
    }
    free(r);
    return ok;
}

enum vault_result history_file_write(const char *dir,
                                     const struct history_file_item *items,
                                     uint32_t n, int64_t until_ns, char *msg,
                                     size_t msg_max)
{
    struct vault_head head;
    struct vault_kind kind = kind_of(&head);
    struct vault v = vault_of(&kind, dir, until_ns, msg, msg_max);
    enum vault_result res;

    head_init(&head);
    res = vault_open(&v, O_RDWR);
    if ((res == VAULT_OK || res == VAULT_NEW) &&
        (!write_items(&v, items, n) || fdatasync(v.fd) == -1))
        res = vault_fail(&v, "");
    vault_close(&v);
    return res;
}
