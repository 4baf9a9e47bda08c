/* For the tests of fcgi/responses/: a request whose tools are of every kind. */
#ifndef SLUICE_RESPONSES_LAB_H
#define SLUICE_RESPONSES_LAB_H

#include "fcgi/responses/responses.h"
#include "messages_lab.h"

/* Tools p and n__p take a text, n__g is in a namespace. */
static inline void lab_ask(struct responses_got *got)
{
    static const struct messages_ask ask = {.model = NULL};
    struct buf out = {NULL, 0, 0, 0};
    struct buf body = lab_json(
        "{'model':'m','input':'x','tools':[{'type':'custom','name':'p'},{"
        "'type':'namespace','name':'n','tools':[{'type':'function','name':'g'}"
        ",{'type':'custom','name':'p'}]}]}");
    struct messages_fault fault;

    CU_ASSERT_EQUAL(
        responses_request(buf_head(&body), body.len, &ask, &out, got, &fault),
        0);
    buf_free(&got->echo); /* test_responses_request.c has it */
    buf_free(&body);
    buf_free(&out);
}

#endif
