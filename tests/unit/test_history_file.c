/* Mirrors state/stats/history_file.c: several at one directory.  The rest of it is in
 * test_history_save.c. */
#include "state/stats/history_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"
#include "lib/boottime.h"

#define ENDING 6

/* In a process of its own, from the moment GO is closed: what save_last() of
 * history_save.c does.  The last result. */
static int end_one(const char *dir, int go, uint32_t who)
{
    struct history_file_item item = {.moment = {.begin = 1700000000 + who}};
    enum vault_result res = VAULT_NEW;
    char msg[256], byte;
    int tries;

    item.place = rings_place(&history_rings[0], item.moment.begin);
    if (read(go, &byte, 1) != 0)
        return -1;
    for (tries = 0; tries < 3 && (res == VAULT_NEW || res == VAULT_ASIDE);
         tries++)
        res = history_file_write(dir, &item, 1, NEVER, msg, sizeof(msg));
    return (int)res;
}

/* How many of those that ended well are in the file. */
static uint32_t end_all(const char *dir)
{
    struct history_file_item *items;
    char msg[256];
    pid_t pid[ENDING];
    uint32_t i, n;
    int go[2], st;

    CU_ASSERT_EQUAL_FATAL(pipe(go), 0);
    for (i = 0; i < ENDING; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            close(go[1]);
            _exit(end_one(dir, go[0], i));
        }
    }
    close(go[0]);
    close(go[1]);
    for (i = 0; i < ENDING; i++) {
        CU_ASSERT_EQUAL(waitpid(pid[i], &st, 0), pid[i]);
        CU_ASSERT_TRUE(WIFEXITED(st) && WEXITSTATUS(st) == VAULT_OK);
    }
    CU_ASSERT_EQUAL(history_file_read(dir, &items, &n, NEVER, msg, sizeof(msg)),
                    VAULT_OK);
    free(items);
    return n;
}

static void put_damaged(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    CU_ASSERT_EQUAL(write(fd, "precious", 8), 8);
    close(fd);
}

/* Where no file is yet, and where a damaged one is in the way: nobody's seconds
 * are lost, nor what is kept of the damaged one. */
static void those_that_end_together_all_save(void)
{
    uint32_t round;

    for (round = 0; round < 20; round++) {
        char dir[] = "/tmp/sluice-vault-XXXXXX";
        char file[64], aside[64], lock[64];
        struct stat st;

        CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
        (void)snprintf(file, sizeof(file), "%s/" VAULT_NAME, dir);
        (void)snprintf(aside, sizeof(aside), "%s/" VAULT_ASIDE_NAME, dir);
        if (round % 2 == 1)
            put_damaged(file);
        CU_ASSERT_EQUAL(end_all(dir), ENDING);
        if (round % 2 == 1)
            CU_ASSERT_TRUE(stat(aside, &st) == 0 && st.st_size == 8);
        (void)unlink(file);
        (void)unlink(aside);
        (void)snprintf(lock, sizeof(lock), "%s/" VAULT_LOCK_NAME, dir);
        (void)unlink(lock);
        CU_ASSERT_EQUAL(rmdir(dir), 0); /* and nothing else is left */
    }
}

/* One that is stopped with the lock holds up nobody for ever. */
static void who_never_lets_go_is_given_up(void)
{
    char dir[] = "/tmp/sluice-vault-XXXXXX", msg[256] = "";
    struct history_file_item item = {.moment = {.begin = 1700000000}};
    char lock[64];
    int fd;

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    (void)snprintf(lock, sizeof(lock), "%s/" VAULT_LOCK_NAME, dir);
    fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_EQUAL_FATAL(flock(fd, LOCK_EX), 0);
    CU_ASSERT_EQUAL(
        history_file_write(dir, &item, 1, boottime_ns(), msg, sizeof(msg)),
        VAULT_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg, "lock cannot be had"));
    close(fd);
    CU_ASSERT_EQUAL(unlink(lock), 0);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static const struct unit_test tests[] = {
    {"those that end together all save", those_that_end_together_all_save},
    {"who never lets go is given up", who_never_lets_go_is_given_up},
    {NULL, NULL},
};

CU_ErrorCode test_history_file_add(void)
{
    return unit_add("vault", tests);
}
