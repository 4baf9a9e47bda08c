/*
 * The keys of clients as texts.
 */
#ifndef SLUICE_KEY_TEXT_H
#define SLUICE_KEY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define KEY_HASH     32 /* bytes of SHA-256 */
#define KEY_HASH_HEX (2 * KEY_HASH + 1)
#define KEY_ID       9 /* with the zero: how a key is shown, of its hash */
#define KEY_PREFIX   "sk-sluice-"
#define KEY_TEXT     (sizeof(KEY_PREFIX) + 2 * KEY_HASH)

/* A new key, of 256 random bits, for the caller to show once and to wipe; and
 * its hash.  -1: there is no randomness, errno says why. */
int key_text_make(char key[KEY_TEXT], unsigned char hash[KEY_HASH]);
/* SHA-256 of KEY, whose LEN bytes may hold anything. */
void key_text_hash(unsigned char out[KEY_HASH], const char *key, size_t len);

/* HASH in lower-case hexadecimal digits; and only the first eight of them. */
void key_text_hex(char out[KEY_HASH_HEX], const unsigned char hash[KEY_HASH]);
void key_text_id(char out[KEY_ID], const unsigned char hash[KEY_HASH]);
/* The other way round, either case; false: TEXT is no hash. */
bool key_text_read(unsigned char out[KEY_HASH], const char *text);

/* Does TEXT, which may be NULL, look like a key that we have made? */
bool key_text_is_ours(const char *text);
/* Or was it one before somebody copied it badly? */
bool key_text_was_ours(const char *text);

#endif
