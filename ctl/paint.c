/*
 * paint.c - how does a page get onto the terminal without a flicker?
 *
 * It is built whole and written at once; each row ends with "clear to the end",
 * and nothing is wiped before it is written anew.  Names are plain ASCII when
 * they come here (plain()), so a code point is a column.
 *
 * What always holds: no row is wider than the terminal and no page higher, and the last
 * row ends without a line break, so that the terminal never scrolls.
 */
#include "ctl/paint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base.h"

#define TEXT_MAX 512 /* bytes of one piece of a row */

/* Without colours the last two are told by reversed letters all the same: that
 * is no colour, and without it nobody sees where the cursor is. */
static const char *const styles[] = {
    [STYLE_PLAIN] = "",        [STYLE_DIM] = "\033[2m",
    [STYLE_BOLD] = "\033[1m",  [STYLE_GOOD] = "\033[32m",
    [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[1;31m",
    [STYLE_HEAD] = "\033[7m",  [STYLE_CHOSEN] = "\033[1;7m",
};

/* Home, and no wipe: each row wipes what is behind it. */
void page_begin(struct page *p, const struct term *t)
{
    p->text.len = 0;
    p->term = t;
    p->row = p->column = 0;
    p->last = t->rows;
    if (t->is_live)
        buf_str(&p->text, "\033[H");
}

/* Asked before a row, so that none is begun that nobody would see. */
bool page_has_room(const struct page *p)
{
    return p->row < p->last;
}

static const char *begin_of(const struct page *p, enum style style)
{
    bool reversed = style == STYLE_HEAD || style == STYLE_CHOSEN;

    if (!p->term->is_live || (!p->term->colours && !reversed))
        return "";
    return p->term->colours ? styles[style] : "\033[7m";
}

/* The bytes of TEXT that fill at most ROOM columns; how many they fill in
 * *WIDTH. */
static size_t cut(const char *text, int room, int *width)
{
    size_t i;

    *width = 0;
    for (i = 0; text[i] != '\0'; i++) {
        if (((unsigned char)text[i] & 0xc0) == 0x80)
            continue; /* of a character that has begun */
        if (*width == room)
            break;
        ++*width;
    }
    return i;
}

/* Styles end with each piece: a page that is cut leaves no colour behind. */
void paint(struct page *p, enum style style, const char *fmt, ...)
{
    char text[TEXT_MAX];
    const char *begin = begin_of(p, style);
    size_t n;
    int width;
    va_list ap;

    if (!page_has_room(p))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    n = cut(text, p->term->columns - p->column, &width);
    if (n == 0)
        return;
    buf_str(&p->text, begin);
    buf_add(&p->text, text, n);
    if (begin[0] != '\0')
        buf_str(&p->text, "\033[0m");
    p->column += width;
}

/* Already beyond it: nothing. */
void paint_to(struct page *p, enum style style, int column)
{
    if (column > p->column)
        paint(p, style, "%*s", column - p->column, "");
}

/* On a terminal rows end with CR LF: nobody there turns the one into the other when
 * the settings of a terminal were changed by somebody else. */
void paint_end(struct page *p)
{
    if (!page_has_room(p))
        return;
    if (p->term->is_live)
        buf_str(&p->text, "\033[K");
    p->row++;
    p->column = 0;
    /* None behind the last one: it would scroll. */
    if (p->row < p->last)
        buf_str(&p->text, p->term->is_live ? "\r\n" : "\n");
}

/* What is used at all has a mark, what is full fills it, and nothing goes beyond. */
void paint_bar(struct page *p, enum style style, uint64_t used, uint64_t limit,
               int width)
{
    const char *full = p->term->is_utf8 ? "\xe2\x96\x88" : "#";
    const char *rest = p->term->is_utf8 ? "\xe2\x96\x91" : ".";
    int i, n = limit > 0 ? (int)(used * (uint64_t)width / limit) : 0;

    n = n > width ? width : used > 0 && n == 0 ? 1 : n;
    for (i = 0; i < width; i++)
        paint(p, i < n ? style : STYLE_DIM, "%s", i < n ? full : rest);
}

/* Eight heights in a character; in ASCII as many signs as look like growing. */
void paint_height(struct page *p, enum style style, uint64_t value,
                  uint64_t top)
{
    static const char *const fine[] = {" ",
                                       "\xe2\x96\x81",
                                       "\xe2\x96\x82",
                                       "\xe2\x96\x83",
                                       "\xe2\x96\x84",
                                       "\xe2\x96\x85",
                                       "\xe2\x96\x86",
                                       "\xe2\x96\x87",
                                       "\xe2\x96\x88"};
    static const char *const coarse[] = {" ", ".", ".", ":", ":",
                                         "-", "=", "+", "#"};
    uint64_t h = top > 0 ? (value * 8 + top - 1) / top : 0;

    h = h > 8 ? 8 : h;
    paint(p, style, "%s", p->term->is_utf8 ? fine[h] : coarse[h]);
}
