/* Mirrors fcgi/fingerprint.c. */
#include "fcgi/fingerprint.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unit.h"

static uint64_t of(const char *client, const char *body)
{
    return fingerprint_of(5, client, body, strlen(body));
}

static void the_same_client_and_body_give_the_same_number(void)
{
    char copy[] = "{\"model\":\"m\"}";

    CU_ASSERT_EQUAL(of("a", "{\"model\":\"m\"}"), of("a", copy));
    CU_ASSERT_EQUAL(fingerprint_of(5, "a", NULL, 0), of("a", ""));
}

static void anything_else_gives_another(void)
{
    static const char zeros[32];
    uint64_t all[64];
    size_t i, k, n = 0;

    all[n++] = of("a", "body");
    all[n++] = of("b", "body");
    all[n++] = of("a", "bcd");
    all[n++] = of("ab", "cd");
    all[n++] = of("", "abcd");
    all[n++] = of("a", "bodz");
    all[n++] = of("a", "body ");
    all[n++] = fingerprint_of(6, "a", "body", 4);
    for (i = 0; i < 32; i++) /* zeros are bytes too */
        all[n++] = fingerprint_of(5, "a", zeros, i);
    for (i = 0; i < n; i++)
        for (k = 0; k < i; k++)
            CU_ASSERT_NOT_EQUAL(all[i], all[k]);
}

static void every_bit_of_a_body_counts(void)
{
    char body[200];
    uint64_t plain, seen = 0;
    size_t i;

    memset(body, 'x', sizeof(body));
    plain = fingerprint_of(5, "a", body, sizeof(body));
    for (i = 0; i < 8 * sizeof(body); i++) {
        uint64_t other;

        body[i / 8] ^= (char)(1 << i % 8);
        other = fingerprint_of(5, "a", body, sizeof(body));
        CU_ASSERT_NOT_EQUAL(other, plain);
        seen |= other ^ plain;
        body[i / 8] ^= (char)(1 << i % 8);
    }
    CU_ASSERT_EQUAL(seen, UINT64_MAX);
}

static void of_a_huge_body_both_ends_and_the_length_count(void)
{
    size_t len = 3 * FINGERPRINT_BYTES;
    char *body = calloc(1, len);
    uint64_t plain;

    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    plain = fingerprint_of(5, "a", body, len);
    CU_ASSERT_NOT_EQUAL(plain, fingerprint_of(5, "a", body, len - 1));
    body[0] = 1;
    CU_ASSERT_NOT_EQUAL(plain, fingerprint_of(5, "a", body, len));
    body[0] = 0;
    body[len - 1] = 1;
    CU_ASSERT_NOT_EQUAL(plain, fingerprint_of(5, "a", body, len));
    body[len - 1] = 0;
    body[FINGERPRINT_BYTES] = 1;
    CU_ASSERT_EQUAL(plain, fingerprint_of(5, "a", body, len));
    free(body);
}

/* Well below a tenth of a millisecond; the bound is for sanitizers and a busy
 * machine, the best of some tries counts. */
static void it_is_quick(void)
{
    size_t len = 200000;
    char *body = calloc(1, len);
    double best = 1;
    int i;

    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    for (i = 0; i < 20; i++) {
        struct timespec a, b;
        double s;

        clock_gettime(CLOCK_MONOTONIC, &a);
        body[0] = (char)(fingerprint_of(5, "a", body, len) & 1);
        clock_gettime(CLOCK_MONOTONIC, &b);
        s = (double)(b.tv_sec - a.tv_sec) +
            (double)(b.tv_nsec - a.tv_nsec) / 1e9;
        best = s < best ? s : best;
    }
    CU_ASSERT_TRUE(best < 0.002);
    free(body);
}

static const struct unit_test tests[] = {
    {"the same client and body give the same number",
     the_same_client_and_body_give_the_same_number},
    {"anything else gives another", anything_else_gives_another},
    {"every bit of a body counts", every_bit_of_a_body_counts},
    {"of a huge body both ends and the length count",
     of_a_huge_body_both_ends_and_the_length_count},
    {"it is quick", it_is_quick},
    {NULL, NULL},
};

CU_ErrorCode test_fingerprint_add(void)
{
    return unit_add("fingerprint", tests);
}
