/*
 * fuzz_listing.c - an upstream's list of models.
 *
 * Input: the body of its answer.
 */
#include "fuzz.h"

#include <json-c/json.h>

#include "fcgi/upstream/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_object *to = json_object_new_array(), *id;
    struct buf body = {NULL, 0, 0, 0};
    size_t i;
    bool is_list;

    buf_add(&body, data, size);
    buf_fit(&body); /* the sanitizer sees what is read beyond it */
    is_list = listing_read(to, &body);
    CHECK(is_list || json_object_array_length(to) == 0);
    for (i = 0; i < json_object_array_length(to); i++) {
        json_object *one = json_object_array_get_idx(to, i);

        CHECK(json_object_object_get_ex(one, "id", &id));
        CHECK(json_object_is_type(id, json_type_string) &&
              json_object_get_string_len(id) > 0);
    }
    json_object_put(to);
    buf_free(&body);
    return 0;
}
