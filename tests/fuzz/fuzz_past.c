/*
 * fuzz_past.c - files of the past that somebody has written in.
 *
 * Input: steps, a letter and its arguments each (see step()), to a data
 * directory with three sound files in it: bytes are changed anywhere, files are cut,
 * and records of any content get a true checksum.
 *
 * Whatever is read belongs where it is, and has a name that an upstream can
 * have; what comes of it in the statistics can be counted on.  Then all of them
 * can be written, and are read as they were written.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "state/history_pieces.h"
#include "state/stats/history_file.h"
#include "state/stats/ledger_file.h"
#include "state/stats/stats_layout.h"

#define T     1800000000
#define STEPS 24

static const char *const files[] = {VAULT_NAME,
                                    TRAIL_FILE_NAME,
                                    VAULT_ASIDE_NAME,
                                    TRAIL_FILE_ASIDE_NAME,
                                    VAULT_LOCK_NAME,
                                    "history.models",
                                    "history.models.damaged"};
#define ROWS_FILE 5
static char dir[64];
static struct trail_names keep;

static const char *path(unsigned i)
{
    static char p[128];

    (void)snprintf(p, sizeof(p), "%s/%s", dir, files[i]);
    return p;
}

static void empty_dir(void)
{
    unsigned i;

    for (i = 0; i < ARRAY_LEN(files); i++)
        (void)unlink(path(i));
}

static void remove_dir(void)
{
    empty_dir();
    (void)rmdir(dir);
}

static void make_dir(void)
{
    strcpy(dir, "/dev/shm/sluice-fuzz-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        strcpy(dir, "/tmp/sluice-fuzz-XXXXXX");
        CHECK(mkdtemp(dir) != NULL);
    }
    CHECK(atexit(remove_dir) == 0);
}

/* ---- the files ------------------------------------------------------------ */

static enum vault_result put_trail(struct trail_item *item)
{
    char msg[256];

    return trail_file_write(dir, &keep, item, 1, NEVER, msg, sizeof(msg));
}

static enum vault_result put_moment(const struct history_file_item *item)
{
    char msg[256];

    return history_file_write(dir, item, 1, NEVER, msg, sizeof(msg));
}

static enum vault_result put_row(struct ledger_item *item, const char *name)
{
    struct ledger_past past = {.items = item, .n = 1};
    char msg[256];

    (void)snprintf(past.names.of[0].text, sizeof(past.names.of[0].text), "%s",
                   name);
    return ledger_file_write(dir, LEDGER_MODELS, &past, NEVER, msg,
                             sizeof(msg));
}

static struct ledger_item a_row(const char *name, uint64_t number, uint32_t n)
{
    struct ledger_item item;

    memset(&item, 0, sizeof(item));
    item.number = number;
    item.pool = 1;
    item.row.when = T / 60;
    item.row.id = ledger_id(name);
    item.row.requests = n;
    return item;
}

static struct trail_item a_trail(const char *name, int64_t t, uint32_t n)
{
    struct trail_item item;

    memset(&item, 0, sizeof(item));
    (void)snprintf(item.name, sizeof(item.name), "%s", name);
    item.place = rings_place(&history_rings[1], t);
    item.step = (struct lay_trail_step){
        .when = trails_when(&history_rings[1], t), .sends = n};
    return item;
}

static struct history_file_item a_moment(int64_t t, uint32_t n)
{
    struct history_file_item item;

    memset(&item, 0, sizeof(item));
    item.place = rings_place(&history_rings[1], t);
    item.moment.begin = t;
    item.moment.sends = n;
    return item;
}

static void make_sound_files(void)
{
    struct trail_item one = a_trail("one", T, 1), two = a_trail("two", T, 2);
    struct history_file_item m = a_moment(T, 3);
    struct ledger_item row = a_row("one", 7, 4);

    CHECK(put_row(&row, "one") == VAULT_NEW);
    memset(&keep, 0, sizeof(keep));
    strcpy(keep.of[0], "one");
    CHECK(put_moment(&m) == VAULT_NEW);
    CHECK(put_trail(&one) == VAULT_NEW && put_trail(&two) == VAULT_OK);
}

/* ---- the steps ------------------------------------------------------------ */

/* Up to eight bytes: in the head and names, or anywhere. */
static void patch(struct input *in)
{
    unsigned how = take_byte(in);
    off_t at = (off_t)take_number(in, (how & 2) != 0 ? 3 : 2);
    uint8_t bytes[8];
    size_t n = take_bytes(in, bytes, 1 + (how >> 2) % 8);
    int fd = open(path(how & 1), O_WRONLY | O_CLOEXEC);

    if (fd == -1)
        return;
    (void)!pwrite(fd, bytes, n, (how & 2) != 0 ? at : at % 4200);
    close(fd);
}

static void sign_trail(struct input *in)
{
    struct trail_item item;

    memset(&item, 0, sizeof(item));
    (void)take_bytes(in, item.name, 1 + take_byte(in) % 40 % sizeof(item.name));
    item.place = (uint32_t)take_number(in, 2) % HISTORY_ALL;
    (void)take_bytes(in, &item.step, sizeof(item.step));
    (void)put_trail(&item);
}

static void sign_moment(struct input *in)
{
    struct history_file_item item;

    memset(&item, 0, sizeof(item));
    item.place = (uint32_t)take_number(in, 2) % HISTORY_ALL;
    (void)take_bytes(in, &item.moment, 1 + take_byte(in) % 240);
    (void)put_moment(&item);
}

/* A row whose checksum is right, whatever else is in it. */
static void sign_row(struct input *in)
{
    struct ledger_item item;
    char name[LIMITER_NAME_MAX] = "";

    memset(&item, 0, sizeof(item));
    (void)take_bytes(in, name, take_byte(in) % (sizeof(name) - 1));
    item.pool = take_byte(in) % LEDGER_POOLS;
    item.number = take_number(in, 8);
    (void)take_bytes(in, &item.row, sizeof(item.row));
    (void)put_row(&item, name);
}

static void patch_rows(struct input *in)
{
    uint8_t bytes[8];
    off_t at = (off_t)take_number(in, 3);
    size_t n = take_bytes(in, bytes, sizeof(bytes));
    int fd = open(path(ROWS_FILE), O_WRONLY | O_CLOEXEC);

    if (fd == -1)
        return;
    (void)!pwrite(fd, bytes, n, at % 40000);
    close(fd);
}

static void step(struct input *in)
{
    unsigned which;

    switch (take_byte(in) % 7) {
    case 0:
        patch(in);
        break;
    case 1:
        sign_trail(in);
        break;
    case 2:
        sign_moment(in);
        break;
    case 3:
        which = take_byte(in) & 1;
        (void)!truncate(path(which), (off_t)take_number(in, 3));
        break;
    case 4: /* a name of ours is forgotten, or known */
        which = take_byte(in) % TRAILS;
        memset(keep.of[which], 0, TRAIL_NAME_SIZE);
        (void)take_bytes(in, keep.of[which], 4);
        break;
    case 5:
        sign_row(in);
        break;
    case 6:
        patch_rows(in);
        break;
    }
}

/* ---- what comes of it ------------------------------------------------------- */

static void check_items(const struct history_pieces *p)
{
    uint32_t i;
    int64_t t;

    for (i = 0; i < p->n; i++)
        CHECK(rings_belongs(&p->items[i].moment, p->items[i].place) &&
              (i == 0 || p->items[i - 1].place < p->items[i].place));
    for (i = 0; i < p->n_trails; i++)
        CHECK(trails_is_name(p->trails[i].name) &&
              trails_belongs(&p->trails[i].step, p->trails[i].place, &t) &&
              (i == 0 ||
               trails_order(&p->trails[i - 1]) < trails_order(&p->trails[i])));
}

static void check_rows(const struct ledger_past *past)
{
    uint32_t i;
    int64_t t;

    for (i = 0; i < past->n; i++)
        CHECK(past->items[i].pool < LEDGER_POOLS &&
              ledger_row_is(&past->items[i].row, past->items[i].pool, &t));
    for (i = 0; i < LEDGER_NAMES; i++)
        CHECK(memchr(past->names.of[i].text, 0, LIMITER_NAME_MAX) != NULL);
}

static uint32_t names_of(const struct lay_trails *t, const char *name)
{
    uint32_t i, n = 0;

    for (i = 0; i < TRAILS; i++)
        n += strcmp(t->of[i].name, name) == 0;
    return n;
}

/* So does a request: it is the newest row of each pool, if there is room for
 * one more number. */
static void check_ledger(struct lay_ledger *l, const struct lay_history *h)
{
    struct limiter_note n = {.outcome = OUTCOME_OK};
    const struct lay_ledger_row *r;
    uint32_t i, k;

    ledger_note(l, h, "fresh", &n);
    for (i = 0; i < LEDGER_POOLS; i++) {
        r = ledger_row(l, i, l->pools[i].next - 1);
        CHECK(r != NULL && r->requests == 1);
        (void)ledger_reach(l, i);
    }
    for (i = 0; i < LEDGER_NAMES; i++)
        for (k = 0; k < i; k++)
            CHECK(l->ids[i] == 0 || l->ids[i] != l->ids[k]);
}

/* A send counts, whatever was filled. */
static void check_stats(struct stats_layout *st)
{
    int64_t now_s = T + 30 * 86400;
    uint32_t i;

    for (i = 0; i < TRAILS; i++)
        CHECK(st->trails.of[i].name[0] == '\0' ||
              (trails_is_name(st->trails.of[i].name) &&
               names_of(&st->trails, st->trails.of[i].name) == 1));
    CHECK(st->trails.first_s == 0 || rings_is_time(st->trails.first_s));
    rings_turn(&st->history, now_s, NS_PER_S);
    trails_sent(&st->trails, &st->history, 0, "fresh", false);
    trails_sent(&st->trails, &st->history, 0, "fresh", true);
    CHECK(names_of(&st->trails, "fresh") == 1);
    check_ledger(&st->ledgers[LEDGER_MODELS], &st->history);
}

static void fill_and_check(struct history_pieces *p)
{
    struct stats_layout *st =
        mmap(NULL, sizeof(*st), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    CHECK(st != MAP_FAILED);
    while (!history_pieces_fill(p, st))
        continue;
    check_stats(st);
    munmap(st, sizeof(*st));
}

static enum vault_result read_again(struct history_pieces *p)
{
    char msg[512] = "";
    enum vault_result res;

    history_pieces_drop(p);
    res = history_pieces_read(p, dir, NEVER, msg, sizeof(msg));
    CHECK((res == VAULT_OK || res == VAULT_NEW) == (msg[0] == '\0'));
    CHECK(!fuzz_has_control(msg));
    check_items(p);
    check_rows(&p->rows.of[LEDGER_MODELS]);
    return res;
}

/* What is written is there. */
static void check_end(struct history_pieces *p)
{
    struct trail_item item = a_trail("one", T + 60, 77);
    struct history_file_item m = a_moment(T + 60, 88);
    struct ledger_item row = a_row("two", 9, 99);
    const struct ledger_past *rows = &p->rows.of[LEDGER_MODELS];
    uint32_t i, found = 0;

    memset(&keep, 0, sizeof(keep));
    CHECK(put_moment(&m) != VAULT_FAILED && put_moment(&m) == VAULT_OK);
    CHECK(put_trail(&item) != VAULT_FAILED && put_trail(&item) == VAULT_OK);
    CHECK(put_row(&row, "two") != VAULT_FAILED &&
          put_row(&row, "two") == VAULT_OK);
    CHECK(read_again(p) == VAULT_NEW); /* of clients there is none */
    for (i = 0; i < rows->n; i++)
        found += rows->items[i].number == row.number &&
                 memcmp(&rows->items[i].row, &row.row, sizeof(row.row)) == 0;
    for (i = 0; i < p->n; i++)
        found += p->items[i].place == m.place &&
                 memcmp(&p->items[i].moment, &m.moment, sizeof(m.moment)) == 0;
    for (i = 0; i < p->n_trails; i++)
        found += strcmp(p->trails[i].name, "one") == 0 &&
                 memcmp(&p->trails[i].step, &item.step, sizeof(item.step)) == 0;
    CHECK(found == 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct history_pieces p;
    int i;

    if (dir[0] == '\0')
        make_dir();
    memset(&p, 0, sizeof(p));
    make_sound_files();
    for (i = 0; i < STEPS && in.left > 0; i++)
        step(&in);
    (void)read_again(&p);
    fill_and_check(&p);
    (void)read_again(&p); /* what was set aside is gone */
    check_end(&p);
    history_pieces_drop(&p);
    empty_dir();
    return 0;
}
