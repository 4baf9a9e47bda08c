#!/bin/bash
# OpenAI's Responses API before an upstream that speaks chat completions, and
# before one that speaks it itself.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

J=(-H 'Content-Type: application/json')
respond() { # respond MODEL [EXTRA-JSON] [CURL-OPTION...]
    local model=$1 extra=${2:-}
    shift
    [ $# = 0 ] || shift
    ask /v1/responses -N "${J[@]}" "$@" -d "{\"model\":\"$model\",\"input\":\"hello\"$extra}"
}
S=',"stream":true'
events() { sed -n 's/^event: response\.//p; s/^event: error/error/p' <<<"$body" | uniq | xargs; }
payload() { sed -n 's/^data: //p' <<<"$body"; }
text() { payload | jq -rj 'select(.type == "response.output_text.delta").delta'; }
final() { payload | jq -c "select(.type | test(\"^response.(completed|incomplete|failed)$\")).response" | jq -r "$1"; }
error() { jq -r '"\(.error.type) \(.error.code) \(.error.message)"' <<<"$body"; }
last_error() { payload | jq -r 'select(.type == "error") | "\(.code) \(.message)"'; }
seen() { curl -s "$sim/sim/arrivals" | jq -r ".arrivals[-1].$1"; }
numbered() { payload | jq -s 'map(.sequence_number) == [range(length)]'; }

start_sim --limiter none --key nvapi-practice
start_sluice main NVIDIA_API_KEY=nvapi-practice SLUICE_REQUESTS=1000 SLUICE_RETRY_MAX=1 SLUICE_HEARTBEAT_S=0.3 \
    SLUICE_COMMIT_AFTER_S=0.5 SLUICE_PROTOCOLS=chat SLUICE_MODEL_ALIAS='gpt-*=sim/tokens-3,short=sim/stream-2-0'

# ---- a whole answer ----------------------------------------------------------------
respond sim/tokens-3
is "a whole answer is a response" "200 response completed sim/tokens-3 message output_text This is a" \
    "$status $(jq -r '"\(.object) \(.status) \(.model) \(.output[0].type) \(.output[0].content[0].type) \(.output[0].content[0].text)"' <<<"$body")"
is "with what it took" "8 3 11" "$(jq -r '.usage | "\(.input_tokens) \(.output_tokens) \(.total_tokens)"' <<<"$body")"
is "the upstream was asked for chat" "/v1/chat/completions sim/tokens-3 accepted" "$(seen path) $(seen model) $(seen verdict)"
is "as JSON" application/json "$(header Content-Type)"
at_least "at a moment that is now" "$(($(date +%s) - 60))" "$(jq .created_at <<<"$body")"
respond sim/tokens-3 ',"instructions":"be brief","metadata":{"a":"b"},"temperature":0.5,"max_output_tokens":40'
is "it says what was asked for" "be brief b 0.5 40 false" \
    "$(jq -r '"\(.instructions) \(.metadata.a) \(.temperature) \(.max_output_tokens) \(.store)"' <<<"$body")"
respond sim/big-400
is "it may be long" "200 409600" "$status $(jq -r '.output[0].content[0].text | length' <<<"$body")"
respond sim/tokens-20 ',"max_output_tokens":4'
is "its bound is kept" "incomplete max_output_tokens incomplete" \
    "$(jq -r '"\(.status) \(.incomplete_details.reason) \(.output[0].status)"' <<<"$body")"
respond sim/tokens-3+blank-3-300
is "behind a sign of life of the upstream's" "200 This is a" "$status $(jq -r '.output[0].content[0].text' <<<"$body")"
for odd in list cut-40 unframed+cut-60; do
    respond "sim/tokens-3+$odd"
    is "$odd: no response, but an error" "502 server_error" "$status $(error | cut -d' ' -f1)"
done

# ---- a stream ------------------------------------------------------------------------
item="output_item.added content_part.added output_text.delta output_text.done content_part.done output_item.done"
whole="created in_progress $item completed"
for how in stream-6-0 stream-6-0+split-7 stream-6-0+crlf stream-6-0+no-done stream-6-0+done-then-open \
    stream-6-0+no-options stream-6-0+bom stream-6-0+comments; do
    respond "sim/$how" "$S"
    is "$how: its events, counted" "200 $whole true" "$status $(events) $(numbered)"
    is "$how: its words, twice" "This is a practice answer from / This is a practice answer from" \
        "$(text) / $(final '.output[0].content[0].text')"
    [ $how = stream-6-0+no-options ] && continue # it does not say
    is "$how: what it took" 6 "$(final .usage.output_tokens)"
done
respond sim/stream-6-0 "$S"',"max_output_tokens":3'
is "at its token limit" "incomplete max_output_tokens 0" \
    "$(final '"\(.status) \(.incomplete_details.reason)"') $(grep -c response.completed <<<"$body")"
respond sim/stream-6-0+json-for-stream "$S"
is "JSON for a stream is told as one" "200 $whole This is a practice answer from" "$status $(events) $(text)"
has "with the head of one" "$(header Content-Type)" '^text/event-stream'
respond sim/slow-1500+stream-2-0 "$S"
is "who waits is told in comments, and events come later" "$whole true" "$(events) $(numbered)"
has "they come first" "$(head -n 1 <<<"$body")" '^: waiting for the upstream'
respond sim/slow-1500+stream-2-0 "$S" -H 'User-Agent: codex_exec/1'
is "Codex, too" "$whole" "$(events)"

# ---- tools, over two turns -----------------------------------------------------------
T=',"tools":[{"type":"function","name":"weather","parameters":{"type":"object"}},{"type":"web_search"}]'
respond sim/tools "$T"
is "a call" "completed function_call weather Oslo" \
    "$(jq -r '"\(.status) \(.output[0].type) \(.output[0].name) \(.output[0].arguments | fromjson.city)"' <<<"$body")"
is "the tools that were offered" weather "$(jq -r '[.tools[].name] | join(" ")' <<<"$body")"
respond sim/tools "$S$T"
is "a call in a stream" 'Oslo 3 completed true' "$(payload | jq -rj 'select(.type == "response.function_call_arguments.delta").delta' |
    jq -r '"\(.city) \(.days)"') $(final .status) $(numbered)"
id=$(final '.output[0].call_id')
ask /v1/responses "${J[@]}" -d "{\"model\":\"sim/tokens-3\"$T,\"input\":[{\"role\":\"user\",\"content\":\"?\"},
    {\"type\":\"function_call\",\"call_id\":\"$id\",\"name\":\"weather\",\"arguments\":\"{}\"},
    {\"type\":\"function_call_output\",\"call_id\":\"$id\",\"output\":\"rain\"}]}"
is "its result goes back" "200 This is a" "$status $(jq -r '.output[0].content[0].text' <<<"$body")"
respond sim/tools "$S"',"tools":[{"type":"custom","name":"weather"}]'
is "a custom tool is called with a text" 'custom_tool_call {"city":"Oslo","days":3}' "$(final '.output[0] | "\(.type) \(.input)"')"
respond sim/tools ',"tools":[{"type":"web_search"}]'
is "what nobody can do is refused" "400 invalid_request_error" "$status $(error | cut -d' ' -f1)"

# ---- errors before the answer, in OpenAI's shape ---------------------------------------
for kept in '"previous_response_id":"resp_1"' '"background":true' '"conversation":"c"' '"prompt":{"id":"p"}'; do
    respond never ",$kept"
    is "$kept" "400 invalid_request_error sluice_bad_request" "$status $(error | cut -d' ' -f1-2)"
    has "$kept: says that nothing is stored" "$body" 'stored'
done
ask /v1/responses "${J[@]}" -d '{"model":"never"}'
is "what is no request" "400 invalid_request_error" "$status $(error | cut -d' ' -f1)"
ask /v1/responses "${J[@]}" -d '["never"]'
is "what is no object" "400 invalid_request_error" "$status $(error | cut -d' ' -f1)"
is "none of them was sent" 0 "$(curl -s "$sim/sim/arrivals" | jq '[.arrivals[] | select(.model == "never")] | length')"
for method in GET DELETE; do
    ask /v1/responses/resp_1 -X $method
    is "$method by id: nothing is there" "404 not_found_error" "$status $(error | cut -d' ' -f1)"
    has "$method by id: and why" "$body" 'No response is stored here'
done
ask '/v1/responses/resp_1/cancel?a=b' "${J[@]}" -d '{}'
is "nor to cancel" 404 "$status"
ask /v1/responses/resp_1/input_items
is "nor its items" 404 "$status"
while read -r how want; do
    respond "sim/$how"
    is "$how" "$want" "$status $(error | cut -d' ' -f1)"
done <<'LIST'
400-openai 400 invalid_request_error
422 422 invalid_request_error
unknown 404 not_found_error
500 500 internal_server_error
LIST
respond sim/429+retry-after-40 '' -H 'X-Sluice-Deadline: 1'
is "too many" "429 40 40000" "$status $(header Retry-After) $(header retry-after-ms)"

# ---- errors in the answer ------------------------------------------------------------
begun="created in_progress output_item.added content_part.added output_text.delta failed error"
respond sim/stream-6-0+stream-error-3-500 "$S"
is "the upstream's" "$begun true" "$(events) $(numbered)"
has "in its words" "$(last_error)" 'nimsim was asked for error 500 in its stream'
is "as a response that failed" "failed server_error" "$(final '"\(.status) \(.error.code)"')"
for how in cut-900 early-end-900 reset-900; do
    respond "sim/stream-9-0+$how" "$S"
    is "$how" "$begun true" "$(events) $(numbered)"
    is "$how: in ours" "sluice_upstream_truncated" "$(last_error | cut -d' ' -f1)"
done
respond sim/slow-1500+500 "$S"
is "after a wait" "failed error true" "$(events) $(numbered)"
respond sim/stream-6-0+stream-error-3-500+echo-key "$S"
is "no key is told" 0 "$(grep -c nvapi-practice <<<"$body")"

# Cut anywhere, no stream looks complete.
silent=''
for ((at = 300; at < 1900; at += 67)); do
    respond "sim/stream-9-0+cut-$at" "$S"
    case $status-$(events | awk '{ print $NF }') in
    502-) continue ;; # before its first word
    200-error | 200-completed) ;;
    *) silent+=" $at" ;;
    esac
    [ "$(final .status)" != completed ] || [ "$(text)" = "This is a practice answer from nimsim, the practice" ] || silent+=" $at!"
done
is "wherever it is cut" "" "$silent"

# ---- names ---------------------------------------------------------------------------
respond gpt-x
is "another model is asked for" "sim/tokens-3 gpt-x sim/tokens-3" "$(header X-Sluice-Model) $(jq -r .model <<<"$body") $(seen model)"
respond short "$S"
is "in streams too" "sim/stream-2-0 short" "$(header X-Sluice-Model) $(payload | jq -r '.response.model? // empty' | sort -u)"

# ---- in line -------------------------------------------------------------------------
pause
(respond sim/stream-2-0 "$S" --max-time 30; printf '%s\n' "$(grep -c '^: queued' <<<"$body") $(events)" >"$work/waited") &
waiter=$!
sleep 1.2
resume
wait "$waiter"
has "a wait in line is told in comments" "$(cat "$work/waited")" "^[1-9][0-9]* $whole\$"

# ---- who speaks it, and who does not ---------------------------------------------------
stop_sluice
cat >"$work/two.json" <<EOF2
{"upstreams": [
  {"name": "both", "base_url": "$sim", "models": ["own/*"], "requests": 1000},
  {"name": "chat", "base_url": "$sim", "requests": 1000, "protocols": ["chat"]}
]}
EOF2
dir=$work/two; mkdir -p "$dir"; state=$dir/state
env SLUICE_BUILD="$build" SLUICE_LISTEN=127.0.0.1:0 SLUICE_STATE_DIR="$state" SLUICE_CONFIG="$work/two.json" \
    SLUICE_TEST_FRESH_MS=0 SLUICE_DRAIN_S=2 "$root/conf/run" >"$dir/out" 2>&1 &
run_pid=$! pids+=("$!")
wait_for 30 test -s "$state/listen"
url=$(cat "$state/listen")
K=(-H 'Authorization: Bearer nvapi-practice')
respond own/m ',"previous_response_id":"resp_1"' "${K[@]}"
is "who speaks it is asked in it, as it came" "200 /v1/responses own/m" "$status $(seen path) $(seen model)"
respond sim/tokens-3 '' "${K[@]}"
is "who does not, in chat" "200 /v1/chat/completions accepted" "$status $(seen path) $(seen verdict)"
respond sim/stream-2-0 "$S" "${K[@]}"
is "in a stream too" "200 This is" "$status $(text)"
ask /v1/responses/resp_1 "${K[@]}"
is "and who may have stored something" "both /v1/responses/resp_1" "$(header X-Sluice-Upstream) $(seen path)"

finish
