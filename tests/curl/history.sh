#!/bin/bash
# What was: sums equal the counters, it outlives the workers and the state file,
# and it is told at once.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice history SLUICE_WORKERS=4 SLUICE_REQUESTS=1000 SLUICE_TEST_KEEP_MS=2000 \
    SLUICE_DATA_DIR="$work/data"

past() { curl -s "$url/api/history?$1"; }
total() { past "from=-3000&points=1000" | jq "[.$1[] | numbers] | add // 0"; }
sent() { curl -s "$url/api/status" | jq .counters.sent; }
totals() { [ "$(total "$1")" = "$2" ]; }
saved_after() { [ -n "$(find "$work/data/history" -newer "$1" 2>/dev/null)" ]; }

# ----------------------------------------------------------------- the sums --

many 60 "$work/load"
chat sim/not-found-404 >/dev/null
is "all went out" 60 "$(grep -c '^200' "$work/load")"
all_sent=$(sent)
is "as many sends as were counted" "$all_sent" "$(total sends)"
check "and as many requests" wait_for 5 totals requests 61
is "each has an outcome" 61 "$(past from=-3000 | jq '[.ok, .client_error, .refused, .rate, .off,
    .upstream_error, .truncated, .hangup, .cancelled, .lost | .[] | numbers] | add')"
for query in '' from=-600 'from=-86400&points=7' 'from=-30000000&points=1000' 'from=0&to=-1' points=1; do
    check "all columns are of one length: $query" sh -c "curl -s '$url/api/history?$query' |
        jq -e '[.[] | arrays | length] | unique | length == 1'  >/dev/null"
done
for query in 'points=0' 'points=1001' 'points=x' 'from=x' 'from=1e300' 'from=10&to=5'; do
    ask "/api/history?$query"
    is "$query is refused" 400 "$status"
done

# --------------------------------------------------------------------- kept --

touch "$work/mark"
check "it is saved" wait_for 20 saved_after "$work/mark"
touch "$work/mark"
check "and again" wait_for 20 saved_after "$work/mark"
size=$(wc -c <"$work/data/history")
at_most "it is small" 4000000 "$size"
is "for nobody else to read" "600 700" "$(command stat -c %a "$work/data/history" "$work/data" | xargs)"
mapfile -t all < <(workers)
rm -f "$state/sluice.state" "$state/sluice.stats" # first: who comes in their place finds none
kill -KILL "${all[@]}"
check "others are there" wait_for 30 sh -c "curl -s $url/api/status | jq -e '.workers | length == 4'"
check "after a kill of all, and with other files, it has all that was saved" wait_for 30 totals sends "$all_sent"
is "which counters have not" 0 "$(sent)"

many 10 "$work/more"
check "and goes on" wait_for 10 totals sends $((all_sent + 10))
stop_sluice
rm -f "$state/sluice.state" "$state/sluice.stats"
start_sluice history SLUICE_WORKERS=2 SLUICE_REQUESTS=1000 SLUICE_DATA_DIR="$work/data"
check "a stop saves what is left" wait_for 30 totals sends $((all_sent + 10))
is "and the size is the same" "$size" "$(wc -c <"$work/data/history")"
stop_sluice

# -------------------------------------------------------------- a bad disk --

start_sluice nodata SLUICE_WORKERS=2 SLUICE_DATA_DIR=/proc/none/data SLUICE_TEST_KEEP_MS=300 \
    SLUICE_LOG="$work/log"
chat sim/tokens-3
is "without a place for it all goes on" 200 "$status"
check "it is said" wait_for 10 grep -q '"event":"history"' "$work/log"
sleep 1
is "once" 1 "$(grep -c '"event":"history"' "$work/log")"

finish
