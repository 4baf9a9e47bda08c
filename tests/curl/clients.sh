#!/bin/bash
# Keys of clients, and what is theirs: name, class, weight, a limit of their own;
# and pages of other origins.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

canary=nvapi-CANARY-$(openssl rand -hex 16)
page=https://app.example

new_key() { # new_key NAME MEMBERS: sets key[NAME], adds to $entries
    local out line
    out=$("$build/sluicectl" key new "$1" 2>/dev/null)
    key[$1]=${out%%$'\n'*} line=${out#*$'\n'}
    entries+=${entries:+,}${line%\}}$2\}
}

declare -A key=()
entries=''
new_key alice ',"priority":"high","requests_per_min":6,"queue_max":2'
new_key bob ',"priority":"low"'
new_key heavy ',"weight":3'
new_key light ''
new_key dora ',"requests_per_min":1'
printf '{"clients":[%s]}\n' "$entries" >"$work/sluice.json"
settings=(SLUICE_CONFIG="$work/sluice.json" NVIDIA_API_KEY="$canary" SLUICE_REQUESTS=1000
    SLUICE_ORIGINS="$page" SLUICE_HOSTS=sluice.example)

has "a key is 256 random bits" "${key[alice]}" '^sk-sluice-[0-9a-f]{64}$'
is "its line is an object with its hash" "alice $(printf %s "${key[alice]}" | sha256sum | cut -c1-64)" \
    "$("$build/sluicectl" key new alice 2>/dev/null | tail -n 1 | jq -r .name) $(jq -r '.clients[0].key_sha256' "$work/sluice.json")"
"$build/sluicectl" key new 127.0.0.1 2>/dev/null
is "a name that cannot be is refused" 1 $?
SLUICE_CONFIG="$work/sluice.json" NVIDIA_API_KEY='' "$build/sluicectl" check 2>"$work/complaint"
is "clients without an upstream key are refused" 78 $?
has "and it is said why" "$(cat "$work/complaint")" 'clients: upstreams.nim has no API key'

start_sim --limiter none --key "$canary"
start_sluice main "${settings[@]}"

say() { # say KEY MODEL [CURL-OPTION...]
    local mine=$1 model=$2
    shift 2
    chat "$model" '' -H "Authorization: Bearer $mine" "$@"
}
code() { jq -r .error.code <<<"$body"; }
waiting() { # waiting CLIENT: how many
    curl -s "$url/api/queue" | jq "[.waiting[] | select(.client == \"$1\")] | length"
}
# shellcheck disable=SC2317 # wait_for calls it
has_waiting() { [ "$(waiting "$1")" = "$2" ]; }
arrived() { # arrived MODEL: how many, and the most in any minute
    curl -s "$sim/sim/arrivals" | jq -r "[.arrivals[] | select(.model == \"$1\") | .t_ns] | sort as \$t |
        \"\(length) \([\$t[] as \$a | [\$t[] | select(. >= \$a and . < \$a + 60000000000)] | length] | max // 0)\""
}

# ------------------------------------------------- a limit of one's own --

for _ in 1 2 3 4 5 6; do
    say "${key[alice]}" sim/echo
    is "six in a minute go" 200 "$status"
done
began=$SECONDS
for i in 7 8; do # they wait for their minute while all that follows is tried
    (say "${key[alice]}" sim/echo --max-time 150 && echo "$status" >"$work/late.$i") &
    late+=($!)
done
check "two wait" wait_for 20 has_waiting alice 2
say "${key[alice]}" sim/echo
is "no more than queue_max wait" "429 sluice_client_queue_full" "$status $(code)"
has "and it is told whose bound that is" "$body" 'clients\[\]\.queue_max'
many 40 "$work/bob" "header = \"Authorization: Bearer ${key[bob]}\""
is "others use the rest meanwhile" 40 "$(grep -c '^200' "$work/bob")"
is "who waits for its own limit is passed" 2 "$(waiting alice)"
has "and knows for how long" "$(curl -s "$url/api/queue" | jq '[.waiting[].eta_s] | min')" '^[1-9]'
say "${key[dora]}" sim/tokens-3
is "one goes" 200 "$status"
say "${key[dora]}" sim/tokens-3 -H 'X-Sluice-Deadline: 5'
is "an ETA of the own limit past the deadline" "429 sluice_deadline" "$status $(code)"
has "says whose limit it is" "$body" 'clients\[\]\.requests_per_min'

# --------------------------------------------------------------- who may --

say sk-sluice-wrong sim/tokens-3
is "a wrong key is refused" "401 sluice_unauthorized" "$status $(code)"
has "and a right one asked for" "$head" '^WWW-Authenticate: Bearer$'
wrong=$body
say "${key[bob]%?}" sim/tokens-3
is "a part of a key is a wrong key" "401 $wrong" "$status $body"
say "${key[bob]}" sim/tokens-3 -H 'Host: evil.example'
is "a key suffices where the Host is foreign" 200 "$status"
say "${key[bob]}" sim/tokens-3 -H 'Origin: https://evil.example'
is "a foreign page may not use it" "403 sluice_forbidden" "$status $(code)"
say "${key[bob]}" sim/tokens-3 -H 'Host: evil.example' -H 'Origin: https://evil.example:1'
is "nor with a foreign Host" 403 "$status"
chat sim/tokens-3
is "without a key this machine may" 200 "$status"
chat sim/tokens-3 '' -H 'Host: evil.example'
is "but not by a foreign name" 403 "$status"
ask /v1/models -H "Authorization: Bearer ${key[bob]}"
is "models are for clients" 200 "$status"
ask /v1/models -H 'Authorization: Bearer sk-sluice-wrong'
is "and for nobody with a wrong key" 401 "$status"
ask /api/status -H 'Host: evil.example' -H "Authorization: Bearer ${key[bob]}"
is "a client's key reads no status" 403 "$status"
is "the upstream saw one key" 1 "$(curl -s "$sim/sim/arrivals" | jq '[.arrivals[].auth_sha256] | unique | length')"
has "the log names the client" "$(cat "$out")" '"client":"bob"'
has "and not one that only says so" "$(chat sim/tokens-3 '' -H 'X-Sluice-Client: bob' && tail -n 1 "$out")" '"client":"127.0.0.1"'

# ---------------------------------------------------------- other origins --

preflight() { # preflight PATH ORIGIN [CURL-OPTION...]
    local path=$1 origin=$2
    shift 2
    ask "$path" -X OPTIONS -H "Origin: $origin" -H 'Access-Control-Request-Method: POST' \
        -H 'Access-Control-Request-Headers: authorization, content-type, x-stainless-lang' "$@"
}
for path in /v1/chat/completions /v1/models /api/config /api/status; do
    preflight $path $page
    is "$path: a listed page may ask" "204 $page" "$status $(header Access-Control-Allow-Origin)"
    has "$path: with these headers" "$(header Access-Control-Allow-Headers)" \
        '^authorization, content-type,.*x-sluice-priority,.*x-stainless-lang,.*x-stainless-retry-count,.*x-stainless-timeout$'
    has "$path: for a while" "$(header Access-Control-Max-Age)" '^[0-9]+$'
    is "$path: it depends on the origin" Origin "$(header Vary)"
    preflight $path https://evil.example
    is "$path: another may not" "403 " "$status $(header Access-Control-Allow-Origin)"
    preflight $path http://evil.example -H 'Host: evil.example'
    is "$path: nor one that is re-bound" "403 " "$status $(header Access-Control-Allow-Origin)"
done
has "what changes things has its methods" "$(preflight /api/config $page && header Access-Control-Allow-Methods)" 'PATCH, DELETE'
seen() { # seen WHAT WANTED-STATUS
    is "$1: a listed page sees it" "$2 $page" "$status $(header Access-Control-Allow-Origin)"
    has "$1: and its headers" "$(header Access-Control-Expose-Headers)" 'x-request-id,.*retry-after-ms,.*x-ratelimit-limit-requests,.*x-sluice-queue-ms,.*nvcf-reqid'
}
say "${key[bob]}" sim/tokens-3 -H "Origin: $page"
seen "an answer" 200
chat sim/tokens-3 ',"stream":true' -H "Authorization: Bearer ${key[bob]}" -H "Origin: $page"
seen "a stream" 200
has "which is whole" "$body" '^data: \[DONE\]$'
say sk-sluice-wrong sim/tokens-3 -H "Origin: $page"
seen "a refusal" 401
say "${key[bob]}" sim/500-429 -H "Origin: $page" --max-time 20
[ "$status" = 200 ] || seen "an error of the upstream" "$status"
ask /v2/nothing -H "Origin: $page"
seen "a path that is none" 404
ask /api/status -H "Origin: $page"
seen "the status" 200
ask /api/status -H 'Origin: https://evil.example'
is "the status is not for others" "403 " "$status $(header Access-Control-Allow-Origin)"
ask /v1/models
is "who says no origin gets no such header" "200 " "$status $(header Access-Control-Allow-Origin)"

# ------------------------------------------------- who goes first, by key --

main=$url main_out=$out main_pid=$run_pid
start_sluice order "${settings[@]}" SLUICE_QUEUE_TIMEOUT_S=86400
pause
line_up() { # line_up KEY CLIENT COUNT [CURL-OPTION...]
    local i mine=$1 client=$2 count=$3
    shift 3
    for ((i = 0; i < count; i++)); do
        (say "$mine" sim/tokens-3 --max-time 50 "$@") &
    done
    check "$count of $client wait" wait_for 20 has_waiting "$client" "$count"
}
line_up "${key[bob]}" bob 2 -H 'X-Sluice-Priority: high'
line_up "${key[light]}" light 4
line_up "${key[heavy]}" heavy 4
line_up "${key[alice]}" alice 2
queue=$(curl -s "$url/api/queue")
is "the key says the class, and a request only lowers it" "high low normal" \
    "$(jq -r '[.waiting[] | select(.client == ("alice", "bob", "heavy")) | .client + " " + .priority] | unique | map(split(" ")[1]) | join(" ")' <<<"$queue")"
is "both of high go before the second of low" true \
    "$(jq '[.waiting[].client] | rindex("alice") < rindex("bob")' <<<"$queue")"
is "of four slots a weight of three gets three" 3 \
    "$(jq '[.waiting[] | select(.priority == "normal") | .client] | .[0:4] | map(select(. == "heavy")) | length' <<<"$queue")"
line_up "${key[dora]}" dora 1 -H 'X-Sluice-Priority: low'
is "a request may go lower than its key" low "$(curl -s "$url/api/queue" | jq -r '.waiting[] | select(.client == "dora") | .priority')"
stop_sluice

# ----------------------------------------------------- the minute is over --

url=$main out=$main_out run_pid=$main_pid
wait "${late[@]}"
is "those that waited went" "200 200" "$(cat "$work"/late.* | xargs)"
at_least "not before their minute was over" 59 $((SECONDS - began + 1))
is "all arrived, and never more than six in a minute" "8 6" "$(arrived sim/echo)"
printf 'clients: 8 of a client with 6 a minute took %d s; arrivals and most in 60 s: %s; others meanwhile: %s\n' \
    $((SECONDS - began)) "$(arrived sim/echo)" "$(arrived sim/tokens-3)"
found=$(grep -rlaE "$canary|sk-sluice-[0-9a-f]{8}" "$work/main" "$work/order" 2>/dev/null | grep -v /upload/)
is "no file of a run holds a key" "" "$found"
finish
