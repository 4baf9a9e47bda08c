#!/bin/bash
# A third of all attempts fails, in whatever way: every client gets its answer,
# for not much more attempts than that must cost.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

# Chance knows no rate: each 429 holds everybody until the window must have
# reopened, and one in recovery longer.  So both are short here, or this would
# take minutes.  Many models, because one that is full while it has nothing else
# in flight rests for a second.
requests=20 window_ms=100 total=500 models=50
start_sim --requests $requests --window 0.1 --limiter sliding
start_sluice main SLUICE_REQUESTS=$requests SLUICE_WINDOW_S=0.1 SLUICE_MARGIN_MS=60 SLUICE_WORKERS=2 \
    SLUICE_RETRY_MAX=8 SLUICE_REFUSED_MAX=100 SLUICE_RETREAT_MAX_S=0.1 SLUICE_QUEUE_MAX=600 SLUICE_QUEUE_PER_CLIENT=600
curl -s -X PATCH "$sim/sim/config" \
    -d '{"seed":7,"faults":{"percent":30,"kinds":["429","exhausted","reset","500"]}}' >/dev/null

start=$SECONDS
for ((i = 0; i < total; i++)); do
    printf '%s\n' next "url = \"$url/v1/chat/completions\"" 'output = "/dev/null"' silent 'max-time = 120' \
        'header = "Content-Type: application/json"' "data = \"{\\\"model\\\":\\\"sim/tokens-$((3 + i % models))\\\",\\\"messages\\\":[]}\"" \
        'write-out = "%{http_code} %{time_total}\n"'
done | tail -n +2 >"$work/conf"
curl -Z --parallel-immediate --parallel-max 300 -K "$work/conf" >"$work/chance" 2>/dev/null
took=$((SECONDS - start))
attempts=$(($(stat accepted) + $(stat refused)))
is "all are 200" "$total 200" "$(cut -d' ' -f1 "$work/chance" | sort | uniq -c | xargs)"
at_most "for at most 1.6 attempts each" 1.6 "$(awk "BEGIN { print $attempts / $total }")"
at_least "though many failed" 150 "$(stat faults)"
is "the upstream's own limiter refused none" 0 "$(stat refused)"
at_most "no window is exceeded" $requests "$(max_in_window $window_ms)"
printf 'chance: %d requests in %d s, %d attempts (%s each), %d faults, most in a window: %d of %d\n' $total $took \
    "$attempts" "$(awk "BEGIN { print $attempts / $total }")" "$(stat faults)" "$(max_in_window $window_ms)" $requests
counters=$(curl -s "$url/api/status" | jq .counters)
is "each attempt was counted" "$attempts" "$(jq .sent <<<"$counters")"
printf 'chance: %s\n' "$(jq -c '{answers, holds, probes, ceilings_cut}' <<<"$counters")"
is "nothing is left" "0 0 0" \
    "$(curl -s "$url/api/status" | jq -r '"\(.queue.running) \(.queue.waiting) \(.queue.held_bytes)"')"
finish
