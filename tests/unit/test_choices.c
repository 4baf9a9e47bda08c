/* Mirrors fcgi/choices.c and fcgi/upstream/listed.c: to whom may it go? */
#include "fcgi/choices.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/config.h"
#include "fcgi/upstream/listed.h"
#include "given.h"
#include "lib/base.h"
#include "unit.h"

/* Takes "a b" as what UPSTREAM lists. */
static void list(struct listed *l, size_t upstream, const char *names)
{
    struct json_object *array = json_object_new_array();
    char text[128], *p, *rest = text;

    (void)snprintf(text, sizeof(text), "%s", names);
    json_object_array_add(array, json_object_new_object()); /* another's */
    while ((p = strtok_r(rest, " ", &rest)) != NULL) {
        struct json_object *one = json_object_new_object();

        json_object_object_add(one, "id", json_object_new_string(p));
        json_object_array_add(array, one);
    }
    listed_take(l, upstream, array);
    json_object_put(array);
}

static const struct row {
    const char *settings;
    const char *model;
    const char *lists[4]; /* of each upstream; NULL: not known */
    const char *want;     /* UPSTREAM:RANK:PATIENCE_S[=NAME], in their order */
    bool any_model;       /* no model's inference */
    bool is_bound;
} rows[] = {
#define AB                                                                     \
    "'upstreams':[{'name':'a','models':['a/*','m/*']},"                        \
    "{'name':'b','models':['b/*','m/*']}]"
#define ANY(more)                                                              \
    "'upstreams':[{'name':'a','models':['a/*']" more "},{'name':'b'" more      \
    "},{'name':'c'" more "}]"
    /* patterns */
    {"{}", "x", {0}, .want = "0:0:0"},
    {"{" AB "}", "a/x", {0}, .want = "0:0:0"},
    {"{" AB "}", "b/x", {0}, .want = "1:0:0"},
    {"{" AB "}", "m/x", {0}, .want = "0:0:0 1:0:0"},
    {"{" AB "}", "z", {0}, .want = "1:0:0"}, /* its words tell why */
    {"{" ANY() "}", "a/x", {0}, .want = "0:0:0"},
    {"{" ANY() "}", "z", {0}, .want = "1:0:0 2:0:0"},
    /* lists */
    {"{" ANY() "}", "z", {NULL, "z", NULL}, .want = "1:0:0 2:0:0"},
    {"{" ANY() "}", "z", {NULL, "y", NULL}, .want = "1:0:0 2:0:0"},
    {"{" ANY() "}", "z", {NULL, "y", "z"}, .want = "2:0:0"},
    {"{" ANY() ",'fallbacks':{'z':['a/y']}}",
     "z",
     {NULL, "y", NULL},
     .want = "2:0:0 0:1:0=a/y"},
    {"{" ANY() "}", "z", {NULL, "", "y zz"}, .want = "1:0:0 2:0:0"},
    {"{" ANY() "}", "a/x", {NULL, "y a/x b", "y"}, .want = "0:0:0 1:0:0"},
    {"{" ANY() "}", "a/x", {"a/y", "a/x"}, .want = "1:0:0"},
    {"{" ANY() "}", "a/x", {"a/y", "b", "c"}, .want = "0:0:0"},
    {"{" AB "}", "m/x", {"m/x", "m/y"}, .want = "0:0:0"},
    /* what is preferred */
    {"{" AB ",'prefer':'first','prefer_within_s':3}",
     "m/x",
     {0},
     .want = "0:0:3 1:1:3"},
    {"{" AB ",'prefer':'first'}", "m/x", {0}, .want = "0:0:0 1:1:0"},
    {"{'prefer':'cheapest','prefer_within_s':1.5,'upstreams':["
     "{'name':'a','cost':7},{'name':'b','cost':2},{'name':'c','cost':7},"
     "{'name':'d'}]}",
     "x",
     {0},
     .want = "3:0:1.5 1:1:1.5 0:2:1.5 2:2:1.5"},
    {"{'prefer':'soonest','prefer_within_s':9,'upstreams':["
     "{'name':'a','cost':7},{'name':'b','cost':2}]}",
     "x",
     {0},
     .want = "0:0:0 1:0:0"},
    /* models in its place */
    {"{" AB ",'fallbacks':{'a/x':['b/y','m/z']}}",
     "a/x",
     {0},
     .want = "0:0:0 1:1:0=b/y 0:2:0=m/z 1:2:0=m/z"},
    {"{" AB ",'prefer':'first','prefer_within_s':4,"
     "'fallbacks':{'m/x':['b/y','m/z']}}",
     "m/x",
     {0},
     .want = "0:0:4 1:1:4 1:2:4=b/y 0:3:4=m/z 1:4:4=m/z"},
    {"{" AB ",'fallbacks':{'gpt':['a/y','b/z']}}",
     "gpt",
     {0},
     .want = "0:0:0=a/y 1:1:0=b/z"},
    {"{'fallbacks':{'gpt':['a/y']}}", "gpt", {"a/y"}, .want = "0:0:0=a/y"},
    {"{'fallbacks':{'gpt':['a/y']}}", "gpt", {0}, .want = "0:0:0 0:1:0=a/y"},
    {"{'fallbacks':{'gpt':['a/y']}}", "gpt", {"z"}, .want = "0:0:0=a/y"},
    {"{" AB ",'fallbacks':{'a/x':['b/y']}}",
     "a/x",
     {"a/z", "b/y"},
     .want = "0:0:0 1:1:0=b/y"},
    {"{" ANY() ",'fallbacks':{'gpt':['x','y']}}",
     "gpt",
     {NULL, "y", "z"},
     .want = "1:0:0=x 2:0:0=x 1:1:0=y"},
    {"{'fallbacks':{'gpt':['a/y','gpt','a/y','a/z']}}",
     "gpt",
     {0},
     .want = "0:0:0 0:1:0=a/y 0:2:0=a/z"},
    {"{" AB ",'fallbacks':{'gpt':['y','z']}}", "gpt", {0}, .want = "1:0:0"},
    /* one alone, always the same */
    {"{" AB ",'fallbacks':{'m/x':['a/y']}}",
     "m/x",
     {0},
     .want = "0:0:0",
     .any_model = true},
    {"{" AB "}", "", {0}, .want = "1:0:0", .any_model = true},
    {"{" AB "}", "m/x", {0}, .want = "0:0:0", .is_bound = true},
};

static void tell(const struct choices *c, char *out, size_t max)
{
    size_t len = 0;
    uint32_t i;

    *out = '\0';
    for (i = 0; i < c->n && len < max; i++)
        len += (size_t)snprintf(
            out + len, max - len, "%s%u:%u:%g%s%s", i > 0 ? " " : "",
            c->list[i].upstream, c->list[i].rank,
            (double)c->list[i].patience_ns / (double)NS_PER_S,
            c->names[i] != NULL ? "=" : "",
            c->names[i] != NULL ? c->names[i] : "");
}

static void ask(struct choices *c, const struct row *row,
                const struct config *cfg, const struct listed *l)
{
    choices_of(c, &(struct choices_query){
                      .cfg = cfg,
                      .listed = l,
                      .model = row->model,
                      .served_by = row->any_model ? "" : row->model,
                      .is_bound = row->is_bound,
                  });
}

static void each_has_its_choices(void)
{
    size_t i, k;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct config *cfg = given_sound(rows[i].settings, NULL, NULL);
        struct listed *l = listed_new();
        struct choices c;
        char got[256];

        for (k = 0; k < ARRAY_LEN(rows[i].lists); k++)
            if (rows[i].lists[k] != NULL)
                list(l, k, rows[i].lists[k]);
        ask(&c, &rows[i], cfg, l);
        tell(&c, got, sizeof(got));
        if (strcmp(got, rows[i].want) != 0) {
            printf("\n    %s %s: wanted %s, got %s", rows[i].settings,
                   rows[i].model, rows[i].want, got);
            CU_FAIL("not its choices");
        }
        for (k = 0; k < c.n; k++) {
            CU_ASSERT_PTR_NOT_NULL_FATAL(c.list[k].model);
            CU_ASSERT_STRING_EQUAL(c.list[k].model,
                                   c.names[k] != NULL  ? c.names[k]
                                   : rows[i].any_model ? ""
                                                       : rows[i].model);
        }
        listed_free(l);
        config_free(cfg);
    }
}

static void keys_of_a_pool_are_equal(void)
{
    const struct row row = {.model = "x"};
    struct config *cfg =
        given_sound("{'prefer':'first','prefer_within_s':1,'upstreams':["
                    "{'name':'a'},{'name':'b'},{'name':'c'},{'name':'d'}]}",
                    NULL, NULL);
    struct choices c;
    char got[256];

    cfg->upstreams[1].pool_n = cfg->upstreams[2].pool_n = 2;
    cfg->upstreams[2].pool = 1; /* as pool_spread() makes them */
    ask(&c, &row, cfg, NULL);
    tell(&c, got, sizeof(got));
    CU_ASSERT_STRING_EQUAL(got, "0:0:1 1:1:1 2:1:1 3:2:1");
    CU_ASSERT_EQUAL(choices_servers(&c, cfg), 3);
    CU_ASSERT_EQUAL(choices_alike(&c, cfg, 0), 1);
    CU_ASSERT_EQUAL(choices_alike(&c, cfg, 1), 6); /* b and c */
    CU_ASSERT_EQUAL(choices_alike(&c, cfg, 2), 6);
    cfg->upstreams[1].pool = cfg->upstreams[2].pool = cfg->upstreams[3].pool =
        0;
    CU_ASSERT_EQUAL(choices_servers(&c, cfg), 1);
    CU_ASSERT_EQUAL(choices_alike(&c, cfg, 0), 0); /* nobody else is there */
    config_free(cfg);
}

/* Sixteen upstreams, each for the model and for eight in its place. */
static void there_are_no_more_than_sixteen(void)
{
    const struct row row = {.model = "m"};
    char text[1024] = "{'fallbacks':{'m':['1','2','3','4','5','6','7','8']},"
                      "'upstreams':[";
    struct config *cfg;
    struct choices c;
    size_t i;

    for (i = 0; i < UPSTREAMS_MAX - 1; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
                       "%s{'name':'u%zu'}", i > 0 ? "," : "", i);
    (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "]}");
    cfg = given_sound(text, NULL, NULL);
    ask(&c, &row, cfg, NULL);
    CU_ASSERT_EQUAL(c.n, CHOICES_MAX);
    CU_ASSERT_EQUAL(c.list[14].rank, 0);
    CU_ASSERT_EQUAL(c.list[15].rank, 1);
    CU_ASSERT_STRING_EQUAL(c.names[15], "1");
    config_free(cfg);
}

/* The state knows only the beginning of it, and a hash. */
static void a_long_name_is_asked_for_whole(void)
{
    const struct row row = {.model = "gpt"};
    char name[301], text[512];
    struct config *cfg;
    struct choices c;

    memset(name, 'x', 300);
    name[300] = '\0';
    (void)snprintf(text, sizeof(text), "{'fallbacks':{'gpt':['%s']}}", name);
    cfg = given_sound(text, NULL, NULL);
    ask(&c, &row, cfg, NULL);
    CU_ASSERT_EQUAL_FATAL(c.n, 2);
    CU_ASSERT_STRING_EQUAL(c.names[1], name);
    CU_ASSERT_EQUAL(strlen(c.list[1].model), MODEL_MAX - 1);
    CU_ASSERT_EQUAL(strncmp(c.list[1].model, name, 100), 0);
    config_free(cfg);
}

static void a_list_that_comes_anew_holds(void)
{
    struct listed *l = listed_new();

    CU_ASSERT_EQUAL(listed_has(NULL, 0, "a"), LISTED_UNKNOWN);
    CU_ASSERT_EQUAL(listed_has(l, 0, "a"), LISTED_UNKNOWN);
    list(l, 0, "c a b");
    CU_ASSERT_EQUAL(listed_has(l, 0, "a"), LISTED_YES);
    CU_ASSERT_EQUAL(listed_has(l, 0, "c"), LISTED_YES);
    CU_ASSERT_EQUAL(listed_has(l, 0, "d"), LISTED_NO);
    CU_ASSERT_EQUAL(listed_has(l, 1, "a"), LISTED_UNKNOWN);
    list(l, 0, "d");
    CU_ASSERT_EQUAL(listed_has(l, 0, "a"), LISTED_NO);
    CU_ASSERT_EQUAL(listed_has(l, 0, "d"), LISTED_YES);
    list(l, 0, "");
    CU_ASSERT_EQUAL(listed_has(l, 0, "d"), LISTED_NO);
    listed_free(l);
    listed_free(NULL);
}

static const struct unit_test tests[] = {
    {"each has its choices", each_has_its_choices},
    {"keys of a pool are equal", keys_of_a_pool_are_equal},
    {"there are no more than sixteen", there_are_no_more_than_sixteen},
    {"a long name is asked for whole", a_long_name_is_asked_for_whole},
    {"a list that comes anew holds", a_list_that_comes_anew_holds},
    {NULL, NULL},
};

CU_ErrorCode test_choices_add(void)
{
    return unit_add("choices", tests);
}
