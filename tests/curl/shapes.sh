#!/bin/bash
# Who speaks Anthropic's API is answered in its shape, whatever was asked for and
# whoever refuses it; and how lists of models are told to both APIs.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

V=(-H 'anthropic-version: 2023-06-01')
J=(-H 'Content-Type: application/json')
M='{"model":"sim/tokens-3","max_tokens":9,"messages":[{"role":"user","content":"x"}]}'
# told: status, and type of an error of Anthropic's, with the id of its request
told() { jq -r --arg s "$status" --arg id "$(header request-id)" 'if .type == "error" and (.error.message | length) > 0 and .request_id == $id then "\($s) \(.error.type)" else "\($s) \(keys)" end' <<<"$body"; }
fails() { # fails "sentence" WANT PATH [CURL-OPTION...]
    ask "${@:3}"
    is "$1" "$2" "$(told)"
}
ids() { jq -r '[.data[].id] | join(" ")' <<<"$body"; }

start_sim --limiter none
start_sluice main NVIDIA_API_KEY=nvapi-x SLUICE_MAX_BODY_MB=1 SLUICE_WORKERS=1 SLUICE_REQUESTS=1000 \
    SLUICE_MODEL_ALIAS='claude-sonnet-4-5=sim/tokens-3,claude-*=sim/tokens-2'

# ---- refused before it is looked at ------------------------------------------------------
fails "no such path" "404 not_found_error" /v1/messages/batches/x -X PATCH "${J[@]}" -d '{}'
fails "no such path below Messages, by its upstream" "404 not_found_error" /v1/messages/batches "${V[@]}"
fails "no such path at all" "404 not_found_error" /nowhere "${V[@]}"
fails "another method" "405 invalid_request_error" /v1/messages -X OPTIONS
is "and which it takes" "GET, HEAD, POST, PUT, PATCH, DELETE" "$(header Allow)"
fails "a path that is none" "400 invalid_request_error" '/v1/messages/%5C' "${V[@]}"
fails "a WebSocket" "426 invalid_request_error" /v1/messages "${V[@]}" -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Key: eA==' -H 'Sec-WebSocket-Version: 13'
fails "a foreign host" "403 permission_error" /v1/messages -H 'Host: evil.example' "${J[@]}" -d "$M"
fails "a page of another origin" "403 permission_error" /v1/messages -H 'Origin: https://evil.example' "${J[@]}" -d "$M"
fails "its preflight" "403 permission_error" /v1/messages -X OPTIONS -H 'Origin: https://evil.example' -H 'Access-Control-Request-Method: POST'
head -c 2000000 /dev/zero | tr '\0' ' ' >"$work/big"
fails "a body that is too large" "413 request_too_large" /v1/messages "${J[@]}" --data-binary @"$work/big"
fails "no JSON" "400 invalid_request_error" /v1/messages "${J[@]}" -d '{'
fails "no body" "400 invalid_request_error" /v1/messages/count_tokens -d ''
fails "another type of body" "400 invalid_request_error" /v1/messages -H 'Content-Type: text/plain' -d "$M"
fails "no admin" "401 authentication_error" /api/pause "${V[@]}" -d ''
fails "who says so, on a route of OpenAI's" "400 invalid_request_error" /v1/chat/completions "${V[@]}" "${J[@]}" -d '{}'
ask /v1/chat/completions "${J[@]}" -d '{}'
is "who does not, hears OpenAI's" "400 invalid_request_error" "$status $(jq -r .error.type <<<"$body")$(header request-id)"

# ---- models ------------------------------------------------------------------------------
ask /v1/models "${V[@]}"
all=$(ids)
is "a name that stands for a model is one of them" "200 claude-sonnet-4-5 sim/tokens-3 false" \
    "$status $(jq -r '"\(.data[0].id) \(.data[0].display_name) \(.has_more)"' <<<"$body")"
at_least "beside the upstream's" 3 "$(wc -w <<<"$all")"
is "each once" "" "$(tr ' ' '\n' <<<"$all" | sort | uniq -d)"
ask /v1/models
is "the same for OpenAI's clients" "list $all model" "$(jq -r .object <<<"$body") $(ids) $(jq -r '.data[0].object' <<<"$body")"
ask '/v1/models?limit=2' "${V[@]}"
is "two of them" "$(cut -d' ' -f1,2 <<<"$all") true" "$(ids) $(jq -r .has_more <<<"$body")"
last=$(jq -r .last_id <<<"$body")
ask "/v1/models?limit=1000&after_id=$last" "${V[@]}"
is "and the rest" "$(cut -d' ' -f3- <<<"$all") false" "$(ids) $(jq -r .has_more <<<"$body")"
first=$(jq -r .first_id <<<"$body")
ask "/v1/models?before_id=${first/\//%2F}&limit=1" "${V[@]}"
is "and back" "$last true" "$(ids) $(jq -r .has_more <<<"$body")"
for odd in limit=0 limit=1001 limit=x limit= after_id=nobody before_id=nobody "after_id=$(printf 'a%.0s' {1..600})"; do
    fails "${odd:0:20} is refused" "400 invalid_request_error" "/v1/models?$odd" "${V[@]}"
done
one=$(cut -d' ' -f2 <<<"$all")
ask "/v1/models/$one" "${V[@]}"
is "one of them" "200 model $one" "$status $(jq -r '"\(.type) \(.id)"' <<<"$body")"
has "since when" "$(jq -r .created_at <<<"$body")" '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$'
ask /v1/models/claude-opus-9 "${V[@]}"
is "a name that fits a pattern is one" "200 model claude-opus-9 sim/tokens-2" "$status $(jq -r '"\(.type) \(.id) \(.display_name)"' <<<"$body")"
ask /v1/models/claude-opus-9
is "for OpenAI's clients, too" "200 model claude-opus-9" "$status $(jq -r '"\(.object) \(.id)"' <<<"$body")"
fails "another is none" "404 not_found_error" /v1/models/nobody/has-this "${V[@]}"
ask /v1/models/nobody/has-this
is "nor in OpenAI's words" "404 not_found_error" "$status $(jq -r .error.type <<<"$body")"
curl -s -X PATCH "$sim/sim/config" -d '{"list":"500"}' >/dev/null
stop_sluice

# ---- with the client's own key ------------------------------------------------------------
start_sluice own SLUICE_WORKERS=1 SLUICE_MODEL_ALIAS='claude-sonnet-4-5=sim/tokens-3' SLUICE_RETRY_MAX=1
fails "an upstream's error to the question" "500 api_error" /v1/models "${V[@]}" -H 'x-api-key: k'
curl -s -X PATCH "$sim/sim/config" -d '{"list":"none"}' >/dev/null
ask '/v1/models?limit=2' "${V[@]}" -H 'x-api-key: k'
is "its list is told in the same shape" "200 $(cut -d' ' -f1,2 <<<"$all") true" "$status $(ids) $(jq -r .has_more <<<"$body")"
ask "/v1/models/$one" "${V[@]}" -H 'x-api-key: k'
is "and one of it" "200 model $one" "$status $(jq -r '"\(.type) \(.id)"' <<<"$body")"
ask /v1/models -H 'Authorization: Bearer k'
is "OpenAI's clients get it as it came" list "$(jq -r .object <<<"$body")"
stop_sluice

# ---- without a client's key ----------------------------------------------------------------
start_sluice keys NVIDIA_API_KEY=nvapi-x SLUICE_ANONYMOUS=no SLUICE_WORKERS=1
fails "a key is needed" "401 authentication_error" /v1/messages "${J[@]}" -d "$M"
fails "for the list, too" "401 authentication_error" /v1/models "${V[@]}"
fails "another's is none" "401 authentication_error" /v1/messages "${J[@]}" -H 'x-api-key: sk-sluice-none' -d "$M"

# ---- whose key, and whose work ---------------------------------------------------------------
key=$("$build/sluicectl" --state-dir "$state" key make alice | grep -o 'sk-sluice-[A-Za-z0-9_-]*' | head -1)
recent() { curl -s "$url/api/status" | jq -r --arg id "$(header X-Request-Id)" '.recent[] | select(.id == $id).client'; }
by() { # by HEADER...: status, and who it was
    local h=()
    for header in "$@"; do h+=(-H "$header"); done
    ask /v1/messages "${J[@]}" "${V[@]}" "${h[@]}" -d "$M"
    echo "$status $(recent)"
}
is "a key in x-api-key is one" "200 alice" "$(by "x-api-key: $key")"
is "in Authorization, too" "200 alice" "$(by "Authorization: Bearer $key")"
is "beside what an SDK sends in the other" "200 alice 200 alice" \
    "$(by "x-api-key: $key" 'Authorization: Bearer unused') $(by 'x-api-key: unused' "Authorization: Bearer $key")"
is "the upstream sees its own alone" "$(printf 'Bearer nvapi-x' | sha256sum | cut -d' ' -f1)" \
    "$(curl -s "$sim/sim/arrivals" | jq -r '.arrivals[-1].auth_sha256')"
ask /v1/messages/count_tokens "${J[@]}" -H "x-api-key: $key" -d "$M"
is "tokens are counted for it" "200 true" "$status $(jq '.input_tokens > 0' <<<"$body")"
ask /v1/models "${V[@]}" -H "Authorization: Bearer $key"
is "and models listed" "200 model" "$status $(jq -r '.data[0].type' <<<"$body")"
stop_sluice

start_sluice users NVIDIA_API_KEY=nvapi-x SLUICE_CLIENT_FROM_USER=true SLUICE_WORKERS=1
user() { # user ID: whose work that is
    ask /v1/messages "${J[@]}" "${@:2}" -d "$(jq -c --arg u "$1" '.metadata = {"user_id": $u}' <<<"$M")"
    recent
}
is "metadata.user_id names a client, if the settings say so" bob "$(user bob)"
is "X-Sluice-Client counts for more" carol "$(user bob -H 'X-Sluice-Client: carol')"
hash=$(printf 'a1%.0s' {1..32})
is "sessions of one user of Claude Code are one client" "user_${hash:0:58}" \
    "$({ user "user_${hash}_account_x_session_1"; user "user_${hash}_account_x_session_2"; } | sort -u)"
is "however it names them" "${hash:0:63}" \
    "$(for s in 1 2; do user "{\"device_id\":\"$hash\",\"account_uuid\":\"x\",\"session_id\":\"$s\"}"; done | sort -u)"
stop_sluice
start_sluice nobody NVIDIA_API_KEY=nvapi-x SLUICE_WORKERS=1
is "else it names nobody" 127.0.0.1 "$(user bob)"

finish
