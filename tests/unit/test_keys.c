/*
 * Mirrors fcgi/config/keys.c, key_file.c and key_order.c: what may stand in a
 * list of keys, and what an order makes of it.  In the JSON ' stands for ".
 */
#include "fcgi/config/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "fcgi/config/clients.h"
#include "fcgi/config/config.h"
#include "fcgi/config/key_file.h"
#include "fcgi/config/key_order.h"
#include "lib/complaint.h"
#include "office.h"
#include "state/limiter.h"
#include "unit.h"

#define NOW_S INT64_C(1790000000)
#define HASH_A                                                                 \
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HASH_B                                                                 \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ONE "{'name':'a','key_sha256':'" HASH_A "','made_at':1"
#define TWO "{'name':'b','key_sha256':'" HASH_B "','made_at':2"

static struct json_object *json(const char *text)
{
    char *copy = strdup(text), *p;
    struct json_object *o;

    for (p = copy; p != NULL && *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    o = json_tokener_parse(copy);
    free(copy);
    return o;
}

static int read_list(struct keys *keys, const char *text, char err[256])
{
    struct complaint c = {err, 256};
    struct json_object *list = json(text);
    int rc;

    err[0] = '\0';
    rc = keys_read(keys, list, &c);
    json_object_put(list);
    return rc;
}

/* ---- a list ---------------------------------------------------------------- */

static void what_is_written_is_read(void)
{
    struct complaint c = {NULL, 0};
    struct json_object *list;
    struct keys keys, again;
    char err[256];

    CU_ASSERT_EQUAL(
        read_list(&keys,
                  "[" TWO "}," ONE ",'expires_at':99,'priority':'low',"
                  "'weight':1000,'requests_per_min':10000,'queue_max':0,"
                  "'tokens_per_min':5,'tokens_per_day':6}]",
                  err),
        0);
    CU_ASSERT_EQUAL_FATAL(keys.n, 2);
    CU_ASSERT_STRING_EQUAL(keys.list[0].name, "a"); /* in their order */
    CU_ASSERT_EQUAL(keys.list[0].expires_at, 99);
    CU_ASSERT_EQUAL(keys.list[0].priority, CLASS_LOW);
    CU_ASSERT_EQUAL(keys.list[0].tokens_per_min, 5);
    CU_ASSERT_EQUAL(keys.list[0].tokens_per_day, 6);
    CU_ASSERT_EQUAL(keys.list[1].weight, 1);
    CU_ASSERT_EQUAL(keys.list[1].expires_at, 0);
    CU_ASSERT_EQUAL(keys.list[1].priority, CLASS_NORMAL);
    list = keys_write(&keys);
    CU_ASSERT_EQUAL(keys_read(&again, list, &c), 0);
    CU_ASSERT_EQUAL_FATAL(again.n, 2);
    again.list[0].given = keys.list[0].given; /* all are named now */
    again.list[1].given = keys.list[1].given;
    CU_ASSERT_EQUAL(memcmp(again.list, keys.list, 2 * sizeof(*keys.list)), 0);
    json_object_put(list);
    keys_free(&again);
    keys_free(&keys);
    CU_ASSERT_EQUAL(read_list(&keys, "[]", err), 0);
    keys_free(&keys);
}

static void what_is_wrong_is_named(void)
{
    static const struct {
        const char *json, *names;
    } rows[] = {
        {"{}", "keys: must be a list"},
        {"[7]", "keys[0]: must be an object"},
        {"[null]", "keys[0]: must be an object"},
        {"[{'name':'a','key_sha256':'" HASH_A "'}]", "keys[0].made_at: is"},
        {"[{'name':'a','made_at':1}]", "keys[0].key_sha256: is missing"},
        {"[{'key_sha256':'" HASH_A "','made_at':1}]", "keys[0].name: is"},
        {"[" TWO "}," ONE ",'weight':0}]", "keys[1].weight: must be"},
        {"[" ONE ",'weight':null}]", "keys[0].weight: must be"},
        {"[" ONE ",'made_at':0}]", "keys[0].made_at: must be"},
        {"[" ONE ",'made_at':1e9}]", "keys[0].made_at: must be"},
        {"[" ONE ",'made_at':9223372036854775807}]", "keys[0].made_at: must"},
        {"[" ONE ",'expires_at':0}]", "keys[0].expires_at: must be"},
        {"[" ONE ",'expires_at':-5}]", "keys[0].expires_at: must be"},
        {"[" ONE ",'expires_at':'5'}]", "keys[0].expires_at: must be"},
        {"[" ONE ",'expires_in_s':5}]", "keys[0].expires_in_s: unknown"},
        {"[" ONE ",'queue_max':4097}]", "keys[0].queue_max: must be"},
        {"[" ONE ",'sk-sluice-0':1}]", "keys[0].(not shown): unknown key"},
        {"[{'name':'a/b'}]", "keys[0].name: must have no /"},
        {"[{'name':'..'}]", "keys[0].name: must have no /"},
        {"[" ONE "}," ONE "}]", "two have the name a"},
        {"[" ONE "},{'name':'b','key_sha256':'" HASH_A "','made_at':1}]",
         "a and b have the same key_sha256"},
    };
    struct keys keys;
    char err[256];
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(read_list(&keys, rows[i].json, err), -1);
        if (strstr(err, rows[i].names) == NULL)
            printf("\n    %s: %s\n", rows[i].json, err);
        CU_ASSERT_PTR_NOT_NULL(strstr(err, rows[i].names));
        CU_ASSERT_PTR_NULL(strstr(err, "sk-sluice"));
        CU_ASSERT_PTR_NULL(keys.list);
    }
}

/* N keys, of made-up hashes. */
static struct json_object *many(size_t n)
{
    struct keys keys = {calloc(n + 1, sizeof(*keys.list)), n};
    struct json_object *list;
    size_t i;

    CU_ASSERT_PTR_NOT_NULL_FATAL(keys.list);
    for (i = 0; i < n; i++) {
        (void)snprintf(keys.list[i].name, CLIENT_MAX, "n%04zu", i);
        key_text_hash(keys.list[i].hash, (const char *)&i, sizeof(i));
        keys.list[i].made_at = 1;
        keys.list[i].weight = 1;
    }
    list = keys_write(&keys);
    keys_free(&keys);
    return list;
}

static void a_thousand_are_enough(void)
{
    struct json_object *list = many(KEYS_MAX + 1);
    char err[256];
    struct complaint c = {err, sizeof(err)};
    struct keys keys;

    CU_ASSERT_EQUAL(keys_read(&keys, list, &c), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "has 1001; must be a list of at most"));
    json_object_put(list);
}

/* ---- orders ------------------------------------------------------------------- */

/* A config with one upstream, and a client in its settings. */
struct stage {
    struct client_key alice;
    struct config cfg;
    struct json_object *list;
    struct key_order o;
    int status;
    char err[256];
};

static void stage_init(struct stage *st)
{
    static char upstream[] = "nvapi-0123456789";

    memset(st, 0, sizeof(*st));
    strcpy(st->alice.name, "alice");
    st->cfg.clients = &st->alice;
    st->cfg.n_clients = 1;
    st->cfg.n_upstreams = 1;
    st->cfg.upstreams[0].api_key = upstream;
    st->list = json_object_new_array();
}

/* What comes of it becomes the list; the status, 200 or as it is refused. */
static int order(struct stage *st, enum key_deed deed, const char *name,
                 const char *body)
{
    struct complaint c = {st->err, sizeof(st->err)};
    struct json_object *after, *o = json(body);

    memset(&st->o, 0, sizeof(st->o));
    st->err[0] = '\0';
    st->o.deed = deed;
    st->o.body = o;
    st->o.cfg = &st->cfg;
    st->o.now_s = NOW_S;
    (void)snprintf(st->o.name, sizeof(st->o.name), "%s", name);
    after = key_order_do(&st->o, st->list, &st->status, &c);
    json_object_put(o);
    if (after == NULL)
        return st->status;
    json_object_put(st->list);
    st->list = after;
    return 200;
}

static int64_t number(struct stage *st, size_t i, const char *member)
{
    return json_object_get_int64(
        json_object_object_get(json_object_array_get_idx(st->list, i), member));
}

static void a_key_is_made_changed_and_revoked(void)
{
    unsigned char hash[KEY_HASH];
    char hex[KEY_HASH_HEX], first[KEY_TEXT];
    struct stage st;

    stage_init(&st);
    CU_ASSERT_EQUAL(order(&st, KEY_MAKE, "", "{'name':'m','weight':3}"), 200);
    CU_ASSERT_STRING_EQUAL(st.o.name, "m");
    CU_ASSERT_TRUE(key_text_is_ours(st.o.key));
    memcpy(first, st.o.key, sizeof(first));
    CU_ASSERT_EQUAL(order(&st, KEY_MAKE, "", "{'name':'c','expires_in_s':60}"),
                    200);
    CU_ASSERT_STRING_NOT_EQUAL(st.o.key, first);
    CU_ASSERT_EQUAL_FATAL(json_object_array_length(st.list), 2);
    CU_ASSERT_EQUAL(number(&st, 0, "expires_at"), NOW_S + 60);
    CU_ASSERT_EQUAL(number(&st, 0, "made_at"), NOW_S);
    CU_ASSERT_EQUAL(number(&st, 1, "weight"), 3);
    key_text_hash(hash, first, strlen(first)); /* that of m */
    key_text_hex(hex, hash);
    CU_ASSERT_STRING_EQUAL(
        json_object_get_string(json_object_object_get(
            json_object_array_get_idx(st.list, 1), "key_sha256")),
        hex);
    CU_ASSERT_PTR_NULL(strstr(json_object_to_json_string(st.list), first));
    CU_ASSERT_EQUAL(
        order(&st, KEY_SET, "c", "{'queue_max':9,'expires_in_s':null}"), 200);
    CU_ASSERT_EQUAL(number(&st, 0, "queue_max"), 9);
    CU_ASSERT_EQUAL(number(&st, 0, "expires_at"), 0);
    CU_ASSERT_EQUAL(order(&st, KEY_SET, "c", "{'queue_max':0}"), 200);
    CU_ASSERT_EQUAL(number(&st, 0, "queue_max"), 0);
    CU_ASSERT_EQUAL(order(&st, KEY_REVOKE, "c", "null"), 200);
    CU_ASSERT_EQUAL(json_object_array_length(st.list), 1);
    CU_ASSERT_EQUAL(number(&st, 0, "weight"), 3);
    json_object_put(st.list);
}

static void what_cannot_be_is_refused(void)
{
    static const struct {
        enum key_deed deed;
        const char *name, *body;
        int status;
        const char *says;
    } rows[] = {
        {KEY_MAKE, "", "{'name':'m'}", 409,
         "m was made already; `sluicectl key set` changes it"},
        {KEY_MAKE, "", "{'name':'alice'}", 409, "settings file"},
        {KEY_SET, "alice", "{'weight':2}", 409, "settings file"},
        {KEY_REVOKE, "alice", "null", 409, "settings file"},
        {KEY_REVOKE, "x", "null", 404, "No key"},
        {KEY_SET, "x", "{}", 404, "No key"},
        {KEY_MAKE, "", "{}", 400, "name: is missing"},
        {KEY_MAKE, "", "{'name':'n','expires_in_s':0}", 400, "from 1 to 31"},
        {KEY_MAKE, "", "{'name':'n','expires_in_s':315360001}", 400, "from 1"},
        {KEY_MAKE, "", "{'name':'n','expires_in_s':1.5}", 400, "from 1 to"},
        {KEY_MAKE, "", "{'name':'n','expires_at':5}", 400, "expires_at: unk"},
        {KEY_MAKE, "", "{'name':'n','made_at':5}", 400, "made_at: unknown"},
        {KEY_MAKE, "", "{'name':'n','// no':5}", 400, "unknown key"},
        {KEY_MAKE, "", "{'name':'n','key_sha256':'" HASH_A "'}", 400, "cannot"},
        {KEY_SET, "m", "{'name':'n'}", 400, "name: cannot be said here"},
        {KEY_SET, "m", "{'weight':2,'priority':'x'}", 400, "priority: must"},
    };
    struct stage st;
    size_t i;

    stage_init(&st);
    CU_ASSERT_EQUAL(order(&st, KEY_MAKE, "", "{'name':'m'}"), 200);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(order(&st, rows[i].deed, rows[i].name, rows[i].body),
                        rows[i].status);
        CU_ASSERT_PTR_NOT_NULL(strstr(st.err, rows[i].says));
        CU_ASSERT_EQUAL(st.o.key[0], '\0');
    }
    CU_ASSERT_EQUAL(number(&st, 0, "weight"), 1);
    st.cfg.upstreams[0].api_key = NULL;
    CU_ASSERT_EQUAL(order(&st, KEY_MAKE, "", "{'name':'n'}"), 409);
    CU_ASSERT_PTR_NOT_NULL(strstr(st.err, "has no API key"));
    CU_ASSERT_EQUAL(order(&st, KEY_REVOKE, "m", "null"), 200); /* it may go */
    json_object_put(st.list);
}

static void there_is_room_for_a_thousand(void)
{
    struct stage st;

    stage_init(&st);
    json_object_put(st.list);
    st.list = many(KEYS_MAX - 1);
    CU_ASSERT_EQUAL(order(&st, KEY_MAKE, "", "{'name':'m'}"), 200);
    CU_ASSERT_EQUAL(order(&st, KEY_MAKE, "", "{'name':'z'}"), 409);
    CU_ASSERT_PTR_NOT_NULL(strstr(st.err, "no room"));
    json_object_put(st.list);
}

/* ---- time ---------------------------------------------------------------------- */

static void a_key_ends_at_its_moment(void)
{
    struct client_key key = {.expires_at = NOW_S};

    CU_ASSERT_FALSE(clients_is_over(&key, NOW_S * 1000 - 1));
    CU_ASSERT_TRUE(clients_is_over(&key, NOW_S * 1000));
    CU_ASSERT_TRUE(clients_is_over(&key, NOW_S * 1000 + 1));
    key.expires_at = 0;
    CU_ASSERT_FALSE(clients_is_over(&key, INT64_MAX));
}

/* ---- in the settings ------------------------------------------------------------- */

static void the_settings_come_first(void)
{
    struct complaint c = {NULL, 0};
    struct json_object *list = json("[" ONE "}," TWO "}]");
    struct json_object *notes = json_object_new_array();
    struct client_key set = {.name = "a", .priority = CLASS_HIGH};
    struct config cfg = {.clients = &set, .n_clients = 1};
    unsigned char hash[KEY_HASH];

    CU_ASSERT_EQUAL(keys_put(&cfg, list, &c), 0);
    CU_ASSERT_EQUAL_FATAL(cfg.n_made, 1);
    CU_ASSERT_STRING_EQUAL(cfg.made[0].name, "b");
    CU_ASSERT_PTR_EQUAL(clients_named(&cfg, "a"), &set);
    CU_ASSERT_PTR_EQUAL(clients_named(&cfg, "b"), &cfg.made[0]);
    CU_ASSERT_TRUE(clients_has_name(&cfg, "b"));
    key_text_hash(hash, "", 0);
    CU_ASSERT_PTR_EQUAL(clients_find(&cfg, hash), &cfg.made[0]);
    key_text_hash(hash, "abc", 3);
    CU_ASSERT_PTR_NULL(clients_find(&cfg, hash));
    keys_note(&cfg, list, notes);
    CU_ASSERT_EQUAL(json_object_array_length(notes), 1);
    cfg.clients = NULL;
    cfg.n_clients = 0;
    clients_free(&cfg);
    CU_ASSERT_EQUAL(cfg.n_made, 0);
    json_object_put(notes);
    json_object_put(list);
}

/* ---- the file --------------------------------------------------------------------- */

static void a_file_is_kept_and_checked_whole(void)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "{}",
                                      "{'keys':{}}",
                                      "{'keys':[],'more':1}",
                                      "{'keys':[],'keys':[]}",
                                      "{'keys':[{'name':'a'}]}"};
    struct office *o = office_new("{}");
    char data[128], path[160], err[256];
    struct complaint c = {err, sizeof(err)};
    struct json_object *list = json("[" ONE "}]"), *read;
    struct stat st;
    bool missing;
    size_t i;

    (void)snprintf(data, sizeof(data), "%s/data", o->dir);
    (void)snprintf(path, sizeof(path), "%s/keys.json", data);
    read = key_file_read(data, &missing, &c);
    CU_ASSERT_TRUE(missing && json_object_array_length(read) == 0);
    json_object_put(read);
    CU_ASSERT_EQUAL(key_file_write(list, data, &c), 0);
    CU_ASSERT_TRUE(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    read = key_file_read(data, &missing, &c);
    CU_ASSERT_FALSE(missing);
    CU_ASSERT_EQUAL_FATAL(json_object_array_length(read), 1);
    json_object_put(read);
    (void)chmod(path, 0620);
    CU_ASSERT_PTR_NULL(key_file_read(data, &missing, &c));
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "others may write it"));
    (void)chmod(path, 0600);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        office_put(o, "data/keys.json", bad[i]);
        CU_ASSERT_PTR_NULL(key_file_read(data, &missing, &c));
        CU_ASSERT_FALSE(missing);
        CU_ASSERT_PTR_NOT_NULL(strstr(err, "keys.json"));
    }
    CU_ASSERT_EQUAL(key_file_write(list, data, &c), 0); /* set aside */
    office_remove(o, "data/keys.json.bad");
    json_object_put(list);
    office_free(o);
}

static void a_file_has_a_bound(void)
{
    struct office *o = office_new("{}");
    char path[160], err[256];
    struct complaint c = {err, sizeof(err)};
    bool missing;

    CU_ASSERT_EQUAL(mkdir(strcat(strcpy(path, o->dir), "/data"), 0700), 0);
    office_put(o, "data/keys.json", "{}");
    (void)snprintf(path, sizeof(path), "%s/data/keys.json", o->dir);
    CU_ASSERT_EQUAL(truncate(path, (1 << 20) + 1), 0);
    (void)snprintf(path, sizeof(path), "%s/data", o->dir);
    CU_ASSERT_PTR_NULL(key_file_read(path, &missing, &c));
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "it is too large"));
    office_free(o);
}

static const struct unit_test tests[] = {
    {"what is written is read", what_is_written_is_read},
    {"what is wrong is named", what_is_wrong_is_named},
    {"a thousand are enough", a_thousand_are_enough},
    {"a key is made, changed and revoked", a_key_is_made_changed_and_revoked},
    {"what cannot be is refused", what_cannot_be_is_refused},
    {"there is room for a thousand", there_is_room_for_a_thousand},
    {"a key ends at its moment", a_key_ends_at_its_moment},
    {"the settings come first", the_settings_come_first},
    {"a file is kept, and checked whole", a_file_is_kept_and_checked_whole},
    {"a file has a bound", a_file_has_a_bound},
    {NULL, NULL},
};

CU_ErrorCode test_keys_add(void)
{
    return unit_add("keys", tests);
}
