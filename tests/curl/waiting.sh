#!/bin/bash
# What a waiting client sees: comments, deadlines, refusals that name their
# setting.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

# All questions down to "sluicectl shows the same" must fit into one window.
window=10
start_sim --requests 1 --window $window
start_sluice main SLUICE_REQUESTS=1 SLUICE_WINDOW_S=$window SLUICE_MARGIN_MS=100 \
    SLUICE_COMMIT_AFTER_S=1 SLUICE_HEARTBEAT_S=1 SLUICE_QUEUE_MAX=2 SLUICE_QUEUE_PER_CLIENT=1

chat sim/tokens-2
is "the first goes at once" 200 "$status"
(chat sim/stream-3-1500 ',"stream":true' -N -H 'X-Sluice-Client: a'; printf '%s\n%s' "$head" "$body" >"$work/stream") &
job=$!
wait_for 5 sh -c "[ \$(curl -s $url/api/status | jq .queue.waiting) = 1 ]"

chat sim/echo '' -H 'X-Sluice-Client: a'
is "a second one of this client is refused" "429 sluice_client_queue_full" "$status $(jq -r .error.code <<<"$body")"
has "it names the setting" "$body" 'queue\.per_client'
has "it says when to come back" "$head" '^Retry-After: [1-9][0-9]?$'
has "to the millisecond" "$head" '^retry-after-ms: [0-9]+$'
has "and that this helps" "$head" '^x-should-retry: true$'

chat sim/echo '' -H 'X-Sluice-Client: b' -H 'X-Sluice-Deadline: 0.5'
is "one that cannot make its deadline is refused" "429 sluice_deadline" "$status $(jq -r .error.code <<<"$body")"
has "it names the deadline" "$body" 'X-Sluice-Deadline'
has "trying again would not help" "$head" '^x-should-retry: false$'
chat sim/echo '' -H 'X-Sluice-Client: b' -H 'X-Stainless-Timeout: 1'
is "so is one whose SDK would give up before" "429 sluice_deadline" "$status $(jq -r .error.code <<<"$body")"
has "it says whose" "$body" "client's own timeout"

(chat sim/echo '' -H 'X-Sluice-Client: b' >/dev/null; echo "$status" >"$work/second") &
second=$!
wait_for 5 sh -c "[ \$(curl -s $url/api/status | jq .queue.waiting) = 2 ]"
chat sim/echo '' -H 'X-Sluice-Client: c'
is "a third is refused: the queue is full" "429 sluice_queue_full" "$status $(jq -r .error.code <<<"$body")"
has "it says how full, which setting and when" "$body" "queue is full \(2 waiting, queue\.max\)\. Next slot in [0-9]+ s\."
queue=$(curl -s "$url/api/queue")
is "the queue shows who waits, in order" "a b" "$(jq -r '.waiting[].client' <<<"$queue" | xargs)"
at_least "the second's slot is a window after the first's" $window \
    "$(jq '.waiting[1].eta_s - .waiting[0].eta_s' <<<"$queue")"
has "sluicectl shows the same, but counts from 1" "$("$build/sluicectl" --state-dir "$state" queue)" '^2 +normal .* b '

wait $job
answer=$(cat "$work/stream")
has "a waiting stream is committed" "$answer" '^HTTP/1.1 200'
has "it is told its place and its time" "$answer" '^: queued position=1 eta=[0-9]+s$'
at_least "again each heartbeat" 2 "$(grep -c '^: queued' <<<"$answer")"
has "then it gets its answer" "$answer" '^data: \[DONE\]$'
has "and what could not be a header" "$answer" '^: sluice queue_ms=[0-9]+ attempts=1$'
has "silences later on are filled too" "$answer" '^: waiting for the upstream$'
wait $second
is "the second got its answer in time" 200 "$(cat "$work/second")"

# Who is paused is told so, and who is ended in line, how long that was.
pause
(chat sim/tokens-3 ',"stream":true' -N -H 'X-Sluice-Client: d'; printf '%s\n%s' "$head" "$body" >"$work/ended") &
job=$!
# shellcheck disable=SC2317 # asked by wait_for
told() { curl -s "$url/api/queue" | jq -e '[.waiting[] | select(.client == "d" and .age_s > 2.2)] | length == 1'; }
check "one waits in the pause" wait_for 10 told
operator DELETE "/api/queue/$(curl -s "$url/api/queue" | jq -r '.waiting[] | select(.client == "d") | .id')"
wait $job
has "a pause is told while it waits" "$(cat "$work/ended")" '^: queued position=[01] paused$'
has "at its end how long it has waited, which was all in vain" "$(cat "$work/ended")" '^: sluice queue_ms=[2-9][0-9]{3} attempts=0$'
resume

# A deadline that passes while waiting.
stop_sluice
start_sluice late SLUICE_REQUESTS=1 SLUICE_WINDOW_S=60 SLUICE_IN_FLIGHT=1 SLUICE_COMMIT_AFTER_S=30
(chat sim/hang >/dev/null) &
hang=$!
wait_for 5 sh -c "[ \$(curl -s $url/api/status | jq .queue.running) = 1 ]"
chat sim/echo '' -H 'X-Sluice-Deadline: 1'
has "with no time to be told, it is refused when its deadline passes" "$status $body" '^429 .*sluice_(queue_timeout|deadline)'
kill $hang 2>/dev/null

# White space for buffered requests, where that is wished.
stop_sluice
curl -s -X PATCH "$sim/sim/config" -d '{"limiter":"none"}' >/dev/null
start_sluice keepalive SLUICE_REQUESTS=1000 SLUICE_BUFFERED_KEEPALIVE=true SLUICE_COMMIT_AFTER_S=1 SLUICE_HEARTBEAT_S=1
chat sim/slow-3500
is "with buffered_keepalive a slow answer is still JSON" "chat.completion" "$(jq -r .object <<<"$body")"
at_least "after white space" 2 "$(head -c 5 <<<"$body" | tr -cd '\n' | wc -c)"
chat sim/slow-1500+422
has "a failure after that is told in the upstream's words" "$body" '"error":\{"message":".*(F|f)ield required|"error":\{"message":"[^"]+"'
finish
