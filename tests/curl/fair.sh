#!/bin/bash
# Who goes next: classes 16 : 4 : 1, clients in turn, first come first served.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

# All must wait before the first window is over; a sanitizer takes its time.
window=2
case $build in *san) window=5 ;; esac
start_sim --requests 21 --window $window
start_sluice main SLUICE_REQUESTS=21 SLUICE_WINDOW_S=$window SLUICE_MARGIN_MS=100

# The window is filled, then 60 of each class wait behind it.  The fill was of
# class normal, which starts in debt: the second 21 show the shares.
many 21 "$work/fill"
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
curl -s -X POST "$sim/sim/reset" >/dev/null
curl -Z --parallel-immediate --parallel-max 300 -K "$work/conf" 2>/dev/null &
job=$!
all_wait() { # as one answer has it: none may have gone meanwhile
    queue=$(curl -s "$url/api/queue")
    [ "$(jq '.waiting | length' <<<"$queue")" = 180 ]
}
wait_for 10 all_wait
shares() { sort | uniq -c | awk '{ print $2 ":" $1 }' | xargs; }
# Who of those that tie comes first is a matter of arrival: one at the edge may be another class's.
has "while all classes wait, of 21 slots 16, 4 and 1 are foreseen" \
    "$(jq -r '.waiting[21:42][].priority' <<<"$queue" | shares)" '^high:1[567] low:[12] normal:[345]$'
wait $job
# A slot that a worker did not take in time goes to another: one may be shifted.
order=$(curl -s "$sim/sim/arrivals" | jq -r '.arrivals[21:42][].model' | shares)
has "and the upstream sees them" "$order" '^sim/high:1[567] sim/low:[12] sim/normal:[345]$'

# Two clients flood with 150 each; two more send four a second later.
stop_sluice
start_sim --requests 40 --window 2
start_sluice flood SLUICE_REQUESTS=40 SLUICE_WINDOW_S=2 SLUICE_MARGIN_MS=100
flood() { many 150 "$work/$1" "header = \"X-Sluice-Client: $1\""; }
flood a & ja=$!
flood b & jb=$!
sleep 1
for c in c d; do
    many 4 "$work/$c" "header = \"X-Sluice-Client: $c\"" &
    late+=($!)
done
wait "${late[@]}"
slowest=$(cat "$work/c" "$work/d" | awk '$2 > m { m = $2 } END { print m }')
is "the latecomers' are all 200" 8 "$(cat "$work/c" "$work/d" | grep -c '^200 ')"
# Four rounds of four clients are 16 slots: the next window has them all.
at_most "they wait for one window, not for eight" 2.6 "$slowest"
printf 'fair: two clients flooded with 150 each; the latecomers waited %s s at most\n' "$slowest"
wait $ja $jb
is "the floods are 200 too" 300 "$(cat "$work/a" "$work/b" | grep -c '^200 ')"
is "the upstream refused none" 0 "$(stat refused)"
finish
