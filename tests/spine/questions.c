/*
 * questions.c - pages that ask the upstreams before they answer: the list of
 * models, and whether we are ready.  Neither costs a slot.
 */
#include <string.h>

#include "fcgi/config/bounds.h"
#include "fcgi/pages/key_ask.h"
#include "fcgi/pages/models.h"
#include "fcgi/upstream/listed.h"
#include "spine.h"
#include "stage.h"

#define JSON      "Content-Type: application/json\n"
#define LIST(ids) "{\"object\":\"list\",\"data\":[" ids "]}"
#define MODEL(id) "{\"id\":\"" id "\"}"
#define TWO                                                                    \
    "{'upstreams':[{'name':'one','base_url':'http://127.0.0.1:1',"             \
    "'models':['x/*']},{'name':'two','base_url':'http://127.0.0.1:2'}]}"

static void asks_for_models(struct stage *st)
{
    stage_ask(st, "GET", "/v1/models", NULL);
}

/* ---- who lists what ----------------------------------------------------------- */

static enum listed_word has(const struct stage *st, size_t upstream,
                            const char *model)
{
    return listed_has(st->s.listed, upstream, model);
}

static void each_list_is_kept_by_itself(void)
{
    struct stage *st = stage_new(TWO);

    models_watch(st->s.models);
    CU_ASSERT_EQUAL(has(st, 0, "x/a"), LISTED_UNKNOWN);
    stage_answer(st, 200, JSON, LIST(MODEL("x/a") "," MODEL("x/b")));
    CU_ASSERT_EQUAL(has(st, 0, "x/a"), LISTED_YES);
    CU_ASSERT_EQUAL(has(st, 0, "c"), LISTED_NO);
    CU_ASSERT_EQUAL(has(st, 1, "c"), LISTED_UNKNOWN);
    stage_answer(st, 200, JSON, LIST(MODEL("c")));
    CU_ASSERT_EQUAL(has(st, 1, "c"), LISTED_YES);
    CU_ASSERT_EQUAL(has(st, 1, "x/a"), LISTED_NO);
    CU_ASSERT_EQUAL(has(st, 0, "c"), LISTED_NO);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 2);
    stage_free(st);
}

static void it_is_asked_where_there_is_a_choice(void)
{
    struct stage *st = stage_new(NULL);

    models_watch(st->s.models);
    stage_pass(st, 300000);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 0);
    stage_free(st);
    st = stage_new("{'fallbacks':{'a':['b']}}");
    models_watch(st->s.models);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 1);
    stage_free(st);
}

/* Asked for anew after five minutes; forgotten after an hour without. */
static void what_is_listed_grows_old(void)
{
    struct stage *st = stage_new("{'fallbacks':{'a':['b']}}");
    int i;

    models_watch(st->s.models);
    stage_answer(st, 200, JSON, LIST(MODEL("a")));
    stage_pass(st, 299999);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 1);
    stage_pass(st, 1);
    for (i = 2; i < 14; i++) {
        CU_ASSERT_EQUAL_FATAL(fake_started(st->s.up), (uint32_t)i);
        CU_ASSERT_EQUAL(has(st, 0, "a"), LISTED_YES);
        stage_answer(st, 500, JSON, "{}");
        CU_ASSERT_EQUAL(has(st, 0, "a"), LISTED_YES);
        stage_pass(st, 300000);
    }
    CU_ASSERT_EQUAL(has(st, 0, "a"), LISTED_UNKNOWN);
    stage_answer(st, 200, JSON, LIST(MODEL("b")));
    CU_ASSERT_EQUAL(has(st, 0, "a"), LISTED_NO);
    CU_ASSERT_EQUAL(has(st, 0, "b"), LISTED_YES);
    stage_free(st);
}

/* A client's question tells, too; and one under way is not asked twice. */
static void one_question_is_for_both(void)
{
    struct stage *st = stage_new("{'fallbacks':{'a':['b']}}");

    asks_for_models(st);
    models_watch(st->s.models);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 1);
    stage_answer(st, 200, JSON, LIST(MODEL("a")));
    ENDED(st);
    CU_ASSERT_EQUAL(has(st, 0, "a"), LISTED_YES);
    stage_free(st);
}

/* Of what two have, and of what one had the last time. */
static void what_several_have_is_there_once(void)
{
    struct stage *st = stage_new(TWO);

    asks_for_models(st);
    stage_answer(st, 200, JSON, LIST(MODEL("x/a") "," MODEL("x/b")));
    stage_answer(st, 200, JSON, LIST(MODEL("c") "," MODEL("x/b")));
    SAID(st, LIST(MODEL("x/a") "," MODEL("x/b") "," MODEL("c")));
    stage_pass(st, 60001);
    asks_for_models(st);
    stage_answer(st, 500, JSON, "{}");
    stage_answer(st, 200, JSON, LIST(MODEL("c") "," MODEL("x/b")));
    SAID(st, LIST(MODEL("c") "," MODEL("x/b")));
    stage_free(st);
}

/* ---- models --------------------------------------------------------------------- */

static void a_list_is_kept_for_a_minute(void)
{
    struct stage *st = stage_new(NULL);

    asks_for_models(st);
    CU_ASSERT_STRING_EQUAL(fake_ask(st->s.up)->method, "GET");
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_head(&fake_ask(st->s.up)->headers),
                                  "Authorization: Bearer " KEY "\n"));
    stage_answer(st, 200, JSON, LIST(MODEL("a/b")));
    ENDED(st);
    stage_pass(st, 59999);
    asks_for_models(st);
    ENDED(st);
    SAID(st, LIST(MODEL("a/b")));
    CU_ASSERT_EQUAL(fake_started(st->s.up), 1);
    stage_pass(st, 1);
    asks_for_models(st);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 2);
    CU_ASSERT_FALSE(stage_is_over(st));
    stage_free(st);
}

static void one_question_is_for_all(void)
{
    struct stage *st = stage_new(NULL);

    asks_for_models(st);
    asks_for_models(st);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 1);
    stage_answer(st, 200, JSON, LIST(MODEL("a/b")));
    CU_ASSERT_TRUE(stage_is_over(st));
    SAID(st, LIST(MODEL("a/b")));
    CU_ASSERT_EQUAL(st->s.lim->notes, 2);
    stage_free(st);
}

static void one_model_is_looked_up_in_it(void)
{
    struct stage *st = stage_new(NULL);

    stage_ask(st, "GET", "/v1/models/a/b", NULL);
    stage_answer(st, 200, JSON, LIST(MODEL("c") "," MODEL("a/b")));
    ENDED(st);
    SAID(st, "\r\n\r\n" MODEL("a/b") "\n");
    stage_free(st);
}

static void the_lists_of_all_are_put_together(void)
{
    struct stage *st = stage_new(TWO);

    asks_for_models(st);
    CU_ASSERT_STRING_EQUAL(fake_ask(st->s.up)->url,
                           "http://127.0.0.1:1/v1/models");
    stage_answer(st, 200, JSON, LIST(MODEL("x/y")));
    CU_ASSERT_STRING_EQUAL(fake_ask(st->s.up)->url,
                           "http://127.0.0.1:2/v1/models");
    stage_answer(st, 200, JSON, LIST(MODEL("a/b")));
    ENDED(st);
    SAID(st, LIST(MODEL("x/y") "," MODEL("a/b")));
    stage_free(st);
}

static void one_list_is_better_than_none(void)
{
    struct stage *st = stage_new(TWO);

    asks_for_models(st);
    wire_end(st->s.up, END_UNREACHABLE, "");
    stage_answer(st, 200, JSON, LIST(MODEL("a/b")));
    ENDED(st);
    SAID(st, LIST(MODEL("a/b")));
    stage_free(st);
}

/* An answer that is no list, and what is said of it. */
static void no_list(int status, const char *body, const char *said,
                    const char *noted)
{
    struct stage *st = stage_new(NULL);

    asks_for_models(st);
    stage_answer(st, status, JSON, body);
    ENDED(st);
    SAID(st, said);
    NOTED(st, noted);
    stage_free(st);
}

static void what_is_no_list_is_told(void)
{
    static char much[MODELS_BYTES + 2];

    memset(much, ' ', sizeof(much) - 1);
    no_list(401, "{\"detail\":\"no " KEY "\"}",
            "does not accept Sluice's own key (NVIDIA_API_KEY, or "
            "upstreams[].api_key_file): no ****",
            "upstream_error 401 none none x0");
    no_list(500, "{\"detail\":\"oh\"}",
            "answered the question for its models with status 500: oh",
            "upstream_error 500 none none x0");
    no_list(200, "{}", "is no list of models",
            "upstream_error 502 none none x0");
    no_list(200, much, "is no list of models",
            "upstream_error 502 none none x0");
}

/* ---- ready ----------------------------------------------------------------------- */

static void asks_if_ready(struct stage *st)
{
    stage_ask(st, "GET", "/health/ready", NULL);
}

static void ready_once_an_upstream_answers(void)
{
    struct stage *st = stage_new(NULL);

    asks_if_ready(st);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 1);
    stage_answer(st, 200, JSON, LIST(""));
    ENDED(st);
    SAID(st, "Status: 200");
    SAID(st, "{\"ready\":true,\"upstream_reachable\":true,");
    SAID(st, "\"upstream_key_ok\":null,"); /* many give it to anybody */
    TOLD(st, "");
    stage_free(st);
}

static void not_if_it_is_broken(void)
{
    struct stage *st = stage_new(NULL);

    asks_if_ready(st);
    stage_answer(st, 500, NULL, "");
    ENDED(st);
    SAID(st, "Status: 503");
    SAID(st, "the upstream answered GET /v1/models with status 500");
    stage_free(st);
}

static void not_if_it_says_nothing_in_time(void)
{
    struct stage *st = stage_new(NULL);

    asks_if_ready(st);
    stage_pass(st, 4999);
    CU_ASSERT_FALSE(stage_is_over(st));
    stage_pass(st, 1);
    ENDED(st);
    SAID(st, "no upstream answered GET /v1/models within 5 s");
    CU_ASSERT_EQUAL(fake_under_way(st->s.up), 0);
    stage_free(st);
}

static void a_dead_connection_is_no_dead_upstream(void)
{
    struct stage *st = stage_new(NULL);

    asks_if_ready(st);
    CU_ASSERT_FALSE(fake_ask(st->s.up)->fresh);
    wire_send(st->s.up);
    wire_end(st->s.up, END_STALE, "");
    CU_ASSERT_TRUE(fake_ask(st->s.up)->fresh);
    stage_answer(st, 200, JSON, LIST(""));
    ENDED(st);
    SAID(st, "Status: 200");
    stage_free(st);
}

static void any_one_of_them_suffices(void)
{
    struct stage *st = stage_new(TWO);

    asks_if_ready(st);
    CU_ASSERT_EQUAL(fake_under_way(st->s.up), 2);
    stage_answer(st, 200, JSON, LIST(""));
    ENDED(st);
    SAID(st, "Status: 200");
    CU_ASSERT_EQUAL(fake_under_way(st->s.up), 0);
    stage_free(st);
}

static void while_another_worker_asks_we_wait(void)
{
    struct stage *st = stage_new(NULL);

    st->s.lim->ready.probe = PROBE_OTHERS;
    asks_if_ready(st);
    stage_pass(st, 24);
    CU_ASSERT_FALSE(stage_is_over(st));
    CU_ASSERT_EQUAL(fake_started(st->s.up), 0);
    st->s.lim->ready.probe = PROBE_KNOWN;
    st->s.lim->ready.reachable = true;
    stage_pass(st, 1);
    ENDED(st);
    SAID(st, "\"upstream_reachable\":true");
    stage_free(st);
}

static void the_state_is_waited_for(void)
{
    struct stage *st = stage_new(NULL);

    st->s.lim->lost = true;
    asks_if_ready(st);
    stage_pass(st, 1999);
    CU_ASSERT_FALSE(stage_is_over(st));
    stage_pass(st, 2);
    ENDED(st);
    SAID(st, "Status: 503");
    SAID(st, "the shared state cannot be used");
    stage_free(st);
}

static void an_answer_that_cannot_be_kept_is_kept_later(void)
{
    struct stage *st = stage_new(NULL);

    asks_if_ready(st);
    st->s.lim->lost = true;
    stage_answer(st, 200, JSON, LIST(""));
    CU_ASSERT_FALSE(stage_is_over(st));
    st->s.lim->lost = false;
    stage_pass(st, 2);
    ENDED(st);
    SAID(st, "Status: 200");
    stage_free(st);
}

static void who_is_gone_is_not_answered(void)
{
    struct stage *st = stage_new(NULL);

    asks_if_ready(st);
    stage_hang_up(st);
    CU_ASSERT_TRUE(stage_is_over(st));
    stage_answer(st, 200, JSON, LIST(""));
    CU_ASSERT_EQUAL(st->s.lim->ready.status, 200); /* for whoever asks next */
    stage_free(st);
}

/* ---- our key ---------------------------------------------------------------------- */

/* A worker begins, and its first look is over. */
static struct stage *begun(const char *settings)
{
    struct stage *st = stage_new(settings);

    st->s.key_ask = key_ask_start(&st->s);
    stage_pass(st, 1);
    return st;
}

static void end(struct stage *st)
{
    key_ask_free(st->s.key_ask);
    stage_free(st);
}

static void key_says(const struct stage *st, uint32_t words, enum key_word word,
                     uint16_t status)
{
    CU_ASSERT_EQUAL(st->s.lim->key_words, words);
    CU_ASSERT_EQUAL(st->s.lim->keys[0].word, word);
    CU_ASSERT_EQUAL(st->s.lim->keys[0].status, status);
    CU_ASSERT_TRUE(words == 0 || st->s.lim->keys[0].by_list);
}

static void a_list_refuses_our_key(void)
{
    struct stage *st = begun(NULL);

    CU_ASSERT_EQUAL(fake_under_way(st->s.up), 1);
    stage_answer(st, 401, JSON, "{\"error\":{\"message\":\"no: " KEY "\"}}");
    CU_ASSERT_EQUAL(fake_started(st->s.up), 1);
    key_says(st, 1, KEY_REFUSED, 401);
    CU_ASSERT_PTR_NOT_NULL(strstr(st->s.lim->key_message, "no: ****"));
    CU_ASSERT_PTR_NULL(strstr(st->s.lim->key_message, KEY));
    CU_ASSERT_EQUAL(st->s.lim->ready.status, 401); /* the lease is given back */
    CU_ASSERT_TRUE(st->s.lim->ready.reachable);
    end(st);
}

static void a_list_for_anybody_tells_nothing(void)
{
    struct stage *st = begun(NULL);

    stage_answer(st, 200, JSON, LIST(""));
    CU_ASSERT_EQUAL(fake_under_way(st->s.up), 1); /* and without it? */
    CU_ASSERT_EQUAL(st->s.lim->key_words, 0);
    stage_answer(st, 200, JSON, LIST(""));
    CU_ASSERT_EQUAL(fake_started(st->s.up), 2);
    key_says(st, 1, KEY_UNTOLD, 0);
    end(st);
}

static void a_list_that_wants_a_key_takes_ours(void)
{
    struct stage *st = begun(NULL);

    stage_answer(st, 200, JSON, LIST(""));
    stage_answer(st, 401, JSON, "{}");
    key_says(st, 1, KEY_ACCEPTED, 0);
    end(st);
}

static void who_says_nothing_in_time_tells_nothing(void)
{
    struct stage *st = begun(NULL);

    stage_pass(st, 4998);
    CU_ASSERT_EQUAL(fake_under_way(st->s.up), 1);
    stage_pass(st, 2);
    CU_ASSERT_EQUAL(fake_under_way(st->s.up), 0);
    key_says(st, 0, KEY_UNTOLD, 0);
    CU_ASSERT_FALSE(st->s.lim->ready.reachable);
    end(st);
}

static void a_broken_upstream_says_nothing_of_a_key(void)
{
    struct stage *st = begun(NULL);

    stage_answer(st, 502, NULL, "");
    CU_ASSERT_EQUAL(fake_started(st->s.up), 1);
    key_says(st, 1, KEY_UNTOLD, 0);
    CU_ASSERT_EQUAL(st->s.lim->ready.status, 502);
    end(st);
}

static void what_could_not_be_told_is_told_later(void)
{
    struct stage *st = begun(NULL);

    st->s.lim->lost = true;
    stage_answer(st, 401, JSON, "{}");
    key_says(st, 0, KEY_UNTOLD, 0);
    stage_pass(st, 1000);
    st->s.lim->lost = false;
    stage_pass(st, 1000);
    key_says(st, 1, KEY_REFUSED, 401);
    end(st);
}

/* The next worker finds it known, and its key the same. */
static void one_worker_asks_for_all(void)
{
    struct stage *st = stage_new(NULL);

    st->s.lim->ready.probe = PROBE_KNOWN;
    st->s.key_ask = key_ask_start(&st->s);
    stage_pass(st, 1);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 0); /* another may be about to */
    stage_pass(st, 250);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 1); /* nobody knew of this key */
    stage_answer(st, 401, JSON, "{}");
    key_ask_free(st->s.key_ask);
    st->s.lim->ready.probe = PROBE_KNOWN;
    st->s.key_ask = key_ask_start(&st->s);
    stage_pass(st, 1);
    stage_pass(st, 250);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 1);
    end(st);
}

static const struct spine_test tests[] = {
    {"models: a list is kept for a minute", a_list_is_kept_for_a_minute},
    {"models: one question is for all", one_question_is_for_all},
    {"models: one is looked up in it", one_model_is_looked_up_in_it},
    {"models: the lists of all are put together",
     the_lists_of_all_are_put_together},
    {"models: one list is better than none", one_list_is_better_than_none},
    {"models: what is no list is told", what_is_no_list_is_told},
    {"listed: each list is kept by itself", each_list_is_kept_by_itself},
    {"listed: it is asked where there is a choice",
     it_is_asked_where_there_is_a_choice},
    {"models: what several have is there once",
     what_several_have_is_there_once},
    {"listed: what is listed grows old", what_is_listed_grows_old},
    {"listed: one question is for both", one_question_is_for_both},
    {"ready: once an upstream answers", ready_once_an_upstream_answers},
    {"ready: not if it is broken", not_if_it_is_broken},
    {"page: deadline: ready: not if it says nothing in time",
     not_if_it_says_nothing_in_time},
    {"ready: a dead connection is no dead upstream",
     a_dead_connection_is_no_dead_upstream},
    {"ready: any one of them suffices", any_one_of_them_suffices},
    {"ready: while another worker asks we wait",
     while_another_worker_asks_we_wait},
    {"page: state lost: ready: it is waited for", the_state_is_waited_for},
    {"page: state lost: ready: an answer that cannot be kept is kept later",
     an_answer_that_cannot_be_kept_is_kept_later},
    {"key: a list refuses ours", a_list_refuses_our_key},
    {"key: a list for anybody tells nothing", a_list_for_anybody_tells_nothing},
    {"key: a list that wants one takes ours",
     a_list_that_wants_a_key_takes_ours},
    {"key: who says nothing in time tells nothing",
     who_says_nothing_in_time_tells_nothing},
    {"key: a broken upstream says nothing of it",
     a_broken_upstream_says_nothing_of_a_key},
    {"key: what could not be told is told later",
     what_could_not_be_told_is_told_later},
    {"key: one worker asks for all", one_worker_asks_for_all},
    {"page: hang-up: ready: who is gone is not answered",
     who_is_gone_is_not_answered},
    {NULL, NULL},
};

CU_ErrorCode questions_add(void)
{
    return spine_add("questions", tests);
}
