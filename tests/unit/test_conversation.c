/* Mirrors fcgi/conversation.c: which requests are of one conversation? */
#include "fcgi/conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "unit.h"

static uint64_t of(enum sse_ends ends, const char *text)
{
    uint64_t c;
    char *body = strdup(text), *p;

    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    for (p = body; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    c = conversation_of(ends, body, strlen(body));
    free(body);
    return c;
}

static void are_same(enum sse_ends ends, const char *a, const char *b,
                     bool same)
{
    uint64_t x = of(ends, a), y = of(ends, b);

    if (x == 0 || y == 0 || (x == y) != same) {
        printf("\n    %s %s %s", a, same ? "is not" : "is", b);
        CU_FAIL("not told from each other as they should be");
    }
}

#define SYS "{'role':'system','content':'You are.'}"
#define HI  "{'role':'user','content':'Hi'}"
#define YES "{'role':'assistant','content':'Yes?'}"

static void later_turns_are_of_the_same(void)
{
    are_same(ENDS_DONE, "{'messages':[" SYS "," HI "]}",
             "{'messages':[" SYS "," HI "," YES ",{'role':'user','content':"
             "'Go on'}],'model':'a','stream':true}",
             true);
    are_same(ENDS_MESSAGE, "{'system':'S','messages':[" HI "]}",
             "{'messages':[" HI "," YES "],'max_tokens':5,'system':'S'}", true);
    are_same(ENDS_RESPONSE, "{'input':'Hi'}", "{'input':'Hi','store':false}",
             true);
    are_same(ENDS_RESPONSE, "{'instructions':'S','input':[" HI "]}",
             "{'input':[" HI "," YES "," HI "],'instructions':'S'}", true);
    are_same(ENDS_RESPONSE, "{'input':'Hi','previous_response_id':null}",
             "{'input':'Hi'}", true);
}

static void another_beginning_is_another(void)
{
    are_same(ENDS_DONE, "{'messages':[" SYS "," HI "]}",
             "{'messages':[" HI "]}", false);
    are_same(ENDS_DONE, "{'messages':[" HI "]}",
             "{'messages':[{'role':'user','content':'Ho'}]}", false);
    are_same(ENDS_MESSAGE, "{'system':'S','messages':[" HI "]}",
             "{'system':'T','messages':[" HI "]}", false);
    are_same(ENDS_MESSAGE, "{'system':'S','messages':[" HI "]}",
             "{'messages':[" HI "]}", false);
    are_same(ENDS_RESPONSE, "{'instructions':'a','input':'b'}",
             "{'instructions':'ab','input':''}", false);
    are_same(ENDS_RESPONSE, "{'instructions':'a','input':'b'}",
             "{'instructions':'b','input':'a'}", false);
    are_same(ENDS_RESPONSE, "{'instructions':'a','input':['b']}",
             "{'input':['a','b']}", false);
    are_same(ENDS_DONE, "{'messages':[{'role':'user','content':'ab','x':'c'}]}",
             "{'messages':[{'role':'user','content':'a','x':'bc'}]}", false);
}

/* As clients write the same again, and mark what is to be kept. */
static void only_words_count(void)
{
    are_same(ENDS_DONE, "{'messages':[" HI "]}",
             " { 'messages' : [ { 'role' : 'user' ,\n 'content' : 'Hi' } ] } ",
             true);
    are_same(ENDS_MESSAGE,
             "{'system':[{'type':'text','text':'S','cache_control':{'type':"
             "'ephemeral'}}],'messages':[{'role':'user','content':[{'type':"
             "'text','text':'Hi','cache_control':{'type':'ephemeral'}}]}]}",
             "{'system':[{'type':'text','text':'S'}],'messages':[{'role':"
             "'user','content':[{'type':'text','text':'Hi'}]}," YES "]}",
             true);
    are_same(ENDS_DONE, "{'messages':[{'role':'\\u0075ser','content':'Hi'}]}",
             "{'messages':[{'role':'\\u0075ser','content':'Hi'}," YES "]}",
             true);
}

static void what_is_none_is_not_known(void)
{
    static const struct {
        enum sse_ends ends;
        const char *text;
    } rows[] = {
        {ENDS_ANYHOW, "{'input':'Hi'}"},
        {ENDS_ANYHOW, "{'messages':[" HI "]}"},
        {ENDS_DONE, "{'prompt':'Hi'}"},
        {ENDS_DONE, "{'input':'Hi'}"},
        {ENDS_DONE, "{'messages':[]}"},
        {ENDS_DONE, "{'messages':{}}"},
        {ENDS_DONE, "{'x':{'messages':[" HI "]}}"},
        {ENDS_DONE, "[]"},
        {ENDS_DONE, ""},
        {ENDS_DONE, "{'messages':[" HI},
        {ENDS_DONE, "{'messages':"},
        {ENDS_RESPONSE, "{'messages':[" HI "]}"},
        {ENDS_RESPONSE, "{'input':'Hi','previous_response_id':'r'}"},
        {ENDS_RESPONSE, "{'previous_response_id':'r','input':'Hi'}"},
        {ENDS_MESSAGE, "{'system':'S'}"},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        if (of(rows[i].ends, rows[i].text) != 0) {
            printf("\n    %s", rows[i].text);
            CU_FAIL("it is none");
        }
}

/* A picture of N letters, and what is said of it. */
static uint64_t of_picture(size_t n, const char *words)
{
    char *body = malloc(n + 128);
    uint64_t c;
    int len;

    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    len = sprintf(body, "{\"messages\":[{\"role\":\"user\",\"content\":[\"");
    memset(body + len, 'x', n);
    (void)sprintf(body + (size_t)len + n, "\",\"%s\"]}]}", words);
    c = conversation_of(ENDS_DONE, body, strlen(body));
    free(body);
    return c;
}

static void pictures_hide_no_words(void)
{
    uint64_t c = of_picture(1 << 20, "a");

    CU_ASSERT_NOT_EQUAL(c, 0);
    CU_ASSERT_EQUAL(c, of_picture(1 << 20, "a"));
    CU_ASSERT_NOT_EQUAL(c, of_picture(1 << 20, "b"));
    CU_ASSERT_NOT_EQUAL(c, of_picture((1 << 20) + 1, "a"));
}

/* A picture of megabytes, a thousand messages, brackets without end. */
static void what_is_large_is_bounded(void)
{
    size_t n = 4 << 20, i;
    char *body = malloc(n + 64);
    uint64_t a, b;

    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    memset(body, 'x', n + 64);
    i = (size_t)sprintf(body,
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"");
    body[i] = 'x';
    (void)sprintf(body + n, "\"}]}");
    a = conversation_of(ENDS_DONE, body, strlen(body));
    body[n - 1] = 'y'; /* behind what is looked at */
    b = conversation_of(ENDS_DONE, body, strlen(body));
    CU_ASSERT_NOT_EQUAL(a, 0);
    CU_ASSERT_EQUAL(a, b);
    body[i + 5] = 'y';
    b = conversation_of(ENDS_DONE, body, strlen(body));
    CU_ASSERT_NOT_EQUAL(a, b);
    memset(body, '[', n);
    (void)sprintf(body, "{\"messages\":");
    body[12] = '[';
    a = conversation_of(ENDS_DONE, body, n);
    CU_ASSERT_EQUAL(a, 0);
    for (i = 12; i < n / 2; i++)
        body[i] = '[';
    for (; i < n - 12; i++)
        body[i] = ']';
    body[n - 12] = '}';
    a = conversation_of(ENDS_DONE, body, n - 11);
    CU_ASSERT_NOT_EQUAL(a, 0);
    free(body);
}

static void client_and_model_are_part_of_its_number(void)
{
    uint64_t c = of(ENDS_DONE, "{'messages':[" HI "]}");
    uint64_t d = of(ENDS_DONE, "{'messages':[" SYS "," HI "]}");
    uint64_t number = conversation_key(c, 7, "ann", "m");

    CU_ASSERT_NOT_EQUAL(number, 0);
    CU_ASSERT_EQUAL(number, conversation_key(c, 7, "ann", "m"));
    CU_ASSERT_NOT_EQUAL(number, conversation_key(d, 7, "ann", "m"));
    CU_ASSERT_NOT_EQUAL(number, conversation_key(c, 8, "ann", "m"));
    CU_ASSERT_NOT_EQUAL(number, conversation_key(c, 7, "bob", "m"));
    CU_ASSERT_NOT_EQUAL(number, conversation_key(c, 7, "ann", "n"));
    CU_ASSERT_NOT_EQUAL(number, conversation_key(c, 7, "m", "ann"));
}

static const struct unit_test tests[] = {
    {"later turns are of the same", later_turns_are_of_the_same},
    {"another beginning is another", another_beginning_is_another},
    {"only words count", only_words_count},
    {"what is none is not known", what_is_none_is_not_known},
    {"pictures hide no words", pictures_hide_no_words},
    {"what is large is bounded", what_is_large_is_bounded},
    {"client and model are part of its number",
     client_and_model_are_part_of_its_number},
    {NULL, NULL},
};

CU_ErrorCode test_conversation_add(void)
{
    return unit_add("conversations", tests);
}
