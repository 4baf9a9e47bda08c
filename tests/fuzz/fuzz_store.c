/*
 * fuzz_store.c - what may a store answer?
 *
 * Input: a tree of replies.  A byte says what comes: a number, a text of as many
 * bytes as the next byte says, a list of so many, nil, an error, a word of the
 * protocol.  Whatever it is, it is refused with a line, or all that is taken of it
 * is within its bounds.  The same bytes are INFO, an error, and RESP.
 */
#include "fuzz.h"

#include <hiredis/hiredis.h>

#include "fcgi/store/store_answer.h"
#include "fcgi/store/store_check.h"
#include "fcgi/store/store_reader.h"
#include "lib/complaint.h"

#define DEPTH_MAX 6

static redisReply *new_reply(int type)
{
    redisReply *r = calloc(1, sizeof(*r));

    CHECK(r != NULL);
    r->type = type;
    return r;
}

static redisReply *new_text(int type, const void *text, size_t len)
{
    redisReply *r = new_reply(type);

    r->str = fuzz_copy(text, len);
    r->len = len;
    return r;
}

static redisReply *take_text(struct input *in, int type)
{
    uint8_t text[256];
    size_t len = take_byte(in);

    len = take_bytes(in, text, len);
    return new_text(type, text, len);
}

static redisReply *take_reply(struct input *in, int depth);

static redisReply *take_list(struct input *in, size_t n, int depth)
{
    redisReply *r = new_reply(REDIS_REPLY_ARRAY);

    r->element = calloc(n + 1, sizeof(redisReply *));
    CHECK(r->element != NULL);
    for (; r->elements < n && in->left > 0; r->elements++)
        r->element[r->elements] = take_reply(in, depth + 1);
    return r;
}

/* Numbers of all sizes, and often small ones. */
static redisReply *take_integer(struct input *in)
{
    redisReply *r = new_reply(REDIS_REPLY_INTEGER);
    uint8_t bytes = take_byte(in);

    r->integer = bytes < 200 ? bytes : (long long)take_number(in, bytes % 9);
    return r;
}

static redisReply *take_reply(struct input *in, int depth)
{
    static const char *const words[] = {"ok", "stale", "proto", "nim", ""};
    uint8_t what = take_byte(in);

    if (what < 100)
        return take_integer(in);
    if (what < 130)
        return take_text(in, REDIS_REPLY_STRING);
    if (what < 180)
        return depth < DEPTH_MAX ? take_list(in, what - 130, depth)
                                 : new_reply(REDIS_REPLY_NIL);
    if (what < 185)
        return depth < DEPTH_MAX
                   ? take_list(in, (size_t)take_number(in, 2) % 2000, depth)
                   : new_reply(REDIS_REPLY_NIL);
    if (what < 250) {
        const char *word = words[what % ARRAY_LEN(words)];

        return new_text(REDIS_REPLY_STATUS, word, strlen(word));
    }
    return what < 253 ? new_reply(REDIS_REPLY_NIL)
                      : take_text(in, REDIS_REPLY_ERROR);
}

static void check_name(const char *text, size_t max, bool may_be_empty)
{
    CHECK(memchr(text, '\0', max) != NULL);
    CHECK(may_be_empty || *text != '\0');
    CHECK(!fuzz_has_control(text));
}

static void check_leases(const struct shared_answer *a)
{
    uint32_t i;

    CHECK(a->n_leases <= SHARED_LEASES && a->n_ends <= SHARED_SETTLES);
    for (i = 0; i < a->n_leases; i++) {
        const struct shared_lease *l = &a->leases[i];

        check_name(l->scope, sizeof(l->scope), false);
        check_name(l->client, sizeof(l->client), true);
        CHECK(l->id > 0 && l->cls <= LIMITER_CLASSES);
        CHECK(l->cls < LIMITER_CLASSES || *l->client == '\0');
        CHECK(l->left_ns >= 0 && l->left_ns <= 10 * NS_PER_S);
        CHECK(l->wait_ns >= 0 && l->wait_ns <= 10 * NS_PER_S);
    }
    for (i = 0; i < a->n_ends; i++)
        CHECK(a->ends[i].left_ns >= -1 && a->ends[i].left_ns <= 10 * NS_PER_S);
}

static void check_answer(const struct shared_answer *a)
{
    size_t sum = 0;
    uint32_t i, k;

    check_leases(a);
    CHECK(a->full_ns >= 0 && a->full_ns <= 3 * 86400 * NS_PER_S);
    CHECK(a->n_rooms <= SHARED_SCOPES && a->n_values <= SHARED_VALUES &&
          a->n_refused <= SHARED_PUTS && a->n_hosts <= SHARED_HOSTS);
    for (i = 0; i < a->n_rooms; i++) {
        check_name(a->rooms[i].name, SHARED_SCOPE_MAX, false);
        CHECK(a->rooms[i].next_ns >= -1);
        CHECK(a->rooms[i].call_ns >= -1);
    }
    for (i = 0; i < a->n_values; i++) {
        check_name(a->values[i].name, SHARED_VALUE_NAME, false);
        CHECK(a->values[i].len <= SHARED_BLOB_MAX && a->values[i].version > 0);
        for (k = 0; k < a->values[i].len; k++) /* ASan looks, too */
            sum += a->values[i].blob[k];
    }
    for (i = 0; i < a->n_refused; i++)
        check_name(a->refused[i], SHARED_VALUE_NAME, false);
    for (i = 0; i < a->n_hosts; i++)
        check_name(a->hosts_told[i].host, SHARED_HOST_MAX, false);
    CHECK(sum < SIZE_MAX);
}

static void check_info(const uint8_t *data, size_t size)
{
    struct store_server s = {.version = ""};
    char line[256] = "", *copy = fuzz_copy(data, size);
    struct complaint why = {line, sizeof(line)};

    store_check_take(&s, copy, size);
    if (store_check_fit(&s, &why) == STORE_FINE)
        CHECK(strlen(s.run) == 63 && s.is_master);
    (void)store_fault_of(copy, size);
    free(copy);
}

/* Replies in BYTES, PIECE by PIECE; *WHY: they end with a fault. */
static unsigned count_replies(const uint8_t *bytes, size_t size, size_t piece,
                              const char **why)
{
    struct store_reader x;
    unsigned replies = 0;
    redisReply *r;
    size_t at, n;

    *why = NULL;
    CHECK(store_reader_init(&x) == 0);
    for (at = 0; at < size && *why == NULL; at += n) {
        char *copy;

        n = size - at < piece ? size - at : piece;
        copy = fuzz_copy(bytes + at, n);
        *why = store_reader_feed(&x, copy, n);
        free(copy);
        while (*why == NULL && (r = store_reader_next(&x, why)) != NULL) {
            freeReplyObject(r);
            replies++;
        }
    }
    store_reader_fini(&x);
    return replies;
}

/* However bytes are cut, the replies in them are the same. */
static void check_bytes(const uint8_t *bytes, size_t size)
{
    const char *whole, *pieces;
    unsigned n = count_replies(bytes, size, size, &whole);

    CHECK(count_replies(bytes, size, 3, &pieces) == n);
    CHECK((whole == NULL) == (pieces == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct shared_answer answer;
    struct input in = {data, size};
    redisReply *r = take_reply(&in, 0);
    char line[256] = "";
    struct complaint why = {line, sizeof(line)};

    switch (store_answer_read(&answer, r, 5, &why)) {
    case STORE_ANSWER_OK:
        CHECK(answer.asked_ns == 5 && *line == '\0');
        check_answer(&answer);
        break;
    case STORE_ANSWER_STALE:
        break;
    case STORE_ANSWER_PROTO:
    case STORE_ANSWER_STRANGE:
        CHECK(*line != '\0' && !fuzz_has_control(line));
        break;
    }
    freeReplyObject(r);
    check_info(data, size);
    check_bytes(data, size);
    return 0;
}
