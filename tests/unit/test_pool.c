/* Several upstreams: one with several keys (pool.c), those of one line
 * (lines.c), models in place of others (fallbacks.c). */
#include "fcgi/config/pool.h"
#include "fcgi/config/protocols.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fcgi/config/aliases.h"
#include "fcgi/config/config.h"
#include "fcgi/config/fallbacks.h"
#include "fcgi/config/json_file.h"
#include "fcgi/config/keep.h"
#include "fcgi/config/lines.h"
#include "fcgi/config/live.h"
#include "fcgi/config/rules.h"
#include "fcgi/pages/config_page.h"
#include "given.h"
#include "lib/base.h"
#include "lib/buf.h"
#include "lib/complaint.h"
#include "unit.h"

#define ERR_BYTES 512

/* ---- files with keys ---------------------------------------------------------- */

#define FILES 3

struct files {
    char path[FILES][64];
};

static void files_make(struct files *f, const char *a, const char *b,
                       const char *c)
{
    const char *const keys[FILES] = {a, b, c};
    size_t i;

    for (i = 0; i < FILES; i++)
        given_file(f->path[i], sizeof(f->path[i]), keys[i], strlen(keys[i]),
                   0600);
}

static void files_gone(struct files *f)
{
    size_t i;

    for (i = 0; i < FILES; i++)
        (void)unlink(f->path[i]);
}

/* FORM has %s for the list of the first N files. */
static void settings_of(char *out, size_t max, const struct files *f, size_t n,
                        const char *form)
{
    char list[256] = "";
    size_t i, len = 0;

    for (i = 0; i < n; i++)
        len += (size_t)snprintf(list + len, sizeof(list) - len, "%s'%s'",
                                i > 0 ? "," : "", f->path[i]);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(out, max, form, list);
#pragma GCC diagnostic pop
}

static struct json_object *json(const char *text)
{
    char copy[1024], *p;
    struct json_object *o;

    (void)snprintf(copy, sizeof(copy), "%s", text);
    for (p = copy; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    o = json_tokener_parse(copy);
    CU_ASSERT_PTR_NOT_NULL_FATAL(o);
    return o;
}

/* FILE and LIVE together; NULL: ERR. */
static struct config *build(const char *file, const char *live,
                            char err[ERR_BYTES])
{
    struct json_object *text = json(file), *object = json(live);
    struct json_file content = {
        .text = strdup(json_object_to_json_string(text)), .mode = 0600};
    char *env[] = {NULL};
    struct config_from from = {&content, object, NULL, env};
    struct config *cfg = NULL;

    content.len = strlen(content.text);
    (void)config_build(&cfg, &from, err, ERR_BYTES);
    json_file_free(&content);
    json_object_put(object);
    json_object_put(text);
    return cfg;
}

static struct config *sound(const char *file, const char *live)
{
    char err[ERR_BYTES] = "";
    struct config *cfg = build(file, live, err);

    if (cfg == NULL)
        printf("\n    %s", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
    return cfg;
}

#define POOL                                                                   \
    "{'upstreams':[{'name':'a','models':['a/*']},"                             \
    "{'name':'nim','requests':20,'weight':3,'set_headers':['X-A: b'],"         \
    "'api_key_files':[%s]},{'name':'z','models':['z/*']}]}"

/* ---- a pool ------------------------------------------------------------------- */

static void check_member(const struct config *c, size_t i, const char *name,
                         const char *key)
{
    const struct config_upstream *up = &c->upstreams[i];

    CU_ASSERT_STRING_EQUAL(up->name, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(up->api_key);
    CU_ASSERT_STRING_EQUAL(up->api_key, key);
    CU_ASSERT_TRUE(up->requests == 20 && up->burst == 20 && up->weight == 3);
    CU_ASSERT_TRUE(up->pool == 1 && up->pool_n == 3);
    CU_ASSERT_EQUAL_FATAL(up->n_set_headers, 1);
    CU_ASSERT_STRING_EQUAL(up->set_headers[0], "X-A: b");
    CU_ASSERT_EQUAL(pool_is_copy(c, i), i > 1);
}

static void each_key_is_an_upstream(void)
{
    struct config *c;
    struct files f;
    char text[512];

    files_make(&f, "k1\n", "k2", "k3");
    settings_of(text, sizeof(text), &f, 3, POOL);
    c = sound(text, "{}");
    CU_ASSERT_EQUAL_FATAL(c->n_upstreams, 5);
    check_member(c, 1, "nim", "k1");
    check_member(c, 2, "nim-2", "k2");
    check_member(c, 3, "nim-3", "k3");
    CU_ASSERT_STRING_EQUAL(c->upstreams[4].name, "z");
    CU_ASSERT_TRUE(c->upstreams[4].pool == 4 && c->upstreams[4].pool_n == 1);
    CU_ASSERT_TRUE(c->upstreams[0].pool == 0 && !pool_is_copy(c, 0));
    config_free(c);
    files_gone(&f);
}

static void refused(const struct files *f, const char *wanted)
{
    char text[512], err[ERR_BYTES] = "";
    struct config *c;

    settings_of(text, sizeof(text), f, 3, POOL);
    c = build(text, "{}", err);
    CU_ASSERT_PTR_NULL(c);
    config_free(c);
    if (strstr(err, wanted) == NULL) {
        printf("\n    wanted \"%s\", got \"%s\"", wanted, err);
        CU_FAIL("not refused as it should be");
    }
    CU_ASSERT_PTR_NULL(strstr(err, "CANARY"));
}

static void every_key_is_checked(void)
{
    struct files f;

    files_make(&f, CANARY, "b", CANARY "\n");
    refused(&f, "upstreams.nim.api_key_files: files 1 and 3 hold the same key");
    files_gone(&f);
    files_make(&f, "a", "b c", "d");
    refused(&f, "it has a space");
    files_gone(&f);
    files_make(&f, "a", "", "d");
    refused(&f, "it is empty");
    files_gone(&f);
    files_make(&f, "a", "b", "c\nd");
    refused(&f, "it has a space, a control");
    files_gone(&f);
}

static void a_key_that_others_may_read_is_refused(void)
{
    struct files f;

    files_make(&f, "a", "b", "c");
    (void)unlink(f.path[1]);
    given_file(f.path[1], sizeof(f.path[1]), "b", 1, 0644);
    refused(&f, "others may read or write it");
    files_gone(&f);
}

static void put_page(struct buf *b, const char *text, const char *live)
{
    struct config *c = sound(text, live);

    config_page_put(b, c);
    buf_add(b, "", 1);
    config_free(c);
}

static bool has(const struct buf *b, const char *text)
{
    return strstr(buf_head(b), text) != NULL;
}

/* Without where they lie, and without their keys. */
static void it_is_shown_as_it_is_written(void)
{
    struct buf b = {NULL, 0, 0, 0};
    struct files f;
    char text[512];

    files_make(&f, CANARY, "b", "c");
    settings_of(text, sizeof(text), &f, 3, POOL);
    put_page(&b, text, "{}");
    CU_ASSERT_TRUE(has(&b, "\"upstreams.nim.api_key_files\":{\"value\":[\""));
    CU_ASSERT_TRUE(has(&b, strrchr(f.path[2], '/') + 1));
    CU_ASSERT_FALSE(has(&b, "/tmp/"));
    CU_ASSERT_FALSE(has(&b, "nim-2"));
    CU_ASSERT_FALSE(has(&b, "CANARY"));
    buf_free(&b);
    files_gone(&f);
}

static void a_live_change_is_of_all_of_them(void)
{
    struct complaint c = {NULL, 0};
    struct config_upstream *up;
    struct json_object *patch = json("{'upstreams.nim-2.requests':9}"), *live;
    struct files f;
    struct config *cfg;
    char text[512];

    files_make(&f, "a", "b", "c");
    settings_of(text, sizeof(text), &f, 3, POOL);
    cfg = sound(text, "{'upstreams.nim.requests':7,"
                      "'upstreams.nim-2.requests':9}");
    CU_ASSERT_TRUE(cfg->upstreams[1].requests == 7);
    CU_ASSERT_TRUE(cfg->upstreams[2].requests == 7);
    CU_ASSERT_TRUE(cfg->upstreams[3].requests == 7);
    CU_ASSERT_PTR_NULL(live_find(cfg, "upstreams.nim-2.requests", &up));
    CU_ASSERT_PTR_NOT_NULL(live_find(cfg, "upstreams.nim.requests", &up));
    live = live_merge(cfg, NULL, patch, &c);
    CU_ASSERT_PTR_NULL(live);
    json_object_put(live);
    json_object_put(patch);
    config_free(cfg);
    files_gone(&f);
}

/* ---- a reload ------------------------------------------------------------------ */

/* What NEXT becomes beside NOW, with what is said of it in NOTES. */
static struct config *kept(const char *now_text, const char *next_text,
                           struct json_object *notes)
{
    struct config *now = sound(now_text, "{}"), *next = sound(next_text, "{}");
    char err[ERR_BYTES];

    keep_fixed(next, now, notes);
    CU_ASSERT_EQUAL(config_settle(next, err, sizeof(err)), 0);
    config_free(now);
    return next;
}

static void another_number_of_keys_needs_a_restart(void)
{
    struct json_object *notes = json_object_new_array();
    char three[512], two[512];
    struct config *c;
    struct files f;

    files_make(&f, "a", "b", "c");
    settings_of(three, sizeof(three), &f, 3,
                "{'upstreams':[{"
                "'api_key_files':[%s]}]}");
    settings_of(two, sizeof(two), &f, 2,
                "{'upstreams':[{'requests':5,'api_key_files':[%s]}]}");
    c = kept(three, two, notes);
    CU_ASSERT_EQUAL_FATAL(c->n_upstreams, 3);
    CU_ASSERT_STRING_EQUAL(c->upstreams[2].name, "nim-3");
    CU_ASSERT_STRING_EQUAL(c->upstreams[2].api_key, "c");
    CU_ASSERT_TRUE(c->upstreams[2].requests == 5); /* like the others */
    CU_ASSERT_TRUE(c->upstreams[2].pool == 0 && c->upstreams[2].pool_n == 3);
    CU_ASSERT_TRUE(c->upstreams[1].requests == 5);
    CU_ASSERT_EQUAL(c->upstreams[0].n_api_key_files, 3);
    config_free(c);
    c = kept(two, three, notes);
    CU_ASSERT_EQUAL_FATAL(c->n_upstreams, 2);
    CU_ASSERT_STRING_EQUAL(c->upstreams[1].api_key, "b");
    CU_ASSERT_TRUE(c->upstreams[1].requests == 40);
    config_free(c);
    CU_ASSERT_PTR_NULL(
        strstr(json_object_to_json_string(notes), "upstreams.nim-"));
    json_object_put(notes);
    files_gone(&f);
}

static void other_keys_need_a_restart(void)
{
    struct json_object *notes = json_object_new_array();
    char first[512], last[512];
    struct files f, g;
    struct config *c;

    files_make(&f, "a", "b", "c");
    files_make(&g, "d", "e", "f");
    settings_of(first, sizeof(first), &f, 3, POOL);
    settings_of(last, sizeof(last), &g, 3, POOL);
    c = kept(first, last, notes);
    CU_ASSERT_STRING_EQUAL(c->upstreams[1].api_key, "a");
    CU_ASSERT_STRING_EQUAL(c->upstreams[3].api_key, "c");
    CU_ASSERT_STRING_EQUAL(c->upstreams[3].api_key_files[2], f.path[2]);
    CU_ASSERT_PTR_NOT_NULL(strstr(json_object_to_json_string(notes),
                                  "upstreams.nim.api_key_files: has changed"));
    CU_ASSERT_PTR_NULL(
        strstr(json_object_to_json_string(notes), "upstreams.nim-"));
    config_free(c);
    json_object_put(notes);
    files_gone(&f);
    files_gone(&g);
}

/* ---- lines ----------------------------------------------------------------------- */

static const struct {
    const char *models[4]; /* of each upstream, in JSON; "": all models */
    const char *fallbacks; /* or NULL */
    size_t lines[4];
} line_rows[] = {
    {{"['a/*']", "['b/*']", "['c']"}, NULL, {0, 1, 2}},
    {{"['a/*']", "['b/*']", "['a/x']"}, NULL, {0, 1, 0}},
    {{"['a/*']", "['b/*']", ""}, NULL, {0, 0, 0}},
    {{"['a/*','b/*']", "['c/*']", "['b/x']"}, NULL, {0, 1, 0}},
    {{"['a/*']", "['c/*','b/*']", "['c/x']", "['a/y']"}, NULL, {0, 1, 1, 0}},
    {{"['a']", "['ab']"}, NULL, {0, 1}},
    {{"['a*']", "['ab']"}, NULL, {0, 0}},
    {{"['ab*']", "['a']"}, NULL, {0, 1}},
    {{"['a?']", "['ab']"}, NULL, {0, 0}},
    {{"['[ab]*']", "['b/x']"}, NULL, {0, 0}},
    {{"['a\\\\b']", "['ab']"}, NULL, {0, 0}},
    {{"['*-instruct']", "['meta/*']"}, NULL, {0, 0}},
    /* a chain has one end */
    {{"['c/*']", "['a/*']", "['b/*']", "['a/x','b/y','c/z']"},
     NULL,
     {0, 0, 0, 0}},
    /* models in place of others */
    {{"['a/*']", "['b/*']", "['c/*']"}, "{'a/x':['c/y']}", {0, 1, 0}},
    {{"['a/*']", "['b/*']", "['c/*']"}, "{'gpt':['a/x','b/y']}", {0, 0, 2}},
    {{"['a/*']", "['b/*']", "['c/*']"}, "{'b/x':['c/y','d']}", {0, 1, 1}},
    {{"['a/*']", "['b/*']", "['c/*']"}, "{'b/x':['b/y']}", {0, 1, 2}},
};

static void those_that_share_a_model_share_a_line(void)
{
    size_t i, k;

    for (i = 0; i < ARRAY_LEN(line_rows); i++) {
        char text[1024] = "{'upstreams':[";
        struct config *c;

        for (k = 0; k < 4 && line_rows[i].models[k] != NULL; k++) {
            const char *models = line_rows[i].models[k];
            size_t len = strlen(text);

            (void)snprintf(text + len, sizeof(text) - len,
                           "%s{'name':'u%zu'%s%s}", k > 0 ? "," : "", k,
                           *models != '\0' ? ",'models':" : "", models);
        }
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
                       "],'fallbacks':%s}",
                       line_rows[i].fallbacks != NULL ? line_rows[i].fallbacks
                                                      : "{}");
        c = sound(text, "{}");
        CU_ASSERT_EQUAL_FATAL(c->n_upstreams, k);
        while (k-- > 0)
            if (c->upstreams[k].line != line_rows[i].lines[k]) {
                printf("\n    %s: u%zu is in line %zu", text, k,
                       c->upstreams[k].line);
                CU_FAIL("not in its line");
            }
        config_free(c);
    }
}

static void a_pool_is_one_line(void)
{
    struct files f;
    struct config *c;
    char text[512];

    files_make(&f, "a", "b", "c");
    settings_of(text, sizeof(text), &f, 3,
                "{'upstreams':[{'name':'x','models':['x/*']},{'models':"
                "['m/*'],'api_key_files':[%s]}]}");
    c = sound(text, "{}");
    CU_ASSERT_TRUE(c->upstreams[0].line == 0 && c->upstreams[1].line == 1);
    CU_ASSERT_TRUE(c->upstreams[2].line == 1 && c->upstreams[3].line == 1);
    config_free(c);
    files_gone(&f);
}

static void the_limiter_is_told(void)
{
    struct config *c =
        sound("{'upstreams':[{'name':'a','models':['a/*'],'tokens_per_min':5,"
              "'tokens_counted':'out','weight':7},{'name':'b','models':['b/*'],"
              "'tokens_counted':'in'},{'name':'c','models':['a/x']}]}",
              "{'upstreams.b.tokens_per_min':2000000000}");
    struct limiter_settings set = rules_of(c);

    CU_ASSERT_TRUE(set.rules[0].tokens == 5 && set.rules[0].share == 7);
    CU_ASSERT_EQUAL(set.rules[0].counts, TOKENS_OUT);
    CU_ASSERT_EQUAL(set.rules[1].tokens, 2000000000);
    CU_ASSERT_TRUE(set.rules[1].counts == TOKENS_IN && set.rules[1].share == 1);
    CU_ASSERT_TRUE(set.rules[2].tokens == 0 &&
                   set.rules[2].counts == TOKENS_BOTH);
    /* those that share one, by its number and one; none: alone */
    CU_ASSERT_TRUE(set.rules[0].line == 1 && set.rules[2].line == 1);
    CU_ASSERT_EQUAL(set.rules[1].line, 0);
    config_free(c);
}

/* ---- fallbacks --------------------------------------------------------------------- */

static void a_name_has_its_models(void)
{
    struct config *c =
        sound("{'fallbacks':{'gpt':['a/x','b/y'],'gp':['c']}}", "{}");
    char out[FALLBACKS_MAX][MODEL_BYTES];

    CU_ASSERT_EQUAL_FATAL(fallbacks_of(c, "gpt", out), 2);
    CU_ASSERT_STRING_EQUAL(out[0], "a/x");
    CU_ASSERT_STRING_EQUAL(out[1], "b/y");
    CU_ASSERT_EQUAL_FATAL(fallbacks_of(c, "gp", out), 1);
    CU_ASSERT_STRING_EQUAL(out[0], "c");
    CU_ASSERT_EQUAL(fallbacks_of(c, "g", out), 0);
    CU_ASSERT_EQUAL(fallbacks_of(c, "", out), 0);
    CU_ASSERT_EQUAL(fallbacks_of(c, "gpt=a", out), 0);
    config_free(c);
}

static void the_most_of_them_fit(void)
{
    const char *most = "a=1|2|3|4|5|6|7|8";
    char out[FALLBACKS_MAX][MODEL_BYTES], var[128];
    struct config *c;

    (void)snprintf(var, sizeof(var), "SLUICE_FALLBACKS=%s,b=c", most);
    c = given_sound("{'fallbacks':{'x':['y']}}", var, NULL);
    CU_ASSERT_EQUAL(c->n_fallbacks, 2);
    CU_ASSERT_EQUAL_FATAL(fallbacks_of(c, "a", out), 8);
    CU_ASSERT_STRING_EQUAL(out[7], "8");
    CU_ASSERT_EQUAL(fallbacks_of(c, "x", out), 0);
    CU_ASSERT_PTR_NULL(fallbacks_fault(most));
    CU_ASSERT_PTR_NOT_NULL(fallbacks_fault("a=1|2|3|4|5|6|7|8|9"));
    config_free(c);
}

static void they_are_shown_as_they_are_written(void)
{
    struct buf b = {NULL, 0, 0, 0};

    put_page(&b, "{'fallbacks':{'//':'c','gpt':['a/x','b/\\\"y'],'o3':['c']}}",
             "{}");
    CU_ASSERT_TRUE(has(&b, "\"fallbacks\":{\"value\":{\"gpt\":[\"a/x\","
                           "\"b/\\\"y\"],\"o3\":[\"c\"]},\"default\":{},"
                           "\"type\":\"map\",\"live\":true,\"reload\":false"));
    buf_free(&b);
}

/* ---- other names, and what is spoken ------------------------------------------------ */

static void the_first_name_that_fits_holds(void)
{
    struct config *c = sound("{'model_alias':{'//':1,'claude-*-haiku*':'a/x',"
                             "'claude-*':'b/y','same':'same'}}",
                             "{}");
    char out[MODEL_BYTES];

    CU_ASSERT_TRUE(aliases_of(c, "claude-3-haiku-1", out));
    CU_ASSERT_STRING_EQUAL(out, "a/x");
    CU_ASSERT_TRUE(aliases_of(c, "claude-3", out));
    CU_ASSERT_STRING_EQUAL(out, "b/y");
    CU_ASSERT_FALSE(aliases_of(c, "same", out));
    CU_ASSERT_FALSE(aliases_of(c, "claude", out));
    CU_ASSERT_FALSE(aliases_of(c, "", out));
    config_free(c);
    c = given_sound("{}", "SLUICE_MODEL_ALIAS=a*=1,ab=2", NULL);
    CU_ASSERT_TRUE(aliases_of(c, "ab", out));
    CU_ASSERT_STRING_EQUAL(out, "1");
    config_free(c);
}

static void names_are_shown_as_they_are_written(void)
{
    struct buf b = {NULL, 0, 0, 0};

    put_page(&b, "{'model_alias':{'c*':'a/\\\"x','o?':'c'}}", "{}");
    CU_ASSERT_TRUE(has(&b, "\"model_alias\":{\"value\":{\"c*\":\"a/\\\"x\","
                           "\"o?\":\"c\"},\"default\":{},\"type\":\"map\","
                           "\"live\":true,\"reload\":false"));
    buf_free(&b);
}

static void who_speaks_messages_is_known(void)
{
    static const struct {
        const char *settings;
        enum protocols_who who;
    } rows[] = {
        {"{}", PROTOCOLS_NOBODY},
        {"{'upstreams':[{'key_header':'x-api-key'}]}", PROTOCOLS_ALL},
        {"{'upstreams':[{'key_header':'x-api-key','protocols':['chat']}]}",
         PROTOCOLS_NOBODY},
        {"{'upstreams':[{'protocols':['messages']}]}", PROTOCOLS_ALL},
        {"{'upstreams':[{'name':'a','protocols':['messages','chat']},"
         "{'name':'b'}]}",
         PROTOCOLS_SOME},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *c = sound(rows[i].settings, "{}");

        CU_ASSERT_EQUAL(protocols_speakers(c, "messages"), rows[i].who);
        config_free(c);
    }
}

static const struct unit_test tests[] = {
    {"each key is an upstream", each_key_is_an_upstream},
    {"the first name that fits holds", the_first_name_that_fits_holds},
    {"names are shown as they are written",
     names_are_shown_as_they_are_written},
    {"who speaks Messages is known", who_speaks_messages_is_known},
    {"every key is checked", every_key_is_checked},
    {"a key that others may read is refused",
     a_key_that_others_may_read_is_refused},
    {"it is shown as it is written", it_is_shown_as_it_is_written},
    {"a live change is of all of them", a_live_change_is_of_all_of_them},
    {"another number of keys needs a restart",
     another_number_of_keys_needs_a_restart},
    {"other keys need a restart", other_keys_need_a_restart},
    {"those that share a model share a line",
     those_that_share_a_model_share_a_line},
    {"a pool is one line", a_pool_is_one_line},
    {"the limiter is told", the_limiter_is_told},
    {"a name has its models", a_name_has_its_models},
    {"the most of them fit", the_most_of_them_fit},
    {"fallbacks are shown as they are written",
     they_are_shown_as_they_are_written},
    {NULL, NULL},
};

CU_ErrorCode test_pool_add(void)
{
    return unit_add("several upstreams", tests);
}
