/* Mirrors fcgi/config/proxy_text.c. */
#include "fcgi/config/proxy_text.h"

#include <string.h>

#include "lib/base.h"
#include "lib/buf.h"
#include "unit.h"

static void what_can_be_a_proxy(void)
{
    static const char *const fine[] = {
        "http://proxy:3128",     "HTTPS://proxy.example.com:443/",
        "socks5://10.0.0.1:1",   "socks5h://[::1]:65535",
        "http://a@p:1",          "http://a:@p:1",
        "http://a:b%40%3Ac@p:1", "http://dom%5Ca:b@c@p:1",
    };
    static const char *const wrong[] = {
        "",
        "proxy:3128",
        "socks4://p:1",
        "ftp://p:1",
        "http://",
        "http://p",
        "http://p/",
        "http://p:",
        "http://p:0",
        "http://p:65536",
        "http://p:1//",
        "http://p:1/x",
        "http://p:1?x",
        "http://[::1]",
        "http://[::g]:1",
        "http://@p:1",
        "http://:b@p:1",
        "http://a/b@p:1",
        "http://a:b%4@p:1",
        "http://a:%zz@p:1",
        "http://a:%00@p:1",
        "http://a:b c@p:1",
        "http://a:b@",
        "http://a:\xc3\xa4@p:1",
        "http://p q:1",
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(fine); i++)
        CU_ASSERT_PTR_NULL(proxy_text_fault(fine[i]));
    for (i = 0; i < ARRAY_LEN(wrong); i++) {
        if (proxy_text_fault(wrong[i]) == NULL)
            printf("\n    %s\n", wrong[i]);
        CU_ASSERT_PTR_NOT_NULL(proxy_text_fault(wrong[i]));
    }
}

static bool is_part(const char *at, size_t len, const char *want)
{
    return strlen(want) == len && memcmp(at, want, len) == 0;
}

static void its_parts(void)
{
    char text[] = "HTTP://a:b:c@d@p:1/";
    struct proxy_parts p;

    proxy_text_trim(text);
    CU_ASSERT_STRING_EQUAL(text, "http://a:b:c@d@p:1");
    proxy_text_split(&p, text);
    CU_ASSERT_EQUAL(p.scheme_len, 7);
    CU_ASSERT_TRUE(is_part(p.user, p.user_len, "a"));
    CU_ASSERT_TRUE(is_part(p.password, p.password_len, "b:c@d"));
    CU_ASSERT_STRING_EQUAL(p.host, "p:1");
    proxy_text_split(&p, "socks5h://a@p:1");
    CU_ASSERT_EQUAL(p.scheme_len, 10);
    CU_ASSERT_TRUE(is_part(p.user, p.user_len, "a"));
    CU_ASSERT_EQUAL(p.password_len, 0);
    proxy_text_split(&p, "https://p:1");
    CU_ASSERT_EQUAL(p.user_len, 0);
    CU_ASSERT_STRING_EQUAL(p.host, "p:1");
}

static void shows(const char *proxy, const char *want)
{
    struct buf b = {NULL, 0, 0, 0};

    proxy_text_show(&b, proxy);
    CU_ASSERT_STRING_EQUAL(buf_head(&b), want);
    buf_free(&b);
}

static void its_user_is_not_shown(void)
{
    shows("http://p:1", "http://p:1");
    shows("http://a@p:1", "http://***@p:1");
    shows("socks5://a:b@p:1", "socks5://***@p:1");
}

static const struct unit_test tests[] = {
    {"what can be a proxy, and what cannot", what_can_be_a_proxy},
    {"its parts", its_parts},
    {"its user is not shown", its_user_is_not_shown},
    {NULL, NULL},
};

CU_ErrorCode test_proxy_text_add(void)
{
    return unit_add("proxy_text", tests);
}
