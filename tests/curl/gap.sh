#!/bin/bash
# The least time between two requests is one between their writes: what is slow
# on its way to the upstream holds those behind it.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

gap=600
start_sim --limiter none
start_sluice main SLUICE_WORKERS=2 SLUICE_MIN_GAP_MS=$gap SLUICE_MARGIN_MS=0

running() { curl -s "$url/api/status" | jq .queue.running; }
waiting() { curl -s "$url/api/status" | jq .queue.waiting; }
gaps() { curl -s "$sim/sim/arrivals" | jq -c '[.arrivals[].t_ns] | sort | [range(1; length) as $i | (.[$i] - .[$i - 1]) / 1e6 | floor]'; }
least() { gaps | jq min; }
have_come() { [ "$(gaps | jq length)" = $(($1 - 1)) ]; }
are_running() { [ "$(running)" = "$1" ]; }
are_waiting() { [ "$(waiting)" = "$1" ]; }

for i in 1 2 3 4 5; do chat "sim/tokens-$i" & done
check "five are sent" wait_for 20 have_come 5
at_least "with the gap between them" $((gap - 30)) "$(least)"
curl -s -X POST "$sim/sim/reset" >/dev/null

# The upstream reads nothing: a small body fits into the kernel's buffers, and
# counts as written; a large one does not.
{
    printf '{"model":"sim/tokens-1","messages":[{"role":"user","content":"'
    head -c 9000000 /dev/zero | tr '\0' x
    printf '"}]}'
} >"$work/large"
kill -STOP "$sim_pid"
curl -s -o /dev/null -H 'Content-Type: application/json' --max-time 60 -d "@$work/large" "$url/v1/chat/completions" &
large=$!
check "the large one is on its way" wait_for 20 are_running 1
for i in 2 3 4; do chat "sim/tokens-$i" & done
check "the others wait" wait_for 10 are_waiting 3
sleep 2 # three gaps
is "for as long as it takes" "1 3" "$(running) $(waiting)"
kill -CONT "$sim_pid"
wait "$large"
check "then they go" wait_for 20 have_come 4
# The large one is written when the last of it is in the buffers, and arrives
# when all of it was read.
at_least "with the gap between them, too" $((gap / 2)) "$(least)"

finish
