/*
 * disguise.c - what may somebody else read of this?
 *
 * A report goes to people who must see neither keys nor prompts, nor who works
 * here with which model.  So it is not searched for what is forbidden, it is
 * made of what is allowed:
 *
 *   numbers, true, false, null   as they are
 *   names                        client-1, model-2, the same one throughout
 *   words                        of keys that hold words of ours ("state",
 *                                "cause"), if they look like such
 *   lines of a log               as far as they are plain_words.c's
 *   every other text             its length
 *
 * A field that is new is hidden until somebody allows it here.  And when all is
 * written it is searched after all, for each name and each secret that is known
 * (disguise_last()): a mistake in the rules above shall not tell one.
 *
 * What is not done: to guess.  A secret that a person would see in a text is not looked
 * for with patterns, for the text is not shown.
 */
#include "ctl/disguise.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "ctl/plain_words.h"
#include "lib/base.h"

#define NAMES_MAX 4096 /* clients and models of one state; more are "others" */
#define SHORT     4    /* a name that is shorter is found in every other word */
#define DEPTH_MAX 16

struct known {
    char *text;
    enum disguised kind;
    char alias[24];
};

struct disguise {
    struct known names[NAMES_MAX];
    size_t n, of_kind[NAME_KINDS];
    char *secrets[64];
    size_t n_secrets;
};

static const char *const kinds[NAME_KINDS] = {
    [NAME_CLIENT] = "client",
    [NAME_MODEL] = "model",
    [NAME_UPSTREAM] = "upstream",
    [NAME_PROVIDER] = "provider",
};

/* ---- names ------------------------------------------------------------------- */

struct disguise *disguise_new(void)
{
    struct disguise *d = calloc(1, sizeof(*d));

    CHECK(d != NULL);
    return d;
}

/* Names are not secret on this machine; keys are, and do not stay in memory that
 * is given back. */
void disguise_free(struct disguise *d)
{
    size_t i;

    for (i = 0; d != NULL && i < d->n; i++)
        free(d->names[i].text);
    for (i = 0; d != NULL && i < d->n_secrets; i++) {
        explicit_bzero(d->secrets[i], strlen(d->secrets[i]));
        free(d->secrets[i]);
    }
    free(d);
}

/* Numbered in the order in which they turn up, so that nothing of a name is in
 * its alias: no length, no first letter, no hash that could be tried. */
const char *disguise_name(struct disguise *d, enum disguised kind,
                          const char *name)
{
    struct known *k;
    size_t i;

    if (name == NULL || name[0] == '\0')
        return "";
    for (i = 0; i < d->n; i++)
        if (d->names[i].kind == kind && strcmp(d->names[i].text, name) == 0)
            return d->names[i].alias;
    if (d->n == NAMES_MAX)
        return "others";
    k = &d->names[d->n++];
    k->text = strdup(name);
    CHECK(k->text != NULL);
    k->kind = kind;
    snprintf(k->alias, sizeof(k->alias), "%s-%zu", kinds[kind],
             ++d->of_kind[kind]);
    return k->alias;
}

/* One that is too short to be a key would blank half of the report, and tell by
 * that what it is. */
void disguise_secret(struct disguise *d, const char *text)
{
    if (text == NULL || strlen(text) < SHORT ||
        d->n_secrets == ARRAY_LEN(d->secrets))
        return;
    d->secrets[d->n_secrets] = strdup(text);
    CHECK(d->secrets[d->n_secrets] != NULL);
    d->n_secrets++;
}

/* ---- JSON ----------------------------------------------------------------------- */

/* The kind of name that a text under KEY, in a list called OF, is; NAME_KINDS:
 * none. */
static enum disguised name_kind(const char *of, const char *key)
{
    static const struct {
        const char *of, *key;
        enum disguised kind;
    } known[] = {
        {NULL, "client", NAME_CLIENT},     {"clients", "name", NAME_CLIENT},
        {NULL, "model", NAME_MODEL},       {"models", "name", NAME_MODEL},
        {NULL, "served", NAME_MODEL},      {NULL, "asked", NAME_MODEL},
        {NULL, "upstream", NAME_UPSTREAM}, {NULL, "line", NAME_UPSTREAM},
        {NULL, "pool", NAME_UPSTREAM},     {NULL, "upstreams", NAME_UPSTREAM},
        {NULL, "limit", NAME_UPSTREAM},    {"limits", "name", NAME_UPSTREAM},
        {NULL, "provider", NAME_PROVIDER},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].key, key) == 0 &&
            (known[i].of == NULL || strcmp(known[i].of, of) == 0))
            return known[i].kind;
    return NAME_KINDS;
}

/* Lists of a dozen words: nothing faster is needed. */
static bool is_one_of(const char *text, const char *const *list, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

/* Lower-case, as all words of ours are, and no longer than they. */
static bool is_word(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-");

    return n > 0 && n <= 32 && text[n] == '\0';
}

/* Both have to be right: the key is one of ours, and the text looks like a word of
 * ours.  An upstream's own code ("code") may be anything that fits its shape. */
static bool may_be_told(const char *key, const char *text)
{
    static const char *const keys[] = {
        "state", "kind",    "cause", "outcome", "code",  "priority", "route",
        "event", "version", "level", "action",  "phase", "word",     "tone"};

    return is_one_of(key, keys, ARRAY_LEN(keys)) && is_word(text);
}

/* RFC 3339 as the log writes it, and nothing longer. */
static bool is_moment(const char *key, const char *text)
{
    return strcmp(key, "ts") == 0 && strlen(text) < 32 &&
           text[strspn(text, "0123456789-:.TZ")] == '\0';
}

/* The order matters: a client called "holding" under "client" is a name. */
static void put_text(struct disguise *d, FILE *to, const char *of,
                     const char *key, const char *text)
{
    enum disguised kind = name_kind(of, key);

    if (kind != NAME_KINDS)
        fprintf(to, "\"%s\"", disguise_name(d, kind, text));
    else if (may_be_told(key, text) || is_moment(key, text) || text[0] == '\0')
        fprintf(to, "\"%s\"", text);
    else
        fprintf(to, "\"(%zu characters)\"", strlen(text));
}

/* Maps whose keys are names. */
static bool is_map_of_names(const char *key)
{
    static const char *const maps[] = {"aliases", "model_alias", "fallbacks"};

    return is_one_of(key, maps, ARRAY_LEN(maps));
}

/* A key that is no word of ours is left out with all that is in it: somebody else
 * has made it up. */
static void put_object(struct disguise *d, FILE *to, const char *of,
                       struct json_object *o, int depth)
{
    const char *comma = "";

    fputs("{", to);
    json_object_object_foreach(o, key, value)
    {
        if (!is_word(key))
            continue;
        fprintf(to, "%s\"%s\":", comma, key);
        comma = ",";
        if (json_object_is_type(value, json_type_string))
            put_text(d, to, of, key, json_object_get_string(value));
        else if (is_map_of_names(key))
            fprintf(to, "\"(%d entries)\"", json_object_object_length(value));
        else
            disguise_json(d, to, key, value, depth + 1);
    }
    fputs("}", to);
}

/* Lists of the first level get a line for each element: people read this. */
void disguise_json(struct disguise *d, FILE *to, const char *of,
                   struct json_object *o, int depth)
{
    size_t i, n;

    switch (json_object_get_type(o)) {
    case json_type_object:
        if (depth < DEPTH_MAX)
            put_object(d, to, of, o, depth);
        break;
    case json_type_array:
        n = json_object_array_length(o);
        fputs("[", to);
        for (i = 0; i < n; i++) {
            fputs(i > 0 ? "," : "", to);
            fputs(depth == 1 && n > 1 ? "\n  " : "", to);
            disguise_json(d, to, of, json_object_array_get_idx(o, i),
                          depth + 1);
        }
        fputs("]", to);
        break;
    case json_type_string: /* of a list of them */
        put_text(d, to, "", of, json_object_get_string(o));
        break;
    case json_type_null:
    case json_type_boolean:
    case json_type_double:
    case json_type_int:
        fputs(json_object_to_json_string(o), to);
        break;
    }
}

/* ---- lines -------------------------------------------------------------------------- */

/* A number, or a word that tells nothing, with the signs around it. */
static bool is_harmless(const char *text, size_t n)
{
    static const char signs[] = ",.;:()'";
    char word[32];

    while (n > 0 && strchr(signs, text[0]) != NULL) {
        text++;
        n--;
    }
    while (n > 0 && strchr(signs, text[n - 1]) != NULL)
        n--;
    if (n >= sizeof(word))
        return false;
    snprintf(word, sizeof(word), "%.*s", (int)n, text);
    return (n <= 12 && strspn(word, "0123456789.:-%") == n) ||
           plain_words_has(word);
}

/* What is between quotes is somebody's, whatever words it is made of; an odd one
 * opens a quotation that the next odd one ends. */
void disguise_line(FILE *to, const char *text)
{
    bool quoted = false;

    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        size_t quotes = 0, i;

        for (i = 0; i < n; i++)
            quotes += text[i] == '"';
        if (quoted || quotes > 0 || !is_harmless(text, n))
            fputs("(...)", to);
        else
            fwrite(text, 1, n, to);
        quoted ^= quotes % 2 == 1;
        text += n;
        for (; *text == ' '; text++)
            fputc(' ', to);
    }
}

/* NAME="VALUE" of a series' labels. */
static void put_label(struct disguise *d, FILE *to, const char *name,
                      const char *value)
{
    static const char *const ours[] = {"route", "code",    "reason",  "outcome",
                                       "phase", "kind",    "cause",   "state",
                                       "le",    "version", "priority"};
    enum disguised kind = name_kind("", name);

    if (kind == NAME_PROVIDER && strcmp(value, "other") == 0)
        fprintf(to, "%s=\"other\"", name);
    else if (kind != NAME_KINDS)
        fprintf(to, "%s=\"%s\"", name, disguise_name(d, kind, value));
    else if (is_one_of(name, ours, ARRAY_LEN(ours)) &&
             (is_word(value) || strcmp(value, "+Inf") == 0))
        fprintf(to, "%s=\"%s\"", name, value);
    else
        fprintf(to, "%s=\"...\"", name);
}

/* From the brace on; what is behind the labels. */
static char *put_labels(struct disguise *d, FILE *to, char *p)
{
    fputc('{', to);
    for (p++; *p != '}' && *p != '\0';) {
        char *name = p, *value;

        p += strcspn(p, "=");
        if (p[0] != '=' || p[1] != '"')
            return NULL;
        *p = '\0';
        value = p + 2;
        for (p = value; *p != '"' && *p != '\0'; p++)
            p += *p == '\\' && p[1] != '\0';
        if (*p == '\0')
            return NULL;
        *p++ = '\0';
        put_label(d, to, name, value);
        if (*p == ',')
            fputc(*p++, to);
    }
    fputc('}', to);
    return *p == '}' ? p + 1 : NULL;
}

/* Nine in ten series of a young Sluice are. */
static bool is_zero(const char *line)
{
    const char *value = strrchr(line, ' ');

    return value != NULL && strtod(value + 1, NULL) == 0.0;
}

/* Without # HELP and # TYPE: who reads this has fcgi/README.md. */
void disguise_metrics(struct disguise *d, FILE *to, const char *text)
{
    char *copy = strdup(text), *line, *rest, *save = NULL;

    CHECK(copy != NULL);
    for (line = strtok_r(copy, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (line[0] == '#' || is_zero(line))
            continue;
        rest = line + strcspn(line, "{ ");
        fwrite(line, 1, (size_t)(rest - line), to);
        if (*rest == '{')
            rest = put_labels(d, to, rest);
        fprintf(to, "%s\n", rest != NULL ? rest : " ?");
    }
    free(copy);
}

/* ---- at last --------------------------------------------------------------------------- */

/* In whichever case, in the middle of a word too: rather a hole too many. */
static void blank(char *text, const char *what)
{
    size_t n = strlen(what);
    char *p = text;

    while ((p = strcasestr(p, what)) != NULL) {
        memset(p, '#', n);
        p += n;
    }
}

void disguise_last(struct disguise *d, char *text)
{
    size_t i;

    for (i = 0; i < d->n_secrets; i++)
        blank(text, d->secrets[i]);
    for (i = 0; i < d->n; i++)
        if (strlen(d->names[i].text) >= SHORT)
            blank(text, d->names[i].text);
}
