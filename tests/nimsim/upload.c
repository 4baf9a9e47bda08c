/*
 * upload.c - which file is in this body, and is all of it there?
 *
 * Enough of multipart/form-data to tell a client how many bytes of its file
 * came; the boundary is taken from the body's own first line.
 */
#include "upload.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "text.h"

#define LINE           "\r\n"
#define HEADER_END     "\r\n\r\n"
#define FILE_NAME      "filename=\""
#define NAME_MAX_BYTES 255

/* What follows NEEDLE at or after FROM, or NULL. */
static const char *after(const struct text *body, const char *from,
                         const char *needle)
{
    size_t left = body->len - (size_t)(from - body->data);
    const char *at = memmem(from, left, needle, strlen(needle));

    return at == NULL ? NULL : at + strlen(needle);
}

/* Where the file that begins at FILE ends: at a line that is a boundary. */
static const char *file_end(const struct text *body, const char *file)
{
    const char *line = memmem(body->data, body->len, LINE, strlen(LINE));
    struct text boundary = {0};
    const char *end;

    text_str(&boundary, LINE);
    text_add(&boundary, body->data, (size_t)(line - body->data));
    end = after(body, file, boundary.data);
    if (end != NULL)
        end -= boundary.len;
    text_free(&boundary);
    return end;
}

/* Between quotation marks, at most NAME_MAX_BYTES of it. */
static void name_write(const char *name, struct text *out)
{
    size_t len = strcspn(name, "\"\r\n");
    struct text copy = {0};

    text_add(&copy, name, len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES);
    text_json(out, copy.data == NULL ? "" : copy.data);
    text_free(&copy);
}

bool upload_answer(const struct text *body, uint64_t seq, struct text *out)
{
    const char *name;
    const char *file;
    const char *end;

    if (body->len == 0)
        return false;
    name = after(body, body->data, FILE_NAME);
    file = name == NULL ? NULL : after(body, name, HEADER_END);
    end = file == NULL ? NULL : file_end(body, file);
    if (end == NULL)
        return false;
    text_fmt(out,
             "{\"id\":\"file-nimsim-%012" PRIu64
             "\",\"object\":\"file\",\"bytes\":%zu,\"created_at\":%" PRId64
             ",\"purpose\":\"batch\",\"status\":\"processed\",\"filename\":",
             seq, (size_t)(end - file), (int64_t)time(NULL));
    name_write(name, out);
    text_str(out, "}");
    return true;
}
