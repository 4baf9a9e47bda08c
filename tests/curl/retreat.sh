#!/bin/bash
# An upstream that allows less than we believe: nobody sees a 429, and its
# refusals become few.  One that nobody pays for any more is left alone.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

# 20 in 3 s where Sluice believes 40; the margin is for a machine that does all of
# this at once: a nimsim that reads late sees two windows in one.
start_sim --requests 20 --window 3
start_sluice main SLUICE_REQUESTS=40 SLUICE_WINDOW_S=3 SLUICE_MARGIN_MS=500 SLUICE_WORKERS=3 SLUICE_SCOPE=account

api() { curl -s "$url/api/status" | jq -r "$1"; }
# Of each of the upstream's windows: those it refused.
refusals() {
    curl -s "$sim/sim/arrivals" | jq -r '
        reduce .arrivals[] as $a ({start: -1e18, n: []};
            (if $a.t_ns - .start >= 3e9 then .start = $a.t_ns | .n += [0] else . end)
            | if $a.verdict == "refused" then .n[-1] += 1 else . end)
        | .n | map(tostring) | join(" ")'
}

many 120 "$work/load"
# All this at once, because an upstream that nobody asks is soon believed again.
ended=$(api .counters)
holds=$(grep -c '"event":"retreat".*-> holding' "$out")
each=$(refusals)
accepted=$(stat accepted) refused=$(stat refused)
# It recovers.  The last of the load may have been refused: one more sees it
# through whatever it is at.
curl -s -X PATCH "$sim/sim/config" -d '{"requests":40}' >/dev/null
chat sim/echo
shown=$(api '.limits[0]')
told=$("$build/sluicectl" --state-dir "$state" status)

is "an upstream with half the limit: all are 200" "120 200" "$(cut -d' ' -f1 "$work/load" | sort | uniq -c | xargs)"
printf 'retreat: refused in each window: %s\n' "$each"
read -ra n <<<"$each"
at_least "it took at least five windows" 5 "${#n[@]}"
at_least "the first window shows the limit" 1 "${n[0]}"
at_most "the next ones together refuse a few" 4 "$((n[2] + n[3] + n[4] + n[5]))"
at_most "nothing is sent in vain" 1.3 "$(awk "BEGIN { print ($accepted + $refused) / 120 }")"
is "each refusal was counted" "$refused" "$(jq .answers.rate <<<"$ended")"
is "each answer too" 120 "$(jq .answers.fine <<<"$ended")"
is "each request that went back" "$refused" "$(jq .again <<<"$ended")"
is "each hold that began" "$holds" "$(jq '.holds | .rate + .probe + .recovery' <<<"$ended")"
at_least "and each probe" "$holds" "$(jq .probes <<<"$ended")"
is "the page shows its state and why" "recovering too many requests" "$(jq -r '.retreat | "\(.state) \(.reason)"' <<<"$shown")"
at_most "the allowance is what the upstream let pass" 24 "$(jq .retreat.allowance <<<"$shown")"
is "and so is what was learned" "window 20" "$(jq -r '.learned | "\(.kind) \(.requests)"' <<<"$shown")"
at_least "and when the next step is" 0 "$(jq .retreat.ends_s <<<"$shown")"
has "sluicectl shows the same" "$told" recovering
check "it is back at its limit" wait_for 30 sh -c "curl -s $url/api/status | jq -e '.limits[0].retreat.state == \"normal\"'"
for step in 'normal holding' 'holding probing' 'probing recovering' 'recovering normal'; do
    has "the log tells of $step" "$(cat "$out")" "\"event\":\"retreat\".*nim: ${step/ / -> }"
done
is "that is counted" 1 "$(api .counters.retreats_over)"
is "and the allowance is the limit" 40 "$(api '.limits[0].retreat.allowance')"

# What is asked to wait waits as long as it is asked to, and no longer.
curl -s -X PATCH "$sim/sim/config" -d '{"limiter":"none","next":["429+retry-after-1"]}' >/dev/null
chat sim/tokens-2
is "a Retry-After is waited out" "200 2" "$status $(header X-Sluice-Attempts)"
held=$(header X-Sluice-Queue-Ms)
at_least "for as long as it says" 990 "$held"
at_most "and no longer" 1950 "$held"

# Nobody pays: with a key of ours nobody's requests are sent any more.
stop_sluice
start_sluice paid NVIDIA_API_KEY=secret SLUICE_WORKERS=3
chat sim/credits
is "402 is told" "402 Cloud credits expired" "$status $(jq -r .error.message <<<"$body")"
is "it will not pass" false "$(header x-should-retry)"
check "the page shows it" wait_for 2 sh -c "curl -s $url/api/status | jq -e '.limits[0].unpaid.status == 402'"
before=$(stat accepted)
answers=
for _ in 1 2 3 4 5 6; do chat sim/echo; answers+="$status $(jq -r .error.code <<<"$body") "; done
is "others are refused, in whatever worker" "402 sluice_upstream_off" "$(xargs -n2 <<<"$answers" | sort -u)"
has "and told whose matter it is" "$body" 'does not serve this account now \(Cloud credits expired\)'
is "the upstream sees none of them" "$before" "$(stat accepted)"
is "they are counted" "6 1" "$(api '"\(.counters.refused.upstream_held) \(.counters.holds.unpaid)"')"
has "so do the metrics" "$(curl -s "$url/metrics")" 'sluice_unpaid\{upstream="nim"\} 1'
has "we are not ready" "$(curl -s -w '%{http_code}' "$url/health/ready" | xargs -d '\n')" '"queue_healthy":false.*"reason":"the upstream wants to be paid.* 503$'
has "the log tells of it" "$(cat "$out")" '"event":"unpaid".*nim: on -> off for 300'

# Without one it is that client's alone.
stop_sluice
start_sluice relayed
chat sim/credits
is "a client's own 402 is told" 402 "$status"
chat sim/echo
is "and holds nobody else" 200 "$status"
has "nobody is said to" "$(curl -s "$url/metrics")" 'sluice_unpaid\{upstream="nim"\} 0'
is "nothing is held" null "$(api '.limits[0].unpaid')"
finish
