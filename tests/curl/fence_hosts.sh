#!/bin/bash
# A host is stopped after its requests were granted and before they are written.  Its
# leases end meanwhile, the store takes them as used, and another host uses the next
# window.  When it goes on the connections are there, and what it was granted is void:
# it must find that out before the first byte.
# shellcheck source=tests/hosts/lib.sh
# shellcheck disable=SC2317,SC2119 # called through wait_for and check
. "$(dirname "$0")/../hosts/lib.sh"

start_sim --limiter none --backlog 64
start_store
for n in 1 2; do
    start_host $n SLUICE_WORKERS=1 SLUICE_REQUESTS=4 SLUICE_WINDOW_S=2 SLUICE_MARGIN_MS=150 SLUICE_CONNECT_S=60 SLUICE_SHARED_AHEAD=0
done
open_hosts 1 2

running() { curl -s --max-time 5 "${host_url[1]}/api/queue" | jq -r '.running[].worker'; }
four_run() { [ "$(running | wc -l)" = 4 ]; }
came() { [ "$(stat accepted)" -ge "$1" ]; }
# Its queue of connections is full: a new one is begun, and not there.
kill -STOP "$sim_pid"
for i in {1..66}; do printf 'next\nurl = "%s/sim/stats"\noutput = "/dev/null"\n' "$sim"; done | sed 1d |
    curl -sZ --parallel-immediate --parallel-max 100 --max-time 40 -K - 2>/dev/null &
crowd=$!
is_full() { [ "$(curl -s -o /dev/null -w '%{time_connect}' --max-time 0.4 "$sim/sim/stats")" = 0.000000 ]; }
check "the upstream lets nobody in" wait_for 5 is_full

chats 1 4 "$work/one" &
one=$!
check "all of a window is granted to one host, and connects" wait_for 10 four_run
stopped=$(running | head -n 1)
kill -STOP "$stopped"
kill -CONT "$sim_pid"
is "nothing of it was written" 0 "$(stat accepted)"
chats 2 4 "$work/two" &
two=$!
# A lease's time, and a window from its end on.
check "the other one has the next window" wait_for 20 came 4
kill -CONT "$stopped"
wait $one $two $crowd
at_most "no window has more than four" 4 "$(max_in_window 2000)"
is "all are served in the end" 8 "$(cat "$work"/one "$work"/two | grep -c '^200 ')"
is "by a send each" 8 "$(stat accepted)"
finish
