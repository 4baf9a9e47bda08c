/*
 * fuzz_verdict.c - what does an upstream's answer mean?
 *
 * Input: its head and a blank line, a byte (cut, stream), its body.  Whatever
 * came, the words are of one line, and no time is without bounds.
 */
#include <strings.h>

#include "fcgi/upstream/delay.h"
#include "fcgi/upstream/verdict.h"
#include "stage.h"

static void check_text(const char *text)
{
    CHECK(!fuzz_has_control(text) && strchr(text, '\t') == NULL);
    CHECK(buf_is_utf8(text, strlen(text)));
}

static void check(const struct verdict *v, const struct verdict_input *in)
{
    CHECK(v->kind < VERDICT_KINDS);
    CHECK(v->retry_ms >= -1 && v->retry_ms <= DELAY_MS_MAX);
    CHECK((verdict_rows[v->kind].cause != EJECTED_NOT) ==
          (v->cause != EJECTED_NOT));
    if (v->cause == EJECTED_UNAVAILABLE || v->cause == EJECTED_RATE)
        CHECK(v->off_ms > 0);
    if (in->status < 300 && !in->is_stream && !in->is_json)
        CHECK(v->kind <= VERDICT_REDIRECT);
    if (v->kind <= VERDICT_REDIRECT)
        return;
    CHECK(v->status >= 300 && v->status <= 599);
    CHECK(v->words.message[0] != '\0');
    check_text(v->words.message);
    check_text(v->words.type);
    check_text(v->words.code);
    if (verdict_can_pass(v))
        CHECK(in->len > 0 && (in->is_stream || !in->is_cut));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input rest = {data, size};
    struct verdict_input in;
    struct verdict v;
    struct stage st;
    unsigned how;
    char *body;

    stage_open(&st, false, false);
    (void)stage_read_head(&st, &rest);
    how = take_byte(&rest);
    body = fuzz_copy(rest.at, rest.left);
    in = verdict_input(&st.head);
    in.body = body;
    in.len = rest.left;
    in.is_cut = (how & 1) != 0;
    in.is_stream = (how & 2) != 0 && in.status == 200;
    in.is_json = (how & 4) != 0 && in.status == 200 && !in.is_stream;
    in.now_s = 1700000000;
    memset(&v, 0x5a, sizeof(v)); /* all that is read must have been set */
    verdict_of(&v, &in);
    check(&v, &in);
    verdict_bound(&v, (int64_t)(how >> 3) * 10000, (int64_t)(how >> 5) * 70000);
    check(&v, &in);
    free(body);
    stage_close(&st);
    return 0;
}
