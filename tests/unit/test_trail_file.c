/* Mirrors state/stats/trail_file.c and state/history_trails.c: is it known where
 * requests went, when nothing but the disk is left? */
#include "state/stats/trail_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data_dir.h"
#include "desk.h"
#include "lib/boottime.h"
#include "state/history.h"
#include "state/history_save.h"
#include "state/stats.h"
#include "state/stats/history_file.h"
#include "state/worker.h"

#define T 1800000000 /* a whole hour */

/* ---- the file alone --------------------------------------------------------- */

static struct trail_item item_of(const char *name, int64_t t, uint32_t n)
{
    struct trail_item item;

    memset(&item, 0, sizeof(item));
    (void)snprintf(item.name, sizeof(item.name), "%s", name);
    item.place = rings_place(&history_rings[2], t);
    item.step.when = trails_when(&history_rings[2], t);
    item.step.sends = n;
    return item;
}

/* Where NAME's of T lies. */
static off_t place_of(uint32_t block, int64_t t)
{
    return 4096 + (off_t)24 *
                      (block * HISTORY_ALL + rings_place(&history_rings[2], t));
}

static enum vault_result put(const struct trail_names *keep,
                             struct trail_item *items, uint32_t n)
{
    char msg[256];

    return trail_file_write(data_dir, keep, items, n, NEVER, msg, sizeof(msg));
}

/* How many sends of NAME are in it. */
static uint32_t kept(const char *name)
{
    struct trail_item *items;
    uint32_t i, n, sum = 0;
    char msg[256];

    CU_ASSERT_EQUAL(
        trail_file_read(data_dir, &items, &n, NEVER, msg, sizeof(msg)),
        VAULT_OK);
    for (i = 0; i < n; i++) {
        CU_ASSERT_TRUE(i == 0 ||
                       trails_order(&items[i - 1]) < trails_order(&items[i]));
        sum += strcmp(items[i].name, name) == 0 ? items[i].step.sends : 0;
    }
    free(items);
    return sum;
}

static const struct trail_names nobody;

static void each_name_has_its_own(void)
{
    struct trail_item items[] = {item_of("b", T + 3600, 2),
                                 item_of("a", T + 3600, 3), item_of("a", T, 4)};
    struct stat st;

    data_dir_make();
    CU_ASSERT_EQUAL(put(&nobody, items, 0), VAULT_OK);
    CU_ASSERT_EQUAL(access(data_dir_path(TRAIL_FILE_NAME), F_OK),
                    -1); /* for nothing */
    CU_ASSERT_EQUAL(put(&nobody, items, 3), VAULT_NEW);
    items[0] = item_of("b", T + 3600, 5);
    CU_ASSERT_EQUAL(put(&nobody, items, 1), VAULT_OK);
    CU_ASSERT_EQUAL(kept("a"), 7);
    CU_ASSERT_EQUAL(kept("b"), 5);
    CU_ASSERT_EQUAL_FATAL(stat(data_dir_path(TRAIL_FILE_NAME), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    CU_ASSERT_EQUAL(st.st_size, 4096 + 16 * 24 * HISTORY_ALL);
    CU_ASSERT_TRUE(st.st_blocks * 512 < 100000); /* what was written of it */
    data_dir_remove(TRAIL_FILE_NAME);
}

/* A seventeenth takes the place of one that nobody knows any more, and nothing
 * that was that one's. */
static void a_name_that_is_forgotten_makes_room(void)
{
    struct trail_item items[TRAILS], more;
    struct trail_names keep;
    char name[TRAIL_NAME_SIZE];
    uint32_t i;

    data_dir_make();
    memset(&keep, 0, sizeof(keep));
    for (i = 0; i < TRAILS; i++) {
        (void)snprintf(name, sizeof(name), "name-%u", i);
        items[i] = item_of(name, T, 1 + i);
        if (i != 3)
            strcpy(keep.of[i], name);
    }
    CU_ASSERT_EQUAL(put(&keep, items, TRAILS), VAULT_NEW);
    strcpy(keep.of[3], "more");
    more = item_of("more", T + 3600, 50);
    CU_ASSERT_EQUAL(put(&keep, &more, 1), VAULT_OK);
    CU_ASSERT_EQUAL(kept("more"), 50);
    CU_ASSERT_EQUAL(kept("name-3"), 0);
    CU_ASSERT_EQUAL(kept("name-4"), 5);
    more = item_of("too-many", T, 60); /* all others are of use */
    CU_ASSERT_EQUAL(put(&keep, &more, 1), VAULT_OK);
    CU_ASSERT_EQUAL(kept("too-many"), 0);
    data_dir_remove(TRAIL_FILE_NAME);
}

static void copy_record(off_t from, off_t to)
{
    char record[24];
    int fd = open(data_dir_path(TRAIL_FILE_NAME), O_RDWR | O_CLOEXEC);

    CU_ASSERT_EQUAL(pread(fd, record, sizeof(record), from), 24);
    CU_ASSERT_EQUAL(pwrite(fd, record, sizeof(record), to), 24);
    close(fd);
}

static void put_noise(off_t where, size_t n)
{
    int fd = open(data_dir_path(TRAIL_FILE_NAME), O_WRONLY | O_CLOEXEC);

    for (; n > 0; n--, where++) {
        unsigned char c = (unsigned char)lab_random(256);

        CU_ASSERT_EQUAL(pwrite(fd, &c, 1, where), 1);
    }
    close(fd);
}

static void what_is_torn_or_elsewhere_is_not_kept(void)
{
    struct trail_item items[] = {item_of("a", T, 1), item_of("a", T + 3600, 2),
                                 item_of("b", T + 7200, 4)};
    const off_t block = (off_t)24 * HISTORY_ALL;

    data_dir_make();
    CU_ASSERT_EQUAL(put(&nobody, items, 3), VAULT_NEW);
    copy_record(place_of(0, T), place_of(1, T)); /* another name's */
    CU_ASSERT_EQUAL(kept("b"), 4);
    copy_record(place_of(0, T), place_of(0, T) + (off_t)24 * 7);
    CU_ASSERT_EQUAL(kept("a"), 3);
    put_noise(place_of(0, T) + 4, 12);
    CU_ASSERT_EQUAL(kept("a"), 2);
    put_noise(4096 + block, (size_t)block / 10); /* nothing was there */
    CU_ASSERT_EQUAL(kept("b"), 4);
    put_noise(64, 20); /* a's name */
    CU_ASSERT_EQUAL(kept("a"), 0);
    CU_ASSERT_EQUAL(kept("b"), 4);
    items[0] = item_of("a", T, 9);
    CU_ASSERT_EQUAL(put(&nobody, items, 1), VAULT_OK);
    CU_ASSERT_EQUAL(kept("a"), 11); /* what it had is its own again */
    data_dir_remove(TRAIL_FILE_NAME);
}

static void what_is_no_such_file_is_set_aside(void)
{
    struct trail_item item = item_of("a", T, 1), *items;
    char msg[256] = "";
    uint32_t n;

    data_dir_make();
    CU_ASSERT_EQUAL(put(&nobody, &item, 1), VAULT_NEW);
    put_noise(0, 16);
    CU_ASSERT_EQUAL(
        trail_file_read(data_dir, &items, &n, NEVER, msg, sizeof(msg)),
        VAULT_ASIDE);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg, "kept as " TRAIL_FILE_ASIDE_NAME));
    CU_ASSERT_EQUAL(n, 0);
    CU_ASSERT_EQUAL(access(data_dir_path(TRAIL_FILE_ASIDE_NAME), F_OK), 0);
    CU_ASSERT_EQUAL(
        trail_file_read(data_dir, &items, &n, NEVER, msg, sizeof(msg)),
        VAULT_NEW);
    CU_ASSERT_EQUAL(put(&nobody, &item, 1), VAULT_NEW);
    CU_ASSERT_EQUAL(put(&nobody, &item, 1), VAULT_OK);
    CU_ASSERT_EQUAL(trail_file_write(data_dir, &nobody, &item, 1,
                                     boottime_ns() - 1, msg, sizeof(msg)),
                    VAULT_FAILED); /* another one is at it */
    data_dir_remove(TRAIL_FILE_NAME);
}

/* ---- of a service ------------------------------------------------------------- */

static struct limiter_past past;
static struct past_trails trails;

/* What is told of the last BACK_S seconds. */
static void tell(struct desk *d, int64_t back_s)
{
    int64_t now_s = desk_stats(d, 0)->history.now_s;
    struct past_range r = {now_s - back_s, now_s, now_s, 300, 0};

    CU_ASSERT_TRUE_FATAL(limiter_history(d->w[0], &r, &past));
    CU_ASSERT_TRUE_FATAL(limiter_history_trails(d->w[0], &past, &trails));
}

static struct past_went_step told(const char *name)
{
    struct past_went_step sum = {0, 0, 0, 0};
    uint32_t i, k;

    for (i = 0; i < trails.n; i++)
        for (k = 0; k < past.n && strcmp(trails.of[i].name, name) == 0; k++) {
            sum.sends += trails.of[i].steps[k].sends;
            sum.refused += trails.of[i].steps[k].refused;
            sum.tokens_in += trails.of[i].steps[k].tokens_in;
            sum.tokens_out += trails.of[i].steps[k].tokens_out;
        }
    return sum;
}

static void check_told(struct desk *d, uint64_t one, uint64_t two)
{
    static const int64_t back[] = {500, 3600, 86400, 30000000};
    uint32_t i;

    for (i = 0; i < ARRAY_LEN(back); i++) {
        tell(d, back[i]);
        CU_ASSERT_EQUAL(told("nim").sends, one);
        CU_ASSERT_EQUAL(told("other").sends, two);
    }
}

static struct desk *desk_of_two(void)
{
    struct desk *d = desk_new(100);

    d->set.n_upstreams = 2;
    d->set.rules[1] = d->set.rules[0];
    strcpy(d->set.rules[1].name, "other");
    desk_open(d, 0);
    return d;
}

static void send_some(struct desk *d, uint32_t upstream, uint32_t n)
{
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);

    req.upstream = upstream;
    for (; n > 0; n--) {
        struct ask *a = desk_ask(d, 0, &req);

        desk_turn(d);
        desk_sent(a);
        desk_turn(d);
        desk_done(a, false);
        desk_turn(d);
    }
}

static void answer(struct desk *d, uint32_t upstream, int64_t in, int64_t out)
{
    struct limiter_note n;
    struct limiter_attempt a = {-1,    -1, UPSTREAM_RATE, false,
                                false, "", upstream};

    memset(&n, 0, sizeof(n));
    n.upstreamed = true;
    n.upstream = upstream;
    n.queue_ns = n.first_byte_ns = n.generation_ns = n.speed_milli = -1;
    n.tokens_in = in;
    n.tokens_out = out;
    limiter_note(d->w[0], &n);
    limiter_note_attempt(d->w[0], &a);
    a.error = UPSTREAM_SERVER;
    limiter_note_attempt(d->w[0], &a);
    desk_turn(d);
}

static void what_was_sent_and_answered_is_told(void)
{
    struct desk *d = desk_of_two();

    send_some(d, 0, 3);
    desk_pass(d, 2000);
    send_some(d, 1, 2);
    answer(d, 1, 700, 40);
    answer(d, 0, -1, 5);
    check_told(d, 3, 2);
    tell(d, 100);
    CU_ASSERT_EQUAL(trails.n, 2);
    CU_ASSERT_STRING_EQUAL(trails.of[0].name, "nim");
    CU_ASSERT_EQUAL(told("other").refused, 1);
    CU_ASSERT_EQUAL(told("other").tokens_in, 700);
    CU_ASSERT_EQUAL(told("other").tokens_out, 40);
    CU_ASSERT_EQUAL(told("nim").tokens_in, 0);
    CU_ASSERT_EQUAL(told("nim").tokens_out, 5);
    desk_pass(d, 5000);
    tell(d, 1); /* those with anything in it */
    CU_ASSERT_EQUAL(trails.n, 0);
    desk_free(d);
}

static void it_outlives_all_but_the_disk(void)
{
    struct desk *d = desk_of_two();

    desk_keep(d);
    send_some(d, 0, 3);
    send_some(d, 1, 2);
    answer(d, 1, 700, 40);
    limiter_close(d->w[0]);
    strcpy(d->set.rules[1].name, "third"); /* it is removed, and stays known */
    desk_begin_anew(d, 1);
    desk_keep(d);
    check_told(d, 3, 2);
    CU_ASSERT_EQUAL(told("other").tokens_in, 700);
    CU_ASSERT_EQUAL(told("other").refused, 1);
    send_some(d, 1, 1);
    send_some(d, 0, 1);
    limiter_close(d->w[0]);
    desk_begin_anew(d, 1);
    desk_keep(d);
    check_told(d, 4, 2);
    CU_ASSERT_EQUAL(told("third").sends, 1);
    desk_free(d);
}

/* What was kept before there were trails is told as it was. */
static void an_older_history_is_read(void)
{
    struct desk *d = desk_of_two();
    uint64_t all = 0;
    uint32_t i;

    desk_keep(d);
    send_some(d, 0, 3);
    limiter_close(d->w[0]);
    strcpy(data_dir, d->dir);
    CU_ASSERT_EQUAL(unlink(data_dir_path(TRAIL_FILE_NAME)), 0);
    desk_begin_anew(d, 1);
    desk_keep(d);
    tell(d, 3600);
    for (i = 0; i < past.n; i++)
        all += past.steps[i].sends;
    CU_ASSERT_EQUAL(all, 3);
    CU_ASSERT_EQUAL(trails.n, 0);
    CU_ASSERT_EQUAL(trails.kept_from_s, 0);
    desk_pass(d, 2 * 3600 * 1000);
    send_some(d, 0, 1);
    limiter_close(d->w[0]);
    desk_begin_anew(d, 1);
    desk_keep(d);
    check_told(d, 1, 0);
    CU_ASSERT_TRUE(trails.kept_from_s > past.kept_from_s);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.histories_aside, 0);
    desk_free(d);
}

/* A damaged one costs itself alone. */
static void the_other_file_stays(void)
{
    struct desk *d = desk_of_two();

    desk_keep(d);
    send_some(d, 0, 3);
    limiter_close(d->w[0]);
    strcpy(data_dir, d->dir);
    put_noise(0, 16);
    desk_begin_anew(d, 1);
    desk_keep(d);
    tell(d, 3600);
    CU_ASSERT_TRUE(past.kept_from_s > 0);
    CU_ASSERT_EQUAL(trails.n, 0);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.histories_aside, 1);
    CU_ASSERT_EQUAL(access(data_dir_path(TRAIL_FILE_ASIDE_NAME), F_OK), 0);
    desk_free(d);
}

/* The statistics are lost, and whoever had read the disk reads it again. */
static void it_is_read_again_into_new_statistics(void)
{
    struct desk *d = desk_of_two();

    desk_keep(d);
    send_some(d, 0, 3);
    limiter_close(d->w[0]);
    desk_begin_anew(d, 1);
    desk_keep(d);
    check_told(d, 3, 0);
    CU_ASSERT_EQUAL(unlink(desk_stats_file(d)), 0);
    desk_pass(d, 2000);
    desk_until_filled(d);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.sent, 0);
    check_told(d, 3, 0);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"each name has its own", each_name_has_its_own},
    {"a name that is forgotten makes room",
     a_name_that_is_forgotten_makes_room},
    {"what is torn or elsewhere is not kept",
     what_is_torn_or_elsewhere_is_not_kept},
    {"what is no such file is set aside", what_is_no_such_file_is_set_aside},
    {"what was sent and answered is told", what_was_sent_and_answered_is_told},
    {"it outlives all but the disk", it_outlives_all_but_the_disk},
    {"an older history is read", an_older_history_is_read},
    {"the other file stays", the_other_file_stays},
    {"it is read again into new statistics",
     it_is_read_again_into_new_statistics},
    {NULL, NULL},
};

CU_ErrorCode test_trail_file_add(void)
{
    return unit_add("trail file", tests);
}
