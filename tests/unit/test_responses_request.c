/* Mirrors fcgi/responses/responses_request.c, input_items.c, input_user.c,
 * input_assistant.c, input_parts.c and response_echo.c. */
#include "fcgi/responses/responses.h"
#include "lib/base.h"
#include "messages_lab.h"

static struct messages_ask ask;
static struct responses_got got;
static struct messages_fault fault;

/* The request with these members; what it becomes is in OUT. */
static int request(const char *members, struct buf *out)
{
    struct buf text = {NULL, 0, 0, 0}, body;
    int rc;

    buf_fmt(&text, "{'model':'m',%s}%c", members, '\0');
    body = lab_json(buf_head(&text));
    rc = responses_request(buf_head(&body), body.len, &ask, out, &got, &fault);
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
        responses_got_fini(&got);
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
        buf_str(&words, fault.words);
        lab_holds(&words, rows->want, false);
        responses_got_fini(&got);
        buf_free(&out);
        buf_free(&words);
    }
}

#define HI      "'input':'hi'"
#define SAID    "{'model':'m','messages':[{'role':'user','content':'hi'}]"
#define CHAT(m) "'messages':[" m "]"
#define USER(t) "{'role':'user','content':'" t "'}"
#define IN(i)   "'input':[" i "]"
#define ASKS(t) "{'role':'user','content':'" t "'}"
#define CALL    "{'type':'function_call','call_id':'c','name':'f',"
#define CALLED  "{'role':'assistant','tool_calls':[{'id':'c','type':"
#define REMARK  "<system-reminder>\\nd\\n</system-reminder>"

static void fields_are_sent_in_the_other_words(void)
{
    static const struct row rows[] = {
        {HI, SAID "}"},
        {HI ",'instructions':'be'",
         CHAT("{'role':'system','content':'be'}," USER("hi"))},
        {HI ",'max_output_tokens':7", ",'max_tokens':7"},
        {HI ",'temperature':1.5", ",'temperature':1.5"},
        {HI ",'top_p':0.5", ",'top_p':0.5"},
        {HI ",'stream':true",
         ",'stream':true,'stream_options':{'include_usage':true}"},
        {HI ",'text':{'format':{'type':'json_object'}}",
         ",'response_format':{'type':'json_object'}"},
        {HI ",'text':{'format':{'type':'json_schema','name':'n','strict':true,"
            "'schema':{'type':'object'}}}",
         ",'response_format':{'type':'json_schema','json_schema':{'schema':{"
         "'type':'object'},'name':'n','strict':true}}"},
        {NULL, NULL}};

    become(rows);
}

static void what_does_not_change_the_answer_is_left_out(void)
{
    static const struct row rows[] = {
        {HI ",'store':true,'include':['reasoning.encrypted_content'],"
            "'truncation':'auto','service_tier':'flex','metadata':{'a':'b'},"
            "'prompt_cache_key':'k','client_metadata':{},'user':'u'",
         SAID "}"},
        {HI ",'text':{'format':{'type':'text'},'verbosity':'low'}", SAID "}"},
        {HI ",'reasoning':{'summary':'auto'}", SAID "}"},
        {HI ",'stream':false,'background':false", SAID "}"},
        {HI ",'previous_response_id':null,'instructions':null", SAID "}"},
        {HI ",'tools':[],'tool_choice':'auto'", SAID "}"},
        {NULL, NULL}};

    become(rows);
}

static void what_would_change_it_is_refused(void)
{
    static const struct row rows[] = {
        {HI ",'previous_response_id':'resp_1'",
         "previous_response_id: nothing is stored"},
        {HI ",'conversation':'c'", "conversation: nothing is stored"},
        {HI ",'prompt':{'id':'p'}", "prompt: nothing is stored"},
        {HI ",'background':true", "background: "},
        {HI ",'max_output_tokens':0", "max_output_tokens: "},
        {HI ",'temperature':2.1", "temperature: a number from 0 to 2"},
        {HI ",'top_p':'1'", "top_p: a number"},
        {HI ",'stream':1", "stream: true or false"},
        {HI ",'reasoning':{'effort':'a\\\\b'}", "reasoning.effort: a word"},
        {HI ",'text':{'format':{'type':'grammar'}}", "text.format: "},
        {HI ",'text':{'format':{'type':'json_schema','name':'n'}}",
         "a name and a schema"},
        {HI ",'instructions':[]", "instructions: a string"},
        {"'input':''", "input: there is no content"},
        {"'input':[]", "input: there is no content"},
        {"'input':7", "input: a string or a list"},
        {IN("{'type':'item_reference','id':'x'}"),
         "input.0: nothing is stored"},
        {IN(ASKS("a") ",{'type':'computer_call_output'}"),
         "input.1: an item of type 'computer_call_output'"},
        {IN("{'role':'king','content':'a'}"), "input.0.role: "},
        {IN("{'role':'user','content':[{'type':'input_file','file_id':'f'}]}"),
         "input.0.content.0: a part of type 'input_file'"},
        {IN("{'role':'user','content':[{'type':'input_image','file_id':'f'}]}"),
         "input.0.content.0: an image_url is needed"},
        {IN("{'role':'user','content':[{'type':'input_image','image_url':"
            "'file:///etc/passwd'}]}"),
         "an http or https image_url"},
        {IN("{'role':'assistant','content':[{'type':'input_image'}]}"),
         "input.0.content.0: a part of type 'input_image'"},
        {IN(CALL "'arguments':7}"), "input.0: a call needs"},
        {IN("{'type':'function_call_output','output':'x'}"),
         "input.0.call_id: "},
        {NULL, NULL}};

    are_refused(rows);
}

static void items_become_messages(void)
{
    static const struct row rows[] = {
        {IN(ASKS("a") "," ASKS("b")), CHAT(USER("a\\n\\nb"))},
        {IN("{'type':'message','role':'developer','content':[{'type':"
            "'input_text','text':'d'}]}," ASKS("a")) ",'instructions':'i'",
         CHAT("{'role':'system','content':'i\\n\\nd'}," USER("a"))},
        {IN(ASKS("a") ",{'role':'developer','content':'d'}"),
         CHAT(USER("a\\n\\n" REMARK))},
        {IN(ASKS("a") ",{'type':'message','role':'assistant','content':[{"
                      "'type':'output_text','text':'x'},{'type':'refusal',"
                      "'refusal':'y'}]}," ASKS("b")),
         CHAT(USER("a") ",{'role':'assistant','content':'x\\n\\ny'}," USER(
             "b"))},
        {IN("{'role':'user','content':[{'type':'input_text','text':'a'},{"
            "'type':'input_image','image_url':'https://x/y','detail':'low'}]},"
            "{'role':'developer','content':'d'}"),
         "'content':[{'type':'text','text':'a'},{'type':'image_url',"
         "'image_url':{'url':'https://x/y'}},{'type':'text','text':'" REMARK
         "'}]"},
        {IN("{'role':'user','content':[{'type':'input_audio','input_audio':{"
            "'data':'A','format':'wav'}}]}"),
         "[{'type':'input_audio','input_audio':{'data':'A','format':'wav'}}]"},
        {IN(ASKS("a") ",{'type':'web_search_call','id':'w'},{'role':'assistant'"
                      ",'content':'x'}"),
         CHAT(USER("a") ",{'role':'assistant','content':'x'}")},
        {NULL, NULL}};

    become(rows);
}

static void calls_and_their_results_go_together(void)
{
    static const struct row rows[] = {
        {IN(ASKS("a") "," CALL "'arguments':'{\\'x\\':1}'},{'type':"
                      "'function_call_output','call_id':'c','output':'o'}"),
         CHAT(USER("a") "," CALLED "'function','function':{'name':'f',"
                        "'arguments':'{\\'x\\':1}'}}],'content':null},"
                        "{'role':'tool','tool_call_id':'c','content':'o'}")},
        {IN("{'role':'assistant','content':'w'}," CALL "'arguments':''}," CALL
            "'arguments':'no'}"),
         "{'role':'assistant','content':'w','tool_calls':[{'id':'c','type':"
         "'function','function':{'name':'f','arguments':'{}'}},{'id':'c',"
         "'type':'function','function':{'name':'f','arguments':'{"
         "\\'INVALID_JSON\\':\\'no\\'}'}}]}"},
        {IN("{'type':'custom_tool_call','call_id':'c','name':'p','input':'a\\n"
            "b'},{'type':'custom_tool_call_output','call_id':'c','output':["
            "{'type':'input_text','text':'o'}]}"),
         CALLED "'function','function':{'name':'p','arguments':'{\\'input\\':"
                "\\'a\\\\nb\\'}'}}],'content':null},{'role':'tool',"
                "'tool_call_id':'c','content':'o'}"},
        {IN("{'type':'function_call','call_id':'c','namespace':'n','name':'g',"
            "'arguments':'{}'}"),
         "'function':{'name':'n__g'"},
        {IN("{'type':'local_shell_call','call_id':'c','action':{'type':'exec',"
            "'command':['ls']}}"),
         "{'name':'local_shell','arguments':'{\\'type\\':\\'exec\\',\\'"
         "command\\'"},
        {IN(CALL
            "'arguments':'{}'},{'type':'function_call_output','call_id':"
            "'c','output':[{'type':'input_text','text':'t'},{'type':"
            "'input_image','image_url':'data:image/png;base64,AA'}]}," ASKS(
                "b")),
         "{'role':'tool','tool_call_id':'c','content':'t\\n\\n[image]'},{'role'"
         ":'user','content':[{'type':'image_url','image_url':{'url':"
         "'data:image/png;base64,AA'}},{'type':'text','text':'b'}]}"},
        {NULL, NULL}};

    become(rows);
}

static void thoughts_go_back_where_the_upstream_has_a_place(void)
{
    static const struct row none[] = {
        {IN("{'type':'reasoning','summary':[{'type':'summary_text','text':'t'}"
            "]},{'role':'assistant','content':'x'}"),
         CHAT("{'role':'assistant','content':'x'}")},
        {NULL, NULL}};
    static const struct row rows[] = {
        {IN("{'type':'reasoning','summary':[{'type':'summary_text','text':'t'}"
            "]},{'role':'assistant','content':'x'}"),
         "'content':'x','reasoning_content':'t'}"},
        {IN("{'type':'reasoning','summary':[{'text':'s'}],'content':[{'type':"
            "'reasoning_text','text':'t'}]},{'role':'assistant','content':'x'"
            "}"),
         "'reasoning_content':'t'}"},
        {NULL, NULL}};

    become(none);
    ask.reasoning_key = "reasoning_content";
    become(rows);
    ask.reasoning_key = NULL;
}

static void the_upstream_has_its_say(void)
{
    static const struct row rows[] = {
        {HI ",'max_output_tokens':70,'stream':true",
         "{'model':'other','messages':[" USER(
             "hi") "],'max_tokens':5,'stream':true}"},
        {NULL, NULL}};

    ask = (struct messages_ask){
        .model = "other", .usage_by_caller = true, .max_tokens = 5};
    become(rows);
    ask = (struct messages_ask){.model = NULL};
}

static void whether_to_think_is_said_in_the_upstreams_way(void)
{
    static const struct {
        const char *members, *effort;
        enum messages_thinks thinks;
    } rows[] = {
        {HI, "", THINKS_UNSAID},
        {HI ",'reasoning':{}", "", THINKS_UNSAID},
        {HI ",'reasoning':{'effort':'high'}", "high", THINKS},
        {HI ",'reasoning':{'effort':'none'}", "none", THINKS_NOT},
    };
    struct buf out = {NULL, 0, 0, 0};
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        CU_ASSERT_EQUAL(request(rows[i].members, &out), 0);
        lab_holds(&out, SAID "}", true); /* nothing yet */
        CU_ASSERT_STRING_EQUAL(got.effort, rows[i].effort);
        CU_ASSERT_EQUAL(got.thinks, rows[i].thinks);
        responses_got_fini(&got);
        buf_free(&out);
    }
}

static void the_answer_says_what_was_asked_for(void)
{
    struct buf out = {NULL, 0, 0, 0}, long_one = out;
    size_t i;

    CU_ASSERT_EQUAL(request(HI ",'instructions':'be','metadata':{'a':'b'},"
                               "'temperature':1,'tools':[{'type':'web_search'},"
                               "{'type':'function','name':'f'}],'user':'u',"
                               "'safety_identifier':'s'",
                            &out),
                    0);
    CU_ASSERT_STRING_EQUAL(got.model, "m");
    CU_ASSERT_STRING_EQUAL(got.user, "s");
    CU_ASSERT_TRUE(got.tokens.texts_m > 100000 && got.tokens.texts_m < 150000);
    lab_holds(&got.echo, ",'instructions':'be','max_output_tokens':null,",
              false);
    lab_holds(&got.echo, "'metadata':{'a':'b'}", false);
    lab_holds(&got.echo, "'tools':[{'type':'function','name':'f'}]", false);
    lab_holds(&got.echo, "'store':false", false);
    responses_got_fini(&got);
    buf_str(&long_one, HI ",'instructions':'");
    for (i = 0; i < 20000; i++)
        buf_str(&long_one, "x");
    buf_fmt(&long_one, "'%c", '\0');
    CU_ASSERT_EQUAL(request(buf_head(&long_one), &out), 0);
    lab_holds(&got.echo, ",'instructions':null,", false);
    responses_got_fini(&got);
    buf_free(&long_one);
    buf_free(&out);
}

static void what_is_no_json_is_refused(void)
{
    static const char *const bodies[] = {"", "[]", "{\"model\":\"m\"", "{}x"};
    struct buf out = {NULL, 0, 0, 0};
    size_t i;

    for (i = 0; i < ARRAY_LEN(bodies); i++) {
        CU_ASSERT_EQUAL(responses_request(bodies[i], strlen(bodies[i]), &ask,
                                          &out, &got, &fault),
                        -1);
        CU_ASSERT_EQUAL(fault.status, 400);
        CU_ASSERT_EQUAL(out.len, 0);
        responses_got_fini(&got);
    }
}

CU_ErrorCode test_responses_request_add(void)
{
    static const struct unit_test tests[] = {
        {"fields are sent in the other API's words",
         fields_are_sent_in_the_other_words},
        {"what does not change the answer is left out",
         what_does_not_change_the_answer_is_left_out},
        {"what would change it is refused", what_would_change_it_is_refused},
        {"items become messages", items_become_messages},
        {"calls and their results go together",
         calls_and_their_results_go_together},
        {"thoughts go back where the upstream has a place",
         thoughts_go_back_where_the_upstream_has_a_place},
        {"the upstream has its say", the_upstream_has_its_say},
        {"whether to think is said in the upstream's way",
         whether_to_think_is_said_in_the_upstreams_way},
        {"the answer says what was asked for",
         the_answer_says_what_was_asked_for},
        {"what is no JSON is refused", what_is_no_json_is_refused},
        {NULL, NULL}};

    return unit_add("responses_request", tests);
}
