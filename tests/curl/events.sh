#!/bin/bash
# 200 pages look on at four workers: one snapshot a second is built for all of
# them, one that does not read is dropped, and a stop ends them at once.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice events SLUICE_WORKERS=4 SLUICE_REQUESTS=1000 SLUICE_TEST_FRESH_MS=1000 SLUICE_DRAIN_S=60

status() { curl -s "$url/api/status" | jq -r "$1"; }
viewers() { status .snapshot.viewers; }
is_long() { [ "$(curl -s "$url/api/status" | wc -c)" -gt 60000 ]; }
some_see() { [ "$(viewers)" = "$1" ]; }
now_ms() { local us=${EPOCHREALTIME/[.,]/}; echo $((us / 1000)); }

# ------------------------------------------------------- what a viewer sees --

timeout 3 curl -sN -D "$work/head" -o "$work/one" "$url/api/events"
has "it is a stream of events" "$(tr -d '\r' <"$work/head")" '^Content-Type: text/event-stream$'
has "and nobody keeps it" "$(tr -d '\r' <"$work/head")" '^Cache-Control: no-store$'
is "it says how soon to come back" "retry: 2000" "$(head -n 1 "$work/one")"
at_least "it gets one at once, and one each second" 2 "$(grep -c '^event: status$' "$work/one")"
check "each is whole JSON" sh -c "grep '^data: ' $work/one | cut -c7- | head -n 2 | jq -e .version >/dev/null"
is "no line is anything else" 0 "$(grep -cvE '^(retry: 2000|event: status|data: .*|)$' "$work/one")"
ask /api/events -d ''
is "nothing is posted to it" 405 "$status"
check "who has gone is not counted" wait_for 10 some_see 0

# ------------------------------------------------------- 200, and one frozen --

for i in {1..200}; do
    printf '%s\n' "url = \"$url/api/events\"" "output = \"$work/v$i\"" silent no-buffer 'max-time = 300' next
done | sed '$d' >"$work/viewers"
curl -Z --parallel-immediate --parallel-max 200 -K "$work/viewers" 2>/dev/null &
crowd=$!
pids+=("$crowd")
check "200 look on" wait_for 20 some_see 200
curl -sN --max-time 300 -o "$work/frozen" "$url/api/events" &
frozen=$!
pids+=("$frozen")
check "and one more" wait_for 10 some_see 201
kill -STOP "$frozen"

from_ms=$(now_ms)
first=$(status .snapshot.builds)
sleep 8 # what is looked at is what happens by itself, each second
last=$(status .snapshot.builds)
to_ms=$(now_ms)
at_most "there was one snapshot a second" $(((to_ms - from_ms) / 1000 + 1)) $((last - first))
at_least "and no fewer by much" 4 $((last - first))

events() { local i; for i in {1..200}; do grep -c '^event: status$' "$work/v$i"; done | sort -n; }
at_least "everyone of them saw nearly all" $(((last - first) * 8 / 10)) "$(events | head -n 1)"
torn=0
for i in 1 50 100 150 200; do
    grep '^data: ' "$work/v$i" | head -n 5 | cut -c7- | jq -e .version >/dev/null 2>&1 || torn=$((torn + 1))
done
is "none was torn" 0 "$torn"

kill "$crowd" 2>/dev/null
wait "$crowd" 2>/dev/null

# Until it is seen that it does not read, the buffers of kernel and server must
# be full: some 5 MB.  Long names make a snapshot of 200 KB.
long=$(printf 'x%.0s' {1..100})
for i in {100..199}; do
    printf '%s\n' "url = \"$url/v1/chat/completions\"" 'output = "/dev/null"' silent \
        "header = \"X-Sluice-Client: c$i-$long\"" 'header = "Content-Type: application/json"' \
        "data = \"{\\\"model\\\":\\\"sim/tokens-1-$i-$long\\\",\\\"messages\\\":[]}\"" next
done | sed '$d' >"$work/fill"
curl -Z --parallel-max 20 -K "$work/fill" >/dev/null 2>&1
check "the snapshot is long" wait_for 20 is_long

curl -sN --max-time 300 -o "$work/other" "$url/api/events" &
other=$!
pids+=("$other")
check "both are counted" wait_for 20 some_see 2
check "the frozen one is dropped, another one stays" wait_for 200 some_see 1
check "which still sees each" kill -0 "$other"
kill -CONT "$frozen" 2>/dev/null
check "its stream ends" wait_for 30 sh -c "! kill -0 $frozen 2>/dev/null"

# ------------------------------------------------------------- nobody looks --

kill "$other" 2>/dev/null
wait "$other" 2>/dev/null
check "all of them go" wait_for 20 some_see 0
first=$(status .snapshot.builds)
sleep 3
is "with nobody there nothing is built" $((first + 1)) "$(status .snapshot.builds)"

# -------------------------------------------------------------------- a stop --

curl -sN --max-time 60 -o /dev/null "$url/api/events" &
viewer=$!
pids+=("$viewer")
check "one looks on" wait_for 10 some_see 1
mapfile -t all < <(workers)
from_ms=$(now_ms)
kill -TERM "${all[@]}"
wait "$viewer"
is "a stop ends its stream as it should" 0 $?
at_most "at once, not after drain_s" 20000 $(($(now_ms) - from_ms))

finish
