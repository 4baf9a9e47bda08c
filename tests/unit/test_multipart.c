/* Mirrors fcgi/multipart.c: the fields of a form with files. */
#include "fcgi/multipart.h"

#include <string.h>

#include "unit.h"

#define FORM  "multipart/form-data; boundary=XyZ"
#define PART  "--XyZ\r\nContent-Disposition: form-data; name="
#define MODEL PART "\"model\"\r\n\r\nb/whisper\r\n"
#define FILE_                                                                  \
    PART "\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n"     \
         "RI\r\n--XyZ-no\r\n\r\n--Xy\0\r\n\r\nname=\"model\"\r\n"
#define END_ "--XyZ--\r\n"

static void is_model(const char *type, const char *body, size_t len,
                     const char *want)
{
    const char *value = NULL;
    size_t n = 0;
    bool found = multipart_field(type, body, len, "model", &value, &n);

    CU_ASSERT_EQUAL(found, want != NULL);
    if (found && want != NULL) {
        CU_ASSERT_EQUAL(n, strlen(want));
        CU_ASSERT_EQUAL(memcmp(value, want, n), 0);
    }
}

#define IS_MODEL(type, body, want) is_model(type, body, sizeof(body) - 1, want)

static void a_field_is_found_wherever_it_stands(void)
{
    IS_MODEL(FORM, MODEL FILE_ END_, "b/whisper");
    IS_MODEL(FORM, FILE_ MODEL END_, "b/whisper");
    IS_MODEL("Multipart/Form-Data; charset=utf-8; boundary=\"XyZ\"",
             FILE_ MODEL END_, "b/whisper");
    IS_MODEL(FORM, PART "model\r\n\r\n\r\n" END_, "");
    IS_MODEL(FORM,
             "--XyZ \t\r\nX: y\r\nContent-Disposition: form-data; "
             "name=\"model\"\r\n\r\na\r\nb\r\n" END_,
             "a\r\nb");
}

static void what_is_none_is_not_found(void)
{
    size_t n;

    IS_MODEL("application/json", MODEL END_, NULL);
    IS_MODEL("multipart/form-data", MODEL END_, NULL);
    IS_MODEL("multipart/form-data; boundary=", MODEL END_, NULL);
    IS_MODEL("multipart/form-data; boundary=Xy", MODEL END_, NULL);
    IS_MODEL(FORM, "", NULL);
    IS_MODEL(FORM, "--XyZ", NULL);
    IS_MODEL(FORM, "--XyZ\r\n", NULL);
    IS_MODEL(FORM, END_, NULL);
    IS_MODEL(FORM, FILE_ END_ MODEL, NULL);
    IS_MODEL(FORM, "x" MODEL END_, NULL);
    /* a file of that name is none */
    IS_MODEL(FORM, PART "\"model\"; filename=\"m\"\r\n\r\nx\r\n" END_, NULL);
    IS_MODEL(FORM, PART "\"models\"\r\n\r\nx\r\n" END_, NULL);
    IS_MODEL(FORM, PART "\"mode\"\r\n\r\nx\r\n" END_, NULL);
    IS_MODEL(FORM, PART "\"x\"; xname=\"model\"\r\n\r\nx\r\n" END_, NULL);
    /* cut anywhere */
    for (n = 0; n < sizeof(MODEL) - 1; n++)
        is_model(FORM, MODEL, n, NULL);
}

static const struct unit_test tests[] = {
    {"a field is found wherever it stands",
     a_field_is_found_wherever_it_stands},
    {"what is none is not found", what_is_none_is_not_found},
    {NULL, NULL},
};

CU_ErrorCode test_multipart_add(void)
{
    return unit_add("multipart", tests);
}
