/*
 * What is in a body, by its first bytes?
 */
#ifndef SLUICE_SNIFF_H
#define SLUICE_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

enum sniffed {
    SNIFF_UNKNOWN = 0, /* white space, or too little of anything */
    SNIFF_EVENTS = 1,  /* an event stream */
    SNIFF_JSON = 2,    /* an object or an array */
    SNIFF_CODED = 3,   /* compressed, whatever the head says */
    SNIFF_OTHER = 4,
};

enum sniffed sniff(const char *bytes, size_t len);

/* The content coding that BYTES begin with; NULL: none, or too little. */
const char *sniff_coding(const char *bytes, size_t len);

#endif
