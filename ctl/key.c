/*
 * key.c - sluicectl key new NAME: what is a client's new key?
 *
 * 256 random bits, shown this once and kept nowhere; the settings get their
 * SHA-256.  The key is alone on the first line of the output and the entry on
 * the second, so that a script can take either.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ctl/ctl.h"
#include "fcgi/config/clients.h"
#include "lib/buf.h"

#define KEY_BYTES  32
#define KEY_PREFIX "sk-sluice-"

static void put_hex(char *to, const unsigned char *from, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        (void)snprintf(to + 2 * i, 3, "%02x", from[i]);
}

static void print_key(const char *name, const unsigned char random[KEY_BYTES])
{
    char key[sizeof(KEY_PREFIX) + 2 * (size_t)KEY_BYTES] = KEY_PREFIX;
    char hex[2 * KEY_HASH + 1];
    unsigned char hash[KEY_HASH];
    struct buf b = {NULL, 0, 0, 0};

    put_hex(key + strlen(KEY_PREFIX), random, KEY_BYTES);
    clients_hash(hash, key, strlen(key));
    put_hex(hex, hash, KEY_HASH);
    buf_str(&b, "{\"name\":");
    buf_json(&b, name);
    buf_add(&b, "", 1);
    printf("%s\n%s,\"key_sha256\":\"%s\"}\n", key, buf_head(&b), hex);
    buf_free(&b);
    explicit_bzero(key, sizeof(key));
}

int key_new(const char *name)
{
    unsigned char random[KEY_BYTES];
    const char *why;

    why = clients_name_fault(name);
    if (why != NULL) {
        fprintf(stderr, "sluicectl: key new: the name %s\n", why);
        return EXIT_FAILURE;
    }
    if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
        fprintf(stderr, "sluicectl: getrandom: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    print_key(name, random);
    explicit_bzero(random, sizeof(random));
    fprintf(stderr,
            "The first line is the key, for the client: it is kept nowhere. "
            "The second goes into \"clients\" of the settings.\n");
    return EXIT_SUCCESS;
}
