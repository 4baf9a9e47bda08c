/* Mirrors fcgi/upstream/redact.c. */
#include "fcgi/upstream/redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define KEY "nvapi-Ab-9/cdEfGhIjKlMn"

static char out[256];

/* TEXT without KEY and what else is in S; a copy of exact size, so that ASan
 * sees a byte too many. */
static const char *without(const struct secrets *s, const char *text)
{
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);

    memcpy(copy, text, len);
    (void)redact(s, copy, len);
    snprintf(out, sizeof(out), "%.*s", (int)len, copy);
    free(copy);
    return out;
}

static struct secrets one(const char *text)
{
    struct secrets s = {.n = 0};

    secrets_add(&s, text, 1);
    return s;
}

static void is(const char *text, const char *want)
{
    struct secrets s = one(KEY);

    CU_ASSERT_STRING_EQUAL(without(&s, text), want);
    CU_ASSERT_EQUAL(redact_finds(&s, text, strlen(text)),
                    strcmp(text, want) != 0);
}

static void a_key_is_blanked_wherever_it_stands(void)
{
    is(KEY, "***********************");
    is("key " KEY ".", "key ***********************.");
    is(KEY KEY, "**********************************************");
    is("nvapi-nvapi-" KEY "x", "nvapi-nvapi-***********************x");
    is("no key here", "no key here");
    is("", "");
}

static void a_long_beginning_is_enough(void)
{
    is("nvapi-Ab-9/c...", "************...");
    is("nvapi-Ab-9/", "nvapi-Ab-9/");
    is("nvapi-Ab-9/cdEfX", "***************X");
    is("nvapi-ab-9/cdEf", "nvapi-ab-9/cdEf"); /* another key */
}

static void escapes_do_not_hide_it(void)
{
    is("\"nvapi-Ab-9\\/cdEfGhIjKlMn\"", "\"************************\"");
    is("nvapi\\u002dAb\\u002D9/cdEfGhIjKlMn",
       "*********************************");
    is("\\u006evapi-Ab-9/cdEfGhIjKlMn", "****************************");
    is("nvapi\\\\u002dAb-9\\\\/cdEfGhIjKlMn",
       "*******************************");
    is("nvapi%2DAb-9%2fcdEfGhIjKlMn", "***************************");
    is("nvapi&#45;Ab-9&#x2F;cdEfGhIjKlMn", "********************************");
    is("nvapi%2", "nvapi%2");
    is("nvapi\\u00", "nvapi\\u00");
    is("nvapi&#4", "nvapi&#4");
    is("nvapi\\", "nvapi\\");
}

static void a_key_may_hold_what_begins_an_escape(void)
{
    struct secrets s = one("a%2D&#45;\\u002dz");

    CU_ASSERT_STRING_EQUAL(without(&s, "<a%2D&#45;\\u002dz>"),
                           "<****************>"); /* as it is */
    CU_ASSERT_STRING_EQUAL(without(&s, "<a%252D&#45;\\u002dz>"),
                           "<******************>");
    CU_ASSERT_STRING_EQUAL(without(&s, "<a---z>"), "<a---z>");
    s = one("100%&50\\\"x");
    CU_ASSERT_STRING_EQUAL(without(&s, "<100%&50\\\"x>"), "<**********>");
    CU_ASSERT_STRING_EQUAL(without(&s, "<100%&50\\\\\\\"x>"), "<************>");
}

static void the_longest_of_several_is_blanked(void)
{
    struct secrets s = {.n = 0};

    secrets_add(&s, "secret", 4);
    secrets_add(&s, "secret-and-more", 4);
    secrets_add(&s, "abc", 4); /* too short */
    secrets_add(&s, NULL, 4);
    CU_ASSERT_EQUAL(s.n, 2);
    CU_ASSERT_STRING_EQUAL(without(&s, "secret secret-and-more abc"),
                           "****** *************** abc");
}

static void without_secrets_nothing_changes(void)
{
    struct secrets s = {.n = 0};

    CU_ASSERT_STRING_EQUAL(without(&s, "\\%&"), "\\%&");
    CU_ASSERT_FALSE(redact_finds(&s, "\\%&", 3));
}

static void zeros_and_any_bytes_are_texts_too(void)
{
    struct secrets s = one(KEY);
    char text[64] = "\0\xff\\";

    memcpy(text + 3, KEY, strlen(KEY));
    CU_ASSERT_TRUE(redact(&s, text, sizeof(text)));
    CU_ASSERT_PTR_NULL(memmem(text, sizeof(text), "nvapi", 5));
    CU_ASSERT_EQUAL(text[63], '\0');
}

static const struct unit_test tests[] = {
    {"a key is blanked wherever it stands",
     a_key_is_blanked_wherever_it_stands},
    {"a long beginning is enough", a_long_beginning_is_enough},
    {"escapes do not hide it", escapes_do_not_hide_it},
    {"a key may hold what begins an escape",
     a_key_may_hold_what_begins_an_escape},
    {"the longest of several is blanked", the_longest_of_several_is_blanked},
    {"without secrets nothing changes", without_secrets_nothing_changes},
    {"zeros and any bytes are texts, too", zeros_and_any_bytes_are_texts_too},
    {NULL, NULL},
};

CU_ErrorCode test_redact_add(void)
{
    return unit_add("redact", tests);
}
