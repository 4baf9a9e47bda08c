/* Every bound of the responder, with its reason. */
#ifndef SLUICE_BOUNDS_H
#define SLUICE_BOUNDS_H

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

#define UPSTREAMS_MAX     16 /* the state file has that many rows */
#define UPSTREAM_NAME_MAX 32 /* with the terminator; shown and used in keys */

#define FALLBACKS_MAX 8 /* models in place of one: each may be a wait */

/* Names a client chooses; longer ones are cut, a model's with a hash at its end
 * (request_name_model()); the state file keeps 127 bytes of each. */
#define MODEL_MAX   128
#define MODEL_BYTES 512 /* in a body: it may be the path of a snapshot */
#define CLIENT_MAX  64

#define ANSWERS_MAX 1024 /* of one request, `n`; OpenAI's bound is 128 */

#define PARAMS_MAX   256        /* FastCGI parameters of one request */
#define PARAMS_BYTES (64 * KIB) /* lighttpd itself stops at 65,535 */
#define PATH_BYTES   2048       /* path and query we forward */
#define JSON_BIG     (1 * MIB)  /* above it, one parse at a time: trees */
/* A tree costs about 64 bytes a value.  A million values is more than any token
 * array that a 25 MB body can sensibly hold, and 64 MB at the worst. */
#define JSON_VALUES_MAX 1000000

/* A request up to LOOK_BYTES is read and parsed in the loop (0.1 ms of JSON at
 * most), one that is larger or comes in many pieces by a thread. */
#define LOOK_BYTES       (16 * KIB)
#define LOOKS_MAX        16
#define READERS          4     /* those threads */
#define BODY_DEADLINE_MS 60000 /* to receive one whole request */
/* What comes of a body whose request was refused is read and dropped: a web
 * server closes as soon as it has the answer, most within milliseconds. */
#define LINGER_MS       5000
#define LINGER_MAX      128        /* connections: each is a descriptor */
#define LINGER_BYTES    (64 * KIB) /* read at once */
#define ACCEPT_BATCH    16   /* connections a step; the rest with the next */
#define ACCEPT_LAST     4096 /* of them at a drain: lighttpd.conf's backlog */
#define ACCEPT_PAUSE_NS 20000000 /* when there are no descriptors left */

/* A page that needs the shared state, which is locked for microseconds. */
#define LATER_NS      3000000    /* to the next try */
#define LATER_MOST_NS 1000000000 /* then it is refused */

/* Kept for the worker itself: the state file made anew (3), the log, the
 * readers' duplicates, libcurl's resolver; twice that. */
#define SPARE_DESCRIPTORS 24
#define DESCRIPTORS_MIN   128 /* with fewer nothing would ever be accepted */

#define OUT_HIGH  (64 * KIB)  /* unsent answer bytes that pause the upstream */
#define OUT_LOW   (16 * KIB)  /* and those that wake it again */
#define EVENT_MAX (64 * KIB)  /* of an event that waits to be complete */
#define HOLD_MAX  (256 * KIB) /* a buffered answer is checked whole up to this */

/* Of a stream that becomes a Messages stream: an event may be a whole call of a
 * tool, with a file in it; what comes before its turn waits. */
#define CHAT_EVENT_MAX (4 * MIB)
#define CHAT_HELD_MAX  (8 * MIB) /* a stream */
#define CHAT_CALLS_MAX 128       /* of tools, in an answer; as OpenAI's tools */

#define USAGE_BYTES (4 * KIB) /* of a report of tokens; known ones take 240 */

#define WORDS_BYTES   (64 * KIB) /* of an error that is read: json-c's tree */
#define WORDS_MESSAGE 1024       /* of its words that a client is shown */
#define WORDS_TOKEN   64         /* and of its type and its code */
#define DELAY_MS_MAX  86400000   /* a day: no upstream knows beyond it */

#define HEAD_BYTES    (64 * KIB) /* response header block from the upstream */
#define SPARE_HANDLES 32  /* of libcurl, 40 KB each: to make one takes long */
#define REST_HANDLES  2   /* of those while nothing is asked */
#define POOL_MAX      128 /* idle connections kept: a burst's worth */
#define MODELS_BYTES  (4 * MIB) /* a list of models; NVIDIA's is 20 KB */
#define FREE_MAX      512       /* requests without a slot: a connection each */

/* A new address of an upstream is followed within a minute, under load too:
 * so long a name's address is remembered, and so old a connection made to it
 * may be for another request.  A handshake in 40 s is no load. */
#define ADDRESS_KEPT_S    10
#define CONNECTION_KEPT_S 40

/* Rows of each list in the status snapshot, whose text has 256 KB. */
#define SNAPSHOT_LIST 100

/* Open pages of all browsers at one worker: each is a connection, two
 * descriptors, and while it does not read up to a snapshot of memory. */
#define VIEWERS_MAX   256
#define VIEWERS_BYTES (8 * MIB) /* unread, of all of them together */
#define VIEWER_S      5         /* with one unread: then it is gone */

#endif
