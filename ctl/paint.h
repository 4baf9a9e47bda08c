/*
 * A page of text, as wide and as high as the terminal, with colours where it has
 * them.
 */
#ifndef SLUICE_PAINT_H
#define SLUICE_PAINT_H

#include <stdint.h>

#include "ctl/term.h"
#include "lib/buf.h"

enum style {
    STYLE_PLAIN = 0,
    STYLE_DIM = 1,
    STYLE_BOLD = 2,
    STYLE_GOOD = 3,
    STYLE_WARN = 4,
    STYLE_BAD = 5,
    STYLE_HEAD = 6,   /* of a table */
    STYLE_CHOSEN = 7, /* the row where the cursor is */
};

struct page {
    struct buf text;
    const struct term *term;
    int row, column; /* where the next text goes; from 0 */
    int last;        /* rows that may be used */
};

void page_begin(struct page *p, const struct term *t);
/* Is there room for another row? */
bool page_has_room(const struct page *p);
/* More of this row; what is too wide is cut, what is below the last row too. */
void paint(struct page *p, enum style style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Blanks up to COLUMN, with a style that fills them. */
void paint_to(struct page *p, enum style style, int column);
/* The row is done. */
void paint_end(struct page *p);
/* USED of LIMIT as a bar of WIDTH columns. */
void paint_bar(struct page *p, enum style style, uint64_t used, uint64_t limit,
               int width);
/* The height of VALUE, of TOP, in a column of its own. */
void paint_height(struct page *p, enum style style, uint64_t value,
                  uint64_t top);

#endif
