#!/bin/bash
# Does fcgi/API.md tell each answer as it is?
#
# Each member of an answer is named there, and each member of an example there is
# in the answer: a field that comes or goes without its word is found here.  The
# names that are anybody's (upstreams, models, settings) are left out.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"
api=$root/fcgi/API.md

start_sim --limiter none
start_sluice main NVIDIA_API_KEY=nvapi-practice SLUICE_IN_FLIGHT=1
token=$(cat "$state/admin.token")
admin() { # admin METHOD PATH [BODY]
    ask "$2" -X "$1" -H "Authorization: Bearer $token" --data-raw "${3-}"
}

# The members of a JSON text, each once, however deep it lies.
members() { jq -r '[.. | objects | keys[]] | unique[]' | grep -vE '^(nim|queue\.|upstreams\.nim|prefer$|gpt-4o$|ci$|notebook$|sim/|meta/)'; }

# example HEADING [N]: the first, or Nth, block of JSON under it.
example() {
    awk -v h="$1" -v n="${2:-1}" '/^```/ { if (on && lang) exit; on = under && !on && /json/ && ++i == n; lang = on; next }
        /^##/ { sub(/^#+ /, ""); under = $0 == h; i = 0 } on' "$api"
}

# told WHAT HEADING JSON [N]: N none, where the example is not one of JSON alone
told() {
    local have
    have=$(members <<<"$3")
    at_least "$1: the answer has members" 1 "$(wc -w <<<"$have")"
    is "$1: each is told" "" "$(while read -r m; do grep -qE "[\`\"]${m}[\`\"\[]" "$api" || echo "$m"; done <<<"$have")"
    [ "${4-1}" = none ] || at_least "$1: there is an example" 1 "$(example "$2" "${4:-1}" | members | wc -l)"
    is "$1: the example has no other" "" "$(comm -13 <(echo "$have" | sort) <(example "$2" "${4:-1}" | members | sort))"
}

admin POST /api/keys '{"name":"ci","requests_per_min":20,"expires_in_s":2592000}'
made=$body
key=$(jq -r .key <<<"$made")
chat sim/tokens-3 '' -H "Authorization: Bearer $key"
chat sim/nothing '' -H 'X-Sluice-Client: notebook' # an outcome that is not ok
(chat sim/stream-600-50 ',"stream":true' -N) &
running() { [ "$(curl -s "$url/api/queue" | jq '.running | length')" = 1 ]; }
check "one runs" wait_for 10 running
(chat sim/tokens-3 '' -H "Authorization: Bearer $key") &
waiting() { [ "$(curl -s "$url/api/queue" | jq '.waiting | length')" = 1 ]; }
check "one waits" wait_for 10 waiting

ask /health
told "health" "GET /health" "$body"
ask /health/ready
told "ready" "GET /health/ready" "$body"
ask /api/status
# What an ending is called stands in the table of outcomes, if it has occurred.
told "status" "GET /api/status" "$body"
ask /api/queue
told "queue" "GET /api/queue" "$body"
ask '/api/history?by=upstream&from=-5&points=3'
told "history" "GET /api/history" "$body"
ask '/api/history?by=client&from=-600&points=2'
told "history of clients" "What each model did, and each client" "$body"
ask '/api/history?by=model&name=sim/tokens-3&from=-600&points=2'
told "history of a model" "What each model did, and each client" "$body" 2
ask '/api/history?name=x'
told "an error of it" "What each model did, and each client" "$body" 3
ask /api/config
told "settings" "GET, PATCH /api/config" "$(jq '[.[]]' <<<"$body")"
told "a key that was made" "/api/keys" "$made" none
admin GET /api/keys
told "keys" "/api/keys" "$body"
ask /api/me -H "Authorization: Bearer $key"
told "me" "GET /api/me" "$body"
chat sim/tokens-3 '' -H 'X-Sluice-Deadline: 0'
told "an error" "Errors" "$body" none
ask /v1/messages -H 'anthropic-version: 2023-06-01' -H 'X-Sluice-Deadline: 0' \
    -d '{"model":"sim/tokens-3","max_tokens":9,"messages":[{"role":"user","content":"x"}]}'
told "an error of Anthropic's" "Errors" "$body"
finish
