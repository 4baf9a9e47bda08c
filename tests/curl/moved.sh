#!/bin/bash
# What may happen to the state directory while workers use it: their sockets
# are removed, it is moved away or made again, workers of another clock come.
# No window is exceeded, every request is answered, and no worker starves.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

# As in gate.sh: arrivals are judged to a tenth of a second.
case $build in *tsan) [ ! -x "$root/build/nimsim" ] || sim_program=$root/build/nimsim ;; esac
soon=2
case $build in *san) soon=6 ;; esac

count() { curl -s "$url/api/status" | jq -r "$1"; }
codes() { awk '{ n[$1]++ } END { for (c in n) printf "%s:%d ", c, n[c] }' "$1" | xargs; }
sockets() { find "$1" -name 'wake-*' | wc -l; }
have_sockets() { [ "$(sockets "$1")" = "$2" ]; }
are_four() { [ "$(count '.workers | length')" = 4 ]; }

# ------------------------------------------------------------------- sockets --

# One worker sends at a time, so that each has to be told of its turn.
start_sim --limiter none
start_sluice sockets SLUICE_REQUESTS=1000 SLUICE_WINDOW_S=1 SLUICE_MARGIN_MS=0 SLUICE_IN_FLIGHT=1 SLUICE_WORKERS=4
wait_for 5 are_four
many 100 "$work/before"
rm -f "$state"/wake-*
check "sockets that were removed are there again" wait_for "$soon" have_sockets "$state" 4
is "and nothing else was lost" 0 "$(count .counters.state_recoveries)"
many 100 "$work/after"
is "without them every request was answered" "200:100" "$(codes "$work/after")"
at_most "and none waited long" "$(awk '$2 > m { m = $2 } END { print m + 2 }' "$work/before")" \
    "$(awk '$2 > m { m = $2 } END { print m }' "$work/after")"
rm -rf "$state"/sluice.state "$state"/wake-*
check "and they are with the file, too" wait_for "$soon" have_sockets "$state" 4
stop_sluice

# ------------------------------------------------------------- the directory --

# worker FILE COMMAND...: makes FILE a program that starts a worker whose state
# is in $work/shared, where nothing of the web server's is.
worker() {
    local file=$1
    shift
    printf '#!/bin/sh\nSLUICE_STATE_DIR=%s exec %s %s\n' "$work/shared" "$*" "$build/sluice.fcgi" >"$file"
    chmod +x "$file"
}
worker "$work/here"

processes() { pgrep -P "$(pgrep -P "$run_pid" lighttpd | head -n 1)" sluice.fcgi; }
is_replaced() { [ "$(processes | grep -vcx "$1")" = 4 ]; }

# moved "what happened" COMMAND...: while requests wait; then a worker dies and
# another one starts, which knows the path alone.
moved() {
    local what=$1 job victim
    shift
    start_sim --requests 20 --window 3
    start_sluice "$(tr -dc '[:lower:]' <<<"$what")" SLUICE_REQUESTS=20 SLUICE_WINDOW_S=3 SLUICE_MARGIN_MS=200 \
        SLUICE_WORKERS=4 SLUICE_FCGI="$work/here" SLUICE_DATA_DIR="$work/data"
    wait_for 5 are_four
    sleep 3.3 # the upstream and our own window start from nothing
    many 60 "$work/load" &
    job=$!
    wait_for 5 sh -c "[ \$(curl -s $url/api/status | jq .limits[0].window_used) = 20 ]"
    victim=$(workers | head -n 1)
    "$@"
    kill -KILL "$victim"
    wait_for 10 is_replaced "$victim" # until then lighttpd answers some with a 500
    many 40 "$work/more" # some of them to the one that takes its place
    check "$what: all four use one directory" wait_for 10 have_sockets "$work/shared" 4
    wait $job
    at_most "$what: no window is exceeded" 20 "$(stat max_in_window)"
    is "$what: the upstream refused none" 0 "$(stat refused)"
    has "$what: but for those of the worker that died every request is answered" "$(codes "$work/load")" \
        '^200:[0-9]+( 50[0-9]:[0-9]+)?$'
    is "$what: and so is who came later" "200:40" "$(codes "$work/more")"
    check "$what: nothing is left" wait_for "$soon" sh -c \
        "[ \"\$(curl -s $url/api/status | jq -c '.queue | [.running, .waiting, .held_bytes]')\" = '[0,0,0]' ]"
    stop_sluice
    rm -rf "$work/shared" "$work/away"
}

mkdir -m 700 "$work/shared"
moved "moved away" mv "$work/shared" "$work/away"
again() { mv "$work/shared" "$work/away" && mkdir -m 700 "$work/shared"; }
moved "moved and made again" again
gone() { rm -rf "$work/shared"; }
moved "removed" gone

# ------------------------------------------------------------ another clock --

if ! unshare -T --boottime 100000 true 2>/dev/null; then
    echo "moved: no time namespace can be made here: left to the unit tests"
    finish
fi
start_sim --requests 20 --window 3
start_sluice first SLUICE_REQUESTS=20 SLUICE_WINDOW_S=3 SLUICE_WORKERS=2 SLUICE_FCGI="$work/here"
worker "$work/there" unshare -T --boottime 100000
sleep 3.3
many 5 "$work/load"
env SLUICE_BUILD="$build" SLUICE_FCGI="$work/there" SLUICE_LISTEN=127.0.0.1:0 SLUICE_STATE_DIR="$work/other" \
    SLUICE_UPSTREAM_URL="$sim" timeout 20 "$root/conf/run" >"$work/other.out" 2>&1 &
pids+=($!)
check "another clock: a worker is refused" wait_for 20 grep -rqs 'in another time namespace use it' \
    "$work/other.out" "$work/other"
kill -TERM "${pids[-1]}"
wait "${pids[-1]}"
many 5 "$work/load"
is "another clock: the others are not disturbed" "200:5" "$(codes "$work/load")"
is "another clock: and keep what they had" "0 2" \
    "$(count '[.counters.state_recoveries, (.workers | length)] | map(tostring) | join(" ")')"
stop_sluice
start_sluice second SLUICE_REQUESTS=20 SLUICE_WINDOW_S=30 SLUICE_WORKERS=1 SLUICE_FCGI="$work/there"
is "another clock: with nobody there it starts, its window full" 20 "$(count '.limits[0].window_used')"
has "another clock: and the log says why" "$(cat "$log" "$out")" 'it is of another time namespace'
finish
