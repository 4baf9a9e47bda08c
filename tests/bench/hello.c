/*
 * hello.c - what does FastCGI under lighttpd cost when nothing is done?
 *
 * The plainest responder there is: libfcgi's loop, the body read and thrown
 * away, a small JSON answer.  The benchmarks run it under the same lighttpd,
 * with as many workers as Sluice.
 */
#include <fcgiapp.h>
#include <stdlib.h>

static const char answer[] =
    "Content-Type: application/json\r\nContent-Length: 42\r\n\r\n"
    "{\"object\":\"chat.completion\",\"hello\":\"you\"}";

int main(void)
{
    FCGX_Request r;
    char dump[4096];

    if (FCGX_Init() != 0 || FCGX_InitRequest(&r, 0, 0) != 0)
        return EXIT_FAILURE;
    while (FCGX_Accept_r(&r) == 0) {
        while (FCGX_GetStr(dump, sizeof(dump), r.in) > 0)
            continue;
        FCGX_PutStr(answer, (int)sizeof(answer) - 1, r.out);
        FCGX_Finish_r(&r);
    }
    return EXIT_SUCCESS;
}
