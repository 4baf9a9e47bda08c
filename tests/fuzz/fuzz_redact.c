/*
 * fuzz_redact.c - which bytes of a text are secrets?
 *
 * Input: a secret up to the first line feed, then a text.  Whatever it is: no
 * byte is written beside the text, what is blanked was found, and the secret
 * is nowhere in it afterwards.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "fcgi/upstream/redact.h"

static void check(const struct secrets *s, const char *secret, char *text,
                  size_t len)
{
    char *before = malloc(len > 0 ? len : 1);
    bool found = redact_finds(s, text, len);
    size_t i;

    CHECK(before != NULL);
    memcpy(before, text, len);
    CHECK(redact(s, text, len) == found);
    for (i = 0; i < len; i++)
        CHECK(text[i] == before[i] || (found && text[i] == '*'));
    CHECK(found || memmem(before, len, secret, strlen(secret)) == NULL);
    if (strchr(secret, '*') == NULL) /* else what is blanked may be one */
        CHECK(memmem(text, len, secret, strlen(secret)) == NULL);
    free(before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    size_t len = end != NULL ? (size_t)(end - data) : 0;
    char *secret, *text;
    struct secrets s = {.n = 0};

    if (len == 0 || memchr(data, '\0', len) != NULL)
        return 0;
    secret = strndup((const char *)data, len);
    text = malloc(size - len); /* one more than there are */
    CHECK(secret != NULL && text != NULL);
    memcpy(text, end + 1, size - len - 1);
    secrets_add(&s, secret, 1);
    check(&s, secret, text, size - len - 1);
    free(secret);
    free(text);
    return 0;
}
