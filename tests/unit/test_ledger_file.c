/* Mirrors state/stats/ledger_file.c: what does the disk know of what models and
 * clients did?  The rest of it is in test_history_ledger.c. */
#include "state/stats/ledger_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data_dir.h"
#include "lab.h"
#include "lib/boottime.h"

#define T      1800000000 /* a whole hour */
#define ROW    144
#define ROWS   20480
#define MODELS "history.models"

static char msg[256];

static struct ledger_item item_of(const char *name, uint64_t number, uint32_t n)
{
    struct ledger_item item;

    memset(&item, 0, sizeof(item));
    item.pool = 2;
    item.number = number;
    item.row.id = ledger_id(name);
    item.row.when = (uint32_t)(T / 3600 + (int64_t)number % 1000);
    item.row.requests = n;
    return item;
}

static enum vault_result put(struct ledger_item *items, uint32_t n,
                             const char *name)
{
    struct ledger_past past = {.items = items, .n = n};

    if (name != NULL)
        strcpy(past.names.of[0].text, name);
    return ledger_file_write(data_dir, LEDGER_MODELS, &past, NEVER, msg,
                             sizeof(msg));
}

static enum vault_result get(struct ledger_past *to)
{
    return ledger_file_read(data_dir, LEDGER_MODELS, to, NEVER, msg,
                            sizeof(msg));
}

struct kept {
    uint32_t requests, names;
};

/* What is in it of NAME, and how many names. */
static struct kept kept(const char *name)
{
    struct ledger_past past;
    struct kept k = {0, 0};
    uint32_t i;

    CU_ASSERT_EQUAL(get(&past), VAULT_OK);
    for (i = 0; i < past.n; i++)
        if (past.items[i].row.id == ledger_id(name))
            k.requests += past.items[i].row.requests;
    for (i = 0; i < LEDGER_NAMES; i++)
        k.names += past.names.of[i].text[0] != '\0';
    free(past.items);
    return k;
}

static void rows_lie_where_their_numbers_say(void)
{
    /* As they are copied: the newest first, and around the end of the pool. */
    struct ledger_item items[] = {
        item_of("a", LEDGER_HOURS + 1, 1), item_of("b", LEDGER_HOURS, 2),
        item_of("a", LEDGER_HOURS - 1, 4), item_of("b", 7, 8)};
    struct stat st;

    data_dir_make();
    CU_ASSERT_EQUAL(put(items, 0, "a"), VAULT_OK);
    CU_ASSERT_EQUAL(access(data_dir_path(MODELS), F_OK), -1); /* for nothing */
    CU_ASSERT_EQUAL(put(items, 4, "a"), VAULT_NEW);
    CU_ASSERT_EQUAL(kept("a").requests, 5);
    CU_ASSERT_EQUAL(kept("b").requests, 10);
    items[0] = item_of("b", LEDGER_HOURS + 7, 16);
    CU_ASSERT_EQUAL(put(items, 1, "b"), VAULT_OK);
    CU_ASSERT_EQUAL(kept("b").requests, 18); /* in number 7's place */
    CU_ASSERT_EQUAL(kept("b").names, 2);     /* a stays known */
    CU_ASSERT_EQUAL_FATAL(stat(data_dir_path(MODELS), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    CU_ASSERT_EQUAL(st.st_size, ROWS + ROW * LEDGER_ROWS);
    CU_ASSERT_TRUE(st.st_blocks * 512 < 100000); /* what was written of it */
    data_dir_remove(MODELS);
}

static off_t place_of(uint64_t number)
{
    return ROWS + ROW * (off_t)(LEDGER_FIVES + LEDGER_MINUTES + number);
}

static void put_noise(off_t where, size_t n)
{
    int fd = open(data_dir_path(MODELS), O_WRONLY | O_CLOEXEC);

    for (; n > 0; n--, where++) {
        unsigned char c = (unsigned char)lab_random(256);

        CU_ASSERT_EQUAL(pwrite(fd, &c, 1, where), 1);
    }
    close(fd);
}

static void what_is_torn_or_elsewhere_is_not_kept(void)
{
    struct ledger_item items[] = {item_of("a", 3, 1), item_of("a", 2, 2),
                                  item_of("b", 1, 4)};
    char record[ROW];
    int fd;

    data_dir_make();
    CU_ASSERT_EQUAL(put(items, 3, "a"), VAULT_NEW);
    fd = open(data_dir_path(MODELS), O_RDWR | O_CLOEXEC);
    CU_ASSERT_EQUAL(pread(fd, record, ROW, place_of(3)), ROW);
    CU_ASSERT_EQUAL(pwrite(fd, record, ROW, place_of(4)), ROW);
    close(fd);
    CU_ASSERT_EQUAL(kept("a").requests, 3);
    put_noise(place_of(3) + 10, 12);
    CU_ASSERT_EQUAL(kept("a").requests, 2);
    put_noise(place_of(100), 20000); /* nothing was there */
    CU_ASSERT_EQUAL(kept("b").requests, 4);
    put_noise(64, 20); /* the name: its rows are the others' */
    CU_ASSERT_EQUAL(kept("a").names, 0);
    CU_ASSERT_EQUAL(kept("a").requests, 2);
    data_dir_remove(MODELS);
}

static void what_is_no_such_file_is_set_aside(void)
{
    struct ledger_item item = item_of("a", 1, 1);
    struct ledger_past past = {.items = &item, .n = 1};

    data_dir_make();
    CU_ASSERT_EQUAL(put(&item, 1, "a"), VAULT_NEW);
    CU_ASSERT_EQUAL(ledger_file_write(data_dir, LEDGER_MODELS, &past,
                                      boottime_ns() - 1, msg, sizeof(msg)),
                    VAULT_FAILED); /* another one is at it */
    /* The other ledger's file, under this name. */
    CU_ASSERT_EQUAL(ledger_file_write(data_dir, LEDGER_CLIENTS, &past, NEVER,
                                      msg, sizeof(msg)),
                    VAULT_NEW);
    (void)strcpy(msg, data_dir_path("history.clients"));
    CU_ASSERT_EQUAL(rename(msg, data_dir_path(MODELS)), 0);
    CU_ASSERT_EQUAL(get(&past), VAULT_ASIDE);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg, "kept as history.models.damaged"));
    CU_ASSERT_EQUAL(past.n, 0);
    CU_ASSERT_EQUAL(get(&past), VAULT_NEW);
    CU_ASSERT_EQUAL(put(&item, 1, "a"), VAULT_NEW);
    data_dir_remove(MODELS);
}

static const struct unit_test tests[] = {
    {"rows lie where their numbers say", rows_lie_where_their_numbers_say},
    {"what is torn or elsewhere is not kept",
     what_is_torn_or_elsewhere_is_not_kept},
    {"what is no such file is set aside", what_is_no_such_file_is_set_aside},
    {NULL, NULL},
};

CU_ErrorCode test_ledger_file_add(void)
{
    return unit_add("ledger file", tests);
}
