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
is_told() { outcome=$(curl -s "$url/api/status" | jq -re --arg m "sim/$1" 'first(.recent[] | select(.model == $m)).outcome'); }
ends_as() { # ends_as "sentence" WANT MODEL
    outcome=
    wait_for 5 is_told "$3"
    is "$1" "$2" "$outcome"
}
clear() { operator POST /api/retreat/clear; }
took() { # took COMMAND...: sets $seconds
    local start
    start=$(date +%s%N)
    "$@"
    seconds=$(awk "BEGIN { print ($(date +%s%N) - $start) / 1e9 }")
}
held() { curl -s "$url/api/status" | jq .counters.holds.rate; }

start_sluice main SLUICE_REQUESTS=10000 SLUICE_WINDOW_S=2 NVIDIA_API_KEY=practice-key

# ---- a quota that is used up ---------------------------------------------------
for model in quota billing; do
    took chat "sim/$model"
    said=$([ $model = quota ] && echo 429 || echo 402) # where it is said by 400, too
    is "$model: told in the upstream's words" "$said $([ $model = quota ] && echo insufficient_quota || echo billing_hard_limit_reached) false" \
        "$status $(code) $(header x-should-retry)"
    at_most "$model: without a wait" 5 "$seconds"
    is "$model: after one send" 1 "$(sends $model)"
    chat sim/tokens-3
    is "$model: the account is held, and that looks alike to all" "$said sluice_upstream_off false" \
        "$status $(code) $(header x-should-retry)"
    is "$model: so does the status of it" "$said" "$(curl -s "$url/api/status" | jq '.limits[0].unpaid.status')"
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
ends_as "but its client's own error" client_error too-large

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
ends_as "it is counted as one" upstream_error 502-inside+split-3
chat sim/error-beside
is "one beside choices is a part of the answer" "200 the rest a part failed" \
    "$status $(jq -r '"\(.choices[0].message.content) \(.error.message)"' <<<"$body")"

# ---- overload -------------------------------------------------------------------------
# Side by side: PATH MODEL EXTRA.
cases='/v1/chat/completions 529+times-3
/v1/chat/completions overloaded+times-3
/v1/chat/completions overloaded-stream+times-3 ,"stream":true
/v1/responses overloaded-stream+times-3+tokens-2 ,"stream":true
/v1/chat/completions overloaded-event+times-3 ,"stream":true'
clear
asked=()
while read -r path model extra; do
    curl -sN -w '\n%{http_code}' --max-time 60 "$url$path" -H 'Content-Type: application/json' \
        -d "{\"model\":\"sim/$model\",\"input\":\"a\",\"messages\":[]$extra}" >"$work/$model" &
    asked+=($!)
done <<<"$cases"
wait "${asked[@]}"
while read -r path model extra; do
    is "$model: an overload is waited out" 200 "$(tail -n 1 "$work/$model")"
    is "$model: and nothing of it is seen" "" "$(grep -io 'overloaded[^+-]' "$work/$model")"
    is "$model: after three more tries" 4 "$(sends "$model")"
    at_least "$model: with pauses that grow" 6 "$(span "$model")"
    ends_as "$model: it went well" ok "$model"
done <<<"$cases"
took chat sim/529 '' -H 'X-Sluice-Deadline: 2'
is "one that lasts is told when the client's time is over" 429 "$status"
has "with the upstream's reason" "$body" 'had refused it: Overloaded'
is "and may be tried again" "" "$(header x-should-retry)"
chat sim/stream-error-3-429+no-done ',"stream":true' -N
is "an error behind content passes, and nothing of ours behind it" "error" \
    "$(grep -v '^$' <<<"$body" | tail -n 1 | sed 's/^data: //' | jq -r keys[0])"
has "in the upstream's words" "$(grep -v '^$' <<<"$body" | tail -n 1)" 'nimsim was asked for error 429'
ends_as "and counts as the upstream's" upstream_error stream-error-3-429+no-done
# So late it is no limit of the account, but one of the model's workers.
ceiling() { curl -s "$url/api/status" | jq --arg m "sim/$1" '.models[] | select(.name == $m).ceiling'; }
is "and the limiter hears of it" 1 "$(ceiling stream-error-3-429+no-done)"
for model in stream-error-3-503+split-7 stream-error-3-500; do
    chat "sim/$model" ',"stream":true' -N
    ends_as "$model: the upstream's, too" upstream_error "$model"
done
is "in pieces, too" 1 "$(ceiling stream-error-3-503+split-7)"
is "but what is a fault is no refusal" 0 "$(ceiling stream-error-3-500)"

# ---- what took too long --------------------------------------------------------------------
chat sim/slow-300+html-524
is "a 524 is told once" "524 1 false" "$status $(header X-Sluice-Attempts) $(header x-should-retry)"
has "with advice" "$body" 'ask for a stream'
for status_ in 520 522 523; do
    chat "sim/html-$status_+times-1"
    is "a $status_ is repeated" "200 2" "$status $(header X-Sluice-Attempts)"
done

# ---- "try again later" --------------------------------------------------------------------
# Nobody waits for longer than the queue's time.
stop_sluice
start_sluice later SLUICE_REQUESTS=10000 SLUICE_WINDOW_S=2 SLUICE_QUEUE_TIMEOUT_S=100 SLUICE_RETREAT_MAX_S=100
for model in 429+retry-after-70 problem-503+retry-after-70; do
    chat "sim/$model" '' -H 'X-Sluice-Deadline: 20'
    is "$model: too late for who has less time" "429 sluice_deadline 70 false" \
        "$status $(code) $(header Retry-After) $(header x-should-retry)"
done
chat sim/429+retry-after-70 '' -H 'X-Sluice-Deadline: 20'
is "and so is the next one told" "429 sluice_deadline false" "$status $(code) $(header x-should-retry)"
at_least "until the same time" 50 "$(header Retry-After)"
is "it was not sent" 1 "$(sends 429+retry-after-70)"
clear
for model in 429+retry-after-18000 problem-503+retry-after-18000; do
    want=$([ "${model:0:3}" = 429 ] && echo 429 || echo 503)
    for who in first next; do
        chat "sim/$model"
        is "$model: the $who is told when" "$want sluice_upstream_off false" "$status $(code) $(header x-should-retry)"
        at_least "$model: to the $who, too" 17900 "$(header Retry-After)"
    done
    is "$model: one was sent" 1 "$(sends "$model")"
done

# ---- a full queue ---------------------------------------------------------------------------
stop_sluice
start_sluice full SLUICE_REQUESTS=2 SLUICE_WINDOW_S=2 SLUICE_QUEUE_MAX=6 SLUICE_QUEUE_PER_CLIENT=4
asked=()
pause
for i in {1..4}; do
    curl -sN -o /dev/null -w '%{http_code}\n' --max-time 60 "$url/v1/chat/completions" -H 'X-Sluice-Client: a' \
        -H 'Content-Type: application/json' -d '{"model":"sim/tokens-3","stream":true,"messages":[]}' >"$work/full.$i" &
    asked+=($!)
done
is_waiting() { [ "$(curl -s "$url/api/status" | jq .queue.waiting)" = "$1" ]; }
check "four wait" wait_for 5 is_waiting 4
chat sim/tokens-3 ',"stream":true' -H 'X-Sluice-Client: a'
is "one too many of a client" "429 true" "$status $(header x-should-retry)"
has "names what bounds it" "$body" 'queue\.per_client'
for i in 5 6; do
    curl -s -o /dev/null -w '%{http_code}\n' --max-time 60 "$url/v1/chat/completions" -H 'X-Sluice-Client: b' \
        -H 'Content-Type: application/json' -d '{"model":"sim/tokens-3","messages":[]}' >"$work/full.$i" &
    asked+=($!)
done
check "six wait" wait_for 5 is_waiting 6
chat sim/tokens-3 '' -H 'X-Sluice-Client: c'
is "one too many of all" "429 true" "$status $(header x-should-retry)"
has "names what bounds it, too" "$body" 'queue\.max\)'
resume
wait "${asked[@]}"
is "who waits hears no 429" "6 200" "$(cat "$work"/full.[1-6] | sort | uniq -c | xargs)"
# ---- one that is refused for ever, for whatever reason ----------------------------
operator_sets() {
    curl -s -o /dev/null -X PATCH -H "Authorization: Bearer $(cat "$state/admin.token")" "$url/api/config" -d "$1"
}
# Others of the account pass meanwhile: it is no limit that is full.
stop_sluice
start_sluice account SLUICE_REQUESTS=1000 SLUICE_WINDOW_S=2 SLUICE_SCOPE=account SLUICE_QUEUE_TIMEOUT_S=60
# One program, so that a busy machine has none to start between two of them.
others() {
    exec curl -s -o /dev/null --rate 40/s "$url/v1/chat/completions?n=[1-3000]" \
        -H 'Content-Type: application/json' -d '{"model":"sim/tokens-1","messages":[]}'
}
others &
others=$!
pids+=("$others")
chat sim/429+retry-after-0
is "a request that is refused while others pass is told so" 429 "$status"
at_least "after some times" 5 "$(header X-Sluice-Attempts)"
# Others must have passed between two of the five: on a busy machine more of its own
# tries fit in between.
at_most "and not for ever" 40 "$(header X-Sluice-Attempts)"
is "it may be tried again" "" "$(header x-should-retry)"
operator_sets '{"retry.refused_max":2}'
chat sim/429+retry-after-0
at_most "as often as is set, live" 4 "$(header X-Sluice-Attempts)"
kill "$others"
wait "$others" 2>/dev/null

finish
