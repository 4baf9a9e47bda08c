#!/bin/bash
# What every client does on its first day: health, models, a chat, a stream.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice main SLUICE_REQUESTS=1000

ask /health
is "health is 200" 200 "$status"
is "health says ok" ok "$(jq -r .status <<<"$body")"
has "health tells the version" "$body" '"version":"[0-9]+\.[0-9]+\.[0-9]+"'
at_least "health tells the uptime" 0 "$(jq -r .uptime <<<"$body")"

ask /v1/models
is "models are 200 without a key of ours" 200 "$status"
has "models are the upstream's" "$body" 'meta/llama-3.1-8b-instruct'
ask /v1/models/meta/llama-3.1-8b-instruct
is "one model, its id holding a slash" meta/llama-3.1-8b-instruct "$(jq -r .id <<<"$body")"

chat sim/tokens-7
is "a chat is 200" 200 "$status"
is "a chat is a chat completion" chat.completion "$(jq -r .object <<<"$body")"
is "its usage is the upstream's" 7 "$(jq -r .usage.completion_tokens <<<"$body")"
has "it has a request id" "$head" '^X-Request-Id: req_[0-9a-f]{24}$'
has "it says how long it waited" "$head" '^X-Sluice-Queue-Ms: [0-9]+$'
has "it says how often it was tried" "$head" '^X-Sluice-Attempts: 1$'
has "it tells our limit" "$head" '^x-ratelimit-limit-requests: 1000$'
has "it tells what remains" "$head" '^x-ratelimit-remaining-requests: 99[0-9]$'
has "it tells when all is free again" "$head" '^x-ratelimit-reset-requests: [0-9]+ms$'
has "NVIDIA's request id passes" "$head" '^nvcf-reqid: '
is "the answer's length is told" "$(printf %s "$body" | wc -c)" \
    "$(sed -n 's/^Content-Length: //p' <<<"$head")"

direct=$(curl -sN "$sim/v1/chat/completions" -d '{"model":"sim/stream-9-20","stream":true,"messages":[]}')
chat sim/stream-9-20 ',"stream":true' -N
is "a stream is 200" 200 "$status"
has "a stream is an event stream" "$head" '^Content-Type: text/event-stream'
has "no proxy may buffer it" "$head" '^X-Accel-Buffering: no$'
same() { sed -E 's/"(id|created)":("[^"]*"|[0-9]+)//g' <<<"$1"; }
is "its bytes are the upstream's" "$(same "$direct")" "$(same "$body")"

# Each event arrives on its own: with 100 ms between them, the first is here
# long before the last.
first=$(curl -sN "$url/v1/chat/completions" -H 'Content-Type: application/json' \
    -d '{"model":"sim/stream-20-100","stream":true,"messages":[]}' |
    { read -r line; date +%s%N; cat >/dev/null; date +%s%N; } | tr '\n' ' ')
read -r t1 t2 <<<"$first"
at_least "the first event is 1.5 s before the last" 1500 $(((t2 - t1) / 1000000))

ask /v1/embeddings -H 'Content-Type: application/json' -d '{"model":"nvidia/nv-embed-v1","input":["a","b"]}'
is "embeddings are 200" 200 "$status"
is "there are two" 2 "$(jq '.data | length' <<<"$body")"
ask /v1/completions -H 'Content-Type: application/json' -d '{"model":"sim/echo","prompt":"x"}'
is "completions are 200" 200 "$status"
ask /v1/ranking -H 'Content-Type: application/json' -d '{"model":"sim/echo","query":{"text":"a"},"passages":[{"text":"b"}]}'
is "ranking is 200" 200 "$status"

head -c 200000 /dev/zero | tr '\0' 'x' >"$work/prompt"
{ printf '{"model":"sim/echo","messages":[{"role":"user","content":"'; cat "$work/prompt"; printf '"}]}'; } >"$work/big.json"
curl -s -X POST "$sim/sim/reset" >/dev/null
ask /v1/chat/completions -H 'Content-Type: application/json' --data-binary "@$work/big.json"
is "a 200 KB body is 200" 200 "$status"
is "it arrived unchanged" "$(sha256sum <"$work/big.json" | cut -d' ' -f1)" \
    "$(curl -s "$sim/sim/arrivals" | jq -r '.arrivals[-1].body_sha256')"
ask /v1/chat/completions -H 'Content-Type: application/json' -d '{"model":"sim/big-600","messages":[]}'
is "an answer longer than what is held back is 200" 200 "$status"
at_least "it is whole" 600000 "$(printf %s "$body" | wc -c)"

ask /
has "the root leads to the dashboard" "$status $head" '^30[1278] .*|[Ll]ocation: .*/dashboard/'
ask /dashboard/
is "the dashboard is there" 200 "$status"
ask /nowhere
is "an unknown path is 404" 404 "$status"
is "with our code" sluice_not_found "$(jq -r .error.code <<<"$body")"
ask /health -X POST -d x
is "POST to health is 405" 405 "$status"
has "with Allow" "$head" '^Allow: GET, HEAD$'

ask /api/status
is "status is JSON" 1000 "$(jq -r '.limits[0].requests' <<<"$body")"
is "all that was sent is counted" "$(jq -r .counters.granted <<<"$body")" "$(jq -r .counters.sent <<<"$body")"
is "nothing is in flight" 0 "$(jq -r '.limits[0].in_flight' <<<"$body")"
is "no body is held" 0 "$(jq -r .queue.held_bytes <<<"$body")"
ask /api/queue
is "the queue is empty" 0 "$(jq '.waiting | length' <<<"$body")"

is "sluicectl reads the same" "nim" "$("$build/sluicectl" --state-dir "$state" status | sed -n 's/^\(nim\): .*/\1/p')"
has "sluicectl prints the queue" "$("$build/sluicectl" --state-dir "$state" queue)" '^POSITION'

# Wrong or right, each request left one line of JSON.
bad_lines=$(grep -a '^{' "$log" "$out" -h | while read -r line; do jq -e .event <<<"$line" >/dev/null || echo "$line"; done)
is "each log line is a JSON object" "" "$bad_lines"
finish
