/* Mirrors state/view_verdict.c: each word in its state, the most serious first. */
#include "state/view_verdict.h"

#include <string.h>

#include "lab.h"
#include "unit.h"

#define NOW_MS INT64_C(1790000000000)

/* A service that is well and idle, with one upstream. */
struct scene {
    struct limiter_view v;
    struct view_scope scopes[2];
    struct view_row rows[20];
    struct view_worker workers[2];
    struct view_recent recent[10];
};

static void begin(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    s->v = (struct limiter_view){.paused_ns = -1,
                                 .n_scopes = 1,
                                 .n_workers = 2,
                                 .bounds = {.waiting = 500},
                                 .scopes = s->scopes,
                                 .rows = s->rows,
                                 .workers = s->workers,
                                 .recent = s->recent};
    s->scopes[0] = (struct view_scope){
        .name = "nim",
        .rules = {.name = "nim", .requests = 40, .window_ns = 60 * NS_PER_S},
        .key = {.since_ns = -1},
        .unpaid = {.ends_ns = -1},
        .retreat = {.ends_ns = -1}};
}

static void wait_for(struct scene *s, enum wait_cause cause, uint32_t n)
{
    while (n-- > 0)
        s->rows[s->v.n_rows++] = (struct view_row){.waiting = true,
                                                   .cause = cause,
                                                   .model = "a/busy",
                                                   .client = "ci",
                                                   .eta_ns = 7 * NS_PER_S};
}

static void hold(struct scene *s, enum ejection_cause cause)
{
    s->scopes[0].unpaid =
        (struct view_bench){.ends_ns = 20 * NS_PER_S, .cause = cause};
    strcpy(s->scopes[0].unpaid.reason, "no credit");
}

static void retreat(struct scene *s, enum retreat_state state)
{
    s->scopes[0].retreat = (struct view_retreat){
        .state = state, .ends_ns = 12 * NS_PER_S, .allowance = 9};
    strcpy(s->scopes[0].retreat.reason, "too many requests");
}

static void set_idle(struct scene *s)
{
    (void)s;
}
static void set_running(struct scene *s)
{
    s->v.n_rows = 3;
}
static void set_window(struct scene *s)
{
    s->scopes[0].used = 40;
    wait_for(s, WAITS_WINDOW, 5);
}
static void set_model(struct scene *s)
{
    wait_for(s, WAITS_WINDOW, 3);
    wait_for(s, WAITS_MODEL, 4);
}
static void set_client(struct scene *s)
{
    wait_for(s, WAITS_CLIENT, 4);
}
static void set_concurrency(struct scene *s)
{
    wait_for(s, WAITS_CONCURRENCY, 4);
}
static void set_tokens(struct scene *s)
{
    wait_for(s, WAITS_TOKENS, 4);
}
static void set_gap(struct scene *s)
{
    wait_for(s, WAITS_GAP, 4);
}
static void set_retry(struct scene *s)
{
    wait_for(s, WAITS_RETRY, 4);
}
static void set_learned(struct scene *s)
{
    set_window(s);
    s->scopes[0].learned =
        (struct view_learned){.kind = LEARNED_WINDOW, .requests = 22};
}
static void set_failing(struct scene *s)
{
    uint32_t i;

    for (i = 0; i < 10; i++)
        s->recent[i] = (struct view_recent){
            .at_ms = NOW_MS - 1000,
            .outcome = i < 3 ? OUTCOME_UPSTREAM_ERROR : OUTCOME_OK};
    s->v.n_recent = 10;
}
static void set_recovering(struct scene *s)
{
    set_model(s);
    retreat(s, RETREAT_RECOVERING);
}
static void set_full(struct scene *s)
{
    set_recovering(s);
    s->v.bounds.waiting = 7;
}
static void set_hold(struct scene *s)
{
    set_full(s);
    retreat(s, RETREAT_HOLDING);
}
static void set_probing(struct scene *s)
{
    retreat(s, RETREAT_PROBING);
}
static void set_away(struct scene *s)
{
    set_hold(s);
    hold(s, EJECTED_AWAY);
}
static void set_unpaid(struct scene *s)
{
    set_hold(s);
    hold(s, EJECTED_UNPAID);
}
static void set_key(struct scene *s)
{
    set_unpaid(s);
    s->scopes[0].key = (struct view_key){
        .word = KEY_REFUSED, .status = 403, .since_ns = 30 * NS_PER_S};
    strcpy(s->scopes[0].key.message, "Authorization failed");
}
static void set_paused(struct scene *s)
{
    set_key(s);
    s->v.paused_ns = 90 * NS_PER_S;
    strcpy(s->v.paused_by, "127.0.0.1");
}
static void set_store(struct scene *s)
{
    set_paused(s);
    s->v.store.state = 2; /* STORE_LOST */
}
static void set_new_state(struct scene *s)
{
    set_store(s);
    s->v.n_rows = 0;
    wait_for(s, WAITS_STATE, 4);
}
static void set_stalled(struct scene *s)
{
    set_new_state(s);
    s->workers[0].stalled = s->workers[1].stalled = true;
}

/* From the most serious one down: each scene has what those below it have. */
static const struct {
    const char *word;
    enum view_tone tone;
    void (*set)(struct scene *s);
    const char *title, *reason; /* begin so, and have that in it */
    bool has_next;
} rows[] = {
    {"state_trouble", TONE_BAD, set_stalled, "No worker answers", "2 workers",
     true},
    {"state_trouble", TONE_BAD, set_new_state, "4 wait because the shared",
     "in 7 s", true},
    {"store_lost", TONE_BAD, set_store, "The store that all", "shared.on_loss",
     true},
    {"paused", TONE_HOLD, set_paused, "Sluice is paused",
     "127.0.0.1 paused it 2 min ago", true},
    {"key_refused", TONE_BAD, set_key, "The upstream nim refuses our key",
     "answered 403 for 30 s: Authorization failed", true},
    {"unpaid", TONE_HOLD, set_unpaid, "The upstream nim wants to be paid",
     "no credit", true},
    {"upstream_away", TONE_BAD, set_away, "The upstream nim does not answer",
     "in 20 s", true},
    {"hold", TONE_HOLD, set_hold, "nim said 429", "in 12 s", true},
    {"hold", TONE_HOLD, set_probing, "nim said 429: one", "too many requests",
     true},
    {"queue_nearly_full", TONE_BAD, set_full, "The queue is nearly full: 7 of",
     "sluice_queue_full", true},
    {"recovering", TONE_WAIT, set_recovering, "nim is being tried at 9 of 40",
     "too many requests", true},
    {"failing", TONE_BAD, set_failing, "3 of the last 10", "upstream_error",
     true},
    {"busy_model", TONE_WAIT, set_model, "4 of 7 wait for a/busy", "in 7 s",
     true},
    {"client_limit", TONE_WAIT, set_client,
     "4 of 4 wait for the limit of the "
     "client ci",
     "in 7 s", true},
    {"concurrency", TONE_WAIT, set_concurrency, "4 wait until others at nim",
     "in_flight", true},
    {"tokens", TONE_WAIT, set_tokens, "4 wait for the limit in tokens of nim",
     "tokens_per_min", true},
    {"gap", TONE_WAIT, set_gap, "4 wait for their turn", "min_gap_ms", false},
    {"retry", TONE_WAIT, set_retry, "4 are about to be tried again", "in 7 s",
     true},
    {"learned_lower", TONE_WAIT, set_learned,
     "nim takes fewer than is set: "
     "about 22 of 40",
     "pass in 60 s; 40 are set", true},
    {"window", TONE_WAIT, set_window, "5 wait for the window", "40 requests",
     false},
    {"running", TONE_FINE, set_running, "Nobody waits; 3", "at once", false},
    {"idle", TONE_FINE, set_idle, "Nobody waits.", "at once", false},
};

static void each_state_has_its_word_reason_and_next_step(void)
{
    static struct scene s;
    struct view_verdict got;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        begin(&s);
        rows[i].set(&s);
        view_verdict(&s.v, NOW_MS, &got);
        if (strcmp(got.word, rows[i].word) != 0 ||
            strncmp(got.title, rows[i].title, strlen(rows[i].title)) != 0 ||
            strstr(got.reason, rows[i].reason) == NULL)
            printf("\n    %s: %s | %s | %s\n", rows[i].word, got.word,
                   got.title, got.reason);
        CU_ASSERT_STRING_EQUAL(got.word, rows[i].word);
        CU_ASSERT_EQUAL(got.tone, rows[i].tone);
        CU_ASSERT_EQUAL(
            strncmp(got.title, rows[i].title, strlen(rows[i].title)), 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(got.reason, rows[i].reason));
        CU_ASSERT_EQUAL(got.next_step[0] != '\0', rows[i].has_next);
        CU_ASSERT_PTR_NULL(strchr(got.title, '{'));
        CU_ASSERT_PTR_NULL(strchr(got.reason, '{'));
        CU_ASSERT_PTR_NULL(strchr(got.next_step, '{'));
    }
}

/* A row of the table that no scene reaches would be tested by nobody. */
static void no_row_is_left_out(void)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        CU_ASSERT_STRING_EQUAL(view_verdict_word((uint32_t)i), rows[i].word);
    CU_ASSERT_PTR_NULL(view_verdict_word(ARRAY_LEN(rows)));
}

/* Nothing gets through: that is not said of the fifth, but of the second; and what
 * was said of it, not only its kind. */
static void that_all_fails_is_seen_early(void)
{
    static const char code[] = "sluice_upstream_unreachable";
    static struct scene s;
    struct view_verdict got;

    begin(&s);
    s.recent[0] = s.recent[1] = (struct view_recent){
        .at_ms = NOW_MS - 1000, .outcome = OUTCOME_UPSTREAM_ERROR};
    memcpy(s.recent[1].code, code, sizeof(code));
    s.v.n_recent = 1;
    view_verdict(&s.v, NOW_MS, &got);
    CU_ASSERT_STRING_EQUAL(got.word, "idle"); /* once is chance */
    s.v.n_recent = 2;
    view_verdict(&s.v, NOW_MS, &got);
    CU_ASSERT_STRING_EQUAL(got.word, "failing");
    CU_ASSERT_PTR_NOT_NULL(strstr(got.reason, code));
    s.recent[0].outcome = OUTCOME_OK;
    view_verdict(&s.v, NOW_MS, &got);
    CU_ASSERT_STRING_EQUAL(got.word, "idle");
}

/* Nobody waits, and the window is full all the same. */
static void idle_is_not_at_once(void)
{
    static struct scene s;
    struct view_verdict got;

    begin(&s);
    view_verdict(&s.v, NOW_MS, &got);
    CU_ASSERT_STRING_EQUAL(got.reason, "Whoever comes now goes at once.");
    s.scopes[0].eta_ns = 29 * NS_PER_S;
    view_verdict(&s.v, NOW_MS, &got);
    CU_ASSERT_STRING_EQUAL(got.reason, "Whoever comes now goes in 29 s.");
    s.v.n_scopes = 2; /* by the other way */
    s.scopes[1] = s.scopes[0];
    s.scopes[1].eta_ns = 2 * NS_PER_S;
    view_verdict(&s.v, NOW_MS, &got);
    CU_ASSERT_STRING_EQUAL(got.reason, "Whoever comes now goes in 2 s.");
}

static void it_says_whose_it_is(void)
{
    static struct scene s;
    struct view_verdict got;

    begin(&s);
    set_model(&s);
    view_verdict(&s.v, NOW_MS, &got);
    CU_ASSERT_STRING_EQUAL(got.upstream, "nim");
    CU_ASSERT_STRING_EQUAL(got.model, "a/busy");
    CU_ASSERT_STRING_EQUAL(got.client, "");
    CU_ASSERT_EQUAL(got.waiting, 4);
    CU_ASSERT_EQUAL(got.ends_ns, 7 * NS_PER_S);
    begin(&s);
    view_verdict(&s.v, NOW_MS, &got);
    CU_ASSERT_STRING_EQUAL(got.upstream, "");
    CU_ASSERT_EQUAL(got.ends_ns, -1);
}

/* Words of others are cut, and leave no gap unfilled. */
static void long_words_are_cut(void)
{
    static struct scene s;
    struct view_verdict got;

    begin(&s);
    set_key(&s);
    memset(s.scopes[0].key.message, '{', sizeof(s.scopes[0].key.message) - 1);
    view_verdict(&s.v, NOW_MS, &got);
    CU_ASSERT_TRUE(strlen(got.reason) < sizeof(got.reason));
    s.scopes[0].key.message[0] = '\0';
    view_verdict(&s.v, NOW_MS, &got);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.reason, "did not say why"));
}

static const struct unit_test tests[] = {
    {"each state has its word, reason and next step",
     each_state_has_its_word_reason_and_next_step},
    {"no row is left out", no_row_is_left_out},
    {"that all fails is seen early", that_all_fails_is_seen_early},
    {"idle is not at once", idle_is_not_at_once},
    {"it says whose it is", it_says_whose_it_is},
    {"long words are cut", long_words_are_cut},
    {NULL, NULL},
};

CU_ErrorCode test_view_verdict_add(void)
{
    return unit_add("view_verdict", tests);
}
