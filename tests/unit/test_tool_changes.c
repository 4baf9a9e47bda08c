/* Mirrors fcgi/messages/tool_changes.c, and what chat_user.c and chat_parts.c
 * make of what tools have brought. */
#include "fcgi/messages/messages.h"
#include "messages_lab.h"

/* What a request with MEMBERS becomes, or why it does not, has WANT in it. */
static void becomes(const char *members, const char *want, int rc)
{
    struct messages_ask ask = {.may_continue = true};
    struct buf text = {NULL, 0, 0, 0}, out = {NULL, 0, 0, 0}, body;
    struct messages_got got;
    struct messages_fault fault;

    buf_fmt(&text, "{'model':'m','max_tokens':9,%s}%c", members, '\0');
    body = lab_json(buf_head(&text));
    CU_ASSERT_EQUAL(
        messages_request(buf_head(&body), body.len, &ask, &out, &got, &fault),
        rc);
    if (rc == -1)
        buf_str(&out, fault.words);
    lab_holds(&out, want, false);
    buf_free(&text);
    buf_free(&out);
    buf_free(&body);
}

struct row {
    const char *members, *want;
};

static void become(const struct row *rows, int rc)
{
    for (; rows->members != NULL; rows++)
        becomes(rows->members, rows->want, rc);
}

#define USER(blocks) "'messages':[{'role':'user','content':[" blocks "]}]"

/* Claude Code's ToolSearch, and tools that the system brings and takes away. */
static void tools_come_and_go(void)
{
#define LATE(turns)                                                            \
    "'tools':[{'name':'f','input_schema':{}},{'name':'g','defer_loading':"     \
    "true,'input_schema':{}}],'messages':[{'role':'user','content':'hi'"       \
    "}" turns "]"
#define SAYS(blocks) ",{'role':'system','content':[" blocks "]}"
#define ADDS(name)                                                             \
    "{'type':'tool_addition','tool':{'type':'tool_reference','name':'" name    \
    "'}}"
#define TAKES(name)                                                            \
    "{'type':'tool_removal','tool':{'type':'tool_reference','name':'" name "'" \
    "}"                                                                        \
    "}"
#define BRINGS(name)                                                           \
    "{'type':'tool_addition','tool':{'type':'tool_definition','definition':{"  \
    "'name':'" name "','input_schema':{'n':1}}}}"
#define F "{'type':'function','function':{'name':'f','parameters':{}}}"
#define G "{'type':'function','function':{'name':'g','parameters':{}}}"
#define MADE(name)                                                             \
    "{'type':'function','function':{'name':'" name "','parameters':{'n':1}}}"
    static const struct row rows[] = {
        {LATE(""), "'tools':[" F "]}"},
        {LATE(",{'role':'user','content':[{'type':'tool_result','tool_use_id':"
              "'a','content':[{'type':'tool_reference','tool_name':'g'}]}]}"),
         "'tools':[" F "," G "]}"},
        {LATE(SAYS(ADDS("g"))), "'tools':[" F "," G "]}"},
        {LATE(SAYS(ADDS("g") "," TAKES("f"))), "'tools':[" G "]}"},
        {LATE(SAYS(ADDS("g")) SAYS(TAKES("g"))), "'tools':[" F "]}"},
        {LATE(SAYS(TAKES("f")) SAYS(ADDS("f"))), "'tools':[" F "]}"},
        {LATE(SAYS(BRINGS("h"))), "'tools':[" F "," MADE("h") "]}"},
        {LATE(SAYS(BRINGS("f"))), "'tools':[" MADE("f") "]}"},
        {LATE(SAYS(BRINGS("h") "," TAKES("h"))), "'tools':[" F "]}"},
        {LATE(SAYS(TAKES("f"))), "'max_tokens':9}"}, /* none is left */
        {LATE(SAYS("{'type':'text','text':'s'}," ADDS("g"))),
         "'content':'hi\\n\\n<system-reminder>\\ns\\n</system-reminder>'}]"},
        {"'messages':[{'role':'system','content':[" BRINGS(
             "h") "]},{'role':'user','content':'hi'}]",
         "'messages':[{'role':'user','content':'hi'}],'max_tokens':9,'tools':"
         "[" MADE("h") "]}"},
        {NULL, NULL}};
    static const struct row wrong[] = {
        {LATE(SAYS("{'type':'tool_addition','tool':{'type':'tool_definition',"
                   "'definition':{'name':'h'}}}")),
         "tools.2: name and input_schema are needed"},
        {USER(ADDS("f")), "'tool_addition' is not supported"},
        {LATE(SAYS("{'type':'image'}")), "'image' is not supported"},
        {NULL, NULL}};

    become(rows, 0);
    become(wrong, -1);
}

/* It is a part of the conversation from then on. */
static void a_document_of_a_tool_ends_nothing(void)
{
#define PDF                                                                    \
    "{'type':'document','source':{'type':'base64','media_type':"               \
    "'application/pdf','data':'AA=='}}"
#define RESULT(content) "{'type':'tool_result','tool_use_id':'a'," content "}"
    static const struct row rows[] = {
        {USER(RESULT("'content':[{'type':'text','text':'t'}," PDF "]")),
         "'content':'t\\n\\n[A document that this model cannot read, such as a "
         "PDF. Its text has to be extracted by other means.]'}]"},
        {USER(RESULT("'content':'r'") "," PDF),
         "'content':'r'},{'role':'user','content':'[A document that this"},
        {NULL, NULL}};

    become(rows, 0);
}

CU_ErrorCode test_tool_changes_add(void)
{
    static const struct unit_test tests[] = {
        {"tools come and go", tools_come_and_go},
        {"a document of a tool ends nothing",
         a_document_of_a_tool_ends_nothing},
        {NULL, NULL}};

    return unit_add("tool_changes", tests);
}
