#!/bin/bash
# A request that the upstream did not answer goes again, unchanged and counted,
# while its client has seen nothing; after the first byte never.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice main SLUICE_WORKERS=1 SLUICE_REQUESTS=300 SLUICE_WINDOW_S=2 SLUICE_MARGIN_MS=100 SLUICE_COMMIT_AFTER_S=1

sends() { curl -s "$sim/sim/arrivals" | jq -r --arg m "$1" '[.arrivals[]|select(.model==$m)]|length'; }
bodies() { curl -s "$sim/sim/arrivals" | jq -r --arg m "$1" '[.arrivals[]|select(.model==$m).body_sha256]|unique|length'; }
sent() { curl -s "$url/api/status" | jq .counters.sent; }

one() { # one MODEL [EXTRA-JSON] [CURL-OPTION...]: its answer in files of its own
    local file=$work/${1//\//_}
    chat "$@"
    printf '%s\n' "$head" >"$file.head"
    printf '%s\n' "$body" >"$file.body"
    printf '%s %s\n' "$status" "$(header X-Sluice-Attempts)" >"$file"
}
result() { cat "$work/${1//\//_}${2:-}"; }

chat sim/echo # there is a kept connection now
is "where nothing is wrong one send is enough" "200 1" "$status $(header X-Sluice-Attempts)"

# Buffered, at once: most of their time is a pause.
buffered=(reset close 500 502 overloaded exhausted 'reset+big-600' 429-detail cut-head-30)
jobs=()
for how in "${buffered[@]}"; do
    one "sim/times-2+$how" &
    jobs+=($!)
done
# And streams that fail before they have said anything.
streams=(exhausted-stream stream-error-1-503 exhausted-stream+split-20 stream-error-1-503+split-7 stream-error-1-500 cut-5 reset-250
    early-end-0 early-end-300)
for how in "${streams[@]}"; do
    one "sim/times-1+$how" ',"stream":true' -N &
    jobs+=($!)
done
wait "${jobs[@]}"
for how in "${buffered[@]}"; do
    m=sim/times-2+$how
    n=$(sends "$m")
    is "$how, then healthy: answered" "200 $n" "$(result "$m")"
    at_least "$how: it was sent again" 3 "$n"
    is "$how: the same each time" 1 "$(bodies "$m")"
done
for how in "${streams[@]}"; do
    m=sim/times-1+$how
    is "$how, then healthy: answered" 200 "$(result "$m" | cut -d' ' -f1)"
    at_least "$how: it was sent again" 2 "$(sends "$m")"
    has "$how: a whole stream" "$(result "$m" .body)" '^data: \[DONE\]$'
    is "$how: and nothing of the failed one" 1 "$(result "$m" .body | grep -c '"role":"assistant"')"
    is "$how: no error in it" 0 "$(result "$m" .body | grep -c '"error"')"
done

# retry.max bounds faults that do not pass.  The kept connection's death is no
# fault of the upstream's: one more send, as it may have been counted there.
for how in reset close 500; do
    chat sim/times-0
    chat "sim/$how"
    n=$(sends "sim/$how")
    is "a lasting $how: it says how often it was tried" "$n" "$(header X-Sluice-Attempts)"
    at_most "no more than retry.max times, and once for a dead connection" 4 "$n"
    at_least "and no less" 3 "$n"
    is "no SDK is to add to that" false "$(header x-should-retry)"
done
is "each send was counted" "$(stat accepted)" "$(sent)"

# Nor does a stream that never says anything, however well its connection ends.
chat sim/early-end-300 ',"stream":true' -N
has "a stream without a word or [DONE] is no answer" "$body" '"code":"sluice_upstream_truncated"'
is "of three its client sees none" "3 0" "$(sends sim/early-end-300) $(grep -c '"role"' <<<"$body")"

# After the first byte of an answer.
chat sim/stream-9-0+stream-error-3-503 ',"stream":true' -N
has "an error after content passes" "$body" '^data: .*ResourceExhausted'
has "content before it too" "$body" '"content":"[^"]'
chat sim/stream-9-0+cut-900 ',"stream":true' -N
has "a cut after content is an error" "$body" 'sluice_upstream_truncated'
chat sim/stream-9-0+early-end-900 ',"stream":true' -N
has "so is a clean end without [DONE]" "$body" 'sluice_upstream_truncated'
chat sim/cut-100
is "so is that of a buffered answer" "502 sluice_upstream_truncated" "$status $(jq -r .error.code <<<"$body")"
for m in sim/stream-9-0+{stream-error-3-503,cut-900,early-end-900} sim/cut-100; do
    is "$m was sent once" 1 "$(sends "$m")"
done

# Our own head and comments are no answer.
chat sim/slow-1500+times-1+reset ',"stream":true' -N
has "a committed stream" "$body" '^: waiting for the upstream$'
has "goes again" "$body" '^: sluice queue_ms=[0-9]+ attempts=[23]$'
is "to its end, without an error" "1 0" "$(grep -c '^data: \[DONE\]' <<<"$body") $(grep -c '"error"' <<<"$body")"

# A role alone is no content yet: it waits for the first word, and its client
# hears of us meanwhile.
chat sim/stream-2-2500 ',"stream":true' -N
is "before content come our signs of life, then the role" "waiting assistant This is" \
    "$(sed -nE 's/^: (waiting) .*/\1/p; s/.*"(role|delta":\{"content)":" ?([A-Za-z]+)".*/\2/p' <<<"$body" | head -n 4 | xargs)"

# A deadline for the queue ends when the request leaves it.
chat sim/slow-1500+times-1+500 '' -H 'X-Sluice-Deadline: 1'
is "a request may go again after its queue deadline" "200 2" "$status $(header X-Sluice-Attempts)"

# A large body is kept as well.
{
    printf '{"model":"sim/times-1+500+large","messages":[{"role":"user","content":"'
    head -c 900000 /dev/zero | tr '\0' x
    printf '"}]}'
} >"$work/large.json"
ask /v1/chat/completions -H 'Content-Type: application/json' --data-binary "@$work/large.json"
is "a large body is sent again, whole" "200 $(sha256sum <"$work/large.json" | cut -d' ' -f1)" \
    "$status $(curl -s "$sim/sim/arrivals" | jq -r '.arrivals[-1].body_sha256')"

# The upstream goes, and comes back on the same port.
port=${sim##*:}
curl -s -o /dev/null -X PATCH -H "Authorization: Bearer $(cat "$state/admin.token")" "$url/api/config" -d '{"retry.max":10}'
chat sim/echo
before=$(curl -s "$url/api/status" | jq .counters.sent)
kill -KILL "$sim_pid"
wait "$sim_pid" 2>/dev/null
one sim/back &
job=$!
wait_for 5 sh -c "curl -s $url/api/status | jq -e '.queue.waiting == 1'" # between two attempts
start_sim --limiter none --listen "127.0.0.1:$port"
wait $job
is "an upstream that comes back answers" "200 1" "$(result sim/back)"
is "it saw one send, and that was counted" "1 $((before + 1))" "$(stat accepted) $(sent)"
is "nothing is left" "0 0" "$(curl -s "$url/api/status" | jq -r '"\(.queue.running) \(.queue.held_bytes)"')"
finish
