/*
 * lend.c - what if a worker dies at this very instruction, with slots that a store
 * has lent?
 *
 * As step.c: a turn, or what the leader does with the store's answer, goes one
 * instruction at a time, and each copy of the file that a SIGKILL could leave is
 * repaired and swept.  Then each lease must be what its row says, none may be
 * there twice, and each send must be one that the store is told of: a lease
 * that was used and is believed to be free would be used again.
 */
#include "crash.h"

#include "lib/sigbus.h"
#include "state/leader.h"
#include "state/policy/leases.h"
#include "state/policy/limits.h"
#include "state/policy/row.h"

#define T0     (INT64_C(400000000) * NS_PER_S)
#define SECOND NS_PER_S
#define MANY   8
#define MOST   60000 /* instructions a scene */

struct scene {
    const char *name;
    void (*before)(void); /* of the victim, then of the survivor */
    void (*other)(void);
    int64_t later;
    void (*turn)(void); /* of the victim: watched */
    uint32_t sent;      /* leases that are used in the end, if nobody dies */
    bool forgets;       /* some of which the store has confirmed */
};

static struct limiter_settings set;
static struct limiter *lim; /* the victim's in the child, else the survivor's */
static struct ticket *ticket[MANY];
static uint32_t granted;
static int64_t now = T0;
static uint64_t last_id;
static struct shared_ask ask;
static struct shared_answer answer;

static void hear(void *arg, const struct ticket_news *news)
{
    (void)arg;
    granted += news->event == TICKET_GRANTED;
}

static void turn(void)
{
    (void)limiter_turn(lim, now);
}

static void nothing(void)
{
}

static void join(uint32_t n, const char *client)
{
    struct limiter_request req = request(client);
    uint32_t i;

    for (i = 0; i < n; i++)
        ticket[i] = limiter_join(lim, &req, hear, NULL);
    turn();
}

/* ---- the store ------------------------------------------------------------- */

static void lead(void)
{
    CHECK(limiter_lead(lim, now));
}

static void lead_and_ask(void)
{
    lead();
    CHECK(limiter_store_ask(lim, &ask, true, now));
}

static void add_lease(const char *client)
{
    struct shared_lease *l = &answer.leases[answer.n_leases++];

    *l = (struct shared_lease){
        .id = ++last_id, .cls = CLASS_NORMAL, .left_ns = STORE_LEASE_NS};
    snprintf(l->scope, sizeof(l->scope), "%s", set.rules[0].name);
    snprintf(l->client, sizeof(l->client), "%s", client);
}

/* N leases; and what it was told it knows. */
static void prepare(uint32_t n, const char *client)
{
    memset(&answer, 0, sizeof(answer));
    answer.run = 1;
    answer.asked_ns = now;
    answer.hosts = 1;
    while (n-- > 0)
        add_lease(client);
}

static void take_in(void)
{
    (void)limiter_store_answer(lim, &ask, &answer, now);
}

/* A client asks for three and has two leases, if it takes a turn. */
static void two_lent_to(const char *client)
{
    join(3, client);
    lead_and_ask();
    prepare(2, client);
    take_in();
}

/* ---- scenes ------------------------------------------------------------------ */

static void three_wait(void)
{
    join(3, "victim");
    lead_and_ask();
    prepare(2, "victim");
}

static void two_are_there(void)
{
    two_lent_to("victim");
}

static void two_are_taken(void)
{
    two_are_there();
    turn();
    CHECK(granted == 2);
}

static void two_are_sent(void)
{
    limiter_sent(lim, ticket[0]);
    limiter_sent(lim, ticket[1]);
    turn();
}

static void two_were_sent(void)
{
    two_are_taken();
    two_are_sent();
}

static void two_are_asked_of(void)
{
    two_were_sent();
    lead_and_ask();
    prepare(0, "");
}

static void one_sent_one_back(void)
{
    limiter_sent(lim, ticket[1]);
    limiter_done(lim, ticket[0], true); /* the third has its lease then */
    turn();
}

static void one_comes_back(void)
{
    limiter_sent(lim, ticket[1]);
    limiter_again(lim, ticket[0], true);
    turn();
}

static void all_end(void)
{
    limiter_sent(lim, ticket[0]);
    limiter_done(lim, ticket[0], false);
    limiter_done(lim, ticket[1], true);
    limiter_done(lim, ticket[2], true);
    turn();
}

/* A worker that led, had two leases and used one. */
static void another_dies(void)
{
    struct limiter *mine = lim;

    lim = worker(&set, now);
    two_lent_to("dead");
    turn();
    limiter_sent(lim, ticket[0]);
    turn();
    file_close(&lim->file);
    lim->seat = NONE;
    limiter_close(lim);
    lim = mine;
}

static const struct scene scenes[] = {
    {"leases come", three_wait, nothing, 0, take_in, 0, false},
    {"leases are taken", two_are_there, nothing, 0, turn, 0, false},
    {"two are sent", two_are_taken, nothing, 0, two_are_sent, 2, false},
    {"one is sent, one goes on", two_are_taken, nothing, 0, one_sent_one_back,
     1, false},
    {"one is sent, one comes back", two_are_taken, nothing, 0, one_comes_back,
     1, false},
    {"nobody wants the other", two_are_taken, nothing, 0, all_end, 1, false},
    {"the store is told", two_were_sent, nothing, 0, lead_and_ask, 2, false},
    {"it has heard", two_are_asked_of, nothing, 0, take_in, 2, true},
    {"who led is followed", turn, another_dies, 3 * SECOND, lead, 1, false},
    {"who had some is swept", turn, another_dies, SECOND, turn, 2, false},
};

/* ---- what a death leaves behind -------------------------------------------------- */

struct play {
    const struct scene *scene;
    struct layout *shadow, *copy;
    struct places living;
    uint32_t row_was[LAY_ROWS]; /* before those of the dead were swept */
    bool was_sent[2 * MANY];    /* by number, in any copy so far */
    uint32_t states;
    int64_t instructions;
    const char *wrong;
};

static void expect(struct play *p, bool holds, const char *what)
{
    if (!holds && p->wrong == NULL)
        p->wrong = what;
}

static uint32_t count(const struct layout *lay, enum lease_state state)
{
    uint32_t i, n = 0;

    for (i = 0; i < LAY_LEASES; i++)
        n += lay->leases[i].state == state;
    return n;
}

/* A taken one and its row know each other. */
static void check_taken(struct play *p, const struct lay_lease *l, uint32_t i)
{
    const struct layout *lay = p->copy;

    expect(p, l->row < LAY_ROWS, "a lease of no row");
    if (l->row >= LAY_ROWS)
        return;
    expect(p, lay->rows[l->row].id == l->row_id, "a lease of another's row");
    expect(p, lay->row_lease[l->row] == i + 1, "a row without its lease");
    expect(p,
           lay->rows[l->row].state == ROW_OFFERED ||
               lay->rows[l->row].state == ROW_OPEN,
           "a row that waits, or was sent, has one");
}

static void check_lease(struct play *p, uint32_t i)
{
    const struct lay_lease *l = &p->copy->leases[i];
    uint32_t k;

    expect(p, l->id > 0 && l->id < 2 * MANY && l->state < LEASE_TOLD,
           "a lease that nobody gave");
    if (p->wrong != NULL)
        return;
    for (k = 0; k < i; k++)
        expect(p,
               p->copy->leases[k].state == LEASE_FREE ||
                   p->copy->leases[k].id != l->id,
               "a lease is there twice");
    if (l->state == LEASE_TAKEN)
        check_taken(p, l, i);
    expect(p, !p->was_sent[l->id] || l->state == LEASE_SENT,
           "one that was used may be used again");
}

/* Also of those that are sent: what was, stays so. */
static void check_leases(struct play *p)
{
    const struct layout *lay = p->copy;
    uint32_t i;

    for (i = 0; i < LAY_LEASES; i++)
        if (lay->leases[i].state != LEASE_FREE)
            check_lease(p, i);
    for (i = 0; i < LAY_ROWS; i++)
        expect(p,
               lay->row_lease[i] == 0 ||
                   (lay->row_lease[i] <= LAY_LEASES &&
                    lay->leases[lay->row_lease[i] - 1].state == LEASE_TAKEN),
               "a row has a lease that is not there");
    expect(p, lay->store.held == count(lay, LEASE_HELD), "a wrong count");
    expect(p,
           lay->store.unsettled ==
               count(lay, LEASE_SENT) + count(lay, LEASE_BACK),
           "a wrong count of what is to be told");
}

/* As it is in the file: a repair may take one that came back for used, which costs a
 * slot and no promise. */
static void note_sent(struct play *p)
{
    const struct lay_lease *l = p->shadow->leases;
    uint32_t i;

    for (i = 0; i < MANY; i++)
        if (l[i].state == LEASE_SENT && l[i].id < ARRAY_LEN(p->was_sent))
            p->was_sent[l[i].id] = true;
}

/* Who died with one may have written: it is used.  One that was only offered was not. */
static void check_swept(struct play *p, const struct lay_lease *was)
{
    const struct layout *lay = p->copy;
    uint32_t i;

    for (i = 0; i < MANY; i++) {
        bool open;

        if (was[i].state != LEASE_TAKEN || was[i].row >= LAY_ROWS)
            continue;
        open = p->row_was[was[i].row] == ROW_OPEN;
        expect(p, lay->leases[i].state == (open ? LEASE_SENT : LEASE_HELD),
               "what the dead had is taken for something else");
    }
}

/* Whatever has been written, known to be or not: the store has to hear of it, as of
 * the SENDS that are in the log. */
static void check_sends(struct play *p, uint32_t sends)
{
    uint32_t told = count(p->copy, LEASE_SENT);

    expect(p, p->scene->forgets || (told >= sends && told >= p->scene->sent),
           "something was sent, and the store is not told");
}

static void survive(void *arg)
{
    struct play *p = arg;
    struct layout *lay = p->copy;
    struct workers_gone gone = {.n = 0};
    struct lay_lease was[MANY];
    uint32_t i, sends;

    if (lay->live.dirty == 0)
        expect(p, counts_hold(lay), "not dirty, but a count is wrong");
    else
        repair_run(lay, now + p->scene->later);
    check_leases(p);
    memcpy(was, lay->leases, sizeof(was));
    for (i = 0; i < LAY_ROWS; i++)
        p->row_was[i] = lay->rows[i].state;
    sends = lay->scopes[0].window.n;
    lay->live.now_ns = now + p->scene->later;
    workers_sweep(lay, p->living.locks, NONE, lay->live.now_ns, &gone);
    check_leases(p);
    check_swept(p, was);
    check_sends(p, sends);
}

static void look(struct play *p)
{
    const char *what = "";

    p->wrong = NULL;
    memcpy(p->copy, p->shadow, sizeof(*p->copy));
    note_sent(p);
    if (sigbus_run(survive, p, &what) != GUARD_OK)
        p->wrong = what;
    check(p->wrong == NULL, "%s, instruction %lld: %s", p->scene->name,
          (long long)p->instructions, p->wrong);
    p->states++;
}

/* ---- one scene ------------------------------------------------------------------- */

static void victim(const struct scene *s)
{
    be_led();
    lim = worker(&set, now);
    s->before();
    here();
    now += s->later;
    here();
    s->turn();
    here();
    _exit(0);
}

static bool has_changed(struct play *p)
{
    const struct layout *map = lim->file.lay;

    if (memcmp(p->shadow, map, offsetof(struct layout, flows[300])) == 0 &&
        memcmp(&p->shadow->store, &map->store, sizeof(map->store)) == 0 &&
        memcmp(p->shadow->leases, map->leases, MANY * sizeof(*map->leases)) ==
            0 &&
        memcmp(p->shadow->rows, map->rows, MANY * sizeof(*map->rows)) == 0 &&
        memcmp(p->shadow->row_lease, map->row_lease,
               MANY * sizeof(*map->row_lease)) == 0)
        return false;
    memcpy(p->shadow, map, sizeof(*p->shadow));
    return true;
}

static void watch(struct play *p, pid_t pid)
{
    bool was_dirty = false, is_over = false;

    memcpy(p->shadow, lim->file.lay, sizeof(*p->shadow));
    look(p);
    check(run_into_lock(pid), "%s: no lock was taken", p->scene->name);
    while (!is_over && p->instructions < MOST && step(pid)) {
        p->instructions++;
        was_dirty = was_dirty || lim->file.lay->live.dirty != 0;
        is_over =
            was_dirty && lim->file.lay->live.dirty == 0 && lock_is_free(lim);
        if (has_changed(p))
            look(p);
    }
    check(p->instructions < MOST, "%s: no end of it", p->scene->name);
    go_on(pid);
    CHECK(wait_stop(pid));
    memcpy(p->shadow, lim->file.lay, sizeof(*p->shadow));
    look(p);
    check(count(lim->file.lay, LEASE_SENT) ==
              (p->scene->forgets ? 0 : p->scene->sent),
          "%s: %u leases are used, not %u", p->scene->name,
          count(lim->file.lay, LEASE_SENT), p->scene->sent);
}

static void run(struct play *p, const struct scene *s)
{
    pid_t pid;

    p->scene = s;
    p->states = 0;
    p->instructions = 0;
    memset(p->was_sent, 0, sizeof(p->was_sent));
    set = settings(4, 60000, 0);
    set.store = (struct limiter_store){1, 0, 0};
    empty_dir();
    pid = fork();
    if (pid == 0)
        victim(s);
    CHECK(wait_stop(pid));
    lim = worker(&set, now);
    turn();
    s->other();
    places_open(&p->living);
    places_claim(&p->living, lim);
    go_on(pid);
    CHECK(wait_stop(pid));
    watch(p, pid);
    end(pid);
    places_close(&p->living);
    limiter_close(lim);
    printf("  %-32s %7lld instructions, %5u states\n", s->name,
           (long long)p->instructions, p->states);
}

int main(void)
{
    struct play *p = calloc(1, sizeof(*p));
    size_t i;

    CHECK(p != NULL);
    p->shadow = malloc(sizeof(*p->shadow));
    p->copy = malloc(sizeof(*p->copy));
    CHECK(p->shadow != NULL && p->copy != NULL);
    make_dir();
    share_a_processor();
    sigbus_init();
    for (i = 0; i < ARRAY_LEN(scenes); i++)
        run(p, &scenes[i]);
    free(p->shadow);
    free(p->copy);
    free(p);
    return finish("lend");
}
