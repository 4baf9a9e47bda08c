/* Mirrors fcgi/pages/metrics.c: the text, not the numbers. */
#include "fcgi/pages/metrics.h"

#include <string.h>

#include "lib/buf.h"
#include "state/limiter.h"
#include "state/stats.h"
#include "unit.h"

/* What is written of T, as a string to be given to free(3). */
static char *text_of(const struct limiter_tally *t, bool open)
{
    struct buf b = {NULL, 0, 0, 0};

    metrics_write(&b, t, open);
    buf_add(&b, "", 1);
    return b.data;
}

static struct limiter_tally *some(void)
{
    struct limiter_tally *t = calloc(1, sizeof(*t));

    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    t->n_upstreams = 1;
    strcpy(t->upstreams[0].name, "a\"b\\c\nx");
    strcpy(t->sums.routes[0].name, "chat");
    t->sums.routes[0].codes[0] = (struct tally_code){200, 0, 3};
    t->sums.routes[TALLY_ROUTES].other = 4;
    strcpy(t->sums.providers[0].name, "meta");
    t->sums.providers[0].first_byte.n[1] = 2;
    t->sums.providers[0].first_byte.n[TALLY_BOUNDS] = 1;
    t->sums.providers[0].first_byte.sum_us = 2500000;
    t->sums.providers[TALLY_PROVIDERS].errors[UPSTREAM_RATE] = 5;
    strcpy(t->sums.stand_ins[0].asked, "gpt");
    strcpy(t->sums.stand_ins[0].served, "a\"b/c");
    t->sums.stand_ins[0].n = 6;
    t->sums.stand_ins[TALLY_STAND_INS].n = 7;
    return t;
}

static void labels_are_escaped(void)
{
    struct limiter_tally *t = some();
    char *text = text_of(t, false);

    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "sluice_in_flight{upstream=\"a\\\"b\\\\c\\nx\"} 0\n"));
    free(text);
    free(t);
}

static void why_an_upstream_is_left_alone_is_a_label(void)
{
    struct limiter_tally *t = some();
    char *text;

    strcpy(t->upstreams[0].name, "a");
    t->upstreams[0].held = EJECTED_KEY;
    t->upstreams[0].went = (struct upstream_sends){8, 1, 3, 700, 60, 5, 4};
    text = text_of(t, false);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "sluice_upstream_held{upstream=\"a\",cause=\"key\"} 1\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(
        text, "sluice_upstream_held{upstream=\"a\",cause=\"away\"} 0\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "sluice_unpaid{upstream=\"a\"} 0\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "sluice_upstream_requests_total{upstream=\"a\"} 8\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "sluice_upstream_refused_total{upstream=\"a\"} 3\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "sluice_upstream_tokens_in_total{upstream=\"a\"} 700\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "sluice_upstream_tokens_out_total{upstream=\"a\"} 60\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# TYPE sluice_upstream_tokens_out"));
    free(text);
    t->upstreams[0].held = EJECTED_QUOTA;
    text = text_of(t, false);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "sluice_unpaid{upstream=\"a\"} 1\n"));
    free(text);
    free(t);
}

/* Nothing is told of a limit in tokens that there is not. */
static void a_limit_in_tokens_is_told_where_it_is(void)
{
    struct limiter_tally *t = some();
    char *text = text_of(t, false);

    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "# TYPE sluice_upstream_tokens_limit gauge\n"));
    CU_ASSERT_PTR_NULL(strstr(text, "\nsluice_upstream_tokens_used{"));
    CU_ASSERT_PTR_NULL(strstr(text, "\nsluice_upstream_tokens_reserved{"));
    CU_ASSERT_PTR_NULL(strstr(text, "\nsluice_upstream_tokens_limit{"));
    free(text);
    strcpy(t->upstreams[0].name, "nim");
    t->upstreams[0].tokens_limit = 10000;
    t->upstreams[0].tokens_used = UINT64_C(5000000000);
    t->upstreams[0].tokens_reserved = 7;
    text = text_of(t, false);
    CU_ASSERT_PTR_NOT_NULL(strstr(
        text, "\nsluice_upstream_tokens_limit{upstream=\"nim\"} 10000\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(
        text, "\nsluice_upstream_tokens_used{upstream=\"nim\"} 5000000000\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(
        text, "\nsluice_upstream_tokens_reserved{upstream=\"nim\"} 7\n"));
    free(text);
    free(t);
}

static void a_histogram_is_cumulative(void)
{
    struct limiter_tally *t = some();
    char *text = text_of(t, false);
    static const char *const lines[] = {
        "_bucket{provider=\"meta\",le=\"0.01\"} 0\n",
        "_bucket{provider=\"meta\",le=\"0.05\"} 2\n",
        "_bucket{provider=\"meta\",le=\"1.0\"} 2\n",
        "_bucket{provider=\"meta\",le=\"1200.0\"} 2\n",
        "_bucket{provider=\"meta\",le=\"+Inf\"} 3\n",
        "_sum{provider=\"meta\"} 2.500000\n",
        "_count{provider=\"meta\"} 3\n",
    };
    char line[128];
    size_t i;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        snprintf(line, sizeof(line), "\nsluice_upstream_latency_seconds%s",
                 lines[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
    }
    free(text);
    free(t);
}

static void what_has_no_row_is_other(void)
{
    struct limiter_tally *t = some();
    char *text = text_of(t, false);

    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "sluice_requests_total{route=\"chat\",code=\"200\"} 3\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(
        text, "sluice_requests_total{route=\"other\",code=\"other\"} 4\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "sluice_upstream_errors_total{provider=\"other\","
                     "kind=\"rate\"} 5\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "sluice_upstream_errors_total{provider=\"meta\","
                     "kind=\"rate\"} 0\n"));
    CU_ASSERT_PTR_NULL(strstr(text, "provider=\"\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "sluice_fallbacks_total{asked=\"gpt\","
                                        "served=\"a\\\"b/c\"} 6\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text,
                                  "sluice_fallbacks_total{asked=\"other\","
                                  "served=\"other\"} 7\n"));
    CU_ASSERT_PTR_NULL(strstr(text, "asked=\"\""));
    free(text);
    free(t);
}

static void counters_are_named_as_the_format_wants(void)
{
    struct limiter_tally *t = some();
    char *text = text_of(t, false), *open = text_of(t, true);
    size_t n = strlen(open);

    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "# TYPE sluice_requests_total counter\n"));
    CU_ASSERT_PTR_NULL(strstr(text, "# EOF"));
    CU_ASSERT_PTR_NOT_NULL(strstr(open, "# TYPE sluice_requests counter\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(open, "\nsluice_requests_total{"));
    CU_ASSERT_STRING_EQUAL(open + n - 6, "# EOF\n");
    free(text);
    free(open);
    free(t);
}

CU_ErrorCode test_metrics_add(void)
{
    static const struct unit_test tests[] = {
        {"labels are escaped", labels_are_escaped},
        {"a limit in tokens is told where it is",
         a_limit_in_tokens_is_told_where_it_is},
        {"a histogram is cumulative", a_histogram_is_cumulative},
        {"why an upstream is left alone is a label",
         why_an_upstream_is_left_alone_is_a_label},
        {"what has no row is other", what_has_no_row_is_other},
        {"counters are named as the format wants",
         counters_are_named_as_the_format_wants},
        {NULL, NULL},
    };

    return unit_add("metrics", tests);
}
