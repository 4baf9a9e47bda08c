/* Mirrors fcgi/messages/event_data.c. */
#include "fcgi/config/bounds.h"
#include "fcgi/messages/event_data.h"
#include "messages_lab.h"

/* splitmix64 (G. Steele, D. Lea, C. Flood, 2014): the same numbers each time. */
static uint64_t random_to(uint64_t *state, uint64_t n)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % n;
}

/* Data of all events in BYTES, cut into pieces of at most MOST. */
static void read_all(const char *bytes, uint64_t seed, uint64_t most,
                     struct buf *out)
{
    struct event_data e = {.is_told = false};
    size_t len = strlen(bytes), n;

    for (; len > 0; bytes += n, len -= n) {
        const char *p = bytes;

        n = 1 + random_to(&seed, most);
        n = n < len ? n : len;
        while (event_data_next(&e, &p, bytes + n))
            buf_fmt(out, "<%.*s>", (int)e.data.len,
                    e.data.len > 0 ? buf_head(&e.data) : "");
    }
    if (event_data_last(&e))
        buf_str(out, "and more");
    event_data_fini(&e);
}

static void events_are_read_wherever_they_are_cut(void)
{
    static const char bytes[] =
        "\xef\xbb\xbf"
        "data: a\n\n: comment\n\ndata:b\r\ndata:B\r\n\r\nevent: x\rdata:  "
        "c\rdata:\rid: "
        "1\r\rdata\n\n\n\ndatas: no\n\ndata: d\r\n\ndata: {}\n";
    uint64_t seed;

    for (seed = 0; seed < 500; seed++) {
        struct buf out = {NULL, 0, 0, 0};

        read_all(bytes, seed, 1 + seed % 9, &out);
        lab_holds(&out, "<a><b\nB>< c\n><d>and more", true);
        buf_free(&out);
    }
}

static void an_event_that_is_too_long_is_the_last(void)
{
    struct event_data e = {.is_told = false};
    struct buf text = {NULL, 0, 0, 0};
    const char *p;
    size_t i;

    buf_str(&text, "data: ");
    for (i = 0; i <= CHAT_EVENT_MAX; i++)
        buf_str(&text, "a");
    buf_str(&text, "\n\ndata: b\n\n");
    p = buf_head(&text);
    CU_ASSERT_FALSE(event_data_next(&e, &p, buf_head(&text) + text.len));
    CU_ASSERT_TRUE(e.is_long);
    CU_ASSERT_TRUE(e.data.len <= CHAT_EVENT_MAX);
    event_data_fini(&e);
    buf_take(&text, text.len);
    for (i = 0; i <= CHAT_EVENT_MAX + 1; i++)
        buf_str(&text, "data:\n");
    p = buf_head(&text);
    e = (struct event_data){.is_told = false};
    CU_ASSERT_FALSE(event_data_next(&e, &p, buf_head(&text) + text.len));
    CU_ASSERT_TRUE(e.is_long);
    event_data_fini(&e);
    buf_free(&text);
}

CU_ErrorCode test_event_data_add(void)
{
    static const struct unit_test tests[] = {
        {"events are read wherever they are cut",
         events_are_read_wherever_they_are_cut},
        {"an event that is too long is the last",
         an_event_that_is_too_long_is_the_last},
        {NULL, NULL}};

    return unit_add("event_data", tests);
}
