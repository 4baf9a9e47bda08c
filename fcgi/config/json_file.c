/*
 * json_file.c - what stands in a file, if it is taken strictly?
 *
 * json-c is lenient where a typing error in a configuration must not be: it
 * keeps the last of two equal keys and takes single quotes.
 */
#include "fcgi/config/json_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "fcgi/config/setting_text.h"
#include "fcgi/config/settings.h"
#include "lib/buf.h"
#include "lib/complaint.h"
#include "lib/json_fault.h"
#include "lib/json_strict.h"

#define FILE_DEPTH 16  /* our own nesting is 4; comments may hold more */
#define SPANS_MAX  256 /* keys of all objects open at one place */
#define NAME_CUT   64  /* bytes of a name that are shown */

void json_file_free(struct json_file *f)
{
    if (f->text != NULL)
        explicit_bzero(f->text, f->len); /* it may be a key */
    free(f->text);
    f->text = NULL;
}

static const char *fill(struct json_file *f, int fd, size_t max)
{
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) == -1)
        return strerror(errno);
    if (!S_ISREG(st.st_mode))
        return "it is not a regular file";
    f->mode = st.st_mode;
    f->text = malloc(max + 2);
    if (f->text == NULL)
        return strerror(errno);
    do {
        n = read(fd, f->text + f->len, max + 1 - f->len);
        if (n == -1 && errno != EINTR)
            return strerror(errno);
        if (n > 0)
            f->len += (size_t)n;
    } while (n != 0 && f->len <= max);
    f->text[f->len] = '\0';
    return f->len > max ? "it is too large" : NULL;
}

const char *json_file_read(struct json_file *f, const char *path, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    const char *why;

    memset(f, 0, sizeof(*f));
    if (fd == -1)
        return strerror(errno);
    why = fill(f, fd, max);
    close(fd);
    if (why != NULL)
        json_file_free(f);
    return why;
}

const char *json_file_secret(char **secret, const char *path)
{
    struct json_file file;
    const char *why = json_file_read(&file, path, SETTING_TEXT_MAX + 2);

    if (file.text == NULL)
        return why;
    while (file.len > 0 && strchr("\r\n", file.text[file.len - 1]) != NULL)
        file.text[--file.len] = '\0';
    why = strlen(file.text) < file.len ? "it has a zero byte"
                                       : setting_text_secret_fault(file.text);
    if ((file.mode & (S_IROTH | S_IWOTH)) != 0)
        why = "others may read or write it; must be chmod 0640 or less";
    if (why == NULL && (*secret = strdup(file.text)) == NULL)
        why = strerror(ENOMEM);
    json_file_free(&file);
    return why;
}

/*
 * JSON.
 */

/* A key in the text of the file, with its quotes. */
struct span {
    const char *at;
    size_t len;
};

static struct span span_of_string(const char *quote)
{
    const char *p = quote + 1;

    while (*p != '"' && *p != '\0')
        p += *p == '\\' && p[1] != '\0' ? 2 : 1;
    return (struct span){quote, (size_t)(p - quote) + (*p == '"')};
}

static bool is_twice(const struct span *first, const struct span *last)
{
    for (; first < last; first++)
        if (first->len == last->len &&
            memcmp(first->at, last->at, last->len) == 0)
            return true;
    return false;
}

/*
 * json-c keeps the last of two equal keys without a word, and takes single
 * quotes.  TEXT is what it has accepted; tells what is wrong with it, at *AT.
 * SPANS is a stack: the keys of an object lie above its start until it ends.
 */
static const char *strict_fault(const char *text, struct span *at)
{
    struct span spans[SPANS_MAX];
    size_t starts[FILE_DEPTH + 1] = {0}, depth = 0, n = 0;
    const char *p;

    for (p = text; *p != '\0'; p += at->len) {
        *at = *p == '"' ? span_of_string(p) : (struct span){p, 1};
        if (*p == '\'')
            return "stands where only double quotes may";
        if ((*p == '{' || *p == '[') && depth < FILE_DEPTH)
            starts[++depth] = n;
        else if ((*p == '}' || *p == ']') && depth > 0)
            n = starts[depth--];
        if (*p != '"' || strncmp(p, "\"//", 3) == 0 || n == SPANS_MAX ||
            p[at->len + strspn(p + at->len, " \t\r\n")] != ':')
            continue;
        spans[n++] = *at;
        if (is_twice(spans + starts[depth], spans + n - 1))
            return "is given twice in one object";
    }
    return NULL;
}

/* What is wrong with F's text, of which ROOT came with CODE, at byte STOP; false:
 * nothing is. */
static bool find_fault(const struct json_file *f, struct json_object *root,
                       enum json_tokener_error code, size_t stop,
                       struct json_fault *fault)
{
    struct span at = {f->text + stop, 0};
    const char *why;

    if (buf_is_utf8(f->text, f->len) && code != json_tokener_success) {
        json_fault_explain(fault, f->text, f->len, stop, (int)code);
        return true;
    }
    if (!buf_is_utf8(f->text, f->len))
        why = "is not valid UTF-8";
    else if (!json_object_is_type(root, json_type_object))
        why = "must be one JSON object", at.at = f->text;
    else
        why = strict_fault(f->text, &at);
    if (why == NULL)
        return false;
    json_fault_place(fault, f->text, f->len, (size_t)(at.at - f->text));
    snprintf(fault->what, sizeof(fault->what), "%.*s%s%s",
             (int)(at.len < NAME_CUT ? at.len : NAME_CUT), at.at,
             at.len > 0 ? " " : "", why);
    return true;
}

/* The tree of F, which must be one object; NULL: it is not. */
static struct json_object *parse_with(struct json_tokener *tok,
                                      const struct json_file *f,
                                      const char *path, struct complaint *err)
{
    struct json_object *root = json_strict_parse(tok, f->text, f->len);
    struct json_fault fault;

    if (!find_fault(f, root, json_tokener_get_error(tok),
                    json_tokener_get_parse_end(tok), &fault))
        return root;
    complain(err, "%s: line %zu, column %zu: %s", path, fault.line,
             fault.column, fault.what);
    json_object_put(root);
    return NULL;
}

struct json_object *json_file_parse(const struct json_file *f, const char *path,
                                    struct complaint *err)
{
    struct json_tokener *tok = json_tokener_new_ex(FILE_DEPTH);
    struct json_object *root = NULL;

    if (tok == NULL)
        complain(err, "%s: %s", path, strerror(ENOMEM));
    else if (memchr(f->text, '\0', f->len) != NULL)
        complain(err, "%s: it has a zero byte", path);
    else
        root = parse_with(tok, f, path, err);
    if (tok != NULL)
        json_tokener_free(tok);
    return root;
}
