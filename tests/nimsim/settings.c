/*
 * settings.c - /sim/config, a row for each setting.
 *
 * A setter gives NULL or what is wrong; it may leave half of itself behind,
 * as settings_patch() puts everything back then.
 */
#include "settings.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"
#include "text.h"

const char *settings_check_requests(int64_t requests)
{
    if (requests < 1 || requests > WINDOW_REQUESTS_MAX)
        return "requests must be 1 to 100000";
    return NULL;
}

const char *settings_check_tokens(int64_t tokens)
{
    if (tokens < 0 || tokens > INT64_C(1000000000000))
        return "tokens must be 0 to 1000000000000";
    return NULL;
}

const char *settings_check_window(double seconds)
{
    if (!(seconds >= 0.001 && seconds <= 86400))
        return "window_s must be 0.001 to 86400";
    return NULL;
}

const char *settings_check_delay(int64_t min_ms, int64_t max_ms)
{
    if (min_ms < 0 || max_ms < min_ms || max_ms > DELAY_MS_MAX)
        return "delay_ms must be [min, max], each 0 to 600000";
    return NULL;
}

/* --- the limiter and the transit --- */

static const char *set_requests(struct sim *sim, struct json_object *value)
{
    int64_t n;
    const char *problem;

    if (!json_object_is_type(value, json_type_int))
        return "requests must be a whole number";
    n = json_object_get_int64(value);
    problem = settings_check_requests(n);
    if (problem == NULL)
        sim->window.requests = n;
    return problem;
}

static const char *set_tokens(struct sim *sim, struct json_object *value)
{
    const char *problem;

    if (!json_object_is_type(value, json_type_int))
        return "tokens must be a whole number";
    problem = settings_check_tokens(json_object_get_int64(value));
    if (problem == NULL)
        sim->tokens = json_object_get_int64(value);
    return problem;
}

static const char *set_refuse_tokens(struct sim *sim, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_boolean))
        return "refuse_tokens must be true or false";
    sim->refuses_tokens = json_object_get_boolean(value);
    return NULL;
}

static const char *set_tell_tokens(struct sim *sim, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_boolean))
        return "tell_tokens must be true or false";
    sim->tells_tokens = json_object_get_boolean(value);
    return NULL;
}

static const char *set_window(struct sim *sim, struct json_object *value)
{
    double seconds;
    const char *problem;

    if (!json_object_is_type(value, json_type_int) &&
        !json_object_is_type(value, json_type_double))
        return "window_s must be a number";
    seconds = json_object_get_double(value);
    problem = settings_check_window(seconds);
    if (problem == NULL)
        sim->window.length_ns = (int64_t)(seconds * 1e9 + 0.5);
    return problem;
}

static const char *set_limiter(struct sim *sim, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string) ||
        !window_kind_parse(&sim->window.kind, json_object_get_string(value)))
        return "limiter must be fixed, sliding or none";
    return NULL;
}

static const char *set_delay(struct sim *sim, struct json_object *value)
{
    struct json_object *min;
    struct json_object *max;
    const char *problem;

    if (!json_object_is_type(value, json_type_array) ||
        json_object_array_length(value) != 2)
        return "delay_ms must be a list of two whole numbers";
    min = json_object_array_get_idx(value, 0);
    max = json_object_array_get_idx(value, 1);
    if (!json_object_is_type(min, json_type_int) ||
        !json_object_is_type(max, json_type_int))
        return "delay_ms must be a list of two whole numbers";
    problem = settings_check_delay(json_object_get_int64(min),
                                   json_object_get_int64(max));
    if (problem == NULL) {
        sim->delay.min_ms = json_object_get_int64(min);
        sim->delay.max_ms = json_object_get_int64(max);
    }
    return problem;
}

static const char *set_retry_after(struct sim *sim, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_boolean))
        return "retry_after must be true or false";
    sim->tells_retry_after = json_object_get_boolean(value);
    return NULL;
}

static const char *set_result_base(struct sim *sim, struct json_object *value)
{
    const char *base = json_object_get_string(value);

    if (!json_object_is_type(value, json_type_string) ||
        strlen(base) >= sizeof(sim->result_base) ||
        base[strcspn(base, " \r\n")] != '\0')
        return "result_base must be a text of less than 256 bytes, such as "
               "http://localhost:8000";
    snprintf(sim->result_base, sizeof(sim->result_base), "%s", base);
    return NULL;
}

/* --- what is ordered --- */

/* A text that fits; *DST is SIZE bytes. */
static bool copy_text(char *dst, size_t size, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string) ||
        strlen(json_object_get_string(value)) >= size)
        return false;
    snprintf(dst, size, "%s", json_object_get_string(value));
    return true;
}

/* A list of at most MAX words into a table of rows. */
static bool copy_list(char (*rows)[ORDERS_WORDS], size_t max, size_t *len,
                      struct json_object *value)
{
    size_t i;

    if (!json_object_is_type(value, json_type_array) ||
        json_object_array_length(value) > max)
        return false;
    *len = json_object_array_length(value);
    for (i = 0; i < *len; i++) {
        if (!copy_text(rows[i], ORDERS_WORDS,
                       json_object_array_get_idx(value, i)))
            return false;
    }
    return true;
}

static const char *set_next(struct sim *sim, struct json_object *value)
{
    struct orders *o = &sim->orders;

    o->next_at = 0;
    if (!copy_list(o->next, ORDERS_NEXT, &o->next_len, value))
        return "next must be a list of at most 256 texts of words";
    return NULL;
}

static const char *set_free(struct sim *sim, struct json_object *value)
{
    struct orders *o = &sim->orders;

    o->free_at = 0;
    if (!copy_list(o->free, ORDERS_KINDS, &o->free_len, value))
        return "free must be a list of at most 32 words";
    return NULL;
}

static const char *set_faults(struct sim *sim, struct json_object *value)
{
    struct orders *o = &sim->orders;
    struct json_object *percent = NULL;
    struct json_object *kinds = NULL;

    if (!json_object_is_type(value, json_type_object) ||
        !json_object_object_get_ex(value, "percent", &percent) ||
        (!json_object_is_type(percent, json_type_int) &&
         !json_object_is_type(percent, json_type_double)) ||
        !(json_object_get_double(percent) >= 0 &&
          json_object_get_double(percent) <= 100))
        return "faults must have a percent of 0 to 100";
    if (!json_object_object_get_ex(value, "kinds", &kinds))
        return "faults must have kinds";
    if (!copy_list(o->kinds, ORDERS_KINDS, &o->kinds_len, kinds))
        return "kinds must be a list of at most 32 texts of words";
    o->percent = json_object_get_double(percent);
    o->state = o->seed;
    return NULL;
}

static const char *set_seed(struct sim *sim, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_int) ||
        json_object_get_int64(value) < 0)
        return "seed must be a whole number";
    sim->orders.seed = (uint64_t)json_object_get_int64(value);
    sim->orders.state = sim->orders.seed;
    return NULL;
}

static const char *set_list(struct sim *sim, struct json_object *value)
{
    if (!copy_text(sim->list, sizeof(sim->list), value))
        return "list must be a text of words";
    return NULL;
}

static const char *set_models(struct sim *sim, struct json_object *value)
{
    static const char wrong[] =
        "models must be an object of at most 64 names with their words";
    struct orders *o = &sim->orders;

    o->models_len = 0;
    if (!json_object_is_type(value, json_type_object) ||
        json_object_object_length(value) > ORDERS_MODELS)
        return wrong;
    json_object_object_foreach(value, name, words)
    {
        size_t i = o->models_len;

        if (strlen(name) >= sizeof(o->models[i].model) ||
            !copy_text(o->models[i].words, ORDERS_WORDS, words))
            return wrong;
        snprintf(o->models[i].model, sizeof(o->models[i].model), "%s", name);
        o->models_len++;
    }
    return NULL;
}

/* --- all of them --- */

/* Those that are named stay: a patch that fails later has added some. */
static const char *set_keys(struct sim *sim, struct json_object *value)
{
    return keys_set(&sim->keys, value);
}

static const struct {
    const char *key;
    const char *(*set)(struct sim *sim, struct json_object *value);
} setters[] = {
    {"requests", set_requests},
    {"window_s", set_window},
    {"limiter", set_limiter},
    {"delay_ms", set_delay},
    {"tokens", set_tokens},
    {"refuse_tokens", set_refuse_tokens},
    {"tell_tokens", set_tell_tokens},
    {"retry_after", set_retry_after},
    {"faults", set_faults},
    {"seed", set_seed},
    {"next", set_next},
    {"free", set_free},
    {"models", set_models},
    {"result_base", set_result_base},
    {"list", set_list},
    {"keys", set_keys},
};

static const char *set_one(struct sim *sim, const char *key,
                           struct json_object *value)
{
    size_t i;

    for (i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
        if (strcmp(setters[i].key, key) == 0)
            return setters[i].set(sim, value);
    }
    return "known settings are requests, window_s, limiter, delay_ms, "
           "tokens, refuse_tokens, tell_tokens, retry_after, faults, seed, "
           "next, free, models, result_base, list and "
           "keys";
}

const char *settings_patch(struct sim *sim, struct json_object *json)
{
    struct sim before = *sim;
    const char *problem = NULL;

    if (!json_object_is_type(json, json_type_object))
        return "the body must be a JSON object";
    json_object_object_foreach(json, key, value)
    {
        if (problem == NULL)
            problem = set_one(sim, key, value);
    }
    if (problem == NULL)
        return NULL;
    sim->window = before.window;
    sim->delay = before.delay;
    sim->tokens = before.tokens;
    sim->refuses_tokens = before.refuses_tokens;
    sim->tells_tokens = before.tells_tokens;
    sim->tells_retry_after = before.tells_retry_after;
    sim->orders = before.orders;
    memcpy(sim->result_base, before.result_base, sizeof(sim->result_base));
    memcpy(sim->list, before.list, sizeof(sim->list));
    return problem;
}

static void write_list(const char (*rows)[ORDERS_WORDS], size_t from, size_t to,
                       struct text *out)
{
    size_t i;

    text_str(out, "[");
    for (i = from; i < to; i++) {
        if (i > from)
            text_str(out, ",");
        text_json(out, rows[i]);
    }
    text_str(out, "]");
}

static void write_orders(const struct orders *o, struct text *out)
{
    size_t i;

    text_fmt(out, ",\"faults\":{\"percent\":%.9g,\"kinds\":", o->percent);
    write_list(o->kinds, 0, o->kinds_len, out);
    text_fmt(out, "},\"seed\":%" PRIu64 ",\"next\":", o->seed);
    write_list(o->next, o->next_at, o->next_len, out);
    text_str(out, ",\"free\":");
    write_list(o->free, 0, o->free_len, out);
    text_str(out, ",\"models\":{");
    for (i = 0; i < o->models_len; i++) {
        if (i > 0)
            text_str(out, ",");
        text_json(out, o->models[i].model);
        text_str(out, ":");
        text_json(out, o->models[i].words);
    }
    text_str(out, "}");
}

void settings_write(const struct sim *sim, struct text *out)
{
    text_fmt(out,
             "{\"requests\":%" PRId64
             ",\"window_s\":%.9g,\"limiter\":\"%s\",\"delay_ms\":[%" PRId64
             ",%" PRId64 "],\"tokens\":%" PRId64
             ",\"refuse_tokens\":%s,\"tell_tokens\":%s,\"retry_after\":%s",
             sim->window.requests, (double)sim->window.length_ns / 1e9,
             window_kind_name(sim->window.kind), sim->delay.min_ms,
             sim->delay.max_ms, sim->tokens,
             sim->refuses_tokens ? "true" : "false",
             sim->tells_tokens ? "true" : "false",
             sim->tells_retry_after ? "true" : "false");
    write_orders(&sim->orders, out);
    text_str(out, ",\"result_base\":");
    text_json(out, sim->result_base);
    text_str(out, ",\"list\":");
    text_json(out, sim->list);
    text_str(out, "}\n");
}
