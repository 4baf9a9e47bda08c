/* Mirrors fcgi/config/clients.c.  In the JSON ' stands for ". */
#include "fcgi/config/clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "fcgi/config/config.h"
#include "fcgi/config/settings.h"
#include "lib/complaint.h"
#include "state/limiter.h"
#include "unit.h"

#define HASH_A                                                                 \
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HASH_B                                                                 \
    "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"
#define ONE "{'name':'a','key_sha256':'" HASH_A "'"
#define TWO "{'name':'b','key_sha256':'" HASH_B "'"

/* 0 with the clients in *CFG, or -1 with a message in ERR. */
static int put(struct config *cfg, const char *json, char err[256])
{
    struct complaint c = {err, 256};
    char *text = strdup(json), *p;
    struct json_object *list;
    int rc;

    for (p = text; p != NULL && *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    list = json_tokener_parse(text);
    memset(cfg, 0, sizeof(*cfg));
    err[0] = '\0';
    rc = clients_put(cfg, list, &c);
    if (rc == 0)
        rc = clients_settle(cfg, &c);
    json_object_put(list);
    free(text);
    return rc;
}

/* FIPS 180-4's "abc", and nothing. */
static void a_hash_is_sha_256(void)
{
    unsigned char hash[KEY_HASH];
    struct config cfg;
    char err[256];

    CU_ASSERT_EQUAL(put(&cfg, "[" ONE "}," TWO "}]", err), 0);
    key_text_hash(hash, "abc", 3);
    CU_ASSERT_PTR_EQUAL(clients_find(&cfg, hash), &cfg.clients[0]);
    key_text_hash(hash, "", 0);
    CU_ASSERT_PTR_EQUAL(clients_find(&cfg, hash), &cfg.clients[1]);
    key_text_hash(hash, "abd", 3);
    CU_ASSERT_PTR_NULL(clients_find(&cfg, hash));
    clients_free(&cfg);
    CU_ASSERT_PTR_NULL(clients_find(&cfg, hash));
}

/* Each bit of a hash counts, and each place in a list. */
static void a_key_is_one_of_a_thousand_or_none(void)
{
    unsigned char hash[KEY_HASH];
    struct config cfg = {.n_clients = 1024};
    size_t i;

    cfg.clients = calloc(cfg.n_clients, sizeof(*cfg.clients));
    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg.clients);
    for (i = 0; i < cfg.n_clients; i++)
        key_text_hash(cfg.clients[i].hash, (const char *)&i, sizeof(i));
    for (i = 0; i < cfg.n_clients; i++) {
        key_text_hash(hash, (const char *)&i, sizeof(i));
        CU_ASSERT_PTR_EQUAL(clients_find(&cfg, hash), &cfg.clients[i]);
        hash[i % KEY_HASH] ^= (unsigned char)(1u << i % 8);
        CU_ASSERT_PTR_NULL(clients_find(&cfg, hash));
    }
    clients_free(&cfg);
}

static void an_entry_has_defaults_and_bounds(void)
{
    struct config cfg;
    char err[256];

    CU_ASSERT_EQUAL(put(&cfg,
                        "[" ONE "}," TWO
                        ",'priority':'low','weight':1000,'// why':[],"
                        "'requests_per_min':10000,'queue_max':4096,"
                        "'tokens_per_min':2000000000,"
                        "'tokens_per_day':1000000000000}]",
                        err),
                    0);
    CU_ASSERT_EQUAL_FATAL(cfg.n_clients, 2);
    CU_ASSERT_STRING_EQUAL(cfg.clients[0].name, "a");
    CU_ASSERT_EQUAL(cfg.clients[0].priority, CLASS_NORMAL);
    CU_ASSERT_EQUAL(cfg.clients[0].weight, 1);
    CU_ASSERT_EQUAL(cfg.clients[0].requests_per_min, 0);
    CU_ASSERT_EQUAL(cfg.clients[0].queue_max, 0);
    CU_ASSERT_EQUAL(cfg.clients[1].priority, CLASS_LOW);
    CU_ASSERT_EQUAL(cfg.clients[1].weight, 1000);
    CU_ASSERT_EQUAL(cfg.clients[1].requests_per_min, 10000);
    CU_ASSERT_EQUAL(cfg.clients[1].queue_max, 4096);
    CU_ASSERT_EQUAL(cfg.clients[1].tokens_per_min, 2000000000);
    CU_ASSERT_EQUAL(cfg.clients[1].tokens_per_day, 1000000000000);
    CU_ASSERT_EQUAL(cfg.clients[0].tokens_per_min, 0);
    CU_ASSERT_EQUAL(cfg.clients[0].tokens_per_day, 0);
    CU_ASSERT_TRUE(clients_has_name(&cfg, "b"));
    CU_ASSERT_FALSE(clients_has_name(&cfg, "c"));
    clients_free(&cfg);
    CU_ASSERT_EQUAL(put(&cfg, "[]", err), 0);
    clients_free(&cfg);
}

static void what_is_wrong_is_named(void)
{
    static const struct {
        const char *json, *names;
    } rows[] = {
        {"{}", "clients: must be a list"},
        {"null", "clients: must be a list"},
        {"[7]", "clients[0]: must be an object"},
        {"[{}]", "clients[0].name: is missing"},
        {"[{'name':'a'}]", "clients[0].key_sha256: is missing"},
        {"[{'key_sha256':'" HASH_A "'}]", "clients[0].name: is missing"},
        {"[{'name':''}]", "clients[0].name: must have 1 to 63"},
        {"[{'name':7}]", "clients[0].name: must be a text"},
        {"[{'name':'a\\n'}]", "clients[0].name: must be printable"},
        {"[{'name':'a\\u0000b'}]", "clients[0].name: must be a text"},
        {"[{'name':' a'}]", "clients[0].name: must not begin"},
        {"[{'name':'10.0.0.1'}]", "clients[0].name: must not be an address"},
        {"[{'name':'::1'}]", "clients[0].name: must not be an address"},
        {"[{'name':'unknown'}]", "clients[0].name: must not be an address"},
        {"[{'key_sha256':'abc'}]", "clients[0].key_sha256: must be the 64"},
        {"[{'key_sha256':7}]", "clients[0].key_sha256: must be the 64"},
        {"[" ONE ",'weight':0}]", "clients[0].weight: must be a whole number "
                                  "from 1 to 1000"},
        {"[" ONE ",'weight':1001}]", "clients[0].weight: must be"},
        {"[" ONE ",'weight':1.5}]", "clients[0].weight: must be"},
        {"[" ONE ",'weight':'1'}]", "clients[0].weight: must be"},
        {"[" ONE ",'requests_per_min':-1}]", "clients[0].requests_per_min"},
        {"[" ONE ",'requests_per_min':10001}]", "clients[0].requests_per_min"},
        {"[" ONE ",'tokens_per_min':2000000001}]", "clients[0].tokens_per_min"},
        {"[" ONE ",'tokens_per_day':1000000000001}]",
         "clients[0].tokens_per_day"},
        {"[" ONE ",'queue_max':0}]", "clients[0].queue_max"},
        {"[" ONE ",'queue_max':4097}]", "clients[0].queue_max"},
        {"[" ONE ",'priority':'hihg'}]", "clients[0].priority: must be one of "
                                         "high, normal, low"},
        {"[" ONE ",'priority':0}]", "clients[0].priority"},
        {"[" ONE "},{'Name':'b'}]", "clients[1].Name: unknown key; the nearest "
                                    "known one is name"},
        {"[" ONE ",'rpm':6}]", "clients[0].rpm: unknown key"},
        {"[" ONE ",'requests_per_minute':6}]",
         "the nearest known one is requests_per_min"},
        {"[" ONE "}," ONE "}]", "clients[1].name: a is taken by clients[0]"},
        {"[" ONE "},{'name':'b','key_sha256':'" HASH_A "'}]",
         "clients[1].key_sha256: is that of clients[0], too"},
    };
    struct config cfg;
    char err[256];
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(put(&cfg, rows[i].json, err), -1);
        if (strstr(err, rows[i].names) == NULL)
            printf("have: %s\n", err);
        CU_ASSERT_PTR_NOT_NULL(strstr(err, rows[i].names));
        CU_ASSERT_PTR_NULL(strstr(err, HASH_A)); /* or who may see the log */
        clients_free(&cfg);
    }
}

static void a_thousand_and_24_are_enough(void)
{
    char *json = malloc(1030 * sizeof(ONE) + 64), err[256];
    struct config cfg;
    size_t i, n = 1;

    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    json[0] = '[';
    for (i = 0; i < 1025; i++)
        n += (size_t)sprintf(json + n, "%s{'name':'n%zu'}", i ? "," : "", i);
    strcpy(json + n, "]");
    CU_ASSERT_EQUAL(put(&cfg, json, err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "has 1025; must be a list of at most"));
    clients_free(&cfg);
    free(json);
}

/* Through config_load(): without a key of ours a client's Authorization would
 * be the upstream's. */
static void clients_need_an_upstream_key(void)
{
    char path[] = "/tmp/sluice-test-XXXXXX", named[64];
    char key[] = "NVIDIA_API_KEY=nvapi-0123456789", err[512];
    char *with[] = {named, key, NULL}, *without[] = {named, NULL};
    const char text[] =
        "{\"clients\":[{\"name\":\"a\",\"key_sha256\":\"" HASH_A "\"}]}";
    struct config *cfg = NULL;
    int fd = mkstemp(path);

    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    (void)snprintf(named, sizeof(named), "SLUICE_CONFIG=%s", path);
    CU_ASSERT_EQUAL(config_load(&cfg, with, err, sizeof(err)), 0);
    CU_ASSERT_EQUAL(cfg != NULL ? cfg->n_clients : 0, 1);
    config_free(cfg);
    CU_ASSERT_EQUAL(config_load(&cfg, without, err, sizeof(err)), -1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(err, "clients: upstreams.nim has no API key"));
    (void)unlink(path);
}

static const struct unit_test tests[] = {
    {"a hash is SHA-256", a_hash_is_sha_256},
    {"a key is one of a thousand, or none", a_key_is_one_of_a_thousand_or_none},
    {"an entry has defaults and bounds", an_entry_has_defaults_and_bounds},
    {"what is wrong is named", what_is_wrong_is_named},
    {"a thousand and 24 are enough", a_thousand_and_24_are_enough},
    {"clients need an upstream key", clients_need_an_upstream_key},
    {NULL, NULL},
};

CU_ErrorCode test_clients_add(void)
{
    return unit_add("clients", tests);
}
