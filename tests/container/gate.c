/*
 * gate.c - what the test puts beside an image that has no shell.
 *
 *   gate [--wait] [NAME=VALUE ...] COMMAND [ARGUMENT ...]
 *
 * Sets the variables and becomes the command; with --wait once a line has come,
 * so that the test sees the first process before it does anything.  Static: the
 * image's libraries are what is tested.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int i = 1;
    char c = 0;

    if (i < argc && strcmp(argv[i], "--wait") == 0)
        i++;
    for (; i < argc && strchr(argv[i], '=') != NULL; i++)
        if (putenv(argv[i]) != 0)
            return 1;
    if (argc > 1 && strcmp(argv[1], "--wait") == 0) {
        /* Its own environment is what the test looks for. */
        char *again[64];
        int n = 0, k;

        again[n++] = argv[0];
        again[n++] = "--go";
        for (k = i; k < argc && n < 63; k++)
            again[n++] = argv[k];
        again[n] = NULL;
        execv("/proc/self/exe", again);
        return 1;
    }
    if (i < argc && strcmp(argv[i], "--go") == 0) {
        i++;
        while (c != '\n' && read(STDIN_FILENO, &c, 1) == 1)
            ;
    }
    if (i < argc)
        execvp(argv[i], argv + i);
    return 127;
}
