#!/bin/bash
# Upstreams that are not NVIDIA's: where their API lies, which headers and methods
# they see, what of their answers comes back, and what is held of it.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

"$root/tests/curl/mirror.pl" "$work/port" &
pids+=($!)
wait_for 10 test -s "$work/port" || { echo "no upstream"; exit 1; }
at=http://127.0.0.1:$(cat "$work/port")
sim=$at
J=(-H 'Content-Type: application/json')
saw() { jq -r ".headers[\"$1\"] // \"\"" <<<"$body"; } # saw HEADER, in lower case
path() { jq -r .path <<<"$body"; }

# start NAME BASE-URL [VAR=VALUE...]
start() {
    [ -z "${run_pid:-}" ] || stop_sluice
    start_sluice "$1" SLUICE_UPSTREAM_URL="$2" SLUICE_REQUESTS=1000 SLUICE_WINDOW_S=1 \
        SLUICE_PROTOCOLS=chat,messages,responses "${@:3}"
}

# ---- where the API lies --------------------------------------------------------
while IFS='|' read -r kind base extra want; do
    # shellcheck disable=SC2086 # no setting, or one
    start "$kind" "$at$base" $extra
    chat x
    is "$kind: chat is asked for at" "$want/chat/completions" "$(path | cut -d'?' -f1)"
    ask '/v1/files/a%2Fb?order=asc'
    is "$kind: other paths follow, with their query" "$want/files/a%2Fb?order=asc" "$(path | sed 's/&api-version.*//')"
    ask /v1/models -H 'Authorization: Bearer k'
    is "$kind: models too" "$want/models" "$(path | cut -d'?' -f1)"
done <<'END'
plain|||/v1
gemini|/v1beta/openai||/v1beta/openai
zhipu|/api/paas/v4/||/api/paas/v4
groq|/openai/v1||/openai/v1
perplexity||SLUICE_API_PATH=/|
azure|/openai/v1?api-version=preview||/openai/v1
END
chat x
is "a query of base_url's goes along" "/openai/v1/chat/completions?api-version=preview" "$(path)"
ask '/v1/chat/completions?api-version=2' "${J[@]}" -d '{"model":"x","messages":[]}'
is "unless the client says it itself" "/openai/v1/chat/completions?api-version=2" "$(path)"
said=$(SLUICE_UPSTREAM_URL=$at/v1/chat/completions SLUICE_STATE_DIR=$work/none "$build/sluicectl" check 2>&1)
has "an address of one endpoint is refused, with the right one" "$said" "SLUICE_UPSTREAM_URL: it ends with /chat/completions.*write $at/v1;"

# A client's base URL with a slash too many, /v1 twice, or none.
for odd in /v1//chat/completions /v1/v1/chat/completions /v1/chat/completions/ /chat/completions; do
    ask "$odd" "${J[@]}" -d '{"model":"x","messages":[]}' --path-as-is
    is "$odd goes where it was meant to" "200 /openai/v1/chat/completions?api-version=preview" "$status $(path)"
done
ask /openai/v1/chat/completions "${J[@]}" -d '{"model":"x"}'
is "what could be anything is told" "404 sluice_not_found" "$status $(jq -r .error.code <<<"$body")"
has "with the way it is written" "$body" 'a base URL ends with /v1'

# ---- headers ---------------------------------------------------------------------
start headers "$at"
mine=(-H 'anthropic-version: 2023-06-01' -H 'anthropic-beta: b' -H 'OpenAI-Organization: o' -H 'HTTP-Referer: r'
    -H 'X-Title: t' -H 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' -H 'tracestate: s=1'
    -H 'baggage: g=1' -H 'Idempotency-Key: i' -H 'User-Agent: mine/1' -H 'Range: bytes=0-1'
    -H 'Cookie: c=secret' -H 'Referer: http://page/' -H 'X-Forwarded-For: 9.9.9.9' -H 'X-Sluice-Client: me' -H 'X-Other: z')
chat x '' "${mine[@]}" -H 'x-api-key: theirs-key' -H 'Authorization: Bearer theirs-too'
while read -r header want; do
    is "$header arrives" "$want" "$(saw "$header")"
done <<'END'
anthropic-version 2023-06-01
anthropic-beta b
openai-organization o
http-referer r
x-title t
traceparent 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
tracestate s=1
baggage g=1
idempotency-key i
user-agent mine/1
range bytes=0-1
x-api-key theirs-key
authorization Bearer theirs-too
accept-encoding identity
END
for header in cookie origin referer x-forwarded-for x-sluice-client x-other; do
    is "$header stays here" "" "$(saw $header)"
done
has "the trace is in the log" "$(line_of_last "$log" "$out")" '"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"'
has "X-Request-Id of the upstream comes back" "$(header X-Upstream-Request-Id)" '^theirs$'
is "and what else is end to end" "attachment 9" "$(header Content-Disposition) $(header X-RateLimit-Limit-Tokens)"
is "but no cookie, no order to the web server, no word on origins" "" \
    "$(header Set-Cookie)$(header X-Sendfile)$(header Access-Control-Allow-Origin)"

cat >"$work/conf.json" <<END
{"upstreams": [{"base_url": "$at", "pass_headers": ["X-Other", "x-b-*"], "key_header": "api-key",
  "set_headers": ["X-Fixed: f, g", "User-Agent: fixed/2"]}]}
END
[ -z "${run_pid:-}" ] || stop_sluice
start_sluice list SLUICE_UPSTREAM_URL= SLUICE_CONFIG="$work/conf.json" NVIDIA_API_KEY=our-own-key
chat x '' "${mine[@]}" -H 'X-B-One: 1' -H 'x-api-key: theirs-key' -H 'Authorization: Bearer theirs-too'
is "the list decides" "z 1 " "$(saw x-other) $(saw x-b-one) $(saw anthropic-version)"
is "what is set comes in place of the client's" "f, g fixed/2" "$(saw x-fixed) $(saw user-agent)"
is "our key goes as it is wanted, and no other with it" "our-own-key  " "$(saw api-key) $(saw authorization) $(saw x-api-key)"
ask /v1/models
is "the question for models has it, too" 200 "$status"
has "a fixed header's value is shown nowhere" "$(curl -s "$url/api/config" | jq -c '."upstreams.nim.set_headers".value')" '^\["X-Fixed: \.\.\.","User-Agent: \.\.\."\]$'
for entry in Cookie 'cook*' '*' Origin X-Forwarded-For X-Sluice-Client Authorization; do
    said=$(SLUICE_PASS_HEADERS=$entry SLUICE_STATE_DIR=$work/none "$build/sluicectl" check 2>&1)
    has "pass_headers: $entry stops the start" "$said" '^sluicectl: SLUICE_PASS_HEADERS: '
done

# Without a key of ours a client's own question for models goes to the first
# upstream, whose list it is; all else to whose model it names.
stop_sluice
cat >"$work/conf.json" <<END
{"upstreams": [{"name": "one", "base_url": "$at/one", "models": ["a/*"]}, {"name": "two", "base_url": "$at/two"}]}
END
start_sluice two SLUICE_UPSTREAM_URL= SLUICE_CONFIG="$work/conf.json"
ask /v1/models -H 'Authorization: Bearer mine'
is "two upstreams: the first is asked for its models" "/one/models Bearer mine" "$(path) $(saw authorization)"
chat a/x
is "two upstreams: a model that is the first's" /one/chat/completions "$(path)"
chat b/x
is "two upstreams: any other model" /two/chat/completions "$(path)"

# ---- methods, and what they cost -----------------------------------------------------
start methods "$at" SLUICE_REQUESTS=1 SLUICE_WINDOW_S=30 SLUICE_COMMIT_AFTER_S=60 SLUICE_QUEUE_TIMEOUT_S=60
chat x
is "the one slot is used" 200 "$status"
for method in GET DELETE; do
    ask /v1/responses/r1 -X $method
    is "$method passes and costs none" "200 $method /v1/responses/r1" "$status $(header X-Saw)"
done
ask /v1/files/f -I
is "HEAD passes as HEAD" "200 HEAD /v1/files/f" "$status $(header X-Saw)"
at_least "with the length that a GET would have" 100 "$(header Content-Length)"
for i in 1 2 3 4 5 6 7 8 9 10; do
    ask '/v1/messages/count_tokens?beta=true' "${J[@]}" -d '{"model":"x","messages":[]}'
    [ "$status $(header X-Saw)" = "200 POST /v1/messages/count_tokens?beta=true" ] || break
done
is "ten counts of tokens pass with the quota full" "10 200" "$i $status"
is "none of them is in line, nor sent in a slot" "0 1" \
    "$(curl -s "$url/api/status" | jq -r '"\(.queue.waiting) \(.counters.sent)"')"
ask /v1/responses/r1/cancel "${J[@]}" -d '{}'
is "a cancel is not waited for" 200 "$status"
ask /v1/messages "${J[@]}" -H 'X-Sluice-Deadline: 0' -d '{"model":"x","messages":[]}'
is "inference does" 429 "$status"
start put "$at"
for method in PUT PATCH; do
    ask /v1/files/f -X $method "${J[@]}" -d '{"a":1}'
    is "$method passes with its body" "$method /v1/files/f 7" "$(header X-Saw) $(jq .bytes <<<"$body")"
done
ask /v1/files -X PUT "${J[@]}" -d '{"a":1}'
is "a place that was made is told" "201 /v1/files/7" "$status $(header Location)"
is "but nothing of the upstream's connection" "" "$(header X-Hop)"
start place "$at/v1beta/openai"
ask /v1/files -X PUT "${J[@]}" -d '{"a":1}'
is "a place at its API is told as it is to be had here" "201 /v1/files/7 PUT /v1beta/openai/files" \
    "$status $(header Location) $(header X-Saw)"
start socket "$at"
ask /v1/responses -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='
is "a WebSocket is told at once that there is none" "426 sluice_no_websocket" "$status $(jq -r .error.code <<<"$body")"

# ---- bodies that are a little odd ------------------------------------------------------
start odd "$at"
printf '\xef\xbb\xbf{"model":"x","messages":[]}' >"$work/bom"
ask /v1/chat/completions "${J[@]}" --data-binary "@$work/bom"
is "a byte order mark is no fault, and stays here" "200 27" "$status $(jq .bytes <<<"$body")"
for stream in 0 '"false"' false null; do
    ask /v1/chat/completions "${J[@]}" -d "{\"model\":\"x\",\"stream\":$stream,\"messages\":[]}"
    is "stream $stream passes" 200 "$status"
done
for stream in 1 '"true"' '"True"'; do
    ask /v1/chat/completions "${J[@]}" -N -d "{\"model\":\"text\",\"stream\":$stream,\"messages\":[]}"
    has "stream $stream is a stream" "$body" '^data: \[DONE\]'
done
deep=$(printf '{"a":%.0s' {1..200})1$(printf '}%.0s' {1..200})
ask /v1/chat/completions "${J[@]}" -d "{\"model\":\"x\",\"tools\":$deep}"
is "a schema of 200 levels passes" 200 "$status"
ask /v1/chat/completions "${J[@]}" -d "{\"model\":\"$(printf 'm%.0s' {1..512})\",\"messages\":[]}"
is "a model's name of 512 bytes passes" 200 "$status"
ask /v1/responses "${J[@]}" -d '{"prompt":{"id":"pmpt_1"}}'
is "a stored prompt needs no model" 200 "$status"
{
    printf -- '--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRI\r\n--B-no\r\n'
    head -c 300000 /dev/zero
    printf '\r\n--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nb/whisper\r\n--B--\r\n'
} >"$work/form"
ask /v1/audio/transcriptions -H 'Content-Type: multipart/form-data; boundary=B' --data-binary "@$work/form"
is "a form passes byte for byte" "200 $(wc -c <"$work/form")" "$status $(jq .bytes <<<"$body")"
has "under the model that it names last" "$(line_of_last "$log" "$out")" '"model":"b/whisper"'

# ---- what flows is not held ------------------------------------------------------------
start flow "$at" SLUICE_COMMIT_AFTER_S=1
first() { # first PLAY PATH STREAM: ms to the first byte, and to the last
    curl -sN -o "$work/got" -w '%{time_starttransfer} %{time_total}\n' "$url$2" "${J[@]}" \
        -d "{\"model\":\"$1\",\"input\":\"x\",\"stream\":$3,\"messages\":[]}" | awk '{ print int($1 * 1000), int($2 * 1000) }'
}
read -r ms all < <(first text /v1/chat/completions true)
at_most "events that are not called so pass as they come" $((all - 1000)) "$ms"
is "all of them" 5 "$(grep -c '^data: {' "$work/got")"
read -r ms all < <(first sound /v1/audio/speech false)
at_most "sound plays at once" $((all - 900)) "$ms"
is "all of it" 40960 "$(wc -c <"$work/got")"
read -r ms all < <(first blank /v1/chat/completions false)
at_most "white space passes as it comes" $((all - 1800)) "$ms"
is "and the answer is whole" hi "$(jq -r '.choices[0].message.content' "$work/got")"

# ---- errors in the middle of a stream ----------------------------------------------------
# curl says 18 where an answer lacks its last chunk.
start errors "$at" SLUICE_COMMIT_AFTER_S=0.2 SLUICE_RETRY_MAX=1
stream() { # stream MODEL PATH: sets $exit and $body
    body=$(curl -sN --max-time 30 "$url$2" "${J[@]}" -d "{\"model\":\"$1\",\"input\":\"x\",\"max_tokens\":9,\"stream\":true,\"messages\":[]}")
    exit=$?
}
stream half /v1/chat/completions
is "chat: a cut is seen by who ignores our event" 18 "$exit"
is "chat: and told to all others" "error sluice_upstream_truncated" \
    "$(sed -n 's/^data: //p' <<<"$body" | jq -r 'select(.error) | "\(.error.object) \(.error.code)"')"
stream late /v1/chat/completions
is "chat: a late 400 too" "18 400 too long" "$exit $(sed -n 's/^data: //p' <<<"$body" | jq -r 'select(.error) | "\(.error.code) \(.error.message)"')"
stream seq /v1/responses
is "responses: a cut ends without its end" 18 "$exit"
is "responses: two events, numbered on" "response.failed 2 server_error
error 3 sluice_upstream_truncated" "$(sed -n 's/^data: //p' <<<"$body" | jq -r 'select(.type == "response.failed" or .type == "error") | "\(.type) \(.sequence_number) \(.response.error.code // .code)"')"
is "responses: named as their types" "response.failed error" "$(sed -n 's/^event: //p' <<<"$body" | tail -n 2 | xargs)"
stream late /v1/responses
is "responses: a late 400 stops who would come again" "0 invalid_prompt 400" "$exit $(sed -n 's/^data: //p' <<<"$body" | jq -r '.response.error.code // .code' | xargs)"
stream late /v1/messages
is "messages: its own shape" "18 error invalid_request_error too long" \
    "$exit $(sed -n 's/^data: //p' <<<"$body" | jq -r 'select(.type == "error") | "\(.type) \(.error.type) \(.error.message)"')"

# ---- signs of life ------------------------------------------------------------------------
start signs "$at" SLUICE_COMMIT_AFTER_S=0 SLUICE_HEARTBEAT_S=0.1 SLUICE_COMMENTS_OFF='quiet,/v1/messages' SLUICE_WAIT_EVENTS='codex*'
pause
waits() { # waits PATH [CURL-OPTION...]: what is heard in a second's wait
    curl -sN --max-time 1 "$url$1" "${J[@]}" "${@:2}" -d '{"model":"x","input":"x","stream":true,"messages":[]}'
}
heard=$(waits /v1/chat/completions)
at_least "who waits hears of it" 3 "$(grep -c '^: ' <<<"$heard")"
is "in lines that need no blank one" 0 "$(grep -c '^$' <<<"$heard")"
is "but not who wants none" "" "$(waits /v1/chat/completions -H 'X-Sluice-Client: quiet')"
is "nor where nobody does" "" "$(waits /v1/messages)"
heard=$(waits /v1/responses -A 'codex_cli_rs/0.171')
at_least "who counts events gets some" 3 "$(grep -c '^data: {"type":"sluice.waiting"}$' <<<"$heard")"
is "and no comment" 0 "$(grep -c '^:' <<<"$heard")"
heard=$(waits /v1/chat/completions -A 'codex_cli_rs/0.171')
at_least "of its own API" 3 "$(grep -c '^data: {"id":.*"choices":\[\]}$' <<<"$heard")"
waits /v1/chat/completions --max-time 30 -H 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' >/dev/null &
traced=$!
# shellcheck disable=SC2317 # called through wait_for
in_line() { curl -s "$url/api/queue" | grep -q '"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"'; }
check "a trace is seen in line" wait_for 3 in_line
kill $traced
wait $traced 2>/dev/null
resume
start patience "$at" SLUICE_COMMIT_AFTER_S=0 SLUICE_EVENT_PATIENCE_S=1 SLUICE_REQUESTS=1 SLUICE_WINDOW_S=60
chat x
body=$(curl -sN --max-time 20 "$url/v1/responses" -A codex_cli_rs/0.171 "${J[@]}" -d '{"model":"x","input":"x","stream":true}')
has "who counts events and gets none is told before it gives up" "$body" '"code":"rate_limit_exceeded"'

finish
