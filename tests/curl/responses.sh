#!/bin/bash
# Streams of the Responses API: how they end, and what is told of each.  Cut
# ones never look complete; failed ones never count as ok.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
# Once each: what breaks before its first word goes again (replay.sh).
start_sluice main SLUICE_REQUESTS=10000 SLUICE_RETRY_MAX=1

respond() { # respond MODEL [EXTRA-JSON]
    asked=sim/$1
    ask /v1/responses -N -H 'Content-Type: application/json' \
        -d "{\"model\":\"$asked\",\"stream\":true,\"input\":\"x\"${2:-}}"
}
# shellcheck disable=SC2317 # called through wait_for
is_told() { outcome=$(curl -s "$url/api/status" | jq -re --arg m "$asked" 'first(.recent[] | select(.model == $m)).outcome'); }
came() { # came OUTCOME "sentence"
    check "$2: is over" wait_for 10 is_told
    is "$2: $1" "$1" "$outcome"
}
last() { sed -n 's/^data: {"type":"\([^"]*\)".*/\1/p' <<<"$body" | tail -n 1; }
# Of ours: what both SDKs throw at.
errors() { grep -c '^data: {"type":"error",.*"code":"sluice_upstream_truncated","message".*"sluice_upstream_truncated"}}$' <<<"$body"; }
kind() { curl -s "$url/metrics" | awk -v k="kind=\"$1\"" 'index($0, "sluice_upstream_errors_total{") == 1 && index($0, k) { n += $NF } END { print n + 0 }'; }

# ---- as they should be -----------------------------------------------------------

respond stream-6-0
is "a whole one" "response.completed 0" "$(last) $(errors)"
came ok "a whole one"
respond stream-6-0+split-7
is "in crumbs" "response.completed 0" "$(last) $(errors)"
came ok "in crumbs"
respond stream-6-1 ',"max_output_tokens":3'
is "at its token limit" "response.incomplete 0" "$(last) $(errors)"
came ok "at its token limit"
respond stream-6-2+unended
is "complete, but for the end of its connection" "response.completed 0" "$(last) $(errors)"
came ok "complete, but for the end of its connection"
is "nothing is an error so far" 0 "$(($(kind server) + $(kind truncated)))"

# ---- failed by the upstream's own word -------------------------------------------

n=0
for how in failed-7 error-event-7 stream-error-7-500 failed-7+split-3 error-event-7+split-5; do
    respond "stream-6-0+$how"
    n=$((n + 1))
    has "$how: its words before it" "$body" '"delta":" ?is"'
    has "$how: what it says" "$body" '"type":"(response\.failed|error|practice_error)"'
    is "$how: it is complete, so nothing of ours" "0 0" "$(errors) $(grep -c response.completed <<<"$body")"
    came upstream_error "$how"
    is "$how: an error of the upstream" $n "$(kind server)"
done
for how in failed-0 failed-2 error-event-0; do
    respond "stream-6-0+$how"
    came upstream_error "$how"
done

# ---- cut -------------------------------------------------------------------------

# From the first word to the last byte of the blank line that ends it, with a
# reset, a cut or a clean end of the connection.
# Names of one length: they are in the answer.
padded() { printf '%17s' "$1" | tr ' ' +; }
whole=$(curl -sN "$sim/v1/responses" -d "{\"model\":\"sim/stream-6-0$(padded '')\",\"stream\":true}")
length=$(printf '%s\n\n' "$whole" | wc -c)
first=$(grep -ab -m 1 '^data:.*"delta"' <<<"$whole" | cut -d: -f1)
hows=(early-end cut reset)
silent='' wrong='' count=0
for ((i = 0; i < 60; i++)); do
    at=$((first + 300 + i * (length - first - 301) / 59))
    respond "stream-6-0$(padded "+${hows[i % 3]}-$at")"
    count=$((count + 1))
    [ "$(errors) $(tail -n 1 < <(grep '^data' <<<"$body") | cut -c 1-22)" = '1 data: {"type":"error",' ] || silent+=" ${hows[i % 3]}-$at"
    [ "$(last)" != response.completed ] || wrong+=" ${hows[i % 3]}-$at"
    wait_for 10 is_told
    [ "$outcome" = truncated ] || wrong+=" ${hows[i % 3]}-$at:$outcome"
done
is "each of the $count has an error event, as its last" "" "$silent"
is "none looks complete, or counts as such" "" "$wrong"
is "each is an error of the upstream" "$count" "$(kind truncated)"
respond "stream-6-0$(padded "+early-end-$length")"
is "with the last byte it is whole" "response.completed 0" "$(last) $(errors)"
came ok "with the last byte it is whole"

# ---- words that only look like it ------------------------------------------------

# The model's name is in each chunk of a chat.
chat 'sim/stream-6-30+event: response.failed' ',"stream":true' -N
asked='sim/stream-6-30+event: response.failed'
came ok "a chat that speaks of events"
is "its tokens are counted" true \
    "$(curl -s "$url/api/status" | jq --arg m "$asked" '.models[] | select(.name == $m).token_gap_s.p50 > 0')"
is "nothing is left in flight" 0 "$(curl -s "$url/api/status" | jq .queue.running)"
finish
