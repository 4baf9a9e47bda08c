/*
 * vectors.c - embeddings and rankings that are equal for equal texts.
 *
 * One byte of the hash is one dimension, as a multiple of 1/128.  Such a
 * number is exact as a float and as a short decimal, so the list and the
 * base64 form of an embedding hold the same values.
 */
#include "vectors.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "tokens.h"

#define DIMENSIONS 32 /* the length of a SHA-256 */
#define INPUTS_MAX 2048

struct ranking {
    size_t index;
    double logit;
};

static void vector_of(float v[DIMENSIONS], const char *s)
{
    unsigned char hash[DIMENSIONS];
    int i;

    gnutls_hash_fast(GNUTLS_DIG_SHA256, s, strlen(s), hash);
    for (i = 0; i < DIMENSIONS; i++)
        v[i] = (float)(hash[i] - 128) / 128.0F;
}

static void vector_list(const float v[DIMENSIONS], struct text *out)
{
    int i;

    for (i = 0; i < DIMENSIONS; i++)
        text_fmt(out, "%s%.7f", i == 0 ? "[" : ",", (double)v[i]);
    text_str(out, "]");
}

/* Little-endian float32, as the SDKs unpack it; the machine must agree. */
static void vector_base64(float v[DIMENSIONS], struct text *out)
{
    gnutls_datum_t raw = {(unsigned char *)v, DIMENSIONS * sizeof(float)};
    gnutls_datum_t encoded;

    if (gnutls_base64_encode2(&raw, &encoded) != 0)
        abort();
    text_str(out, "\"");
    text_add(out, encoded.data, encoded.size);
    text_str(out, "\"");
    gnutls_free(encoded.data);
}

static bool wants_base64(struct json_object *json)
{
    struct json_object *format;

    return json_object_object_get_ex(json, "encoding_format", &format) &&
           json_object_is_type(format, json_type_string) &&
           strcmp(json_object_get_string(format), "base64") == 0;
}

/* One text, many texts, one list of tokens or many: how many vectors? */
static size_t input_count(struct json_object *input)
{
    size_t len;

    if (!json_object_is_type(input, json_type_array))
        return 1;
    len = json_object_array_length(input);
    if (len > 0 &&
        json_object_is_type(json_object_array_get_idx(input, 0), json_type_int))
        return 1;
    return len;
}

static struct json_object *input_nth(struct json_object *input, size_t i)
{
    if (input_count(input) == 1 &&
        (!json_object_is_type(input, json_type_array) ||
         json_object_is_type(json_object_array_get_idx(input, 0),
                             json_type_int)))
        return input;
    return json_object_array_get_idx(input, i);
}

static void embedding_write(struct json_object *item, size_t index,
                            bool as_base64, struct text *out)
{
    const char *s = json_object_get_string(item);
    float v[DIMENSIONS];

    vector_of(v, s == NULL ? "null" : s);
    text_fmt(out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":",
             index == 0 ? "" : ",", index);
    if (as_base64)
        vector_base64(v, out);
    else
        vector_list(v, out);
    text_str(out, "}");
}

bool embeddings_body(struct json_object *json, bool counts_tokens,
                     struct text *out)
{
    int64_t tokens;
    const char *model;
    struct json_object *input;
    size_t count;
    size_t i;

    model = json_object_get_string(json_object_object_get(json, "model"));
    if (!json_object_object_get_ex(json, "input", &input) || input == NULL)
        return false;
    count = input_count(input);
    if (count < 1 || count > INPUTS_MAX)
        return false;
    text_str(out, "{\"object\":\"list\",\"data\":[");
    for (i = 0; i < count; i++)
        embedding_write(input_nth(input, i), i, wants_base64(json), out);
    text_str(out, "],\"model\":");
    text_json(out, model);
    tokens = counts_tokens ? tokens_of_prompt(json) : (int64_t)count;
    text_fmt(out,
             ",\"usage\":{\"prompt_tokens\":%" PRId64
             ",\"total_tokens\":%" PRId64 "}}",
             tokens, tokens);
    return true;
}

/* Highest logit first; equal texts stay in their order. */
static int ranking_compare(const void *a, const void *b)
{
    const struct ranking *x = a;
    const struct ranking *y = b;

    if (x->logit != y->logit)
        return x->logit < y->logit ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

bool ranking_body(struct json_object *json, struct text *out)
{
    struct ranking ranks[512];
    struct json_object *passages;
    size_t count;
    size_t i;

    if (!json_object_object_get_ex(json, "passages", &passages) ||
        !json_object_is_type(passages, json_type_array))
        return false;
    count = json_object_array_length(passages);
    if (count < 1 || count > sizeof(ranks) / sizeof(ranks[0]))
        return false;
    for (i = 0; i < count; i++) {
        const char *s = json_object_to_json_string_ext(
            json_object_array_get_idx(passages, i), JSON_C_TO_STRING_PLAIN);
        float v[DIMENSIONS];

        vector_of(v, s);
        ranks[i] = (struct ranking){i, (double)v[0] * 10 + (double)v[1]};
    }
    qsort(ranks, count, sizeof(ranks[0]), ranking_compare);
    text_str(out, "{\"rankings\":[");
    for (i = 0; i < count; i++)
        text_fmt(out, "%s{\"index\":%zu,\"logit\":%.7f}", i == 0 ? "" : ",",
                 ranks[i].index, ranks[i].logit);
    text_str(out, "]}");
    return true;
}
