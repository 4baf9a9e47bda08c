/*
 * notes.c - what is told of a request when it is over: its line in the log, its
 * note, its times and tokens.
 */
#include <string.h>

#include "house.h"
#include "spine.h"
#include "stage.h"

#define JSON "Content-Type: application/json\n"

static void in_line(struct stage *st)
{
    stage_chat(st, false);
    fake_wait(st->s.lim, 3, 7 * NS_PER_S);
    stage_settle(st);
}

static void logs(const char *wanted)
{
    const char *is = house_log();

    if (strstr(is, wanted) == NULL)
        printf("\n    should be logged: %s\n    is: %s\n", wanted, is);
    CU_ASSERT_PTR_NOT_NULL(strstr(is, wanted));
}

static void a_line_is_logged(void)
{
    struct stage *st = stage_new(NULL);

    in_line(st);
    stage_pass(st, 2000);
    stage_grant(st);
    stage_pass(st, 500);
    (void)house_log();
    stage_answer(st, 200, JSON "NVCF-REQID: n-1\n",
                 "{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}");
    logs("\"event\":\"request\"");
    stage_free(st);
}

static void with_what_it_took(void)
{
    struct stage *st = stage_new(NULL);

    in_line(st);
    stage_pass(st, 2000);
    stage_grant(st);
    stage_pass(st, 500);
    (void)house_log();
    stage_answer(st, 200, JSON "NVCF-REQID: n-1\n",
                 "{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}");
    logs("\"route\":\"chat\",\"model\":\"a/b\",\"provider\":\"a\","
         "\"stream\":false,\"status\":200,\"queue_ms\":2000,\"ttfb_ms\":500,"
         "\"total_ms\":2500,\"attempts\":1,");
    stage_free(st);
}

static void and_how_a_client_went(void)
{
    struct stage *st = stage_new(NULL);

    in_line(st);
    (void)house_log();
    stage_hang_up(st);
    logs("\"phase\":\"queue\",\"total_ms\":0,\"attempts\":0");
    stage_free(st);
}

static const struct spine_test tests[] = {
    {"settle: normal: a line is logged", a_line_is_logged},
    {"settle: normal: with what it took", with_what_it_took},
    {"settle: normal: and how a client went", and_how_a_client_went},
    {NULL, NULL},
};

CU_ErrorCode notes_add(void)
{
    return spine_add("notes", tests);
}
