/*
 * How a request leaves a step: a row brings it there, lets one thing happen,
 * and if it is still there afterwards, what ends it.
 */
#ifndef SPINE_EXIT_ROW_H
#define SPINE_EXIT_ROW_H

#include "spine.h"
#include "stage.h"

enum ending {
    WHOLE = 0,
    CUT,  /* without END_REQUEST */
    GONE, /* nobody hears it */
};

struct exit_row {
    const char *sentence;
    void (*bring)(struct stage *st);
    void (*happens)(struct stage *st); /* NULL: nothing but what follows */
    void (*then)(struct stage *st);    /* NULL: it is over */
    const char *told;                  /* of its ticket */
    enum ending ending;
    const char *said; /* among what its client hears; NULL: no matter */
    const char *noted;
};

/* A test for each; the rows are borrowed for good. */
CU_ErrorCode exit_rows_add(CU_pSuite s, const struct exit_row *rows, size_t n);

/* What may happen anywhere. */
void lose_state(struct stage *st);
void abort_all(struct stage *st);

#endif
