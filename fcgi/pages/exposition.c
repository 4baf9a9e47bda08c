/*
 * exposition.c - how does a number look to Prometheus?
 *
 * One writer for both formats.  OpenMetrics names a counter's family without
 * its _total and ends with a mark; numbers look alike in both, so that a
 * server that asks for the one and then for the other sees the same series.
 */
#include "fcgi/pages/exposition.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

void exposition_begin(struct exposition *p, const char *name, const char *type,
                      const char *help)
{
    bool counter = strcmp(type, "counter") == 0;

    p->family = name;
    p->suffix = counter ? "_total" : "";
    buf_fmt(p->b, "# HELP %s%s %s\n", name, p->open ? "" : p->suffix, help);
    buf_fmt(p->b, "# TYPE %s%s %s\n", name, p->open ? "" : p->suffix, type);
}

static void put_label(struct exposition *p, const char *key, const char *value,
                      const char *comma)
{
    buf_fmt(p->b, "%s%s=\"", comma, key);
    for (; *value != '\0'; value++) {
        if (*value == '\n')
            buf_str(p->b, "\\n");
        else if (*value == '"' || *value == '\\')
            buf_add(p->b, (const char[]){'\\', *value}, 2);
        else
            buf_add(p->b, value, 1);
    }
    buf_str(p->b, "\"");
}

static void put_name(struct exposition *p, const char *suffix,
                     const struct exposition_labels *l, const char *le)
{
    const char *comma = "";

    buf_fmt(p->b, "%s%s", p->family, suffix);
    if (l->key == NULL && le == NULL)
        return;
    buf_str(p->b, "{");
    if (l->key != NULL)
        put_label(p, l->key, l->value, comma), comma = ",";
    if (l->key2 != NULL)
        put_label(p, l->key2, l->value2, comma), comma = ",";
    if (le != NULL)
        put_label(p, "le", le, comma);
    buf_str(p->b, "}");
}

void exposition_count(struct exposition *p, const struct exposition_labels *l,
                      uint64_t value)
{
    put_name(p, p->suffix, l, NULL);
    buf_fmt(p->b, " %" PRIu64 "\n", value);
}

void exposition_real(struct exposition *p, const struct exposition_labels *l,
                     double value)
{
    put_name(p, p->suffix, l, NULL);
    buf_fmt(p->b, " %.3f\n", value);
}

void exposition_histogram(struct exposition *p,
                          const struct exposition_labels *l,
                          const struct tally_histogram *h)
{
    uint64_t n = 0;
    char le[32];
    uint32_t i;

    for (i = 0; i < TALLY_BOUNDS; i++) {
        n += h->n[i];
        snprintf(le, sizeof(le), tally_bounds_ms[i] % 1000 != 0 ? "%g" : "%.1f",
                 tally_bounds_ms[i] / 1000.0);
        put_name(p, "_bucket", l, le);
        buf_fmt(p->b, " %" PRIu64 "\n", n);
    }
    n += h->n[TALLY_BOUNDS];
    put_name(p, "_bucket", l, "+Inf");
    buf_fmt(p->b, " %" PRIu64 "\n", n);
    put_name(p, "_sum", l, NULL);
    buf_fmt(p->b, " %.6f\n", (double)h->sum_us / 1e6);
    put_name(p, "_count", l, NULL);
    buf_fmt(p->b, " %" PRIu64 "\n", n);
}
