/*
 * address.c - what does a text that should be an address mean?
 *
 * inet_pton() reads: what it takes is an address in its usual form, and not
 * "127.1" or "0x7f000001".
 */
#include "lib/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/digits.h"

#define MAPPED 96 /* bits in front of an IPv4 address */

static const unsigned char mapped[MAPPED / 8] = {[10] = 0xff, [11] = 0xff};

static bool is_mapped(const struct address *a)
{
    return memcmp(a->byte, mapped, sizeof(mapped)) == 0;
}

bool address_read(struct address *a, const char *text, size_t len)
{
    char copy[ADDRESS_TEXT];
    const char *zone = memchr(text, '%', len);

    if (zone != NULL)
        len = (size_t)(zone - text);
    if (len == 0 || len >= sizeof(copy) || memchr(text, '\0', len) != NULL)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET6, copy, a->byte) == 1)
        return true;
    memcpy(a->byte, mapped, sizeof(mapped));
    return zone == NULL &&
           inet_pton(AF_INET, copy, a->byte + sizeof(mapped)) == 1;
}

/* As inet_ntop() does, which asks printf for it. */
static void write_short(char *out, const unsigned char byte[4])
{
    char number[DIGITS_MAX];
    size_t i, n;

    for (i = 0; i < 4; i++) {
        n = digits(number, byte[i]);
        memcpy(out, number, n);
        out += n;
        *out++ = i < 3 ? '.' : '\0';
    }
}

void address_write(char out[ADDRESS_TEXT], const struct address *a)
{
    if (is_mapped(a))
        write_short(out, a->byte + sizeof(mapped));
    else
        CHECK(inet_ntop(AF_INET6, a->byte, out, ADDRESS_TEXT) != NULL);
}

bool address_is_loopback(const struct address *a)
{
    static const struct address one = {{[15] = 1}};

    if (is_mapped(a))
        return a->byte[12] == 127;
    return memcmp(a, &one, sizeof(one)) == 0;
}

bool address_is_private(const struct address *a)
{
    const unsigned char *v4 = a->byte + sizeof(mapped);

    if (!is_mapped(a))
        return (a->byte[0] & 0xfe) == 0xfc ||
               (a->byte[0] == 0xfe && (a->byte[1] & 0xc0) == 0x80);
    return v4[0] == 10 || (v4[0] == 172 && (v4[1] & 0xf0) == 16) ||
           (v4[0] == 192 && v4[1] == 168) || (v4[0] == 169 && v4[1] == 254);
}

/* ---- ranges ----------------------------------------------------------------- */

/* The first BITS bits of A and B are the same. */
static bool is_same_start(const struct address *a, const struct address *b,
                          unsigned bits)
{
    unsigned char rest = (unsigned char)(0xff00 >> bits % 8);

    if (memcmp(a, b, bits / 8) != 0)
        return false;
    return bits % 8 == 0 ||
           ((a->byte[bits / 8] ^ b->byte[bits / 8]) & rest) == 0;
}

/* Nothing is set behind its bits: else somebody meant another range. */
static bool is_clean(const struct network *n)
{
    unsigned i;

    for (i = n->bits; i < 128; i++)
        if (n->base.byte[i / 8] & 0x80 >> i % 8)
            return false;
    return true;
}

const char *network_read(struct network *n, const char *text)
{
    size_t len = strcspn(text, "/"), digits;
    unsigned shift;

    if (strchr(text, '%') != NULL || !address_read(&n->base, text, len))
        return "an entry is neither an address nor ADDRESS/BITS";
    n->bits = 128;
    if (text[len] == '\0')
        return NULL;
    shift = memchr(text, ':', len) == NULL ? MAPPED : 0;
    text += len + 1;
    digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 3 || text[digits] != '\0')
        return "an entry is neither an address nor ADDRESS/BITS";
    n->bits = (unsigned)strtoul(text, NULL, 10) + shift;
    if (n->bits > 128)
        return "an entry has more bits than its addresses";
    if (n->bits <= shift)
        return "an entry with /0 means everybody";
    return is_clean(n) ? NULL : "an entry has a bit set behind its prefix";
}

bool network_has(const struct network *n, const struct address *a)
{
    return is_same_start(&n->base, a, n->bits);
}
