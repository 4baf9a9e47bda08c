#!/bin/bash
# What one route's answer changes for the others, and what goes upstream twice.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice main SLUICE_WORKERS=2 SLUICE_REQUESTS=1000 SLUICE_WINDOW_S=2 SLUICE_FIRST_BYTE_S=3

J=(-H 'Content-Type: application/json')
arrived() { curl -s "$sim/sim/arrivals" | jq --arg p "$1" '[.arrivals[]|select(.path==$p)]|length'; }
config() { curl -s -X PATCH "$sim/sim/config" -d "$1" >/dev/null; }
next() { config "{\"next\":$1}"; } # next '["500","close"]': what comes next gets
words() { jq -r .error.message <<<"$body"; }
limited() { curl -s "$url/api/status" | jq -c '.models[]|select(.bench != null or .ceiling > 0)|{name,bench,ceiling}'; }

# ---- a bench needs the answer of a model ------------------------------------
model=meta/llama-3.1-8b-instruct
for fault in gone offline degraded not-granted exhausted 429-detail+times-1 status-410; do
    next "[\"$fault\"]"
    ask /v1/threads/x/runs "${J[@]}" -d "{\"model\":\"$model\"}"
    told=$status
    chat $model
    is "$fault at /v1/threads/x/runs ($told) disturbs no chat" 200 "$status"
done
next '["gone"]'
ask /v1/threads/x/runs "${J[@]}" -d "{\"model\":\"$model\"}"
is "a 410 is told with its status, and no SDK is to try again" "410 false" "$status $(header x-should-retry)"
has "in the upstream's words, not as a model that is off" "$(words)" '^The model has reached its end of life$'
next '["degraded"]'
ask /v1/threads/x/runs "${J[@]}" -d "{\"model\":\"$model\"}"
is "a 400 stays one" 400 "$status"
is "no model was benched or limited by any of them" "" "$(limited)"
is "none but the 429 was repeated" 10 "$(arrived /v1/threads/x/runs)"

next '["status-404+deprecated"]'
ask /v1/threads/x/runs "${J[@]}" -d "{\"model\":\"$model\"}"
has "a route that will be gone says so" "$head" '^deprecation: '
is "and is taken for no model" "" "$(grep -h '"event":"deprecation"' "$log" "$out")"

# Nor does a model's bench keep anybody from what is no inference.
chat sim/gone
is "a model is gone" 410 "$status"
ask /v1/fine_tuning/jobs "${J[@]}" -d '{"model":"sim/gone+times-1"}'
next '[""]'
before=$(arrived /v1/batches)
ask /v1/batches "${J[@]}" -d '{"model":"sim/gone"}'
is "a batch of its name is asked for all the same" $((before + 1)) "$(arrived /v1/batches)"

# What names no model has no ceiling to wait at: it must not go round and round.
next '["429-detail","429-detail"]'
ask /v1/rerank "${J[@]}" -d '{"query":"x"}'
is "no worker and no model: it waits, and is answered" 200 "$status"
is "after three sends, with pauses" "3 3" "$(arrived /v1/rerank) $(header X-Sluice-Attempts)"
at_least "of half a second and a second, less a quarter" 1100 "$(header X-Sluice-Queue-Ms)"

# The upstream says when, and that is later than an answer may take to come.
next '["429-detail+retry-after-5"]'
ask /v1/rerank "${J[@]}" -d '{"query":"x"}'
is "it waits for as long as it is told to, whatever one try may take" 200 "$status"

# ---- once, where twice would make two ----------------------------------------
once() { # once FAULT STATUS "sentence"
    local before
    before=$(arrived /v1/batches)
    next "[\"$1\"]"
    ask /v1/batches "${J[@]}" -d '{"input_file_id":"f"}'
    is "$3: status" "$2" "$status"
    is "$3: the upstream saw one" $((before + 1)) "$(arrived /v1/batches)"
    has "$3: told that it may have been done" "$(words)" 'Sluice did not send it again, because it may have been done'
    is "$3: no SDK is to do it again unasked" false "$(header x-should-retry)"
}
once 500 500 "a server's error"
has "in the upstream's words, too" "$(words)" '^Internal server error \(Sluice'
once status-503 503 "the same in OpenAI's shape"
once 504 504 "its own time-out"
once exhausted 503 "no worker"
once offline 503 "off for hours"
chat sim/echo # leaves a connection behind
once close 502 "a connection that closes"
chat sim/echo
once reset 502 "a connection that is reset"
once garbage 502 "bytes that are no HTTP"
once hang 504 "no answer in time"
once cut-20 502 "an answer that breaks off"

before=$(arrived /v1/batches)
next '["500","close","429+retry-after-1"]'
ask /v1/batches "${J[@]}" -H 'Idempotency-Key: k-1' -d '{}'
is "what has an Idempotency-Key goes again" "200 $((before + 4))" "$status $(arrived /v1/batches)"
before=$(arrived /v1/batches)
next '["429+retry-after-1"]'
ask /v1/batches "${J[@]}" -d '{}'
is "a 429 was not done, and is waited out" "200 $((before + 2))" "$status $(arrived /v1/batches)"
before=$(arrived /v1/batches)
next '["500","close"]'
ask /v1/batches
is "a GET goes again" "200 $((before + 3))" "$status $(arrived /v1/batches)"
before=$(arrived /v1/rerank)
next '["500"]'
ask /v1/rerank "${J[@]}" -d '{}'
is "so does inference" "200 $((before + 2))" "$status $(arrived /v1/rerank)"

# ---- bodies that are only passed on ---------------------------------------------
while IFS='|' read -r type text; do
    before=$(arrived /v1/files)
    ask /v1/files -H "Content-Type: $type" --data-binary "$text"
    is "passed on, $type: $text" "200 $((before + 1))" "$status $(arrived /v1/files)"
done <<'END'
application/jsonl|{"model":"a"}{"model":"b"}
application/x-ndjson|{"a":1}{"b":2}
text/plain; x=json|no json
multipart/form-data; boundary=json|--json--
application/json|{"stream":"false","max_tokens":"9"}
application/json|{"stream":0,"model":7}
application/json|{not json
END
chat sim/tokens-2 ',"stream":1' -N
has "a stream of 1 is a stream" "$body" '^data: \[DONE\]'
chat "sim/tokens-2+$(printf 'm%.0s' {1..300})"
is "a model's name may be long" 200 "$status"

# ---- headers: none twice ------------------------------------------------------
twice() { cut -d: -f1 <<<"$head" | tr '[:upper:]' '[:lower:]' | sort | uniq -d | xargs; }
for m in 500+should-retry 401+should-retry+ratelimit-5 unknown+should-retry+retry-after-1 gone+should-retry \
    credits+should-retry tokens-1+ratelimit status-400+ratelimit-7+should-retry; do
    chat "sim/$m"
    is "no header is there twice: $m ($status)" "" "$(twice)"
done
chat sim/500+should-retry+x
is "and where we say whether to retry, we do" "500 false" "$status $(header x-should-retry)"
finish
