/*
 * NVIDIA's cloud functions: an answer that comes later, or lies elsewhere.
 */
#ifndef SLUICE_NVCF_H
#define SLUICE_NVCF_H

#include <stdbool.h>
#include <stdint.h>

struct config_upstream;

struct nvcf {
    char id[128];     /* of the running request; "": none */
    char *result;     /* the address of its answer, or NULL */
    int64_t poll_ms;  /* the pause before the next poll */
    char target[160]; /* path of a poll */
};

/* Notes that request ID is still running.  False: not an id. */
bool nvcf_pending(struct nvcf *n, const char *id);
/* The pause before the next poll in milliseconds: 500, doubling to 5,000. */
int64_t nvcf_next_poll(struct nvcf *n);
/* Notes that the answer lies at LOCATION.  False: that is no https address
 * (http: of this machine only) with a host in UP's result_hosts. */
bool nvcf_redirected(struct nvcf *n, const struct config_upstream *up,
                     const char *location);
/* NVCF-POLL-SECONDS for an answer that may take MS milliseconds: 1..3600. */
int64_t nvcf_poll_seconds(int64_t ms);
void nvcf_fini(struct nvcf *n);

#endif
