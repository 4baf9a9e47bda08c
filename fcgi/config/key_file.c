/*
 * key_file.c - which keys are kept across restarts?
 *
 *   data_dir/keys.json   {"keys":[...]}, 0600: hashes, never a key
 *
 * Whoever can write it can let himself in, so it must be ours alone; and since
 * whoever holds our uid may have written it, it is bounded, and checked whole
 * before anything of it counts.
 */
#include "fcgi/config/key_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <json-c/json.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/json_file.h"
#include "fcgi/config/keys.h"
#include "fcgi/config/settings.h"
#include "lib/atomic_file.h"
#include "lib/base.h"
#include "lib/buf.h"
#include "lib/complaint.h"

#define KEYS_NAME  "keys.json"
#define KEYS_BYTES MIB /* twice what the most of them take, indented */

#define NAMED_BYTES (SETTING_TEXT_MAX + 64)

/* The object in the file at PATH; NULL: ERR. */
static struct json_object *read_object(const char *path, struct complaint *err)
{
    struct json_object *root = NULL;
    struct json_file file;
    const char *why = json_file_read(&file, path, KEYS_BYTES);

    if (file.text == NULL) {
        complain(err, "%s: %s", path, why);
        return NULL;
    }
    if ((file.mode & (S_IWGRP | S_IWOTH)) != 0)
        complain(err, "%s: others may write it; must be chmod 0600", path);
    else
        root = json_file_parse(&file, path, err);
    json_file_free(&file);
    return root;
}

/* The list that ROOT is, if all of it is sound. */
static struct json_object *take_list(const char *path, struct json_object *root,
                                     struct complaint *err)
{
    char why[256];
    struct complaint c = {why, sizeof(why)};
    struct json_object *list;
    struct keys keys;

    if (!json_object_object_get_ex(root, "keys", &list) ||
        json_object_object_length(root) != 1) {
        complain(err, "%s: must be one object with \"keys\"", path);
        return NULL;
    }
    if (keys_read(&keys, list, &c) == -1) {
        complain(err, "%s: %s", path, why);
        return NULL;
    }
    keys_free(&keys);
    return json_object_get(list);
}

struct json_object *key_file_read(const char *data_dir, bool *missing,
                                  struct complaint *err)
{
    struct json_object *root, *list = NULL;
    char path[NAMED_BYTES];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/%s", data_dir, KEYS_NAME);
    *missing = lstat(path, &st) == -1 && errno == ENOENT;
    if (*missing)
        return json_object_new_array();
    root = read_object(path, err);
    if (root != NULL)
        list = take_list(path, root, err);
    json_object_put(root);
    return list;
}

/* What somebody may want to look at is not written over. */
static int set_aside(const char *data_dir, struct complaint *err)
{
    char path[NAMED_BYTES], aside[NAMED_BYTES], why[256];
    struct complaint c = {why, sizeof(why)};
    struct json_object *list;
    bool missing;

    list = key_file_read(data_dir, &missing, &c);
    json_object_put(list);
    if (list != NULL)
        return 0;
    (void)snprintf(path, sizeof(path), "%s/%s", data_dir, KEYS_NAME);
    (void)snprintf(aside, sizeof(aside), "%s/%s.bad", data_dir, KEYS_NAME);
    if (rename(path, aside) == 0)
        return 0;
    return complain(err, "%s: %s", aside, strerror(errno));
}

int key_file_write(struct json_object *list, const char *data_dir,
                   struct complaint *err)
{
    struct json_object *root = json_object_new_object();
    struct buf b = {NULL, 0, 0, 0};
    int rc = -1;

    CHECK(root != NULL);
    CHECK(json_object_object_add(root, "keys", json_object_get(list)) == 0);
    buf_str(&b, json_object_to_json_string_ext(
                    root,
                    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    buf_str(&b, "\n");
    json_object_put(root);
    if (atomic_file_make_dir(data_dir, err) == 0 &&
        set_aside(data_dir, err) == 0)
        rc = atomic_file_write(data_dir, KEYS_NAME, buf_head(&b), b.len, true,
                               err);
    buf_free(&b);
    return rc;
}
