#!/bin/bash
# Anthropic's Messages API before an upstream that speaks chat completions, and
# before one that speaks it itself; names of models.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

J=(-H 'Content-Type: application/json' -H 'anthropic-version: 2023-06-01')
say() { # say MODEL [EXTRA-JSON] [CURL-OPTION...]
    local model=$1 extra=${2:-}
    shift
    [ $# = 0 ] || shift
    ask /v1/messages -N "${J[@]}" "$@" \
        -d "{\"model\":\"$model\",\"max_tokens\":50,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]$extra}"
}
S=',"stream":true'
events() { sed -n 's/^event: //p' <<<"$body" | uniq | xargs; }
payload() { sed -n 's/^data: //p' <<<"$body"; }
text() { payload | jq -rj 'select(.type == "content_block_delta") | .delta.text // empty'; }
error() { jq -r '"\(.type) \(.error.type) \(.error.message)"' <<<"$body"; }
last_error() { payload | jq -r 'select(.type == "error") | "\(.error.type) \(.error.message)"'; }
shows_alias() { curl -s "$url/api/status" | jq -e '.aliases["claude-*"] == "sim/tokens-4"'; }
seen() { curl -s "$sim/sim/arrivals" | jq -r ".arrivals[-1].$1"; }

start_sim --limiter none --key nvapi-practice
start_sluice main NVIDIA_API_KEY=nvapi-practice SLUICE_REQUESTS=1000 SLUICE_RETRY_MAX=1 SLUICE_HEARTBEAT_S=0.3 \
    SLUICE_COMMIT_AFTER_S=0.5 SLUICE_MODEL_ALIAS='claude-*-haiku*=sim/tokens-2,claude-*=sim/tokens-3,short=sim/stream-2-0'

# ---- a whole answer ----------------------------------------------------------------
say sim/tokens-3 '' -H 'x-api-key: k'
is "a whole answer is a message" "200 message assistant sim/tokens-3 text This is a end_turn" \
    "$status $(jq -r '"\(.type) \(.role) \(.model) \(.content[0].type) \(.content[0].text) \(.stop_reason)"' <<<"$body")"
is "with what it took" "8 3" "$(jq -r '"\(.usage.input_tokens) \(.usage.output_tokens)"' <<<"$body")"
is "and an id that its SDK finds" "$(header X-Request-Id)" "$(header request-id)"
is "the upstream was asked for chat" "/v1/chat/completions sim/tokens-3 accepted" "$(seen 'path') $(seen model) $(seen verdict)"
is "as JSON" application/json "$(header Content-Type)"
say sim/big-400
is "it may be long" "200 409600" "$status $(jq -r '.content[0].text | length' <<<"$body")"
say sim/tokens-20 ',"max_tokens":4'
is "its bound is kept" "max_tokens" "$(jq -r .stop_reason <<<"$body")"
say sim/stream-3-0+blank-3-300
is "behind a sign of life of the upstream's" "200 This is a" "$status $(jq -r '.content[0].text' <<<"$body")"
for odd in list cut-40 unframed+cut-60; do
    say "sim/tokens-3+$odd"
    is "$odd: no message, and its error is Anthropic's" "502 error api_error" "$status $(error | cut -d' ' -f1-2)"
done

# ---- a stream ------------------------------------------------------------------------
whole="message_start content_block_start content_block_delta content_block_stop message_delta message_stop"
for how in stream-6-0 stream-6-0+split-7 stream-6-0+crlf stream-6-0+no-done stream-6-0+done-then-open \
    stream-6-0+no-options stream-6-0+bom stream-6-0+comments; do
    say "sim/$how" "$S"
    is "$how: its events" "200 $whole" "$status $(events)"
    is "$how: its words" "This is a practice answer from" "$(text)"
    [ $how = stream-6-0+no-options ] && continue # it does not say
    is "$how: what it took" 6 "$(payload | jq -r 'select(.type == "message_delta").usage.output_tokens')"
done
say sim/stream-6-0+json-for-stream "$S"
is "JSON for a stream is told as one" "200 $whole This is a practice answer from" "$status $(events) $(text)"
has "with the head of one" "$(header Content-Type)" '^text/event-stream'
say sim/slow-1500+stream-2-0 "$S"
is "who waits is told with pings, behind the beginning" \
    "message_start ping content_block_start content_block_delta content_block_stop message_delta message_stop" "$(events)"
is "and no comment before its end" 1 "$(grep -c '^:' <<<"$body")"

# ---- tools, over two turns -----------------------------------------------------------
T=',"tools":[{"name":"weather","description":"d","input_schema":{"type":"object","properties":{"city":{"type":"string"}}}}]'
say sim/tools "$T"
is "a call" "tool_use weather Oslo" "$(jq -r '"\(.stop_reason) \(.content[0].name) \(.content[0].input.city)"' <<<"$body")"
say sim/tools "$S$T"
is "a call in a stream" 'Oslo 3 tool_use' "$(payload | jq -rj 'select(.delta.type == "input_json_delta") | .delta.partial_json' |
    jq -r '"\(.city) \(.days)"') $(payload | jq -r 'select(.type == "message_delta").delta.stop_reason')"
id=$(payload | jq -r 'select(.type == "content_block_start").content_block.id')
ask /v1/messages "${J[@]}" -d "{\"model\":\"sim/tokens-3\",\"max_tokens\":9$T,\"messages\":[{\"role\":\"user\",\"content\":\"?\"},
    {\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"$id\",\"name\":\"weather\",\"input\":{\"city\":\"Oslo\"}}]},
    {\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"$id\",\"content\":\"rain\"}]}]}"
is "its result goes back" "200 This is a" "$status $(jq -r '.content[0].text' <<<"$body")"

# ---- errors before the answer --------------------------------------------------------
ask /v1/messages "${J[@]}" -d '{"model":"x","max_tokens":1}'
is "what is no request" "400 error invalid_request_error" "$status $(error | cut -d' ' -f1-2)"
has "an error names its request" "$body" "\"request_id\":\"$(header X-Request-Id)\""
is "and its code where its SDKs look for it" "sluice_bad_request sluice_bad_request" "$(jq -r '"\(.error.code) \(.error.details.error_code)"' <<<"$body")"
say x ',"mcp_servers":[{"name":"n"}]'
is "what chat has no word for" "400 error invalid_request_error" "$status $(error | cut -d' ' -f1-2)"
is "neither was sent" "0" "$(curl -s "$sim/sim/arrivals" | jq '[.arrivals[] | select(.model == "x")] | length')"
while read -r how want; do
    say "sim/$how"
    is "$how" "$want" "$status $(error | cut -d' ' -f2)"
done <<'EOF'
400-openai 400 invalid_request_error
422 422 invalid_request_error
unknown 404 not_found_error
dear 402 billing_error
500 500 api_error
504 504 timeout_error
EOF
for how in 401 403; do
    say "sim/$how"
    is "$how: to try again is of no use" "$how false" "$status $(header x-should-retry)"
done
say sim/context-2000 ',"max_tokens":1995'
is "too long, in the words that clients act on" "400 invalid_request_error input length and \`max_tokens\` exceed context limit: 9 + 1995 > 2000, " \
    "$status $(error | cut -d' ' -f2-14) "
say sim/offline
is "off" "503 overloaded_error false" "$status $(error | cut -d' ' -f2) $(header x-should-retry)"
at_least "and for how long" 10000 "$(header Retry-After)"
say sim/429+retry-after-40 '' -H 'X-Sluice-Deadline: 1'
is "too many" "429 rate_limit_error" "$status $(error | cut -d' ' -f2)"
is "and when to come again" "40 40000" "$(header Retry-After) $(header retry-after-ms)"

# ---- errors in the answer ------------------------------------------------------------
say sim/stream-6-0+stream-error-3-500 "$S"
is "the upstream's" "api_error nimsim was asked for error 500 in its stream" "$(last_error)"
is "nothing follows it" "message_start content_block_start content_block_delta error" "$(events)"
for how in cut-900 early-end-900 reset-900; do
    say "sim/stream-9-0+$how" "$S"
    has "$how" "$(events)" '^message_start content_block_start content_block_delta error$'
    is "$how: in Anthropic's words" "api_error" "$(last_error | cut -d' ' -f1)"
done
say sim/slow-1500+500 "$S"
is "after a wait" "message_start ping error" "$(events)"
is "in its words" "api_error" "$(last_error | cut -d' ' -f1)"
say sim/stream-6-0+stream-error-3-500+echo-key "$S"
is "no key is told" 0 "$(grep -c nvapi-practice <<<"$body")"

# ---- tokens, models, names -----------------------------------------------------------
before=$(stat accepted)
ask '/v1/messages/count_tokens?beta=true' "${J[@]}" -d '{"model":"m","messages":[{"role":"user","content":"hello there"}]}'
is "tokens are counted" 200 "$status"
at_least "at least one" 1 "$(jq .input_tokens <<<"$body")"
at_most "and not many" 30 "$(jq .input_tokens <<<"$body")"
ask /v1/messages/count_tokens "${J[@]}" -d '[]'
is "of a request" "400 error invalid_request_error" "$status $(error | cut -d' ' -f1-2)"
is "nobody is asked for it" "$before" "$(stat accepted)"
ask /v1/models "${J[@]}"
is "models have Anthropic's shape" "model false" "$(jq -r '"\(.data[0].type) \(.has_more)"' <<<"$body")"
ask /v1/models
is "for its clients alone" "list model" "$(jq -r '"\(.object) \(.data[0].object)"' <<<"$body")"
say claude-x-haiku-4
is "the first name that fits" "sim/tokens-2 claude-x-haiku-4" "$(header X-Sluice-Model) $(jq -r .model <<<"$body")"
is "is asked for" sim/tokens-2 "$(seen model)"
say claude-x
is "or the next" "sim/tokens-3 claude-x" "$(header X-Sluice-Model) $(jq -r .model <<<"$body")"
chat short
is "on all routes" "sim/stream-2-0 short" "$(header X-Sluice-Model) $(jq -r .model <<<"$body")"
chat short "$S" -N
is "in streams too" "sim/stream-2-0 short" "$(header X-Sluice-Model) $(payload | jq -r '.model? // empty' 2>/dev/null | sort -u)"
ask /v1/responses "${J[@]}" -N -d '{"model":"short","stream":true,"input":"x"}'
is "and of Responses" short "$(payload | jq -r '.response.model? // empty' | sort -u)"
is "the log says what was served" "sim/stream-2-0" "$(curl -s "$url/api/status" | jq -r '.recent[0].model')"

# ---- what answers teach of tokens ------------------------------------------------------
# nimsim says that each prompt took 8 tokens; these words are guessed to have more.
words=$(printf 'several words of it %.0s' {1..10})
long="{\"model\":\"sim/stream-2-0\",\"max_tokens\":5,\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"$words\"}]}"
counted() { ask /v1/messages/count_tokens "${J[@]}" -d "$long"; jq .input_tokens <<<"$body"; }
begun() { ask /v1/messages -N "${J[@]}" -d "$long"; payload | jq -r 'select(.type == "message_start").message.usage.input_tokens'; }
guess=$(counted)
at_least "the words are guessed" 32 "$guess"
at_most "as so many" 60 "$guess"
is "a stream begins with that" "$guess" "$(begun)"
for _ in {1..40}; do begun >/dev/null; done
learned=$(counted)
at_most "what its answers said is learned of a model" $((guess / 2)) "$learned"
is "by all workers" "$learned" "$(for _ in {1..8}; do counted; done | sort -u)"
at_most "and told at a stream's beginning" $((guess / 2)) "$(begun)"
long=${long/stream-2-0/stream-2-1}
is "of that one alone" "$guess" "$(counted)"

# ---- how an upstream is asked --------------------------------------------------------
THINKING=',"thinking":{"type":"enabled","budget_tokens":1024}'
for how in no-template no-effort no-template+no-effort; do
    say "sim/tokens-3+$how" "$THINKING"
    is "$how: goes again without, and once more for each" "200 This is a" "$status $(jq -r '.content[0].text' <<<"$body")"
    sent=$(stat accepted)
    say "sim/tokens-3+$how" "$THINKING"
    say "sim/tokens-3+$how" "$THINKING"
    at_most "$how: each worker finds that out once" $((sent + 4)) "$(stat accepted)"
    sent=$(stat accepted)
    for _ in 1 2 3 4; do say "sim/tokens-3+$how" "$THINKING"; done
    is "$how: and remembers it" $((sent + 4)) "$(stat accepted)"
done
begun='{"model":"sim/tokens-9","max_tokens":8,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"so"}]}'
ask /v1/messages "${J[@]}" -d "$begun"
is "an answer that was begun is refused" "400 invalid_request_error" "$status $(error | cut -d' ' -f2)"
patch '{"upstreams.nim.prefill":true,"upstreams.nim.max_tokens":3}'
ask /v1/messages "${J[@]}" -d "$begun"
is "unless its upstream can go on with it, and no longer than that allows" "200 This is a" "$status $(jq -r '.content[0].text' <<<"$body")"
patch '{"upstreams.nim.prefill":null,"upstreams.nim.max_tokens":null}'

# ---- names that change while it runs ------------------------------------------------
named() { # named: which models 16 requests at once for a Claude were served by
    local i
    for ((i = 0; i < 16; i++)); do
        ((i == 0)) || echo next
        printf '%s\n' "url = \"$url/v1/messages\"" silent 'header = "Content-Type: application/json"' 'output = /dev/null' \
            'write-out = "%{header_json}"' 'data = "{\"model\":\"claude-y\",\"max_tokens\":2,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"'
    done | curl -Z --parallel-immediate -K - 2>/dev/null | jq -r '."x-sluice-model"[0]' | sort -u | xargs
}
patch '{"model_alias":{"claude-y":"sim/tokens-2","claude-*":"sim/tokens-3"}}'
is "names change in all workers at once" sim/tokens-2 "$(named)"
"$build/sluicectl" --state-dir "$state" set 'model_alias=claude-*=sim/tokens-4' >"$work/set"
is "as a variable has them, too" "sim/tokens-4 model_alias = {\"claude-*\":\"sim/tokens-4\"} (live)" "$(named) $(cat "$work/set")"
is "which are told" '{"claude-*":"sim/tokens-4"}' "$(wait_for 5 shows_alias; curl -s "$url/api/status" | jq -c .aliases)"
has "also by sluicectl" "$("$build/sluicectl" --state-dir "$state" status)" '^claude-\* stands for sim/tokens-4$'
ask /api/config -X PATCH -H "Authorization: Bearer $(cat "$state/admin.token")" -d '{"model_alias":{"a b":"c"}}'
is "what is no name is refused, and nothing changes" "400 sim/tokens-4" "$status $(named)"
has "in the words that the file would be refused with" "$(jq -r .error.message <<<"$body")" '^model_alias: a pattern or model has no name, is too long, or has a blank'
stop_sluice
start_sluice main NVIDIA_API_KEY=nvapi-practice SLUICE_REQUESTS=1000 SLUICE_COMMIT_AFTER_S=0.5 SLUICE_HEARTBEAT_S=0.3 SLUICE_MODEL_ALIAS='claude-*=sim/tokens-3'
is "they are kept across a restart" sim/tokens-4 "$(named)"
patch '{"model_alias":null}'
is "and dropped" sim/tokens-3 "$(named)"

# ---- in line -------------------------------------------------------------------------
pause
(say sim/stream-2-0 "$S" --max-time 30; printf '%s\n' "$(events)" >"$work/waited") &
waiter=$!
sleep 1.2
resume
wait "$waiter"
is "a wait in line is told with pings" \
    "message_start ping content_block_start content_block_delta content_block_stop message_delta message_stop" "$(cat "$work/waited")"

# ---- who speaks it, and who does not ---------------------------------------------------
stop_sluice
cat >"$work/two.json" <<EOF
{"upstreams": [
  {"name": "chat", "base_url": "$sim", "models": ["sim/*"], "requests": 1000},
  {"name": "both", "base_url": "$sim", "models": ["own/*"], "requests": 1000, "protocols": ["chat", "messages"]}
]}
EOF
dir=$work/two; mkdir -p "$dir"; state=$dir/state
env SLUICE_BUILD="$build" SLUICE_LISTEN=127.0.0.1:0 SLUICE_STATE_DIR="$state" SLUICE_CONFIG="$work/two.json" \
    SLUICE_TEST_FRESH_MS=0 SLUICE_DRAIN_S=2 "$root/conf/run" >"$dir/out" 2>&1 &
run_pid=$! pids+=("$!")
wait_for 30 test -s "$state/listen"
url=$(cat "$state/listen")
say own/m '' -H 'x-api-key: nvapi-practice'
is "who speaks it is asked in it" "/v1/messages own/m" "$(seen path) $(seen model)"
say sim/tokens-3 '' -H 'x-api-key: nvapi-practice'
is "who does not, in chat, with the client's key" "200 /v1/chat/completions accepted" "$status $(seen path) $(seen verdict)"
ask /v1/messages/count_tokens "${J[@]}" -H 'x-api-key: nvapi-practice' -d '{"model":"own/m","messages":[{"role":"user","content":"hello there"}]}'
is "who speaks it counts, too" "/v1/messages/count_tokens" "$(seen path)"
ask /v1/messages/count_tokens "${J[@]}" -H 'x-api-key: nvapi-practice' -d '{"model":"sim/m","messages":[{"role":"user","content":"hello there"}]}'
is "and we for the other" "200 true" "$status $(jq '.input_tokens > 0' <<<"$body")"

finish
