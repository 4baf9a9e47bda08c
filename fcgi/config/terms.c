/*
 * terms.c - which texts do all workers build their settings from?
 *
 *   state_dir/adopted.json   {"generation", "file", "live", "keys"}: what is
 *                            in force, one file, so that all take all of it or
 *                            nothing
 *   data_dir/settings.json   the live changes alone, kept across reboots; the
 *                            keys alone: key_file.c
 *
 * Both are read with bounds and strictly: whoever holds our uid may have
 * written them.  Neither holds a key: the settings file cannot, and of those
 * that were made there are hashes.
 */
#include "fcgi/config/terms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <json-c/json.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/settings.h"
#include "lib/atomic_file.h"
#include "lib/base.h"
#include "lib/buf.h"
#include "lib/complaint.h"
#include "lib/serial.h"

#define ADOPTED_NAME "adopted.json"
#define LIVE_NAME    "settings.json"
#define LOCK_NAME    "settings.lock"

/* A settings file of 1 MB, much escaped, and half of one of keys. */
#define ADOPTED_MAX (8 * MIB)
#define LIVE_MAX    (256 * KIB) /* every key of every upstream, and room */

static const int plain =
    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;

void terms_free(struct terms *t)
{
    json_file_free(&t->file);
    json_object_put(t->live);
    json_object_put(t->keys);
    memset(t, 0, sizeof(*t));
}

static void set_file(struct json_file *file, const char *text, size_t len)
{
    memset(file, 0, sizeof(*file));
    if (text == NULL)
        return;
    file->text = malloc(len + 1);
    CHECK(file->text != NULL);
    memcpy(file->text, text, len);
    file->text[len] = '\0';
    file->len = len;
}

void terms_copy(struct terms *to, const struct terms *from)
{
    memset(to, 0, sizeof(*to));
    to->generation = from->generation;
    set_file(&to->file, from->file.text, from->file.len);
    if (from->live != NULL)
        CHECK(json_object_deep_copy(from->live, &to->live, NULL) == 0);
    if (from->keys != NULL)
        CHECK(json_object_deep_copy(from->keys, &to->keys, NULL) == 0);
}

void terms_complete(struct terms *t, const struct terms *own)
{
    if (t->keys != NULL)
        return;
    if (own->keys != NULL)
        CHECK(json_object_deep_copy(own->keys, &t->keys, NULL) == 0);
    else
        t->keys = json_object_new_array();
    CHECK(t->keys != NULL);
}

bool terms_same(const struct terms *a, const struct terms *b)
{
    if ((a->file.text == NULL) != (b->file.text == NULL) ||
        a->file.len != b->file.len)
        return false;
    if (a->file.text != NULL && b->file.text != NULL &&
        memcmp(a->file.text, b->file.text, a->file.len) != 0)
        return false;
    return json_object_equal(a->live, b->live) &&
           json_object_equal(a->keys, b->keys);
}

/* ---- reading ----------------------------------------------------------- */

/* The object in DIR/NAME; NULL: ERR says why not, and *MISSING whether there
 * is no such file. */
static struct json_object *read_object(const char *dir, const char *name,
                                       size_t max, bool *missing,
                                       struct complaint *err)
{
    char path[SETTING_TEXT_MAX + 64];
    struct json_object *root;
    struct json_file file;
    struct stat st;
    const char *why;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    *missing = stat(path, &st) == -1;
    why = json_file_read(&file, path, max);
    if (file.text == NULL) {
        complain(err, "%s: %s", path, why);
        return NULL;
    }
    root = json_file_parse(&file, path, err);
    json_file_free(&file);
    return root;
}

/* Takes ROOT apart.  False: it is not what terms_write() writes. */
static bool take_apart(struct terms *t, struct json_object *root)
{
    struct json_object *generation, *file, *live, *keys = NULL;
    int64_t n;

    if (!json_object_object_get_ex(root, "generation", &generation) ||
        !json_object_object_get_ex(root, "file", &file) ||
        !json_object_object_get_ex(root, "live", &live) ||
        !json_object_is_type(generation, json_type_int) ||
        !json_object_is_type(live, json_type_object) ||
        (json_object_object_get_ex(root, "keys", &keys) &&
         !json_object_is_type(keys, json_type_array)) ||
        (file != NULL && !json_object_is_type(file, json_type_string)))
        return false;
    n = json_object_get_int64(generation);
    if (n < 1 || !serial_is_sane((uint64_t)n))
        return false;
    t->generation = (uint64_t)n;
    if (file != NULL)
        set_file(&t->file, json_object_get_string(file),
                 (size_t)json_object_get_string_len(file));
    t->live = json_object_get(live);
    t->keys = json_object_get(keys);
    return true;
}

int terms_read(struct terms *t, const char *state_dir, struct complaint *err)
{
    struct json_object *root;
    bool missing, fine;

    memset(t, 0, sizeof(*t));
    root = read_object(state_dir, ADOPTED_NAME, ADOPTED_MAX, &missing, err);
    if (root == NULL)
        return -1;
    fine = take_apart(t, root);
    json_object_put(root);
    if (!fine)
        return complain(err, "%s/%s: is not what Sluice writes", state_dir,
                        ADOPTED_NAME);
    return 0;
}

struct json_object *terms_read_live(const char *data_dir, struct complaint *err)
{
    struct json_object *live;
    bool missing;

    live = read_object(data_dir, LIVE_NAME, LIVE_MAX, &missing, err);
    return live == NULL && missing ? json_object_new_object() : live;
}

int terms_lock(const char *state_dir, int wait_ms, struct complaint *err)
{
    return atomic_file_lock(state_dir, LOCK_NAME, wait_ms, err);
}

uint64_t terms_stamp(const char *state_dir)
{
    char path[SETTING_TEXT_MAX + 64];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", state_dir, ADOPTED_NAME);
    if (stat(path, &st) == -1)
        return 0;
    return ((uint64_t)st.st_ino * 31 + (uint64_t)st.st_size) * 31 +
           (uint64_t)st.st_mtim.tv_sec * 1000000007 +
           (uint64_t)st.st_mtim.tv_nsec + 1;
}

/* ---- writing ------------------------------------------------------------- */

int terms_write(const struct terms *t, const char *state_dir,
                struct complaint *err)
{
    struct buf b = {NULL, 0, 0, 0};
    int rc;

    buf_fmt(&b, "{\"generation\":%lld,\"file\":", (long long)t->generation);
    if (t->file.text != NULL)
        buf_json(&b, t->file.text);
    else
        buf_str(&b, "null");
    buf_str(&b, ",\"live\":");
    buf_str(&b, json_object_to_json_string_ext(t->live, plain));
    buf_str(&b, ",\"keys\":");
    buf_str(&b, json_object_to_json_string_ext(t->keys, plain));
    buf_str(&b, "}\n");
    rc = atomic_file_write(state_dir, ADOPTED_NAME, buf_head(&b), b.len, false,
                           err);
    buf_free(&b);
    return rc;
}

int terms_write_live(struct json_object *live, const char *data_dir,
                     struct complaint *err)
{
    struct buf b = {NULL, 0, 0, 0};
    int rc;

    if (atomic_file_make_dir(data_dir, err) == -1)
        return -1;
    buf_str(&b, json_object_to_json_string_ext(
                    live, plain | JSON_C_TO_STRING_PRETTY));
    buf_str(&b, "\n");
    rc = atomic_file_write(data_dir, LIVE_NAME, buf_head(&b), b.len, true, err);
    buf_free(&b);
    return rc;
}
