/* Mirrors fcgi/config/store_url.c. */
#include "fcgi/config/store_url.h"

#include <stdio.h>
#include <string.h>

#include "lib/base.h"
#include "lib/buf.h"
#include "unit.h"

static void what_can_be_a_store(void)
{
    static const char *const fine[] = {
        "redis://h",
        "REDIS://h:1/",
        "redis://h/15",
        "rediss://u:p@h:6380/0",
        "valkey://h",
        "valkeys://h:1",
        "redis://:p@h",
        "redis://u@h",
        "redis://[::1]:6379,[fe80::1.2.3.4]",
        "redis://a,b:2,redis://c/3",
        "redis://u:p%40%2F%2c@h",
        "redis://u:a@b@h",
        "redis://1,2,3,4,5,6,7,8",
        "unix:///run/s",
        "unix://u:p@/run/s,/run/t,unix:///run/u?db=3",
        "sentinel://a,b:2/m",
        "sentinels://u:p@a/my-master.1/2",
    };
    static const char *const wrong[] = {
        "",
        "h:6379",
        "http://h",
        "redis:/h",
        "redis://",
        "redis:///",
        "redis://,h",
        "redis://h,",
        "redis://h:",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:99999999999999999999",
        "redis://h:1x",
        "redis://h/x",
        "redis://h/-1",
        "redis://h/10000",
        "redis://h/1/2",
        "redis://h?db=1",
        "redis://h#",
        "redis://::1",
        "redis://[::1",
        "redis://[]",
        "redis://[h]",
        "redis://h,rediss://i",
        "redis://h,unix:///s",
        "redis://@h",
        "redis://u:@h",
        "redis://u:%4@h",
        "redis://u:%zz@h",
        "redis://u:%00@h",
        "redis://u:p q@h",
        "redis://u:\xc3\xa4@h",
        "redis://1,2,3,4,5,6,7,8,9",
        "unix://",
        "unix:///",
        "unix://run/s",
        "unix:///s?db=",
        "unix:///s?db=x",
        "unix:///s?x=1",
        "unix:///s,t",
        "sentinel://a",
        "sentinel://a/",
        "sentinel://a//1",
        "sentinel://a/m/x",
        "sentinel:///m",
    };
    struct store_url u;
    size_t i;

    for (i = 0; i < ARRAY_LEN(fine); i++) {
        if (store_url_read(&u, fine[i]) != NULL)
            printf("\n    %s\n", fine[i]);
        CU_ASSERT_PTR_NULL(store_url_read(&u, fine[i]));
    }
    for (i = 0; i < ARRAY_LEN(wrong); i++) {
        if (store_url_read(&u, wrong[i]) == NULL)
            printf("\n    %s\n", wrong[i]);
        CU_ASSERT_PTR_NOT_NULL(store_url_read(&u, wrong[i]));
    }
}

static void its_parts(void)
{
    struct store_url u;

    CU_ASSERT_PTR_NULL_FATAL(store_url_read(
        &u, "rediss://us%65r:p%40ss:w@d@one,[2001:db8::2]:7000,three:3/12"));
    CU_ASSERT_TRUE(u.tls);
    CU_ASSERT_FALSE(u.sentinel);
    CU_ASSERT_STRING_EQUAL(u.user, "user");
    CU_ASSERT_STRING_EQUAL(u.password, "p@ss:w@d");
    CU_ASSERT_EQUAL(u.db, 12);
    CU_ASSERT_EQUAL_FATAL(u.n, 3);
    CU_ASSERT_STRING_EQUAL(u.at[0].host, "one");
    CU_ASSERT_EQUAL(u.at[0].port, 6379);
    CU_ASSERT_STRING_EQUAL(u.at[1].host, "2001:db8::2");
    CU_ASSERT_EQUAL(u.at[1].port, 7000);
    CU_ASSERT_EQUAL(u.at[2].port, 3);
    CU_ASSERT_PTR_NULL_FATAL(store_url_read(&u, "sentinel://:p@a,b:2/m%61x/4"));
    CU_ASSERT_TRUE(u.sentinel);
    CU_ASSERT_FALSE(u.tls);
    CU_ASSERT_STRING_EQUAL(u.user, "");
    CU_ASSERT_STRING_EQUAL(u.password, "p");
    CU_ASSERT_STRING_EQUAL(u.master, "max");
    CU_ASSERT_EQUAL(u.db, 4);
    CU_ASSERT_EQUAL(u.at[0].port, 26379);
    CU_ASSERT_PTR_NULL_FATAL(store_url_read(&u, "unix:///run/a,/run/b?db=1"));
    CU_ASSERT_EQUAL(u.n, 2);
    CU_ASSERT_EQUAL(u.at[1].port, 0);
    CU_ASSERT_STRING_EQUAL(u.at[1].host, "/run/b");
    CU_ASSERT_EQUAL(u.db, 1);
}

static void what_is_too_long(void)
{
    struct store_url u;
    char text[2048], part[1200];

    memset(part, 'a', sizeof(part));
    (void)snprintf(text, sizeof(text), "redis://%.255s", part);
    CU_ASSERT_PTR_NULL(store_url_read(&u, text));
    (void)snprintf(text, sizeof(text), "redis://%.256s", part);
    CU_ASSERT_PTR_NOT_NULL(store_url_read(&u, text));
    (void)snprintf(text, sizeof(text), "redis://%.128s:p@h", part);
    CU_ASSERT_PTR_NOT_NULL(store_url_read(&u, text));
    (void)snprintf(text, sizeof(text), "redis://:%.1024s@h", part);
    CU_ASSERT_PTR_NOT_NULL(store_url_read(&u, text));
    (void)snprintf(text, sizeof(text), "unix:///%.106s", part);
    CU_ASSERT_PTR_NULL(store_url_read(&u, text));
    (void)snprintf(text, sizeof(text), "unix:///%.107s", part);
    CU_ASSERT_PTR_NOT_NULL(store_url_read(&u, text));
    (void)snprintf(text, sizeof(text), "sentinel://h/%.128s", part);
    CU_ASSERT_PTR_NOT_NULL(store_url_read(&u, text));
}

static void shown(const char *text, const char *want)
{
    struct buf b = {NULL, 0, 0, 0};

    store_url_show(&b, text);
    CU_ASSERT_STRING_EQUAL(buf_head(&b), want);
    buf_free(&b);
}

static void how_it_is_shown(void)
{
    shown("redis://u:s3cret@h:1,i/2", "redis://***@h:1,i/2");
    shown("redis://u:s3@cret@h", "redis://***@h");
    shown("redis://h", "redis://h");
    shown("unix://:x@/run/s?db=1", "unix://***@/run/s?db=1");
    shown("sentinel://u@a,b/m", "sentinel://***@a,b/m");
}

static const struct unit_test tests[] = {
    {"what can be a store, and what cannot", what_can_be_a_store},
    {"user, addresses and tail are taken apart", its_parts},
    {"nothing is too long for its place", what_is_too_long},
    {"user and password are not shown", how_it_is_shown},
    {NULL, NULL},
};

CU_ErrorCode test_store_url_add(void)
{
    return unit_add("store_url", tests);
}
