/* Mirrors fcgi/config/asking.c: how may who may have a model be asked? */
#include "fcgi/config/asking.h"

#include <string.h>

#include "fcgi/config/config.h"
#include "given.h"
#include "lib/base.h"
#include "unit.h"

#define FULL                                                                   \
    "'reasoning_field':'reasoning_content','prefill':true,'max_tokens':100"
#define TWO(a, b) "'upstreams':[{'name':'a'," a "},{'name':'b'," b "}]"

static const struct row {
    const char *settings, *model;
    const char *field; /* NULL: none */
    bool may_continue;
    int64_t max_tokens;
} rows[] = {
    {"{}", "m", NULL, false, 0},
    {"{'upstreams':[{" FULL "}]}", "m", "reasoning_content", true, 100},
    /* what all have in common */
    {"{" TWO(FULL, FULL) "}", "m", "reasoning_content", true, 100},
    {"{" TWO(FULL, "'max_tokens':7") "}", "m", NULL, false, 7},
    {"{" TWO("'prefill':true", FULL) "}", "m", NULL, true, 100},
    {"{" TWO("'reasoning_field':'reasoning'", FULL) "}", "m", NULL, false, 100},
    /* of those that may have it */
    {"{" TWO("'models':['x/*']," FULL, "'models':['y/*']") "}", "x/m",
     "reasoning_content", true, 100},
    {"{" TWO("'models':['x/*']," FULL, "'models':['y/*']") "}", "y/m", NULL,
     false, 0},
    {"{" TWO("'models':['x/*']," FULL, "'weight':1") "}", "x/m",
     "reasoning_content", true, 100},
    {"{" TWO("'models':['x/*']," FULL, "'weight':1") "}", "m", NULL, false, 0},
    /* by its own name, and with those in its place */
    {"{" TWO("'models':['x/*']," FULL, "'weight':1") ",'model_alias':"
                                                     "{'claude-*':'x/m'}}",
     "claude-3", "reasoning_content", true, 100},
    {"{" TWO("'models':['x/*']," FULL, "'weight':1") ",'fallbacks':"
                                                     "{'x/m':['z']}}",
     "x/m", NULL, false, 100},
    /* who speaks Messages is asked otherwise */
    {"{" TWO(FULL, "'protocols':['chat','messages']") "}", "m",
     "reasoning_content", true, 100},
};

static void it_is_what_those_who_may_have_it_have_in_common(void)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct config *c = given_sound(r->settings, NULL, NULL);
        struct asking a;

        asking_of(c, r->model, "messages", &a);
        if (r->field == NULL)
            CU_ASSERT_PTR_NULL(a.reasoning_field);
        if (r->field != NULL && a.reasoning_field != NULL)
            CU_ASSERT_STRING_EQUAL(a.reasoning_field, r->field);
        CU_ASSERT_EQUAL(a.reasoning_field != NULL, r->field != NULL);
        CU_ASSERT_EQUAL(a.may_continue, r->may_continue);
        CU_ASSERT_EQUAL(a.max_tokens, r->max_tokens);
        config_free(c);
    }
}

static const struct unit_test tests[] = {
    {"it is what those who may have it have in common",
     it_is_what_those_who_may_have_it_have_in_common},
    {NULL, NULL},
};

CU_ErrorCode test_asking_add(void)
{
    return unit_add("asking", tests);
}
