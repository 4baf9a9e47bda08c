/*
 * ctl.c - sluicectl: what does the shared state say, is a config right?
 *
 *   sluicectl [--state-dir DIR] status    limits, use, workers, counts
 *   sluicectl [--state-dir DIR] queue     who waits and who runs
 *   sluicectl key new NAME                a client's new key: ctl_key.c
 *   sluicectl check [FILE]                would a worker start with it?
 *
 * Reads the state file directly, without a worker's help and without ever
 * writing to it.  The one file of state/ that knows the settings.
 */
#include <inttypes.h>
#include <string.h>

#include "../fcgi/config.h"
#include "boottime.h"
#include "ctl_key.h"
#include "view.h"

extern char **environ;

#define EXIT_USAGE  2
#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits.h, as the workers have it */

static const char *const class_names[LIMITER_CLASSES] = {"high", "normal",
                                                         "low"};

/* "now", "7.2 s", "3 m 20 s", "2 h 5 m", "4 d 1 h"; "-" if unknown. */
static const char *duration(char out[24], int64_t ns)
{
    int64_t s = ns / NS_PER_S;

    if (ns < 0)
        snprintf(out, 24, "-");
    else if (s < 100)
        snprintf(out, 24, "%.1f s", (double)ns / 1e9);
    else if (s < 7200)
        snprintf(out, 24, "%d m %d s", (int)(s / 60), (int)(s % 60));
    else if (s < 172800)
        snprintf(out, 24, "%d h %d m", (int)(s / 3600), (int)(s / 60 % 60));
    else
        snprintf(out, 24, "%d d %d h", (int)(s / 86400 % 10000),
                 (int)(s / 3600 % 24));
    return out;
}

/* Names come from clients: nothing in them may reach the terminal raw. */
static const char *plain(char out[LIMITER_NAME_MAX], const char *name)
{
    size_t i;

    for (i = 0; i + 1 < LIMITER_NAME_MAX && name[i] != '\0'; i++)
        out[i] = name[i] >= 0x20 && name[i] < 0x7f ? name[i] : '?';
    out[i] = '\0';
    return out;
}

static void print_retreat(const struct view_retreat *v)
{
    static const char *const names[RETREAT_STATES] = {"normal", "holding",
                                                      "probing", "recovering"};
    char why[LIMITER_NAME_MAX], ends[24];

    if (v->state == RETREAT_NORMAL)
        return;
    printf("  retreat: %s", names[v->state]);
    if (v->ends_ns >= 0)
        printf(", next step in %s", duration(ends, v->ends_ns));
    printf(", %u a window, made longer %u times: %s\n", v->allowance, v->streak,
           plain(why, v->reason));
}

static void print_bench(const char *what, const struct view_bench *v)
{
    char why[LIMITER_NAME_MAX], ends[24];

    if (v->ends_ns < 0)
        return;
    printf("  %s: requests get %u, until it is tried again in %s: %s\n", what,
           v->status, duration(ends, v->ends_ns), plain(why, v->reason));
}

/* Only those of which there is more to tell than their name. */
static void print_model(const struct view_model *v)
{
    char name[LIMITER_NAME_MAX], rest[24];

    if (v->ceiling == 0 && v->rest_ns < 0 && v->bench.ends_ns < 0)
        return;
    printf("%s: %u in flight, %u waiting", plain(name, v->name), v->in_flight,
           v->waiting);
    if (v->ceiling > 0)
        printf(", at most %u at once", v->ceiling);
    if (v->rest_ns >= 0)
        printf(", rests for %s", duration(rest, v->rest_ns));
    printf("\n");
    print_bench("off", &v->bench);
}

static void print_scope(const struct view_scope *v)
{
    char name[LIMITER_NAME_MAX], span[24], slot[24], eta[24];

    printf("%s: %u of %u requests used in %s", plain(name, v->name), v->used,
           v->rules.requests, duration(span, v->rules.window_ns));
    printf(", %u in flight (%u not yet written)\n", v->in_flight, v->open);
    printf("  waiting: %u high, %u normal, %u low; next slot: %s; a new "
           "request would go in: %s\n",
           v->waiting[CLASS_HIGH], v->waiting[CLASS_NORMAL],
           v->waiting[CLASS_LOW], duration(slot, v->next_slot_ns),
           duration(eta, v->eta_ns));
    if (v->rules.burst < v->rules.requests)
        printf("  bucket: %.1f of %u tokens\n", (double)v->tokens_milli / 1000,
               v->rules.burst);
    print_retreat(&v->retreat);
    print_bench("not paid for", &v->unpaid);
}

static void print_status(const struct limiter_view *v)
{
    const struct limiter_counters *c = &v->counters;
    char a[24], b[24];
    uint64_t refused = 0;
    uint32_t i;

    printf("up %s, %u workers\n", duration(a, v->uptime_ns), v->n_workers);
    for (i = 0; i < v->n_scopes; i++)
        print_scope(&v->scopes[i]);
    for (i = 0; i < v->n_models; i++)
        print_model(&v->models[i]);
    for (i = 0; i < REFUSALS; i++)
        refused += c->refused[i];
    printf("counts: %" PRIu64 " joined, %" PRIu64 " sent, %" PRIu64
           " left, %" PRIu64 " refused; %" PRIu64 " repairs, %" PRIu64
           " recoveries, %" PRIu64 " dead workers\n",
           c->joined, c->sent, c->left, refused, c->repairs, c->recoveries,
           c->swept);
    printf("holds: %" PRIu64 " for rate, %" PRIu64 " for probes, %" PRIu64
           " in recovery, %" PRIu64 " unpaid; %" PRIu64
           " retreats over, %" PRIu64 " benches, %" PRIu64
           " ceilings cut, %" PRIu64 " ended by hand\n",
           c->holds[HOLD_RATE], c->holds[HOLD_PROBE], c->holds[HOLD_RECOVERY],
           c->holds[HOLD_UNPAID], c->retreats_over, c->benches, c->ceilings_cut,
           c->holds_ended);
    for (i = 0; i < v->n_workers; i++)
        printf("worker %u: started %s ago, seen %s ago%s\n", v->workers[i].pid,
               duration(a, v->workers[i].age_ns),
               duration(b, v->workers[i].seen_ns),
               v->workers[i].stalled ? ", does not answer" : "");
}

static void print_queue(const struct limiter_view *v)
{
    char age[24], eta[24], client[LIMITER_NAME_MAX], model[LIMITER_NAME_MAX];
    char id[LIMITER_NAME_MAX];
    uint32_t i;

    printf("%-9s %-8s %-10s %-10s %-24s %-36s %s\n", "POSITION", "PRIORITY",
           "AGE", "ETA", "CLIENT", "MODEL", "ID");
    for (i = 0; i < v->n_rows; i++) {
        const struct view_row *r = &v->rows[i];

        if (r->waiting)
            printf("%-9u ", r->position);
        else
            printf("%-9s ", "running");
        printf("%-8s %-10s %-10s %-24.24s %-36.36s %s\n", class_names[r->cls],
               duration(age, r->age_ns),
               r->waiting ? duration(eta, r->eta_ns) : "-",
               plain(client, r->client), plain(model, r->model),
               plain(id, r->request_id));
    }
}

/* The state directory the workers would use, for the same environment. */
static int find_state_dir(char *out, size_t max)
{
    struct config *cfg = NULL;
    char err[512];

    if (config_load(&cfg, environ, err, sizeof(err)) == -1) {
        fprintf(stderr, "sluicectl: %s\n", err);
        return -1;
    }
    snprintf(out, max, "%s", cfg->state_dir);
    config_free(cfg);
    return 0;
}

static int look(const char *dir, void (*print)(const struct limiter_view *v))
{
    struct limiter_view view;
    char found[4096], err[4600];

    if (dir == NULL) {
        if (find_state_dir(found, sizeof(found)) == -1)
            return EXIT_CONFIG;
        dir = found;
    }
    if (view_peek(dir, boottime_ns(), &view, err, sizeof(err)) == -1) {
        fprintf(stderr, "sluicectl: %s\n", err);
        return EXIT_FAILURE;
    }
    print(&view);
    view_free(&view);
    return EXIT_SUCCESS;
}

static int check(const char *path)
{
    struct config *cfg = NULL;
    char err[512];

    if (path != NULL && setenv("SLUICE_CONFIG", path, 1) == -1)
        return EXIT_FAILURE;
    if (config_load(&cfg, environ, err, sizeof(err)) == -1) {
        fprintf(stderr, "sluicectl: %s\n", err);
        return EXIT_CONFIG;
    }
    printf("ok: upstream %s at %s, %" PRId64 " requests in %" PRId64 " ms%s\n",
           cfg->upstreams[0].name, cfg->upstreams[0].base_url,
           cfg->upstreams[0].requests, cfg->upstreams[0].window_ms,
           cfg->upstreams[0].api_key == NULL ? ", no key: the client's own "
                                               "Authorization passes"
                                             : "");
    config_free(cfg);
    return EXIT_SUCCESS;
}

static int usage(FILE *to, int code)
{
    fprintf(to,
            "usage: sluicectl [--state-dir DIR] COMMAND\n"
            "  status         limits, how much is used, workers, counts\n"
            "  queue          who waits, in the order they will go; who runs\n"
            "  key new NAME   a new key for a client, and its line for the "
            "settings\n"
            "  check [FILE]   would a worker start with these settings?\n"
            "FILE is SLUICE_CONFIG's if none is given; DIR is the one the "
            "settings name.\n"
            "Exit status: 0 fine, 1 no state to be read, 2 wrong usage, 78 "
            "wrong settings.\n");
    return code;
}

int main(int argc, char **argv)
{
    const char *dir = NULL;
    int i = 1;

    if (argc > 2 && strcmp(argv[1], "--state-dir") == 0) {
        dir = argv[2];
        i = 3;
    }
    if (i >= argc)
        return usage(stderr, EXIT_USAGE);
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "help") == 0)
        return usage(stdout, EXIT_SUCCESS);
    if (strcmp(argv[i], "--version") == 0) {
        printf("sluicectl %s\n", SLUICE_VERSION);
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[i], "key") == 0 && argc == i + 3)
        return ctl_key(argc - i - 1, argv + i + 1);
    if (strcmp(argv[i], "check") == 0 && argc <= i + 2)
        return check(argv[i + 1]);
    if (strcmp(argv[i], "status") == 0 && argc == i + 1)
        return look(dir, print_status);
    if (strcmp(argv[i], "queue") == 0 && argc == i + 1)
        return look(dir, print_queue);
    return usage(stderr, EXIT_USAGE);
}
