/*
 * store_fault.c - what does an error of the store mean, and what can be done?
 *
 * The store's own words are not shown: an error can quote what was sent, a
 * password too.  Only what is in no row here is (store_hello.c, store.c).
 */
#include "fcgi/store/store_fault.h"

#include <string.h>

#include "lib/base.h"

/* In the order in which they are looked for. */
static const struct {
    const char *begins;
    enum store_fault fault;
} errors[] = {
    {"NOAUTH", STORE_WANTS_PASSWORD},
    {"WRONGPASS", STORE_REFUSES_PASSWORD},
    {"ERR invalid password", STORE_REFUSES_PASSWORD}, /* before Redis 6 */
    {"ERR AUTH <password> called without", STORE_HAS_NO_PASSWORD},
    {"ERR Client sent AUTH, but no password", STORE_HAS_NO_PASSWORD},
    {"NOPERM", STORE_NOT_ALLOWED},
    {"ERR The user executing the script can't", STORE_NOT_ALLOWED},
    {"DENIED", STORE_PROTECTED},
    {"READONLY", STORE_REPLICA},
    {"OOM", STORE_FULL},
    {"LOADING", STORE_LOADING},
    {"MASTERDOWN", STORE_MASTER_DOWN},
    {"MISCONF", STORE_NOT_SAVED},
    {"NOREPLICAS", STORE_NO_REPLICAS},
    {"BUSY", STORE_BUSY}, /* a script that does not end; BUSYKEY is not ours */
    {"MOVED", STORE_CLUSTER},
    {"ASK ", STORE_CLUSTER},
    {"CLUSTERDOWN", STORE_CLUSTER},
    {"TRYAGAIN", STORE_CLUSTER},
    {"ERR max number of clients", STORE_CROWDED},
    {"ERR DB index", STORE_NO_DATABASE},
    {"ERR SELECT is not allowed", STORE_NO_DATABASE},
};

static const char *const lines[STORE_FAULTS] = {
    [STORE_SILENT] = "it does not answer within a second; look at its load and "
                     "at the network between",
    [STORE_LOADING] = "it is loading its data; it will be used once it has",
    [STORE_MASTER_DOWN] = "it is a replica that has lost its master; "
                          "shared.url must name the master, or sentinels",
    [STORE_BUSY] =
        "a script of somebody's keeps it busy; SCRIPT KILL ends that",
    [STORE_REPLICA] = "it is a replica, which takes no writes; shared.url must "
                      "name the master, or sentinels",
    [STORE_NO_REPLICAS] = "it takes no writes while too few replicas follow "
                          "it; look at its min-replicas-to-write",
    [STORE_CLUSTER] = "it is part of a cluster and does not have the keys of "
                      "this account now; shared.url must name the node that "
                      "CLUSTER SHARDS shows for them",
    [STORE_CROWDED] = "it has no connection left for us; look at its "
                      "maxclients",
    [STORE_UNKNOWN_MASTER] = "the sentinels do not know the name at the end of "
                             "shared.url; SENTINEL MASTERS lists those they "
                             "know",
    [STORE_FULL] = "its memory is full, it takes no writes (OOM); raise its "
                   "maxmemory, or make room",
    [STORE_NOT_SAVED] = "it takes no writes because it cannot save its data "
                        "(MISCONF); look at its disk and its log",
    [STORE_EVICTS] = "it may drop keys of ours when its memory is full; its "
                     "maxmemory-policy must be noeviction",
    [STORE_NO_DATABASE] = "it does not have the database that shared.url "
                          "names",
    [STORE_PROTECTED] = "it takes connections of its own machine only "
                        "(protected-mode); it needs a password, and "
                        "shared.password_file names ours",
    [STORE_NOT_ALLOWED] =
        "our user lacks a right (NOPERM), which ACL LOG there names; "
        "conf/README.md has the line that is needed",
    [STORE_WANTS_PASSWORD] = "it wants a password; shared.password_file must "
                             "name a file with it",
    [STORE_HAS_NO_PASSWORD] = "it has no password and we send one; set one "
                              "there, or leave out shared.password_file",
    [STORE_REFUSES_PASSWORD] = "it refuses user or password; look at the user "
                               "in shared.url and at shared.password_file",
};

static bool begins(const char *text, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static enum store_fault find(const char *error, size_t len)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(errors); i++)
        if (begins(error, len, errors[i].begins))
            return errors[i].fault;
    return STORE_STRANGE;
}

/* Redis 6 puts a command's error behind the place in the script that made it,
 * once or twice: "ERR Error running script (call to f_..): @user_script:1:
 * @user_script: 1: -OOM ...". */
static const char *within_script(const char *error, size_t len)
{
    static const char mark[] = "@user_script:";
    const char *end = error + len, *inner = NULL, *at = error;

    while ((at = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1)) !=
           NULL) {
        at += sizeof(mark) - 1;
        inner = memmem(at, (size_t)(end - at), ": ", 2);
    }
    if (inner == NULL)
        return NULL;
    inner += 2;
    return inner < end && *inner == '-' ? inner + 1 : inner;
}

enum store_fault store_fault_of(const char *error, size_t len)
{
    enum store_fault f = find(error, len);
    const char *inner = f == STORE_STRANGE ? within_script(error, len) : NULL;

    return inner != NULL ? find(inner, len - (size_t)(inner - error)) : f;
}

bool store_fault_is_noscript(const char *error, size_t len)
{
    return begins(error, len, "NOSCRIPT") ||
           begins(error, len, "ERR Function not found");
}

const char *store_fault_line(enum store_fault f)
{
    return lines[f];
}
