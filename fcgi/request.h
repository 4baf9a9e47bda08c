/*
 * One request as Sluice understands it: read from FastCGI parameters and
 * STDIN, checked, and owned by itself.
 */
#ifndef SLUICE_REQUEST_H
#define SLUICE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/asked_headers.h"
#include "fcgi/config/bounds.h"
#include "fcgi/fault.h"
#include "fcgi/whence.h"
#include "lib/buf.h"
#include "state/limiter.h"

struct route;
struct tongue_got;

struct request {
    struct request *next; /* hand-over list */
    int fd;               /* the FastCGI connection; -1 once handed on */
    uint16_t fcgi_id;
    int64_t arrived_ns;

    char id[LIMITER_ID_MAX]; /* ours: X-Request-Id */
    char *method;
    char *target; /* path and query as sent, for the upstream */
    char *path;   /* decoded, without the query */
    char *host, *origin, *remote_addr, *authorization; /* or NULL */
    bool wants_socket;               /* a WebSocket (RFC 6455), not an answer */
    char *forwarded_for, *forwarded; /* as they came; or NULL */
    struct whence whence; /* auth.c; remote_addr is only who has connected */
    char *cors_asked;     /* Access-Control-Request-Headers; or NULL */
    bool from_elsewhere;  /* a browser says: the page of another site asks */
    char *api_key;        /* of the field below; or NULL */
    const char *api_key_header; /* a literal: as the client sent it */
    struct asked_headers headers;

    char trace[LIMITER_TRACE_MAX]; /* of its traceparent; "": none */
    char client[CLIENT_MAX];
    bool is_named; /* by a header or its key: the body does not name it */
    char user[CLIENT_MAX]; /* as the body has it, maybe cut; "": it has none */
    enum limiter_class cls;
    bool has_cls;    /* X-Sluice-Priority said so */
    uint32_t weight; /* this and the next four: of the client's key */
    uint32_t requests_per_min, queue_max; /* 0: no limit; the common bound */
    uint32_t tokens_per_min;              /* 0: no limit; the same */
    uint64_t tokens_per_day;
    bool cors;           /* its page may read the answer: auth.c, cors.c */
    int64_t deadline_ms; /* X-Sluice-Deadline; -1: none */
    int64_t client_timeout_ms; /* the SDK's own, to the first byte; -1 */
    uint32_t retry_count;      /* X-Stainless-Retry-Count; 0: none, or odd */

    struct buf body;
    /* Of one that was asked in the words of another API, and whose body is in
     * chat's now (as_chat.c): */
    struct tongue_got *got; /* what else it said; NULL: none of this is so */
    const struct route *came_by;
    struct buf as_came;     /* its body, where it may still go so; else empty */
    int64_t content_length; /* -1: not said */
    bool has_type, is_json; /* Content-Type: is there, says JSON */
    char model[MODEL_MAX];  /* "" where the request names none */
    char *asked_for;        /* what its client calls that; NULL: the same */
    char *long_model;       /* a name that does not fit there; or NULL */
    bool stream;
    int64_t max_tokens;    /* of one answer; -1: not said */
    int64_t answers;       /* 1..ANSWERS_MAX that it asks for at once */
    uint64_t prompt_bytes; /* of the body: what is text in it */
    uint64_t began;        /* conversation_of(); 0: of none that can be told */
    bool is_bound;         /* it names what one upstream alone keeps */

    const struct route *route; /* NULL with a fault */
    struct fault fault;
    bool is_checked; /* by auth.c, when its head had come (gate.c) */
    bool has_rest;   /* it is refused, and its body was not read */
    char allow[48];  /* with 405: the methods there are */
};

/*
 * Reads the parameters ENVP ("NAME=value", NULL at the end) into a new
 * request.  Never NULL: what is wrong is in fault.
 */
struct request *request_new(char *const *envp, int64_t now);
/* The body is complete: checks its length and reads what it asks for. */
void request_parse_body(struct request *r);
void request_free(
    struct request *r); /* NULL is fine; wipes what it presented */

/* Names the client of R as one without a key: NAME in harmless characters, or
 * with NULL its address. */
void request_name_client(struct request *r, const char *name);
/* Where R comes from, for people. */
const char *request_address(const struct request *r);
/* The LEN bytes at NAME, a model's, as the state, logs and pages know it. */
void request_short_name(char out[MODEL_MAX], const char *name, size_t len);
/* Takes the LEN bytes at NAME as R's model.  All that the state, logs and
 * pages know of one that is too long for them is its beginning and a hash. */
void request_name_model(struct request *r, const char *name, size_t len);
/* The model as the client wrote it. */
const char *request_model(const struct request *r);
/* The one that answers R, as the state knows it; "": none does, or nobody knows
 * which.  A batch only names one. */
const char *request_served_by(const struct request *r);
/* The most that R's answers take together, as it says; 0: it does not, or no
 * model answers it.  Vectors and the like take none: 1 stands for that. */
uint32_t request_max_tokens(const struct request *r);
/*
 * May R be sent again when nobody can tell whether the upstream has done it?
 * What is safe (RFC 9110, 9.2.1) may, what an Idempotency-Key marks for the
 * upstream as the same, and inference, which costs but leaves nothing behind.
 */
bool request_is_repeatable(const struct request *r);
/* Does its client speak Anthropic's API, by what it asks for or says? */
bool request_speaks_messages(const struct request *r);
/* Wipes what the client presents: nobody is to see it after this. */
void request_forget_key(struct request *r);

#endif
