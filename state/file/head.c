/*
 * head.c - may the bytes of this file be taken for what they say?
 *
 * A head names the build that they are of (version, hash of every field), the
 * boot, and the time namespace: another one's times mean nothing here.
 */
#include "state/file/head.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FNV-1a. */
uint32_t file_hash(uint32_t h, const void *data, size_t len)
{
    const unsigned char *p = data;

    while (len-- > 0)
        h = (h ^ *p++) * 16777619u;
    return h;
}

static void boot_id(uint8_t out[16])
{
    char text[64] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    const char *p;

    memset(out, 0, 16);
    if (fd == -1)
        return; /* no /proc: every file looks like this boot's */
    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    close(fd);
    for (p = text; *p != '\0' && n < 32; p++) {
        const char *hex = "0123456789abcdef";
        const char *at = strchr(hex, *p);

        if (at == NULL)
            continue;
        out[n / 2] = (uint8_t)(out[n / 2] << 4 | (at - hex));
        n++;
    }
}

/* The offsets, too: the number of a namespace that is gone is used again. */
static uint64_t time_namespace(void)
{
    char offsets[256] = "";
    struct stat st;
    int fd = open("/proc/self/timens_offsets", O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;

    if (fd != -1) {
        n = read(fd, offsets, sizeof(offsets));
        close(fd);
    }
    if (stat("/proc/self/ns/time", &st) == -1)
        return 0; /* a kernel without them: there is one clock */
    return st.st_ino ^
           (uint64_t)file_hash(FILE_HASH_0, offsets, n > 0 ? (size_t)n : 0)
               << 32;
}

static uint32_t checksum(const struct lay_head *h)
{
    return file_hash(FILE_HASH_0, h, offsetof(struct lay_head, checksum));
}

bool file_head_is_sound(const struct lay_head *h, const struct file_kind *kind)
{
    return memcmp(h->magic, kind->magic, sizeof(h->magic)) == 0 &&
           h->version == kind->version && h->layout_hash == kind->layout_hash &&
           h->size == kind->size && h->checksum == checksum(h);
}

void file_head_sign(struct lay_head *h)
{
    h->checksum = checksum(h);
}

void file_head_init(struct lay_head *h, const struct file_kind *kind,
                    uint64_t secret)
{
    memset(h, 0, sizeof(*h));
    memcpy(h->magic, kind->magic, sizeof(h->magic));
    h->version = kind->version;
    h->layout_hash = kind->layout_hash;
    h->size = kind->size;
    boot_id(h->boot_id);
    h->time_ns = time_namespace();
    h->secret = secret;
}

bool file_head_is_same_boot(const struct lay_head *a, const struct lay_head *b)
{
    return memcmp(a->boot_id, b->boot_id, sizeof(a->boot_id)) == 0;
}
