/*
 * key_text.c - how does a client's key look?
 *
 *   sk-sluice- and 256 random bits in 64 digits
 *
 * All that is kept is its SHA-256: of so many random bits nothing slower is
 * needed.
 */
#include "fcgi/config/key_text.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "lib/base.h"

static void put_hex(char *to, const unsigned char *from, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < n; i++) {
        to[2 * i] = digits[from[i] >> 4];
        to[2 * i + 1] = digits[from[i] & 15];
    }
    to[2 * n] = '\0';
}

int key_text_make(char key[KEY_TEXT], unsigned char hash[KEY_HASH])
{
    unsigned char bits[KEY_HASH];

    if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
        return -1;
    memcpy(key, KEY_PREFIX, sizeof(KEY_PREFIX));
    put_hex(key + strlen(KEY_PREFIX), bits, sizeof(bits));
    explicit_bzero(bits, sizeof(bits));
    key_text_hash(hash, key, strlen(key));
    return 0;
}

void key_text_hash(unsigned char out[KEY_HASH], const char *key, size_t len)
{
    CHECK(EVP_Digest(key, len, out, NULL, EVP_sha256(), NULL) == 1);
}

void key_text_hex(char out[KEY_HASH_HEX], const unsigned char hash[KEY_HASH])
{
    put_hex(out, hash, KEY_HASH);
}

void key_text_id(char out[KEY_ID], const unsigned char hash[KEY_HASH])
{
    put_hex(out, hash, (KEY_ID - 1) / 2);
}

bool key_text_read(unsigned char out[KEY_HASH], const char *text)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    size_t i;

    if (strlen(text) != KEY_HASH_HEX - 1 ||
        strspn(text, digits) != KEY_HASH_HEX - 1)
        return false;
    for (i = 0; i < KEY_HASH; i++) {
        size_t high = (size_t)(strchr(digits, text[2 * i]) - digits) & 15;
        size_t low = (size_t)(strchr(digits, text[2 * i + 1]) - digits) & 15;

        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

bool key_text_is_ours(const char *text)
{
    size_t n = strlen(KEY_PREFIX);

    return text != NULL && strlen(text) == KEY_TEXT - 1 &&
           strncmp(text, KEY_PREFIX, n) == 0 &&
           strspn(text + n, "0123456789abcdef") == KEY_TEXT - 1 - n;
}

bool key_text_was_ours(const char *text)
{
    return text != NULL && strncmp(text, KEY_PREFIX, strlen(KEY_PREFIX)) == 0;
}
