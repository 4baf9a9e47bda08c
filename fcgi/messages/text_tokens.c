/*
 * text_tokens.c - how many tokens might a text be?
 *
 * A text is a row of runs, as tokenizers part it before they look anything up: a
 * word, with the blank before it, a number, marks, white space.  What each costs
 * was fitted to what today's tokenizers make of prose, code and JSON in several
 * scripts (README.md): a short word is a bit less than a token, its letters from
 * the seventh on cost two fifths each, those with accents more than one, those of
 * another script (Greek, Cyrillic) less than a third; of Chinese and Kana four
 * make three.
 *
 * Most of any text is ASCII, and is taken sixty-four bytes at once: a bit for
 * each says of which kind it is, and what runs cost is counted in those.  Such a
 * block begins with a run and ends before its last, so that none is cut.
 */
#include "fcgi/messages/text_tokens.h"

#include "lib/base.h"
#include "lib/eight.h"
#include "lib/utf8.h"

/* In thousandths of a token. */
#define WORD_M     850
#define LETTER_M   400 /* each behind the sixth */
#define FAR_M      1400
#define SCRIPT_M   290
#define DIGITS_M   1900 /* three of them */
#define MARKS_M    920
#define MARK_M     100 /* each behind the first */
#define BLANKS_M   1150
#define WIDE_M     750
#define RARE_M     2000
#define SHORT_WORD 6

enum run_kind {
    RUN_NONE = 0,
    RUN_WORD,
    RUN_NUMBER,
    RUN_MARKS,
    RUN_BLANKS, /* and whatever else is not seen, */
    RUN_LINES,  /* but for the ends of lines */
    RUN_WIDE,   /* of three bytes: Chinese, Kana, Hangul, Thai */
    RUN_RARE,   /* of four: emoji */
};

/* ---- a character at a time -------------------------------------------------- */

/* Of the character at P, which has LEN bytes. */
static int kind_of(const unsigned char *p, size_t len)
{
    unsigned char small = *p | 0x20;

    if (len > 2)
        return len == 4 ? RUN_RARE : RUN_WIDE;
    if (len == 2 || (small >= 'a' && small <= 'z'))
        return RUN_WORD;
    if (*p >= '0' && *p <= '9')
        return RUN_NUMBER;
    if (*p == '\n')
        return RUN_LINES;
    return *p <= ' ' ? RUN_BLANKS : RUN_MARKS;
}

static int64_t word_m(const struct text_tokens *t)
{
    if (t->far * 2 > t->n) /* another script */
        return t->far * SCRIPT_M;
    return WORD_M + max_i64(t->n - SHORT_WORD, 0) * LETTER_M + t->far * FAR_M;
}

/* The run that goes on. */
static int64_t run_m(const struct text_tokens *t)
{
    switch ((enum run_kind)t->kind) {
    case RUN_WORD:
        return word_m(t);
    case RUN_NUMBER:
        return (t->n + 2) / 3 * DIGITS_M;
    case RUN_MARKS:
        return MARKS_M + (t->n - 1) * MARK_M;
    case RUN_BLANKS:
        return t->n > 1 ? BLANKS_M : 0; /* one belongs to what follows */
    case RUN_WIDE:
        return t->n * WIDE_M;
    case RUN_RARE:
        return t->n * RARE_M;
    case RUN_LINES: /* mostly a part of what is before or behind them */
    case RUN_NONE:
        break;
    }
    return 0;
}

/* ---- a block at a time ------------------------------------------------------ */

/* Which bytes are of that kind: the first is the lowest bit. */
struct block {
    const unsigned char *p;
    unsigned len;
    uint64_t letters, digits, white, marks;
};

/* As much of what lies from P to END as is ASCII, in steps of eight bytes. */
static void look(struct block *b, const unsigned char *p,
                 const unsigned char *end)
{
    unsigned at, most = end - p < 64 ? (unsigned)(end - p) & ~7u : 64;

    *b = (struct block){.p = p};
    for (at = 0; at < most; at += 8) {
        uint64_t is = eight_at(p + at), small = is | EIGHT(0x20);

        if ((is & EIGHT_HIGH) != 0)
            break;
        b->letters |=
            eight_bits(eight_from(small, 'a') & ~eight_from(small, 'z' + 1))
            << at;
        b->digits |= eight_bits(eight_from(is, '0') & ~eight_from(is, '9' + 1))
                     << at;
        b->white |= eight_bits(~eight_from(is, ' ' + 1)) << at;
    }
    b->len = at;
    b->marks = ~(b->letters | b->digits | b->white);
}

static uint64_t lines_of(const struct block *b)
{
    uint64_t lines = 0;
    unsigned at;

    for (at = 0; at < b->len; at += 8)
        lines |= eight_bits(eight_is(eight_at(b->p + at), '\n')) << at;
    return lines;
}

/* Where runs of these begin. */
static uint64_t starts(uint64_t bits)
{
    return bits & ~(bits << 1);
}

static int64_t count(uint64_t bits)
{
    bits -= bits >> 1 & EIGHT(0x55);
    bits = (bits & EIGHT(0x33)) + (bits >> 2 & EIGHT(0x33));
    bits = (bits + (bits >> 4)) & EIGHT(0x0f);
    return (int64_t)(bits * EIGHT(1) >> 56);
}

/* Where the last run begins, which may go on behind the block. */
static unsigned last_run(const struct block *b)
{
    uint64_t all = b->len < 64 ? (UINT64_C(1) << b->len) - 1 : UINT64_MAX;
    uint64_t begin = (starts(b->letters) | starts(b->digits) |
                      starts(b->white) | starts(b->marks)) &
                     all;

    return begin != 0 ? 63 - (unsigned)__builtin_clzll(begin) : 0;
}

/* What run_m() has for blanks and lines, of which there are many only in code;
 * ONE: as below. */
static int64_t white_m(const struct block *b, uint64_t one)
{
    uint64_t blanks = b->white;

    if ((blanks & blanks << 1 & one) == 0)
        return 0;
    blanks &= ~lines_of(b);
    return count(starts(blanks & blanks << 1) & one) * BLANKS_M;
}

/* What it has for numbers: each third digit counts. */
static int64_t digits_m(const struct block *b, uint64_t one)
{
    uint64_t two = b->digits & b->digits << 1, four = two & two << 2, third;
    int64_t sum = 0;

    for (third = starts(b->digits) & one; third != 0;
         third = third << 3 & four & one)
        sum += count(third) * DIGITS_M;
    return sum;
}

/* What it has for all runs whose bytes are in ONE. */
static int64_t block_m(const struct block *b, uint64_t one)
{
    uint64_t two = b->letters & b->letters << 1, four = two & two << 2;

    return count(starts(b->letters) & one) * WORD_M +
           count(four & four << 3 & one) * LETTER_M +
           count(starts(b->marks) & one) * (MARKS_M - MARK_M) +
           count(b->marks & one) * MARK_M + white_m(b, one) + digits_m(b, one);
}

/* What can be taken so of what lies from P, where a run begins, to END. */
static const unsigned char *take_blocks(struct text_tokens *t,
                                        const unsigned char *p,
                                        const unsigned char *end)
{
    struct block b;
    unsigned n;

    for (;; p += n) {
        look(&b, p, end);
        n = last_run(&b);
        if (n == 0)
            return p;
        t->before_m += block_m(&b, (UINT64_C(1) << n) - 1);
    }
}

/* ---- all of it -------------------------------------------------------------- */

/* Of the character at P; 0: it is none. */
static size_t length_of(const unsigned char *p, const unsigned char *end)
{
    return *p < 0x80 ? 1 : utf8_len(p, end);
}

/* More of the run that goes on. */
static const unsigned char *take_run(struct text_tokens *t,
                                     const unsigned char *p,
                                     const unsigned char *end)
{
    size_t n;

    while (p < end) {
        n = length_of(p, end);
        if (kind_of(p, n) != t->kind)
            break;
        t->n++;
        t->far += n == 2;
        p += n > 0 ? n : 1;
    }
    return p;
}

void text_tokens_add(struct text_tokens *t, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;

    for (p = take_run(t, p, end); p < end; p = take_run(t, p, end)) {
        *t = (struct text_tokens){text_tokens_m(t), RUN_NONE, 0, 0};
        p = take_blocks(t, p, end);
        t->kind = kind_of(p, length_of(p, end));
    }
}

int64_t text_tokens_m(const struct text_tokens *t)
{
    return t->before_m + run_m(t);
}
