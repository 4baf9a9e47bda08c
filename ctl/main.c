/*
 * main.c - sluicectl: which command was given?
 *
 *   status, queue, top    look.c, top.c   from the state file alone, or with
 *                         far.c           --url as a worker tells it
 *   set, reload, pause,   orders.c        through a worker, over HTTP, with
 *   resume, cancel                        the admin token (call.c)
 *   shared                shared_hosts.c  the store of several hosts, by a worker
 *   clear                 clear.c         the same way, and asks before
 *   key make, key list    key_calls.c     keys of clients, the same way
 *   report                report.c        all that tells of a fault, in one file
 *   runs                  where.c         which one is meant, if there are more
 *   key new               key.c           one for the settings
 *   serve, health         serve.c         the container's first process, and
 *                                         its health check
 *   check                 here            would a worker start with it?
 *
 * The one part of state/ that knows the settings.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/report.h"
#include "ctl/serve.h"
#include "fcgi/config/config.h"
#include "fcgi/config/settings.h"
#include "fcgi/config/tls_files.h"
#include "state/dir_fault.h"

extern char **environ;

const struct config *ctl_config(struct ctl *c)
{
    char err[512];

    if (c->cfg == NULL &&
        config_load(&c->cfg, environ, err, sizeof(err)) == -1 && !c->is_quiet)
        fprintf(stderr, "sluicectl: %s\n", err);
    return c->cfg;
}

/* Whoever names the directory in the environment starts it, too; what a file says
 * may be for another user. */
static bool can_have_state(const struct config *cfg)
{
    const struct setting *row = setting_find("state_dir", false);
    char why[4600];
    enum dir_fault fault = dir_fault_find(cfg->state_dir, why, sizeof(why));
    bool is_mine = setting_source(row, cfg, NULL) == SOURCE_ENV;

    if (fault == DIR_FINE)
        return true;
    if (fault == DIR_UNUSABLE || is_mine) {
        fprintf(stderr, "sluicectl: %s\n", why);
        return false;
    }
    if (setting_source(row, cfg, NULL) != SOURCE_DEFAULT)
        fprintf(stderr, "sluicectl: for this user: %s\n", why);
    return true;
}

static int run_check(struct ctl *c, char **args, int n)
{
    char err[512];

    if (n == 1 && setenv("SLUICE_CONFIG", args[0], 1) == -1)
        return EXIT_FAILURE;
    if (ctl_config(c) == NULL)
        return EXIT_CONFIG;
    if (tls_files_check(c->cfg, err, sizeof(err)) == -1) {
        fprintf(stderr, "sluicectl: %s\n", err);
        return EXIT_CONFIG;
    }
    if (!can_have_state(c->cfg))
        return EXIT_CONFIG;
    printf("ok: upstream %s at %s, %" PRId64 " requests in %" PRId64 " ms%s\n",
           c->cfg->upstreams[0].name, c->cfg->upstreams[0].base_url,
           c->cfg->upstreams[0].requests, c->cfg->upstreams[0].window_ms,
           c->cfg->upstreams[0].api_key == NULL ? ", no key: the client's own "
                                                  "Authorization passes"
                                                : "");
    return EXIT_SUCCESS;
}

static int run_status(struct ctl *c, char **args, int n)
{
    int rc;

    if (n > 0)
        return strcmp(args[0], "--json") == 0 ? call_status_json(c)
                                              : EXIT_USAGE;
    rc = look_status(c);
    if (rc == EXIT_SUCCESS)
        rc = look_store(c);
    if (rc == EXIT_SUCCESS)
        call_aliases(c);
    return rc;
}

static int run_queue(struct ctl *c, char **args, int n)
{
    (void)args;
    (void)n;
    return look_queue(c);
}

static int run_top(struct ctl *c, char **args, int n)
{
    (void)args;
    (void)n;
    return top_run(c);
}

static int run_shared(struct ctl *c, char **args, int n)
{
    (void)args;
    (void)n;
    return shared_look(c);
}

static int run_set(struct ctl *c, char **args, int n)
{
    return call_set(c, args, n);
}

static int run_adopt(struct ctl *c, char **args, int n)
{
    char name[LIMITER_NAME_MAX], text[2][LIMITER_NAME_MAX + 40];
    char *const pairs[] = {text[0], text[1]};
    uint32_t requests;
    int is_rate, rc = look_learned(c, n > 0 ? args[0] : NULL, name,
                                   sizeof(name), &requests, &is_rate);

    if (rc != EXIT_SUCCESS)
        return rc;
    if (requests == 0) {
        fprintf(stderr, "sluicectl: no limit was learned%s%s\n",
                n > 0 ? " of " : "", n > 0 ? args[0] : "");
        return EXIT_FAILURE;
    }
    snprintf(text[0], sizeof(text[0]), "upstreams.%s.requests=%u", name,
             requests);
    snprintf(text[1], sizeof(text[1]), "upstreams.%s.burst=1", name);
    return call_set(c, pairs, is_rate ? 2 : 1);
}

static int run_reload(struct ctl *c, char **args, int n)
{
    (void)args;
    (void)n;
    return call_reload(c);
}

static int run_pause(struct ctl *c, char **args, int n)
{
    (void)args;
    (void)n;
    return call_pause(c, 1);
}

static int run_resume(struct ctl *c, char **args, int n)
{
    (void)args;
    (void)n;
    return call_pause(c, 0);
}

static int run_cancel(struct ctl *c, char **args, int n)
{
    (void)n;
    return call_cancel(c, args[0]);
}

/* --yes may stand on either side of the command. */
static int run_clear(struct ctl *c, char **args, int n)
{
    const char *names[2] = {NULL, NULL};
    int i, found = 0;

    for (i = 0; i < n; i++) {
        if (strcmp(args[i], "--yes") == 0)
            c->says_yes = 1;
        else if (args[i][0] == '-' || found == 2)
            return EXIT_USAGE;
        else
            names[found++] = args[i];
    }
    return clear_run(c, names[0], names[1]);
}

static int run_runs(struct ctl *c, char **args, int n)
{
    (void)args;
    (void)n;
    return where_list(c);
}

/* Without a name it gives itself one. */
static int run_report(struct ctl *c, char **args, int n)
{
    return report_run(c, n > 0 ? args[0] : NULL);
}

static int run_serve(struct ctl *c, char **args, int n)
{
    (void)args;
    (void)n;
    return serve_run(c);
}

/* Its answer is the exit status alone: an engine reads nothing else. */
static int run_health(struct ctl *c, char **args, int n)
{
    (void)c;
    return serve_health(n > 0 ? args[0] : "/health");
}

static int run_key(struct ctl *c, char **args, int n)
{
    if (strcmp(args[0], "new") == 0 && n == 2)
        return key_new(args[1]);
    return keys_run(c, args, n);
}

/* NAME takes MIN to MAX arguments; EXIT_USAGE from RUN prints the usage. */
static const struct command {
    const char *name, *args, *what;
    int min, max;
    int (*run)(struct ctl *c, char **args, int n);
} commands[] = {
    {"status", "[--json]", "limits, how much is used, workers, counts", 0, 1,
     run_status},
    {"queue", "", "who waits, in the order they will go; who runs", 0, 0,
     run_queue},
    {"shared", "", "the store of several machines, and who they are", 0, 0,
     run_shared},
    {"top", "", "both, live, with keys to act; h helps, q ends it", 0, 0,
     run_top},
    {"set", "KEY=VALUE...", "changes settings for all workers; KEY= undoes it",
     1, 64, run_set},
    {"adopt", "[UPSTREAM]", "sets the limit that was learned", 0, 1, run_adopt},
    {"reload", "", "all workers adopt the settings file, or none", 0, 0,
     run_reload},
    {"pause", "", "nothing is sent any more; requests wait", 0, 0, run_pause},
    {"resume", "", "it goes on", 0, 0, run_resume},
    {"cancel", "ID", "ends one request, waiting or running", 1, 1, run_cancel},
    {"clear", "[UPSTREAM [MODEL]]",
     "ends a retreat, a hold or a bench, once you "
     "said yes",
     0, 3, run_clear},
    {"key", "make NAME [K=V...]",
     "a new key; limits as requests_per_min=20, "
     "expires=30d",
     1, 32, run_key},
    {"key", "list", "all keys, and whose they are", 1, 32, run_key},
    {"key", "set NAME K=V...", "other limits, for the same key", 1, 32,
     run_key},
    {"key", "revoke NAME", "it is of no use any more", 1, 32, run_key},
    {"key", "new NAME", "a key, and its line for the settings", 1, 32, run_key},
    {"runs", "", "which of yours run on this machine, and where", 0, 0,
     run_runs},
    {"report", "[FILE]", "one file about a fault, without keys and names", 0, 1,
     run_report},
    {"serve", "", "lighttpd and its workers, in the foreground (the container)",
     0, 0, run_serve},
    {"health", "[/health/ready]", "0 if a worker answers at SLUICE_LISTEN", 0,
     1, run_health},
    {"check", "[FILE]", "would a worker start with these settings?", 0, 1,
     run_check},
};

static int usage(FILE *to, int code)
{
    size_t i;

    fprintf(to, "usage: sluicectl [--dir DIR | --url URL] [--token-file FILE] "
                "[--yes] COMMAND\n");
    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(to, "  %-7s%-20s%s\n", commands[i].name, commands[i].args,
                commands[i].what);
    fprintf(to,
            "Which Sluice: the one of the state directory DIR, or at URL; else "
            "as SLUICE_URL and\nSLUICE_STATE_DIR say; else the one that runs "
            "here (sluicectl runs).\n"
            "The admin token is SLUICE_ADMIN_TOKEN's, the one in FILE, or, of "
            "one on this\nmachine, the one in admin.token of its state or data "
            "directory.\n"
            "Exit status: 0 fine, 1 it could not be done, 2 wrong usage, 78 "
            "wrong settings.\n");
    return code;
}

/* One of the options that say which Sluice is meant. */
static const char **option(struct ctl *c, const char *word)
{
    if (strcmp(word, "--dir") == 0 || strcmp(word, "--state-dir") == 0)
        return &c->state_dir;
    if (strcmp(word, "--url") == 0)
        return &c->url;
    return strcmp(word, "--token-file") == 0 ? &c->token_file : NULL;
}

/* Behind the command such a word would be taken for one of its own, and that is
 * said to be wrong there without a word of what would be right. */
static bool has_late_option(struct ctl *c, char **args, int n)
{
    int i;

    /* --dir=DIR, too: it is no spelling of ours, but of many other programs. */
    for (i = 1; i < n; i++) {
        char name[16];
        size_t len = strcspn(args[i], "=");

        snprintf(name, sizeof(name), "%.*s", (int)len, args[i]);
        if (len >= sizeof(name) || option(c, name) == NULL)
            continue;
        fprintf(stderr,
                "sluicectl: options come before the command: sluicectl %s %s "
                "%s ...\n",
                name,
                name[2] == 'u'   ? "URL"
                : name[2] == 't' ? "FILE"
                                 : "DIR",
                args[0]);
        return true;
    }
    return false;
}

static int run(struct ctl *c, char **args, int n)
{
    size_t i;
    int rc;

    if (has_late_option(c, args, n))
        return EXIT_USAGE;
    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        const struct command *cmd = &commands[i];

        if (strcmp(args[0], cmd->name) != 0)
            continue;
        if (n - 1 < cmd->min || n - 1 > cmd->max) {
            fprintf(stderr, "usage: sluicectl %s %s\n", cmd->name, cmd->args);
            return EXIT_USAGE;
        }
        rc = cmd->run(c, args + 1, n - 1);
        return rc == EXIT_USAGE && !c->has_said ? usage(stderr, rc) : rc;
    }
    fprintf(stderr, "sluicectl: unknown command %.32s\n", args[0]);
    return usage(stderr, EXIT_USAGE);
}

/* Takes what stands before the command; its index, or -1: wrong usage. */
static int options(struct ctl *c, int argc, char **argv)
{
    int i = 1;

    while (i < argc && strncmp(argv[i], "--", 2) == 0) {
        const char **to = NULL;

        if (strcmp(argv[i], "--yes") == 0) {
            c->says_yes = 1;
            i++;
            continue;
        }
        to = option(c, argv[i]);
        if (to == NULL)
            break;
        if (i + 1 >= argc)
            return -1;
        *to = argv[i + 1];
        i += 2;
    }
    return i;
}

int main(int argc, char **argv)
{
    struct ctl c = {.env_url = getenv("SLUICE_URL")};
    int i = options(&c, argc, argv), rc;

    if (c.env_url != NULL && c.env_url[0] == '\0')
        c.env_url = NULL;
    if (i == -1 || i >= argc)
        return usage(stderr, EXIT_USAGE);
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "help") == 0)
        return usage(stdout, EXIT_SUCCESS);
    if (strcmp(argv[i], "--version") == 0) {
        printf("sluicectl %s\n", SLUICE_VERSION);
        return EXIT_SUCCESS;
    }
    rc = run(&c, argv + i, argc - i);
    config_free(c.cfg);
    return rc;
}
