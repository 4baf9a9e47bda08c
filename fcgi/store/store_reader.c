/*
 * store_reader.c - which replies are in these bytes?
 *
 * hiredis parses.  Left to itself it takes what it is told: a list of two
 * thousand million, or lists in lists until the stack ends.  So the functions
 * that make its objects are ours, and count before they ask its own.
 */
#include "fcgi/store/store_reader.h"

#include "lib/base.h"

#define DEPTH_MAX    7    /* an answer has three; hiredis 0.14 has room for 7 */
#define ELEMENTS_MAX 4096 /* of one list */

/* Its own functions, which all readers share. */
static const redisReplyObjectFunctions *own;

static bool may_make(const redisReadTask *task)
{
    struct store_reader *x = task->privdata;
    int depth = 0;

    for (; task != NULL; task = task->parent)
        depth++;
    return ++x->parts <= STORE_REPLY_PARTS && depth <= DEPTH_MAX;
}

static void *make_string(const redisReadTask *task, char *text, size_t len)
{
    return may_make(task) ? own->createString(task, text, len) : NULL;
}

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

static void *make_array(const redisReadTask *task, element_count n)
{
    return n <= ELEMENTS_MAX && may_make(task) ? own->createArray(task, n)
                                               : NULL;
}

static void *make_integer(const redisReadTask *task, long long n)
{
    return may_make(task) ? own->createInteger(task, n) : NULL;
}

static void *make_nil(const redisReadTask *task)
{
    return may_make(task) ? own->createNil(task) : NULL;
}

int store_reader_init(struct store_reader *x)
{
    x->r = redisReaderCreate();
    x->bytes = x->parts = 0;
    if (x->r == NULL)
        return -1;
    own = x->r->fn;
    x->fn = *own; /* what RESP2 has not stays theirs */
    x->fn.createString = make_string;
    x->fn.createArray = make_array;
    x->fn.createInteger = make_integer;
    x->fn.createNil = make_nil;
    x->r->fn = &x->fn;
    x->r->privdata = x;
    return 0;
}

void store_reader_fini(struct store_reader *x)
{
    if (x->r != NULL)
        redisReaderFree(x->r);
    x->r = NULL;
}

const char *store_reader_feed(struct store_reader *x, const void *data,
                              size_t len)
{
    x->bytes += len;
    if (x->bytes > STORE_REPLY_BYTES)
        return "its answer is too large";
    return redisReaderFeed(x->r, data, len) == REDIS_OK ? NULL
                                                        : "there is no memory";
}

redisReply *store_reader_next(struct store_reader *x, const char **why)
{
    void *reply = NULL;

    *why = NULL;
    if (redisReaderGetReply(x->r, &reply) != REDIS_OK) {
        *why = x->r->err == REDIS_ERR_OOM ? "its answer is too large"
                                          : "it does not speak RESP";
        return NULL;
    }
    if (reply != NULL) {
        x->parts = 0;
        x->bytes = x->r->len - x->r->pos; /* of what comes behind it */
    }
    return reply;
}
