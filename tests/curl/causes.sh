#!/bin/bash
# Why each waits, grouped, and how it stands in a word: as the limiter decides it;
# and of how many answers the sums of tokens are.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

status() { curl -s "$url/api/status" | jq -rc "$1"; }
causes() { status '[.waiting_by_cause[] | "\(.cause) \(.waiting)"] | join(", ")'; }
causes_are() { [ "$(causes)" = "$1" ]; }
word() { status .verdict.word; }
word_is() { [ "$(word)" = "$1" ]; }
# crowd COUNT MODEL [CURL-OPTION...]: so many that wait for an answer; end_crowd.
crowd() {
    local i n=$1 model=$2
    shift 2
    for ((i = 0; i < n; i++)); do
        curl -s -o /dev/null --max-time 120 "$url/v1/chat/completions" -H 'Content-Type: application/json' "$@" \
            -d "{\"model\":\"$model\",\"messages\":[]}" &
        clients+=($!)
    done
}
end_crowd() {
    kill "${clients[@]}" 2>/dev/null
    wait "${clients[@]}" 2>/dev/null
    clients=()
}
clients=()

start_sim --limiter none
start_sluice main SLUICE_REQUESTS=60 SLUICE_WINDOW_S=600 NVIDIA_API_KEY=practice

# ---- idle, running ----------------------------------------------------------------
is "nobody waits, for nothing" "idle []" "$(word) $(status .waiting_by_cause)"
is "there is nothing to do" null "$(status .verdict.next_step)"

# ---- a model with three workers -------------------------------------------------------
# Fifty come, the model takes three at once, the window has room for more: it is not
# the window that they wait for.
slow=sim/workers-3+slow-20000
crowd 20 "$slow"
model_is_known() { [ "$(status "[.models[] | select(.name == \"$slow\").ceiling] | add")" -gt 0 ]; }
check "the model's ceiling is found" wait_for 10 model_is_known
all_for_model() { [ "$(status '[.waiting_by_cause[].cause] | unique')" = '["model"]' ]; }
check "all that wait, wait for the model" wait_for 10 all_for_model
is "it is named, and its upstream" "$slow nim" "$(status '.waiting_by_cause[0] | "\(.model) \(.upstream)"')"
is "as many as wait" true "$(status '.waiting_by_cause[0].waiting == .queue.waiting')"
is "each row has the same word" '["model"]' "$(status '[.waiting[].cause] | unique')"
check "there is an ETA of the first and the last" [ "$(status '.waiting_by_cause[0] | .next_eta_s != null and .last_eta_s >= .next_eta_s')" = true ]
is "the verdict says so" "busy_model wait $slow" "$(status '.verdict | "\(.word) \(.tone) \(.model)"')"
has "so does sluicectl" "$("$build/sluicectl" --state-dir "$state" status | head -n 1)" '^busy_model: [0-9]+ of [0-9]+ wait for sim/workers-3'

# ---- beside it a full window -------------------------------------------------------
# As many of another model as the window has room for, and ten more.
left=$((60 - $(status '.limits[0].window_used')))
crowd $((left + 30)) sim/tokens-3
both() { [ "$(status '[.waiting_by_cause[].cause] | unique')" = '["model","window"]' ]; }
check "those of others wait for the window" wait_for 10 both
is "together they are all" true "$(status '([.waiting_by_cause[].waiting] | add) == .queue.waiting')"
most_wait_for_window() { [ "$(status '.waiting_by_cause[0].cause')" = window ]; }
check "most first" most_wait_for_window
is "and the verdict is of the most" window "$(word)"
by_cause() { "$build/sluicectl" "$@" status | grep -E '^[0-9]+ waits? ' | sed -E 's/: .*//' | sort; }
lines=$(by_cause --state-dir "$state")
is "sluicectl has a line for each cause" 2 "$(wc -l <<<"$lines")"
has "one of the window" "$lines" '^[0-9]+ wait for the window of nim$'
has "one of the model" "$lines" "^[0-9]+ wait for the model ${slow//+/\\+} of nim\$"
is "over HTTP, too" "$lines" "$(by_cause --url "$url")"
stop_sluice
end_crowd

start_sluice paused
# ---- paused ----------------------------------------------------------------------------
pause
crowd 3 sim/tokens-3
check "an operator's pause" wait_for 5 causes_are "paused 3"
is "is of no one upstream" "null null" "$(status '.waiting_by_cause[0] | "\(.upstream) \(.next_eta_s)"')"
is "the verdict is the same" paused "$(word)"
has "sluicectl says what ends it" "$("$build/sluicectl" --state-dir "$state" status)" '^3 wait for the pause to end \(sluicectl resume\): no time is known$'
stop_sluice
end_crowd

# ---- a client's own limit, and a hold ----------------------------------------------------
start_sluice client SLUICE_REQUESTS=100 SLUICE_WINDOW_S=60 NVIDIA_API_KEY=practice
made=$(curl -s -X POST -H "Authorization: Bearer $(cat "$state/admin.token")" "$url/api/keys" -d '{"name":"ci","requests_per_min":2}' | jq -r .key)
crowd 5 sim/tokens-3 -H "Authorization: Bearer $made"
check "a client's own limit" wait_for 5 causes_are "client_limit 3"
is "is told whose" "ci null" "$(status '.waiting_by_cause[0] | "\(.client) \(.upstream)"')"
has "sluicectl says whose, and until when" "$("$build/sluicectl" --state-dir "$state" status)" \
    '^3 wait for the limit of the client ci: the next goes in [0-9.]+ (m [0-9]+ )?s'
has "over HTTP, too" "$("$build/sluicectl" --url "$url" status)" '^3 wait for the limit of the client ci: the next goes in '
is "the verdict too" "client_limit ci" "$(status '.verdict | "\(.word) \(.client)"')"
stop_sluice
end_crowd
start_sluice hold SLUICE_SCOPE=account SLUICE_REQUESTS=100 SLUICE_WINDOW_S=60
crowd 1 sim/429+retry-after-30+times-1
check "a hold" wait_for 5 word_is hold
crowd 3 sim/tokens-3
check "keeps all" wait_for 5 causes_are "hold 4"
stop_sluice
end_crowd
start_sluice tokens SLUICE_REQUESTS=100 SLUICE_WINDOW_S=60 SLUICE_USAGE=never

# ---- tokens, and of how many answers -----------------------------------------------------
for _ in 1 2 3; do chat sim/tokens-5; done
for _ in 1 2; do chat sim/tokens-5 ',"stream":true' -N; done
figures='.answers - .answers_told, .tokens_out'
told() { [ "$(status "[.models[] | select(.name == \"sim/tokens-5\") | $figures]")" = "$1" ]; }
check "two streams of five answers told nothing, three fives are told" wait_for 5 told '[2,15]'
is "a client without a limit has sent five in the last minute, too" "5 5" \
    "$(status '"\([.clients[].used_per_min] | add) \(.limits[0].went.minute)"')"
is "the upstream's sum says so, too" 2 "$(status '.limits[0].went | .answers - .answers_told')"
is "and its clients'" 2 "$(status '[.clients[] | .answers - .answers_told] | add')"
is "and the history" "2 15" \
    "$(curl -s "$url/api/history?from=-60&points=60" | jq -r '"\(([.answers[] // 0] | add) - ([.answers_told[] // 0] | add)) \([.tokens_out[] // 0] | add)"')"
metric() { curl -s "$url/metrics" | sed -n "s/^sluice_$1{[^}]*} //p" | awk '{ n += $1 } END { print n + 0 }'; }
is "and metrics" 2 $(($(metric llm_answers_total) - $(metric llm_answers_told_total)))
is "by upstream, too" 2 $(($(metric upstream_answers_total) - $(metric upstream_answers_told_total)))
finish
