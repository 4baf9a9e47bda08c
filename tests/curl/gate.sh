#!/bin/bash
# The main promise: the quota is used to the last request and never exceeded,
# also while workers are killed and stopped.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

# What arrives is judged to a tenth of a second. Under TSan nimsim alone takes
# longer than that to read a burst: so one without it counts, if there is one.
case $build in *tsan) [ ! -x "$root/build/nimsim" ] || sim_program=$root/build/nimsim ;; esac

# 40 in 3 s, margin 100 ms: 300 requests need 7 spans of 3.1 s.
requests=40 span_ms=3100 total=300
# How near to that it is, `make bench` measures; twice as long would be waste.
bound=$(awk "BEGIN { print 2 * int(($total - 1) / $requests) * $span_ms / 1000 }")
start_sim --requests $requests --window 3
start_sluice main SLUICE_REQUESTS=$requests SLUICE_WINDOW_S=3 SLUICE_MARGIN_MS=100 SLUICE_WORKERS=4

fresh() { # the upstream and our own window start from nothing
    sleep 3.2
    curl -s -X POST "$sim/sim/reset" >/dev/null
}

codes() { awk '{ n[$1]++ } END { for (c in n) printf "%s:%d ", c, n[c] }' "$1" | xargs -n1 2>/dev/null | sort | xargs; }
elapsed() { awk '$2 > m { m = $2 } END { print m }' "$1"; }

many $total "$work/plain"
is "300 at once: all are 200" "200:300" "$(codes "$work/plain")"
is "the upstream refused none" 0 "$(stat refused)"
is "it saw each once" 300 "$(stat accepted)"
at_most "no 3 s hold more than 40 arrivals" 40 "$(stat max_in_window)"
at_most "it took no longer than the quota makes it" "$bound" "$(elapsed "$work/plain")"
printf 'gate: 300 requests in %s s (bound %s s), most in 3 s: %s\n' "$(elapsed "$work/plain")" "$bound" "$(stat max_in_window)"

# Two of four workers are killed in the middle.
fresh
many $total "$work/killed" &
job=$!
sleep 7
for pid in $(workers | head -n 2); do kill -KILL "$pid"; done
wait $job
lost=$(awk '$1 != 200' "$work/killed" | wc -l)
at_most "no window is exceeded by killing two workers" 40 "$(stat max_in_window)"
is "the upstream refused none" 0 "$(stat refused)"
at_most "only the killed workers' own requests fail" 160 "$lost"
at_least "the others are 200" $((total - 160)) "$(grep -c '^200' "$work/killed")"
printf 'gate: with two workers killed %s of 300 failed: %s, most in 3 s: %s\n' "$lost" "$(codes "$work/killed")" "$(stat max_in_window)"
has "the dead are swept and counted" "$(curl -s "$url/api/status" | jq .counters.workers_swept)" '^[2-9]'
is "nothing of theirs is left" 0 "$(curl -s "$url/api/status" | jq .queue.running)"

# One of four is stopped for 5 s.
fresh
many $total "$work/stopped" &
job=$!
sleep 5
pid=$(workers | head -n 1)
kill -STOP "$pid"
sleep 5
kill -CONT "$pid"
wait $job
is "one worker stopped for 5 s: all are 200" "200:300" "$(codes "$work/stopped")"
at_most "no window is exceeded" 40 "$(stat max_in_window)"
is "the upstream refused none" 0 "$(stat refused)"
printf 'gate: with one worker stopped 300 in %s s, most in 3 s: %s\n' "$(elapsed "$work/stopped")" "$(stat max_in_window)"
finish
