#!/bin/bash
# Limits in tokens, as the upstream counts them: kept by bounds that clients set,
# and by what was learned; streams are asked to tell, and nobody sees it.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

limit=10000 window=3 margin_ms=150
canary=nvapi-$(openssl rand -hex 16)
made=$("$build/sluicectl" key new carol 2>/dev/null)
carol=${made%%$'\n'*} line=${made#*$'\n'}
made=$("$build/sluicectl" key new all 2>/dev/null)
all=${made%%$'\n'*}
printf '{"clients":[%s,%s]}\n' "${line%\}},\"tokens_per_min\":200,\"tokens_per_day\":400}" "${made#*$'\n'}" >"$work/sluice.json"
start_sim --limiter none --window $window --tokens $limit --key "$canary"
start_sluice main SLUICE_CONFIG="$work/sluice.json" NVIDIA_API_KEY="$canary" SLUICE_REQUESTS=1000 SLUICE_WINDOW_S=$window \
    SLUICE_MARGIN_MS=$margin_ms SLUICE_TOKENS_PER_MIN=$limit SLUICE_SCOPE=account

api() { curl -s "$url/api/status" | jq -r "$1"; }
code() { jq -r '.error.code // empty' <<<"$body" 2>/dev/null; }
reset() { curl -s -X POST "$sim/sim/reset" >/dev/null; }
say() { # say MODEL [EXTRA-JSON] [CURL-OPTION...]
    local model=$1 extra=${2:-}
    shift
    [ $# = 0 ] || shift
    chat "$model" "$extra" -H "Authorization: Bearer $all" "$@"
}

# crowd COUNT EXTRA-JSON: so many chats at once, prompts of 10 to 310 letters, each
# other one a stream; "STATUS" of each in $work/crowd.
crowd() {
    extra=$2 awk -v n="$1" -v url="$url/v1/chat/completions" -v key="$all" 'BEGIN {
        extra = ENVIRON["extra"]
        for (i = 0; i < n; i++) {
            text = ""
            for (k = 0; k <= i * 7 % 31; k++) text = text "some words"
            if (i) print "next"
            printf "url = \"%s\"\noutput = \"/dev/null\"\nsilent\nmax-time = 120\n", url
            printf "header = \"Content-Type: application/json\"\nheader = \"Authorization: Bearer %s\"\n", key
            printf "data = \"{\\\"model\\\":\\\"sim/stream-%d-5+vary\\\",\\\"messages\\\":[{\\\"role\\\":\\\"user\\\",\\\"content\\\":\\\"%s\\\"}]%s%s}\"\n",
                100, text, i % 2 ? ",\\\"stream\\\":true" : "", extra
            print "write-out = \"%{http_code}\\n\""
        } }' >"$work/crowd.conf"
    curl -Z --parallel-immediate --parallel-max 300 -K "$work/crowd.conf" >"$work/crowd" 2>/dev/null
}

# Streams whose clients go in the middle.
leavers() { # leavers COUNT EXTRA-JSON
    local i
    for ((i = 0; i < $1; i++)); do
        curl -sN --max-time 60 -H "Authorization: Bearer $all" -H 'Content-Type: application/json' "$url/v1/chat/completions" \
            -d "{\"model\":\"sim/stream-100-5+vary\",\"messages\":[],\"stream\":true$2}" | head -c 3000 >/dev/null &
        leaving+=($!)
    done
}

# How much of three windows, from the first arrival on, was used, in percent; the
# margin is a part of ours.
used() {
    curl -s "$sim/sim/arrivals" | jq --argjson l $limit --argjson w $((window * 1000 + margin_ms)) '
        .arrivals as $a | [$a[] | select(.t_ns - $a[0].t_ns < 3 * $w * 1000000) | .tokens // 0] | add / $l / 3 * 100 | floor'
}
most() { curl -s "$sim/sim/max?window_ms=$((window * 1000))&of=tokens" | jq .max; }

# -------------------------------------------------- a bound that clients set --

run() { # run "WHAT" EXTRA-JSON MOST-TOKENS
    leaving=()
    sleep $window.3 # what was, counts no longer
    reset
    leavers 30 "${2//\\/}" # their lines come in between
    crowd 270 "$2"
    wait "${leaving[@]}"
    is "$1: all are answered" "270 200" "$(sort "$work/crowd" | uniq -c | xargs)"
    is "$1: each was sent once" 300 "$(stat accepted)"
    at_least "$1: and some were left in the middle" 5 "$(stat client_gone)"
    at_most "$1: no window has more, as the upstream counts" "$3" "$(most)"
    at_least "$1: and hardly fewer" 85 "$(used)"
    printf '%s: at most %d of %d tokens in any %d s, %d %% of three windows used\n' "$1" "$(most)" $limit $window "$(used)"
}
run "max_tokens" ',\"max_tokens\":120' $limit

# --------------------------------------------------------------- what is told --

say sim/tokens-50
is "used, reserved, limit" "true 0 $limit" "$(api '.limits[0] | "\(.tokens_used > 0) \(.tokens_reserved) \(.tokens_limit)"')"
has "so say the metrics" "$(curl -s "$url/metrics")" "^sluice_upstream_tokens_limit\{upstream=\"nim\"\} $limit\$"
has "and of what is used" "$(curl -s "$url/metrics")" '^sluice_upstream_tokens_used\{upstream="nim"\} [1-9]'
has "so does sluicectl" "$("$build/sluicectl" --state-dir "$state" status)" "tokens: [1-9][0-9]* of $limit used, 0 reserved"

# -------------------------------------------- no bound: what was learned of it --

run "learned" '' $((limit * 103 / 100))

# --------------------------------------------------------- what is asked for --

# As a client sees it, but for what differs from one answer to the next.
stream() { # stream URL MODEL [EXTRA-JSON]
    curl -sN "$1/v1/chat/completions" -H 'Content-Type: application/json' -H "Authorization: Bearer ${key:-$all}" \
        -d "{\"model\":\"$2\",\"messages\":[],\"stream\":true${3:-}}" |
        sed -E 's/nimsim-[0-9]+/nimsim/; s/"created":[0-9]+/"created":0/'
}
asked() { curl -s "$sim/sim/arrivals" | jq -r '.arrivals[-1].body_bytes'; }
for words in bare-usage+stream-5-10 bare-usage+crlf+stream-5-10 bare-usage+split-7+tokens-5 bare-usage+crlf+split-1+tokens-3 \
    bare-usage+no-done+tokens-3 bare-usage+bom+tokens-3; do
    plain=$(key=$canary stream "$sim" "sim/$words"; echo .)
    bytes=$(asked)
    ours=$(stream "$url" "sim/$words"; echo .)
    [[ $words != *no-done* ]] || plain=${plain%.}$'data: [DONE]\n\n.'
    is "$words: byte for byte as without the report" "$plain" "$ours"
    is "$words: which was asked for" $((bytes + 40)) "$(asked)"
done
is "who asks gets it" 1 "$(stream "$url" sim/bare-usage+tokens-3 ',"stream_options":{"include_usage":true}' | grep -c '"usage":{')"
is "who does not want it does not" 0 "$(stream "$url" sim/bare-usage+tokens-3 ',"stream_options":{"include_usage":false}' | grep -c '"usage":{')"
is "nor who says nothing of it" 0 "$(stream "$url" sim/bare-usage+tokens-3 ',"stream_options":null' | grep -c '"usage":{')"
is "what rides on an answer stays" 1 "$(stream "$url" sim/early-usage+tokens-3 | grep -c '"usage":{')"
reset
say sim/no-options+tokens-3 ',"stream":true'
is "a model that will not be asked: its client sees nothing of that" "200 2" "$status $(stat accepted)"
has "but the answer" "$body" '^data: \[DONE\]'
# Each worker finds that out for itself.
for _ in {1..20}; do say sim/no-options+tokens-3 ',"stream":true'; done
at_most "and it is remembered" $((21 + $(workers | wc -l))) "$(stat accepted)"

# ------------------------------------------------------------- what never fits --

say sim/tokens-3 ',"max_tokens":20000'
is "more than the whole limit" "400 sluice_tokens false" "$status $(code) $(header x-should-retry)"
has "with both numbers" "$body" "about 200[0-9]{2} tokens.* takes $limit in 3 s \(upstreams\[\]\.tokens_per_min\)"
say sim/tokens-3 ',"max_tokens":5000,"n":3'
is "of several answers at once, too" "400 sluice_tokens" "$status $(code)"

# --------------------------------------------------------------- a client's own --

mine() { chat "$1" "$2" -H "Authorization: Bearer $carol" "${@:3}"; }
me() { curl -s "$url/api/me" -H "Authorization: Bearer $carol" | jq -r "$1"; }
is "before anything is used" "200 0 200 0" "$(me '.tokens_per_min | "\(.limit) \(.used) \(.left) \(.opens_s)"')"
mine sim/tokens-100 ',"max_tokens":100'
is "it can use it" 200 "$status"
is "what it took is told" "109 91" "$(me '.tokens_per_min | "\(.used) \(.left)"')"
is "of the day, too" "400 109 291" "$(me '.tokens_per_day | "\(.limit) \(.used) \(.left)"')"
mine sim/tokens-100 ',"max_tokens":100' -H 'X-Sluice-Deadline: 5'
is "then it would wait for its own limit" "429 sluice_deadline" "$status $(code)"
has "which is named" "$body" "its client's own limit \(clients\[\]\.tokens_per_min, tokens_per_day\)"
mine sim/tokens-3 ',"max_tokens":300'
is "what never fits into it" "400 sluice_tokens" "$status $(code)"
has "is told so" "$body" 'its client may take 200 in a minute \(clients\[\]\.tokens_per_min\)'
is "of others nothing is used" 200 "$(say sim/tokens-100 ',"max_tokens":100'; echo "$status")"

# ----------------------------------------------------- the upstream's own word --

curl -s -X PATCH "$sim/sim/config" -d '{"tell_tokens":true}' >/dev/null
sleep $window.3
reset
curl -s -o /dev/null "$sim/v1/chat/completions" -H "Authorization: Bearer $canary" -d '{"model":"sim/tokens-6000","messages":[]}'
say sim/tokens-3 ',"max_tokens":3' # its answer says what is left
crowd 60 ',\"max_tokens\":150'
at_most "what others use of it is left to them" $limit "$(most)"
finish
