#!/bin/bash
# A model that is off is answered for at once, without asking the upstream,
# and disturbs nobody else.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice main SLUICE_WORKERS=2 SLUICE_REQUESTS=10000

sends() { curl -s "$sim/sim/arrivals" | jq --arg m "$1" '[.arrivals[]|select(.model==$m)]|length'; }
lines() { grep -h '"event":"request"' "$out" | jq -c --arg m "$1" 'select(.model==$m)'; }

# The web server chooses the worker: enough at once, and both get some.
both_refuse() { # both_refuse MODEL
    local jobs=()
    for _ in {1..24}; do
        (chat "$1") &
        jobs+=($!)
    done
    wait "${jobs[@]}"
    [ "$(lines "$1" | jq -r 'select(.attempts==0).pid' | sort -u | wc -l)" = 2 ]
}

# Others run while the models go off, and after it.
many 300 "$work/others" &
others=$!

# MODEL STATUS SECONDS: the bench it must get
while read -r model want seconds; do
    chat "sim/$model"
    is "$model: the first is told" "$want sluice_upstream_off false" \
        "$status $(jq -r .error.code <<<"$body") $(header x-should-retry)"
    has "$model: in the upstream's words" "$body" 'does not serve this model now: .'
    check "$model: it is benched" wait_for 2 sh -c \
        "curl -s $url/api/status | jq -e '.models[]|select(.name == \"sim/$model\").bench.ends_s > 0'"
    ends=$(curl -s "$url/api/status" | jq --arg m "sim/$model" '.models[]|select(.name==$m).bench.ends_s')
    at_most "$model: for as long as it should" "$seconds" "$ends"
    at_least "$model: and no less" "$((seconds - 3))" "$ends"
    for _ in {1..12}; do
        chat "sim/$model"
        echo "$status $(header x-should-retry) $(header Retry-After) $(header X-Sluice-Attempts)"
    done >"$work/again"
    is "$model: then it is refused" "$want false" "$(cut -d' ' -f1,2 "$work/again" | sort -u)"
    # Milliseconds; those of a busy machine are not to be judged.
    read -r middle slowest < <(lines "sim/$model" |
        jq -rs 'map(select(.attempts==0).total_ms) | sort | "\(.[length/2|floor]) \(last)"')
    at_most "$model: it waits for nobody" 500 "$middle"
    printf 'off: %s: 12 refusals, median %s ms in the worker, slowest %s ms\n' "$model" "$middle" "$slowest"
    is "$model: the upstream saw one" 1 "$(sends "sim/$model")"
    check "$model: both workers know" wait_for 10 both_refuse "sim/$model"
done <<END
gone 410 86400
degraded 503 60
offline 503 10800
END
wait $others
is "other models were not disturbed" "300 200" "$(cut -d' ' -f1 "$work/others" | sort | uniq -c | xargs)"
is "each bench was counted" 3 "$(curl -s "$url/api/status" | jq .counters.benches)"
at_least "and each refusal" 108 "$(curl -s "$url/api/status" | jq .counters.refused.model_off)"

chat sim/gone ',"stream":true' -N
is "a stream is told with a status" "410 sluice_upstream_off" "$status $(jq -r .error.code <<<"$body")"

# Not granted, or unknown: remembered for a minute, and passed on.
for model in not-granted unknown; do
    chat "sim/$model"
    is "$model: 404" "404 false" "$status $(header x-should-retry)"
    chat "sim/$model"
    is "$model: so is the second" 404 "$status"
    is "$model: without a send" 1 "$(sends "sim/$model")"
done
# But a client that errs in its path benches nobody's model.
ask /v1/chat/typo -H 'Content-Type: application/json' -d '{"model":"sim/healthy"}'
is "a path that is not there: 404" 404 "$status"
chat sim/healthy
is "its model is still there" 200 "$status"

# 429 that asks for more than a minute: the model is off, nobody else is held.
chat sim/429+retry-after-3600
is "a 429 for an hour is told" "429 sluice_upstream_off" "$status $(jq -r .error.code <<<"$body")"
chat sim/echo
is "and holds no other model" 200 "$status"
is "it was no retreat" 0 "$(curl -s "$url/api/status" | jq .counters.holds.rate)"
finish
