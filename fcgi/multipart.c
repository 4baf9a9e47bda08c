/*
 * multipart.c - what does a form with files say in its fields?
 *
 * Each part stands behind a line with the boundary, which is chosen so that no
 * line of a file is one.  What is no form is none of our business.
 */
#include "fcgi/multipart.h"

#include <string.h>
#include <strings.h>

#include "lib/base.h"

#define BOUNDARY_MAX 70   /* RFC 2046, 5.1.1 */
#define FIELDS_MAX   1000 /* parts that are looked at */
#define HEAD_MAX     4096 /* bytes of one's head */

/* "\r\n--" and the boundary; its length, 0: TYPE names none. */
static size_t delimiter(char *out, const char *type)
{
    static const char dashes[] = {'\r', '\n', '-', '-'};
    const char *at;
    size_t n;

    if (strncasecmp(type, "multipart/form-data", 19) != 0)
        return 0;
    at = strcasestr(type, "boundary=");
    if (at == NULL)
        return 0;
    at += strlen("boundary=");
    n = *at == '"' ? strcspn(++at, "\"") : strcspn(at, "; \t");
    if (n == 0 || n > BOUNDARY_MAX)
        return 0;
    memcpy(out, dashes, sizeof(dashes));
    memcpy(out + sizeof(dashes), at, n);
    return n + sizeof(dashes);
}

/* The parameter NAME of a head's Content-Disposition; its length, 0: none. */
static size_t parameter(const char *head, size_t len, const char *name,
                        const char **value)
{
    size_t n = strlen(name), i, end;

    for (i = 0; i + n + 2 < len; i++) {
        if (strncasecmp(head + i, name, n) != 0 || head[i + n] != '=' ||
            (i > 0 && strchr("; \t", head[i - 1]) == NULL))
            continue;
        i += n + 1;
        i += head[i] == '"';
        for (end = i; end < len && strchr("\";\r\n", head[end]) == NULL;)
            end++;
        *value = head + i;
        return end - i;
    }
    return 0;
}

/* Is a part with HEAD the field NAME? */
static bool is_field(const char *head, size_t len, const char *name)
{
    const char *value = NULL;
    size_t n = parameter(head, len, "name", &value);

    return value != NULL && n == strlen(name) && memcmp(value, name, n) == 0 &&
           parameter(head, len, "filename", &value) == 0;
}

/* The line is over with CRLF, maybe behind white space (RFC 2046, 5.1.1). */
static const char *line_end(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return end - p >= 2 && memcmp(p, "\r\n", 2) == 0 ? p : NULL;
}

/* Where the next boundary stands: a line that only begins so is the file's. */
static const char *next_mark(const char *from, const char *end,
                             const char *mark, size_t n)
{
    const char *at = from, *p;

    while ((at = memmem(at, (size_t)(end - at), mark, n)) != NULL) {
        p = at + n;
        if (line_end(p, end) != NULL ||
            (end - p >= 2 && memcmp(p, "--", 2) == 0))
            return at;
        at++;
    }
    return NULL;
}

bool multipart_field(const char *type, const char *body, size_t len,
                     const char *name, const char **value, size_t *value_len)
{
    char mark[BOUNDARY_MAX + 4];
    size_t n = delimiter(mark, type);
    const char *end = body + len, *p = body, *head, *text, *next;
    int parts;

    /* The first one has no line before it. */
    if (n == 0 || len < n || memcmp(body, mark + 2, n - 2) != 0)
        return false;
    p += n - 2;
    for (parts = 0; parts < FIELDS_MAX; parts++) {
        head = line_end(p, end);
        if (head == NULL) /* "--": it was the last one */
            return false;
        text =
            memmem(head, (size_t)min_i64(end - head, HEAD_MAX), "\r\n\r\n", 4);
        next = text != NULL ? next_mark(text + 2, end, mark, n) : NULL;
        if (next == NULL)
            return false;
        text += 4;
        if (next >= text && is_field(head, (size_t)(text - head), name)) {
            *value = text;
            *value_len = (size_t)(next - text);
            return true;
        }
        p = next + n;
    }
    return false;
}
