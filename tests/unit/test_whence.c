/* Mirrors fcgi/whence.c and lib/address.c: hostile X-Forwarded-For and
 * Forwarded. */
#include "fcgi/whence.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/config/config.h"
#include "lib/base.h"
#include "unit.h"

/* ---- addresses and ranges ---------------------------------------------------- */

static void an_address_has_one_form(void)
{
    static const struct {
        const char *text, *want; /* NULL: it is none */
    } rows[] = {
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"::FFFF:c000:0207", "192.0.2.7"},
        {"2001:DB8:0::1", "2001:db8::1"},
        {"fe80::1%eth0", "fe80::1"},
        {"::", "::"},
        {"", NULL},
        {"%eth0", NULL},
        {"127.1", NULL},
        {"0x7f000001", NULL},
        {"2130706433", NULL},
        {"127.0.0.01", NULL},
        {"127.0.0.1 ", NULL},
        {"127.0.0.1%lo", NULL},
        {"[::1]", NULL},
        {"::1::", NULL},
        {"localhost", NULL},
        {"0000:0000:0000:0000:0000:ffff:192.168.100.228", "192.168.100.228"},
        {"00000:0000:0000:0000:0000:ffff:192.168.100.228", NULL},
    };
    char out[ADDRESS_TEXT];
    struct address a;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        bool is_one = address_read(&a, rows[i].text, strlen(rows[i].text));

        CU_ASSERT_EQUAL(is_one, rows[i].want != NULL);
        if (!is_one || rows[i].want == NULL)
            continue;
        address_write(out, &a);
        CU_ASSERT_STRING_EQUAL(out, rows[i].want);
    }
    CU_ASSERT_FALSE(address_read(&a, "1.2.3.4\0", 8));
}

static void a_range_has_what_shares_its_bits(void)
{
    static const struct {
        const char *range, *inside, *outside;
    } rows[] = {
        {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
        {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
        {"10.0.0.0/9", "10.127.255.255", "10.128.0.0"},
        {"128.0.0.0/1", "255.0.0.1", "127.0.0.1"},
        {"192.0.2.7/32", "192.0.2.7", "192.0.2.8"},
        {"::1", "::1", "::2"},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
        {"fc00::/7", "fdff::", "fe00::"},
        {"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"},
        {"8000::/1", "ffff::", "192.0.2.7"},
    };
    struct address a;
    struct network n;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        CU_ASSERT_PTR_NULL_FATAL(network_read(&n, rows[i].range));
        CU_ASSERT_TRUE(
            address_read(&a, rows[i].inside, strlen(rows[i].inside)));
        CU_ASSERT_TRUE(network_has(&n, &a));
        CU_ASSERT_TRUE(
            address_read(&a, rows[i].outside, strlen(rows[i].outside)));
        CU_ASSERT_FALSE(network_has(&n, &a));
    }
}

static void what_is_no_range_is_refused(void)
{
    static const char *const rows[] = {
        "",
        "/",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/x",
        "10.0.0.0/8x",
        "10.0.0.0/-1",
        "10.0.0.0/0008",
        "10.0.0.1/8",
        "0.0.0.0/0",
        "::/0",
        "2001:db8::/129",
        "2001:db8::1/32",
        "10.0.0/8",
        "example.com",
        "fe80::1%eth0",
        "*",
        "10.0.0.0/8/8",
        "/8",
        " 10.0.0.0",
    };
    struct network n;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        CU_ASSERT_PTR_NOT_NULL(network_read(&n, rows[i]));
}

/* ---- who asks ----------------------------------------------------------------- */

/* What is trusted: of each entry one. */
static char loop[] = "loopback", priv[] = "private", front[] = "192.0.2.1",
            net[] = "203.0.113.0/24", six[] = "2001:db8:f::/48";

struct row {
    const char *peer, *xff, *forwarded, *want;
    enum origin_range range;
    bool is_veiled;
};

static void judge(char **trusted, size_t n, const struct row *row)
{
    struct config cfg = {.trusted_proxies = trusted, .n_trusted_proxies = n};
    struct whence_told told = {row->peer, row->xff, row->forwarded};
    struct whence w;

    whence_find(&w, &cfg, &told);
    if (strcmp(w.addr, row->want) != 0 || w.range != row->range ||
        w.is_veiled != row->is_veiled) {
        fprintf(stderr, "\n%s | %s | %s: %s %d %d\n",
                row->peer != NULL ? row->peer : "-",
                row->xff != NULL ? row->xff : "-",
                row->forwarded != NULL ? row->forwarded : "-", w.addr, w.range,
                w.is_veiled);
        CU_FAIL("who asks");
    }
}

static void nobody_is_believed_who_is_not_trusted(void)
{
    static const struct row rows[] = {
        {"127.0.0.1", "8.8.8.8", NULL, "127.0.0.1", FROM_LOOPBACK, false},
        {"8.8.8.8", "127.0.0.1", NULL, "8.8.8.8", FROM_ANY, false},
        {"8.8.8.8", NULL, "for=127.0.0.1", "8.8.8.8", FROM_ANY, false},
        {"10.0.0.9", "127.0.0.1", "for=\"[::1]\"", "10.0.0.9", FROM_PRIVATE,
         false},
        {"::ffff:127.0.0.1", "x", NULL, "127.0.0.1", FROM_LOOPBACK, false},
        {NULL, "127.0.0.1", NULL, "", FROM_ANY, false},
        {"", "127.0.0.1", NULL, "", FROM_ANY, false},
        {"unix:/run/x", "127.0.0.1", NULL, "", FROM_ANY, false},
        {"127.1", "127.0.0.1", NULL, "", FROM_ANY, false},
    };
    char *other[] = {front};
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        judge(NULL, 0, &rows[i]);
        judge(other, 1, &rows[i]);
    }
}

static void the_rightmost_that_is_not_trusted_asks(void)
{
    static const struct row rows[] = {
        {"127.0.0.1", NULL, NULL, "127.0.0.1", FROM_LOOPBACK, false},
        {"127.0.0.1", "8.8.8.8", NULL, "8.8.8.8", FROM_ANY, false},
        {"::1", "2001:DB8::5", NULL, "2001:db8::5", FROM_ANY, false},
        {"127.0.0.1", "127.0.0.1, 8.8.8.8", NULL, "8.8.8.8", FROM_ANY, false},
        {"127.0.0.1", "1.1.1.1,8.8.8.8,203.0.113.4\t,  127.0.0.1", NULL,
         "8.8.8.8", FROM_ANY, false},
        {"192.0.2.1", "8.8.8.8", NULL, "8.8.8.8", FROM_ANY, false},
        {"203.0.113.255", "8.8.8.8, 2001:db8:f::2", NULL, "8.8.8.8", FROM_ANY,
         false},
        {"127.0.0.1", "10.0.0.9", NULL, "10.0.0.9", FROM_PRIVATE, false},
        {"127.0.0.1", "8.8.8.8:4711", NULL, "8.8.8.8", FROM_ANY, false},
        {"127.0.0.1", "[2001:db8::5]", NULL, "2001:db8::5", FROM_ANY, false},
        {"127.0.0.1", "[2001:db8::5]:443", NULL, "2001:db8::5", FROM_ANY,
         false},
        {"127.0.0.1", "\"[2001:db8::5]:443\"", NULL, "2001:db8::5", FROM_ANY,
         false},
        {"127.0.0.1", "fe80::5%eth0", NULL, "fe80::5", FROM_PRIVATE, false},
        {"127.0.0.1", NULL, "for=8.8.8.8", "8.8.8.8", FROM_ANY, false},
        {"127.0.0.1", NULL, "FOR=\"8.8.8.8:99\";proto=http;by=10.0.0.1",
         "8.8.8.8", FROM_ANY, false},
        {"127.0.0.1", NULL,
         "for=127.0.0.1, proto=https ; for=\"[2001:db8::5]\"", "2001:db8::5",
         FROM_ANY, false},
        {"127.0.0.1", NULL, "for=1.1.1.1, for=8.8.8.8;host=x, for=127.0.0.1",
         "8.8.8.8", FROM_ANY, false},
    };
    char *trusted[] = {loop, front, net, six};
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        judge(trusted, ARRAY_LEN(trusted), &rows[i]);
}

/* What a client writes behind a proxy that adds to it, or does not. */
static void a_header_only_takes_rights_away(void)
{
    static const struct row rows[] = {
        {"127.0.0.1", "127.0.0.1", NULL, "127.0.0.1", FROM_LOOPBACK, false},
        {"192.0.2.1", "127.0.0.1", NULL, "127.0.0.1", FROM_ANY, false},
        {"192.0.2.1", "::1, 127.0.0.1", NULL, "::1", FROM_ANY, false},
        {"192.0.2.1", "10.0.0.9", NULL, "10.0.0.9", FROM_ANY, false},
        {"127.0.0.1", "10.0.0.9, 203.0.113.4", NULL, "10.0.0.9", FROM_ANY,
         false},
        {"127.0.0.1", "127.0.0.1, 203.0.113.4", NULL, "127.0.0.1", FROM_ANY,
         false},
        {"192.0.2.1", NULL, "for=127.0.0.1", "127.0.0.1", FROM_ANY, false},
        {"192.0.2.1", NULL, "for=\"[::1]\"", "::1", FROM_ANY, false},
        /* Both: a client can add the one that its proxy does not write. */
        {"127.0.0.1", "8.8.8.8", "for=127.0.0.1", "8.8.8.8", FROM_ANY, false},
        {"127.0.0.1", "127.0.0.1", "for=8.8.8.8", "8.8.8.8", FROM_ANY, false},
        {"127.0.0.1", "10.0.0.9", "for=127.0.0.1", "10.0.0.9", FROM_PRIVATE,
         false},
        {"127.0.0.1", "8.8.8.8", "for=9.9.9.9", "8.8.8.8", FROM_ANY, false},
        {"127.0.0.1", "127.0.0.1", "for=unknown", "127.0.0.1", FROM_ANY, true},
        {"127.0.0.1", "8.8.8.8", "for=unknown", "8.8.8.8", FROM_ANY, false},
    };
    char *trusted[] = {loop, front, net, six};
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        judge(trusted, ARRAY_LEN(trusted), &rows[i]);
}

/* Everything that may stand where a trusted proxy's word should. */
static void garbage_ends_the_walk(void)
{
    static const char *const odd[] = {
        "unknown",
        "_hidden",
        "",
        " ",
        "localhost",
        "127.1",
        "0",
        "1",
        "127.0.0.1.",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:123456",
        "127.0.0.1:-1",
        "127.0.0.1 127.0.0.1",
        "127.0.0.1;",
        "[127.0.0.1]",
        "[::1",
        "::1]",
        "[::1]x",
        "[::1]:",
        "[::1]:x",
        "[]",
        "[",
        "\"",
        "\"\"",
        "\"127.0.0.1",
        "127.0.0.1\"",
        "\"127.0.0.1\\\"",
        "'127.0.0.1'",
        "::1:",
        ":::1",
        "::ffff:127.0.0.1:80",
        "0x7f.0.0.1",
        "127.0.0.1%00",
        "unix:",
        "\xff\xfe",
        "<script>",
        "for=127.0.0.1",
        "127.0.0.1/8",
        "::1/128",
        "%lo",
        ":",
        ".",
        "..",
        ":80",
        "1.2.3.4.5",
    };
    char *trusted[] = {loop, front};
    char text[128];
    size_t i;

    for (i = 0; i < ARRAY_LEN(odd); i++) {
        struct row row = {"127.0.0.1", odd[i],   NULL,
                          "127.0.0.1", FROM_ANY, true};

        judge(trusted, 2, &row);
        /* Behind a good address it is nobody's concern. */
        (void)snprintf(text, sizeof(text), "%s, 8.8.8.8", odd[i]);
        row = (struct row){"127.0.0.1", text, NULL, "8.8.8.8", FROM_ANY, false};
        judge(trusted, 2, &row);
        /* Behind a trusted one that one counts, as a stranger. */
        (void)snprintf(text, sizeof(text), "%s, 192.0.2.1", odd[i]);
        row =
            (struct row){"127.0.0.1", text, NULL, "192.0.2.1", FROM_ANY, true};
        judge(trusted, 2, &row);
    }
}

static void garbage_in_pairs_ends_it_too(void)
{
    static const char *const odd[] = {
        "127.0.0.1",
        "for",
        "for=",
        "for=\"",
        "for=\"\"",
        "for=unknown",
        "for=_x",
        "for=\"_x\"",
        "for==127.0.0.1",
        "for =127.0.0.1",
        "for= 127.0.0.1x",
        "by=127.0.0.1",
        ";",
        "for=127.0.0.1;for=127.0.0.1",
        "for=\"[::1]\"x",
        "for=\"127.0.0.1\\\"\"",
        "xfor=127.0.0.1",
        "host=\";for=127.0.0.1\"",
        "for=127.0.0.1:port",
        "for=[::1",
    };
    char *trusted[] = {loop, front};
    char text[128];
    size_t i;

    for (i = 0; i < ARRAY_LEN(odd); i++) {
        struct row row = {"127.0.0.1", NULL,     odd[i],
                          "127.0.0.1", FROM_ANY, true};

        judge(trusted, 2, &row);
        /* A quote that a client opens swallows nothing behind it. */
        (void)snprintf(text, sizeof(text), "%s, for=\"[2001:db8::5]:1\"",
                       odd[i]);
        row = (struct row){"127.0.0.1",   NULL,     text,
                           "2001:db8::5", FROM_ANY, false};
        judge(trusted, 2, &row);
    }
}

static void the_walk_has_an_end(void)
{
    char text[64 * 12] = "8.8.8.8", *trusted[] = {priv};
    struct row row = {"10.0.0.1", text, NULL, "10.0.0.2", FROM_PRIVATE, false};
    size_t i;

    for (i = 0; i < 15; i++)
        strcat(text, ", 10.0.0.2");
    row.want = "8.8.8.8";
    row.range = FROM_ANY;
    judge(trusted, 1, &row);
    strcat(text, ", 10.0.0.2");
    row.want = "10.0.0.2"; /* the sixteenth: further than any row of proxies */
    row.range = FROM_PRIVATE;
    judge(trusted, 1, &row);
}

static const struct unit_test tests[] = {
    {"an address has one form", an_address_has_one_form},
    {"a range has what shares its bits", a_range_has_what_shares_its_bits},
    {"what is no range is refused", what_is_no_range_is_refused},
    {"nobody is believed who is not trusted",
     nobody_is_believed_who_is_not_trusted},
    {"the rightmost that is not trusted asks",
     the_rightmost_that_is_not_trusted_asks},
    {"a header only takes rights away", a_header_only_takes_rights_away},
    {"garbage ends the walk", garbage_ends_the_walk},
    {"garbage in pairs ends it, too", garbage_in_pairs_ends_it_too},
    {"the walk has an end", the_walk_has_an_end},
    {NULL, NULL},
};

CU_ErrorCode test_whence_add(void)
{
    return unit_add("whence", tests);
}
