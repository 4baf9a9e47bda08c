#!/bin/bash
# Who goes next: classes 16 : 4 : 1, clients in turn, first come first served.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

start_sim --requests 21 --window 2
start_sluice main SLUICE_REQUESTS=21 SLUICE_WINDOW_S=2 SLUICE_MARGIN_MS=100

# 60 of each class wait.
pause
i=0
: >"$work/conf"
for class in low normal high; do
    for ((k = 0; k < 60; k++)); do
        {
            ((i++ == 0)) || echo next
            printf '%s\n' "url = \"$url/v1/chat/completions\"" 'output = "/dev/null"' silent \
                'header = "Content-Type: application/json"' "header = \"X-Sluice-Priority: $class\"" \
                "data = \"{\\\"model\\\":\\\"sim/$class\\\",\\\"messages\\\":[]}\""
        } >>"$work/conf"
    done
done
curl -Z --parallel-immediate --parallel-max 300 -K "$work/conf" 2>/dev/null &
job=$!
are_waiting() { # as one answer has it
    queue=$(curl -s "$url/api/queue")
    [ "$(jq '.waiting | length' <<<"$queue")" = "$1" ]
}
check "all of them wait" wait_for 10 are_waiting 180
shares() { sort | uniq -c | awk '{ print $2 ":" $1 }' | xargs; }
# Who of those that tie comes first is a matter of arrival: one at the edge may be another class's.
has "while all classes wait, of 21 slots 16, 4 and 1 are foreseen" \
    "$(jq -r '.waiting[21:42][].priority' <<<"$queue" | shares)" '^high:1[567] low:[12] normal:[345]$'
resume
wait $job
# A slot that a worker did not take in time goes to another: one may be shifted.
order=$(curl -s "$sim/sim/arrivals" | jq -r '.arrivals[21:42][].model' | shares)
has "and the upstream sees them" "$order" '^sim/high:1[567] sim/low:[12] sim/normal:[345]$'

# Two clients flood with 150 each; two more send four when all of those wait.
stop_sluice
start_sim --requests 40 --window 2
start_sluice flood SLUICE_REQUESTS=40 SLUICE_WINDOW_S=2 SLUICE_MARGIN_MS=100
pause
flood() { many_model=sim/flood many 150 "$work/$1" "header = \"X-Sluice-Client: $1\""; }
flood a & ja=$!
flood b & jb=$!
check "the floods wait" wait_for 10 are_waiting 300
for c in c d; do
    many_model=sim/late many 4 "$work/$c" "header = \"X-Sluice-Client: $c\"" &
    late+=($!)
done
check "so do those that came late" wait_for 10 are_waiting 308
resume
wait "${late[@]}"
is "the latecomers' are all 200" 8 "$(cat "$work/c" "$work/d" | grep -c '^200 ')"
wait $ja $jb
is "the floods are 200 too" 300 "$(cat "$work/a" "$work/b" | grep -c '^200 ')"
# Four rounds of four clients are 16 slots: the first window has them all.
is "they wait for one window, not for eight" 8 \
    "$(curl -s "$sim/sim/arrivals" | jq '[.arrivals[0:40][] | select(.model == "sim/late")] | length')"
printf 'fair: two clients flooded with 150 each; the last of the latecomers was number %s of 308\n' \
    "$(curl -s "$sim/sim/arrivals" | jq '[.arrivals[].model] | rindex("sim/late") + 1')"
is "the upstream refused none" 0 "$(stat refused)"
finish
