/* Mirrors fcgi/responses/responses_stream.c, responses_error.c and what of
 * response_items.c is events. */
#include "fcgi/responses/responses_stream.h"
#include "responses_lab.h"
#include "tests/fuzz/fold_response.h"

static struct responses_got got;

/* What events, one a string and NULL at the end, become; true: to the end. */
static bool hear(const char *const *events, struct buf *out)
{
    const struct responses_told told = {
        .id = "1", .now_s = 5, .got = &got, .tokens_in = 7};
    enum chat_event was = CHAT_PART;
    struct responses_stream s;
    bool is_whole;

    lab_ask(&got);
    responses_stream_init(&s, &told);
    for (; *events != NULL && was == CHAT_PART; events++) {
        struct buf text = lab_json(*events);

        was = chat_stream_event(&s.chat, buf_head(&text), text.len, out);
        buf_free(&text);
    }
    if (was == CHAT_ERROR || was == CHAT_BROKEN)
        chat_stream_fail(&s.chat, 429, "some words", out);
    is_whole = chat_stream_end(&s.chat, out);
    chat_stream_head(&s.chat, out);
    responses_stream_fini(&s);
    responses_got_fini(&got);
    return is_whole;
}

#define RESPONSE(status, output, usage)                                        \
    "'response':{'id':'resp_1','object':'response','created_at':5,'status':"   \
    "'" status "','error':null,'incomplete_details':null,'background':false,"  \
    "'model':'m','output':[" output "],'usage':" usage "}}\n\n"
#define USAGE                                                                  \
    "{'input_tokens':9,'input_tokens_details':{'cache_write_tokens':0,"        \
    "'cached_tokens':0},'output_tokens':2,'output_tokens_details':{"           \
    "'reasoning_tokens':0},'total_tokens':11}"
#define EVENT(name, n)                                                         \
    "event: response." name "\ndata: {'type':'response." name                  \
    "','sequence_number':" n ","
#define START                                                                  \
    EVENT("created", "0")                                                      \
    RESPONSE("in_progress", "", "null")                                        \
    EVENT("in_progress", "1") RESPONSE("in_progress", "", "null")
#define CHUNK(delta) "{'choices':[{'index':0,'delta':{" delta "}}]}"
#define LAST(reason)                                                           \
    "{'choices':[{'delta':{},'finish_reason':'" reason "'}],'usage':{"         \
    "'prompt_tokens':9,'completion_tokens':2}}"

/* All that EVENTS become. */
static void is_told(const char *const *events, const char *want)
{
    struct buf out = {NULL, 0, 0, 0};

    CU_ASSERT_TRUE(hear(events, &out));
    lab_holds(&out, want, true);
    json_object_put(fold_response(buf_head(&out), out.len));
    buf_free(&out);
}

#define MSG "{'id':'msg_1_0','status':"
#define A   ",'type':'message','role':'assistant','content':["
#define AT  "'output_index':0,'item_id':'msg_1_0','content_index':0,"
#define PART(t)                                                                \
    "{'type':'output_text','text':'" t "','annotations':[],'logprobs':[]}"

static void words_come_one_by_one(void)
{
    static const char *const events[] = {
        CHUNK("'role':'assistant','content':''"),
        CHUNK("'content':'a'"),
        CHUNK("'content':'\\nb'"),
        LAST("stop"),
        "[DONE]",
        NULL};

    is_told(
        events,
        START EVENT("output_item.added",
                    "2") "'output_index':0,'item':" MSG "'in_progress'" A
                         "]}}\n\n" EVENT("content_part.added", "3") AT
        "'part':" PART("") "}\n\n" EVENT("output_text.delta", "4") AT
        "'logprobs':[],'delta':'a'}\n\n" EVENT("output_text.delta", "5") AT
        "'logprobs':[],'delta':'\\nb'}\n\n" EVENT("output_text.done", "6") AT
        "'logprobs':[],'text':'a\\nb'}\n\n" EVENT("content_part.done", "7") AT
        "'part':" PART("a\\nb") "}\n\n" EVENT(
            "output_item.done",
            "8") "'output_index':0,'item':" MSG
                 "'completed'" A PART("a\\nb") "]}}\n\n" EVENT("completed", "9")
                     RESPONSE("completed",
                              MSG "'completed'" A PART("a\\nb") "]}", USAGE));
}

/* A row: events, and what the stream has in it, which ends well. */
struct row {
    const char *events[6], *want;
};

static void has(const struct row *rows, bool is_whole)
{
    for (; rows->want != NULL; rows++) {
        struct buf out = {NULL, 0, 0, 0};
        struct json_object *r;

        CU_ASSERT_EQUAL(hear(rows->events, &out), is_whole);
        lab_holds(&out, rows->want, false);
        r = fold_response(buf_head(&out), out.len);
        CU_ASSERT_EQUAL(r != NULL, is_whole);
        json_object_put(r);
        buf_free(&out);
    }
}

#define CALLS(i, id, f)                                                        \
    CHUNK("'tool_calls':[{'index':" i "," id "'function':{" f "}}]")

static void each_item_has_its_events(void)
{
    static const struct row rows[] = {
        {{CHUNK("'reasoning_content':'t'"), CHUNK("'content':'\\n\\na'"),
          LAST("stop"), NULL},
         EVENT("reasoning_summary_text.delta",
               "4") "'output_index':0,'item_id':'rs_1_0','summary_index':0,"
                    "'delta':'t'}\n\n"},
        {{CHUNK("'reasoning_content':'t'"), CHUNK("'content':'\\n\\na'"),
          LAST("stop"), NULL},
         EVENT("reasoning_summary_part.done",
               "6") "'output_index':0,'item_id':'rs_1_0','summary_index':0,"
                    "'part':{'type':'summary_text','text':'t'}}\n\n"},
        {{CHUNK("'refusal':'no'"), LAST("stop"), NULL},
         EVENT("refusal.delta", "4") "'output_index':0,'item_id':'msg_1_0',"
                                     "'content_index':0,'delta':'no'}\n\n"},
        {{CALLS("0", "'id':'c',", "'name':'f','arguments':'{\\'a\\''"),
          CALLS("0", "", "'arguments':':1}'"), LAST("tool_calls"), NULL},
         EVENT("function_call_arguments.delta",
               "4") "'output_index':0,'item_id':'fc_1_0','delta':':1}'}"
                    "\n\n" EVENT("function_call_arguments.done",
                                 "5") "'output_index':0,'item_id':'fc_1_0','"
                                      "call_id':'c','name':"
                                      "'f','arguments':'{\\'a\\':1}'}\n\n"},
        {{CALLS("0", "'id':'c',", "'name':'p','arguments':'{\\'inp'"),
          CALLS("0", "", "'arguments':'ut\\':\\'x\\'}'"), LAST("stop"), NULL},
         EVENT("custom_tool_call_input.delta",
               "3") "'output_index':0,'item_id':'ctc_1_0','delta':'x'}"
                    "\n\n" EVENT("custom_tool_call_input.done",
                                 "4") "'output_index':0,'item_id':'ctc_1_0','"
                                      "input':'x'}\n\n" EVENT(
                                          "output_item.done",
                                          "5") "'output_"
                                               "index':0,'"
                                               "item':{'id':"
                                               "'ctc_1_0','"
                                               "status':"
                                               "'completed',"
                                               "'type':'"
                                               "custom_tool_"
                                               "call','"
                                               "input':'x',"
                                               "'call_id':'"
                                               "c','name':'"
                                               "p'}}\n\n"},
        {{CALLS("0", "'id':'c',", "'name':'f','arguments':'{'"),
          CALLS("1", "'id':'d',", "'name':'n__g','arguments':'{}'"),
          CALLS("0", "", "'arguments':'}'"), LAST("stop"), NULL},
         "'output_index':1,'item':{'id':'fc_1_1','status':'in_progress','type'"
         ":"
         "'function_call','arguments':'','call_id':'d','name':'g','namespace':"
         "'n'}}"},
        {{CALLS("0", "'id':'c',", "'name':'f'"), LAST("stop"), NULL},
         "'arguments':'{}','call_id':'c','name':'f'}"},
        {{CALLS("0", "'id':'c',", "'name':'f','arguments':'{\\'a'"),
          LAST("length"), NULL},
         "{'id':'fc_1_0','status':'incomplete','type':'function_call',"
         "'arguments':'{\\'a',"},
        {{CHUNK("'content':'a'"), LAST("length"), NULL},
         EVENT("incomplete", "8") "'response':{"},
        {{CHUNK("'content':'a'"), LAST("length"), NULL},
         "'item':{'id':'msg_1_0','status':'incomplete'"},
        {{"{'choices':[{'message':{'content':'all'},'finish_reason':'stop'}]}",
          NULL},
         "'delta':'all'"},
        {{"[DONE]", NULL}, EVENT("completed", "2") "'response':{"},
        {{NULL}, NULL}};

    has(rows, true);
}

static void what_is_cut_never_looks_complete(void)
{
    static const struct row rows[] = {
        {{CHUNK("'content':'a'"), NULL},
         EVENT("failed", "5") "'response':{'id':'resp_1','object':'response',"
                              "'created_at':5,'status':'failed','error':{"
                              "'code':'server_error','message':'The upstream"},
        {{CHUNK("'content':'a'"), NULL},
         "event: error\ndata: {'type':'error','sequence_number':6,'code':'502',"
         "'message':'The upstream"},
        {{NULL},
         "event: response.failed\ndata: {'type':'response.failed',"
         "'sequence_number':0"},
        {{CHUNK("'content':'a'"), "{'error':{'message':'m'}}", NULL},
         "'error':{'code':'rate_limit_exceeded','message':'some words'}"},
        {{CHUNK("'content':'a'"), "{", NULL}, "'message':'some words'"},
        {{NULL}, NULL}};

    has(rows, false);
}

/* All of an answer is kept until it is over. */
static void what_is_too_long_fails(void)
{
    const struct responses_told told = {
        .id = "1", .now_s = 5, .got = &got, .tokens_in = 7};
    struct buf event = {NULL, 0, 0, 0}, out = event;
    enum chat_event was = CHAT_PART;
    struct responses_stream s;
    size_t i;

    lab_ask(&got);
    buf_str(&event, "{\"choices\":[{\"delta\":{\"content\":\"");
    for (i = 0; i < 1 << 20; i++)
        buf_add(&event, "x", 1);
    buf_str(&event, "\"}}]}");
    responses_stream_init(&s, &told);
    for (i = 0; i < 20 && was == CHAT_PART; i++) {
        was = chat_stream_event(&s.chat, buf_head(&event), event.len, &out);
        buf_take(&out, out.len);
    }
    CU_ASSERT_EQUAL(was, CHAT_BROKEN);
    CU_ASSERT_EQUAL(i, CHAT_EVENT_MAX / (1 << 20) + 1);
    responses_stream_fini(&s);
    responses_got_fini(&got);
    buf_free(&event);
    buf_free(&out);
}

CU_ErrorCode test_responses_stream_add(void)
{
    static const struct unit_test tests[] = {
        {"words come one by one", words_come_one_by_one},
        {"each item has its events", each_item_has_its_events},
        {"what is cut never looks complete", what_is_cut_never_looks_complete},
        {"what is too long fails", what_is_too_long_fails},
        {NULL, NULL}};

    return unit_add("responses_stream", tests);
}
