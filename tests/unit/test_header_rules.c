/* Mirrors fcgi/config/header_rules.c: what may pass, and what settings may say. */
#include "fcgi/config/header_rules.h"

#include "lib/base.h"
#include "unit.h"

static void what_must_never_pass_does_not(void)
{
    static const char *const passes[] = {
        "anthropic-version", "openai-beta", "x-title",   "http-referer",
        "traceparent",       "range",       "accept",    "x-forwarded",
        "security",          "hosts",       "x-api-keys"};
    static const char *const never[] = {
        "cookie",          "origin",     "referer",
        "x-forwarded-for", "x-sluice-a", "x-sluice-client",
        "authorization",   "x-api-key",  "api-key",
        "connection",      "upgrade",    "proxy-connection",
        "sec-fetch-site",  "host",       "transfer-encoding"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(passes); i++)
        CU_ASSERT_TRUE(header_may_pass(passes[i]));
    for (i = 0; i < ARRAY_LEN(never); i++)
        CU_ASSERT_FALSE(header_may_pass(never[i]));
}

static void a_pattern_is_a_name_or_its_beginning(void)
{
    static const char *const sound[] = {"X-A", "anthropic-*", "x_a", "x-t*"};
    static const char *const faulty[] = {
        "",          "*",       "x*y",           "a b",
        "x:",        "Cookie",  "cook*",         "x-*",
        "x-f*",      "se*",     "Host",          "x-sluice-client",
        "X-API-Key", "api-key", "Authorization", "x-forwarded-*",
        "proxy-a"};
    size_t i;

    CU_ASSERT_TRUE(header_fits("Anthropic-*", "anthropic-beta"));
    CU_ASSERT_TRUE(header_fits("X-Title", "x-title"));
    CU_ASSERT_FALSE(header_fits("X-Title", "x-titles"));
    CU_ASSERT_FALSE(header_fits("anthropic-*", "anthropic"));
    for (i = 0; i < ARRAY_LEN(sound); i++)
        CU_ASSERT_PTR_NULL(header_pattern_fault(sound[i]));
    for (i = 0; i < ARRAY_LEN(faulty); i++)
        CU_ASSERT_PTR_NOT_NULL(header_pattern_fault(faulty[i]));
}

static void a_line_is_a_name_and_a_value(void)
{
    static const char *const sound[] = {"X-A: b", "x:y", "User-Agent: a/1 (b)"};
    static const char *const faulty[] = {
        "",           "x",
        ": b",        "x:",
        "x:  ",       "a b: c",
        "Host: a",    "Cookie: a",
        "api-key: k", "authorization: Bearer k"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(sound); i++)
        CU_ASSERT_PTR_NULL(header_line_fault(sound[i]));
    for (i = 0; i < ARRAY_LEN(faulty); i++)
        CU_ASSERT_PTR_NOT_NULL(header_line_fault(faulty[i]));
}

static const struct unit_test tests[] = {
    {"what must never pass does not", what_must_never_pass_does_not},
    {"a pattern is a name or its beginning",
     a_pattern_is_a_name_or_its_beginning},
    {"a line is a name and a value", a_line_is_a_name_and_a_value},
    {NULL, NULL},
};

CU_ErrorCode test_header_rules_add(void)
{
    return unit_add("header rules", tests);
}
