/* Live changes: put together, put on top of the rest, and what stays. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/config.h"
#include "fcgi/config/json_file.h"
#include "fcgi/config/keep.h"
#include "fcgi/config/live.h"
#include "fcgi/pages/config_page.h"
#include "lib/buf.h"
#include "lib/complaint.h"
#include "unit.h"

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

static struct config *build(const char *file, const char *live,
                            char *const *env, char *err, size_t max)
{
    struct json_object *object = live != NULL ? json(live) : NULL;
    struct json_object *text = json(file);
    struct json_file content = {
        .text = strdup(json_object_to_json_string(text)), .mode = 0600};
    struct config_from from = {&content, object, NULL, env};
    struct config *cfg = NULL;

    content.len = strlen(content.text);
    (void)config_build(&cfg, &from, err, max);
    json_file_free(&content);
    json_object_put(object);
    json_object_put(text);
    return cfg;
}

static struct config *sound(const char *file, const char *live)
{
    char *env[] = {NULL}, err[512] = "";
    struct config *cfg = build(file, live, env, err, sizeof(err));

    if (cfg == NULL)
        printf("\n    %s", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
    return cfg;
}

static enum setting_source source_of(struct config *cfg, const char *key)
{
    struct config_upstream *up;
    const struct setting *row = live_find(cfg, key, &up);

    CU_ASSERT_PTR_NOT_NULL_FATAL(row);
    return setting_source(row, cfg, up);
}

static void live_changes_win(void)
{
    char requests[] = "SLUICE_REQUESTS=30", err[512];
    char *env[] = {requests, NULL};
    struct config *cfg =
        build("{'queue':{'max':9}}",
              "{'queue.max':8,'upstreams.nim.requests':7,'heartbeat_s':1.5}",
              env, err, sizeof(err));

    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
    CU_ASSERT_TRUE(cfg->queue_max == 8 && cfg->heartbeat_ms == 1500);
    CU_ASSERT_TRUE(cfg->upstreams[0].requests == 7);
    CU_ASSERT_TRUE(cfg->upstreams[0].burst == 7); /* follows */
    CU_ASSERT_EQUAL(source_of(cfg, "upstreams.nim.requests"), SOURCE_LIVE);
    CU_ASSERT_EQUAL(source_of(cfg, "upstreams.nim.burst"), SOURCE_DEFAULT);
    CU_ASSERT_EQUAL(source_of(cfg, "queue.max"), SOURCE_LIVE);
    config_free(cfg);
}

/* As an object, or as a variable has it: people write them so. */
static void names_of_models_are_live(void)
{
    struct config *cfg =
        sound("{'model_alias':{'a':'b'},'fallbacks':{'m':['n']}}",
              "{'model_alias':{'claude-*':'x/y','z':'w'},"
              "'fallbacks':'m=o|p,q=r'}");

    CU_ASSERT_EQUAL_FATAL(cfg->n_aliases, 2);
    CU_ASSERT_STRING_EQUAL(cfg->aliases[0], "claude-*=x/y");
    CU_ASSERT_STRING_EQUAL(cfg->aliases[1], "z=w");
    CU_ASSERT_EQUAL_FATAL(cfg->n_fallbacks, 2);
    CU_ASSERT_STRING_EQUAL(cfg->fallbacks[1], "q=r");
    CU_ASSERT_EQUAL(source_of(cfg, "model_alias"), SOURCE_LIVE);
    config_free(cfg);
    cfg = sound("{'model_alias':{'a':'b'}}", "{'model_alias':'a=c'}");
    CU_ASSERT_EQUAL(cfg->n_aliases, 1);
    config_free(cfg);
    cfg = sound("{'model_alias':{'a':'b'}}", "{'model_alias':''}");
    CU_ASSERT_EQUAL(cfg->n_aliases, 0);
    config_free(cfg);
}

static void a_bad_value_names_key_and_range(void)
{
    char *env[] = {NULL}, err[512];
    static const struct {
        const char *live, *says;
    } bad[] = {
        {"{'upstreams.nim.requests':0}",
         "upstreams.nim.requests: 0 is refused; must be a whole number from 1 "
         "to 10000"},
        {"{'queue.max':'x'}", "queue.max: "},
        {"{'model_alias':{'a':'b c'}}", "model_alias: a pattern or model has"},
        {"{'model_alias':'a=b=c'}", "model_alias: a pattern or model has"},
        {"{'model_alias':['a']}",
         "model_alias: [\"a\"] is refused; must be an"},
        {"{'fallbacks':'a=b,a=c'}", "fallbacks: a is there twice"},
        {"{'upstreams.nim.burst':41}", "upstreams.nim.burst: 41 is more than "
                                       "upstreams.nim.requests"},
    };
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CU_ASSERT_PTR_NULL(build("{}", bad[i].live, env, err, sizeof(err)));
        CU_ASSERT_PTR_NOT_NULL(strstr(err, bad[i].says));
    }
}

/* Its upstream is gone, or the file was edited by hand. */
static void what_fits_nowhere_is_left_aside(void)
{
    struct config *cfg = sound(
        "{'upstreams':[{'name':'a'}]}",
        "{'upstreams.nim.requests':7,'base_url':'http://x','upstreams.':1,"
        "'upstreams..requests':1,'data_dir':'/x','':5}");

    CU_ASSERT_EQUAL(cfg->upstreams[0].requests, 40);
    CU_ASSERT_STRING_EQUAL(cfg->data_dir, "/var/lib/sluice");
    config_free(cfg);
}

static void expect_merged(const char *live, const char *patch, const char *want)
{
    struct config *cfg = sound("{}", NULL);
    struct json_object *a = live != NULL ? json(live) : NULL, *b = json(patch);
    struct json_object *wanted = json(want), *merged;
    char err[256];
    struct complaint c = {err, sizeof(err)};

    merged = live_merge(cfg, a, b, &c);
    CU_ASSERT_TRUE(merged != NULL && json_object_equal(merged, wanted));
    json_object_put(merged);
    json_object_put(wanted);
    json_object_put(a);
    json_object_put(b);
    config_free(cfg);
}

static void a_patch_is_put_on_top(void)
{
    expect_merged(NULL, "{}", "{}");
    expect_merged(NULL, "{'queue.max':5}", "{'queue.max':5}");
    expect_merged("{'queue.max':5,'heartbeat_s':1}", "{'queue.max':6}",
                  "{'queue.max':6,'heartbeat_s':1}");
    expect_merged("{'queue.max':5,'heartbeat_s':1}", "{'queue.max':null}",
                  "{'heartbeat_s':1}");
    expect_merged("{}", "{'queue.max':null}", "{}");
    expect_merged("{'upstreams.gone.requests':5}",
                  "{'upstreams.gone.requests':null}", "{}");
}

static void a_patch_of_what_is_not_live_is_refused(void)
{
    static const struct {
        const char *patch, *says;
    } bad[] = {
        {"{'nothing':1}", "nothing: unknown key; must be"}, /* not near */
        {"{'queue.mx':1}", "queue.mx: unknown key; the nearest known one is "
                           "queue.max"},
        {"{'window_s':1}", "the nearest known one is upstreams.nim.window_s"},
        {"{'windows_s':1}", "the nearest known one is upstreams.nim.window_s"},
        {"{'upstreams.nmi.burst':1}",
         "nearest known one is upstreams.nim.burst"},
        {"{'upstreams.nim.reqests':1}", "known one is upstreams.nim.requests"},
        {"{'timeout_s':1}", "timeout_s: unknown key; "},
        {"{'nothing':null}", "nothing: unknown key"},
        {"{'upstreams.gone.requests':5}", "upstreams.gone.requests: unknown"},
        {"{'upstreams.nim':5}", "unknown key"},
        {"{'queue':{'max':5}}", "queue: unknown key"},
        {"{'upstreams.nim2.max-x':5}", "upstreams.nim2.max-x: unknown"},
        {"{'nvapi-a1.B':1}", "(not shown): unknown key"},
        {"{'sk-a1b2c3':1}", "(not shown): unknown key"},
        {"{'requests':5}", "requests: unknown key; the nearest known one is "
                           "upstreams.nim.requests"},
        {"{'hosts':[]}", "hosts: cannot be changed live; must be set in the "
                         "settings file, which POST /api/reload reads"},
        {"{'queue.max':1,'state_dir':'/x'}", "state_dir: cannot be changed"},
        {"{'upstreams.nim.api_key_file':'/x'}", "cannot be changed live"},
    };
    struct config *cfg = sound("{}", NULL);
    char err[256];
    struct complaint c = {err, sizeof(err)};
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct json_object *patch = json(bad[i].patch);

        err[0] = '\0';
        CU_ASSERT_PTR_NULL(live_merge(cfg, NULL, patch, &c));
        CU_ASSERT_PTR_NOT_NULL(strstr(err, bad[i].says));
        json_object_put(patch);
    }
    config_free(cfg);
}

/* ---- what needs a restart ------------------------------------------------ */

static void fixed_settings_stay(void)
{
    struct config *now = sound("{'max_body_mb':5,'hosts':['a.example'],"
                               "'upstreams':[{'scope':'model'}]}",
                               NULL);
    struct config *next =
        sound("{'max_body_mb':6,'hosts':['b.example'],'queue':{'max':3},"
              "'state_dir':'/x','upstreams':[{'requests':4,'models':['m']}]}",
              NULL);
    struct json_object *notes = json_object_new_array();
    char err[256];

    keep_fixed(next, now, notes);
    CU_ASSERT_EQUAL(config_settle(next, err, sizeof(err)), 0);
    CU_ASSERT_EQUAL(next->max_body_bytes, 5 * 1024 * 1024);
    CU_ASSERT_STRING_EQUAL(next->state_dir, "/run/sluice");
    CU_ASSERT_STRING_EQUAL(next->hosts[0], "b.example");
    CU_ASSERT_TRUE(next->queue_max == 3 && next->upstreams[0].requests == 4);
    CU_ASSERT_EQUAL(next->upstreams[0].scope, SCOPE_MODEL);
    CU_ASSERT_PTR_NULL(next->upstreams[0].models);
    CU_ASSERT_EQUAL(json_object_array_length(notes), 4);
    json_object_put(notes);
    config_free(now);
    config_free(next);
}

static void upstreams_keep_their_numbers(void)
{
    struct config *now =
        sound("{'upstreams':[{'name':'a','models':['x']},{'name':'b'}]}", NULL);
    struct config *next =
        sound("{'upstreams':[{'name':'c','models':['y']},{'name':'b','requests'"
              ":5,'models':['z']},{'name':'d'}]}",
              "{'upstreams.b.margin_ms':7}");
    struct json_object *notes = json_object_new_array();

    keep_fixed(next, now, notes);
    CU_ASSERT_EQUAL_FATAL(next->n_upstreams, 2);
    CU_ASSERT_STRING_EQUAL(next->upstreams[0].name, "a");
    CU_ASSERT_STRING_EQUAL(next->upstreams[0].models[0], "x");
    CU_ASSERT_STRING_EQUAL(next->upstreams[1].name, "b");
    CU_ASSERT_EQUAL(next->upstreams[1].requests, 5);
    CU_ASSERT_EQUAL(next->upstreams[1].margin_ms, 7);
    CU_ASSERT_EQUAL(source_of(next, "upstreams.b.margin_ms"), SOURCE_LIVE);
    CU_ASSERT_PTR_NULL(next->upstreams[1].models);
    CU_ASSERT_TRUE(json_object_array_length(notes) >= 1);
    json_object_put(notes);
    config_free(now);
    config_free(next);
}

/* ---- the page -------------------------------------------------------------- */

static void the_page_is_json_without_secrets(void)
{
    char key[] = "NVIDIA_API_KEY=nvapi-CANARY",
         admin[] = "SLUICE_ADMIN_TOKEN=CANARY";
    char *env[] = {key, admin, NULL}, err[256];
    struct config *cfg =
        build("{'origins':['https://a.example'],'retreat':"
              "{'max_s':0.25}}",
              "{'timeouts.idle_s':1.005}", env, err, sizeof(err));
    struct buf b = {NULL, 0, 0, 0};
    struct json_object *page, *row, *v;
    size_t i;

    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
    config_page_put(&b, cfg);
    buf_add(&b, "", 1);
    CU_ASSERT_PTR_NULL(strstr(buf_head(&b), "CANARY"));
    page = json_tokener_parse(buf_head(&b));
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    CU_ASSERT_TRUE_FATAL(
        json_object_object_get_ex(page, "timeouts.idle_s", &row));
    CU_ASSERT_TRUE(json_object_object_get_ex(row, "value", &v));
    CU_ASSERT_STRING_EQUAL(json_object_get_string(v), "1.005");
    CU_ASSERT_TRUE_FATAL(
        json_object_object_get_ex(page, "retreat.max_s", &row));
    CU_ASSERT_TRUE(json_object_object_get_ex(row, "value", &v));
    CU_ASSERT_STRING_EQUAL(json_object_get_string(v), "0.25");
    for (i = 0; setting_at(i) != NULL; i++) {
        const struct setting *s = setting_at(i);

        if (!s->of_upstream && s->change != CHANGE_RESTART)
            CU_ASSERT_TRUE(json_object_object_get_ex(page, s->key, &row));
    }
    json_object_put(page);
    buf_free(&b);
    config_free(cfg);
}

static const struct unit_test tests[] = {
    {"live changes win", live_changes_win},
    {"names of models are live", names_of_models_are_live},
    {"a bad value names key and range", a_bad_value_names_key_and_range},
    {"what fits nowhere is left aside", what_fits_nowhere_is_left_aside},
    {"a patch is put on top", a_patch_is_put_on_top},
    {"a patch of what is not live is refused",
     a_patch_of_what_is_not_live_is_refused},
    {"fixed settings stay", fixed_settings_stay},
    {"upstreams keep their numbers", upstreams_keep_their_numbers},
    {"the page is JSON without secrets", the_page_is_json_without_secrets},
    {NULL, NULL},
};

CU_ErrorCode test_live_add(void)
{
    return unit_add("live", tests);
}
