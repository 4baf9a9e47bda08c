#!/bin/bash
# Bad input gets a clear error, and loses nothing.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice main SLUICE_REQUESTS=1000 SLUICE_MAX_BODY_MB=2

J=(-H 'Content-Type: application/json')

# refused STATUS CODE PATTERN "sentence" PATH CURL-OPTION...
refused() {
    local want=$1 code=$2 pattern=$3 what=$4
    shift 4
    ask "$@"
    is "$what: status" "$want" "$status"
    is "$what: code" "$code" "$(jq -r .error.code <<<"$body" 2>/dev/null)"
    has "$what: message" "$(jq -r .error.message <<<"$body" 2>/dev/null)" "$pattern"
    has "$what: request id" "$head" '^X-Request-Id: req_'
}

printf '{"model":"x"}\0{}' >"$work/zero"
chat_path=/v1/chat/completions
bad=sluice_bad_request
refused 400 $bad 'not JSON' "broken JSON" $chat_path "${J[@]}" -d '{"model":'
refused 400 $bad 'not JSON' "a trailing comma" $chat_path "${J[@]}" -d '{"model":"x",}'
refused 400 $bad 'not valid UTF-8' "invalid UTF-8" $chat_path "${J[@]}" --data-binary $'{"model":"\xff\xfe"}'
refused 400 $bad 'JSON object' "an array" $chat_path "${J[@]}" -d '[1]'
refused 400 $bad 'JSON object' "null" $chat_path "${J[@]}" -d 'null'
refused 400 $bad 'empty' "no body" $chat_path "${J[@]}" -d ''
refused 400 $bad 'goes on after' "a zero and more after the JSON" $chat_path "${J[@]}" --data-binary "@$work/zero"
refused 400 $bad '"model" is missing' "no model" $chat_path "${J[@]}" -d '{"messages":[]}'
refused 400 $bad '"model" must be a string' "a number as model" $chat_path "${J[@]}" -d '{"model":7}'
refused 400 $bad '"model" must be a string' "an empty model" $chat_path "${J[@]}" -d '{"model":""}'
refused 400 $bad '"model" is longer' "a long model" $chat_path "${J[@]}" -d "{\"model\":\"$(head -c 600 /dev/zero | tr '\0' m)\"}"
refused 400 $bad '"stream" must be' "a string as stream" $chat_path "${J[@]}" -d '{"model":"x","stream":"yes"}'
refused 400 $bad '"max_tokens" must be' "a string as max_tokens" $chat_path "${J[@]}" -d '{"model":"x","max_tokens":"9"}'
refused 400 $bad 'application/json' "another content type" $chat_path -H 'Content-Type: text/plain' -d '{"model":"x"}'
deep=$(printf '[%.0s' {1..300})
refused 400 $bad 'deeper than' "deep nesting" $chat_path "${J[@]}" -d "{\"model\":\"x\",\"a\":$deep"
refused 400 $bad 'X-Sluice-Priority' "an unknown priority" $chat_path "${J[@]}" -H 'X-Sluice-Priority: urgent' -d '{"model":"x"}'
refused 400 $bad 'X-Sluice-Deadline' "a deadline that is no number" $chat_path "${J[@]}" -H 'X-Sluice-Deadline: soon' -d '{"model":"x"}'
refused 400 $bad 'twice' "one header in two spellings" $chat_path "${J[@]}" -H 'X-Sluice-Client: a' -H 'X_Sluice_Client: b' -d '{"model":"x"}'
refused 400 $bad 'plain one' "a path with .. in it" '/v1/%2e%2e/secret' --path-as-is -X POST "${J[@]}" -d '{}'
for path in /v1/x%0dy /v1/x%00y; do # lighttpd refuses these by itself
    ask $path "${J[@]}" -d '{}'
    is "$path is refused" "400 sluice_bad_request" "$status $(jq -r .error.code <<<"$body")"
done
refused 404 sluice_not_found 'nothing at this path' "an unknown path" /v2/chat "${J[@]}" -d '{}'
refused 405 sluice_method 'takes GET, HEAD' "a wrong method" /health -X DELETE
head -c 3000000 /dev/zero | tr '\0' x >"$work/big"
refused 413 sluice_too_large 'larger than 2 MB' "a body that is too large" $chat_path "${J[@]}" --data-binary "@$work/big"
{ printf '{"model":"x","a":['; head -c 1900000 /dev/zero | tr '\0' ,; printf ']}'; } >"$work/bomb"
refused 413 sluice_too_large 'JSON values' "a bomb of values" $chat_path "${J[@]}" --data-binary "@$work/bomb"

head -c 34000000 /dev/zero >"$work/big" # lighttpd refuses it by itself
ask $chat_path "${J[@]}" -H 'Expect:' --data-binary "@$work/big"
is "a body that the web server takes no more" "413 sluice_too_large application/json" \
    "$status $(jq -r .error.code <<<"$body") $(header Content-Type)"

for path in /v1//chat/completions /v1/v1/chat/completions /v1/chat/completions/ /chat/completions; do
    refused 400 $bad '"model" is missing' "$path is no way around the rules" $path "${J[@]}" -d '{}' --path-as-is
done

chat sim/tokens-2 ',"user":"é 漢字 😀"'
is "letters of all languages pass" 200 "$status"

# On other routes a body that is not JSON may pass.
ask /v1/audio/transcriptions -F file=@"$work/bomb" -F model=x
is "a multipart body passes to the upstream" 404 "$status"
is "and the 404 is the upstream's, in the shape SDKs understand" "404 page not found" "$(jq -r .error.message <<<"$body")"

# Odd requests on the wire: what lighttpd lets through, and what it stops.
port=${url##*:}
raw() {
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf '%b' "$1" >&3
    timeout 5 head -n 1 <&3 | tr -d '\r'
    exec 3<&- 3>&-
}
has "two Content-Lengths are refused" \
    "$(raw 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x')" ' 400 '
has "a header with a bare control character is refused" \
    "$(raw 'GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: a\x01b\r\n\r\n')" ' 400 '

# A client that stops half way leaves nothing behind.
for i in 1 2 3 4 5 6; do
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"model":' >&3
    exec 3<&- 3>&-
done
chat sim/tokens-2
is "after six broken uploads a chat is 200" 200 "$status"
ask /api/status
is "and nothing is left in flight" 0 "$(jq -r '.queue.running' <<<"$body")"
is "no bad input was sent upstream" 0 \
    "$(curl -s "$sim/sim/arrivals" | jq '[.arrivals[] | select(.path == "/v1/chat/completions" and .model != "sim/tokens-2")] | length')"
finish
