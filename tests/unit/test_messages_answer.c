/* Mirrors fcgi/messages/messages_answer.c, answer_blocks.c, answer_end.c,
 * think_tags.c and call_input.c, for whole answers. */
#include "fcgi/config/bounds.h"
#include "fcgi/messages/messages.h"
#include "messages_lab.h"

static const struct messages_told usual = {.model = "claude",
                                           .id = "1",
                                           .has_stops = true,
                                           .shown = SHOWN_ALL,
                                           .tokens_in = 7};

/* A row: the message in a chat completion, and how the other one has it. */
struct row {
    const char *message, *want;
};

static int answer(const char *body, const struct messages_told *told,
                  struct buf *out)
{
    struct buf text = lab_json(body);
    int rc = messages_answer(buf_head(&text), text.len, told, out);

    buf_free(&text);
    return rc;
}

static void become(const struct row *rows, const struct messages_told *told)
{
    for (; rows->message != NULL; rows++) {
        struct buf body = {NULL, 0, 0, 0}, out = body;

        buf_fmt(&body, "{'choices':[{'message':%s,'finish_reason':'stop'}]}%c",
                rows->message, '\0');
        CU_ASSERT_EQUAL(answer(buf_head(&body), told, &out), 0);
        lab_holds(&out, rows->want, false);
        buf_free(&body);
        buf_free(&out);
    }
}

/* Nor are the others answered as if they were all. */
static void one_call_more_than_may_be_is_no_answer(void)
{
    size_t n, i;

    for (n = CHAT_CALLS_MAX; n <= CHAT_CALLS_MAX + 1; n++) {
        struct buf body = {NULL, 0, 0, 0}, out = body;

        buf_str(&body, "{'choices':[{'message':{'tool_calls':[");
        for (i = 0; i < n; i++)
            buf_fmt(&body, "%s{'id':'c','function':{'name':'f'}}",
                    i > 0 ? "," : "");
        buf_fmt(&body, "]}}]}%c", '\0');
        CU_ASSERT_EQUAL(answer(buf_head(&body), &usual, &out),
                        n > CHAT_CALLS_MAX ? -1 : 0);
        CU_ASSERT_EQUAL(out.len > 0, n <= CHAT_CALLS_MAX);
        buf_free(&body);
        buf_free(&out);
    }
}

static void a_chat_completion_is_a_message(void)
{
    struct buf out = {NULL, 0, 0, 0};

    CU_ASSERT_EQUAL(
        answer("{'id':'chatcmpl-1','model':'other','choices':[{'index':0,"
               "'message':{'role':'assistant','content':'a\\n'},"
               "'finish_reason':'stop'},{'message':{'content':'b'}}],'usage':{"
               "'prompt_tokens':10,'completion_tokens':3,"
               "'prompt_tokens_details':{'cached_tokens':4}}}",
               &usual, &out),
        0);
    lab_holds(&out,
              "{'id':'msg_1','type':'message','role':'assistant','model':"
              "'claude','content':[{'type':'text','text':'a\\n'}],"
              "'stop_reason':'end_turn','stop_sequence':null,'usage':{"
              "'input_tokens':6,'cache_creation_input_tokens':0,"
              "'cache_read_input_tokens':4,'output_tokens':3}}",
              true);
    buf_free(&out);
}

#define SIGNED "'signature':'bm90LXNpZ25lZC1ieS1hbnRocm9waWM='}"

static void thinking_is_a_block_of_its_own(void)
{
    static const struct row rows[] = {
        {"{'reasoning_content':'\\nt','content':'\\n\\na'}",
         "[{'type':'thinking','thinking':'t'," SIGNED
         ",{'type':'text','text':'a'}]"},
        {"{'reasoning':'t','content':null}",
         "[{'type':'thinking','thinking':'t'," SIGNED "]"},
        {"{'reasoning_content':'t','reasoning':'t','content':'<think>'}",
         "[{'type':'thinking','thinking':'t'," SIGNED
         ",{'type':'text','text':'<think>'}]"},
        {"{'content':' \\n<think>t</ think></think>\\n a</think>'}",
         "[{'type':'thinking','thinking':'t</ think>'," SIGNED
         ",{'type':'text','text':'a</think>'}]"},
        {"{'content':'<think>\\n</think>\\n\\na'}",
         "[{'type':'text','text':'a'}]"},
        {"{'content':'<think></think>\\n\\na'}",
         "[{'type':'text','text':'a'}]"},
        {"{'content':'<think>cut</thi'}",
         "[{'type':'thinking','thinking':'cut</thi'," SIGNED "]"},
        {"{'content':'\\n<thin'}", "[{'type':'text','text':'\\n<thin'}]"},
        {"{'content':'a<think>b</think>'}",
         "[{'type':'text','text':'a<think>b</think>'}]"},
        {NULL, NULL}};
    static const struct row hidden[] = {
        {"{'reasoning_content':'t','content':'a'}",
         "'content':[{'type':'text','text':'a'}]"},
        {"{'content':'<think>t</think>\\na'}",
         "'content':[{'type':'text','text':'a'}]"},
        {"{'reasoning_content':'t'}", "'content':[]"},
        {NULL, NULL}};
    struct messages_told told = usual;

    become(rows, &told);
    told.shown = SHOWN_NOT;
    become(hidden, &told);
    told.shown = SHOWN_UNSAID;
    become(hidden, &told);
    told.shown = SHOWN_SIGN;
    become((const struct row[]){{"{'reasoning_content':'t','content':'a'}",
                                 "[{'type':'thinking','thinking':''," SIGNED
                                 ",{'type':'text','text':'a'}]"},
                                {NULL, NULL}},
           &told);
}

#define CALL(arguments)                                                        \
    "{'content':null,'tool_calls':[{'id':'c','type':'function','function':{"   \
    "'name':'f','arguments':" arguments "}}]}"
#define USE(input)                                                             \
    "'content':[{'type':'tool_use','id':'c','name':'f','input':" input         \
    "}],'stop_reason':'tool_use'"

static void calls_have_an_object_for_input(void)
{
    static const struct row rows[] = {
        {CALL("'{\\'a\\':[1,{}],\\'b\\':\\'\\\\n\\'}'"),
         USE("{'a':[1,{}],'b':'\\n'}")},
        {CALL("''"), USE("{}")},
        {CALL("' null '"), USE("{}")},
        {CALL("null"), USE("{}")},
        {CALL("{'a':1}"), USE("{'a':1}")},
        {CALL("' {\\'a\\':\\'\\n}\\'}{\\'a\\':2}'"), USE("{'a':'\\n}'}")},
        {CALL("'{\\'a\\':'"), USE("{'INVALID_JSON':'{\\'a\\':'}")},
        {CALL("'[1]'"), USE("{'INVALID_JSON':'[1]'}")},
        {CALL("'nullx'"), USE("{'INVALID_JSON':'nullx'}")},
        {CALL("'{\\'a\\':NaN}'"), USE("{'a':null}")},
        {"{'content':'a','tool_calls':[{'function':{'name':'f'}},{'id':'b'}]}",
         "[{'type':'text','text':'a'},{'type':'tool_use','id':'toolu_1_2',"
         "'name':'f','input':{}}],"},
        {NULL, NULL}};

    become(rows, &usual);
}

static void texts_may_be_lists_and_refusals(void)
{
    static const struct row rows[] = {
        {"{'content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]}",
         "[{'type':'text','text':'ab'}]"},
        {"{'content':null,'refusal':'no'}",
         "[{'type':'text','text':'no'}],'stop_reason':'refusal'"},
        {"{'content':''}", "'content':[],'stop_reason':'end_turn'"},
        {"{'content':'\\u0000\\u2028\\ud83d'}",
         "'text':'\\u0000\\u2028\xef\xbf\xbd'"},
        {NULL, NULL}};

    become(rows, &usual);
}

static void it_says_why_it_ended(void)
{
    static const struct {
        const char *reason, *want;
    } rows[] = {
        {"'finish_reason':'length'", "'stop_reason':'max_tokens'"},
        {"'finish_reason':'content_filter'", "'stop_reason':'refusal'"},
        {"'finish_reason':null", "'stop_reason':'end_turn'"},
        {"'finish_reason':'stop','stop_reason':'X'",
         "'stop_reason':'stop_sequence','stop_sequence':'X'"},
        {"'finish_reason':'stop','matched_stop':'X'",
         "'stop_reason':'stop_sequence','stop_sequence':'X'"},
        {"'finish_reason':'stop','matched_stop':5",
         "'stop_reason':'end_turn','stop_sequence':null"},
        {"'finish_reason':'length','stop_reason':'X'", "'stop_sequence':null"},
    };
    struct messages_told told = usual;
    size_t i;

    for (i = 0; i <= sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf body = {NULL, 0, 0, 0}, out = body;
        bool last = i == sizeof(rows) / sizeof(rows[0]);

        told.has_stops = !last; /* nobody asked for one */
        buf_fmt(&body, "{'choices':[{'message':{'content':'a'},%s}]}%c",
                rows[last ? 3 : i].reason, '\0');
        CU_ASSERT_EQUAL(answer(buf_head(&body), &told, &out), 0);
        lab_holds(&out, last ? "'stop_reason':'end_turn'" : rows[i].want,
                  false);
        buf_free(&body);
        buf_free(&out);
    }
}

static void tokens_that_nobody_tells_are_estimated(void)
{
    static const struct row rows[] = {
        {"{'content':'sixteen letters.'}",
         "'input_tokens':7,'cache_creation_input_tokens':0,"
         "'cache_read_input_tokens':0,'output_tokens':4}"},
        {NULL, NULL}};
    struct buf out = {NULL, 0, 0, 0};

    become(rows, &usual);
    CU_ASSERT_EQUAL(answer("{'choices':[{'message':{'content':'a'}}],'usage':{"
                           "'prompt_tokens':-1,'completion_tokens':1e30}}",
                           &usual, &out),
                    0);
    lab_holds(&out, "'input_tokens':7,", false);
    CU_ASSERT_EQUAL(answer("{'choices':[{'message':{'content':'a'}}],'usage':{"
                           "'prompt_tokens':2,'completion_tokens':1,"
                           "'prompt_tokens_details':{'cached_tokens':3}}}",
                           &usual, &out),
                    0);
    lab_holds(&out,
              "'input_tokens':0,'cache_creation_input_tokens':0,"
              "'cache_read_input_tokens':2,",
              false);
    buf_free(&out);
}

static void what_is_no_completion_is_none(void)
{
    static const char *const rows[] = {
        "",
        "[]",
        "{}",
        "{'choices':[]}",
        "{'choices':[{'text':'a'}]}",
        "{'choices':[{'message':'a'}]}",
        "{'error':{'message':'a'}}",
        "{'choices':[{'message':{'content':'a'}}]} x",
    };
    struct buf out = {NULL, 0, 0, 0};
    size_t i;

    buf_str(&out, "as it was");
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CU_ASSERT_EQUAL(answer(rows[i], &usual, &out), -1);
    lab_holds(&out, "as it was", true);
    buf_free(&out);
}

CU_ErrorCode test_messages_answer_add(void)
{
    static const struct unit_test tests[] = {
        {"one call more than may be is no answer",
         one_call_more_than_may_be_is_no_answer},
        {"a chat completion is a message", a_chat_completion_is_a_message},
        {"thinking is a block of its own", thinking_is_a_block_of_its_own},
        {"calls have an object for input", calls_have_an_object_for_input},
        {"texts may be lists and refusals", texts_may_be_lists_and_refusals},
        {"it says why it ended", it_says_why_it_ended},
        {"tokens that nobody tells are estimated",
         tokens_that_nobody_tells_are_estimated},
        {"what is no completion is none", what_is_no_completion_is_none},
        {NULL, NULL}};

    return unit_add("messages_answer", tests);
}
