/* Mirrors lib/find.c.  The oracles are the C library's, byte by byte. */
#include "lib/find.h"

#include <stdlib.h>

#include "dice.h"
#include "unit.h"

static const char *either(const char *p, const char *end, char a, char b)
{
    while (p < end && *p != a && *p != b)
        p++;
    return p;
}

/* Few letters, so that most of a text looks like what is looked for. */
static void fill(char *text, size_t len)
{
    static const char letters[] = "ab\"\\\n\xe9";
    size_t n = 2 + dice_to(sizeof(letters) - 2);

    while (len-- > 0)
        *text++ = letters[dice_to(n)];
}

/* Of exactly their size: the sanitizer sees a byte too far. */
static void it_is_where_it_is_said_to_be(void)
{
    int i;

    dice_seed(1);
    for (i = 0; i < 200000; i++) {
        size_t len = dice_to(90), n = 1 + dice_to(6);
        char *text = malloc(len > 0 ? len : 1), what[6];
        const char *end;

        if (text == NULL)
            abort();
        end = text + len;
        fill(text, len);
        fill(what, sizeof(what));
        CU_ASSERT_PTR_EQUAL(find_either(text, end, what[0], what[1]),
                            either(text, end, what[0], what[1]));
        CU_ASSERT_PTR_EQUAL(find_text(text, end, what, n),
                            memmem(text, len, what, n));
        free(text);
    }
}

/* At each distance from both ends, across the blocks. */
static void it_may_stand_anywhere(void)
{
    static const char key[] = "\"usage\"";
    char text[100];
    const char *end = text + sizeof(text);
    size_t at, i;

    for (at = 0; at + 7 <= sizeof(text); at++) {
        memset(text, '"', sizeof(text)); /* its first and last byte */
        for (i = 0; i < 7; i++)
            text[at + i] = key[i];
        CU_ASSERT_PTR_EQUAL(find_text(text, end, key, 7), text + at);
        CU_ASSERT_PTR_EQUAL(find_text(text, text + at + 6, key, 7), NULL);
        CU_ASSERT_PTR_EQUAL(find_either(text, end, 'u', 's'), text + at + 1);
        CU_ASSERT_PTR_EQUAL(find_either(text, text + at + 1, 'u', 's'),
                            text + at + 1);
    }
}

static const struct unit_test tests[] = {
    {"it is where it is said to be", it_is_where_it_is_said_to_be},
    {"it may stand anywhere", it_may_stand_anywhere},
    {NULL, NULL},
};

CU_ErrorCode test_find_add(void)
{
    return unit_add("find", tests);
}
