/* Mirrors fcgi/messages/messages_stream.c and call_queue.c, and
 * what of answer_blocks.c is events. */
#include "fcgi/messages/messages_stream.h"
#include "lib/base.h"
#include "messages_lab.h"

static const struct messages_told usual = {
    .model = "claude", .id = "1", .shown = SHOWN_ALL, .tokens_in = 7};

/* What events, one a string and NULL at the end, become; true: to the end. */
static bool hear(const char *const *events, struct buf *out)
{
    enum chat_event was = CHAT_PART;
    struct messages_stream s;
    bool is_whole;

    messages_stream_init(&s, &usual);
    for (; *events != NULL && was == CHAT_PART; events++) {
        struct buf text = lab_json(*events);

        was = chat_stream_event(&s.chat, buf_head(&text), text.len, out);
        buf_free(&text);
    }
    if (was == CHAT_ERROR || was == CHAT_BROKEN)
        chat_stream_fail(&s.chat, 429, "some words", out);
    is_whole = chat_stream_end(&s.chat, out);
    messages_stream_ping(out);
    chat_stream_head(&s.chat, out);
    chat_stream_fini(&s.chat);
    return is_whole;
}

#define START                                                                  \
    "event: message_start\ndata: {'type':'message_start','message':{'id':"     \
    "'msg_1','type':'message','role':'assistant','model':'claude','content':[" \
    "],'stop_reason':null,'stop_sequence':null,'usage':{'input_tokens':7,"     \
    "'cache_creation_input_tokens':0,'cache_read_input_tokens':0,"             \
    "'output_tokens':0}}}\n\n"
#define OPEN(i, block)                                                         \
    "event: content_block_start\ndata: {'type':'content_block_start','index'"  \
    ":" i ",'content_block':{" block "}}\n\n"
#define DELTA(i, delta)                                                        \
    "event: content_block_delta\ndata: {'type':'content_block_delta','index'"  \
    ":" i ",'delta':{" delta "}}\n\n"
#define CLOSE(i)                                                               \
    "event: content_block_stop\ndata: {'type':'content_block_stop','index':" i \
    "}\n\n"
#define END(reason, in, cached, out)                                           \
    "event: message_delta\ndata: {'type':'message_delta','delta':{"            \
    "'stop_reason':'" reason "','stop_sequence':null},'usage':{"               \
    "'input_tokens':" in ",'cache_creation_input_tokens':0,"                   \
    "'cache_read_input_tokens':" cached ",'output_tokens':" out "}}\n\n"       \
    "event: message_stop\ndata: {'type':'message_stop'}\n\n"
#define PING "event: ping\ndata: {'type':'ping'}\n\n"
#define FAILED(type, words)                                                    \
    "event: error\ndata: {'type':'error','error':{'type':'" type               \
    "','message':'" words "'}}\n\n"

#define TEXT(i)   OPEN(i, "'type':'text','text':''")
#define SAY(i, t) DELTA(i, "'type':'text_delta','text':'" t "'")
#define USE(i, id)                                                             \
    OPEN(i, "'type':'tool_use','id':'" id "','name':'f','input':{}")
#define INPUT(i, t) DELTA(i, "'type':'input_json_delta','partial_json':'" t "'")

#define CHUNK(delta) "{'choices':[{'index':0,'delta':{" delta "}}]}"
#define STOP         "{'choices':[{'delta':{},'finish_reason':'stop'}]}"
/* The first piece of a call, and another. */
#define BEGIN(i, id)                                                           \
    CHUNK("'tool_calls':[{'index':" i ",'id':'" id                             \
          "','function':{'name':'f','arguments':''}}]")
#define MORE(i, t)                                                             \
    CHUNK("'tool_calls':[{'index':" i ",'function':{'arguments':'" t "'}}]")

static void becomes(const char *const *events, bool is_whole, const char *want)
{
    struct buf out = {NULL, 0, 0, 0};

    CU_ASSERT_EQUAL(hear(events, &out), is_whole);
    lab_holds(&out, want, true);
    buf_free(&out);
}

static void words_are_told_as_they_come(void)
{
    becomes((const char *[]){CHUNK("'role':'assistant','content':''"),
                             CHUNK("'content':'a'"), CHUNK("'content':'\\n'"),
                             STOP,
                             "{'choices':[],'usage':{'prompt_tokens':10,"
                             "'completion_tokens':3,'prompt_tokens_details':{"
                             "'cached_tokens':4}}}",
                             "[DONE]", NULL},
            true,
            START TEXT("0") SAY("0", "a") SAY("0", "\\n") CLOSE("0")
                END("end_turn", "6", "4", "3") PING);
}

#define THINK                                                                  \
    OPEN("0", "'type':'thinking','thinking':'','signature':''")                \
    DELTA("0", "'type':'thinking_delta','thinking':'t'")
#define SIGN                                                                   \
    DELTA("0", "'type':'signature_delta','signature':"                         \
               "'bm90LXNpZ25lZC1ieS1hbnRocm9waWM='")                           \
    CLOSE("0")

static void thinking_comes_first_however_it_is_told(void)
{
    static const char want[] = START THINK SIGN TEXT("1") SAY("1", "a")
        CLOSE("1") END("end_turn", "7", "0", "2") PING;

    becomes((const char *[]){CHUNK("'reasoning_content':'t'"),
                             CHUNK("'content':'\\n'"), CHUNK("'content':'a'"),
                             STOP, NULL},
            true, want);
    becomes((const char *[]){CHUNK("'content':'<thi'"),
                             CHUNK("'content':'nk>\\n'"),
                             CHUNK("'content':'t<'"),
                             CHUNK("'content':'/think>\\n\\na'"), STOP, NULL},
            true,
            START THINK SIGN TEXT("1") SAY("1", "a") CLOSE("1")
                END("end_turn", "7", "0", "2") PING);
}

static void calls_come_one_after_the_other(void)
{
    static const char want[] = START TEXT("0") SAY("0", "w") CLOSE("0")
        USE("1", "a") INPUT("1", "{\\'x\\'") INPUT("1", ":1}") CLOSE("1")
            USE("2", "b") INPUT("2", "{\\'y\\':2}") CLOSE("2") USE("3", "c")
                CLOSE("3") END("tool_use", "7", "0", "12") PING;

    becomes((const char *[]){CHUNK("'content':'w'"), BEGIN("0", "a"),
                             MORE("0", "{\\'x\\'"), MORE("0", ":1}"),
                             BEGIN("1", "b"), MORE("1", "{\\'y\\':2}"),
                             BEGIN("2", "c"), STOP, NULL},
            true, want);
    becomes((const char *[]){CHUNK("'content':'w'"), BEGIN("0", "a"),
                             BEGIN("1", "b"), MORE("0", "{\\'x\\'"),
                             MORE("1", "{\\'y\\'"), BEGIN("2", "c"),
                             MORE("1", ":2}"), MORE("0", ":1}"), STOP, NULL},
            true, want);
}

static void servers_name_calls_in_ways_of_their_own(void)
{
#define ENTRY(id, more)                                                        \
    "{" id "'function':{'name':'f','arguments':'{\\'x\\':1}'}" more "}"
    static const char want[] = START USE("0", "a") INPUT("0", "{\\'x\\':1}")
        CLOSE("0") USE("1", "b") INPUT("1", "{\\'x\\':1}") CLOSE("1")
            END("tool_use", "7", "0", "11") PING;

    becomes(
        (const char *[]){CHUNK("'tool_calls':[" ENTRY("'id':'a',", "") "," //
                               ENTRY("'id':'b',", "") "]"),
                         STOP, NULL},
        true, want);
    becomes(
        (const char *[]){
            CHUNK("'tool_calls':[" ENTRY("'id':'a',", ",'index':0") "]"),
            CHUNK("'tool_calls':[" ENTRY("'id':'b',", ",'index':0") "]"), STOP,
            NULL},
        true, want);
}

static void a_whole_answer_is_a_stream_of_one_event(void)
{
    becomes(
        (const char *[]){
            "{'choices':[{'index':0,'message':{'role':"
            "'assistant','content':'w','tool_calls':[" ENTRY(
                "'id':'a',",
                "") "," ENTRY("'id':'b',",
                              "") "]}"
                                  ",'finish_reason':'tool_calls'}],'usage':{"
                                  "'prompt_tokens':2,'completion_tokens':1}}",
            NULL},
        true,
        START TEXT("0") SAY("0", "w") CLOSE("0") USE("1", "a")
            INPUT("1", "{\\'x\\':1}") CLOSE("1") USE("2", "b")
                INPUT("2", "{\\'x\\':1}") CLOSE("2")
                    END("tool_use", "2", "0", "1") PING);
}

static void words_within_a_call_wait(void)
{
    becomes((const char *[]){BEGIN("0", "a"), CHUNK("'content':'\\n'"),
                             CHUNK("'reasoning':'t'"), CHUNK("'content':'w'"),
                             MORE("0", "{}"), CHUNK("'content':'x'"), STOP,
                             NULL},
            true,
            START USE("0", "a") INPUT("0", "{}") CLOSE("0") TEXT("1")
                SAY("1", "wx") CLOSE("1") END("tool_use", "7", "0", "2") PING);
}

static void only_the_first_choice_and_calls_with_names_count(void)
{
    becomes((const char *[]){"{'choices':[{'index':1,'delta':{'content':'b'},"
                             "'finish_reason':'length'}]}",
                             CHUNK("'tool_calls':[{'index':0,'id':'a'}]"),
                             CHUNK("'content':'a'"), STOP, NULL},
            true,
            START TEXT("0") SAY("0", "a") CLOSE("0")
                END("end_turn", "7", "0", "1") PING);
}

static void a_refusal_is_words_and_a_reason(void)
{
    becomes((const char *[]){CHUNK("'refusal':'no'"), STOP, NULL}, true,
            START TEXT("0") SAY("0", "no") CLOSE("0")
                END("refusal", "7", "0", "1") PING);
}

static void input_that_is_no_object_becomes_one(void)
{
    becomes((const char *[]){BEGIN("0", "a"), MORE("0", "[1"), MORE("0", "]"),
                             STOP, NULL},
            true,
            START USE("0", "a") INPUT("0", "{\\'INVALID_JSON\\':\\'[1")
                INPUT("0", "]") INPUT("0", "\\'}") CLOSE("0")
                    END("tool_use", "7", "0", "9") PING);
}

static void line_feeds_in_input_are_escaped(void)
{
    becomes((const char *[]){BEGIN("0", "a"), MORE("0", "{\\'x\\':\\'\\n\\'}"),
                             STOP, NULL},
            true,
            START USE("0", "a") INPUT("0", "{\\'x\\':\\'\\\\n\\'}") CLOSE("0")
                END("tool_use", "7", "0", "5") PING);
}

static void a_stream_that_is_cut_is_no_answer(void)
{
    struct buf out = {NULL, 0, 0, 0};

    CU_ASSERT_FALSE(hear((const char *[]){CHUNK("'content':'a'"), NULL}, &out));
    lab_holds(&out, "answer ended too early.'}}\n\n" PING, false);
    CU_ASSERT_PTR_NULL(strstr(buf_head(&out), "message_stop"));
    buf_free(&out);
}

static void an_error_is_for_the_caller_to_tell(void)
{
    static const char want[] = START TEXT("0") SAY("0", "a")
        FAILED("rate_limit_error", "some words") PING;

    becomes((const char *[]){CHUNK("'content':'a'"),
                             "{'error':{'message':'sk-1','code':429}}", STOP,
                             NULL},
            false, want);
    becomes((const char *[]){CHUNK("'content':'a'"), "{'choices':[", NULL},
            false, want);
    becomes((const char *[]){CHUNK("'content':'a'"), "[]", NULL}, false, want);
}

/* EVENT behind FIRST, again and again, is too much after N times at most. */
static void breaks_off(const char *first, const struct buf *event, size_t n)
{
    enum chat_event was = CHAT_PART;
    struct buf out = {NULL, 0, 0, 0}, begin = lab_json(first);
    struct messages_stream s;
    size_t i;

    messages_stream_init(&s, &usual);
    (void)chat_stream_event(&s.chat, buf_head(&begin), begin.len, &out);
    for (i = 0; i < n && was == CHAT_PART; i++)
        was = chat_stream_event(&s.chat, buf_head(event), event->len, &out);
    CU_ASSERT_EQUAL(was, CHAT_BROKEN);
    CU_ASSERT_TRUE(out.len < 4 * KIB);
    chat_stream_fini(&s.chat);
    buf_free(&begin);
    buf_free(&out);
}

static struct buf long_event(const char *before, const char *behind)
{
    struct buf text = lab_json(before), rest = lab_json(behind);
    size_t i;

    for (i = 0; i < MIB; i++)
        buf_str(&text, "1");
    buf_add(&text, buf_head(&rest), rest.len);
    buf_free(&rest);
    return text;
}

static void what_is_too_much_breaks_off(void)
{
    struct buf text = {NULL, 0, 0, 0};
    size_t i;

    for (i = 0; i <= CHAT_CALLS_MAX; i++)
        buf_fmt(&text, "%s{\"index\":%zu}",
                i > 0 ? "," : "{\"choices\":[{\"delta\":{\"tool_calls\":[", i);
    buf_str(&text, "]}}]}");
    breaks_off("{}", &text, 1);
    buf_free(&text);
    text = long_event("{'choices':[{'delta':{'tool_calls':[{'function':{"
                      "'arguments':'{",
                      "'}}]}}]}");
    breaks_off("{}", &text, 9);
    buf_free(&text);
    text = long_event("{'choices':[{'delta':{'content':'", "'}}]}");
    breaks_off(BEGIN("0", "a"), &text, 9);
    buf_free(&text);
}

CU_ErrorCode test_messages_stream_add(void)
{
    static const struct unit_test tests[] = {
        {"words are told as they come", words_are_told_as_they_come},
        {"thinking comes first, however it is told",
         thinking_comes_first_however_it_is_told},
        {"calls come one after the other", calls_come_one_after_the_other},
        {"servers name calls in ways of their own",
         servers_name_calls_in_ways_of_their_own},
        {"a whole answer is a stream of one event",
         a_whole_answer_is_a_stream_of_one_event},
        {"words within a call wait", words_within_a_call_wait},
        {"only the first choice counts, and calls with names",
         only_the_first_choice_and_calls_with_names_count},
        {"a refusal is words and a reason", a_refusal_is_words_and_a_reason},
        {"line feeds in input are escaped", line_feeds_in_input_are_escaped},
        {"input that is no object becomes one",
         input_that_is_no_object_becomes_one},
        {"a stream that is cut is no answer",
         a_stream_that_is_cut_is_no_answer},
        {"an error is for the caller to tell",
         an_error_is_for_the_caller_to_tell},
        {"what is too much breaks off", what_is_too_much_breaks_off},
        {NULL, NULL}};

    return unit_add("messages_stream", tests);
}
