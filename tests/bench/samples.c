/* samples.c - what is the median, what is the tail? */
#include "samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int64_t samples_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

void samples_add(struct samples *s, int64_t ns)
{
    if (s->n == s->cap) {
        s->cap = s->cap > 0 ? 2 * s->cap : 1024;
        s->ns = realloc(s->ns, s->cap * sizeof(*s->ns));
        if (s->ns == NULL)
            abort();
    }
    s->ns[s->n++] = ns;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

void samples_sort(struct samples *s)
{
    if (s->n > 0)
        qsort(s->ns, s->n, sizeof(*s->ns), compare);
}

int64_t samples_at(const struct samples *s, unsigned permille)
{
    size_t rank = (s->n * permille + 999) / 1000;

    if (s->n == 0)
        return 0;
    return s->ns[rank > 0 ? rank - 1 : 0];
}

static double at_us(const struct samples *s, unsigned permille)
{
    return (double)samples_at(s, permille) / 1e3;
}

void samples_print(struct samples *s, const char *name)
{
    samples_sort(s);
    printf("\"%s\":{\"n\":%zu,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,"
           "\"max\":%.1f}",
           name, s->n, at_us(s, 500), at_us(s, 900), at_us(s, 990),
           at_us(s, 1000));
}

void samples_free(struct samples *s)
{
    free(s->ns);
    *s = (struct samples){NULL, 0, 0};
}
