/* One client of the load generator: a connection and the answer on it. */
#ifndef SLUICE_BENCH_CLIENT_H
#define SLUICE_BENCH_CLIENT_H

#include <stddef.h>

#include "load.h"

#define CLIENT_HEAD (32 * 1024)  /* an answer's header block */
#define CLIENT_LINE (512 * 1024) /* a line of an answer; longer: no hash */

enum client_state {
    CLIENT_IDLE = 0, /* until due_ns */
    CLIENT_CONNECTING = 1,
    CLIENT_SENDING = 2,
    CLIENT_HEADERS = 3,
    CLIENT_BODY = 4,
    CLIENT_OVER = 5, /* has nothing to do any more */
};

enum body_kind { BODY_LENGTH = 0, BODY_CHUNKED = 1, BODY_CLOSE = 2 };

struct client {
    struct load *load;
    int fd;
    enum client_state state;
    char *request;
    size_t request_len, sent;
    int64_t due_ns; /* idle: begin; else: read again, or hang up */
    int64_t begun_ns, first_ns, hangup_ns;
    bool reused; /* the connection has carried an answer */

    char *head;
    size_t head_len;
    int status;
    bool close_after;
    enum body_kind kind;
    int64_t left;       /* of the body, or of the chunk */
    int chunk_state;    /* see take_chunked() */
    int64_t chunk_size; /* while its line is read */

    char *line;
    size_t line_len, line_cap;
    bool event_has_line;
    uint64_t hash, seq;
    struct load_stream *record;
};

/* Makes client number I's request text. */
void client_init(struct client *c, struct load *load, int i);
void client_fini(struct client *c);
/* epoll said EVENTS. */
void client_event(struct client *c, uint32_t events);
/* Its time has come, if it has. */
void client_tick(struct client *c, int64_t now);
/* The run is over. */
void client_stop(struct client *c);

#endif
