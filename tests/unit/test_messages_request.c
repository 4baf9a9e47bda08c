/* Mirrors fcgi/messages/messages_request.c, chat_turns.c, chat_user.c,
 * chat_assistant.c, chat_parts.c and chat_tools.c. */
#include "fcgi/messages/messages.h"
#include "lib/base.h"
#include "messages_lab.h"

static struct messages_ask ask;
static struct messages_got got;
static struct messages_fault fault;

/* The request with these members; what it becomes is in OUT. */
static int request(const char *members, struct buf *out)
{
    struct buf text = {NULL, 0, 0, 0}, body;
    int rc;

    buf_fmt(&text, "{'model':'m','max_tokens':9,%s}%c", members, '\0');
    body = lab_json(buf_head(&text));
    rc = messages_request(buf_head(&body), body.len, &ask, out, &got, &fault);
    buf_free(&text);
    buf_free(&body);
    return rc;
}

/* A row: the members, and what the chat request has in it. */
struct row {
    const char *members, *want;
};

static void become(const struct row *rows)
{
    for (; rows->members != NULL; rows++) {
        struct buf out = {NULL, 0, 0, 0};

        CU_ASSERT_EQUAL(request(rows->members, &out), 0);
        if (fault.status != 0)
            printf("\n    %s\n", fault.words);
        lab_holds(&out, rows->want, false);
        buf_free(&out);
    }
}

/* The same of what is refused, and what its words have in them. */
static void are_refused(const struct row *rows)
{
    for (; rows->members != NULL; rows++) {
        struct buf out = {NULL, 0, 0, 0}, words = {NULL, 0, 0, 0};

        buf_str(&out, "as it was");
        CU_ASSERT_EQUAL(request(rows->members, &out), -1);
        lab_holds(&out, "as it was", true);
        CU_ASSERT_EQUAL(fault.status, 400);
        CU_ASSERT_STRING_EQUAL(fault.type, "invalid_request_error");
        buf_str(&words, fault.words);
        lab_holds(&words, rows->want, false);
        buf_free(&out);
        buf_free(&words);
    }
}

#define HI "'messages':[{'role':'user','content':'hi'}]"
/* A request whose user says BLOCKS; that answers BLOCKS of the assistant. */
#define USER(blocks) "'messages':[{'role':'user','content':[" blocks "]}]"
#define SAID(blocks)                                                           \
    "'messages':[{'role':'assistant','content':[" blocks                       \
    "]},{'role':'user','content':'go on'}]"

static void fields_are_sent_in_the_other_words(void)
{
    static const struct row rows[] = {
        {HI, "{'model':'m','messages':[{'role':'user','content':'hi'}],"
             "'max_tokens':9}"},
        {HI ",'temperature':0.7,'top_p':1,'top_k':40",
         "'max_tokens':9,'temperature':0.7,'top_p':1,'top_k':40}"},
        {HI ",'top_k':0,'temperature':null", "'max_tokens':9}"},
        {HI ",'stop_sequences':['a','\\n']", ",'stop':['a','\\n']}"},
        {HI ",'stop_sequences':[]", "'max_tokens':9}"},
        {HI ",'stream':true",
         ",'stream':true,'stream_options':{'include_usage':true}}"},
        {HI ",'stream':false", "'max_tokens':9}"},
        {HI ",'output_config':{'effort':'max','format':{'type':'json_schema',"
            "'schema':{'type':'object'}}}",
         ",'response_format':{'type':'json_schema','json_schema':{'name':"
         "'answer','strict':true,'schema':{'type':'object'}}}}"},
        {HI ",'output_format':{'type':'json_schema','schema':{}}",
         ",'strict':true,'schema':{}}}}"},
        {NULL, NULL}};

    become(rows);
}

static void what_does_not_change_the_answer_is_left_out(void)
{
    static const struct row rows[] = {
        {HI ",'service_tier':'auto','cache_control':{'type':'ephemeral'},"
            "'context_management':{'edits':[]},'inference_geo':'us',"
            "'metadata':{'user_id':'u'},'container':'c','mcp_servers':[],"
            "'nobody_knows':{'a':1},'n':5,'user':'x','tools':[],"
            "'tool_choice':{'type':'auto'}",
         "],'max_tokens':9}"},
        {NULL, NULL}};

    become(rows);
    CU_ASSERT_STRING_EQUAL(got.user, "u");
}

/* As Claude Code says it, and what is no such thing. */
static void who_works_there_is_the_device(void)
{
    static const struct {
        const char *id, *want;
    } rows[] = {
        {"{\\'device_id\\':\\'d1\\',\\'session_id\\':\\'s\\'}", "d1"},
        {"{\\'device_id\\':\\'\\'}", "{\"device_id\":\"\"}"},
        {"{\\'device_id\\':7}", "{\"device_id\":7}"},
        {"{broken", "{broken"},
        {"user_1_session_2", "user_1_session_2"},
    };
    struct buf out = {NULL, 0, 0, 0}, members = out;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        buf_fmt(&members, HI ",'metadata':{'user_id':'%s'}%c", rows[i].id,
                '\0');
        CU_ASSERT_EQUAL(request(buf_head(&members), &out), 0);
        CU_ASSERT_STRING_EQUAL(got.user, rows[i].want);
        buf_free(&members);
        buf_free(&out);
    }
}

static void what_would_change_it_is_refused(void)
{
    static const struct row rows[] = {
        {HI ",'temperature':1.5", "temperature: a number from 0 to 1"},
        {HI ",'temperature':-0.1", "temperature: a number from 0 to 1"},
        {HI ",'top_p':'1'", "top_p"},
        {HI ",'top_k':-1", "top_k"},
        {HI ",'stop_sequences':[1]", "stop_sequences: a list of strings"},
        {HI ",'stream':1", "stream: true or false"},
        {HI ",'max_tokens':0", "max_tokens"},
        {HI ",'max_tokens':null", "max_tokens"},
        {HI ",'model':7", "model: a string"},
        {HI ",'mcp_servers':[{}]", "no MCP servers"},
        {HI ",'container':{'skills':[{}]}", "no skills"},
        {HI ",'compaction':{'type':'summarize'}", "sums no conversation up"},
        {HI ",'output_config':{'format':{'type':'xml'}}", "json_schema"},
        {HI ",'tools':[{'type':'web_search_20250305','name':'web_search'}]",
         "tools.0: 'web_search_20250305' is a tool of Anthropic"},
        {HI ",'tools':[{'name':'f'}]", "tools.0: name and input_schema"},
        {HI ",'tools':{}", "tools: a list"},
        {HI ",'tool_choice':{'type':'any'}", "there are no tools"},
        {HI ",'system':7", "system: a string or a list"},
        {HI ",'system':[{'type':'image'}]", "system.0: only text"},
        {"'messages':[]", "at least one message"},
        {"'a':1", "at least one message"},
        {"'messages':[{'role':'tool','content':'a'}]", "messages.0.role"},
        {"'messages':['a']", "messages.0.role"},
        {"'messages':[{'role':'user'}]", "messages.0.content"},
        {"'messages':[{'role':'user','content':''}]", "there is no content"},
        {"'messages':[{'role':'user','content':'a'},{'role':'assistant',"
         "'content':'b'}]",
         "must end with a user message"},
        {NULL, NULL}};

    are_refused(rows);
}

/* Its next turn would come without those before, and be answered as if there
 * were none. */
static void a_thread_is_told_as_one(void)
{
    static const struct row rows[] = {
        {HI ",'thread':{'type':'create'}", "keeps no conversations"},
        {HI ",'thread':{'type':'continue','previous_message_id':'msg_1'}",
         "keeps no conversations"},
        {NULL, NULL}};

    are_refused(rows);
    CU_ASSERT_TRUE(fault.is_thread);
    are_refused((const struct row[]){
        {HI ",'temperature':2,'thread':{'type':'create'}", "temperature"},
        {NULL, NULL}});
    CU_ASSERT_FALSE(fault.is_thread);
}

static void turns_become_messages(void)
{
    static const struct row rows[] = {
        {"'system':'a'," HI,
         "'messages':[{'role':'system','content':'a'},{'role':'user'"},
        {"'system':[{'type':'text','text':'x-anthropic-billing-header: 1'},"
         "{'type':'text','text':'a','cache_control':{}},{'type':'text','text':"
         "'b'}]," HI,
         "[{'role':'system','content':'a\\n\\nb'},{"},
        {"'system':[]," HI, "'messages':[{'role':'user'"},
        {"'messages':[{'role':'system','content':'a'},{'role':'user','content':"
         "'b'},{'role':'system','content':[{'type':'text','text':'c'}]},{"
         "'role':'user','content':'d'}]",
         "[{'role':'system','content':'a'},{'role':'user','content':'b\\n\\n"
         "<system-reminder>\\nc\\n</system-reminder>\\n\\nd'}]"},
        {"'messages':[{'role':'user','content':'a'},{'role':'assistant',"
         "'content':'b'},{'role':'assistant','content':[{'type':'text','text':"
         "'c'}]},{'role':'user','content':'d'}]",
         "{'role':'assistant','content':'b\\n\\nc'},{'role':'user'"},
        {"'messages':[{'role':'user','content':'a'},{'role':'assistant',"
         "'content':[{'type':'thinking','thinking':'t'},{'type':"
         "'redacted_thinking','data':'x'},{'type':'text','text':''}]},{'role':"
         "'user','content':'b'},{'role':'system','content':[{'type':'text',"
         "'text':''}]},{'role':'assistant','content':''}]",
         "'messages':[{'role':'user','content':'a\\n\\nb'}],"},
        {"'messages':[{'role':'user','content':'\\u0000\\ud800\\u2028'}]",
         "'content':'\\u0000\xef\xbf\xbd\\u2028'"},
        {NULL, NULL}};

    become(rows);
}

static void blocks_become_parts(void)
{
    static const struct row rows[] = {
        {USER("{'type':'text','text':'a'},{'type':'text','text':''},{'type':"
              "'text','text':'b'}"),
         "'content':'a\\n\\nb'"},
        {USER("{'type':'text','text':'a'},{'type':'image','source':{'type':"
              "'base64','media_type':'image/png','data':'AA=='}}"),
         "'content':[{'type':'text','text':'a'},{'type':'image_url',"
         "'image_url':{'url':'data:image/png;base64,AA=='}}]"},
        {USER("{'type':'image','source':{'type':'url','url':'https://a/b'}}"),
         "[{'type':'image_url','image_url':{'url':'https://a/b'}}]"},
        {USER("{'type':'document','title':'t','context':'c','source':{'type':"
              "'text','media_type':'text/plain','data':'d'}}"),
         "'content':'<document>\\n<title>t</title>\\n<context>c</context>\\nd"
         "\\n</document>'"},
        {USER("{'type':'document','source':{'type':'content','content':[{"
              "'type':'text','text':'a'},{'type':'image','source':{'type':"
              "'url','url':'http://a'}}]}}"),
         "'text':'<document>'},{'type':'text','text':'a'},{'type':'image_url',"
         "'image_url':{'url':'http://a'}},{'type':'text','text':'</"
         "document>'}"},
        {USER("{'type':'search_result','source':'s','title':'t','content':[{"
              "'type':'text','text':'a'}]}"),
         "'<document>\\n<title>t</title>\\n<source>s</source>\\n\\na\\n\\n"
         "</document>'"},
        {NULL, NULL}};

    become(rows);
}

static void blocks_that_cannot_be_sent_are_refused(void)
{
    static const struct row rows[] = {
        {USER("{'type':'document','source':{'type':'base64','media_type':"
              "'application/pdf','data':'AA=='}}"),
         "messages.0.content.0.source: PDF documents and files"},
        {USER("{'type':'text','text':'a'},{'type':'image','source':{'type':"
              "'file','file_id':'f'}}"),
         "messages.0.content.1.source: only base64 and url"},
        {USER("{'type':'image','source':{'type':'url','url':'file:///a'}}"),
         "http or https"},
        {USER("{'type':'image','source':{'type':'base64','media_type':"
              "'image/a,b','data':'AA=='}}"),
         "media_type"},
        {USER("{'type':'image','source':{'type':'base64','media_type':"
              "'image/a\\u0000','data':'AA=='}}"),
         "media_type"},
        {USER("{'type':'text'}"), "messages.0.content.0.text"},
        {USER("{'type':'container_upload'}"), "'container_upload' is not"},
        {USER("{'type':'a secret'}"), "of type 'a' is not"},
        {USER("7"), "of type '' is not"},
        {USER("{'type':'tool_result','content':'a'}"), "tool_use_id"},
        {"'messages':[{'role':'system','content':[{'type':'document'}]}]",
         "'document' is not"},
        {"'messages':[{'role':'user','content':'a'},{'role':'system','content':"
         "[{'type':'document'}]}]",
         "messages.1.content.0: a block of type 'document' is not"},
        {SAID("{'type':'server_tool_use'}"), "'server_tool_use' is not"},
        {SAID("{'type':'text','text':'a'},{'type':'image'}"),
         "messages.0.content.1"},
        {SAID("{'type':'thinking'}"), "content.0.thinking: a string"},
        {SAID("{'type':'text','text':5}"), "content.0.text: a string"},
        {USER("{'type':'tool_reference','tool_name':''}"),
         "'tool_reference' is not"},
        {SAID("{'type':'tool_use','id':'a','name':'f','input':[]}"),
         "id, name and input"},
        {NULL, NULL}};

    are_refused(rows);
}

static void calls_and_their_results_go_together(void)
{
    static const struct row rows[] = {
        {SAID("{'type':'tool_use','id':'a','name':'f','input':{'x':'\\n'}},{"
              "'type':'tool_use','id':'b','name':'g','input':{}}"),
         "{'role':'assistant','tool_calls':[{'id':'a','type':'function',"
         "'function':{'name':'f','arguments':'{\\'x\\':\\'\\\\n\\'}'}},{'id':"
         "'b','type':'function','function':{'name':'g','arguments':'{}'}}],"
         "'content':null}"},
        {USER("{'type':'text','text':'t'},{'type':'tool_result','tool_use_id':"
              "'a','content':'r'},{'type':'tool_result','tool_use_id':'b',"
              "'is_error':true,'content':[{'type':'text','text':'s'},{'type':"
              "'image','source':{'type':'url','url':'http://i'}}]}"),
         "[{'role':'tool','tool_call_id':'a','content':'r'},{'role':'tool',"
         "'tool_call_id':'b','content':'Error:\\n\\ns\\n\\n[image]'},{'role':"
         "'user','content':[{'type':'text','text':'t'},{'type':'image_url',"
         "'image_url':{'url':'http://i'}}]}]"},
        {USER("{'type':'tool_result','tool_use_id':'a'}"),
         "'messages':[{'role':'tool','tool_call_id':'a','content':''}]"},
        {USER("{'type':'tool_result','tool_use_id':'a','content':[{'type':"
              "'tool_reference','tool_name':'f'}]}"),
         "'content':'f'}]"},
        {NULL, NULL}};

    become(rows);
}

static void tools_become_functions(void)
{
#define TOOLS                                                                  \
    HI ",'tools':[{'name':'f','description':'d','strict':true,"                \
       "'cache_control':{},'input_schema':{'type':'object'}},{'type':"         \
       "'custom','name':'g','input_schema':{}}]"
#define CHAT_TOOLS                                                             \
    ",'tools':[{'type':'function','function':{'name':'f','description':'d',"   \
    "'parameters':{'type':'object'}}},{'type':'function','function':{'name':"  \
    "'g','parameters':{}}}]"
    static const struct row rows[] = {
        {TOOLS, CHAT_TOOLS "}"},
        {TOOLS ",'tool_choice':{'type':'auto'}",
         CHAT_TOOLS ",'tool_choice':'auto'}"},
        {TOOLS ",'tool_choice':{'type':'any','disable_parallel_tool_use':true}",
         ",'tool_choice':'required','parallel_tool_calls':false}"},
        {TOOLS ",'tool_choice':{'type':'none'}", ",'tool_choice':'none'}"},
        {TOOLS ",'tool_choice':{'type':'tool','name':'g'}",
         ",'tool_choice':{'type':'function','function':{'name':'g'}}}"},
        {NULL, NULL}};

    become(rows);
}

static void thinking_goes_as_the_upstream_has_it(void)
{
#define ON  HI ",'thinking':{'type':'enabled','budget_tokens':5000}"
#define OFF HI ",'thinking':{'type':'disabled'}"
    static const struct {
        const char *members;
        unsigned ways;
        const char *want;
    } rows[] = {
        {ON, THINKING_TEMPLATE,
         ",'chat_template_kwargs':{'thinking':true,'enable_thinking':true}"},
        {OFF, THINKING_TEMPLATE,
         ",'chat_template_kwargs':{'thinking':false,'enable_thinking':false}"},
        {ON, THINKING_EFFORT, ",'reasoning_effort':'medium'"},
        {ON ",'output_config':{'effort':'xhigh'}", THINKING_EFFORT,
         ",'reasoning_effort':'high'"},
        {HI ",'output_config':{'effort':'low'}",
         THINKING_TEMPLATE | THINKING_EFFORT, ",'reasoning_effort':'low'"},
        {ON, THINKING_TEMPLATE | THINKING_EFFORT,
         ",'chat_template_kwargs':{'thinking':true,'enable_thinking':true},"
         "'reasoning_effort':'medium'"},
        {OFF, THINKING_EFFORT, ""},
        {HI, THINKING_TEMPLATE | THINKING_EFFORT, ""},
        {HI ",'thinking':{'type':'adaptive'}",
         THINKING_TEMPLATE | THINKING_EFFORT, ""},
        {ON, 0, ""},
    };
    struct buf out = {NULL, 0, 0, 0};
    size_t i;

    memset(&ask, 0, sizeof(ask));
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        CU_ASSERT_EQUAL(request(rows[i].members, &out), 0);
        lab_holds(&out, "'max_tokens':9}", false); /* nothing yet */
        buf_free(&out);
        messages_thinking(got.thinks, got.effort, rows[i].ways, &out);
        lab_holds(&out, rows[i].want, true);
        buf_free(&out);
    }
}

static void past_thinking_goes_into_its_member(void)
{
    static const struct row named[] = {
        {SAID("{'type':'thinking','thinking':'a'},{'type':'redacted_thinking',"
              "'data':'x'},{'type':'text','text':'b'}"),
         "{'role':'assistant','content':'b','reasoning':'a'}"},
        {NULL, NULL}};
    static const struct row unnamed[] = {
        {SAID("{'type':'thinking','thinking':'a'}"),
         "'messages':[{'role':'user','content':'go on'}]"},
        {NULL, NULL}};

    ask.reasoning_key = "reasoning";
    become(named);
    memset(&ask, 0, sizeof(ask));
    become(unnamed);
}

static void the_upstream_has_its_say(void)
{
    static const struct row rows[] = {
        {HI, "{'model':'other','messages':[{'role':'user','content':'hi'}],"
             "'max_tokens':5}"},
        {"'messages':[{'role':'user','content':'a'},{'role':'assistant',"
         "'content':'b'}]",
         "{'role':'assistant','content':'b'}],'add_generation_prompt':false,"
         "'continue_final_message':true,'max_tokens':5}"},
        {NULL, NULL}};

    ask = (struct messages_ask){
        .model = "other", .max_tokens = 5, .may_continue = true};
    become(rows);
    CU_ASSERT_STRING_EQUAL(got.model, "m");
    CU_ASSERT_EQUAL(got.max_tokens, 5);
    memset(&ask, 0, sizeof(ask));
}

static void the_caller_learns_what_it_must_know(void)
{
    static const struct {
        const char *members;
        enum messages_shown shown;
    } rows[] = {
        {HI, SHOWN_UNSAID},
        {HI ",'thinking':{'type':'disabled'}", SHOWN_NOT},
        {HI ",'thinking':{'type':'enabled'}", SHOWN_ALL},
        {HI ",'thinking':{'type':'adaptive','display':'omitted'}", SHOWN_SIGN}};
    struct buf out = {NULL, 0, 0, 0};
    size_t i;

    for (i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(request(rows[i].members, &out), 0);
        CU_ASSERT_EQUAL(got.shown, rows[i].shown);
    }
    CU_ASSERT_FALSE(got.stream || got.has_stops);
    CU_ASSERT_TRUE(messages_tokens(&got.tokens, 0) > 1);
    CU_ASSERT_TRUE(messages_tokens(&got.tokens, 0) < 20);
    CU_ASSERT_EQUAL(request(HI ",'stream':true,'stop_sequences':['a']", &out),
                    0);
    CU_ASSERT_TRUE(got.stream && got.has_stops);
    buf_free(&out);
}

static void what_is_no_json_is_refused(void)
{
    static const struct {
        const char *text;
        int status;
    } rows[] = {{"", 400},           {"[]", 400},      {"{\"a\":1", 400},
                {"{\"a\":1}x", 400}, {"{'a':1}", 400}, {"{\"\xff\":1}", 400},
                {"{/**/}", 400}};
    struct buf out = {NULL, 0, 0, 0}, many = {NULL, 0, 0, 0};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(messages_request(rows[i].text, strlen(rows[i].text),
                                         &ask, &out, &got, &fault),
                        -1);
        CU_ASSERT_EQUAL(fault.status, rows[i].status);
    }
    buf_str(&many, "{\"\\\\\":[1");
    for (i = 0; i <= JSON_VALUES_MAX; i++)
        buf_str(&many, ",1");
    buf_add(&many, "]}", 3);
    CU_ASSERT_EQUAL(messages_request(buf_head(&many), many.len - 1, &ask, &out,
                                     &got, &fault),
                    -1);
    CU_ASSERT_EQUAL(fault.status, 413);
    CU_ASSERT_EQUAL(out.len, 0);
    buf_free(&many);
    buf_free(&out);
}

CU_ErrorCode test_messages_request_add(void)
{
    static const struct unit_test tests[] = {
        {"who works there is the device", who_works_there_is_the_device},
        {"fields are sent in the other API's words",
         fields_are_sent_in_the_other_words},
        {"what does not change the answer is left out",
         what_does_not_change_the_answer_is_left_out},
        {"what would change it is refused", what_would_change_it_is_refused},
        {"a thread is told as one", a_thread_is_told_as_one},
        {"turns become messages", turns_become_messages},
        {"blocks become parts", blocks_become_parts},
        {"blocks that cannot be sent are refused",
         blocks_that_cannot_be_sent_are_refused},
        {"calls and their results go together",
         calls_and_their_results_go_together},
        {"tools become functions", tools_become_functions},
        {"thinking goes as the upstream has it",
         thinking_goes_as_the_upstream_has_it},
        {"past thinking goes into its member",
         past_thinking_goes_into_its_member},
        {"the upstream has its say", the_upstream_has_its_say},
        {"the caller learns what it must know",
         the_caller_learns_what_it_must_know},
        {"what is no JSON is refused", what_is_no_json_is_refused},
        {NULL, NULL}};

    return unit_add("messages_request", tests);
}
