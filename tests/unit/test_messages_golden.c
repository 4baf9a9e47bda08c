/*
 * Transcripts in golden/, each beside what must become of it; README.md there
 * says how they are written.  Read from the root.
 */
#include <dirent.h>
#include <stdio.h>

#include "fcgi/messages/event_data.h"
#include "fcgi/messages/messages_stream.h"
#include "fcgi/upstream/upstream_error.h"
#include "lib/base.h"
#include "messages_lab.h"

#define GOLDEN "tests/unit/golden/"

static const struct messages_told told = {.model = "claude-sonnet-4-5",
                                          .id = "golden",
                                          .has_stops = true,
                                          .shown = SHOWN_ALL,
                                          .tokens_in = 100};

/* ---- what becomes of one ---------------------------------------------------- */

static void ask(const struct buf *in, struct buf *out)
{
    static const struct messages_ask how = {.reasoning_key =
                                                "reasoning_content"};
    struct messages_got got;
    struct messages_fault fault;

    if (messages_request(buf_head(in), in->len, &how, out, &got, &fault) != 0)
        buf_str(out, fault.words);
    else
        lab_think(out, got.thinks, got.effort, THINKING_TEMPLATE);
}

static void answer(const struct buf *in, struct buf *out)
{
    if (messages_answer(buf_head(in), in->len, &told, out) != 0)
        buf_str(out, "no answer");
}

/* As in fcgi/translate.c. */
static void fail(struct messages_stream *s, enum chat_event was,
                 const struct buf *data, struct buf *out)
{
    struct upstream_error_words w;

    if (was == CHAT_ERROR) {
        upstream_error_read(&w, 502, NULL, buf_head(data), data->len, false);
        chat_stream_fail(&s->chat, w.status != 0 ? w.status : 502, w.message,
                         out);
    } else if (was == CHAT_BROKEN) {
        chat_stream_fail(&s->chat, 502,
                         "The upstream's answer cannot be understood, or "
                         "holds too much.",
                         out);
    }
}

static void stream(const struct buf *in, struct buf *out)
{
    const char *p = buf_head(in), *end = p + in->len;
    struct event_data e = {.bom = 0};
    struct messages_stream s;
    enum chat_event was = CHAT_PART;

    messages_stream_init(&s, &told);
    while (was == CHAT_PART &&
           (event_data_next(&e, &p, end) || event_data_last(&e))) {
        was = chat_stream_event(&s.chat, buf_head(&e.data), e.data.len, out);
        fail(&s, was, &e.data, out);
    }
    (void)chat_stream_end(&s.chat, out);
    chat_stream_fini(&s.chat);
    event_data_fini(&e);
}

static const struct kind {
    const char *in, *out;
    void (*become)(const struct buf *in, struct buf *out);
    bool is_json; /* what comes out */
} kinds[] = {
    {".asked.json", ".chat.json", ask, true},
    {".answer.json", ".message.json", answer, true},
    {".stream.txt", ".events.txt", stream, false},
};

/* ---- files ------------------------------------------------------------------ */

/* All of a file, with a zero behind it; false: there is none. */
static bool read_file(const char *path, struct buf *b)
{
    FILE *f = fopen(path, "rb");
    char part[4096];
    size_t n;

    if (f == NULL)
        return false;
    while ((n = fread(part, 1, sizeof(part), f)) > 0)
        buf_add(b, part, n);
    (void)fclose(f);
    buf_add(b, "", 1);
    b->len--;
    return true;
}

/* Without the line ends and the blanks behind them that are layout. */
static struct buf plain(const struct buf *b, bool is_json)
{
    struct buf out = {NULL, 0, 0, 0};
    size_t i;

    for (i = 0; i < b->len; i++) {
        if (is_json && b->data[i] == '\n')
            while (i + 1 < b->len && b->data[i + 1] == ' ')
                i++;
        else
            buf_add(&out, b->data + i, 1);
    }
    return out;
}

static void compare(const char *path, const struct buf *have,
                    const struct buf *want)
{
    size_t i = 0;

    while (i < have->len && i < want->len && have->data[i] == want->data[i])
        i++;
    if (i < have->len || i < want->len)
        printf("\n    %s differs at %zu\n    have ...%.*s\n    want ...%.*s\n",
               path, i, (int)min_i64(200, (int64_t)(have->len - i)),
               have->data + i, (int)min_i64(200, (int64_t)(want->len - i)),
               want->data + i);
    CU_ASSERT_TRUE(i == have->len && i == want->len);
}

/* Puts the path of NAME, less its suffix OLD, with NEW; false: it has another
 * suffix. */
static bool partner(const char *name, const char *old, const char *new,
                    char path[512])
{
    size_t len = strlen(name), cut = strlen(old);

    if (len <= cut || strcmp(name + len - cut, old) != 0)
        return false;
    (void)snprintf(path, 512, GOLDEN "%.*s%s", (int)(len - cut), name, new);
    return true;
}

/* ---- pairs ------------------------------------------------------------------ */

static bool check_pair(const struct kind *k, const char *in, const char *out)
{
    struct buf text = {NULL, 0, 0, 0}, wanted = text, have = text, want;

    if (read_file(in, &text) && read_file(out, &wanted)) {
        k->become(&text, &have);
        want = plain(&wanted, k->is_json);
        compare(out, &have, &want);
        buf_free(&want);
    }
    buf_free(&text);
    buf_free(&wanted);
    buf_free(&have);
    return true;
}

/* Is NAME half of a pair whose other half is there?  Compares what begins
 * one. */
static bool is_paired(const char *name, size_t n[])
{
    struct buf other = {NULL, 0, 0, 0};
    char in[512], out[512];
    bool has = false;
    size_t i;

    for (i = 0; i < ARRAY_LEN(kinds); i++) {
        if (partner(name, kinds[i].in, kinds[i].in, in) &&
            partner(name, kinds[i].in, kinds[i].out, out)) {
            has = read_file(out, &other) && check_pair(&kinds[i], in, out);
            n[i] += has;
        } else if (partner(name, kinds[i].out, kinds[i].in, in)) {
            has = read_file(in, &other);
        }
    }
    buf_free(&other);
    return has;
}

static void transcripts_become_what_stands_beside_them(void)
{
    size_t n[ARRAY_LEN(kinds)] = {0}, i;
    DIR *d = opendir(GOLDEN);
    struct dirent *e;

    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    while ((e = readdir(d)) != NULL) {
        bool counts =
            e->d_name[0] != '.' && strcmp(e->d_name, "README.md") != 0;
        bool fine = !counts || is_paired(e->d_name, n);

        if (!fine)
            printf("\n    " GOLDEN "%s has no partner\n", e->d_name);
        CU_ASSERT_TRUE(fine);
    }
    (void)closedir(d);
    for (i = 0; i < ARRAY_LEN(kinds); i++)
        CU_ASSERT_TRUE(n[i] > 0);
}

CU_ErrorCode test_messages_golden_add(void)
{
    static const struct unit_test tests[] = {
        {"transcripts become what stands beside them",
         transcripts_become_what_stands_beside_them},
        {NULL, NULL}};

    return unit_add("messages_golden", tests);
}
