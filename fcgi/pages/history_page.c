/*
 * history_page.c - what is asked of the past, and how is it told?
 *
 * Columns, as charts want them: one array for each kind of number
 * (history_series.c).
 */
#include "fcgi/pages/history_page.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "fcgi/exchange.h"
#include "fcgi/pages/history_deeds.h"
#include "fcgi/pages/history_series.h"
#include "fcgi/pages/status.h"
#include "fcgi/target.h"
#include "lib/clock.h"
#include "state/history.h"

#define SPAN_S   600 /* what is told if nothing is said */
#define POINTS   300
#define TIME_MAX 1e11

/* ---- the question ---------------------------------------------------------- */

/* What stands behind NAME in QUERY; NULL: it is not there. */
static const char *find(const char *query, const char *name)
{
    size_t n = strlen(name);
    const char *p = query;

    while (p != NULL && *p != '\0') {
        if (strncmp(p, name, n) == 0 && p[n] == '=')
            return p + n + 1;
        p = strchr(p, '&');
        p = p != NULL ? p + 1 : NULL;
    }
    return NULL;
}

/* The number NAME of QUERY; false: it is there and is none. */
static bool number(const char *query, const char *name, double *out)
{
    const char *p = find(query, name);
    char *end;
    double v;

    if (p == NULL)
        return true;
    v = strtod(p, &end);
    if (end == p || (*end != '\0' && *end != '&') || !isfinite(v) ||
        fabs(v) > TIME_MAX)
        return false;
    *out = v;
    return true;
}

/* False: something else is asked for than what there is. */
static bool read_by(const char *query, enum history_by *by)
{
    static const char *const words[] = {[BY_UPSTREAM] = "upstream",
                                        [BY_MODEL] = "model",
                                        [BY_CLIENT] = "client"};
    const char *p = find(query, "by");
    size_t n = p != NULL ? strcspn(p, "&") : 0, i;

    *by = BY_NOBODY;
    for (i = BY_UPSTREAM; i < ARRAY_LEN(words) && p != NULL; i++)
        if (strlen(words[i]) == n && strncmp(p, words[i], n) == 0)
            *by = (enum history_by)i;
    return p == NULL || *by != BY_NOBODY;
}

/* Longer than a name, for it may be percent-encoded.  What is wrong; NULL:
 * nothing. */
static const char *read_name(const char *target, struct history_query *q)
{
    char name[3 * LIMITER_NAME_MAX];
    int rc = target_query(target, "name", name, sizeof(name));

    q->name[0] = '\0';
    if (rc == 0)
        return NULL;
    if (q->by != BY_MODEL && q->by != BY_CLIENT)
        return "name is that of a model or a client: it needs by=model or "
               "by=client";
    if (rc < 0 || name[0] == '\0' || strlen(name) >= sizeof(q->name))
        return "name must be that of a model or a client, percent-encoded, of "
               "1 to 127 bytes";
    memcpy(q->name, name, strlen(name) + 1);
    return NULL;
}

/* A moment, or seconds before now. */
static int64_t moment(double v, int64_t now_s)
{
    int64_t t = (int64_t)v;

    t -= (double)t > v; /* down, not towards zero */
    return t < 0 ? now_s + t : t;
}

bool history_page_parse(const char *target, int64_t now_s,
                        struct history_query *out, const char **what)
{
    double from = -SPAN_S, to = (double)now_s, points = POINTS;
    const char *query = strchr(target, '?');

    query = query != NULL ? query + 1 : "";
    if (!number(query, "from", &from) || !number(query, "to", &to)) {
        *what = "from and to must be seconds since 1970, or negative: seconds "
                "before now";
        return false;
    }
    if (!number(query, "points", &points) || points < 1 ||
        points > PAST_POINTS || points != (uint32_t)points) {
        *what = "points must be a whole number from 1 to 1000";
        return false;
    }
    if (!read_by(query, &out->by)) {
        *what = "by can be upstream, model or client";
        return false;
    }
    *what = read_name(target, out);
    if (*what != NULL)
        return false;
    out->range = (struct past_range){.now_s = now_s};
    out->range.from_s = moment(from, now_s);
    out->range.to_s = moment(to, now_s);
    out->range.points = (uint32_t)points;
    *what = "from must not be after to";
    return out->range.from_s <= out->range.to_s;
}

/* ---- the answer ---------------------------------------------------------------- */

#define COLUMN(name, field, kind)                                              \
    {                                                                          \
        name, offsetof(struct past_step, field), kind                          \
    }

static const struct series columns[] = {
    COLUMN("sends", sends, SERIES_U64),
    COLUMN("requests", requests, SERIES_U64),
    COLUMN("waiting", waiting, SERIES_U32),
    COLUMN("in_flight", in_flight, SERIES_U32),
    COLUMN("window_used", window_used, SERIES_U32),
    COLUMN("window_limit", window_limit, SERIES_U32),
    COLUMN("queue_s", queue_us, SERIES_SUM_US),
    COLUMN("first_byte_s", first_byte_us, SERIES_SUM_US),
    COLUMN("generation_s", generation_us, SERIES_SUM_US),
    COLUMN("queue_n", queue_n, SERIES_U64),
    COLUMN("first_byte_n", first_byte_n, SERIES_U64),
    COLUMN("generation_n", generation_n, SERIES_U64),
    COLUMN("queue_p50", queue_p50_us, SERIES_VALUE_US),
    COLUMN("queue_p95", queue_p95_us, SERIES_VALUE_US),
    COLUMN("first_byte_p50", first_byte_p50_us, SERIES_VALUE_US),
    COLUMN("first_byte_p95", first_byte_p95_us, SERIES_VALUE_US),
    COLUMN("speed_p50", speed_p50_milli, SERIES_MILLI),
    COLUMN("speed_p95", speed_p95_milli, SERIES_MILLI),
    COLUMN("tokens_in", tokens_in, SERIES_U64),
    COLUMN("tokens_out", tokens_out, SERIES_U64),
    COLUMN("answers", outcomes[OUTCOME_OK], SERIES_U64),
    COLUMN("answers_told", told, SERIES_COUNT),
};

static void put_column(struct buf *b, const struct limiter_past *p,
                       const struct series *c)
{
    buf_add(b, ",", 1);
    series_put(b, p, INT64_MIN, p->steps, sizeof(*p->steps), c);
}

/* ---- by upstream --------------------------------------------------------------- */

static const struct series went_columns[] = {
    {"sends", offsetof(struct past_went_step, sends), SERIES_U64},
    {"refused", offsetof(struct past_went_step, refused), SERIES_U64},
    {"tokens_in", offsetof(struct past_went_step, tokens_in), SERIES_U64},
    {"tokens_out", offsetof(struct past_went_step, tokens_out), SERIES_U64},
};

static void put_trails(struct buf *b, const struct limiter_past *p,
                       const struct past_trails *trails)
{
    uint32_t i;
    size_t k;

    buf_str(b, ",\"upstreams_kept_from\":");
    series_moment(b, trails->kept_from_s);
    buf_str(b, ",\"upstreams\":{");
    for (i = 0; i < trails->n; i++) {
        if (i > 0)
            buf_add(b, ",", 1);
        buf_json(b, trails->of[i].name);
        buf_str(b, ":{");
        for (k = 0; k < ARRAY_LEN(went_columns); k++) {
            if (k > 0)
                buf_add(b, ",", 1);
            series_put(b, p, trails->kept_from_s, trails->of[i].steps,
                       sizeof(*trails->of[i].steps), &went_columns[k]);
        }
        buf_str(b, "}");
    }
    buf_str(b, "}");
}

static void put_past(struct buf *b, const struct limiter_past *p)
{
    uint32_t i;

    buf_fmt(b, "{\"from\":%lld,\"to\":%lld,\"step_s\":%lld,\"kept_from\":",
            (long long)p->from_s, (long long)p->to_s, (long long)p->step_s);
    series_moment(b, p->kept_from_s);
    buf_str(b, ",\"t\":[");
    for (i = 0; i < p->n; i++) {
        if (i > 0)
            buf_add(b, ",", 1);
        buf_int(b, p->steps[i].begin_s);
    }
    buf_str(b, "]");
    for (i = 0; i < ARRAY_LEN(columns); i++)
        put_column(b, p, &columns[i]);
    for (i = 0; i < OUTCOMES; i++)
        put_column(b, p,
                   &(struct series){outcome_names[i],
                                    offsetof(struct past_step, outcomes) +
                                        i * sizeof(uint64_t),
                                    SERIES_U64});
}

/* Each part says what it asked of the state, or false: that is busy. */
static bool tell_trails(struct limiter *lim, const struct limiter_past *past,
                        struct buf *b)
{
    struct past_trails *trails = malloc(sizeof(*trails));
    bool ok;

    CHECK(trails != NULL);
    ok = limiter_history_trails(lim, past, trails);
    put_past(b, past);
    if (ok)
        put_trails(b, past, trails);
    free(trails);
    return ok;
}

static enum past_whose whose_of(const struct history_query *q)
{
    return q->by == BY_MODEL ? PAST_MODELS : PAST_CLIENTS;
}

static bool tell_deeds(struct limiter *lim, const struct history_query *q,
                       uint32_t pool, const struct limiter_past *past,
                       struct buf *b)
{
    const char *name = q->name[0] != '\0' ? q->name : NULL;
    struct past_ledger *deeds = malloc(sizeof(*deeds));
    bool ok;

    CHECK(deeds != NULL);
    ok = limiter_history_ledger(lim, whose_of(q), pool, past, name, deeds);
    put_past(b, past);
    if (ok)
        history_deeds_put(b, q->by == BY_MODEL ? "models" : "clients", past,
                          deeds, name);
    past_ledger_free(deeds);
    free(deeds);
    return ok;
}

/* What was asked, or false: the state is busy. */
static bool tell(struct limiter *lim, struct history_query *q, struct buf *b)
{
    bool by_name = q->by == BY_MODEL || q->by == BY_CLIENT, ok;
    struct limiter_past *past = malloc(sizeof(*past));
    uint32_t pool = 0;

    CHECK(past != NULL);
    ok = (!by_name ||
          limiter_history_grain(lim, whose_of(q), &q->range, &pool)) &&
         limiter_history(lim, &q->range, past);
    if (ok && by_name)
        ok = tell_deeds(lim, q, pool, past, b);
    else if (ok && q->by == BY_UPSTREAM)
        ok = tell_trails(lim, past, b);
    else if (ok)
        put_past(b, past);
    buf_str(b, "}\n");
    free(past);
    return ok;
}

enum step history_page_answer(struct exchange *x)
{
    int64_t now_s = clock_wall_ms() / 1000;
    struct buf b = {NULL, 0, 0, 0};
    struct history_query query;
    const char *what;
    int next;

    if (!history_page_parse(x->req->target, now_s, &query, &what))
        return exchange_fail(x, ERROR_BAD_REQUEST, "%s.", what);
    next =
        tell(x->s->lim, &query, &b) ? exchange_json(x, &b) : exchange_later(x);
    buf_free(&b);
    return next;
}
