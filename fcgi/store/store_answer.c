/*
 * store_answer.c - what does an answer of the store say?
 *
 *   turn.lua  -->  a tree of hiredis'  -->  here  -->  state/ takes it in
 *
 * The store is another machine, which others can write to: each field has a
 * type, a range and a length, each list a bound, and one that is wrong spoils
 * the answer.  A half answer would be worse than none: its leases would be lost
 * to us and open there.
 *
 * More fields than are known are fine: a newer script may say more.
 */
#include "fcgi/store/store_answer.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "lib/base.h"
#include "lib/buf.h"
#include "lib/complaint.h"

#define NUMBER_MAX (INT64_C(1) << 53)          /* Lua's numbers are doubles */
#define LEFT_MAX   (INT64_C(10) * 1000 * 1000) /* us; a lease has 3 s */
#define TIME_MAX   (INT64_C(3) * 86400 * 1000 * 1000) /* us; a window: a day */
#define AGE_MAX    (INT64_C(3650) * 86400 * 1000 * 1000) /* us; of a value */
#define COUNT_MAX  INT64_C(1000000000)
#define NS_PER_US  1000

/* What is being read; the first fault stays. */
struct reading {
    struct shared_answer *a;
    struct complaint *why;
    bool wrong;
};

/* The first fault names a field of ours, never what stands in it. */
static bool is_fine(struct reading *x, bool fine, const char *what)
{
    if (!fine && !x->wrong) {
        x->wrong = true;
        (void)complain(x->why,
                       "its answer cannot be understood (%s); is another "
                       "program writing to the keys of this account?",
                       what);
    }
    return fine;
}

/* ---- one field ------------------------------------------------------------------ */

/* A status is one, too: Lua's {ok = ...} is told so. */
static bool is_text(const redisReply *r)
{
    return r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS;
}

/* Digits, as many as fit; what Lua cannot tell as an integer comes so. */
static bool read_digits(int64_t *out, const char *text, size_t len)
{
    bool minus = len > 0 && *text == '-';
    int64_t n = 0;
    size_t i = minus;

    if (len - minus == 0 || len - minus > 16)
        return false;
    for (; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (text[i] - '0');
    }
    *out = minus ? -n : n;
    return true;
}

/* The element I of ROW as a number from LEAST to MOST; else LEAST, and wrong. */
static int64_t number(struct reading *x, const redisReply *row, size_t i,
                      int64_t least, int64_t most, const char *what)
{
    const redisReply *r = row->element[i];
    int64_t n = 0;
    bool fine = true;

    if (r->type == REDIS_REPLY_INTEGER)
        n = r->integer;
    else
        fine = is_text(r) && read_digits(&n, r->str, r->len);
    return is_fine(x, fine && n >= least && n <= most, what) ? n : least;
}

static uint32_t count(struct reading *x, const redisReply *row, size_t i,
                      const char *what)
{
    return (uint32_t)number(x, row, i, 0, COUNT_MAX, what);
}

static bool has_control(const char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return true;
    return false;
}

/* The element I of ROW as a text that fits into MAX bytes with its zero. */
static void text(struct reading *x, char *out, size_t max,
                 const redisReply *row, size_t i, const char *what)
{
    const redisReply *r = row->element[i];
    bool fine = is_text(r) && r->len < max && !has_control(r->str, r->len) &&
                buf_is_utf8(r->str, r->len);

    if (is_fine(x, fine, what))
        memcpy(out, r->str, r->len);
    out[fine ? r->len : 0] = '\0';
}

/* A text that must not be empty. */
static void name(struct reading *x, char *out, size_t max,
                 const redisReply *row, size_t i, const char *what)
{
    text(x, out, max, row, i, what);
    (void)is_fine(x, *out != '\0', what);
}

/* ---- lists ---------------------------------------------------------------------- */

/* Does ROW have FIELDS at least? */
static bool is_row(struct reading *x, const redisReply *row, size_t fields,
                   const char *what)
{
    return is_fine(x, row->type == REDIS_REPLY_ARRAY && row->elements >= fields,
                   what);
}

/* The end of a lease is bounded here as well: no store may say that we may send
 * for an hour. */
static void read_lease(struct reading *x, const redisReply *row, uint32_t i)
{
    struct shared_lease *l = &x->a->leases[i];
    bool ahead;

    if (!is_row(x, row, 7, "a lease"))
        return;
    l->id = (uint64_t)number(x, row, 0, 1, NUMBER_MAX, "a lease's id");
    name(x, l->scope, sizeof(l->scope), row, 1, "a lease's scope");
    l->cls = (uint32_t)number(x, row, 2, 0, LIMITER_CLASSES, "a lease's class");
    text(x, l->client, sizeof(l->client), row, 3, "a lease's client");
    l->left_ns = number(x, row, 4, 0, LEFT_MAX, "a lease's time") * NS_PER_US;
    ahead = number(x, row, 5, 0, 1, "a lease's kind") != 0;
    l->wait_ns = number(x, row, 6, 0, LEFT_MAX, "a lease's begin") * NS_PER_US;
    if (!ahead) {
        (void)is_fine(x, l->cls < LIMITER_CLASSES, "a lease's class");
        return;
    }
    l->cls = LIMITER_CLASSES; /* whoever comes first */
    l->client[0] = '\0';
}

static void read_end(struct reading *x, const redisReply *row, uint32_t i)
{
    struct shared_end *e = &x->a->ends[i];
    int64_t us;

    if (!is_row(x, row, 2, "an end"))
        return;
    e->id = (uint64_t)number(x, row, 0, 0, NUMBER_MAX, "an end's id");
    us = number(x, row, 1, -1, LEFT_MAX, "an end's time");
    e->left_ns = us < 0 ? -1 : us * NS_PER_US;
}

/* Of a scope that we have named. */
static void read_room(struct reading *x, const redisReply *row, uint32_t i)
{
    struct shared_room *m = &x->a->rooms[i];
    int64_t us;

    if (!is_row(x, row, 9, "a scope"))
        return;
    name(x, m->name, sizeof(m->name), row, 0, "a scope's name");
    m->used = count(x, row, 1, "a scope's use");
    m->used_tokens =
        (uint64_t)number(x, row, 2, 0, NUMBER_MAX, "a scope's tokens");
    us = number(x, row, 3, -1, TIME_MAX, "a scope's next slot");
    m->next_ns = us < 0 ? -1 : us * NS_PER_US;
    m->waiting_elsewhere = count(x, row, 4, "a scope's waiters");
    m->recall = count(x, row, 5, "a scope's recall");
    m->flying_elsewhere = count(x, row, 6, "a scope's requests in flight");
    m->total = (uint64_t)number(x, row, 7, 0, NUMBER_MAX, "a scope's total");
    us = number(x, row, 8, -1, TIME_MAX, "when to call for a scope");
    m->call_ns = us < 0 ? -1 : us * NS_PER_US;
}

/* Any bytes; whoever takes them in looks at them (state/policy/mirrored.h). */
static void read_value(struct reading *x, const redisReply *row, uint32_t i)
{
    struct shared_value *v = &x->a->values[i];
    const redisReply *blob;

    if (!is_row(x, row, 5, "a value"))
        return;
    name(x, v->name, sizeof(v->name), row, 0, "a value's name");
    v->version =
        (uint64_t)number(x, row, 1, 1, NUMBER_MAX, "a value's version");
    blob = row->element[2];
    if (!is_fine(x, is_text(blob) && blob->len <= SHARED_BLOB_MAX,
                 "a value's bytes"))
        return;
    v->blob = (const uint8_t *)blob->str;
    v->len = (uint32_t)blob->len;
    v->own = number(x, row, 3, 0, 1, "a value's owner") != 0;
    v->age_ns = number(x, row, 4, 0, AGE_MAX, "a value's age") * NS_PER_US;
}

static void read_refused(struct reading *x, const redisReply *row, uint32_t i)
{
    if (is_row(x, row, 2, "a refused value"))
        name(x, x->a->refused[i], sizeof(x->a->refused[i]), row, 0,
             "a refused value's name");
}

static void read_host(struct reading *x, const redisReply *row, uint32_t i)
{
    struct shared_host *h = &x->a->hosts_told[i];

    if (!is_row(x, row, 6, "a host"))
        return;
    name(x, h->host, sizeof(h->host), row, 0, "a host's id");
    text(x, h->name, sizeof(h->name), row, 1, "a host's name");
    h->age_ns = number(x, row, 2, 0, AGE_MAX, "a host's age") * NS_PER_US;
    h->rtt_ns = number(x, row, 3, 0, TIME_MAX, "a host's time") * NS_PER_US;
    h->waiting = count(x, row, 4, "a host's waiters");
    h->leases = count(x, row, 5, "a host's leases");
}

/* The element I of R, a list of at most MOST; how many it has. */
static uint32_t list(struct reading *x, const redisReply *r, size_t i,
                     size_t most, const char *what,
                     void (*read)(struct reading *x, const redisReply *row,
                                  uint32_t i))
{
    const redisReply *rows = r->element[i];
    uint32_t k;

    if (!is_fine(x, rows->type == REDIS_REPLY_ARRAY && rows->elements <= most,
                 what))
        return 0;
    for (k = 0; k < rows->elements && !x->wrong; k++)
        read(x, rows->element[k], k);
    return k;
}

/* ---- all of it ------------------------------------------------------------------ */

static bool is_word(const redisReply *r, size_t i, const char *word)
{
    const redisReply *w = i < r->elements ? r->element[i] : NULL;

    return w != NULL && is_text(w) && w->len == strlen(word) &&
           memcmp(w->str, word, w->len) == 0;
}

static void read_all(struct reading *x, const redisReply *r)
{
    struct shared_answer *a = x->a;

    if (!is_row(x, r, 10, "its number of fields"))
        return;
    (void)number(x, r, 1, 0, NUMBER_MAX, "its clock");
    a->full_ns =
        number(x, r, 2, 0, TIME_MAX, "how long it is full") * NS_PER_US;
    a->vv = (uint64_t)number(x, r, 3, 0, NUMBER_MAX, "its version");
    a->hosts = count(x, r, 4, "its number of hosts");
    a->n_leases = list(x, r, 5, SHARED_LEASES, "its leases", read_lease);
    a->n_ends = list(x, r, 6, SHARED_SETTLES, "its ends", read_end);
    a->n_rooms = list(x, r, 7, SHARED_SCOPES, "its scopes", read_room);
    a->n_values = list(x, r, 8, SHARED_VALUES, "its values", read_value);
    a->n_refused = list(x, r, 9, SHARED_PUTS, "what it refused", read_refused);
    if (r->elements > 10)
        a->n_hosts = list(x, r, 10, SHARED_HOSTS, "its hosts", read_host);
}

/* Nothing of the answer before is left to be seen. */
static void clear(struct shared_answer *a, int64_t asked_ns)
{
    a->asked_ns = asked_ns;
    a->full_ns = 0;
    a->vv = 0;
    a->hosts = 0;
    a->n_leases = a->n_ends = a->n_rooms = 0;
    a->n_values = a->n_refused = a->n_hosts = 0;
}

enum store_answer_kind store_answer_read(struct shared_answer *a,
                                         const struct redisReply *r,
                                         int64_t asked_ns,
                                         struct complaint *why)
{
    struct reading x = {a, why, false};

    clear(a, asked_ns);
    if (r->type != REDIS_REPLY_ARRAY || r->elements == 0) {
        (void)is_fine(&x, false, "it is no list");
        return STORE_ANSWER_STRANGE;
    }
    if (is_word(r, 0, "stale"))
        return STORE_ANSWER_STALE;
    if (is_word(r, 0, "proto")) {
        (void)complain(why, "other hosts of this account run another version "
                            "of Sluice; all must be of one, or have a "
                            "shared.account of their own");
        return STORE_ANSWER_PROTO;
    }
    if (is_fine(&x, is_word(r, 0, "ok"), "its first word"))
        read_all(&x, r);
    if (!x.wrong)
        return STORE_ANSWER_OK;
    clear(a, asked_ns);
    return STORE_ANSWER_STRANGE;
}
