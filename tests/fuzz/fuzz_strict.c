/*
 * fuzz_strict.c - JSON and nothing but JSON.
 *
 * Input: the text.  What is taken must mean the same to a lenient reader, and
 * survive being written and read again.
 */
#include "fuzz.h"

#include <json-c/json.h>

#include "fcgi/config/bounds.h"
#include "lib/buf.h"
#include "lib/json_strict.h"

static void check_again(json_object *root)
{
    const char *text =
        json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN);
    json_tokener *tok = json_tokener_new_ex(JSON_DEPTH + 1);
    json_object *again;

    CHECK(tok != NULL && text != NULL);
    again = json_tokener_parse_ex(tok, text, (int)strlen(text) + 1);
    CHECK(json_tokener_get_error(tok) == json_tokener_success);
    CHECK(json_object_get_type(again) == json_object_get_type(root));
    json_object_put(again);
    json_tokener_free(tok);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_tokener *tok = json_tokener_new_ex(JSON_DEPTH);
    char *text = fuzz_copy(data, size);
    json_object *root = NULL;

    CHECK(tok != NULL);
    if (buf_is_utf8(text, size)) {
        root = json_strict_parse(tok, text, size);
        CHECK(json_tokener_get_parse_end(tok) <= size + 1);
        if (json_tokener_get_error(tok) != json_tokener_success)
            CHECK(root == NULL);
        if (root != NULL)
            check_again(root);
    }
    json_object_put(root);
    json_tokener_free(tok);
    free(text);
    return 0;
}
