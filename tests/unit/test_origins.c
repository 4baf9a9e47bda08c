/* Mirrors fcgi/config/origins.c. */
#include "fcgi/config/origins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/setting_text.h"
#include "lib/base.h"
#include "unit.h"

static const char *fault_of(const char *entry)
{
    return setting_text_fault(setting_find("origins", false), entry);
}

static void an_entry_is_one_origin_or_a_pattern(void)
{
    static const char *const fine[] = {
        "https://app.example.com",
        "http://localhost:3000",
        "https://[2001:db8::1]:443",
        "app://obsidian.md",
        "tauri://localhost",
        "vscode-webview://0a1b2c",
        "chrome-extension://*",
        "moz-extension://*",
        "vscode-webview://*",
        "app://*",
        "https://*.example.com",
        "https://*.example.com:8443",
        "http://*.example.com",
        "http://*.localhost:3000",
        "null",
        "file://",
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(fine); i++)
        CU_ASSERT_PTR_NULL(fault_of(fine[i]));
}

static void what_would_be_everybody_is_refused(void)
{
    static const struct {
        const char *entry, *why;
    } rows[] = {
        {"*", "every page"},
        {"http://*", "all the web"},
        {"https://*", "all the web"},
        {"HTTPS://*", "all the web"},
        {"*://example.com", "not scheme://host"},
        {"https://*.com", "too much of the web"},
        {"https://*.com:443", "too much of the web"},
        {"https://*.localhostx", "too much of the web"},
        {"https://*.", "too much of the web"},
        {"https://*example.com", "whole host, or its first label"},
        {"https://*:443", "whole host, or its first label"},
        {"https://**", "whole host, or its first label"},
        {"https://*.*.com", "whole host, or its first label"},
        {"https://a.*.com", "not scheme://host"},
        {"https://a.example.*", "not scheme://host"},
        {"chrome-extension://*.x.y", "for http:// and https://"},
        {"chrome-extension://*/x", "whole host, or its first label"},
        {"https://*.example.com/", "not scheme://host"},
        {"https://*.example.com?x", "not scheme://host"},
        {"https://*.u@example.com", "not scheme://host"},
        {"https://*.example.com:0", "not scheme://host"},
        {"://x", "not scheme://host"},
        {"ht tp://x", "not scheme://host"},
        {"1http://x", "not scheme://host"},
        {"nulls", "not scheme://host"},
        {"file:///", "not scheme://host"},
        {"file:///x", "not scheme://host"},
    };
    const char *why;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        why = fault_of(rows[i].entry);
        if (why == NULL || strstr(why, rows[i].why) == NULL) {
            fprintf(stderr, "\n%s: %s\n", rows[i].entry,
                    why != NULL ? why : "is taken");
            CU_FAIL("it is refused, for that reason");
        }
    }
}

static void a_star_stands_for_a_host_alone(void)
{
    static const struct {
        const char *entry, *origin;
        bool fits;
    } rows[] = {
        {"https://a.example", "https://a.example", true},
        {"https://a.example", "https://a.example:444", false},
        {"https://a.example", "http://a.example", false},
        {"https://a.example", "https://b.a.example", false},
        {"app://obsidian.md", "app://obsidian.md", true},
        {"app://obsidian.md", "app://Obsidian.md", true},
        {"null", "null", true},
        {"null", "nulls", false},
        {"file://", "file://", true},
        {"file://", "file:///etc", false},
        {"chrome-extension://*", "chrome-extension://abcdefghijklmnop", true},
        {"chrome-extension://*", "chrome-extension://", false},
        {"chrome-extension://*", "chrome-extension://a/b", false},
        {"chrome-extension://*", "moz-extension://a", false},
        {"chrome-extension://*", "xchrome-extension://a", false},
        {"moz-extension://*", "moz-extension://0d5a-4e", true},
        {"vscode-webview://*", "vscode-webview://0a1b2c", true},
        {"app://*", "app://obsidian.md", true},
        {"app://*", "app://u@x", false},
        {"https://*.example.com", "https://a.example.com", true},
        {"https://*.example.com", "HTTPS://A.EXAMPLE.COM", true},
        {"https://*.example.com", "https://a.b.example.com", true},
        {"https://*.example.com", "https://example.com", false},
        {"https://*.example.com", "https://.example.com", false},
        {"https://*.example.com", "https://aexample.com", false},
        {"https://*.example.com", "https://a.example.com:8443", false},
        {"https://*.example.com", "http://a.example.com", false},
        {"https://*.example.com", "https://a.example.com.evil.org", false},
        {"https://*.example.com", "https://evil.org/.example.com", false},
        {"https://*.example.com", "https://evil.org#.example.com", false},
        {"https://*.example.com", "https://evil.org?.example.com", false},
        {"https://*.example.com", "https://evil.org\\.example.com", false},
        {"https://*.example.com", "https://u@.example.com", false},
        {"https://*.example.com", "https://evil.org:1.example.com", false},
        {"https://*.example.com:8443", "https://a.example.com:8443", true},
        {"https://*.example.com:8443", "https://a.example.com", false},
        {"https://*.example.com", "", false},
        {"https://*.example.com", "null", false},
    };
    char origin[400] = "https://";
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        if (origins_fit(rows[i].entry, rows[i].origin) == rows[i].fits)
            continue;
        fprintf(stderr, "\n%s: %s\n", rows[i].entry, rows[i].origin);
        CU_FAIL("what fits");
    }
    memset(origin + 8, 'a', 254); /* longer than a name can be */
    strcpy(origin + 8 + 254, ".example.com");
    CU_ASSERT_FALSE(origins_fit("https://*.example.com", origin));
}

static const struct unit_test tests[] = {
    {"an entry is one origin or a pattern",
     an_entry_is_one_origin_or_a_pattern},
    {"what would be everybody is refused", what_would_be_everybody_is_refused},
    {"a star stands for a host alone", a_star_stands_for_a_host_alone},
    {NULL, NULL},
};

CU_ErrorCode test_origins_add(void)
{
    return unit_add("origins", tests);
}
