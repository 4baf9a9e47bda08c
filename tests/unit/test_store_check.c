/* Mirrors fcgi/store/store_check.c, store_fault.c, store_hello.c and
 * store_pause.h. */
#include "fcgi/store/store_check.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/store/store_hello.h"
#include "fcgi/store/store_pause.h"
#include "lib/base.h"
#include "lib/complaint.h"
#include "tree.h"
#include "unit.h"

#define ID "0123456789abcdef0123456789abcdef01234567"
#define INFO                                                                   \
    "# Server\r\nredis_version:7.0.15\r\nrun_id:" ID "\r\n"                    \
    "# Replication\r\nrole:master\r\nmaster_replid:" ID "\r\n"                 \
    "# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n"

static char line[256];

static enum store_fault fit(struct store_server *s, const char *info,
                            const char *more)
{
    struct complaint why = {line, sizeof(line)};

    memset(s, 0, sizeof(*s));
    line[0] = '\0';
    store_check_take(s, info, strlen(info));
    store_check_take(s, more, strlen(more));
    return store_check_fit(s, &why);
}

static void a_server_must_be_fit(void)
{
    static const struct {
        const char *more;
        enum store_fault want;
    } cases[] = {
        {"", STORE_FINE},
        {"maxmemory:100\n", STORE_FINE},
        {"maxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n", STORE_EVICTS},
        {"maxmemory:0\r\nmaxmemory_policy:allkeys-lru", STORE_FINE},
        {"role:slave", STORE_REPLICA},
        {"role:", STORE_REPLICA},
        {"redis_version:5.0.14\r\n", STORE_OLD},
        {"redis_version:\r\n", STORE_OLD},
        {"redis_version:x\r\n", STORE_STRANGE},
        {"redis_version:8.1.3\r\nvalkey_version:9.0\r\n", STORE_FINE},
        {"run_id:abc\r\n", STORE_STRANGE},
        {"run_id:" ID "0\r\n", STORE_FINE}, /* too long: not taken */
        {"master_replid:\r\n", STORE_STRANGE},
        {"\n\n\r\n:\nrun_id\nrun_id\r", STORE_FINE},
    };
    struct store_server s;
    size_t i;

    for (i = 0; i < ARRAY_LEN(cases); i++) {
        enum store_fault f = fit(&s, INFO, cases[i].more);

        if (f != cases[i].want)
            printf("\n    %s: %d\n", cases[i].more, f);
        CU_ASSERT_EQUAL(f, cases[i].want);
        CU_ASSERT_TRUE(f == STORE_FINE || *line != '\0' ||
                       store_fault_line(f) != NULL);
    }
    CU_ASSERT_EQUAL(fit(&s, "", ""), STORE_STRANGE);
    CU_ASSERT_EQUAL(fit(&s, INFO, ""), STORE_FINE);
    CU_ASSERT_STRING_EQUAL(s.run, "0123456789abcdef0123456789abcde:"
                                  "0123456789abcdef0123456789abcde");
}

static void replicas_are_to_be_waited_for(void)
{
    struct store_server s;

    (void)fit(&s, INFO, "connected_slaves:0");
    CU_ASSERT_PTR_NULL(store_check_advice(&s));
    (void)fit(&s, INFO, "connected_slaves:1");
    CU_ASSERT_PTR_NOT_NULL(store_check_advice(&s));
    (void)fit(&s, INFO, "connected_slaves:1\r\nmin_slaves_good_slaves:1\r\n");
    CU_ASSERT_PTR_NULL(store_check_advice(&s));
}

static void an_error_is_one_of_those_known(void)
{
    static const struct {
        const char *error;
        enum store_fault want;
    } cases[] = {
        {"NOAUTH Authentication required.", STORE_WANTS_PASSWORD},
        {"WRONGPASS invalid username-password pair", STORE_REFUSES_PASSWORD},
        {"ERR AUTH <password> called without any password configured for the "
         "default user. Are you sure your configuration is correct?",
         STORE_HAS_NO_PASSWORD},
        {"NOPERM this user has no permissions", STORE_NOT_ALLOWED},
        {"READONLY You can't write against a read only replica.",
         STORE_REPLICA},
        {"OOM command not allowed when used memory > 'maxmemory'.", STORE_FULL},
        {"ERR Error running script (call to f_12): @user_script:3: @user_script"
         ": 3: -OOM command not allowed",
         STORE_FULL},
        {"ERR Error running script (call to f_12): @user_script:3: attempt to "
         "index a nil value",
         STORE_STRANGE},
        {"LOADING Redis is loading the dataset in memory", STORE_LOADING},
        {"MASTERDOWN Link with MASTER is down", STORE_MASTER_DOWN},
        {"MISCONF Redis is configured to save RDB snapshots", STORE_NOT_SAVED},
        {"NOREPLICAS Not enough good replicas to write.", STORE_NO_REPLICAS},
        {"MOVED 1234 10.0.0.1:6379", STORE_CLUSTER},
        {"ERR max number of clients reached", STORE_CROWDED},
        {"ERR DB index is out of range", STORE_NO_DATABASE},
        {"DENIED Redis is running in protected mode", STORE_PROTECTED},
        {"ERR unknown command", STORE_STRANGE},
        {"", STORE_STRANGE},
        {"@user_script:", STORE_STRANGE},
        {"@user_script:1: ", STORE_STRANGE},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(cases); i++)
        CU_ASSERT_EQUAL(store_fault_of(cases[i].error, strlen(cases[i].error)),
                        cases[i].want);
    CU_ASSERT_TRUE(store_fault_is_noscript("NOSCRIPT No", 11));
    CU_ASSERT_FALSE(store_fault_is_noscript("NOSCRIP", 7));
}

/* ---- the greeting ------------------------------------------------------------------- */

static enum store_fault take(struct store_hello *h, enum hello_word said,
                             const char *text)
{
    redisReply *r = tree(text);
    struct complaint why = {line, sizeof(line)};
    enum store_fault f;

    line[0] = '\0';
    memset(h, 0, sizeof(*h));
    h->said[0] = said;
    h->n = 1;
    f = store_hello_take(h, r, &why);
    freeReplyObject(r);
    return f;
}

static void a_greeting_is_answered_as_it_should(void)
{
    struct store_hello h;

    CU_ASSERT_EQUAL(take(&h, HELLO_AUTH, "OK"), STORE_FINE);
    CU_ASSERT_EQUAL(take(&h, HELLO_AUTH, "[]"), STORE_STRANGE);
    CU_ASSERT_EQUAL(take(&h, HELLO_SERVER, "5"), STORE_STRANGE);
    CU_ASSERT_EQUAL(take(&h, HELLO_SCRIPT, ID "0"), STORE_STRANGE);
    CU_ASSERT_EQUAL(take(&h, HELLO_SCRIPT, "'" ID "'"), STORE_FINE);
    CU_ASSERT_STRING_EQUAL(h.sha, ID);
    CU_ASSERT_EQUAL(take(&h, HELLO_MASTER, "['10.0.0.1' '6380']"), STORE_FINE);
    CU_ASSERT_STRING_EQUAL(h.master.host, "10.0.0.1");
    CU_ASSERT_EQUAL(h.master.port, 6380);
    CU_ASSERT_EQUAL(take(&h, HELLO_MASTER, "~"), STORE_UNKNOWN_MASTER);
    CU_ASSERT_EQUAL(take(&h, HELLO_MASTER, "[a]"), STORE_STRANGE);
    CU_ASSERT_EQUAL(take(&h, HELLO_MASTER, "['' '1']"), STORE_STRANGE);
    CU_ASSERT_EQUAL(take(&h, HELLO_MASTER, "[a '65536']"), STORE_STRANGE);
    CU_ASSERT_EQUAL(take(&h, HELLO_MASTER, "[a ~]"), STORE_STRANGE);
    h.heard = h.n = 1; /* nobody asked */
    CU_ASSERT_EQUAL(take(&h, HELLO_WORDS, "5"), STORE_STRANGE);
}

static void no_password_is_quoted(void)
{
    struct store_hello h;

    CU_ASSERT_EQUAL(take(&h, HELLO_AUTH, "!s3cret"), STORE_STRANGE);
    CU_ASSERT_PTR_NULL(strstr(line, "s3cret"));
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "shared.password_file"));
    CU_ASSERT_EQUAL(take(&h, HELLO_MEMORY, "!words"), STORE_STRANGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "words"));
}

/* ---- pauses ----------------------------------------------------------------------- */

static void pauses_grow_and_differ(void)
{
    struct store_pause p = {0, 5}, q = {0, 6};
    int64_t most = STORE_PAUSE_LEAST_NS;
    int i, same = 0;

    for (i = 0; i < 100; i++) {
        int64_t ns = store_pause_next(&p);

        CU_ASSERT_TRUE(ns >= most / 2 && ns < most);
        same += store_pause_next(&q) == ns;
        most = min_i64(2 * most, STORE_PAUSE_MOST_NS);
    }
    CU_ASSERT_EQUAL(same, 0);
}

static const struct unit_test tests[] = {
    {"a server must be fit to be the store", a_server_must_be_fit},
    {"a master with replicas should wait for them",
     replicas_are_to_be_waited_for},
    {"an error is one of those that are known", an_error_is_one_of_those_known},
    {"a greeting is answered as it should be",
     a_greeting_is_answered_as_it_should},
    {"no answer to a password is quoted", no_password_is_quoted},
    {"pauses grow, and no two hosts have the same", pauses_grow_and_differ},
    {NULL, NULL},
};

CU_ErrorCode test_store_check_add(void)
{
    return unit_add("store_check", tests);
}
