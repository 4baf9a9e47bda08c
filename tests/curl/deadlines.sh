#!/bin/bash
# A client's own deadline decides whether it waits: for a slot, and for what an
# upstream's 429 says of when.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice main SLUICE_WORKERS=2 SLUICE_REQUESTS=3 SLUICE_WINDOW_S=60 SLUICE_MARGIN_MS=0

next() { curl -s -X PATCH "$sim/sim/config" -d "{\"next\":$1}" >/dev/null; }
words() { jq -r .error.message <<<"$body"; }
code() { jq -r .error.code <<<"$body"; }
sends() { curl -s "$sim/sim/arrivals" | jq '.arrivals|length'; }

# ---- a slot that is free needs no wait ------------------------------------------
chat sim/tokens-2 '' -H 'X-Sluice-Deadline: 0'
is "a deadline of 0 is kept where a slot is free" 200 "$status"
chat sim/tokens-2 '' -H 'X-Sluice-Deadline: 0.0001'
is "so is a tiny one" 200 "$status"
chat sim/tokens-2 ',"stream":true' -N -H 'X-Sluice-Deadline: 0.001'
is "a stream's, too" 200 "$status"
chat sim/tokens-2 '' -H 'X-Sluice-Deadline: 0'
is "where none is free it is refused" "429 sluice_deadline" "$status $(code)"
has "and told for how long" "$(words)" 'would have to wait [3-6][0-9] s, longer than X-Sluice-Deadline allows \(0 s\)'
has "truly" "$(header Retry-After)" '^[3-6][0-9]$'
is "none of it was sent" 3 "$(sends)"
stop_sluice

# ---- a 429 that says when ---------------------------------------------------------
start_sluice when SLUICE_WORKERS=2 SLUICE_REQUESTS=1000 SLUICE_WINDOW_S=5
clear_holds() {
    curl -s -X POST -H "Authorization: Bearer $(cat "$state/admin.token")" "$url/api/retreat/clear" -d '{}' >/dev/null
}
held() { curl -s "$url/api/queue" | jq -e '.waiting|length == 1' >/dev/null; }

# WORDS SECONDS: two minutes are no constant's matter, but the client's.
while read -r words seconds; do
    next "[\"$words\"]"
    { chat sim/tokens-2 ',"stream":false'; echo "$status $(header X-Sluice-Attempts)" >"$work/answer"; } &
    asking=$!
    check "$words: who has the time waits" wait_for 10 held
    eta=$(curl -s "$url/api/queue" | jq '.waiting[0].eta_s')
    at_least "$words: for as long as it said" $((seconds - 5)) "$eta"
    at_most "$words: and no longer" $((seconds + 3)) "$eta"
    chat sim/tokens-2 '' -H 'X-Sluice-Deadline: 5'
    is "$words: who has not is refused" "429 sluice_deadline" "$status $(code)"
    has "$words: and told the truth" "$(words)" "would have to wait 1[12][0-9] s"
    clear_holds
    wait $asking
    is "$words: then it is answered" "200 2" "$(cat "$work/answer")"
done <<'END'
429+ratelimit-120 120
429+retry-after-120 120
429-gateway+retry-after-ms-118000 118
END

# The one that was refused itself, with no time to wait.
next '["429+ratelimit-120"]'
chat sim/tokens-2 '' -H 'X-Sluice-Deadline: 5'
is "who is refused by the upstream and cannot wait is told at once" "429 sluice_deadline" "$status $(code)"
has "why, and when" "$(words)" 'wants no such request for 120 s .*X-Sluice-Deadline allows a wait of [45] s'
is "truly" "120 false" "$(header Retry-After) $(header x-should-retry)"
clear_holds
next '["429+retry-after-20"]'
chat sim/tokens-2 '' -H 'X-Stainless-Read-Timeout: 10'
is "an SDK's own patience counts as well" "429 sluice_deadline 20" "$status $(code) $(header Retry-After)"
is "it may come again then" "" "$(header x-should-retry)"
clear_holds

# One that does not say when: it waits in line, and for no longer.
next '["429"]'
chat sim/tokens-2 '' -H 'X-Sluice-Deadline: 0'
is "a deadline of 0 waits for no 429 either" "429 sluice_queue_timeout 1" \
    "$status $(code) $(header X-Sluice-Attempts)"
has "and the message says why" "$(words)" 'X-Sluice-Deadline'
clear_holds

# Five hours are for nobody: refused at once, the same to all.
next '["429+retry-after-18000"]'
chat sim/tokens-2
first="$status $(code) $(header x-should-retry)"
has "five hours: told when" "$(header Retry-After)" '^18000$'
chat sim/tokens-2
is "five hours: the first and the next are told the same" "429 sluice_upstream_off false" "$first"
is "five hours: one fact has one face" "$first" "$status $(code) $(header x-should-retry)"
has "five hours: the next is told when, too" "$(header Retry-After)" '^1(8000|79[0-9][0-9])$'
stop_sluice

# ---- a 429 without a model: it waits by itself, and then in line ---------------------
start_sluice line SLUICE_WORKERS=2 SLUICE_REQUESTS=1 SLUICE_WINDOW_S=60 SLUICE_MARGIN_MS=0
next '["429-detail"]'
ask /v1/rerank --max-time 20 -H 'Content-Type: application/json' -d '{"query":"x"}' -H 'X-Sluice-Deadline: 3'
is "its own deadline holds in both" "429 sluice_queue_timeout" "$status $(code)"
has "and the message says so" "$(words)" 'X-Sluice-Deadline'
stop_sluice

# ---- a grant that a pause takes back before it was used ------------------------------
kill -STOP "$sim_pid" # its door is open, but it says nothing: TLS hangs
start_sluice back SLUICE_UPSTREAM_URL="https${sim#http}" SLUICE_WORKERS=1
asked() { chat sim/tokens-2 '' --max-time 20 -H 'X-Sluice-Deadline: 4'; echo "$status $(code)" >"$work/answer"; }
asked &
asking=$!
connects() { grep -q " 0100007F:$(printf %04X "${sim##*:}") 01 " /proc/net/tcp; }
check "it has its slot" wait_for 10 connects
operator POST /api/pause >/dev/null
wait $asking
is "it waits no longer than it said" "503 sluice_paused" "$(cat "$work/answer")"
kill -CONT "$sim_pid"
finish
