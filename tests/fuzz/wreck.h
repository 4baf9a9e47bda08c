/*
 * A state file that somebody scribbled over, and two workers that go on with
 * it; for fuzz_state.c and fuzz_scribble.c.
 *
 * A sound file, left by two dead workers with requests in every state, is
 * patched; two new workers open it.  Input: operations, a letter and its
 * arguments each (see step()); patches before the first that is none are done
 * to the file before it is opened.
 *
 * Whatever stands in the file: no crash; no more grants in a window than
 * allowed; and in the end a request is granted, and nothing is left over.
 */
#ifndef SLUICE_FUZZ_WRECK_H
#define SLUICE_FUZZ_WRECK_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "state/file/repair.h"
#include "state/limiter.h"
#include "state/policy/admit.h"
#include "state/view.h"
#include "state/worker.h"

#define T0      (INT64_C(400000000) * NS_PER_S) /* beyond any machine's up-time */
#define ASKS    64
#define STEPS   200 /* of one input: enough for anything, and quick */
#define AT_ONCE 100 /* turns that say "again, at once", before it is a loop */

struct ask {
    struct ticket *ticket; /* NULL: over, or never was */
    struct limiter *lim;
    uint32_t scope; /* whose window it counts in: upstream, or model's name */
    bool granted;   /* told so, and not yet sent or back */
    bool counts;    /* in the window: now, or at sent_ns */
    int64_t sent_ns;
};

static char dir[64];
static struct layout *sound; /* the file, as two dead workers left it */
static struct limiter_settings set;
static struct limiter *worker[2];
static struct ask asks[ASKS];
static size_t n_asks;
static int64_t now;
static bool may_scar;
static bool scarred; /* patched while in use: counts may be wrong */
static uint32_t granted;

/* ---- the files ----------------------------------------------------------- */

static void empty_dir(void)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    CHECK(d != NULL);
    while ((e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            (void)unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}

static void remove_dir(void)
{
    empty_dir();
    (void)rmdir(dir);
}

static const char *file_path(void)
{
    static char path[96];

    snprintf(path, sizeof(path), "%s/%s", dir, FILE_NAME);
    return path;
}

static struct layout *map_file(int *fd)
{
    void *p;

    *fd = open(file_path(), O_RDWR | O_CLOEXEC);
    if (*fd == -1)
        return NULL;
    if (lseek(*fd, 0, SEEK_END) < (off_t)sizeof(struct layout)) {
        close(*fd);
        return NULL; /* cut short by a step */
    }
    p = mmap(NULL, sizeof(struct layout), PROT_READ | PROT_WRITE, MAP_SHARED,
             *fd, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

static void unmap_file(struct layout *lay, int fd)
{
    munmap(lay, sizeof(*lay));
    close(fd);
}

/* As state_file.c computes it. */
static uint32_t checksum(const struct lay_head *h)
{
    const unsigned char *p = (const unsigned char *)h;
    uint32_t sum = 2166136261u;
    size_t i;

    for (i = 0; i < offsetof(struct lay_head, checksum); i++)
        sum = (sum ^ p[i]) * 16777619u;
    return sum;
}

#define TABLE(t, max)                                                          \
    {                                                                          \
        offsetof(struct layout, t), sizeof(((struct layout *)NULL)->t[0]), max \
    }

/* Up to eight bytes anywhere.  Only the first few slots of a table are used. */
static void patch(struct layout *lay, struct input *in)
{
    static const struct {
        size_t at, size, n;
    } tables[] = {
        {offsetof(struct layout, live), sizeof(struct lay_live), 1},
        {offsetof(struct layout, head), sizeof(struct lay_head), 1},
        TABLE(rules, 2),
        TABLE(scopes, 24),
        TABLE(flows, 12),
        TABLE(clients, 6),
        TABLE(models, 6),
        TABLE(workers, 4),
        TABLE(rows, 16),
        TABLE(chunks, 8),
        TABLE(flow_hash, LAY_BUCKETS),
        TABLE(client_hash, LAY_BUCKETS),
        TABLE(model_hash, LAY_BUCKETS),
        {0, 1, sizeof(struct layout)},
    };
    unsigned which = take_byte(in) % (unsigned)ARRAY_LEN(tables);
    size_t at = tables[which].at, off;
    uint8_t bytes[8];
    unsigned n;

    at += take_number(in, tables[which].n > 256 ? 3 : 1) % tables[which].n *
          tables[which].size;
    off =
        take_number(in, tables[which].size > 256 ? 2 : 1) % tables[which].size;
    n = 1 + take_byte(in) % 8;
    (void)take_bytes(in, bytes, n);
    if (at + off + n <= sizeof(*lay))
        memcpy((char *)lay + at + off, bytes, n);
    if (which == 1 && n < 8) /* else the checksum stays as it was */
        lay->head.checksum = checksum(&lay->head);
}

static void patch_file(struct input *in)
{
    int fd = -1;
    struct layout *lay = map_file(&fd);

    if (lay == NULL)
        return;
    patch(lay, in);
    unmap_file(lay, fd);
}

/* ---- workers and tickets ----------------------------------------------------- */

static int64_t span_of(uint32_t scope)
{
    const struct limiter_rules *r = &set.rules[scope != 0];

    return r->window_ns + r->margin_ns;
}

/* Sends that count in SCOPE's window now, this grant's with them. */
static uint32_t used(uint32_t scope)
{
    uint32_t n = 0;
    size_t i;

    for (i = 0; i < n_asks; i++)
        n += asks[i].scope == scope && asks[i].counts &&
             (asks[i].sent_ns == NEVER ||
              asks[i].sent_ns > now - span_of(scope));
    return n;
}

static void hear(void *arg, const struct ticket_news *news)
{
    struct ask *a = arg;

    switch (news->event) {
    case TICKET_WAITS:
        CHECK(!a->granted);
        break;
    case TICKET_GRANTED:
        CHECK(!a->granted && a->ticket != NULL);
        a->granted = a->counts = true;
        a->sent_ns = NEVER; /* counts as now */
        granted++;
        CHECK(scarred || used(a->scope) <= set.rules[a->scope != 0].requests);
        break;
    case TICKET_REFUSED:
        CHECK(!a->granted);
        a->ticket = NULL;
        break;
    case TICKET_CANCELLED: /* noise may say so; it ends as any other */
        break;
    }
}

static struct ask *join(struct limiter *lim, struct input *in)
{
    static const char *const models[] = {"", "a/one", "b/two"};
    static const char *const clients[] = {"anna", "bert", "carla", "dora"};
    unsigned how = take_byte(in), who = take_byte(in);
    struct ask *a = &asks[n_asks];
    struct limiter_request req = {
        .upstream = how & 1,
        .cls = (enum limiter_class)((how >> 1) % LIMITER_CLASSES),
        .weight = 1 + (who >> 4) * 60u,
        .client = clients[who & 3],
        .model = models[(who >> 2) % 3],
        .request_id = "r",
        .stream = (how & 8) != 0,
        .body_bytes = how * 100u,
        .deadline_ns = (how & 0x10) != 0 ? now + NS_PER_S : NEVER,
    };

    if (n_asks == ASKS)
        return NULL;
    n_asks++;
    *a = (struct ask){.lim = lim, .sent_ns = NEVER};
    a->scope = req.upstream == 0 ? 0 : 1 + (who >> 2) % 3; /* per model */
    a->ticket = limiter_join(lim, &req, hear, a);
    return a;
}

static void turn(struct limiter *lim)
{
    int i;

    for (i = 0; limiter_turn(lim, now) <= now; i++)
        CHECK(i < AT_ONCE);
}

static void turns(void)
{
    int i;

    for (i = 0; i < 3; i++) { /* an offer is accepted in the second */
        turn(worker[0]);
        turn(worker[1]);
    }
}

static void pass(int64_t ns)
{
    now += ns;
    turns();
}

static void sent(struct ask *a)
{
    if (a->ticket == NULL || !a->granted)
        return;
    limiter_sent(a->lim, a->ticket);
    a->sent_ns = min_i64(a->sent_ns, now);
}

static void again(struct ask *a, bool unsent)
{
    if (a->ticket == NULL || !a->granted)
        return;
    if (!unsent || a->sent_ns != NEVER) {
        /* The send stays in the window: it gets an entry of its own. */
        if (n_asks == ASKS)
            return;
        asks[n_asks] = *a;
        asks[n_asks].ticket = NULL;
        asks[n_asks++].sent_ns = min_i64(a->sent_ns, now);
    }
    limiter_again(a->lim, a->ticket, unsent && a->sent_ns == NEVER);
    a->granted = a->counts = false;
}

static void done(struct ask *a, bool unsent)
{
    if (a->ticket == NULL)
        return;
    unsent = unsent && a->sent_ns == NEVER;
    limiter_done(a->lim, a->ticket, unsent);
    a->ticket = NULL;
    a->counts = a->counts && !unsent;
    a->granted = false;
    a->sent_ns = min_i64(a->sent_ns, now);
}

static void open_worker(int i)
{
    char err[256];

    CHECK(limiter_open(&worker[i], dir, NULL, &set, now, NULL, NULL, err,
                       sizeof(err)) == 0);
}

/* ---- the sound file ------------------------------------------------------------- */

/* Losing the file is what a death looks like to the others. */
static void kill_worker(int i)
{
    file_close(&worker[i]->file);
    worker[i]->seat = NONE;
    limiter_close(worker[i]);
    worker[i] = NULL;
}

static void make_sound_file(void)
{
    uint8_t choices[] = {0, 0x00, 2, 0x15, 4, 0x2a, 1, 0x04, 3, 0x09,
                         1, 0x08, 0, 0x33, 0, 0x01, 2, 0x12, 5, 0x07};
    struct input in = {choices, sizeof(choices)};
    struct layout *lay;
    size_t i;
    int fd = -1;

    now = T0;
    open_worker(0);
    open_worker(1);
    turns();
    for (i = 0; in.left > 0; i++) {
        (void)join(worker[i % 2], &in);
        turns();
    }
    pass(61 * NS_PER_S);
    sent(&asks[0]);
    sent(&asks[3]);
    done(&asks[1], false);
    turns();
    pass(NS_PER_S);
    lay = map_file(&fd);
    CHECK(lay != NULL);
    sound = malloc(sizeof(*sound));
    CHECK(sound != NULL);
    memcpy(sound, lay, sizeof(*sound));
    unmap_file(lay, fd);
    kill_worker(0);
    kill_worker(1);
    CHECK(sound->live.rows_high > 4 && sound->live.waiting > 1 &&
          sound->live.open > 1);
}

static void wreck_init(void)
{
    /* Memory, where there is such a place: some MB are written each time. */
    strcpy(dir, "/dev/shm/sluice-fuzz-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        strcpy(dir, "/tmp/sluice-fuzz-XXXXXX");
        CHECK(mkdtemp(dir) != NULL);
    }
    CHECK(atexit(remove_dir) == 0);
    set.n_upstreams = 2;
    set.bounds = (struct limiter_bounds){LAY_WAITERS, LAY_WAITERS, 1u << 30};
    set.rules[0] = (struct limiter_rules){.name = "nim",
                                          .window_ns = 60 * NS_PER_S,
                                          .margin_ns = NS_PER_S / 2,
                                          .requests = 4,
                                          .burst = 4};
    set.rules[1] = (struct limiter_rules){.name = "other",
                                          .window_ns = 10 * NS_PER_S,
                                          .min_gap_ns = NS_PER_S / 10,
                                          .requests = 3,
                                          .burst = 2,
                                          .in_flight = 2,
                                          .per_model = 1};
    make_sound_file();
}

/* ---- the steps -------------------------------------------------------------------- */

static struct ask *some(struct input *in)
{
    static struct ask none;
    unsigned i = take_byte(in);

    return n_asks > 0 ? &asks[i % n_asks] : &none;
}

static void look(struct limiter *lim)
{
    struct limiter_view view;
    uint32_t i;

    if (!limiter_view(lim, now, &view))
        return;
    CHECK(view.n_rows <= LAY_ROWS && view.n_scopes <= LAY_SCOPES &&
          view.n_workers <= LAY_WORKERS);
    for (i = 0; i < view.n_rows; i++) {
        CHECK(view.rows[i].scope < view.n_scopes);
        CHECK(memchr(view.rows[i].client, '\0', LIMITER_NAME_MAX) != NULL);
        CHECK(memchr(view.rows[i].model, '\0', LIMITER_NAME_MAX) != NULL);
        CHECK(memchr(view.rows[i].request_id, '\0', LIMITER_ID_MAX) != NULL);
    }
    for (i = 0; i < view.n_scopes; i++)
        CHECK(memchr(view.scopes[i].name, '\0', LIMITER_NAME_MAX) != NULL);
    view_free(&view);
}

static void step(unsigned op, struct input *in)
{
    struct ticket_news news;
    struct ask *a;

    switch (op % 11) {
    case 0: /* n */
        (void)join(worker[take_byte(in) & 1], in);
        break;
    case 1: /* o */
        turn(worker[take_byte(in) & 1]);
        break;
    case 2: /* p */
        scarred = scarred || may_scar;
        if (may_scar)
            patch_file(in);
        break;
    case 3: /* q */
        sent(some(in));
        break;
    case 4: /* r */
        a = some(in);
        done(a, (take_byte(in) & 1) != 0);
        break;
    case 5: /* s */
        a = some(in);
        again(a, (take_byte(in) & 1) != 0);
        break;
    case 6: /* t */
        pass((int64_t)take_number(in, 2) * 10 * NS_PER_MS);
        break;
    case 7: /* u */
        look(worker[take_byte(in) & 1]);
        break;
    case 8: /* v */
        a = some(in);
        if (a->ticket != NULL)
            (void)limiter_place(a->lim, a->ticket, now, &news);
        break;
    case 9: /* w */
        (void)!truncate(file_path(), (off_t)take_number(in, 3));
        break;
    case 10: /* x */
        (void)unlink(file_path());
        break;
    }
}

/* A count that was changed within its bounds is for nobody to see, until
 * somebody dies inside the lock. */
static void demand_repair(void)
{
    int fd = -1;
    struct layout *lay = map_file(&fd);

    if (lay == NULL)
        return;
    lay->live.dirty = 1;
    unmap_file(lay, fd);
}

/* Whatever was before: a request gets its slot, and nothing is left. */
static void check_end(void)
{
    struct input plain = {(const uint8_t *)"\0\0", 2};
    struct layout *lay, *again;
    struct ask *a;
    size_t i;

    for (i = 0; i < n_asks; i++)
        done(&asks[i], false);
    if (scarred)
        demand_repair();
    pass(0);
    pass(2 * NS_PER_S); /* the dead are swept once a second */
    n_asks = 0;
    granted = 0;
    a = join(worker[0], &plain);
    for (i = 0; i < 12 && granted == 0; i++)
        pass(7 * NS_PER_S); /* a lost window and more */
    CHECK(granted == 1);
    done(a, false);
    pass(NS_PER_S);
    lay = worker[0]->file.lay;
    CHECK(lay != NULL && worker[0]->file.ino == worker[1]->file.ino);
    if (scarred)
        return;
    CHECK(lay->live.waiting == 0 && lay->live.open == 0 &&
          lay->live.held_bytes == 0 && lay->live.rows_high == 0);
    again = malloc(sizeof(*again));
    CHECK(again != NULL);
    memcpy(again, lay, sizeof(*again));
    repair_run(again, now);
    CHECK(again->live.free_chunks == lay->live.free_chunks &&
          again->scopes[0].window.n == lay->scopes[0].window.n);
    free(again);
}

static void put_sound_file(void)
{
    int fd;

    empty_dir();
    fd = open(file_path(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(fd != -1);
    CHECK(write(fd, sound, sizeof(*sound)) == (ssize_t)sizeof(*sound));
    close(fd);
}

/* LIVE: patches are also done while the file is in use. */
static void wreck_run(const uint8_t *data, size_t size, bool live)
{
    struct input in = {data, size};
    int i;

    if (sound == NULL)
        wreck_init();
    may_scar = live;

    n_asks = 0;
    scarred = false;
    now = T0 + 63 * NS_PER_S;
    put_sound_file();
    while (in.left > 0 && *in.at % 11 == 2) {
        (void)take_byte(&in);
        patch_file(&in);
    }
    if (in.left > 0 && *in.at % 11 >= 9) /* or it is gone, or cut */
        step(take_byte(&in), &in);
    open_worker(0);
    open_worker(1);
    for (i = 0; i < STEPS && in.left > 0; i++)
        step(take_byte(&in), &in);
    check_end();
    limiter_close(worker[0]);
    limiter_close(worker[1]);
}

#endif
