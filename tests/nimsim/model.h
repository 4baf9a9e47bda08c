/*
 * What a model's name asks the practice upstream to do.
 */
#ifndef NIMSIM_MODEL_H
#define NIMSIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "faults.h"

struct text;

/* -1 means "not asked for" in every number below. */
struct behaviour {
    enum fault fault;
    int64_t status;  /* status-CODE: OpenAI's shape */
    int64_t problem; /* problem-CODE: problem+json */
    int64_t html;    /* html-CODE */
    int64_t text;    /* text-CODE */
    int64_t empty;   /* empty-CODE */
    int64_t times;   /* times-N: faults for the first N arrivals only */
    int64_t percent; /* percent-N: faults for so many of them, by chance */
    int64_t workers; /* workers-N: more at once are told ResourceExhausted */
    int64_t queue;   /* queue-N: more at once are told 429 with a detail */

    int64_t context; /* context-N: prompt and answer have so many tokens */

    int64_t retry_after_s;  /* retry-after-S, on any error */
    int64_t retry_after_ms; /* retry-after-ms-MS */
    int64_t retry_date_s;   /* retry-date-S: Retry-After as a date */
    int64_t clock_s;        /* clock-S: so far ahead, of both its dates */
    bool is_rfc850;         /* rfc850: that Retry-After in an old form */
    bool is_asctime;        /* asctime: in the other */
    bool is_retry_garbage;  /* retry-garbage: a Retry-After that is none */
    bool has_ratelimit;     /* ratelimit: x-ratelimit-* */
    int64_t reset_s;        /* ratelimit-S: none remains, and for how long */
    bool says_retry;        /* should-retry: x-should-retry: true */
    bool is_deprecated;     /* deprecated: the Deprecation header */
    bool echoes_key;        /* echo-key: errors and headers quote the key */
    bool echoes_escaped;    /* echo-key-escaped: the same, in JSON's escapes */

    int64_t polls;    /* poll-N: 202 until N polls were told so */
    int64_t poll_ms;  /* poll-ms-MS: 202 for so long */
    bool is_redirect; /* redirect: the answer lies behind a 302 */

    bool list_bare;  /* bare: the list of models is an array */
    bool list_named; /* named: {"models":[{"name":...}]} */
    bool list_null;  /* null: its data is null */

    int64_t slow_ms;    /* slow-MS */
    int64_t tokens;     /* tokens-N, stream-N-MS */
    int64_t gap_ms;     /* stream-N-MS */
    int64_t silence_ms; /* silence-MS */
    int64_t big_kib;    /* big-KB */

    int64_t head_bytes;    /* cut-head-BYTES */
    int64_t cut_bytes;     /* cut-BYTES */
    int64_t reset_bytes;   /* reset-BYTES */
    int64_t end_bytes;     /* early-end-BYTES */
    int64_t split_bytes;   /* split-N */
    int64_t error_events;  /* stream-error-N-CODE: after so many events */
    int64_t error_code;    /* and with that code */
    int64_t failed_events; /* failed-N: response.failed after so many */
    int64_t told_events;   /* error-event-N: an event named error */
    bool is_chunked;       /* chunked: a buffered body too */
    bool is_unended;       /* unended: chunked, without its last chunk */
    bool is_unframed;      /* unframed: only the connection ends it */
    bool comments;
    bool calls_tool;  /* tools: a call of one in the place of words */
    bool is_agent;    /* agent: calls tools by what was said, and then speaks */
    int64_t pair;     /* pair-N: of two at once, N times over */
    int64_t thoughts; /* think-N: words of thinking before all else */
    bool is_mirror;   /* mirror: the request in the place of words */
    bool stops;       /* stops: before a word that `stop` names */

    /* Answers that are not what was asked for, or not as they should be. */
    bool is_gzip;         /* gzip: Content-Encoding, whatever was accepted */
    bool is_gzip_silent;  /* gzip-silent: the bytes, and no word of it */
    bool is_whole;        /* json-for-stream: JSON to who asked for a stream */
    bool is_untyped;      /* untyped: no Content-Type */
    bool is_text;         /* as-text: text/plain */
    bool is_octets;       /* as-octets: application/octet-stream */
    bool is_lines;        /* as-lines: application/x-ndjson */
    bool is_json;         /* as-json: a stream as application/json */
    bool is_audio;        /* audio: 8 KB of sound for each word */
    bool is_list;         /* list: the buffered answer in brackets */
    bool has_bom;         /* bom: a byte order mark before the first event */
    bool lacks_done;      /* no-done: a stream without [DONE] */
    bool has_done;        /* done-instead: [DONE] in a response's last place */
    bool lacks_usage;     /* no-usage: nothing tells of tokens */
    bool has_bare_usage;  /* bare-usage: no null in the chunks before it */
    bool has_early_usage; /* early-usage: with the reason, not behind it */
    bool refuses_options; /* no-options: 400 for stream_options */
    bool lacks_template;  /* no-template: the same, chat_template_kwargs */
    bool lacks_effort;    /* no-effort: reasoning_effort */
    bool varies;          /* vary: more or fewer words, by arrival */
    bool has_crlf;        /* crlf: events whose lines end so */
    bool counts_tokens;   /* no word: there is a limit in tokens */
    bool stays_open;  /* done-then-open: a stream's connection, afterwards */
    int64_t blanks;   /* blank-N-MS: N line ends before a buffered body, */
    int64_t blank_ms; /* so far from each other */
};

/* Fills *B from MODEL.  Parts that are not understood ask for nothing. */
void behaviour_parse(struct behaviour *b, const char *model);

/* Adds what WORDS, joined by '+', ask for. */
void behaviour_add(struct behaviour *b, const char *words);

/* Writes the words of every fault in *B, joined by '+'. */
void behaviour_faults(const struct behaviour *b, struct text *out);

/* Takes every fault out of *B; pace and size of the answer stay. */
void behaviour_heal(struct behaviour *b);

#endif
