/*
 * client_fields.c - what may be said of a client?
 *
 *   clients.c --> client_fields_put()   the settings' `clients`
 *   keys.c, key_order.c --> the same    keys that are made over HTTP
 *   sluicectl --> client_fields_row()
 *
 * One table of names and ranges for both.
 */
#include "fcgi/config/client_fields.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/client_key.h"
#include "fcgi/config/setting_allowed.h"
#include "fcgi/config/setting_text.h"
#include "fcgi/config/settings.h"
#include "lib/base.h"
#include "lib/buf.h"
#include "lib/complaint.h"
#include "lib/json_strict.h"
#include "state/limiter.h"

#define SHOWN_MAX 24 /* a longer one of a body may be a misplaced key */

static const char *const priorities[] = {LIMITER_CLASS_LIST(LIST_NAME) NULL};

/* Numbers and words, as settings.c has them; the two texts are read by hand. */
static const struct setting members[] = {
    {.key = "name", .kind = SETTING_NAME},
    {.key = "key_sha256", .kind = SETTING_SECRET},
    {.key = "priority",
     .kind = SETTING_WORD,
     .words = priorities,
     .initial = CLASS_NORMAL,
     .at = offsetof(struct client_key, priority)},
    {.key = "weight",
     .kind = SETTING_COUNT,
     .initial = 1,
     .min = 1,
     .max = 1000,
     .at = offsetof(struct client_key, weight)},
    {.key = "requests_per_min",
     .kind = SETTING_COUNT,
     .min = 0,
     .max = 10000,
     .at = offsetof(struct client_key, requests_per_min)},
    {.key = "tokens_per_min",
     .kind = SETTING_COUNT,
     .min = 0,
     .max = 2000000000,
     .at = offsetof(struct client_key, tokens_per_min)},
    {.key = "tokens_per_day",
     .kind = SETTING_COUNT,
     .min = 0,
     .max = 1000000000000,
     .at = offsetof(struct client_key, tokens_per_day)},
    {.key = "queue_max",
     .kind = SETTING_COUNT,
     .min = 1,
     .max = 4096,
     .at = offsetof(struct client_key, queue_max)},
};

/* ---- complaints ---------------------------------------------------------------- */

/* "clients[3].name", or "name" where it stands alone. */
static void label(const struct client_entry *e, const char *member,
                  char out[SETTING_LABEL_MAX])
{
    if (e->list != NULL)
        (void)snprintf(out, SETTING_LABEL_MAX, "%s[%zu].%.64s", e->list, e->i,
                       member);
    else
        (void)snprintf(out, SETTING_LABEL_MAX, "%.64s", member);
}

int client_fields_refuse(const struct client_entry *e, const char *member,
                         const char *must)
{
    char text[SETTING_LABEL_MAX];

    label(e, member, text);
    return complain(e->err, "%s: %s", text, must);
}

/* A key may have been pasted where a field's name belongs. */
static bool may_be_shown(const struct client_entry *e, const char *member)
{
    return !e->is_made ||
           (strlen(member) <= SHOWN_MAX &&
            strspn(member, "abcdefghijklmnopqrstuvwxyz_") == strlen(member));
}

int client_fields_unknown(const struct client_entry *e, const char *member)
{
    size_t i, n, best = 0, least = SIZE_MAX;
    char text[SETTING_LABEL_MAX];

    for (i = 0; i < ARRAY_LEN(members); i++) {
        n = setting_text_distance(member, members[i].key,
                                  strlen(members[i].key));
        if (n < least) {
            least = n;
            best = i;
        }
    }
    label(e, may_be_shown(e, member) ? member : "(not shown)", text);
    return complain(e->err, "%s: unknown key; the nearest known one is %s",
                    text, members[best].key);
}

/* ---- names and hashes ------------------------------------------------------------ */

const char *client_fields_name_fault(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    const unsigned char *p;

    if (*name == '\0' || strlen(name) >= CLIENT_MAX)
        return "must have 1 to 63 characters";
    for (p = (const unsigned char *)name; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f)
            return "must be printable";
    if (!buf_is_utf8(name, strlen(name)))
        return "must be UTF-8";
    if (*name == ' ' || name[strlen(name) - 1] == ' ')
        return "must not begin or end with a space";
    /* The names of those without a key. */
    if (inet_pton(AF_INET, name, address) == 1 ||
        inet_pton(AF_INET6, name, address) == 1 ||
        strcmp(name, "anonymous") == 0 || strcmp(name, "unknown") == 0)
        return "must not be an address, anonymous or unknown";
    return NULL;
}

/* Of one that stands in a path: target.c takes it as it is. */
static const char *path_fault(const char *name)
{
    if (strpbrk(name, "/\\#") != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return "must have no / \\ or #, and not be . or ..";
    return NULL;
}

static int put_name(const struct client_entry *e, struct json_object *value)
{
    const char *text = json_strict_text(value);
    const char *why =
        text != NULL ? client_fields_name_fault(text) : "must be a text";

    if (why == NULL && e->is_made)
        why = path_fault(text);
    if (why != NULL)
        return client_fields_refuse(e, "name", why);
    memcpy(e->client->name, text, strlen(text) + 1);
    return 0;
}

static int put_hash(const struct client_entry *e, struct json_object *value)
{
    const char *text = json_strict_text(value);

    if (text != NULL && key_text_read(e->client->hash, text))
        return 0;
    return client_fields_refuse(
        e, "key_sha256",
        "must be the 64 hexadecimal digits of a key's SHA-256 "
        "(sluicectl key new NAME)");
}

/* ---- numbers and words ------------------------------------------------------------- */

static int64_t *field(const struct client_entry *e, const struct setting *row)
{
    return (int64_t *)(void *)((char *)e->client + row->at);
}

/* A key that we make says in a number that it has no bound of its own. */
static bool may_be(const struct client_entry *e, const struct setting *row,
                   int64_t number)
{
    return (number >= row->min && number <= row->max) ||
           (e->is_made && number == row->initial);
}

static int refuse_number(const struct client_entry *e,
                         const struct setting *row)
{
    char must[SETTING_LABEL_MAX], allowed[SETTING_LABEL_MAX];
    bool none = e->is_made && row->initial < row->min;

    setting_allowed(allowed, sizeof(allowed), row);
    (void)snprintf(must, sizeof(must), "must be %.80s%s", allowed,
                   none ? ", or 0 for that of all" : "");
    return client_fields_refuse(e, row->key, must);
}

static int put_number(const struct client_entry *e, const struct setting *row,
                      struct json_object *value)
{
    const char *text = json_strict_text(value);
    int64_t i;

    if (row->kind == SETTING_WORD) {
        for (i = 0; text != NULL && row->words[i] != NULL; i++) {
            if (strcmp(row->words[i], text) == 0) {
                *field(e, row) = i;
                return 0;
            }
        }
    } else if (json_object_is_type(value, json_type_int) &&
               may_be(e, row, json_object_get_int64(value))) {
        *field(e, row) = json_object_get_int64(value);
        return 0;
    }
    return refuse_number(e, row);
}

/* ---- an entry ------------------------------------------------------------------------ */

const struct setting *client_fields_row(const char *member)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(members); i++)
        if (strcmp(members[i].key, member) == 0)
            return &members[i];
    return NULL;
}

void client_fields_init(struct client_key *client)
{
    const struct client_entry e = {.client = client};
    size_t i;

    memset(client, 0, sizeof(*client));
    for (i = 2; i < ARRAY_LEN(members); i++)
        *field(&e, &members[i]) = members[i].initial;
}

int client_fields_put(const struct client_entry *e, const char *member,
                      struct json_object *value)
{
    const struct setting *row = client_fields_row(member);

    if (row == NULL)
        return 1;
    e->client->given |= 1u << (row - members);
    if (row == &members[0])
        return put_name(e, value);
    if (row == &members[1])
        return put_hash(e, value);
    return put_number(e, row, value);
}

int client_fields_complete(const struct client_entry *e)
{
    size_t i;

    for (i = 0; i < 2; i++)
        if ((e->client->given & 1u << i) == 0)
            return client_fields_refuse(e, members[i].key, "is missing");
    return 0;
}
