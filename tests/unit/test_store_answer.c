/* Mirrors fcgi/store/store_answer.c and store_reader.c. */
#include "fcgi/store/store_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/store/store_reader.h"
#include "lib/base.h"
#include "lib/complaint.h"
#include "tree.h"
#include "unit.h"

static struct shared_answer answer;
static char line[256];

/* Reads TEXT into `answer`; *KEPT, if it is not NULL, is for the caller to
 * free. */
static enum store_answer_kind read_text(const char *text, redisReply **kept)
{
    redisReply *r = tree(text);
    struct complaint why = {line, sizeof(line)};
    enum store_answer_kind kind;

    line[0] = '\0';
    memset(&answer, 0x5a, sizeof(answer));
    kind = store_answer_read(&answer, r, 77, &why);
    if (kept != NULL)
        *kept = r;
    else
        freeReplyObject(r);
    return kind;
}

static void all_of_it(void)
{
    redisReply *r;

    CU_ASSERT_EQUAL_FATAL(
        read_text("[ok 1000 250 12 3"
                  " [[7 nim/m 1 'a client' 3000000 0 45] [8 nim 3 '' 1 1 0]]"
                  " [[5 2000000] [6 -1]]"
                  " [[nim 39 '9007199254740992' -1 4 2 1 400 77 'more']]"
                  " [['r:nim' 4 'a blob' 1 1500]]"
                  " [['r:other' 9]]"
                  " [['00000000000000ab' one 15 300 2 1]]]",
                  &r),
        STORE_ANSWER_OK);
    CU_ASSERT_EQUAL(answer.asked_ns, 77);
    CU_ASSERT_EQUAL(answer.full_ns, 250000);
    CU_ASSERT_EQUAL(answer.vv, 12);
    CU_ASSERT_EQUAL(answer.hosts, 3);
    CU_ASSERT_EQUAL_FATAL(answer.n_leases, 2);
    CU_ASSERT_EQUAL(answer.leases[0].id, 7);
    CU_ASSERT_EQUAL(answer.leases[0].cls, 1);
    CU_ASSERT_EQUAL(answer.leases[0].left_ns, 3 * NS_PER_S);
    CU_ASSERT_EQUAL(answer.leases[0].wait_ns, 45000);
    CU_ASSERT_STRING_EQUAL(answer.leases[0].scope, "nim/m");
    CU_ASSERT_STRING_EQUAL(answer.leases[0].client, "a client");
    CU_ASSERT_EQUAL(answer.leases[1].cls, LIMITER_CLASSES);
    CU_ASSERT_STRING_EQUAL(answer.leases[1].client, "");
    CU_ASSERT_EQUAL_FATAL(answer.n_ends, 2);
    CU_ASSERT_EQUAL(answer.ends[0].left_ns, 2 * NS_PER_S);
    CU_ASSERT_EQUAL(answer.ends[1].left_ns, -1);
    CU_ASSERT_EQUAL_FATAL(answer.n_rooms, 1);
    CU_ASSERT_EQUAL(answer.rooms[0].used, 39);
    CU_ASSERT_EQUAL(answer.rooms[0].used_tokens, UINT64_C(9007199254740992));
    CU_ASSERT_EQUAL(answer.rooms[0].next_ns, -1);
    CU_ASSERT_EQUAL(answer.rooms[0].waiting_elsewhere, 4);
    CU_ASSERT_EQUAL(answer.rooms[0].recall, 2);
    CU_ASSERT_EQUAL(answer.rooms[0].flying_elsewhere, 1);
    CU_ASSERT_EQUAL(answer.rooms[0].total, 400);
    CU_ASSERT_EQUAL(answer.rooms[0].call_ns, 77000);
    CU_ASSERT_EQUAL_FATAL(answer.n_values, 1);
    CU_ASSERT_STRING_EQUAL(answer.values[0].name, "r:nim");
    CU_ASSERT_EQUAL(answer.values[0].version, 4);
    CU_ASSERT_TRUE(answer.values[0].own);
    CU_ASSERT_EQUAL(answer.values[0].age_ns, 1500000);
    CU_ASSERT_EQUAL(answer.values[0].len, 6);
    CU_ASSERT_EQUAL(memcmp(answer.values[0].blob, "a blob", 6), 0);
    CU_ASSERT_EQUAL_FATAL(answer.n_refused, 1);
    CU_ASSERT_STRING_EQUAL(answer.refused[0], "r:other");
    CU_ASSERT_EQUAL_FATAL(answer.n_hosts, 1);
    CU_ASSERT_STRING_EQUAL(answer.hosts_told[0].name, "one");
    CU_ASSERT_EQUAL(answer.hosts_told[0].rtt_ns, 300000);
    CU_ASSERT_EQUAL(answer.hosts_told[0].leases, 1);
    freeReplyObject(r);
}

static void little_is_fine_too(void)
{
    CU_ASSERT_EQUAL(read_text("[ok 1 0 0 1 [] [] [] [] []]", NULL),
                    STORE_ANSWER_OK);
    CU_ASSERT_EQUAL(answer.n_hosts, 0);
    CU_ASSERT_EQUAL(
        read_text("[ok 1 0 0 1 [] [] [] [] [] [] of a newer script]", NULL),
        STORE_ANSWER_OK);
    CU_ASSERT_EQUAL(read_text("[stale]", NULL), STORE_ANSWER_STALE);
    CU_ASSERT_EQUAL(read_text("[proto 3]", NULL), STORE_ANSWER_PROTO);
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "another version"));
}

/* An answer whose list at PLACE (0: leases) is LIST. */
static const char *with(size_t place, const char *list)
{
    static char text[SHARED_BLOB_MAX + 65536];
    size_t i, n = (size_t)snprintf(text, sizeof(text), "[ok 1 0 0 1");

    for (i = 0; i < 6; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %s",
                              i == place ? list : "[]");
    (void)snprintf(text + n, sizeof(text) - n, "]");
    return text;
}

static void is_strange(const char *text)
{
    enum store_answer_kind kind = read_text(text, NULL);

    if (kind != STORE_ANSWER_STRANGE)
        printf("\n    %.200s\n", text);
    CU_ASSERT_EQUAL(kind, STORE_ANSWER_STRANGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "cannot be understood"));
    CU_ASSERT_PTR_NULL(strchr(line, '\n'));
    CU_ASSERT_EQUAL(answer.n_leases + answer.n_ends + answer.n_rooms +
                        answer.n_values + answer.n_refused + answer.n_hosts,
                    0);
}

static void a_hostile_one_is_none(void)
{
    static const char *const wholes[] = {
        "ok",
        "5",
        "~",
        "[]",
        "[~]",
        "[5]",
        "[okay 1 0 0 1 [] [] [] [] [] []]",
        "[ok]",
        "[ok 1 0 0 1 [] [] [] []]",
        "[ok ~ 0 0 1 [] [] [] [] [] []]",
        "[ok -1 0 0 1 [] [] [] [] [] []]",
        "[ok 1 x 0 1 [] [] [] [] [] []]",
        "[ok 1 999999999999 0 1 [] [] [] [] [] []]",
        "[ok 1 0 9007199254740993 1 [] [] [] [] [] []]",
        "[ok 1 0 '99999999999999999' 1 [] [] [] [] [] []]",
        "[ok 1 0 '' 1 [] [] [] [] [] []]",
        "[ok 1 0 '1.5' 1 [] [] [] [] [] []]",
        "[ok 1 0 0 [] [] [] [] [] [] []]",
        "[ok 1 0 0 1 ~ [] [] [] [] []]",
        "[ok 1 0 0 1 [] x [] [] [] []]",
    };
    static const struct {
        size_t place;
        const char *list;
    } lists[] = {
        {0, "[7]"},
        {0, "[[]]"},
        {0, "[[7 nim 1 a 5 0]]"},
        {0, "[[0 nim 1 a 5 0 0]]"},
        {0, "[[7 '' 1 a 5 0 0]]"},
        {0, "[[7 nim 4 a 5 0 0]]"},
        {0, "[[7 nim 3 a 5 0 0]]"}, /* for anybody, and not ahead */
        {0, "[[7 nim 1 ~ 5 0 0]]"},
        {0, "[[7 nim 1 a -1 0 0]]"},
        {0, "[[7 nim 1 a 10000001 0 0]]"},
        {0, "[[7 nim 1 a 5 2 0]]"},
        {0, "[[7 nim 1 'a\nb' 5 0 0]]"},
        {0, "[[7 nim 1 '\xff' 5 0 0]]"},
        {0, "[[7 !nim 1 a 5 0 0]]"},
        {0, "[[7 nim 1 a 5 0 -1]]"},
        {0, "[[7 nim 1 a 5 0 10000001]]"},
        {1, "[[7 -2]]"},
        {1, "[[7]]"},
        {2, "[[nim 1 1 1 1 1 1 1]]"},
        {2, "[['' 1 1 1 1 1 1 1 1]]"},
        {2, "[[nim -1 1 1 1 1 1 1 1]]"},
        {2, "[[nim 1 1 -2 1 1 1 1 1]]"},
        {2, "[[nim 1 1 1 1 1 1 1 -2]]"},
        {3, "[[a 0 b 0 0]]"},
        {3, "[[a 1 [] 0 0]]"},
        {3, "[[a 1 5 0 0]]"},
        {3, "[[a 1 b 2 0]]"},
        {3, "[[a 1 b 0 -1]]"},
        {4, "[[a]]"},
        {4, "[['' 1]]"},
        {5, "[['' one 1 1 1 1]]"},
        {5, "[['0123456789abcdef0' one 1 1 1 1]]"},
        {5, "[[a one 1 1 1]]"},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(wholes); i++)
        is_strange(wholes[i]);
    for (i = 0; i < ARRAY_LEN(lists); i++)
        is_strange(with(lists[i].place, lists[i].list));
}

static void repeat(char *out, const char *row, size_t times)
{
    *out++ = '[';
    for (; times > 0; times--) {
        memcpy(out, row, strlen(row));
        out += strlen(row);
    }
    memcpy(out, "]", 2);
}

static void no_list_is_longer_than_its_place(void)
{
    static const struct {
        size_t place, most;
        const char *row;
    } lists[] = {
        {0, SHARED_LEASES, "[7 nim 1 a 5 0 0]"},
        {1, SHARED_SETTLES, "[7 5]"},
        {2, SHARED_SCOPES, "[nim 1 1 1 1 1 1 1 1]"},
        {3, SHARED_VALUES, "[a 1 b 0 0]"},
        {4, SHARED_PUTS, "[a 1]"},
        {5, SHARED_HOSTS, "[a one 1 1 1 1]"},
    };
    static char list[32768];
    size_t i;

    for (i = 0; i < ARRAY_LEN(lists); i++) {
        repeat(list, lists[i].row, lists[i].most);
        CU_ASSERT_EQUAL(read_text(with(lists[i].place, list), NULL),
                        STORE_ANSWER_OK);
        repeat(list, lists[i].row, lists[i].most + 1);
        is_strange(with(lists[i].place, list));
    }
}

static void no_text_is_longer_than_its_place(void)
{
    static char list[1024], blob[SHARED_BLOB_MAX + 64];
    char text[256];

    memset(text, 'a', sizeof(text));
    (void)snprintf(list, sizeof(list), "[[7 %.*s 1 c 5 0 0]]",
                   SHARED_SCOPE_MAX - 1, text);
    CU_ASSERT_EQUAL(read_text(with(0, list), NULL), STORE_ANSWER_OK);
    (void)snprintf(list, sizeof(list), "[[7 %.*s 1 c 5 0 0]]", SHARED_SCOPE_MAX,
                   text);
    is_strange(with(0, list));
    (void)snprintf(list, sizeof(list), "[[7 nim 1 %.*s 5 0 0]]",
                   LIMITER_NAME_MAX, text);
    is_strange(with(0, list));
    memset(blob, 'b', sizeof(blob) - 1);
    memcpy(blob, "[[a 1 ", 6);
    memcpy(blob + 6 + SHARED_BLOB_MAX, " 0 0]]", 7);
    CU_ASSERT_EQUAL(read_text(with(3, blob), NULL), STORE_ANSWER_OK);
    memset(blob + 6, 'b', sizeof(blob) - 7);
    memcpy(blob + 7 + SHARED_BLOB_MAX, " 0 0]]", 7);
    is_strange(with(3, blob));
}

/* ---- replies out of bytes ---------------------------------------------------------- */

static const char *read_bytes(const char *bytes, size_t len, size_t piece,
                              unsigned *replies)
{
    struct store_reader x;
    const char *why = NULL;
    redisReply *r;
    size_t at, n;

    *replies = 0;
    CU_ASSERT_EQUAL_FATAL(store_reader_init(&x), 0);
    for (at = 0; at < len && why == NULL; at += n) {
        n = len - at < piece ? len - at : piece;
        why = store_reader_feed(&x, bytes + at, n);
        while (why == NULL && (r = store_reader_next(&x, &why)) != NULL) {
            freeReplyObject(r);
            ++*replies;
        }
    }
    store_reader_fini(&x);
    return why;
}

static void replies_are_read_in_any_pieces(void)
{
    static const char text[] = "+OK\r\n*2\r\n$2\r\na\r\r\n*1\r\n:5\r\n"
                               "-ERR x\r\n$-1\r\n*-1\r\n*0\r\n";
    unsigned n;
    size_t piece;

    for (piece = 1; piece < sizeof(text); piece++) {
        CU_ASSERT_PTR_NULL(read_bytes(text, sizeof(text) - 1, piece, &n));
        CU_ASSERT_EQUAL(n, 6);
    }
}

static void what_a_reply_may_cost(void)
{
    static const char *const wrong[] = {
        "*2147483647\r\n",
        "*4097\r\n",
        "HTTP/1.1 400 Bad Request\r\n",
        "$99999999999999999999999\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
    };
    static char big[STORE_REPLY_BYTES + 64];
    char *p = big;
    unsigned n;
    size_t i;

    for (i = 0; i < ARRAY_LEN(wrong); i++)
        CU_ASSERT_PTR_NOT_NULL(
            read_bytes(wrong[i], strlen(wrong[i]), 4096, &n));
    memset(big, 'x', sizeof(big));
    memcpy(big, "$9000000\r\n", 10);
    CU_ASSERT_PTR_NOT_NULL(read_bytes(big, sizeof(big), 4096, &n));
    /* 4096 lists of 4096 are below that in bytes. */
    p += sprintf(p, "*4096\r\n");
    for (i = 0; i < 5; i++) {
        int k;

        p += sprintf(p, "*4096\r\n");
        for (k = 0; k < 4096; k++)
            p += sprintf(p, ":1\r\n");
    }
    CU_ASSERT_PTR_NOT_NULL(read_bytes(big, (size_t)(p - big), 4096, &n));
    CU_ASSERT_EQUAL(n, 0);
}

static const struct unit_test tests[] = {
    {"all that an answer can say is taken", all_of_it},
    {"it may say little, or more than is known", little_is_fine_too},
    {"one that is wrong anywhere says nothing", a_hostile_one_is_none},
    {"no list is longer than its place", no_list_is_longer_than_its_place},
    {"no text is longer than its place", no_text_is_longer_than_its_place},
    {"replies are read in any pieces", replies_are_read_in_any_pieces},
    {"a reply has bounds in bytes, parts and depth", what_a_reply_may_cost},
    {NULL, NULL},
};

CU_ErrorCode test_store_answer_add(void)
{
    return unit_add("store_answer", tests);
}
