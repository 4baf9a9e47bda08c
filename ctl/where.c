/*
 * where.c - which Sluice is meant, and what opens its door?
 *
 *   --url URL     that one, over HTTP alone; if it is one that runs here, by
 *                 whichever of its addresses, with the token of that run
 *   --dir DIR     that one: its state, and where it says that it listens
 *   SLUICE_URL, SLUICE_STATE_DIR, a state_dir in the settings file
 *                 as the environment says: what a worker would do with it
 *   nothing       what runs here: those that `make run` started (runs.c), and
 *                 the one of /run/sluice.  One is taken; of several each is
 *                 named, and which one has to be said: a command must not reach
 *                 another Sluice than the one that was meant.
 *
 * The token never stands on a command line, where every user of the machine
 * could read it: it is in a file, or in the environment.  What is found here by
 * itself goes to this machine only, and of a run to where that run listens;
 * --url to another one wants SLUICE_ADMIN_TOKEN or --token-file.
 *
 * What was found is kept (c->at): a command that asks twice asks the same one, even if
 * another has been started in between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/runs.h"
#include "fcgi/config/config.h"
#include "fcgi/config/json_file.h"

#define DEFAULT_DIR "/run/sluice"
#define DEFAULT_URL "http://127.0.0.1:8080"

/* ---- files ------------------------------------------------------------------ */

bool where_first_line(char *out, size_t max, const char *dir, const char *name)
{
    struct json_file file;
    char path[4200];

    snprintf(path, sizeof(path), "%s%s%s", dir, name[0] != '\0' ? "/" : "",
             name);
    if (json_file_read(&file, path, max) != NULL || file.text == NULL)
        return false;
    snprintf(out, max, "%.*s", (int)strcspn(file.text, "\r\n"), file.text);
    json_file_free(&file); /* wipes it */
    return out[0] != '\0';
}

/* Can it be read by us?  One that cannot is not ours to look at. */
static bool has_state(const char *dir)
{
    char path[RUN_PATH_MAX + 16];

    snprintf(path, sizeof(path), "%s/sluice.state", dir);
    return access(path, R_OK) == 0;
}

/* ---- which one ---------------------------------------------------------------- */

/* Paths are put behind it, and begin with a slash. */
static void set_url(struct where *w, const char *url)
{
    size_t n = strlen(url);

    while (n > 0 && url[n - 1] == '/')
        n--;
    snprintf(w->url, sizeof(w->url), "%.*s", (int)n, url);
}

/* All of it is known: nothing else is asked. */
static void by_run(struct where *w, const struct run *r)
{
    set_url(w, r->url);
    snprintf(w->dir, sizeof(w->dir), "%s", r->dir);
    snprintf(w->data, sizeof(w->data), "%s", r->data);
}

/* FIRST goes before what the directory says of itself, LAST after it; with LAST
 * "" it stays unknown. */
static void by_dir(struct where *w, const char *dir, const char *first,
                   const char *last)
{
    char url[WHERE_URL_MAX];
    struct run *runs = calloc(RUNS_MAX, sizeof(*runs));
    size_t i, n = runs != NULL ? runs_list(runs, RUNS_MAX) : 0;

    snprintf(w->dir, sizeof(w->dir), "%s", dir);
    for (i = 0; i < n; i++)
        if (strcmp(runs[i].dir, dir) == 0)
            snprintf(w->data, sizeof(w->data), "%s", runs[i].data);
    free(runs);
    if (first != NULL)
        set_url(w, first);
    else if (where_first_line(url, sizeof(url), dir, "listen"))
        set_url(w, url);
    else
        set_url(w, last != NULL ? last : DEFAULT_URL);
}

/* With both options, whole: one of them is copied into the next command. */
static void put_runs(FILE *to, const struct run *runs, size_t n)
{
    char age[DURATION_MAX];
    size_t i;

    for (i = 0; i < n; i++) {
        fprintf(to, "  --url %-28s --dir %s", runs[i].url, runs[i].dir);
        if (runs[i].pid > 0)
            fprintf(to, "   (process %lld, up %s)", (long long)runs[i].pid,
                    duration(age, ((int64_t)time(NULL) - runs[i].started) *
                                      NS_PER_S));
        fputc('\n', to);
    }
}

/* Those that run, and the one of a service, which is in no list; but of a list
 * that was named what is in it and no more. */
static size_t all_here(struct run *runs)
{
    const char *list = getenv("SLUICE_RUN_LIST");
    size_t i, n = runs_list(runs, RUNS_MAX - 1);

    for (i = 0; i < n; i++)
        if (strcmp(runs[i].dir, DEFAULT_DIR) == 0)
            return n;
    if ((list != NULL && list[0] != '\0') || !has_state(DEFAULT_DIR))
        return n;
    memset(&runs[n], 0, sizeof(runs[n]));
    snprintf(runs[n].dir, sizeof(runs[n].dir), "%s", DEFAULT_DIR);
    if (!where_first_line(runs[n].url, sizeof(runs[n].url), DEFAULT_DIR,
                          "listen"))
        snprintf(runs[n].url, sizeof(runs[n].url), "%s", DEFAULT_URL);
    return n + 1;
}

/* ---- whose address a URL is ------------------------------------------------ */

/* A door is a host and a port; what stands behind them is of no matter here. */
struct door {
    char host[RUN_URL_MAX];
    char port[8];
};

/* The bytes of URL that are of its host and port: no scheme, no path.  NULL: it
 * is of another protocol than those that run here speak.  The path is of no
 * matter, because a base URL ends in /v1 and is what people have at hand; what
 * is called is the run's own address without it. */
static const char *bare(const char *url, size_t *n)
{
    const char *host = strstr(url, "://");

    if (host != NULL && strncasecmp(url, "http://", 7) != 0)
        return NULL;
    host = host != NULL ? host + 3 : url;
    *n = strcspn(host, "/?#");
    return host;
}

/* Without a port it is HTTP's, as libcurl takes it.  A name before the host is
 * refused: what is called in the end must be what was compared here. */
static bool door_of(struct door *d, const char *url)
{
    size_t n = 0, len;
    const char *host = bare(url, &n), *colon;

    if (host == NULL || n == 0 || memchr(host, '@', n) != NULL)
        return false;
    colon = memrchr(host, ':', n);
    if (colon != NULL && host[n - 1] == ']')
        colon = NULL; /* one within an IPv6 address */
    len = colon != NULL ? (size_t)(colon - host) : n;
    if (len == 0 || len >= sizeof(d->host) || n - len > sizeof(d->port))
        return false;
    snprintf(d->host, sizeof(d->host), "%.*s", (int)len, host);
    snprintf(d->port, sizeof(d->port), "%.*s",
             colon != NULL ? (int)(n - len - 1) : 2,
             colon != NULL ? colon + 1 : "80");
    return true;
}

/* By text, not by what a resolver makes of it: a name that leads here today may
 * lead elsewhere when the token is sent. */
static bool is_door(const struct door *d, const char *url)
{
    struct door other;

    return door_of(&other, url) && strcasecmp(d->host, other.host) == 0 &&
           strcmp(d->port, other.port) == 0;
}

/* "localhost" is either of two addresses, and each may be another run's. */
static bool is_local_name(const struct door *d, const char *url)
{
    struct door other;

    return strcasecmp(d->host, "localhost") == 0 && door_of(&other, url) &&
           (strcmp(other.host, "127.0.0.1") == 0 ||
            strcmp(other.host, "[::1]") == 0) &&
           strcmp(d->port, other.port) == 0;
}

/* The one of RUNS that listens at URL; NULL: none does, or it cannot be told
 * which: then nobody's token is the right one. */
static const struct run *run_at(const struct run *runs, size_t n,
                                const char *url)
{
    const struct run *found = NULL;
    struct door d;
    size_t i;

    if (!door_of(&d, url))
        return NULL;
    for (i = 0; i < n; i++)
        if (is_door(&d, runs[i].url) || is_door(&d, runs[i].also))
            return &runs[i];
    /* No run says that it is at this very name: the only one on either address. */
    for (i = 0; i < n; i++) {
        if (!is_local_name(&d, runs[i].url))
            continue;
        if (found != NULL)
            return NULL;
        found = &runs[i];
    }
    return found;
}

/* Of one that runs here its own address is called, however it was spelled: so
 * its token goes to no other program that has the port on another address.  A
 * service, which is in no list, keeps its token where its settings say. */
static bool is_known_at(struct where *w, const char *url)
{
    struct run *runs = calloc(RUNS_MAX, sizeof(*runs));
    const struct run *r =
        runs != NULL ? run_at(runs, all_here(runs), url) : NULL;

    if (r != NULL) {
        by_run(w, r);
        w->is_run = r->data[0] != '\0';
    }
    free(runs);
    return r != NULL;
}

/* is_far even if its directory is known: whoever says a URL wants to hear what is
 * told there. */
static void by_url(struct where *w, const char *url)
{
    w->is_far = true;
    if (!is_known_at(w, url))
        set_url(w, url);
}

/* ---- and if none was named ------------------------------------------------- */

static int by_what_runs(struct ctl *c, struct where *w)
{
    struct run *runs = calloc(RUNS_MAX, sizeof(*runs));
    size_t n = runs != NULL ? all_here(runs) : 0;
    int rc = EXIT_SUCCESS;

    if (n == 0) {
        by_dir(w, DEFAULT_DIR, NULL, NULL);
    } else if (n == 1) {
        by_run(w, &runs[0]);
    } else {
        fprintf(stderr,
                "sluicectl: %zu of yours run here; say which is meant, before "
                "the command, by one of:\n",
                n);
        put_runs(stderr, runs, n);
        c->has_said = true;
        rc = EXIT_USAGE;
    }
    free(runs);
    return rc;
}

/* Does the environment, or the settings file, say something of it? */
static bool is_told(const struct ctl *c)
{
    const char *dir = getenv("SLUICE_STATE_DIR");

    return c->env_url != NULL || (dir != NULL && dir[0] != '\0') ||
           strcmp(c->cfg->state_dir, DEFAULT_DIR) != 0;
}

/* What was said last wins: an option before the environment before what runs. */
int where_find(struct ctl *c)
{
    struct where *w = &c->at;
    int rc = EXIT_SUCCESS;

    if (w->is_known)
        return EXIT_SUCCESS;
    if (c->url != NULL) {
        if (c->state_dir != NULL)
            by_dir(w, c->state_dir, c->url, NULL);
        else
            by_url(w, c->url);
    } else if (c->state_dir != NULL) {
        /* Whoever listens at the usual place need not be that one. */
        by_dir(w, c->state_dir, NULL,
               c->env_url != NULL                       ? c->env_url
               : strcmp(c->state_dir, DEFAULT_DIR) == 0 ? NULL
                                                        : "");
    } else if (ctl_config(c) == NULL) {
        return EXIT_CONFIG;
    } else if (is_told(c)) {
        if (c->env_url == NULL || strcmp(c->cfg->state_dir, DEFAULT_DIR) != 0 ||
            !is_known_at(w, c->env_url))
            by_dir(w, c->cfg->state_dir, c->env_url, NULL);
    } else {
        rc = by_what_runs(c, w);
    }
    w->is_known = rc == EXIT_SUCCESS;
    return rc;
}

/* The same list as where one of several has to be chosen. */
int where_list(struct ctl *c)
{
    struct run *runs = calloc(RUNS_MAX, sizeof(*runs));
    size_t n = runs != NULL ? all_here(runs) : 0;

    (void)c;
    put_runs(stdout, runs, n);
    free(runs);
    if (n > 0)
        return EXIT_SUCCESS;
    fputs("sluicectl: none of yours runs here; one of another user's, or of "
          "another machine, is reached with --url\n",
          stderr);
    return EXIT_FAILURE;
}

/* ---- its token ------------------------------------------------------------------ */

/* http://127.0.0.1:8080, http://[::1]/ and the like. */
static bool is_here(const char *url)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
    const char *host = strstr(url, "://");
    size_t i;

    host = host != NULL ? host + 3 : url;
    for (i = 0; i < ARRAY_LEN(hosts); i++) {
        size_t n = strlen(hosts[i]);

        if (strncmp(host, hosts[i], n) == 0 &&
            (host[n] == '\0' || host[n] == ':' || host[n] == '/'))
            return true;
    }
    return false;
}

/* Unreadable is as good as not there: another place may have one. */
static bool in_dir(char out[WHERE_TOKEN_MAX], const char *dir)
{
    return dir[0] != '\0' &&
           where_first_line(out, WHERE_TOKEN_MAX, dir, "admin.token");
}

/* Only the URL was said, and the directory of the settings is of another: it says
 * that it is elsewhere, or was a `make run` that has ended (a service has no
 * run.lock, and does not say where the web server before it listens). */
static bool is_elsewhere(const struct ctl *c)
{
    const char *dir = c->cfg->state_dir;
    char url[WHERE_URL_MAX], lock[RUN_PATH_MAX + 16];
    struct door d;

    if (!c->at.is_far &&
        (c->env_url == NULL || c->url != NULL || strcmp(dir, DEFAULT_DIR) != 0))
        return false;
    if (where_first_line(url, sizeof(url), dir, "listen"))
        return !(door_of(&d, url) && is_door(&d, c->at.url));
    snprintf(lock, sizeof(lock), "%s/run.lock", dir);
    return access(lock, F_OK) == 0;
}

/* Where the run that is meant keeps it; else as the workers find it.  One that is
 * known has no other: what lies elsewhere opens another's door. */
static bool found(struct ctl *c, char out[WHERE_TOKEN_MAX])
{
    if (in_dir(out, c->at.data))
        return true;
    if (c->at.is_run)
        return in_dir(out, c->at.dir);
    if (is_elsewhere(c))
        return false;
    if (c->cfg->admin_token_file != NULL)
        return where_first_line(out, WHERE_TOKEN_MAX, c->cfg->admin_token_file,
                                "");
    return in_dir(out, c->at.dir) || in_dir(out, c->cfg->state_dir) ||
           in_dir(out, c->cfg->data_dir);
}

bool where_token(struct ctl *c, char out[WHERE_TOKEN_MAX])
{
    out[0] = '\0';
    if (c->token_file != NULL) {
        if (where_first_line(out, WHERE_TOKEN_MAX, c->token_file, ""))
            return true;
        fputs("sluicectl: --token-file: cannot read a token from ", stderr);
        print_text(stderr, c->token_file);
        fputc('\n', stderr);
        return false;
    }
    if (c->cfg->admin_token != NULL)
        return snprintf(out, WHERE_TOKEN_MAX, "%s", c->cfg->admin_token) > 0;
    return is_here(c->at.url) && found(c, out);
}
