#!/bin/bash
# What is told of the same minutes, wherever it is told, is the same; and what the
# upstream saw: requests of all kinds, and all sums of them.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice main SLUICE_REQUESTS=1000 SLUICE_WINDOW_S=2 SLUICE_SCOPE=account NVIDIA_API_KEY=practice SLUICE_RETRY_MAX=2

# Answers whole and streamed, told and untold; errors of the client's, the upstream's
# and our key's; a repeat; one whose client goes.
for _ in 1 2 3 4 5; do chat sim/tokens-4; done
for _ in 1 2 3; do chat sim/tokens-4 ',"stream":true' -N; done
chat sim/tokens-4 ',"stream":true,"stream_options":{"include_usage":true}' -N -H 'X-Sluice-Client: teller'
chat sim/problem-400 '' -H 'X-Sluice-Client: errs'
chat sim/500 '' -H 'X-Sluice-Client: errs'
chat sim/500+times-1
chat sim/403
chat sim/429+retry-after-0+times-1
curl -s -o /dev/null --max-time 1 "$url/v1/chat/completions" -H 'Content-Type: application/json' \
    -d '{"model":"sim/slow-20000","stream":true,"messages":[]}'
ask /v1/embeddings -H 'Content-Type: application/json' -d '{"model":"sim/embed","input":"a"}'

status() { curl -s "$url/api/status" | jq -r "$1"; }
past() { curl -s "$url/api/history?from=-300&points=300${2:-}" | jq -r "$1"; }
metric() { curl -s "$url/metrics" | awk -v m="^sluice_$1[{ ]" '$0 ~ m { n += $NF } END { print n + 0 }'; }
all_ended() { [ "$(status '.spent.requests')" = 16 ] && [ "$(status .queue.running)" = 0 ]; }
check "sixteen requests have ended" wait_for 10 all_ended

# ---- requests ---------------------------------------------------------------------
n=$(status .spent.requests)
is "outcomes are all requests" "$n" "$(status '[.counters.outcomes[]] | add')"
is "so are those of all models" "$n" "$(status '[.models[].requests] | add')"
is "of all clients" "$n" "$(status '[.clients[].requests] | add')"
is "each model's outcomes are its requests" true "$(status '[.models[] | ([.outcomes[]] | add) == .requests] | all')"
is "each client's, too" true "$(status '[.clients[] | ([.outcomes[]] | add) == .requests] | all')"
is "the last ones" "$n" "$(status '.recent | length')"
is "the history" "$n" "$(past '[.requests[] // 0] | add')"
# shellcheck disable=SC2016 # jq's own
is "and its outcomes, one by one" "$(status '.counters.outcomes | to_entries | map("\(.key) \(.value)") | sort | join(",")')" \
    "$(past '. as $h | ["ok","client_error","refused","rate","off","upstream_error","truncated","hangup","cancelled","lost","upstream_key"] |
        map("\(.) \([$h[.][] // 0] | add)") | sort | join(",")')"
is "metrics" "$n" "$(metric outcomes_total)"
is "one was our key's" 1 "$(status .counters.outcomes.upstream_key)"

# ---- sends -------------------------------------------------------------------------
sent=$(status .counters.sent)
is "each send arrived" "$sent" "$(curl -s "$sim/sim/arrivals" | jq '.arrivals | length')"
is "models' sends are all" "$sent" "$(status '[.models[].sent] | add')"
is "clients' too" "$sent" "$(status '[.clients[].sent] | add')"
is "upstreams'" "$sent" "$(status '[.limits[].went.all] | add')"
is "the last minute's, of each of them" "$sent $sent $sent" \
    "$(status '"\([.limits[].went.minute] | add) \([.models[].minute] | add) \([.clients[].minute] | add)"')"
is "a client without a limit is told what it sent" true "$(status '[.clients[] | .used_per_min == .minute] | all')"
is "the history" "$sent" "$(past '[.sends[] // 0] | add')"
is "by upstream, too" "$sent" "$(past '[.upstreams[].sends[] // 0] | add' '&by=upstream')"
is "metrics" "$sent" "$(metric upstream_requests_total)"

# ---- tokens, with their coverage ------------------------------------------------------
told=$(status '[.models[].answers_told] | add')
is "good answers of models" "$(status .counters.outcomes.ok)" "$(status '[.models[].answers] | add')"
is "three streams told nothing" 3 $(($(status '[.models[].answers] | add') - told))
is "clients' sums are of as many" "$told" "$(status '[.clients[].answers_told] | add')"
is "the upstream's" "$told" "$(status '[.limits[].went.answers_told] | add')"
is "the history's" "$told" "$(past '[.answers_told[] // 0] | add')"
is "metrics'" "$told $told" "$(metric llm_answers_told_total) $(metric upstream_answers_told_total)"
out=$(status '[.models[].tokens_out] | add')
is "the tokens are the same everywhere" "$out $out $out $out" \
    "$(status '[.clients[].tokens_out] | add') $(status '[.limits[].went.tokens_out] | add') $(past '[.tokens_out[] // 0] | add') $(metric upstream_tokens_out_total)"
is "as the last ones told them" "$out" "$(status '[.recent[].tokens_out // 0] | add')"
is "streams are streams" "$(status '[.recent[] | select(.stream)] | length')" "$(status '[.models[].streams] | add')"

# ---- the command line ------------------------------------------------------------------
has "sluicectl says the same" "$("$build/sluicectl" --state-dir "$state" status)" "went there: $sent, $sent in the last minute"
has "and the coverage" "$("$build/sluicectl" --state-dir "$state" status)" 'of its [0-9]+ answers [0-9]+ told their tokens'
finish
