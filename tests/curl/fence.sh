#!/bin/bash
# Two faults at once: a worker is stopped after its requests were granted and
# before they are written, and the state file is lost meanwhile.  The others go
# on with a new one and use the window; what the stopped worker was granted is
# void, and it must find that out before the first byte.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for and check
. "$(dirname "$0")/lib.sh"

start_sim --limiter none --backlog 64
start_sluice main SLUICE_WORKERS=2 SLUICE_REQUESTS=4 SLUICE_WINDOW_S=2 SLUICE_MARGIN_MS=150 SLUICE_CONNECT_S=60

running() { curl -s --max-time 5 "$url/api/queue" | jq -r '.running[].worker'; }
four_run() { [ "$(running | wc -l)" = 4 ]; }
send() { # send COUNT: chats in the background; the web server shares them out
    local i
    for ((i = 0; i < $1; i++)); do
        curl -s -o /dev/null -w '%{http_code}\n' --max-time 50 "$url/v1/chat/completions" \
            -H 'Content-Type: application/json' -d '{"model":"sim/tokens-3","messages":[]}' >>"$work/codes" &
        jobs_open+=($!)
    done
}
jobs_open=()
came() { [ "$(stat accepted)" -ge "$1" ]; }
two_workers() { [ "$(workers | wc -l)" = 2 ]; }
wait_for 10 two_workers
# Its queue of connections is full: a new one is begun, and not there.
kill -STOP "$sim_pid"
for i in {1..66}; do printf 'next\nurl = "%s/sim/stats"\noutput = "/dev/null"\n' "$sim"; done | sed 1d |
    curl -sZ --parallel-immediate --parallel-max 100 --max-time 40 -K - 2>/dev/null &
jobs_open+=($!)
is_full() { [ "$(curl -s -o /dev/null -w '%{time_connect}' --max-time 0.4 "$sim/sim/stats")" = 0.000000 ]; }
check "the upstream lets nobody in" wait_for 5 is_full

send 4
check "all of a window is granted, and connects" wait_for 10 four_run
slow=$(running | head -n 1)
voided=$(running | grep -cx "$slow")
kill -STOP "$slow"
rm "$state/sluice.state"
send 14
kill -CONT "$sim_pid"
# What it had itself, and a whole window: the last of them has come just now.
check "the other worker goes on with a new file, and uses its window" wait_for 20 came $((8 - voided))
kill -CONT "$slow"
for job in "${jobs_open[@]}"; do wait "$job"; done
at_most "no window has more than four" 4 "$(max_in_window 2000)"
is "all are served in the end" "18 200" "$(sort "$work/codes" | uniq -c | xargs)"
is "by a send each" 18 "$(stat accepted)"
finish
