/*
 * store_link.c - how is a connection to the store had, kept and lost?
 *
 *   a round:   each address -> (its name) -> each of its numbers -> connect ->
 *              hello -> up
 *   sentinels: each of them -> connect -> who is the master? -> (its name) ->
 *              connect -> hello -> up
 *   else:      a pause, and the next round, which begins with the address that
 *              worked last
 *
 * Never a storm: a round has CONNECTS_MAX connections at most, and the pauses
 * grow until calls have been answered for a second.  A server that greets and then fails is
 * as one that is away.
 *
 * Each step has a deadline, the same timer as the pause's.  Of all that failed
 * in a round the worst is told (store_fault.h): "wrong password" says more than
 * "refused" of the replica that is down.
 */
#include "fcgi/store/store_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/store_url.h"
#include "fcgi/store/store_hello.h"
#include "fcgi/store/store_names.h"
#include "fcgi/store/store_pause.h"
#include "fcgi/store/store_spot.h"
#include "fcgi/store/store_wire.h"
#include "lib/base.h"
#include "lib/complaint.h"
#include "lib/loop.h"

#define HELLO_NS     (1 * NS_PER_S) /* to connect and be greeted */
#define NAMES_NS     (3 * NS_PER_S) /* to be told a name's address */
#define CONNECTS_MAX 16             /* of a round */
#define WHY_MAX      512

enum phase { RESTING = 0, NAMING, DIALING, UP };

struct store_link {
    struct loop *loop;
    const struct store_link_set *set;
    const struct store_link_calls *calls;
    void *arg;

    enum phase phase;
    bool to_master;   /* a sentinel has told where */
    bool connected;   /* and TLS is there: the greeting is to be answered */
    bool asked_again; /* the sentinel, with a password */
    struct loop_timer timer;
    struct store_names *names;
    struct store_wire *wire;
    struct store_hello hello;

    size_t home;               /* the place that worked last */
    size_t place;              /* of the URL's, where we are */
    size_t places_left;        /* of this round, behind it */
    unsigned connects;         /* of this round */
    struct store_place target; /* what is dialed: that place, or the master */
    struct store_spot spots[STORE_SPOTS];
    size_t n_spots, spot;

    struct store_pause pause;
    enum store_fault worst; /* of this round */
    char why[WHY_MAX];
};

static void try_place(struct store_link *l);
static void try_spot(struct store_link *l);

/* ---- one step after the other ------------------------------------------------------ */

/* Whatever the step waits for; each way out of a step is through here. */
static void leave_step(struct store_link *l)
{
    loop_cancel(l->loop, &l->timer);
    store_names_free(l->names);
    l->names = NULL;
    store_wire_free(l->wire);
    l->wire = NULL;
}

/* No phase but UP is without an end. */
static void enter(struct store_link *l, enum phase phase, int64_t most_ns)
{
    l->phase = phase;
    loop_at(l->loop, &l->timer, loop_now(l->loop) + most_ns);
}

/* The round is over, or what was up is lost. */
static void rest(struct store_link *l)
{
    enter(l, RESTING, store_pause_next(&l->pause));
    l->calls->lost(l->arg, l->worst, l->why);
}

/* A line with the address in front. */
static void tell(struct store_link *l, enum store_fault f, const char *why)
{
    static const char hint[] = "; it is tried again until it is there, look at "
                               "it and at shared.url";
    struct complaint c = {l->why, sizeof(l->why)};
    bool six = strchr(l->target.host, ':') != NULL;
    const char *more = f == STORE_AWAY ? hint : "";

    if (f <= l->worst)
        return;
    l->worst = f;
    if (store_fault_line(f) != NULL)
        why = store_fault_line(f);
    if (l->target.port == 0)
        (void)complain(&c, "%s: %s%s", l->target.host, why, more);
    else
        (void)complain(&c, "%s%s%s:%u: %s%s", six ? "[" : "", l->target.host,
                       six ? "]" : "", l->target.port, why, more);
}

/* The places in their order, from the one where it began, each once. */
static void next_place(struct store_link *l)
{
    if (l->places_left == 0 || l->connects >= CONNECTS_MAX) {
        rest(l);
        return;
    }
    l->places_left--;
    l->place = (l->place + 1) % l->set->url->n;
    try_place(l);
}

/* This number, this place: the next. */
static void failed(struct store_link *l, enum store_fault f, const char *why)
{
    leave_step(l);
    tell(l, f, why);
    if (++l->spot < l->n_spots && l->connects < CONNECTS_MAX)
        try_spot(l);
    else
        next_place(l);
}

/* ---- names ---------------------------------------------------------------------- */

static void on_names(void *arg, const struct store_spot *spots, size_t n,
                     const char *why)
{
    struct store_link *l = arg;

    l->names = NULL; /* gone already */
    if (n == 0) {
        failed(l, STORE_AWAY, why);
        return;
    }
    /* A name may have several numbers: IPv6 first, where only IPv4 is served. */
    memcpy(l->spots, spots, n * sizeof(*spots));
    l->n_spots = n;
    try_spot(l);
}

/* Where is TARGET?  Then it is tried. */
static void find(struct store_link *l, const struct store_place *target)
{
    l->target = *target;
    l->spot = l->n_spots = 0;
    if (store_names_number(&l->spots[0], target->host, target->port)) {
        l->n_spots = 1;
        try_spot(l);
        return;
    }
    enter(l, NAMING, NAMES_NS);
    l->names =
        store_names_ask(l->loop, target->host, target->port, on_names, l);
    if (l->names == NULL)
        failed(l, STORE_AWAY, strerror(errno));
}

static void try_place(struct store_link *l)
{
    l->to_master = false;
    l->asked_again = false;
    find(l, &l->set->url->at[l->place]);
}

/* ---- the greeting ----------------------------------------------------------------- */

static bool is_sentinel(const struct store_link *l)
{
    return l->set->url->sentinel && !l->to_master;
}

/* Connected, and TLS is there. */
static void on_up(void *arg)
{
    struct store_link *l = arg;

    l->connected = true;
    if (is_sentinel(l))
        store_hello_sentinel(&l->hello, l->wire, l->set->url, false);
    else
        store_hello_store(&l->hello, l->wire, l->set->url, l->set->script);
}

/* All was answered as it should be: by a sentinel, or by the store. */
static void greeted(struct store_link *l)
{
    struct store_place master;

    if (!is_sentinel(l)) {
        loop_cancel(l->loop, &l->timer);
        l->home = l->place;
        l->phase = UP;
        l->calls->up(l->arg);
        return;
    }
    master = l->hello.master;
    leave_step(l);
    l->to_master = true;
    find(l, &master);
}

/* Most sentinels have no password, and refuse one; those that have say so. */
static bool asks_again(struct store_link *l, enum store_fault f)
{
    if (f != STORE_WANTS_PASSWORD || !is_sentinel(l) || l->asked_again ||
        *l->set->url->password == '\0')
        return false;
    l->asked_again = true;
    store_hello_sentinel(&l->hello, l->wire, l->set->url, true);
    return true;
}

static void on_reply(void *arg, const struct redisReply *r)
{
    struct store_link *l = arg;
    char text[WHY_MAX] = "";
    struct complaint why = {text, sizeof(text)};
    enum store_fault f;

    if (l->phase == UP) {
        l->calls->reply(l->arg, r);
        return;
    }
    f = store_hello_take(&l->hello, r, &why);
    if (f != STORE_FINE && !asks_again(l, f))
        failed(l, f, text);
    else if (f == STORE_FINE && l->hello.heard == l->hello.n)
        greeted(l);
}

static void on_lost(void *arg, enum store_fault f, const char *why)
{
    struct store_link *l = arg;

    if (l->phase == UP)
        store_link_drop(l, f, why);
    else
        failed(l, f, why);
}

static const struct store_wire_calls wire_calls = {on_up, on_reply, on_lost};

static void try_spot(struct store_link *l)
{
    char text[WHY_MAX];
    struct complaint why = {text, sizeof(text)};

    enter(l, DIALING, HELLO_NS);
    l->connected = false;
    l->connects++;
    l->wire = store_wire_open(l->loop, &l->spots[l->spot], l->set->tls,
                              l->target.host, &wire_calls, l, &why);
    if (l->wire == NULL)
        failed(l, STORE_AWAY, text);
}

/* ---- time ------------------------------------------------------------------------ */

/* A new round knows nothing of the last one but where it was well. */
static void begin_round(struct store_link *l)
{
    l->worst = STORE_FINE;
    l->connects = 0;
    l->place = l->home;
    l->places_left = l->set->url->n - 1;
    try_place(l);
}

static void on_time(void *arg)
{
    struct store_link *l = arg;

    if (l->phase == RESTING)
        begin_round(l);
    else if (l->phase == NAMING)
        failed(l, STORE_AWAY, "no name server answers for its name");
    else if (l->set->tls != NULL && !l->connected)
        failed(l, STORE_NOT_TRUSTED,
               "it does not answer to TLS within a second; does "
               "it speak TLS at this port (rediss://)?");
    else
        failed(l, STORE_SILENT, NULL);
}

/* ---- for its owner ---------------------------------------------------------------- */

struct store_link *store_link_new(struct loop *loop,
                                  const struct store_link_set *set,
                                  const struct store_link_calls *calls,
                                  void *arg)
{
    struct store_link *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    l->loop = loop;
    l->set = set;
    l->calls = calls;
    l->arg = arg;
    l->pause.seed = set->seed | 1;
    l->timer.fn = on_time;
    l->timer.arg = l;
    enter(l, RESTING, 0); /* from the loop: nobody is called back in here */
    return l;
}

void store_link_free(struct store_link *l)
{
    if (l == NULL)
        return;
    leave_step(l);
    free(l);
}

bool store_link_is_up(const struct store_link *l)
{
    return l->phase == UP;
}

void store_link_send(struct store_link *l, const struct store_words *words)
{
    CHECK(l->phase == UP);
    store_wire_send(l->wire, words);
}

void store_link_proven(struct store_link *l)
{
    l->pause.fails = 0;
}

void store_link_drop(struct store_link *l, enum store_fault f, const char *why)
{
    CHECK(l->phase == UP);
    leave_step(l);
    l->worst = STORE_FINE;
    tell(l, f, why);
    rest(l);
}

const struct store_hello *store_link_hello(const struct store_link *l)
{
    return &l->hello;
}

const struct store_spot *store_link_spot(const struct store_link *l)
{
    return &l->spots[l->spot];
}

const char *store_link_host(const struct store_link *l)
{
    return l->target.host;
}
