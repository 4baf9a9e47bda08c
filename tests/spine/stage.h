/*
 * A stage for one exchange: a worker whose limiter, upstream and clock are
 * false, and a web server that is a socket pair.  Each test says what happens,
 * then what each of the four must have seen:
 *
 *   TOLD    the limiter, of the ticket        "join, sent, report fine accepted"
 *   SAID    the client, among other words     "Status: 429"
 *   NOTED   the statistics, of the request    "ok 200 none none x1"
 *   SENDS   the same, of each send            "rate again, none fine"
 */
#ifndef SPINE_STAGE_H
#define SPINE_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "fake_clock.h"
#include "fake_limiter.h"
#include "fake_transfer.h"
#include "fcgi/config/config.h"
#include "fcgi/exchange.h"

#define KEY   "nvapi-0123456789abcdef" /* of ours to the upstream */
#define ADMIN "admin-0123456789abcdef"

/* What stage_chat() asks for. */
#define CHAT        "{\"model\":\"a/b\",\"messages\":[]}"
#define CHAT_STREAM "{\"model\":\"a/b\",\"messages\":[],\"stream\":true}"

/* An upstream that speaks all APIs itself. */
#define SPEAKS_MESSAGES                                                        \
    "{'upstreams':[{'protocols':['chat','messages','responses']}]}"

#define STAGE_PARAMS 12
#define DEAF_BYTES   16384 /* what a socket to a deaf one holds, or twice that */

struct stage {
    struct sluice s;
    int peer;           /* the web server's end; -1: it hung up */
    struct request *r;  /* the last one; gone when its exchange is */
    struct buf got;     /* records, as far as they are not whole */
    struct buf said;    /* what STDOUT said */
    bool ended, closed; /* END_REQUEST was there; and then the end */
    char *params[STAGE_PARAMS + 1];
    int n_params;
    bool is_deaf; /* the web server reads nothing */
};

/* SETTINGS as in a file, with ' for "; NULL: the defaults. */
struct stage *stage_new(const char *settings);
/* Ends the exchange, if there still is one, as the end of a worker does. */
void stage_free(struct stage *st);

/* A parameter of the next request: "HTTP_ORIGIN=...". */
void stage_param(struct stage *st, const char *param);
/* The request comes: METHOD, a path with its query, a body or NULL. */
void stage_ask(struct stage *st, const char *method, const char *target,
               const char *body);
/* Chat with model "a/b", which streams or does not. */
void stage_chat(struct stage *st, bool stream);
/* The end of a step: what is to be sent is, and heard. */
void stage_settle(struct stage *st);
/* MS later: timers fire, and what the web server did is noticed. */
void stage_pass(struct stage *st, int64_t ms);
/* A web server that reads nothing takes up to N bytes after all. */
void stage_take(struct stage *st, size_t n);
/* The web server hangs up, and is found out. */
void stage_hang_up(struct stage *st);
/* The same of a worker that drains, of an operator's pause. */
void stage_drain(struct stage *st);
void stage_pause(struct stage *st);

/* All of what these do happens before stage_settle(). */
void stage_grant(struct stage *st);
/* The same by another way: to UPSTREAM, by which NAME of its model; NULL: as it
 * was asked for. */
void stage_grant_by(struct stage *st, uint32_t upstream, const char *name);
void stage_refuse(struct stage *st, enum limiter_refusal why, int64_t eta_ns);
void stage_cancel(struct stage *st);
/* The upstream answers, from the connection to the end. */
void stage_answer(struct stage *st, int status, const char *headers,
                  const char *body);

/* Is there an exchange still? */
bool stage_is_over(const struct stage *st);
/* The log's lines since it was asked last; borrowed until then. */
const char *stage_log(struct stage *st);

/* Fail with what there is instead. */
void stage_told(struct stage *st, const char *wanted, int line,
                const char *file);
void stage_said(struct stage *st, const char *wanted, bool is_there, int line,
                const char *file);
void stage_noted(struct stage *st, const char *wanted, int line,
                 const char *file);
void stage_sends(struct stage *st, const char *wanted, int line,
                 const char *file);
#define TOLD(st, text)       stage_told(st, text, __LINE__, __FILE__)
#define SAID(st, text)       stage_said(st, text, true, __LINE__, __FILE__)
#define NEVER_SAID(st, text) stage_said(st, text, false, __LINE__, __FILE__)
/* "outcome status reason phase xATTEMPTS" of a request that is over; "": it is
 * not. */
#define NOTED(st, text) stage_noted(st, text, __LINE__, __FILE__)
#define SENDS(st, text) stage_sends(st, text, __LINE__, __FILE__)
/* The answer is whole; or it broke off, and the web server can tell. */
#define ENDED(st)                                                              \
    do {                                                                       \
        CU_ASSERT_TRUE((st)->ended);                                           \
        CU_ASSERT_TRUE((st)->closed);                                          \
        CU_ASSERT_TRUE(stage_is_over(st));                                     \
    } while (0)
#define BROKEN(st)                                                             \
    do {                                                                       \
        stage_pass(st, 100); /* exchange.c, BREAK_NS */                        \
        CU_ASSERT_FALSE((st)->ended);                                          \
        CU_ASSERT_TRUE((st)->closed);                                          \
        CU_ASSERT_TRUE(stage_is_over(st));                                     \
    } while (0)

#endif
