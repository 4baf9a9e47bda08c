/*
 * route.c - which row answers this?
 *
 * A table is read from the top; the first row whose path and method fit
 * decides.  Where only paths fit, the last one's methods are what the path
 * takes: it names them all.
 */
#include "fcgi/route.h"

#include <string.h>

static bool path_fits(const char *pattern, const char *path)
{
    size_t n = strlen(pattern);

    if (pattern[n - 1] != '*')
        return strcmp(pattern, path) == 0;
    return strncmp(pattern, path, n - 1) == 0 && path[n - 1] != '\0';
}

static bool method_fits(const char *methods, const char *method)
{
    size_t n = strlen(method);
    const char *p = methods;

    while (n > 0 && strpbrk(method, ", ") == NULL &&
           (p = strstr(p, method)) != NULL) {
        if ((p == methods || p[-1] == ' ') && (p[n] == '\0' || p[n] == ','))
            return true;
        p += n;
    }
    return false;
}

const struct route *route_find(const struct routes *table, const char *method,
                               const char *path, const char **allow)
{
    const struct route *row = table->rows, *end = row + table->n;

    *allow = NULL;
    for (; row < end; row++) {
        if (!path_fits(row->path, path))
            continue;
        if (method_fits(row->methods, method))
            return row;
        *allow = row->methods;
    }
    return NULL;
}
