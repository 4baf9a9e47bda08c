#!/bin/bash
# The practice upstream on its own: what the other tests rely on.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim --requests 1000 --window 60
url=$sim

config() { curl -s -X PATCH "$sim/sim/config" -d "$1"; }
reset() { curl -s -X POST "$sim/sim/reset" >/dev/null; }
arrival() { curl -s "$sim/sim/arrivals" | jq -r ".arrivals[-1].$1"; }
header() { sed -n "s/^$1: //Ip" <<<"$head"; }

answers() { # answers WORDS STATUS TYPE PATTERN
    chat "sim/$1"
    is "$1: status and type" "$2 $3" "$status $(header content-type)"
    has "$1: body" "$body" "$4"
}
problem=application/problem+json json=application/json
answers 429 429 $problem '^{"status":429,"title":"Too Many Requests"}$'
answers 429-detail 429 $problem '"detail":"'
answers 429-gateway 429 $json '^{"message":"rate limit exceeded"}$'
answers credits 402 $problem 'Cloud credits expired'
answers quota 429 $json '"code":"insufficient_quota"}}$'
answers billing 400 $json '"code":"billing_hard_limit_reached"}}$'
answers limit-none 429 $json 'limit: 0.nPlease'
answers too-large 429 $json 'Limit 6000, Requested 14810'
answers at-once 429 $json '"error":"INSUFFICIENT QUOTA"'
answers dear 402 $json 'This request requires more credits'
answers 529 529 $json '"overloaded_error","message":"Overloaded"}}$'
answers 429-inside 200 $json '^{"error":{"message":"Provider returned error","code":429'
answers 502-inside 200 $json '^{"error":{.*"code":"502"}}$'
answers error-beside 200 $json '^{"error":{.*"code":429},"choices":'
answers 429+retry-date-5+clock-3600 429 $problem Requests
is "its clock is an hour ahead, of both dates" "1 5" "$(($(date -d "$(header date)" +%s) - $(date +%s) > 3590)) \
$(($(date -d "$(header retry-after)" +%s) - $(date -d "$(header date)" +%s)))"
answers 429+retry-date-5+rfc850 429 $problem Requests
has "a date in an obsolete form" "$(header retry-after)" '^[A-Z][a-z]+day, [0-9]{2}-[A-Z][a-z]{2}-[0-9]{2} [0-9:]{8} GMT$'
answers 429+retry-date-5+asctime 429 $problem Requests
has "and in the other" "$(header retry-after)" '^[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} [0-9]{4}$'
answers 429+retry-garbage 429 $problem Requests
is "one that is none" soon "$(header retry-after)"
answers 403 403 $problem 'Authorization failed'
answers not-granted 404 $problem 'Not found for account'
answers unknown 404 'text/plain; charset=utf-8' '^404 page not found$'
answers degraded 400 $problem 'DEGRADED function cannot be invoked'
answers 400-model 400 $json '"type":"Bad Request","code":400}$'
answers 400-openai 400 $json '^{"error":{"message":.*"param":"temperature"'
answers 422 422 $json '^{"detail":\[{"type":"extra_forbidden"'
answers gone 410 $problem 'end of life'
answers eol 410 $problem 'end of life'
answers offline 503 $problem 'offline'
is "offline says for how long" 10800 "$(header retry-after)"
answers overloaded 503 $problem 'Service temporarily overloaded'
answers exhausted 503 $json 'ResourceExhausted: Worker local total request limit reached \(16/16\)'
answers 500 500 $json '^{"message":"Internal server error","type":"internal_server_error","code":500}$'
answers 502 502 $problem 'Upstream request failed\.'
answers 504 504 '' '^$'
answers html-502 502 'text/html; charset=utf-8' '<title>502 Bad Gateway</title>'
answers problem-451 451 $problem '"status":451,"title":'
answers text-400 400 'text/plain; charset=utf-8' 'asked for status 400'
answers empty-500 500 '' '^$'
chat sim/429+retry-after-7+ratelimit
is "429 with Retry-After" 7 "$(header retry-after)"
has "the newer gateway's headers" "$head" '^X-Ratelimit-Remaining-Requests: [0-9]+$'
has "a duration as Go writes it" "$head" '^X-Ratelimit-Reset-Tokens: 1m12\.5s$'
chat sim/429+retry-after-ms-250
is "retry-after-ms" 250 "$(header retry-after-ms)"
chat sim/overloaded+retry-date-30
has "Retry-After as a date" "$(header retry-after)" '^[A-Z][a-z]{2}, [0-9]{2} .* GMT$'
chat sim/echo+deprecated
has "a Deprecation header on a success" "$status $head" '^Deprecation: .* GMT$'

# Errors inside a 200 stream.
chat sim/overloaded-stream ',"stream":true'
has "an overload as the first event" "$body" '^data: .*"server_is_overloaded"'
chat sim/overloaded-event ',"stream":true'
has "and as an event of its own name" "$body" '^event: error'
chat sim/exhausted-stream ',"stream":true'
has "an error as the first event" "$(head -n 1 <<<"$body")" '^data: {"error":.*ResourceExhausted'
chat sim/stream-error-1-503 ',"stream":true'
is "an error after the role, before any word" '"" 503' \
    "$(sed -n 's/^data: {/{/p' <<<"$body" | jq -rsc '"\(.[0].choices[0].delta.content|tojson) \(.[1].error.code)"')"
chat sim/stream-error-3-500 ',"stream":true'
is "an error after two words" '" is" 500' \
    "$(sed -n 's/^data: {/{/p' <<<"$body" | jq -rsc '"\(.[2].choices[0].delta.content|tojson) \(.[3].error.code)"')"

chat sim/context-20+tokens-3 ',"max_tokens":11'
is "what fits is answered" 200 "$status"
chat sim/context-20+tokens-3 ',"max_tokens":12'
has "what does not is too long" "$status $body" '400 .*is too large: 12. This model.s maximum context length is 20 tokens and your request has 9 input'

# Tools, and a file.
chat sim/tools
is "a call of a tool" 'weather {"city":"Oslo","days":3} tool_calls' \
    "$(jq -r '.choices[0] | "\(.message.tool_calls[0].function | "\(.name) \(.arguments)") \(.finish_reason)"' <<<"$body")"
chat sim/tools ',"stream":true'
is "the same in a stream, in pieces" '3 weather {"city":"Oslo","days":3} tool_calls' \
    "$(sed -n 's/^data: {/{/p' <<<"$body" | jq -rsc '[.[].choices[0]] | [.[].delta.tool_calls // empty | .[0].function] as $f |
        "\($f | length) \($f[0].name) \($f | map(.arguments) | add) \(.[-1].finish_reason)"')"
ask /v1/responses -d '{"model":"sim/tools","stream":true,"input":"x"}'
is "and as the Responses API has it" "created in_progress output_item.added function_call_arguments.delta \
function_call_arguments.done output_item.done completed" "$(sed -n 's/^event: response.//p' <<<"$body" | uniq | xargs)"
is "whose end has all of it" '["function_call","weather","{\"city\":\"Oslo\",\"days\":3}"]' \
    "$(sed -n 's/^data: {/{/p' <<<"$body" | jq -sc '.[-1].response.output[0] | [.type, .name, .arguments]')"
ask /v1/completions -d '{"model":"sim/tools","prompt":"x"}'
is "completions have no tools" "stop" "$(jq -r '.choices[0].finish_reason' <<<"$body")"

# An agent: what it says follows from the conversation alone.
tool() { # tool NAME KEY
    printf '{"type":"function","function":{"name":"%s","parameters":{"type":"object","properties":{"%s":{}}}}}' "$1" "$2"
}
agent() { # agent MESSAGES [EXTRA-JSON]
    ask /v1/chat/completions -d "{\"model\":\"sim/agent\",\"messages\":[$1],\"tools\":[$(tool Read file_path),$(tool Edit file_path)]${2:-}}"
}
calls() { jq -r '.choices[0] | "\([.message.tool_calls[]?.function | .name, .arguments] | join(" ")) \(.finish_reason)"' <<<"$body"; }
user='{"role":"user","content":"<system-reminder>not /a/not.txt</system-reminder> change \"/a/b.txt\""}'
called='{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"x","arguments":"{}"}}]},
    {"role":"tool","tool_call_id":"1","content":"see /a/no.txt"}'
read='Read {"file_path":"/a/b.txt"}' edit='Edit {"file_path":"/a/b.txt","old_string":"grey","new_string":"green"}'
agent "$user"
is "an agent reads the file that was named, twice" "$read $read tool_calls" "$(calls)"
is "in calls that differ" 2 "$(jq '[.choices[0].message.tool_calls[].id] | unique | length' <<<"$body")"
agent "$user" ',"stream":true'
is "the same in a stream" "6 $read $read tool_calls" "$(sed -n 's/^data: {/{/p' <<<"$body" | jq -rsc '[.[].choices[0]] |
    [.[].delta.tool_calls // empty | .[0]] as $c | "\($c | length) \([0, 1] | map(. as $i | [$c[] | select(.index == $i).function] |
    "\(.[0].name) \(map(.arguments) | add)") | join(" ")) \(.[-1].finish_reason)"')"
agent "$user,${called%%,*},\"content\":null}"
is "and does not go on without an answer" "$read $read tool_calls" "$(calls)"
agent "$user,$called"
is "then it changes it" "$edit tool_calls" "$(calls)"
agent "$user,$called,{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Tool loaded.\"}]},$called"
is "then it speaks" " stop" "$(calls)"
agent "$user,$called,$called,{\"role\":\"assistant\",\"content\":\"done\"},$user"
is "and begins anew with a new wish" "$read $read tool_calls" "$(calls)"
for said in '/a/b.txt.gz' 'b.txt' '/a/../b.txt' '/a/b;c.txt' "/$(seq -s. 100).txt" '/a/(b).txt' ''; do
    agent "{\"role\":\"user\",\"content\":\"change $said\"}"
    is "what is no plain path of a text is no file: ${said:0:20}" " stop" "$(calls)"
done
ask /v1/chat/completions -d "{\"model\":\"sim/agent\",\"messages\":[$user],\"tools\":[$(tool Read path),7,$(tool Edit path)]}"
is "nor are other tools its own" " stop" "$(calls)"

# ---- a chat that thinks, calls two at once, shows what came, and stops -------------
deltas() { sed -n 's/^data: {/{/p' <<<"$body" | jq -rj ".choices[0].delta.$1 // empty"; }
chat sim/think-4+tokens-2
is "it thinks before it speaks" "Let me think about/This is/6" \
    "$(jq -r '"\(.choices[0].message.reasoning_content)/\(.choices[0].message.content)/\(.usage.completion_tokens)"' <<<"$body")"
chat sim/think-4+tokens-2 ',"stream":true'
is "in a stream too" "Let me think about/This is" "$(deltas reasoning_content)/$(deltas content)"
chat sim/think-4+tokens-2 ',"max_tokens":3'
is "its bound is of both" "Let me think/length" "$(jq -r '.choices[0] | "\(.message.reasoning_content)/\(.finish_reason)"' <<<"$body")"
both='weather {"city":"Oslo","days":3} clock {"zone":"Europe/Oslo"} tool_calls'
chat sim/pair-1
is "two calls at once" "$both" "$(jq -r '.choices[0] | "\([.message.tool_calls[].function | .name, .arguments] | join(" ")) \(.finish_reason)"' <<<"$body")"
is "with an id each" 2 "$(jq '[.choices[0].message.tool_calls[].id] | unique | length' <<<"$body")"
chat sim/pair-1 ',"stream":true'
calls=$(sed -n 's/^data: {/{/p' <<<"$body" | jq -c '.choices[0].delta.tool_calls // empty | .[0]')
one() { jq -rj "select(.index == $1).function | .name // empty, \" \"" <<<"$calls" | tr -d ' '; printf ' '; jq -rj "select(.index == $1).function.arguments" <<<"$calls"; }
is "in a stream too" "$both" "$(one 0) $(one 1) tool_calls"
turns() { # with so many results
    local i all=
    for ((i = 0; i < $1; i++)); do all+=',{"role":"tool","tool_call_id":"x","content":"y"}'; done
    ask /v1/chat/completions -d "{\"model\":\"$2\",\"messages\":[{\"role\":\"user\",\"content\":\"a \\\"b\\\"\"}$all]}"
}
for n in 1 2; do
    turns "$n" sim/pair-1+tokens-2
    is "and it speaks once both results are there: $n" "$([ "$n" = 2 ] && echo stop || echo tool_calls)" "$(jq -r '.choices[0].finish_reason' <<<"$body")"
done
turns 2 sim/pair-2
is "or calls again" tool_calls "$(jq -r '.choices[0].finish_reason' <<<"$body")"
turns 1 sim/mirror
is "the mirror shows what came" 'sim/mirror a "b" tool' "$(jq -r '.choices[0].message.content' <<<"$body" | jq -r '"\(.model) \(.messages[0].content) \(.messages[1].role)"')"
chat sim/mirror ',"stream":true,"seed":7'
is "in a stream too" 7 "$(deltas content | jq .seed)"
chat sim/tokens-9+stops ',"stop":["x","practice","a"]'
is "it stops before a word" "This is/stop/a" "$(jq -r '.choices[0] | "\(.message.content)/\(.finish_reason)/\(.stop_reason)"' <<<"$body")"
chat sim/tokens-9+stops ',"stop":["a"],"stream":true'
is "in a stream too" "This is/a" "$(deltas content)/$(sed -n 's/^data: {/{/p' <<<"$body" | jq -r '.choices[0].stop_reason // empty')"
printf '{"a":1}\r\n--no boundary\n' >"$work/up.jsonl"
ask /v1/files -F purpose=batch -F "file=@$work/up.jsonl"
is "a file: its name and its bytes" "file up.jsonl $(wc -c <"$work/up.jsonl")" "$(jq -r '"\(.object) \(.filename) \(.bytes)"' <<<"$body")"
ask /v1/files -d 'no file'
is "what is none" thing "$(jq -r .object <<<"$body")"

# Cuts and resets: what curl says of them (18 partial, 52 nothing, 56 reset).
broken() { # broken WORDS CURL-EXIT BYTES "sentence"
    : >"$work/cut"
    curl -s -o "$work/cut" --max-time 10 -d "{\"model\":\"sim/$1\",\"messages\":[]${5:-}}" "$sim/v1/chat/completions"
    is "$4" "$2 $3" "$? $(wc -c 2>/dev/null <"$work/cut")"
}
broken cut-50 18 50 "cut by length"
broken cut-50 18 50 "cut in chunks" ',"stream":true'
broken reset-50 56 50 "reset inside the body"
broken head-cut 0 "$(curl -s -d '{"model":"sim/head-cut","messages":[]}' "$sim/v1/chat/completions" | wc -c)" "an unknown word changes nothing"
broken cut-head-0 52 0 "no byte at all"
broken unframed+cut-50 0 50 "a cut that nothing betrays"
has "cut inside the head" "$(curl -si --max-time 10 -d '{"model":"sim/cut-head-30","messages":[]}' "$sim/v1/chat/completions" | tr -d '\r' | xargs)" \
    '^HTTP/1\.1 200 OK( Content-Type:)?$'
whole=$(curl -s -d '{"model":"sim/unended","messages":[]}' "$sim/v1/chat/completions" | tail -c 1)
is "unended: all of the body" "}" "$whole"
curl -s -o "$work/cut" -d '{"model":"sim/unended","stream":true,"messages":[]}' "$sim/v1/chat/completions"
is "unended: but no last chunk" "18 data: [DONE]" "$? $(grep . "$work/cut" | tail -n 1)"

# 202, polls, 302.
reset
chat sim/poll-2 '' -H 'NVCF-POLL-SECONDS: 5'
id=$(header nvcf-reqid)
is "202 at first" "202 in-progress " "$status $(header nvcf-status) $body"
is "the log has the poll time asked for" 5 "$(arrival poll_seconds)"
for want in 202 202 200 200; do
    ask "/v1/status/$id"
    is "polled: $want" "$want $id" "$status $(header nvcf-reqid)"
done
is "the final answer is the model's" chat.completion "$(jq -r .object <<<"$body")"
is "polls are logged with their model" "poll sim/poll-2 200" "$(arrival verdict) $(arrival model) $(arrival status)"
is "polls are not charged" "1 4" "$(curl -s "$sim/sim/stats" | jq -r '"\(.accepted) \(.polls)"')"
is "nor are they in the window" 1 "$(max_in_window 60000)"
ask /v1/status/00000000-0000-4000-8000-0000000000ff
is "an unknown id is 404" 404 "$status"
chat sim/poll-ms-3000+500
ask "/v2/nvcf/pexec/status/$(header nvcf-reqid)"
is "not before its time" 202 "$status"
late=/v1/status/$(header nvcf-reqid)
# shellcheck disable=SC2317 # wait_for calls it
is_there() { ask "$late" && [ "$status" != 202 ]; }
wait_for 5 is_there
is "the final answer may be an error" 500 "$status"
chat sim/poll-0+redirect
ask "/v1/status/$(header nvcf-reqid)" -H 'Authorization: Bearer x'
has "the answer lies elsewhere" "$status $(header location)" "^302 $sim/results/"
location=$(header location)
ask "${location#"$sim"}"
is "a result" "200 chat.completion" "$status $(jq -r .object <<<"$body")"
is "the log tells who came without a key" "result false" "$(arrival verdict) $(arrival auth)"
is "and who came with one" true "$(curl -s -H 'Authorization: Bearer x' "$location" >/dev/null; arrival auth)"
config '{"result_base":"http://elsewhere.test:81"}' >/dev/null
chat sim/redirect
has "the place can be chosen" "$status $(header location)" '^302 http://elsewhere\.test:81/results/0'

# Workers.
for _ in 1 2; do
    curl -s -o /dev/null -w '%{http_code}\n' "$sim/v1/chat/completions" \
        -d '{"model":"sim/workers-2+slow-3000","messages":[]}' >>"$work/codes" &
done
wait_for 5 eval "[ \$(stat open) = 2 ]"
chat sim/workers-2+slow-3000
is "the third at once is exhausted" 503 "$status"
has "with the limit" "$body" '\(2/2\)'
is "the log tells why" "exhausted workers" "$(arrival fault) $(arrival fault_by)"
chat sim/workers-1
is "another model has its own" 200 "$status"
wait_for 5 eval "[ \$(stat open) = 0 ]"
is "the two were answered" "200 200" "$(xargs <"$work/codes")"
chat sim/workers-2+slow-3000
is "a worker that is done is free" 200 "$status"

# Faults by order.
config '{"next":["","429","cut-10+retry-after-1"]}' >/dev/null
for want in 200 429; do
    chat sim/echo
    is "the next ones: $want" "$want" "$status"
done
is "an ordered 429 is an accepted arrival with its fault" "accepted 429 429 next" \
    "$(arrival verdict) $(arrival status) $(arrival fault) $(arrival fault_by)"
chat sim/echo
is "an ordered cut" "cut-10 next 10" "$(arrival fault) $(arrival fault_by) $(printf %s "$body" | wc -c)"
chat sim/echo
is "then all is well" "200 null" "$status $(arrival fault)"
config '{"models":{"meta/llama-3.1-8b-instruct":"offline"}}' >/dev/null
chat meta/llama-3.1-8b-instruct
is "a model of any name can be off" 503 "$status"
config '{"models":{}}' >/dev/null
chat meta/llama-3.1-8b-instruct
is "and on again" 200 "$status"
draw() { # draw PERCENT MODEL
    config "{\"faults\":{\"percent\":$1,\"kinds\":[\"429\",\"500\"]},\"seed\":7}" >/dev/null
    reset
    for ((i = 0; i < 20; i++)); do
        curl -s -o /dev/null -w '%{http_code} ' "$sim/v1/chat/completions" -d "{\"model\":\"$2\",\"messages\":[]}"
    done
}
first=$(draw 50 sim/echo)
has "by chance: some fail in each way, some do not" "$first" '429.*500.*200|500.*200.*429|200.*429.*500|429.*200.*500|500.*429.*200|200.*500.*429'
is "the same seed, the same faults" "$first" "$(draw 50 sim/echo)"
is "each is in the log" "$(tr ' ' '\n' <<<"$first" | grep -cE '429|500')" \
    "$(curl -s "$sim/sim/arrivals" | jq '[.arrivals[] | select(.fault_by == "chance")] | length')"
one=$(draw 0 sim/exhausted+percent-50)
has "one model by chance" "$one" '^(503|200) .*(503.*200|200.*503)'
is "the same ones with the same seed, and no other model" "$one 20" \
    "$(draw 0 sim/exhausted+percent-50) $(draw 0 sim/echo | grep -o 200 | wc -l)"
is "never, and always" "20 20" "$(draw 0 sim/500+percent-0 | grep -o 200 | wc -l) $(draw 0 sim/500+percent-100 | grep -o 500 | wc -l)"
has "a bad setting changes nothing" "$(config '{"seed":8,"faults":{"percent":101,"kinds":[]}}')" 'percent'
is "really nothing" 7 "$(curl -s "$sim/sim/config" | jq .seed)"
config '{"faults":{"percent":0,"kinds":[]},"requests":2,"retry_after":true}' >/dev/null
reset
chat sim/echo
chat sim/echo
chat sim/echo
is "the limiter's own 429, with Retry-After if wanted" "429 60 refused" "$status $(header retry-after) $(arrival verdict)"
is "arrivals in a window: all, or those let in" "3 2" \
    "$(max_in_window 60000) $(curl -s "$sim/sim/max?window_ms=60000&of=accepted" | jq .max)"

# Tokens: by its own count, at the arrival, by what a request will take.
config '{"requests":1000,"retry_after":false,"tokens":100}' >/dev/null
reset
chat sim/tokens-5 # three for the request, four for its message, hello and user
is "they are counted as they are told" "9 5 14 14" "$(jq -r '.usage | "\(.prompt_tokens) \(.completion_tokens) \(.total_tokens)"' <<<"$body") $(stat tokens)"
chat sim/tokens-50 ',"max_tokens":20,"stream":true,"stream_options":{"include_usage":true}'
has "in a stream, too" "$body" '"usage":{"prompt_tokens":9,"completion_tokens":20,'
chat sim/500
is "what is refused takes none" "43 43" "$(stat tokens) $(stat max_tokens_in_window)"
is "the most in any window" 43 "$(curl -s "$sim/sim/max?window_ms=60000&of=tokens" | jq .max)"
chat sim/tokens-500
is "nobody is refused for them" "200 552" "$status $(stat tokens)"
config '{"refuse_tokens":true,"tell_tokens":true}' >/dev/null
chat sim/tokens-5
has "unless that is wanted" "$status $body" '^429 .*Limit 100, Used 552, Requested 14'
is "who is refused takes none" "552 0" "$(stat tokens) $(header x-ratelimit-remaining-tokens)"
config '{"tokens":0}' >/dev/null
chat sim/tokens-5
is "where nobody counts, a prompt is eight" "8 5" "$(jq -r '.usage | "\(.prompt_tokens) \(.completion_tokens)"' <<<"$body")"
chat sim/no-usage
is "an answer that tells of none" null "$(jq -r .usage <<<"$body")"
usage=',"stream":true,"stream_options":{"include_usage":true}'
chat sim/no-usage+tokens-2 "$usage"
is "nor does a stream" "" "$(grep '"usage"' <<<"$body")"
chat sim/early-usage+tokens-2 "$usage"
is "one that tells early" "stop 8" "$(sed -n 's/^data: {/{/p' <<<"$body" | jq -rs '.[-1] | "\(.choices[0].finish_reason) \(.usage.prompt_tokens)"')"
chat sim/bare-usage+tokens-2 "$usage"
is "one that says nothing before it tells" "1" "$(grep -c '"usage"' <<<"$body")"
chat sim/no-options "$usage"
has "one that will not be asked" "$status $body" '^400 .*stream_options'
chat sim/no-options ',"stream":true'
is "and answers who does not" 200 "$status"
curl -s "$sim/v1/chat/completions" -d '{"model":"sim/crlf+tokens-2","messages":[],"stream":true}' >"$work/crlf"
is "lines that end with CRLF" "0 5" "$(grep -vc $'\r$' "$work/crlf") $(grep -c '^data' "$work/crlf")"
finish
