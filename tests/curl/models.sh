#!/bin/bash
# GET /v1/models: what an upstream says instead of a list, and lists that are
# not quite OpenAI's.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
list() { curl -s -X PATCH "$sim/sim/config" -d "{\"list\":\"$1\"}" >/dev/null; }
words() { jq -r .error.message <<<"$body"; }

start_sluice key NVIDIA_API_KEY=secret SLUICE_WORKERS=1
# What is no list is not kept: the next question is a new one.
while read -r fault want retry pattern; do
    list "$fault"
    ask /v1/models
    is "$fault: its status" "$want" "$status"
    is "$fault: x-should-retry" "$retry" "$(header x-should-retry)"
    has "$fault: its words, and whose they are" "$(words)" "The upstream nim .*$pattern"
done <<'END'
401 401 false Sluice's own key .NVIDIA_API_KEY.*Header of type
403 403 false Sluice's own key .*Authorization failed
credits 402 false status 402: Cloud credits expired
unknown 404 false status 404: 404 page not found
END
list 429
ask /v1/models
is "a 429 is one, and an SDK may come again" "429 " "$status $(header x-should-retry)"
list 401
ask /v1/models/meta/llama
is "the question for one model is told the same" 401 "$status"
list 500
ask /v1/models
is "a 500 is one" 500 "$status"
is "and may pass" "" "$(header x-should-retry)"
list status-503+retry-after-7
ask /v1/models
is "a 503 is one, and says when" "503 7" "$status $(header Retry-After)"
list text-200
ask /v1/models
is "what is no list is no list" "502 upstream_error" "$status $(jq -r .error.code <<<"$body")"
has "and called that" "$(words)" 'no list of models'
list null
ask /v1/models
is "data of null is an empty list" '200 {"object":"list","data":[]}' "$status $(jq -c . <<<"$body")"
stop_sluice
for shape in bare named; do
    start_sluice "$shape" NVIDIA_API_KEY=secret SLUICE_WORKERS=1
    list $shape
    ask /v1/models
    is "a list that is $shape becomes OpenAI's" "200 list sim/echo model" \
        "$status $(jq -r '"\(.object) \(.data[0].id) \(.data[0].object)"' <<<"$body")"
    ask /v1/models/sim/echo
    is "and one of it is found ($shape)" "200 sim/echo" "$status $(jq -r .id <<<"$body")"
    stop_sluice
done

# Without a key each client asks for itself.
start_sluice none SLUICE_FIRST_BYTE_S=1
list 401
ask /v1/models
is "without a key of ours a 401 is the client's own" 401 "$status"
list hang
ask /v1/models
is "no answer: 504" "504 sluice_upstream_timeout" "$status $(jq -r .error.code <<<"$body")"
has "and it says how long that was" "$(words)" 'no answer within [1-3] s'
finish
