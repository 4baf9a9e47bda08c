/* How is an upstream that speaks chat asked what came in Messages' words:
 * whether to think, and what its settings allow? */
#include <stdlib.h>
#include <string.h>

#include "spine.h"
#include "stage.h"

#define JSON "Content-Type: application/json\n"
#define ASK(more)                                                              \
    "{\"model\":\"a/b\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","    \
    "\"content\":\"x\"}" more
#define THINK                                                                  \
    ASK("],\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":5000}}")
#define TEMPLATE                                                               \
    ",\"chat_template_kwargs\":{\"thinking\":true,\"enable_thinking\":true}"
#define EFFORT ",\"reasoning_effort\":\"medium\""
#define ANSWER                                                                 \
    "{\"choices\":[{\"message\":{\"content\":\"hi\"},"                         \
    "\"finish_reason\":\"stop\"}]}"

/* BODY has been asked of an upstream with SETTINGS, and is out. */
static struct stage *sent(const char *settings, const char *body)
{
    struct stage *st = stage_new(settings);

    stage_ask(st, "POST", "/v1/messages", body);
    stage_grant(st);
    wire_send(st->s.up);
    return st;
}

static void ends_with(struct stage *st, const char *end)
{
    const struct buf *body = &fake_ask(st->s.up)->body;
    size_t n = strlen(end), len = strlen(buf_head(body));

    CU_ASSERT_TRUE_FATAL(len >= n);
    CU_ASSERT_STRING_EQUAL(buf_head(body) + len - n, end);
}

static void refuse(struct stage *st, const char *words)
{
    char body[256];

    (void)snprintf(body, sizeof(body), "{\"error\":{\"message\":\"%s\"}}",
                   words);
    wire_head(st->s.up, 400, JSON);
    (void)wire_body(st->s.up, body);
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
}

static void again(struct stage *st)
{
    CU_ASSERT_FALSE_FATAL(stage_is_over(st));
    stage_grant(st);
    wire_send(st->s.up);
}

static void its_setting_says_how(void)
{
    static const struct {
        const char *word, *end;
    } rows[] = {
        {"auto", ":9" TEMPLATE EFFORT "}"},
        {"template", ":9" TEMPLATE "}"},
        {"effort", ":9" EFFORT "}"},
        {"off", "\"max_tokens\":9}"},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        char settings[64];
        struct stage *st;

        (void)snprintf(settings, sizeof(settings),
                       "{'upstreams':[{'thinking':'%s'}]}", rows[i].word);
        st = sent(settings, THINK);
        ends_with(st, rows[i].end);
        stage_free(st);
    }
}

static void nothing_is_said_for_who_said_nothing(void)
{
    struct stage *st = sent(NULL, ASK("]}"));

    ends_with(st, "\"max_tokens\":9}");
    stage_free(st);
    st = stage_new(NULL);
    stage_chat(st, false);
    stage_grant(st);
    wire_send(st->s.up);
    ends_with(st, CHAT);
    stage_free(st);
}

static void what_is_refused_is_left_out_and_remembered(void)
{
    struct stage *st = sent(NULL, THINK);

    refuse(st, "Unrecognized request argument supplied: chat_template_kwargs");
    again(st);
    ends_with(st, ":9" EFFORT "}");
    refuse(st, "Unsupported parameter: 'reasoning_effort'");
    again(st);
    ends_with(st, "\"max_tokens\":9}");
    stage_answer(st, 200, JSON, ANSWER);
    ENDED(st);
    SAID(st, "\"type\":\"message\"");
    NOTED(st, "ok 200 none none x3");
    stage_ask(st, "POST", "/v1/messages", THINK);
    stage_grant(st);
    wire_send(st->s.up);
    ends_with(st, "\"max_tokens\":9}");
    stage_answer(st, 200, JSON, ANSWER);
    stage_pass(st, 3600 * 1000 + 1); /* and an hour later is tried again */
    stage_ask(st, "POST", "/v1/messages", THINK);
    stage_grant(st);
    wire_send(st->s.up);
    ends_with(st, ":9" TEMPLATE EFFORT "}");
    stage_free(st);
}

static void words_without_a_name_mean_all_of_them(void)
{
    struct stage *st = sent(NULL, THINK);

    refuse(st, "Extra inputs are not permitted");
    again(st);
    ends_with(st, "\"max_tokens\":9}");
    stage_answer(st, 200, JSON, ANSWER);
    NOTED(st, "ok 200 none none x2");
    stage_free(st);
}

/* It was said once too often, or never: it is the client's. */
static void a_refusal_that_stays_is_told(void)
{
    struct stage *st = sent(NULL, THINK);

    refuse(st, "chat_template_kwargs, reasoning_effort");
    again(st);
    refuse(st, "chat_template_kwargs, reasoning_effort");
    ENDED(st);
    SAID(st, "Status: 400");
    NOTED(st, "client_error 400 none none x2");
    stage_ask(st, "POST", "/v1/messages", THINK);
    stage_grant(st);
    wire_send(st->s.up);
    ends_with(st, ":9" TEMPLATE EFFORT "}"); /* a quoted prompt teaches none */
    stage_free(st);
}

static void of_a_stream_both_are_said_and_taken_back(void)
{
    struct stage *st = sent(NULL, ASK("],\"stream\":true,\"thinking\":"
                                      "{\"type\":\"disabled\"}}"));
    const char *body = buf_head(&fake_ask(st->s.up)->body);

    CU_ASSERT_PTR_NOT_NULL(strstr(body, "include_usage"));
    CU_ASSERT_PTR_NOT_NULL(strstr(body, "\"enable_thinking\":false}}"));
    refuse(st, "extra fields not permitted: stream_options");
    again(st);
    body = buf_head(&fake_ask(st->s.up)->body);
    CU_ASSERT_PTR_NULL(strstr(body, "include_usage"));
    CU_ASSERT_PTR_NOT_NULL(strstr(body, "\"enable_thinking\":false}}"));
    refuse(st, "extra fields not permitted");
    again(st);
    ends_with(st, "\"max_tokens\":9,\"stream\":true}");
    stage_free(st);
}

static void its_settings_say_what_it_can_take(void)
{
    static const char said[] =
        ASK(",{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
            "\"thinking\":\"hm\"},{\"type\":\"text\",\"text\":\"so\"}]}]}");
    struct stage *st =
        sent("{'upstreams':[{'reasoning_field':'reasoning','prefill':true,"
             "'max_tokens':4}]}",
             said);

    ends_with(st, "{\"role\":\"assistant\",\"content\":\"so\",\"reasoning\":"
                  "\"hm\"}],\"add_generation_prompt\":false,"
                  "\"continue_final_message\":true,\"max_tokens\":4}");
    stage_free(st);
    st = stage_new(NULL);
    stage_ask(st, "POST", "/v1/messages", said);
    ENDED(st);
    SAID(st, "does not support assistant message prefill");
    stage_free(st);
}

/* ---- tokens ------------------------------------------------------------------ */

static int64_t told(const struct stage *st)
{
    const char *p = strstr(buf_head(&st->said), "\"input_tokens\":");

    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    return strtol(p + sizeof("\"input_tokens\":") - 1, NULL, 10);
}

static int64_t counted(uint32_t ratio_m)
{
    struct stage *st = stage_new(NULL);
    int64_t n;

    st->s.lim->token_ratio_m = ratio_m;
    stage_ask(st, "POST", "/v1/messages/count_tokens", ASK("]}"));
    ENDED(st);
    n = told(st);
    stage_free(st);
    return n;
}

/* What is told at a stream's beginning, of a request whose guess went with it. */
static int64_t begun(uint32_t ratio_m)
{
    struct stage *st = stage_new(NULL);
    int64_t n;

    st->s.lim->token_ratio_m = ratio_m;
    stage_ask(st, "POST", "/v1/messages", ASK("],\"stream\":true}"));
    CU_ASSERT_EQUAL(fake_asked(st->s.lim)->prompt_guess, 4);
    stage_grant(st);
    wire_head(st->s.up, 200, "Content-Type: text/event-stream\n");
    (void)wire_body(
        st->s.up, "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n");
    stage_settle(st);
    n = told(st);
    stage_free(st);
    return n;
}

static void what_was_learned_counts(void)
{
    CU_ASSERT_EQUAL(counted(0), 5);
    CU_ASSERT_EQUAL(begun(0), 5);
    CU_ASSERT_EQUAL(counted(3000), 15);
    CU_ASSERT_EQUAL(begun(3000), 15);
}

static void a_busy_state_is_asked_again(void)
{
    struct stage *st = stage_new(NULL);

    st->s.lim->lost = true;
    stage_ask(st, "POST", "/v1/messages/count_tokens", ASK("]}"));
    CU_ASSERT_FALSE(stage_is_over(st));
    st->s.lim->lost = false;
    stage_pass(st, 100);
    ENDED(st);
    CU_ASSERT_EQUAL(told(st), 5);
    stage_free(st);
}

static const struct spine_test tests[] = {
    {"asking: its setting says how it is told to think", its_setting_says_how},
    {"asking: nothing is said for who said nothing",
     nothing_is_said_for_who_said_nothing},
    {"asking: what is refused is left out, and remembered for an hour",
     what_is_refused_is_left_out_and_remembered},
    {"asking: words without a name mean all of them",
     words_without_a_name_mean_all_of_them},
    {"asking: a refusal that stays is told", a_refusal_that_stays_is_told},
    {"asking: of a stream both are said, and taken back",
     of_a_stream_both_are_said_and_taken_back},
    {"asking: its settings say what it can take",
     its_settings_say_what_it_can_take},
    {"asking: what was learned of its tokens counts", what_was_learned_counts},
    {"asking: a busy state is asked again", a_busy_state_is_asked_again},
    {NULL, NULL},
};

CU_ErrorCode asking_add(void)
{
    return spine_add("asking", tests);
}
