/*
 * clear.c - what is held back, and shall that end?
 *
 * A hold protects the account: who ends it by mistake gets the next refusal, and
 * a longer hold.  So nothing ends unasked: what would is named first, one a
 * line, and somebody says yes, on the terminal or with --yes.  Afterwards it is
 * looked whether it did end, for the workers do it in a turn of theirs.
 *
 * Exit status: 0 when it ended, or there was nothing to end; 1 when nobody said yes,
 * when a name is not there, or when something is still there afterwards.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "ctl/ctl.h"

#define HOLDS_MAX 600 /* each model's retreat and bench, each upstream's two */
#define LOOKS     40  /* a snapshot is at most a second old: four seconds */
#define LOOK_MS   100

/* One thing that holds requests back. */
struct hold {
    const char *kind; /* "retreat", "bench", ... */
    char name[LIMITER_NAME_MAX];
    char more[200]; /* for people */
};

struct holds {
    const char *upstream, *model; /* of which; NULL: of all */
    bool is_known;                /* there are such an upstream and model */
    size_t n;
    struct hold list[HOLDS_MAX];
};

/* ---- what there is ------------------------------------------------------------ */

static const char *text_at(struct json_object *o, const char *key)
{
    const char *text = json_object_get_string(call_at(o, key));

    return text != NULL ? text : "";
}

static bool has(const struct holds *h, const struct hold *one)
{
    size_t i;

    for (i = 0; i < h->n; i++)
        if (strcmp(h->list[i].kind, one->kind) == 0 &&
            strcmp(h->list[i].name, one->name) == 0)
            return true;
    return false;
}

/* ", ends in 12 s: the reason" of a hold that is V. */
static void add(struct holds *h, const char *kind, const char *name,
                struct json_object *v)
{
    struct hold *one = &h->list[h->n];
    struct json_object *ends = call_at(v, "ends_s");
    char when[DURATION_MAX];

    if (h->n == HOLDS_MAX)
        return;
    one->kind = kind;
    snprintf(one->name, sizeof(one->name), "%s", name);
    one->more[0] = '\0';
    if (has(h, one)) /* where each model has a limit it is in both lists */
        return;
    h->n++;
    if (ends != NULL)
        snprintf(one->more, sizeof(one->more), ", would end in %s: %.150s",
                 duration(when, (int64_t)(json_object_get_double(ends) * 1e9)),
                 text_at(v, "reason"));
}

/* A retreat that is over is in the answer as well: as "normal". */
static void add_retreat(struct holds *h, const char *name,
                        struct json_object *owner)
{
    struct json_object *v = call_at(owner, "retreat");

    if (strcmp(text_at(v, "state"), "normal") != 0)
        add(h, "retreat", name, v);
}

/* NULL means all of them. */
static bool is_meant(const char *wanted, const char *name)
{
    return wanted == NULL || strcmp(wanted, name) == 0;
}

/* Of an upstream's row, or of a model's where each has a limit of its own. */
static void see_limit(struct holds *h, struct json_object *row)
{
    struct json_object *unpaid = call_at(row, "unpaid");

    if (h->model != NULL || !is_meant(h->upstream, text_at(row, "upstream")))
        return;
    h->is_known = true;
    add_retreat(h, text_at(row, "name"), row);
    if (unpaid != NULL)
        add(h, "hold", text_at(row, "upstream"), unpaid);
}

/* With no model named only what its own refusals hold back. */
static void see_model(struct holds *h, struct json_object *row)
{
    const char *name = text_at(row, "name");
    int ceiling = json_object_get_int(call_at(row, "ceiling"));
    struct json_object *bench = call_at(row, "bench");

    if (!is_meant(h->upstream, text_at(row, "upstream")) ||
        !is_meant(h->model, name))
        return;
    add_retreat(h, name, row);
    if (h->model == NULL)
        return;
    h->is_known = true;
    if (bench != NULL)
        add(h, "bench", name, bench);
    if (ceiling > 0)
        add(h, "ceiling", name, NULL);
}

/* LIST may be missing: of a worker of another version, or of an answer that is
 * none. */
static void each(struct holds *h, struct json_object *list,
                 void (*see)(struct holds *, struct json_object *))
{
    size_t i, n = json_object_is_type(list, json_type_array)
                      ? json_object_array_length(list)
                      : 0;

    for (i = 0; i < n; i++)
        see(h, json_object_array_get_idx(list, i));
}

/* Always the whole answer anew, before and after: what is compared is what a
 * worker says, never what we think that we did. */
static int look(struct ctl *c, struct holds *h)
{
    struct json_object *root;
    int rc = call_get(c, "/api/status", &root);

    h->n = 0;
    h->is_known = false;
    if (rc == EXIT_SUCCESS) {
        each(h, call_at(root, "limits"), see_limit);
        each(h, call_at(root, "models"), see_model);
    }
    json_object_put(root);
    return rc;
}

/* ---- what is said --------------------------------------------------------------- */

/* Of what has ended the name alone is told: when it would have ended, and why it
 * began, is of no interest any more. */
static void print_hold(FILE *to, const char *before, const struct hold *one,
                       bool is_whole)
{
    fprintf(to, "%s%s of ", before, one->kind);
    print_text(to, one->name);
    if (is_whole)
        print_text(to, one->more);
    fputc('\n', to);
}

static void print_whose(FILE *to, const struct holds *h)
{
    if (h->model == NULL && h->upstream == NULL)
        return;
    fputs(" of ", to);
    print_text(to, h->model != NULL ? h->model : h->upstream);
}

/* True: no need to go on, and *RC says what comes of it. */
static bool is_nothing(const struct holds *h, int *rc)
{
    *rc = EXIT_SUCCESS;
    if (!h->is_known) {
        *rc = EXIT_FAILURE;
        fputs("sluicectl: nothing was ended: there is no ", stderr);
        fputs(h->model != NULL ? "model" : "upstream", stderr);
        fputs(" of that name here: ", stderr);
        print_text(stderr, h->model != NULL ? h->model : h->upstream);
        if (h->model != NULL && h->upstream != NULL) {
            fputs(" at ", stderr);
            print_text(stderr, h->upstream);
        }
        fputc('\n', stderr);
        return true;
    }
    if (h->n > 0)
        return false;
    fputs("nothing to end: no ", stdout);
    fputs(h->model != NULL ? "bench, ceiling or retreat" : "retreat or hold",
          stdout);
    print_whose(stdout, h);
    fputc('\n', stdout);
    return true;
}

/* Silence, Enter, and whatever is not yes, is no.  A script has no terminal, and
 * has to say --yes: it must not hang at a question either. */
static bool has_consent(const struct ctl *c, const struct holds *h)
{
    char answer[16] = "";
    size_t i;

    if (c->says_yes)
        return true;
    fprintf(stderr, "This ends what protects the account from more refusals "
                    "than it bears:\n");
    for (i = 0; i < h->n; i++)
        print_hold(stderr, "  ", &h->list[i], true);
    if (!isatty(STDIN_FILENO)) {
        fputs("sluicectl: nothing was ended: nobody can be asked here; "
              "clear --yes does it\n",
              stderr);
        return false;
    }
    fprintf(stderr, "End %s now? [y/N] ", h->n > 1 ? "them" : "it");
    if (fgets(answer, sizeof(answer), stdin) != NULL &&
        (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
        return true;
    fputs("nothing was ended\n", stderr);
    return false;
}

/* Each of BEFORE: has it gone? */
static int print_ended(struct ctl *c, const struct holds *before)
{
    struct holds *now = calloc(1, sizeof(*now));
    size_t i, left = before->n;
    int tries, rc = EXIT_SUCCESS;

    CHECK(now != NULL);
    now->upstream = before->upstream;
    now->model = before->model;
    for (tries = 0; rc == EXIT_SUCCESS && left > 0 && tries < LOOKS; tries++) {
        const struct timespec nap = {0, LOOK_MS * NS_PER_MS};

        if (tries > 0)
            nanosleep(&nap, NULL);
        rc = look(c, now);
        for (i = 0, left = 0; i < before->n; i++)
            left += has(now, &before->list[i]);
    }
    for (i = 0; rc == EXIT_SUCCESS && i < before->n; i++)
        print_hold(stdout,
                   has(now, &before->list[i]) ? "still there, or again: "
                                              : "ended: ",
                   &before->list[i], false);
    free(now);
    return left > 0 ? EXIT_FAILURE : rc;
}

/* The answer says "cleared" whatever there was: print_ended() looks instead. */
static void keep_quiet(struct json_object *root, const void *arg)
{
    (void)root;
    (void)arg;
}

/* One order for all of it: the worker ends what the names mean, as it is by then.
 * A hold that began since it was asked about ends with the rest, and is not named;
 * one that ended by itself is counted as ended, which is true. */
static int end_them(struct ctl *c, const struct holds *h)
{
    struct json_object *object = json_object_new_object();
    int rc;

    if (h->upstream != NULL)
        json_object_object_add(object, "upstream",
                               json_object_new_string(h->upstream));
    if (h->model != NULL)
        json_object_object_add(object, "model",
                               json_object_new_string(h->model));
    rc =
        call_and(c, "POST", "/api/retreat/clear",
                 json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
                 keep_quiet, NULL);
    json_object_put(object);
    return rc != EXIT_SUCCESS ? rc : print_ended(c, h);
}

/* Nothing to end is fine (0): a script that makes sure is right.  A name that is
 * not there is not (1): somebody has mistyped it. */
int clear_run(struct ctl *c, const char *upstream, const char *model)
{
    struct holds *h = calloc(1, sizeof(*h));
    int rc;

    CHECK(h != NULL);
    h->upstream = upstream;
    h->model = model;
    rc = look(c, h);
    if (rc == EXIT_SUCCESS && !is_nothing(h, &rc))
        rc = has_consent(c, h) ? end_them(c, h) : EXIT_FAILURE;
    free(h);
    return rc;
}
