/* Mirrors fcgi/responses/responses_answer.c, response_items.c and
 * response_form.c, for whole answers; and chat_answer.c of messages/. */
#include "responses_lab.h"

static struct responses_got got;

static int answer(const char *body, struct buf *out)
{
    const struct responses_told told = {
        .id = "1", .now_s = 5, .got = &got, .tokens_in = 7};
    struct buf text = lab_json(body);
    int rc;

    lab_ask(&got);
    rc = responses_answer(buf_head(&text), text.len, &told, out);
    responses_got_fini(&got);
    buf_free(&text);
    return rc;
}

/* A row: the message in a chat completion, and what the response has in it. */
struct row {
    const char *message, *want;
};

static void become(const struct row *rows)
{
    for (; rows->message != NULL; rows++) {
        struct buf body = {NULL, 0, 0, 0}, out = body;

        buf_fmt(&body, "{'choices':[{'message':%s,'finish_reason':'stop'}]}%c",
                rows->message, '\0');
        CU_ASSERT_EQUAL(answer(buf_head(&body), &out), 0);
        lab_holds(&out, rows->want, false);
        buf_free(&body);
        buf_free(&out);
    }
}

#define MESSAGE(n, part)                                                       \
    "{'id':'msg_1_" n "','status':'completed','type':'message','role':"        \
    "'assistant','content':[" part "]}"
#define TEXT(t)                                                                \
    "{'type':'output_text','text':'" t "','annotations':[],'logprobs':[]}"
#define THOUGHT(n, t)                                                          \
    "{'id':'rs_1_" n "','status':'completed','type':'reasoning','summary':[{"  \
    "'type':'summary_text','text':'" t "'}]}"
#define OUTPUT(o) "'output':[" o "],"

static void a_chat_completion_is_a_response(void)
{
    struct buf out = {NULL, 0, 0, 0};

    CU_ASSERT_EQUAL(
        answer("{'id':'chatcmpl-1','model':'other','choices':[{'index':0,"
               "'message':{'role':'assistant','content':'a\\n'},"
               "'finish_reason':'stop'},{'message':{'content':'b'}}],'usage':{"
               "'prompt_tokens':10,'completion_tokens':3,"
               "'prompt_tokens_details':{'cached_tokens':4},"
               "'completion_tokens_details':{'reasoning_tokens':2}}}",
               &out),
        0);
    lab_holds(&out,
              "{'id':'resp_1','object':'response','created_at':5,'status':"
              "'completed','error':null,'incomplete_details':null,"
              "'background':false,'model':'m','output':[" MESSAGE(
                  "0", TEXT("a\\n")) "],'usage':{'input_tokens':10,"
                                     "'input_tokens_details':{"
                                     "'cache_write_tokens':0,'cached_tokens':4"
                                     "},'output_tokens':3,"
                                     "'output_tokens_details':{"
                                     "'reasoning_tokens':2},'total_tokens':13}"
                                     "}",
              true);
    buf_free(&out);
}

static void what_is_said_becomes_items(void)
{
    static const struct row rows[] = {
        {"{'content':''}", OUTPUT("")},
        {"{'content':'a'}", OUTPUT(MESSAGE("0", TEXT("a")))},
        {"{'reasoning_content':'t','content':'\\n\\na'}",
         OUTPUT(THOUGHT("0", "t") "," MESSAGE("1", TEXT("a")))},
        {"{'reasoning':'t','content':null}", OUTPUT(THOUGHT("0", "t"))},
        {"{'content':'<think>t</think>\\na'}",
         OUTPUT(THOUGHT("0", "t") "," MESSAGE("1", TEXT("a")))},
        {"{'content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]}",
         OUTPUT(MESSAGE("0", TEXT("ab")))},
        {"{'content':null,'refusal':'no'}",
         OUTPUT(MESSAGE("0", "{'type':'refusal','refusal':'no'}"))},
        {NULL, NULL}};

    become(rows);
}

#define CALLS(c) "{'content':null,'tool_calls':[" c "]}"
#define OF(id, name, arguments)                                                \
    "{" id "'function':{'name':'" name "','arguments':" arguments "}}"

static void calls_become_items(void)
{
    static const struct row rows[] = {
        {CALLS(OF("'id':'c',", "f", "'{}'") "," OF("'id':'d',", "f", "null")),
         OUTPUT("{'id':'fc_1_0','status':'completed','type':'function_call',"
                "'arguments':'{}','call_id':'c','name':'f'},{'id':'fc_1_1',"
                "'status':'completed','type':'function_call','arguments':'{}',"
                "'call_id':'d','name':'f'}")},
        {CALLS(OF("", "f", "{'a':1}")),
         "'arguments':'{\\'a\\':1}','call_id':'call_1_0','name':'f'}"},
        {CALLS(OF("'id':'c',", "p", "'{\\'input\\':\\'a\\\\nb\\'}'")),
         OUTPUT(
             "{'id':'ctc_1_0','status':'completed','type':"
             "'custom_tool_call','input':'a\\nb','call_id':'c','name':'p'}")},
        {CALLS(OF("'id':'c',", "p", "'{\\'other\\':1}'")),
         "'input':'{\\'other\\':1}','call_id':'c'"},
        {CALLS(OF("'id':'c',", "p", "'*** Begin'")),
         "'input':'*** Begin','call_id':'c'"},
        {CALLS(OF("'id':'c',", "p", "null")), "'input':'','call_id':'c'"},
        {CALLS(OF("'id':'c',", "n__g", "'{}'")),
         "'arguments':'{}','call_id':'c','name':'g','namespace':'n'}"},
        {CALLS(OF("'id':'c',", "n__p", "'{\\'input\\':\\'\\'}'")),
         "'input':'','call_id':'c','name':'p','namespace':'n'}"},
        {CALLS("{'id':'c','function':{'arguments':'{}'}}"), OUTPUT("")},
        {NULL, NULL}};

    become(rows);
}

/* A row: how an answer ended, and what the response says of it. */
static void an_end_has_its_reason(void)
{
    static const char *const rows[][2] = {
        {"'finish_reason':'length'",
         "'status':'incomplete','error':null,'incomplete_details':{'reason':"
         "'max_output_tokens'}"},
        {"'finish_reason':'content_filter'",
         "'incomplete_details':{'reason':'content_filter'}"},
        {"'finish_reason':'tool_calls'", "'status':'completed'"},
        {"'a':1", "'status':'completed'"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf body = {NULL, 0, 0, 0}, out = body;

        buf_fmt(&body, "{'choices':[{'message':{'content':'a'},%s}]}%c",
                rows[i][0], '\0');
        CU_ASSERT_EQUAL(answer(buf_head(&body), &out), 0);
        lab_holds(&out, rows[i][1], false);
        if (i < 2)
            lab_holds(&out, "{'id':'msg_1_0','status':'incomplete'", false);
        buf_free(&body);
        buf_free(&out);
    }
}

static void what_is_not_told_is_estimated(void)
{
    struct buf out = {NULL, 0, 0, 0};

    CU_ASSERT_EQUAL(
        answer("{'choices':[{'message':{'content':'four words of it'}}]}",
               &out),
        0);
    lab_holds(&out, "'usage':{'input_tokens':7,", false);
    lab_holds(&out, "'output_tokens':4,", false);
    lab_holds(&out, "'total_tokens':11}", false);
    buf_free(&out);
}

static void what_is_none_is_not_told(void)
{
    static const char *const rows[] = {"",
                                       "[]",
                                       "{}",
                                       "{'choices':[]}",
                                       "{'choices':[{'message':'x'}]}",
                                       "{'error':{'message':'m'}}"};
    struct buf out = {NULL, 0, 0, 0};
    size_t i;

    buf_str(&out, "as it was");
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(answer(rows[i], &out), -1);
        lab_holds(&out, "as it was", true);
    }
    buf_free(&out);
}

CU_ErrorCode test_responses_answer_add(void)
{
    static const struct unit_test tests[] = {
        {"a chat completion is a response", a_chat_completion_is_a_response},
        {"what is said becomes items", what_is_said_becomes_items},
        {"calls become items", calls_become_items},
        {"an end has its reason", an_end_has_its_reason},
        {"what is not told is estimated", what_is_not_told_is_estimated},
        {"what is none is not told", what_is_none_is_not_told},
        {NULL, NULL}};

    return unit_add("responses_answer", tests);
}
