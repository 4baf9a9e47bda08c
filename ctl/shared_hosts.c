/*
 * shared_hosts.c - sluicectl shared: with whom is the limit shared?
 *
 * From a worker, for what the store tells of other hosts is in no state file.
 * What a worker does not know is a dash.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <json-c/json.h>

#include "ctl/ctl.h"

#define NAME_WIDTH 20
#define CELL       32

/* Borrowed from O. */
static const char *text_of(struct json_object *o, const char *key,
                           const char *otherwise)
{
    struct json_object *value = call_at(o, key);

    return value != NULL ? json_object_get_string(value) : otherwise;
}

/* 0 where there is none: json-c takes NULL for that. */
static int64_t count_of(struct json_object *o, const char *key)
{
    return json_object_get_int64(call_at(o, key));
}

/* Microseconds as milliseconds, a tenth at the least. */
static const char *trip(char out[CELL], struct json_object *o)
{
    struct json_object *us = call_at(o, "rtt_us");

    if (us == NULL)
        snprintf(out, CELL, "-");
    else
        snprintf(out, CELL, "%.1f ms", json_object_get_double(us) / 1000);
    return out;
}

/* Seconds, as people say them. */
static const char *span(char out[DURATION_MAX], struct json_object *o,
                        const char *key)
{
    struct json_object *s = call_at(o, key);

    return duration(out, s != NULL ? (int64_t)(json_object_get_double(s) * 1e9)
                                   : -1);
}

/* The store as this host has it. */
static void print_store(struct json_object *shared)
{
    char ms[CELL], time[DURATION_MAX];

    fputs("store   ", stdout);
    print_text(stdout, text_of(shared, "url", "-"));
    fputs(", account ", stdout);
    print_text(stdout, text_of(shared, "account", "-"));
    fputs(": ", stdout);
    print_text(stdout, text_of(shared, "state", "-"));
    if (json_object_get_double(call_at(shared, "lost_s")) > 0)
        printf(" for %s", span(time, shared, "lost_s"));
    printf("\nleader  pid %s, round trip %s, %" PRId64 " slots in hand here\n",
           text_of(shared, "leader_pid", "-"), trip(ms, shared),
           count_of(shared, "leases"));
    fputs("loss    ", stdout);
    print_text(stdout, text_of(shared, "on_loss", "-"));
    if (json_object_get_double(call_at(shared, "full_s")) > 0)
        printf("; all windows count as full for %s",
               span(time, shared, "full_s"));
    putchar('\n');
}

/* A host chose its name itself, so it is shown without what a terminal obeys. */
static void print_host(struct json_object *host)
{
    char ms[CELL], time[DURATION_MAX], name[LIMITER_NAME_MAX];
    char bare[NAME_WIDTH * 4 + 1];

    snprintf(bare, sizeof(bare), "%s", text_of(host, "name", "-"));
    printf("%-*.*s %7" PRId64 " %6" PRId64 " %10s %10s%s\n", NAME_WIDTH,
           NAME_WIDTH, plain(name, bare), count_of(host, "waiting"),
           count_of(host, "leases"), trip(ms, host), span(time, host, "age_s"),
           json_object_get_boolean(call_at(host, "here")) ? "  here" : "");
}

static void print_shared(struct json_object *root, const void *arg)
{
    struct json_object *shared = call_at(root, "shared");
    struct json_object *hosts = call_at(shared, "hosts");
    size_t i, n = json_object_is_type(hosts, json_type_array)
                      ? json_object_array_length(hosts)
                      : 0;

    (void)arg;
    if (!json_object_is_type(shared, json_type_object)) {
        puts("This host is alone: shared.url names no store.");
        return;
    }
    print_store(shared);
    if (n > 0)
        printf("\n%-*s %7s %6s %10s %10s\n", NAME_WIDTH, "HOST", "WAITING",
               "SLOTS", "TRIP", "LAST CALL");
    for (i = 0; i < n; i++)
        print_host(json_object_array_get_idx(hosts, i));
}

int shared_look(struct ctl *c)
{
    return call_and(c, "GET", "/api/status", NULL, print_shared, NULL);
}
