/*
 * Which fields does a mapped struct have?  A list of them, of which the
 * compiler knows that it is whole.
 *
 *   #define LAY_CODE(N, A, T, S) N(S, status) N(S, pad) N(S, n)
 *   FACTS(lay_code, LAY_CODE)
 *
 * N is a number, A an array of numbers, T(S, field, name) a `struct name` or an
 * array of such, which has a list of its own.  A field that is not in the
 * list, or a gap between two, does not compile.  The hash of all lists is in
 * the head of the file: builds of different layouts never share one.
 */
#ifndef SLUICE_FACTS_H
#define SLUICE_FACTS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct fact {
    const char *name;
    size_t at, size; /* of the field, and of an element of it */
    size_t each;
    const struct facts *in; /* what is in each; NULL: a number */
};

struct facts {
    const char *name;
    const struct fact *list;
    size_t n;
};

#define FACT_SIZE(s, field) sizeof(((struct s *)0)->field)

#define FACTS_SUM_N(s, field)    +FACT_SIZE(s, field)
#define FACTS_SUM_A(s, field)    +FACT_SIZE(s, field)
#define FACTS_SUM_T(s, field, t) +FACT_SIZE(s, field)

/* Numbers have 8 bytes at most; structs are multiples of what they are said to
 * be. */
#define FACTS_FIT_N(s, field)    &&FACT_SIZE(s, field) <= 8
#define FACTS_FIT_A(s, field)    &&FACT_SIZE(s, field[0]) <= 8
#define FACTS_FIT_T(s, field, t) &&FACT_SIZE(s, field) % sizeof(struct t) == 0

#define FACTS_ROW_N(s, field)                                                  \
    {#field, offsetof(struct s, field), FACT_SIZE(s, field),                   \
     FACT_SIZE(s, field), NULL},
#define FACTS_ROW_A(s, field)                                                  \
    {#field, offsetof(struct s, field), FACT_SIZE(s, field),                   \
     FACT_SIZE(s, field[0]), NULL},
#define FACTS_ROW_T(s, field, t)                                               \
    {#field, offsetof(struct s, field), FACT_SIZE(s, field), sizeof(struct t), \
     &t##_facts},

#define FACTS(s, LIST)                                                         \
    FACTS_OF(s, LIST(FACTS_SUM_N, FACTS_SUM_A, FACTS_SUM_T, s),                \
             LIST(FACTS_FIT_N, FACTS_FIT_A, FACTS_FIT_T, s),                   \
             LIST(FACTS_ROW_N, FACTS_ROW_A, FACTS_ROW_T, s))

/* ROWS, with the commas in them, are all that comes after FIT. */
#define FACTS_OF(s, SUM, FIT, ...)                                             \
    static_assert(0 SUM == sizeof(struct s),                                   \
                  #s ": a field is not in the list, or there is a gap");       \
    static_assert(1 FIT, #s ": a field is of another kind");                   \
    static const struct fact s##_list[] = {__VA_ARGS__};                       \
    static const struct facts s##_facts = {                                    \
        #s, s##_list, sizeof(s##_list) / sizeof(s##_list[0])};

/* Of all there is in F. */
uint32_t facts_hash(const struct facts *f);

#endif
