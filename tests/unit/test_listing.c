/* Mirrors fcgi/upstream/listing.c. */
#include "fcgi/upstream/listing.h"

#include <json-c/json.h>
#include <string.h>

#include "unit.h"

static void every_shape_becomes_openais(void)
{
    static const struct {
        const char *text;
        bool is_list;
        const char *ids; /* each with a blank */
    } rows[] = {
        {"{\"object\":\"list\",\"data\":[{\"id\":\"a/b\"},{\"id\":\"c\"}]}",
         true, "a/b c "},
        {"[{\"id\":\"a/b\"}]", true, "a/b "},
        {" [ ] ", true, ""},
        {"{\"data\":[]}", true, ""},
        {"{\"object\":\"list\",\"data\":null}", true, ""},
        {"{\"models\":[{\"name\":\"models/g\"},{\"id\":\"i\",\"name\":\"n\"}]}",
         true, "models/g i "},
        {"{\"models\":null}", true, ""},
        {"{\"data\":[{\"id\":7},{\"id\":\"\"},{},null,\"x\",[],{\"id\":\"a\"}]"
         "}",
         true, "a "},
        {"", false, ""},
        {"null", false, ""},
        {"7", false, ""},
        {"<html>", false, ""},
        {"[{\"id\":\"a\"}", false, ""},
        {"{\"data\":{}}", false, ""},
        {"{\"error\":{\"message\":\"no\"}}", false, ""},
    };
    size_t i, k;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_object *to = json_object_new_array();
        struct buf body = {NULL, 0, 0, 0}, ids = {NULL, 0, 0, 0};

        buf_str(&body, rows[i].text);
        CU_ASSERT_EQUAL(listing_read(to, &body), rows[i].is_list);
        for (k = 0; k < json_object_array_length(to); k++)
            buf_fmt(&ids, "%s ",
                    json_object_get_string(json_object_object_get(
                        json_object_array_get_idx(to, k), "id")));
        buf_add(&ids, "", 1);
        CU_ASSERT_STRING_EQUAL(buf_head(&ids), rows[i].ids);
        json_object_put(to);
        buf_free(&body);
        buf_free(&ids);
    }
}

static const struct unit_test tests[] = {
    {"every shape of a list becomes OpenAI's", every_shape_becomes_openais},
    {NULL, NULL},
};

CU_ErrorCode test_listing_add(void)
{
    return unit_add("listing", tests);
}
