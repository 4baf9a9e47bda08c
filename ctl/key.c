/*
 * key.c - sluicectl key new NAME: what is a client's new key?
 *
 * Shown this once and kept nowhere; the settings get its SHA-256.  The key is
 * alone on the first line of the output and the entry on the second, so that a
 * script can take either.  Keys that a worker makes: key_calls.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "fcgi/config/client_fields.h"
#include "fcgi/config/key_text.h"
#include "lib/buf.h"

/* As "clients" in the settings wants it, ready to be pasted. */
static void print_key(const char *name, const char *key,
                      const unsigned char hash[KEY_HASH])
{
    struct buf b = {NULL, 0, 0, 0};
    char hex[KEY_HASH_HEX];

    key_text_hex(hex, hash);
    buf_str(&b, "{\"name\":");
    buf_json(&b, name);
    buf_add(&b, "", 1);
    printf("%s\n%s,\"key_sha256\":\"%s\"}\n", key, buf_head(&b), hex);
    buf_free(&b);
}

/* The key is wiped from memory when it was printed: nobody has it but who reads. */
int key_new(const char *name)
{
    const char *why = client_fields_name_fault(name);
    unsigned char hash[KEY_HASH];
    char key[KEY_TEXT];

    if (why != NULL) {
        fprintf(stderr, "sluicectl: key new: the name %s\n", why);
        return EXIT_FAILURE;
    }
    if (key_text_make(key, hash) == -1) {
        fprintf(stderr, "sluicectl: getrandom: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    print_key(name, key, hash);
    explicit_bzero(key, sizeof(key));
    fprintf(stderr,
            "The first line is the key, for the client: it is kept nowhere. "
            "The second goes into \"clients\" of the settings.\n");
    return EXIT_SUCCESS;
}
