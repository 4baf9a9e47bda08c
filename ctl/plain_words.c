/*
 * plain_words.c - is this a word that tells nothing of anybody?
 *
 * Those of our own messages, of lighttpd's, and of the system's errors
 * (strerror()).  A name looks like a word, so a line of a log is shown as far as
 * it is made of these, and no further: a word that is missing here costs a
 * reader a gap, one too many could tell a client's name.
 */
#include "ctl/plain_words.h"

#include <string.h>
#include <strings.h>

#include "lib/base.h"

#define ERRORS 134 /* of Linux */

static const char text[] =
    " a accept accepted address again all already an and another answer "
    "answered answers any are as at away backend bad be been before behind "
    "bind body both buffer busy but by byte bytes cannot ceiling changed "
    "changes child clock closed config configuration connect connection could "
    "counts cut damaged data dead denied descriptor descriptors died "
    "directory disk does done down drain drained due ended ends entry error "
    "errors event exists exit exited expired fail failed fault fcgi file "
    "files for found from full generation gone got graceful had has have held "
    "history hold holding host if in into invalid is it its itself key keys "
    "kill killed last later learned length lighttpd limit limits line listen "
    "load lock lost made make many memory missing mode model models more "
    "moved must name never new next no nobody none normal not nothing now of "
    "off old on once one only open opened opening or other out over own "
    "pages paused permission pid port probing process queue reach reached read "
    "reading ready recovering refused reload removed repaired replaced "
    "request requests reset restart resumed retreat same seconds seen send "
    "sent server service set settings shutdown signal sigchld since size "
    "slot sluice socket space spawn spawned start started starting state "
    "statistics status still stop stopped stream terminated than that the "
    "their then there they this time timed times to token too unexpected "
    "unknown until upstream upstreams use used version wait waiting was were "
    "what when which while will window with within without worker workers "
    "would write writes writing wrong yet zero ";

static bool is_in(const char *list, const char *word, size_t n)
{
    const char *p;

    for (p = list; (p = strcasestr(p, word)) != NULL; p += n) {
        bool begins = p == list || p[-1] == ' ';

        if (begins && (p[n] == ' ' || p[n] == '\0'))
            return true;
    }
    return false;
}

bool plain_words_has(const char *word)
{
    size_t n = strlen(word);
    int i;

    if (n == 0)
        return true;
    if (is_in(text, word, n))
        return true;
    for (i = 1; i < ERRORS; i++)
        if (is_in(strerror(i), word, n))
            return true;
    return false;
}
