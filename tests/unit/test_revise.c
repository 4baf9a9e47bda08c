/*
 * What all workers follow: written down, found, and put right, whatever stands
 * in the files.  And the thread that waits for the disk.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fcgi/config/clients.h"
#include "fcgi/config/live.h"
#include "fcgi/config/revise.h"
#include "fcgi/config/terms.h"
#include "fcgi/config/token.h"
#include "lib/complaint.h"
#include "lib/offload.h"
#include "lib/serial.h"
#include "office.h"
#include "unit.h"

/* ---- what is wanted -------------------------------------------------------- */

static void all_follow_one_text(void)
{
    struct office *o = office_new("{'queue':{'max':50}}");
    struct clerk a, b;

    clerk_start(o, &a);
    clerk_start(o, &b);
    CU_ASSERT_EQUAL(a.own.generation, 1);
    CU_ASSERT_EQUAL(b.own.generation, 1);
    CU_ASSERT_EQUAL(clerk_patch(o, &a, "{'queue.max':60,'heartbeat_s':2}"),
                    200);
    office_put_file(o->file, "{'queue':{'per_client':7}}"); /* not reloaded */
    CU_ASSERT_EQUAL(clerk_follow(o, &b, 2), 200);
    CU_ASSERT_TRUE(b.cfg->queue_max == 60 && b.cfg->heartbeat_ms == 2000);
    CU_ASSERT_EQUAL(b.cfg->queue_per_client, 500);
    CU_ASSERT_TRUE(terms_same(&a.own, &b.own));
    CU_ASSERT_EQUAL(clerk_patch(o, &b, "{'queue.max':null}"), 200);
    CU_ASSERT_EQUAL(b.cfg->queue_max, 50);
    CU_ASSERT_EQUAL(clerk_make(o, &b, REVISE_RELOAD, NULL, 3, NULL), 200);
    CU_ASSERT_TRUE(b.cfg->queue_per_client == 7 && b.cfg->queue_max == 500);
    clerk_end(&a);
    clerk_start(o, &a); /* what is kept is there again */
    CU_ASSERT_TRUE(a.cfg->heartbeat_ms == 2000);
    CU_ASSERT_EQUAL(a.own.generation, b.own.generation);
    clerk_end(&a);
    clerk_end(&b);
    office_free(o);
}

static void a_start_is_a_reload(void)
{
    struct office *o = office_new("{'queue':{'max':50}}");
    struct clerk a, b;

    clerk_start(o, &a);
    office_put_file(o->file, "{'queue':{'max':51}}");
    clerk_start(o, &b);
    CU_ASSERT_EQUAL(b.own.generation, 2);
    CU_ASSERT_EQUAL(clerk_follow(o, &a, 2), 200);
    CU_ASSERT_EQUAL(a.cfg->queue_max, 51);
    clerk_end(&a);
    clerk_end(&b);
    office_free(o);
}

static void a_refused_change_changes_nothing(void)
{
    static const char *const bad[] = {"{'queue.max':5,'queue.per_client':0}",
                                      "{'queue.max':5,'nothing':1}",
                                      "{'queue.max':5",
                                      "[]",
                                      "",
                                      "{}x"};
    struct office *o = office_new("{}");
    struct clerk a;
    size_t i;

    clerk_start(o, &a);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CU_ASSERT_EQUAL(clerk_patch(o, &a, bad[i]), 400);
    CU_ASSERT_EQUAL(a.cfg->queue_max, 500);
    CU_ASSERT_EQUAL(json_object_object_length(a.own.live), 0);
    office_put_file(o->file, "{'queue':{'max':0}}");
    CU_ASSERT_EQUAL(clerk_make(o, &a, REVISE_RELOAD, NULL, 1, NULL), 400);
    CU_ASSERT_EQUAL(a.cfg->queue_max, 500);
    office_put_file(o->file, "{}");
    office_put(o, "data", ""); /* no directory */
    CU_ASSERT_EQUAL(clerk_patch(o, &a, "{'queue.max':5}"), 503);
    CU_ASSERT_EQUAL(a.cfg->queue_max, 500);
    clerk_end(&a);
    clerk_start(o, &a);
    CU_ASSERT_EQUAL(a.cfg->queue_max, 500);
    clerk_end(&a);
    office_free(o);
}

static void warnings_tell_what_is_in_vain(void)
{
    struct office *o = office_new("{'queue':{'max':50},'heartbeat_s':4}");
    struct clerk a;
    size_t notes;

    clerk_start(o, &a);
    CU_ASSERT_EQUAL(clerk_patch(o, &a, "{'queue.max':60,'heartbeat_s':2}"),
                    200);
    office_put_file(o->file,
                    "{'queue':{'max':51},'heartbeat_s':4,'drain_s':1}");
    CU_ASSERT_EQUAL(clerk_make(o, &a, REVISE_RELOAD, NULL, 2, &notes), 200);
    CU_ASSERT_EQUAL(notes, 2); /* queue.max, drain_s */
    CU_ASSERT_EQUAL(a.cfg->queue_max, 60);
    clerk_end(&a);
    office_free(o);
}

/* ---- what may happen ---------------------------------------------------------- */

static const char *const hostile[] = {
    "",
    "{",
    "{}",
    "[1]",
    "{'generation':7}",
    "{'generation':7,'file':null,'live':[]}",
    "{'generation':-7,'file':null,'live':{}}",
    "{'generation':1e18,'file':null,'live':{}}",
    "{'generation':9223372036854775807,'file':null,'live':{}}",
    "{'generation':'7','file':null,'live':{}}",
    "{'generation':7,'file':{},'live':{}}",
    "{'generation':7,'file':null,'live':{},'live':{}}",
};

static void torn_texts_are_put_right(void)
{
    struct office *o = office_new("{}");
    struct clerk a, b;
    size_t i;

    clerk_start(o, &a);
    CU_ASSERT_EQUAL(clerk_patch(o, &a, "{'queue.max':60}"), 200);
    for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        uint64_t before = a.own.generation;

        office_put(o, "adopted.json", hostile[i]);
        CU_ASSERT_EQUAL(clerk_follow(o, &a, before), 200);
        CU_ASSERT_EQUAL(a.own.generation, before + 1);
        CU_ASSERT_EQUAL(a.cfg->queue_max, 60);
        office_put(o, "adopted.json", hostile[i]);
        clerk_start(o, &b);
        CU_ASSERT_EQUAL(b.cfg->queue_max, 60);
        clerk_end(&b);
    }
    clerk_end(&a);
    office_free(o);
}

/* Sound as a text, but its settings are not: nobody follows. */
static void impossible_settings_are_not_followed(void)
{
    struct office *o = office_new("{}");
    struct clerk a;

    clerk_start(o, &a);
    office_put(o, "adopted.json",
               "{'generation':9,'file':null,'live':{'queue.max':0}}");
    CU_ASSERT_EQUAL(clerk_follow(o, &a, 9), 400);
    CU_ASSERT_EQUAL(a.own.generation, 1);
    CU_ASSERT_EQUAL(clerk_make(o, &a, REVISE_RELOAD, NULL, 9, NULL), 200);
    CU_ASSERT_EQUAL(a.own.generation, 10);
    clerk_end(&a);
    office_free(o);
}

/* Where the numbers end changes still reach everybody. */
static void no_generation_is_the_last(void)
{
    static const char *const changes[] = {
        "{'queue.max':71}", "{'queue.max':72}", "{'queue.max':73}"};
    struct office *o = office_new("{}");
    struct clerk a, b;
    size_t k;

    clerk_start(o, &a);
    clerk_start(o, &b);
    CU_ASSERT_EQUAL(clerk_follow(o, &a, SERIAL_MAX - 2), 200); /* of nobody */
    CU_ASSERT_EQUAL(clerk_follow(o, &b, SERIAL_MAX - 1), 200);
    for (k = 0; k < 3; k++) {
        CU_ASSERT_EQUAL(clerk_patch(o, k % 2 == 0 ? &a : &b, changes[k]), 200);
        CU_ASSERT_EQUAL(clerk_follow(o, &a, SERIAL_MAX), 200);
        CU_ASSERT_EQUAL(clerk_follow(o, &b, SERIAL_MAX), 200);
        CU_ASSERT_EQUAL(a.own.generation, SERIAL_MAX);
        CU_ASSERT_EQUAL(b.own.generation, SERIAL_MAX);
        CU_ASSERT_EQUAL(a.cfg->queue_max, 71 + (int64_t)k);
        CU_ASSERT_EQUAL(b.cfg->queue_max, 71 + (int64_t)k);
    }
    clerk_end(&b);
    clerk_start(o, &b); /* one that is new reads it, too */
    CU_ASSERT_EQUAL(b.own.generation, SERIAL_MAX);
    CU_ASSERT_EQUAL(b.cfg->queue_max, 73);
    clerk_end(&a);
    clerk_end(&b);
    office_free(o);
}

/* The state knows of a generation that nobody wrote down: noise, or the file
 * is gone.  Whoever has the newest puts it back, as newer than that. */
static void a_generation_of_nobody_is_overtaken(void)
{
    struct office *o = office_new("{}");
    struct clerk a, b;
    char path[128];

    clerk_start(o, &a);
    clerk_start(o, &b);
    CU_ASSERT_EQUAL(clerk_follow(o, &a, 77), 200);
    CU_ASSERT_EQUAL(a.own.generation, 78);
    CU_ASSERT_EQUAL(clerk_follow(o, &b, 77), 200);
    CU_ASSERT_EQUAL(b.own.generation, 78);
    (void)snprintf(path, sizeof(path), "%s/adopted.json", o->dir);
    (void)unlink(path);
    CU_ASSERT_EQUAL(clerk_follow(o, &b, 78), 200);
    CU_ASSERT_EQUAL(b.own.generation, 79);
    CU_ASSERT_EQUAL(clerk_follow(o, &a, 79), 200);
    CU_ASSERT_TRUE(terms_same(&a.own, &b.own));
    clerk_end(&a);
    clerk_end(&b);
    office_free(o);
}

/* Kept changes that are damaged, or no longer fit the file, stop no start. */
static void kept_changes_stop_no_start(void)
{
    struct office *o = office_new("{}");
    struct clerk a, b;

    clerk_start(o, &a);
    CU_ASSERT_EQUAL(clerk_patch(o, &a, "{'upstreams.nim.burst':30}"), 200);
    office_put(o, "data/settings.json", "{'upstreams.nim.bur");
    CU_ASSERT_EQUAL(clerk_make(o, &a, REVISE_RELOAD, NULL, 2, NULL), 400);
    clerk_start(o, &b);
    CU_ASSERT_EQUAL(b.cfg->upstreams[0].burst, 30); /* those in force */
    clerk_end(&b);
    office_put(o, "data/settings.json", "{'upstreams.nim.burst':30}");
    office_put_file(o->file, "{'upstreams':[{'requests':20}]}");
    CU_ASSERT_EQUAL(clerk_make(o, &a, REVISE_RELOAD, NULL, 2, NULL), 400);
    clerk_start(o, &b);
    CU_ASSERT_EQUAL(b.cfg->upstreams[0].burst, 20);
    clerk_end(&b);
    clerk_end(&a);
    office_free(o);
}

/* Nor if another process never lets go: five seconds. */
static void nor_if_nothing_can_be_published(void)
{
    struct office *o = office_new("{}");
    char err[256];
    struct complaint c = {err, sizeof(err)};
    struct clerk a;
    int lock;

    clerk_start(o, &a);
    CU_ASSERT_EQUAL(clerk_patch(o, &a, "{'upstreams.nim.burst':30}"), 200);
    clerk_end(&a);
    office_remove(o, "adopted.json");
    office_put_file(o->file, "{'upstreams':[{'requests':20}]}");
    lock = terms_lock(o->dir, 0, &c);
    clerk_start(o, &a);
    CU_ASSERT_EQUAL(a.cfg->upstreams[0].burst, 20);
    CU_ASSERT_EQUAL(a.own.generation, 0);
    clerk_end(&a);
    close(lock);
    office_free(o);
}

/* Another process does not let go: in the end that is told. */
static void only_one_writes_at_a_time(void)
{
    struct office *o = office_new("{}");
    char err[256];
    struct complaint c = {err, sizeof(err)};
    int lock = terms_lock(o->dir, 0, &c);

    CU_ASSERT_NOT_EQUAL(lock, -1);
    CU_ASSERT_EQUAL(terms_lock(o->dir, 10, &c), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "does not let go"));
    close(lock);
    lock = terms_lock(o->dir, 0, &c);
    CU_ASSERT_NOT_EQUAL(lock, -1);
    close(lock);
    office_free(o);
}

/* ---- keys ----------------------------------------------------------------------- */

static bool knows(const struct clerk *w, const char *key)
{
    unsigned char hash[KEY_HASH];

    key_text_hash(hash, key, strlen(key));
    return clients_find(w->cfg, hash) != NULL;
}

static void all_follow_the_same_keys(void)
{
    struct office *o = office_new("{}");
    char first[KEY_TEXT], second[KEY_TEXT];
    struct clerk a, b;

    clerk_start(o, &a);
    clerk_start(o, &b);
    CU_ASSERT_EQUAL(clerk_keys(o, &a, KEY_MAKE, "", "{'name':'m'}", first),
                    200);
    CU_ASSERT_TRUE(knows(&a, first) && !knows(&b, first));
    CU_ASSERT_EQUAL(clerk_follow(o, &b, 2), 200);
    CU_ASSERT_TRUE(knows(&b, first));
    CU_ASSERT_EQUAL(clerk_keys(o, &b, KEY_MAKE, "", "{'name':'n'}", second),
                    200);
    CU_ASSERT_EQUAL(clerk_patch(o, &a, "{'queue.max':60}"), 200);
    CU_ASSERT_TRUE(knows(&a, first) && knows(&a, second));
    CU_ASSERT_EQUAL(clerk_keys(o, &a, KEY_REVOKE, "m", NULL, NULL), 200);
    CU_ASSERT_EQUAL(clerk_follow(o, &b, a.own.generation), 200);
    CU_ASSERT_TRUE(!knows(&b, first) && knows(&b, second));
    CU_ASSERT_EQUAL(b.cfg->queue_max, 60);
    clerk_end(&a);
    office_remove(o, "adopted.json"); /* as a reboot does */
    clerk_start(o, &a);
    CU_ASSERT_TRUE(knows(&a, second));
    CU_ASSERT_EQUAL(clerk_keys(o, &a, KEY_REVOKE, "m", NULL, NULL), 404);
    CU_ASSERT_EQUAL(clerk_keys(o, &a, KEY_SET, "n", "{'weight':0}", NULL), 400);
    CU_ASSERT_TRUE(knows(&a, second));
    clerk_end(&a);
    clerk_end(&b);
    office_free(o);
}

/* Damaged, those that are in force stay; gone, they are gone, and nothing else
 * is. */
static void kept_keys_stop_no_start(void)
{
    struct office *o = office_new("{}");
    struct clerk a, b;
    char key[KEY_TEXT];
    size_t notes;

    clerk_start(o, &a);
    CU_ASSERT_EQUAL(clerk_keys(o, &a, KEY_MAKE, "", "{'name':'m'}", key), 200);
    office_put(o, "data/keys.json", "{'keys':[{'name'");
    clerk_start(o, &b);
    CU_ASSERT_TRUE(knows(&b, key));
    clerk_end(&b);
    CU_ASSERT_EQUAL(clerk_make(o, &a, REVISE_RELOAD, NULL, 2, &notes), 200);
    CU_ASSERT_EQUAL(notes, 1);
    CU_ASSERT_TRUE(knows(&a, key));
    office_remove(o, "adopted.json");
    office_put_file(o->file, "{'queue':{'max':51}}");
    clerk_start(o, &b); /* nothing is in force, nothing can be read */
    CU_ASSERT_TRUE(!knows(&b, key) && b.cfg->queue_max == 51);
    clerk_end(&b);
    CU_ASSERT_EQUAL(clerk_keys(o, &a, KEY_MAKE, "", "{'name':'n'}", NULL), 200);
    CU_ASSERT_EQUAL(json_object_array_length(a.own.keys), a.cfg->n_made);
    office_remove(o, "data/keys.json.bad"); /* it was not written over */
    office_remove(o, "data/keys.json");
    CU_ASSERT_EQUAL(clerk_make(o, &a, REVISE_RELOAD, NULL, 9, &notes), 200);
    CU_ASSERT_EQUAL(notes, 1);
    CU_ASSERT_EQUAL(a.cfg->n_made, 0);
    clerk_end(&a);
    office_free(o);
}

static void a_start_reads_the_keys_anew(void)
{
    struct office *o = office_new("{}");
    struct clerk a, b;
    char key[KEY_TEXT];

    clerk_start(o, &a);
    CU_ASSERT_EQUAL(clerk_keys(o, &a, KEY_MAKE, "", "{'name':'m'}", key), 200);
    clerk_start(o, &b);
    CU_ASSERT_EQUAL(b.own.generation, a.own.generation);
    clerk_end(&b);
    office_put(o, "data/keys.json", "{'keys':[]}");
    clerk_start(o, &b);
    CU_ASSERT_EQUAL(b.own.generation, a.own.generation + 1);
    CU_ASSERT_FALSE(knows(&b, key));
    CU_ASSERT_EQUAL(clerk_follow(o, &a, b.own.generation), 200);
    CU_ASSERT_FALSE(knows(&a, key));
    clerk_end(&b);
    clerk_end(&a);
    office_free(o);
}

/* What a worker of before, or whoever holds our uid, publishes. */
static void others_texts_harm_no_key(void)
{
    struct office *o = office_new("{}");
    struct clerk a;
    char key[KEY_TEXT];

    clerk_start(o, &a);
    CU_ASSERT_EQUAL(clerk_keys(o, &a, KEY_MAKE, "", "{'name':'m'}", key), 200);
    office_put(o, "adopted.json",
               "{'generation':8,'file':null,'live':{'queue.max':7}}");
    CU_ASSERT_EQUAL(clerk_follow(o, &a, 8), 200);
    CU_ASSERT_TRUE(knows(&a, key) && a.cfg->queue_max == 7);
    office_put(o, "adopted.json",
               "{'generation':9,'file':null,'live':{},'keys':[{'name':'x'}]}");
    CU_ASSERT_EQUAL(clerk_follow(o, &a, 9), 400);
    CU_ASSERT_TRUE(knows(&a, key) && a.cfg->queue_max == 7);
    clerk_end(&a);
    office_free(o);
}

static void the_disk_must_have_it(void)
{
    struct office *o = office_new("{}");
    struct clerk a;

    clerk_start(o, &a);
    office_put(o, "data", ""); /* no directory */
    CU_ASSERT_EQUAL(clerk_keys(o, &a, KEY_MAKE, "", "{'name':'m'}", NULL), 503);
    CU_ASSERT_EQUAL(a.cfg->n_made, 0);
    clerk_end(&a);
    office_free(o);
}

/* ---- the token ------------------------------------------------------------------ */

static void a_token_is_made_once(void)
{
    struct office *o = office_new("{}");
    char err[256], path[128], *first;
    struct config *cfg;
    struct stat st;
    int i;

    CU_ASSERT_EQUAL_FATAL(config_load(&cfg, o->env, err, sizeof(err)), 0);
    CU_ASSERT_EQUAL(token_take(cfg, err, sizeof(err)), 0);
    CU_ASSERT_EQUAL_FATAL(strlen(cfg->admin_token), 64);
    first = cfg->admin_token;
    (void)snprintf(path, sizeof(path), "%s/data/admin.token", o->dir);
    CU_ASSERT_TRUE(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    cfg->admin_token = NULL;
    CU_ASSERT_EQUAL(token_take(cfg, err, sizeof(err)), 0);
    CU_ASSERT_STRING_EQUAL(cfg->admin_token, first);
    for (i = 0; i < 3; i++) { /* empty, torn open, too open */
        free(cfg->admin_token);
        cfg->admin_token = NULL;
        office_put(o, "data/admin.token", i == 0 ? "" : "abc");
        (void)chmod(path, i == 1 ? 0600 : 0604);
        CU_ASSERT_EQUAL(token_take(cfg, err, sizeof(err)), i == 1 ? 0 : -1);
        CU_ASSERT_PTR_NULL(strstr(err, "abc"));
    }
    free(first);
    config_free(cfg);
    office_free(o);
}

/* ---- the thread -------------------------------------------------------------------- */

struct chore {
    struct job job;
    struct loop *loop;
    int *order;
    int number, worked, done;
    bool last;
};

static void work(struct job *job)
{
    ((struct chore *)(void *)job)->worked++;
}

static void done(struct job *job, bool ran)
{
    struct chore *c = (struct chore *)(void *)job;

    CU_ASSERT_TRUE(ran && c->worked == 1);
    CU_ASSERT_EQUAL(*c->order, c->number);
    (*c->order)++;
    c->done++;
    if (c->last)
        loop_stop(c->loop);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void jobs_are_done_in_turn(void)
{
    struct loop *loop = loop_new();
    struct offload *o = offload_new(loop);
    struct chore chores[5];
    int order = 0, i;

    CU_ASSERT_PTR_NOT_NULL_FATAL(o);
    for (i = 0; i < 5; i++) {
        chores[i] =
            (struct chore){{NULL, work, done}, loop, &order, i, 0, 0, i == 3};
        if (i < 4)
            offload_do(o, &chores[i].job);
    }
    loop_run(loop, nothing, NULL);
    CU_ASSERT_EQUAL(order, 4);
    offload_do(o, &chores[4].job);
    offload_free(o); /* waits */
    CU_ASSERT_EQUAL(chores[4].done, 1);
    loop_free(loop);
}

static const struct unit_test tests[] = {
    {"all follow one text", all_follow_one_text},
    {"a start is a reload", a_start_is_a_reload},
    {"a refused change changes nothing", a_refused_change_changes_nothing},
    {"warnings tell what is in vain", warnings_tell_what_is_in_vain},
    {"torn texts are put right", torn_texts_are_put_right},
    {"impossible settings are not followed",
     impossible_settings_are_not_followed},
    {"no generation is the last", no_generation_is_the_last},
    {"a generation of nobody is overtaken",
     a_generation_of_nobody_is_overtaken},
    {"kept changes stop no start", kept_changes_stop_no_start},
    {"nor if nothing can be published", nor_if_nothing_can_be_published},
    {"only one writes at a time", only_one_writes_at_a_time},
    {"all follow the same keys", all_follow_the_same_keys},
    {"kept keys stop no start", kept_keys_stop_no_start},
    {"a start reads the keys anew", a_start_reads_the_keys_anew},
    {"others' texts harm no key", others_texts_harm_no_key},
    {"the disk must have it", the_disk_must_have_it},
    {"a token is made once", a_token_is_made_once},
    {"jobs are done in turn", jobs_are_done_in_turn},
    {NULL, NULL},
};

CU_ErrorCode test_revise_add(void)
{
    return unit_add("revise", tests);
}
