/*
 * What is asked in Messages' words is asked of the upstream: random requests,
 * told back by an inverse of ours (talk_back.c), say what they said, less what
 * README.md of fcgi/messages/ says is lost (talk_kept.c, talk_turns.c).
 */
#include "dice.h"
#include "lib/base.h"
#include "lib/json_strict.h"
#include "messages_lab.h"
#include "talk.h"

#define TALKS 10000

struct trial {
    struct messages_ask ask;
    unsigned ways; /* to say whether to think */
    struct json_object *asked, *want, *have;
    struct buf body, chat;
    struct messages_got got;
    struct messages_fault fault;
};

static void make(struct trial *t, uint64_t seed, size_t turns)
{
    memset(t, 0, sizeof(*t));
    dice_seed(seed);
    t->ask = talk_ask();
    t->ways = (unsigned)dice_to(4);
    t->asked = talk_make(turns);
    t->want = talk_kept(t->asked, &t->ask, t->ways);
    dice_write(&t->body, t->asked);
    buf_add(&t->body, "", 1);
}

static void drop(struct trial *t)
{
    json_object_put(t->asked);
    json_object_put(t->want);
    json_object_put(t->have);
    buf_free(&t->body);
    buf_free(&t->chat);
}

/* What the caller learns: a name may be cut, and these are not so long. */
static bool is_told(const struct trial *t)
{
    struct json_object *user =
        talk_get(talk_get(t->asked, "metadata"), "user_id");
    struct json_object *thinking = talk_get(t->asked, "thinking");
    enum messages_shown shown = talk_is(thinking, "disabled") ? SHOWN_NOT
                                : thinking != NULL            ? SHOWN_ALL
                                                              : SHOWN_UNSAID;

    return talk_is_word(talk_get(t->asked, "model"), t->got.model) &&
           strcmp(t->got.user,
                  user == NULL ? "" : json_object_get_string(user)) == 0 &&
           t->got.shown == shown &&
           t->got.stream == (talk_get(t->want, "stream") != NULL) &&
           t->got.has_stops == (talk_get(t->want, "stop_sequences") != NULL);
}

static bool holds(struct trial *t)
{
    struct json_object *chat;
    int rc = messages_request(buf_head(&t->body), t->body.len - 1, &t->ask,
                              &t->chat, &t->got, &t->fault);

    if (rc != 0)
        return t->want == NULL && t->fault.status == 400 && t->chat.len == 0;
    lab_think(&t->chat, t->got.thinks, t->got.effort, t->ways);
    buf_add(&t->chat, "", 1);
    chat = json_strict_object(buf_head(&t->chat), t->chat.len - 1);
    if (chat == NULL)
        return false;
    t->have = talk_back(chat);
    json_object_put(chat);
    return t->want != NULL && talk_is_same(t->want, t->have) && is_told(t);
}

static bool holds_for(uint64_t seed, size_t turns, bool tells, size_t *asked)
{
    struct trial t;
    bool fine;

    make(&t, seed, turns);
    fine = holds(&t);
    *asked += t.want != NULL;
    if (tells)
        printf("\n    seed %llu, %zu turns: %s%s\n    chat %s\n    want %s\n"
               "    have %s\n",
               (unsigned long long)seed, turns, buf_head(&t.body),
               t.fault.words, t.chat.len > 0 ? buf_head(&t.chat) : "",
               json_object_to_json_string(t.want),
               json_object_to_json_string(t.have));
    drop(&t);
    return fine;
}

/* The same conversation, half of it at a time, for as long as that fails. */
static void tell(uint64_t seed, size_t turns)
{
    size_t n = 0;

    while (turns > 1 && !holds_for(seed, turns / 2, false, &n))
        turns /= 2;
    (void)holds_for(seed, turns, true, &n);
}

static void a_request_says_what_it_said(void)
{
    size_t held = 0, asked = 0;
    uint64_t seed;

    for (seed = 1; seed <= TALKS; seed++) {
        size_t turns = 1 + 2 * (seed % 4) + (seed % 11 == 0);

        if (!holds_for(seed, turns, false, &asked)) {
            tell(seed, turns);
            break;
        }
        held++;
    }
    CU_ASSERT_EQUAL(held, TALKS);
    CU_ASSERT_TRUE(asked > TALKS * 3 / 4); /* the others are refused */
}

CU_ErrorCode test_messages_round_add(void)
{
    static const struct unit_test tests[] = {
        {"a request says in the other words what it said",
         a_request_says_what_it_said},
        {NULL, NULL}};

    return unit_add("messages_round", tests);
}
