/* Mirrors fcgi/responses/response_tools.c. */
#include "fcgi/responses/response_tools.h"

#include <json-c/json.h>

#include "messages_lab.h"

static struct messages_fault fault;
static struct buf names;

/* What these members of a request become; "-": a fault. */
static void become(const char *members, const char *want)
{
    struct buf text = {NULL, 0, 0, 0}, out = text, body;
    struct json_object *root = NULL;

    buf_fmt(&text, "{%s}%c", members, '\0');
    body = lab_json(buf_head(&text));
    CU_ASSERT_EQUAL(json_read_object(buf_head(&body), body.len, &root),
                    JSON_READ_OK);
    fault.status = 0;
    buf_free(&names);
    if (response_tools_write(root, &out, &names, &fault)) {
        lab_holds(&out, want, true);
    } else {
        buf_free(&out);
        buf_str(&out, fault.words);
        CU_ASSERT_EQUAL(fault.status, 400);
        lab_holds(&out, want, false);
    }
    json_object_put(root);
    buf_free(&text);
    buf_free(&body);
    buf_free(&out);
}

#define F       "{'type':'function','name':'f'}"
#define OF(t)   "'tools':[" t "]"
#define NAMED   "{'type':'function','function':{'name':"
#define NOTHING ",'parameters':{'type':'object','properties':{}}}}"
#define TOOL    ",'tools':[" NAMED "'f'" NOTHING "]"
#define INPUT                                                                  \
    ",'parameters':{'type':'object','properties':{'input':{'type':'string'}}," \
    "'required':['input'],'additionalProperties':false}}}"

static void tools_become_functions(void)
{
    become(OF(F), TOOL);
    become(OF("{'type':'function','name':'f','description':'d','strict':true,"
              "'parameters':{'type':'object'}}"),
           ",'tools':[" NAMED "'f','description':'d','parameters':{'type':"
           "'object'},'strict':true}}]");
    become(OF("{'type':'custom','name':'p','description':'d','format':{'type':"
              "'grammar','syntax':'lark','definition':'a b'}}"),
           ",'tools':[" NAMED "'p','description':'d\\n\\nThe input must fit "
           "this grammar:\\na b'" INPUT "]");
    become(OF("{'type':'custom','name':'p'}"),
           ",'tools':[" NAMED "'p'" INPUT "]");
    become(OF("{'type':'namespace','name':'n','tools':[" F ",{'type':'custom',"
              "'name':'p'}]}"),
           ",'tools':[" NAMED "'n__f'" NOTHING "," NAMED "'n__p'" INPUT "]");
    become(OF("{'type':'function'}"), "tools.0: a name is needed");
    become(OF("{'type':'function','name':'f','parameters':[]}"),
           "tools.0.parameters: an object is needed");
    become("'tools':{}", "tools: a list is needed");
}

static void others_are_left_out_or_refused(void)
{
    become(OF("{'type':'web_search'}," F ",{'type':'image_generation'},"
              "{'type':'local_shell'},{'type':'of_tomorrow'}"),
           TOOL);
    become(OF("{'type':'web_search'}"), "has none of these");
    become(OF("{'type':'web_search'}") ",'tool_choice':'none'", "");
    become(OF(F ",{'type':'file_search','vector_store_ids':['v']}"),
           "tools.1: 'file_search' is a tool of OpenAI");
    become(OF(F ",{'type':'mcp','server_url':'u'}"), "tools.1: ");
    become(OF(F ",{}"), "tools.1: ");
}

static void one_may_be_chosen(void)
{
    static const char one[] =
        TOOL ",'tool_choice':{'type':'function','function':{'name':'f'}}";

    become(OF(F) ",'tool_choice':'required'", TOOL ",'tool_choice':'required'");
    become(OF(F) ",'tool_choice':{'type':'function','name':'f'}", one);
    become(OF(F) ",'tool_choice':{'type':'web_search'}", "tool_choice: ");
    become("'tool_choice':'required'", "tool_choice: there are no tools");
    become("'tool_choice':'auto'", "");
    become(OF(F) ",'parallel_tool_calls':false",
           TOOL ",'parallel_tool_calls':false");
    become(OF(F) ",'parallel_tool_calls':true", TOOL);
    become(OF("{'type':'function','name':'g'}," F) ",'tool_choice':{'type':'"
                                                   "allowed_tools','mode':'"
                                                   "required',"
                                                   "'tools':[{'type':'function'"
                                                   ",'name':'f'}]}",
           TOOL ",'tool_choice':'required'");
}

/* SPACE NULL: it is not known. */
static void is_found(const char *name, const char *own, const char *space,
                     bool is_custom)
{
    struct response_tool tool = {.name = NULL};
    bool found = response_tools_find(&names, name, strlen(name), &tool);

    CU_ASSERT_EQUAL(found, space != NULL);
    if (!found || space == NULL)
        return;
    CU_ASSERT_STRING_EQUAL(tool.name, own);
    CU_ASSERT_STRING_EQUAL(tool.space, space);
    CU_ASSERT_EQUAL(tool.is_custom, is_custom);
}

static void whose_a_call_is(void)
{
    become(OF("{'type':'custom','name':'p'},{'type':'namespace','name':'n',"
              "'tools':[" F "]}"),
           ",'tools':[" NAMED "'p'" INPUT "," NAMED "'n__f'" NOTHING "]");
    is_found("f", NULL, NULL, false);
    is_found("p", "p", "", true);
    is_found("n__f", "f", "n", false);
    is_found("n__g", NULL, NULL, false);
    buf_free(&names);
    is_found("p", NULL, NULL, false);
}

static void they_are_bounded(void)
{
    struct buf many = {NULL, 0, 0, 0};
    size_t i;

    buf_str(&many, "'tools':[" F);
    for (i = 0; i < 1024; i++)
        buf_str(&many, "," F);
    buf_fmt(&many, "]%c", '\0');
    become(buf_head(&many), "tools: there are more than 1024");
    buf_free(&many);
    buf_str(&many, OF("{'type':'namespace','name':'n','tools':[" F));
    many.len--; /* its last bracket */
    for (i = 0; i < 1024; i++)
        buf_str(&many, "," F);
    buf_fmt(&many, "]}]%c", '\0');
    become(buf_head(&many), "tools: there are more than 1024");
    buf_free(&many);
}

CU_ErrorCode test_responses_tools_add(void)
{
    static const struct unit_test tests[] = {
        {"tools become functions", tools_become_functions},
        {"others are left out, or refused", others_are_left_out_or_refused},
        {"one may be chosen", one_may_be_chosen},
        {"whose a call is, is found again", whose_a_call_is},
        {"they are bounded", they_are_bounded},
        {NULL, NULL}};

    return unit_add("responses_tools", tests);
}
