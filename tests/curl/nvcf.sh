#!/bin/bash
# NVIDIA's cloud functions: an answer that comes later is polled for, one that
# lies elsewhere is fetched; neither costs a slot, and no key goes astray.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim --limiter none --key secret
curl -s -X PATCH "$sim/sim/config" -d "{\"result_base\":\"$sim\"}" >/dev/null
cat >"$work/sluice.json" <<END
{"upstreams":[{"base_url":"$sim","requests":1000,"result_hosts":["127.0.0.1"]}],"commit_after_s":1}
END
start_sluice main SLUICE_UPSTREAM_URL= SLUICE_CONFIG="$work/sluice.json" NVIDIA_API_KEY=secret

arrivals() { curl -s "$sim/sim/arrivals" | jq -c "[.arrivals[]|select($1)]"; }
used() { curl -s "$url/api/status" | jq '.limits[0].window_used'; }
running() { curl -s "$url/api/status" | jq .queue.running; }

# Each at once: they wait for their polls. poll_one FILE MODEL EXTRA...
poll_one() {
    local file=$1
    shift
    chat "$@"
    printf '%s\n' "$status" "$(header Nvcf-Reqid)" "$(header X-Sluice-Attempts)" "$body" >"$file"
}
poll_one "$work/polled" sim/poll-3 &
jobs=($!)
poll_one "$work/timed" sim/poll-ms-1500 ',"stream":true' -N &
jobs+=($!)
poll_one "$work/far" sim/poll-1+redirect &
jobs+=($!)
poll_one "$work/gone" sim/poll-1+gone &
jobs+=($!)
wait "${jobs[@]}"

{ read -r status; read -r id; read -r attempts; body=$(cat); } <"$work/polled"
is "an answer that comes later comes" "200 chat.completion 1" "$status $(jq -r .object <<<"$body") $attempts"
has "with its Nvcf-Reqid" "$id" '^[0-9a-f-]{36}$'
is "it was polled for four times" 4 "$(arrivals ".verdict==\"poll\" and (.path|endswith(\"$id\"))" | jq length)"
{ read -r status; read -r id; read -r attempts; body=$(cat); } <"$work/timed"
is "a stream that comes later streams" 200 "$status"
has "to its end" "$body" '^data: \[DONE\]$'
{ read -r status; read -r id; read -r attempts; body=$(cat); } <"$work/far"
is "a polled answer that lies elsewhere is fetched" "200 chat.completion" "$status $(jq -r .object <<<"$body")"
{ read -r status; read -r id; read -r attempts; body=$(cat); } <"$work/gone"
is "an error that comes later is told" "410 sluice_upstream_off" "$status $(jq -r .error.code <<<"$body")"

chat sim/redirect
is "an answer that lies elsewhere is fetched" "200 chat.completion" "$status $(jq -r .object <<<"$body")"
has "with its Nvcf-Reqid" "$head" '^nvcf-reqid: [0-9a-f-]{36}$'
is "what was fetched was fetched without the key" '[false,false]' "$(arrivals '.verdict=="result"' | jq -c 'map(.auth)')"
is "what was polled for with it" '[true]' "$(arrivals '.verdict=="poll"' | jq -c 'map(.auth)|unique')"
is "and all that was sent" 0 "$(stat unauthorized)"
is "neither polls nor results cost a slot" "$(stat accepted)" "$(used)"

# For how long the upstream may hold a call.
is "NVCF-POLL-SECONDS is what the call may take" 600 "$(arrivals '.model=="sim/redirect"' | jq -r '.[0].poll_seconds')"
chat sim/echo-1 '' -H 'NVCF-POLL-SECONDS: 7'
is "the client's own wins" 7 "$(arrivals '.model=="sim/echo-1"' | jq -r '.[0].poll_seconds')"
chat sim/echo-2 '' -H 'X-Stainless-Timeout: 30'
has "it is not more than the client's patience" "$(arrivals '.model=="sim/echo-2"' | jq -r '.[0].poll_seconds')" '^(29|30)$'

# A client that leaves; its stream is committed, so that it is noticed.
curl -sN "$url/v1/chat/completions" -H 'Content-Type: application/json' -o "$work/left" \
    -d '{"model":"sim/poll-ms-60000","stream":true,"messages":[]}' &
left=$!
pending() { arrivals '.verdict=="poll" and .model=="sim/poll-ms-60000"' | jq length; }
check "polling goes on" wait_for 5 sh -c "curl -s $sim/sim/arrivals | jq -e '[.arrivals[]|select(.verdict==\"poll\" and .model==\"sim/poll-ms-60000\")]|length == 2'"
has "the client is told that it must wait" "$(cat "$work/left")" '^: waiting for the upstream$'
kill $left
check "a client that hangs up is noticed" wait_for 2 sh -c "curl -s $url/api/status | jq -e '.queue.running == 0'"
chat sim/slow-2500 # the next poll would have been in two seconds
is "and nobody polls for it any more" 2 "$(pending)"

# The end of a model is announced: once for each worker.
for _ in 1 2 3 4 5 6; do chat sim/deprecated; done
said=$(grep -h '"event":"deprecation"' "$log" "$out")
has "a Deprecation header is logged" "$said" '"model":"sim/deprecated","deprecation":"'
is "once a worker" "$(jq -s 'map(.pid)|unique|length' <<<"$said")" "$(wc -l <<<"$said")"
has "the client sees it too" "$head" '^deprecation: '

# Without result_hosts, and with little time.
stop_sluice
start_sluice short SLUICE_FIRST_BYTE_S=2 NVIDIA_API_KEY=secret
before=$(stat results)
chat sim/redirect
is "without result_hosts a redirect is an error" "502 upstream_error" "$status $(jq -r .error.code <<<"$body")"
has "that says so" "$body" 'not in result_hosts of upstream nim'
is "nothing was fetched" "$before" "$(stat results)"
chat sim/poll-ms-60000
is "polls end with the time to the first byte" "504 sluice_upstream_timeout" "$status $(jq -r .error.code <<<"$body")"
is "nothing is left in flight" 0 "$(running)"
finish
