/* Mirrors fcgi/upstream/sniff.c. */
#include "fcgi/upstream/sniff.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static const struct row {
    const char *text;
    enum sniffed kind; /* of all of it; of less the same, or not known */
} rows[] = {
    {"", SNIFF_UNKNOWN},
    {"\n\r\n \t", SNIFF_UNKNOWN},
    {"\xef\xbb", SNIFF_UNKNOWN},
    {"dat", SNIFF_UNKNOWN},
    {"\x28\xb5\x2f", SNIFF_UNKNOWN},
    {"data: {}\n\n", SNIFF_EVENTS},
    {"data:{}", SNIFF_EVENTS},
    {"\n\ndata:", SNIFF_EVENTS},
    {"\xef\xbb\xbf"
     "data: a",
     SNIFF_EVENTS},
    {"\xef\xbb\xbf\r\n{", SNIFF_JSON},
    {"event: error\n", SNIFF_EVENTS},
    {"id: 1\n", SNIFF_EVENTS},
    {"retry: 1\n", SNIFF_EVENTS},
    {": comment", SNIFF_EVENTS},
    {"{\"a\":1}", SNIFF_JSON},
    {" \n[1]", SNIFF_JSON},
    {"\x1f\x8b\x08", SNIFF_CODED},
    {"\x28\xb5\x2f\xfd", SNIFF_CODED},
    {"(c) somebody", SNIFF_OTHER},
    {"404 page not found", SNIFF_OTHER},
    {"<html>", SNIFF_OTHER},
    {"date: today", SNIFF_OTHER},
    {"data\n", SNIFF_OTHER},
    {"\xff\xfb\x90", SNIFF_OTHER},
    {"\xef\xbf\xbd", SNIFF_OTHER},
};

static void first_bytes_tell(void)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum sniffed kind = sniff(rows[i].text, strlen(rows[i].text));

        if (kind != rows[i].kind)
            printf("\n    %d: %s\n", (int)kind, rows[i].text);
        CU_ASSERT_EQUAL(kind, rows[i].kind);
    }
}

/* Who decides early must not decide otherwise with the next byte. */
static void too_few_bytes_tell_nothing_wrong(void)
{
    size_t i, n;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (n = 0; n < strlen(rows[i].text); n++) {
            enum sniffed kind = sniff(rows[i].text, n);

            CU_ASSERT_TRUE(kind == SNIFF_UNKNOWN || kind == rows[i].kind);
        }
}

static void zero_bytes_are_nothing_special(void)
{
    CU_ASSERT_EQUAL(sniff("\0\0\0\0", 4), SNIFF_OTHER);
    CU_ASSERT_EQUAL(sniff("{\0", 2), SNIFF_JSON);
}

static void a_coding_has_its_name(void)
{
    CU_ASSERT_STRING_EQUAL(sniff_coding("\x1f\x8b\x08", 3), "gzip");
    CU_ASSERT_STRING_EQUAL(sniff_coding("\x28\xb5\x2f\xfd", 4), "zstd");
    CU_ASSERT_PTR_NULL(sniff_coding("\x1f", 1));
    CU_ASSERT_PTR_NULL(sniff_coding("{}", 2));
    CU_ASSERT_PTR_NULL(sniff_coding("", 0));
}

static const struct unit_test tests[] = {
    {"the first bytes tell what a body is", first_bytes_tell},
    {"too few of them tell nothing wrong", too_few_bytes_tell_nothing_wrong},
    {"zero bytes are nothing special", zero_bytes_are_nothing_special},
    {"a content coding has its name", a_coding_has_its_name},
    {NULL, NULL},
};

CU_ErrorCode test_sniff_add(void)
{
    return unit_add("sniff", tests);
}
