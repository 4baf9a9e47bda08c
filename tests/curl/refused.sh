#!/bin/bash
# What no wait helps is told at once, what passes is waited out, and what an
# upstream says to one request is none of another's business.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

start_sim --limiter none

code() { jq -r .error.code <<<"$body"; }
sends() { curl -s "$sim/sim/arrivals" | jq --arg m "sim/$1" '[.arrivals[]|select(.model==$m)]|length'; }
# Seconds from the first of its sends to the last.
span() { curl -s "$sim/sim/arrivals" | jq --arg m "sim/$1" '[.arrivals[]|select(.model==$m).t_ns]|(last-first)/1e9'; }
ended() { grep -h '"event":"request"' "$out" | jq -r --arg m "sim/$1" 'select(.model==$m).outcome' | tail -n 1; }
clear() { operator POST /api/retreat/clear; }
took() { # took COMMAND...: sets $seconds
    local start
    start=$(date +%s%N)
    "$@"
    seconds=$(awk "BEGIN { print ($(date +%s%N) - $start) / 1e9 }")
}
held() { curl -s "$url/api/status" | jq .counters.holds.rate; }

start_sluice main SLUICE_REQUESTS=10000 SLUICE_WINDOW_S=2 SLUICE_KEY=k NVIDIA_API_KEY=k

# ---- a quota that is used up ---------------------------------------------------
for model in quota billing; do
    took chat "sim/$model"
    is "$model: told in the upstream's words" "$([ $model = quota ] && echo 429 insufficient_quota || echo 400 billing_hard_limit_reached) false" \
        "$status $(code) $(header x-should-retry)"
    at_most "$model: without a wait" 5 "$seconds"
    is "$model: after one send" 1 "$(sends $model)"
    chat sim/tokens-3
    is "$model: the account is held, as for a 402" "402 sluice_upstream_off" "$status $(code)"
    clear
done
chat sim/tokens-3
is "until somebody says otherwise" 200 "$status"
took chat sim/at-once+times-2
is "one of requests at once is waited out" "200 3" "$status $(header X-Sluice-Attempts)"
at_least "and was a hold" 1 "$(held)"

# ---- one request that can never pass --------------------------------------------
before=$(held)
for model in too-large limit-none dear; do
    chat "sim/$model"
    is "$model: told at once" "$([ $model = dear ] && echo 402 || echo 429) false 1" \
        "$status $(header x-should-retry) $(sends $model)"
    took chat sim/tokens-3
    is "$model: nobody else is held" 200 "$status"
    at_most "$model: nor waits" 1.5 "$seconds"
done
is "they were no retreat" "$before" "$(held)"
is "but its client's own error" client_error "$(ended too-large)"

# ---- one that is refused for ever, for whatever reason ----------------------------
operator_sets() {
    curl -s -o /dev/null -X PATCH -H "Authorization: Bearer $(cat "$state/admin.token")" "$url/api/config" -d "$1"
}
chat sim/429-detail+retry-after-0
is "a request that is refused again and again is told so" "429 5" "$status $(header X-Sluice-Attempts)"
is "it may be tried again" "" "$(header x-should-retry)"
operator_sets '{"retry.refused_max":2}'
chat sim/exhausted+retry-after-0
is "as often as is set, live" "503 2" "$status $(header X-Sluice-Attempts)"
has "in the upstream's words" "$body" ResourceExhausted
operator_sets '{"retry.refused_max":5}'

# ---- dates -----------------------------------------------------------------------
for form in '' +rfc850 +asctime; do
    clear
    model=429+retry-date-3+clock-3600+times-1$form
    chat "sim/$model"
    is "a date of a clock that is wrong${form/+/, in the form of }" 200 "$status"
    # Dates are of whole seconds.
    at_least "it is waited for" 1.9 "$(span "$model")"
    at_most "and for no hour" 30 "$(span "$model")"
done
clear
for model in 429-detail+retry-date-0+clock-3600+times-1 429-detail+retry-garbage+times-1; do
    chat "sim/$model"
    is "$model: no time to wait for" 200 "$status"
    at_most "$model: a moment" 10 "$(span "$model")"
done
chat sim/problem-400+retry-date-30+clock-3600
has "a date does not pass to the client: seconds do" "$(header Retry-After)" '^(29|30)$'

# ---- an error in a 200 --------------------------------------------------------------
clear
chat sim/429-inside+times-1
is "a 429 in a 200 is waited out" "200 2 chat.completion" "$status $(header X-Sluice-Attempts) $(jq -r .object <<<"$body")"
chat sim/502-inside+times-2
is "a 502 in a 200 is repeated" "200 3" "$status $(header X-Sluice-Attempts)"
chat sim/502-inside+split-3
is "and told as one, however it comes" "502 Provider returned error" "$status $(jq -r .error.message <<<"$body")"
is "it is counted as one" upstream_error "$(ended 502-inside+split-3)"
chat sim/error-beside
is "one beside choices is a part of the answer" "200 the rest a part failed" \
    "$status $(jq -r '"\(.choices[0].message.content) \(.error.message)"' <<<"$body")"

# ---- overload -------------------------------------------------------------------------
patient() { # patient MODEL PATH [EXTRA]: three times overloaded, then an answer
    ask "$2" -N -H 'Content-Type: application/json' -d "{\"model\":\"sim/$1\",\"input\":\"a\",\"messages\":[]${3:-}}"
    is "$1 $2: waited out" 200 "$status"
    is "$1 $2: three times" 4 "$(sends "$1")"
    at_least "$1 $2: patiently" 4 "$(span "$1")"
    is "$1 $2: and nothing of it is seen" "" "$(grep -io overloaded <<<"$body")"
    is "$1 $2: it went well" ok "$(ended "$1")"
}
clear
patient 529+times-3 /v1/chat/completions &
patient overloaded+times-3 /v1/chat/completions &
patient overloaded-stream+times-3 /v1/chat/completions ',"stream":true' &
patient overloaded-stream+times-3+tokens-2 /v1/responses ',"stream":true' &
patient overloaded-event+times-3 /v1/chat/completions ',"stream":true' &
