#!/bin/bash
# Faults of our own besides gate.sh and state.sh: workers that are restarted,
# stopped or run out of descriptors, a lighttpd that ends well or badly, all of
# it killed at once. Under load, with four workers; no window is exceeded, no
# slot or waiter is left, and what waiting could save is not lost.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"
stderr_may='^sluice: (lighttpd ended|the end of its log)'

# As in gate.sh: arrivals are judged to a tenth of a second.
case $build in *tsan) [ ! -x "$root/build/nimsim" ] || sim_program=$root/build/nimsim ;; esac

requests=40 total=120
start_sim --requests $requests --window 1
settings=(SLUICE_DRAIN_S=10 SLUICE_REQUESTS="$requests" SLUICE_WINDOW_S=1 SLUICE_MARGIN_MS=200 SLUICE_WORKERS=4)
start_sluice main "${settings[@]}"

count() { curl -s --max-time 5 "$url/api/status" | jq -r "$1"; }
codes() { awk '{ n[$1]++ } END { for (c in n) printf "%s:%d ", c, n[c] }' "$1" | xargs -n1 2>/dev/null | sort | xargs; }
ticks() { local p; for p in "$@"; do awk '{ print $14 + $15 }' "/proc/$p/stat"; done | awk '{ n += $1 } END { print n }'; }
waits() { [ "$(count .queue.waiting)" -gt "$1" ]; }

load() { # starts it, and comes back when most of it waits
    sleep 1.3 # the upstream and our own window start from nothing
    curl -s -X POST "$sim/sim/reset" >/dev/null
    many $total "$work/answers" &
    job=$!
    wait_for 5 waits 60
}

judge() { # judge "what happened"
    wait "$job"
    at_most "$1: no window is exceeded" $requests "$(stat max_in_window)"
    is "$1: the upstream refused none" 0 "$(stat refused)"
    check "$1: nothing is left" wait_for 3 sh -c \
        "[ \"\$(curl -s $url/api/status | jq -c '.queue | [.running, .waiting, .held_bytes]')\" = '[0,0,0]' ]"
    printf 'restart: %s: %s\n' "$1" "$(codes "$work/answers")"
}

all_answered() { is "$1: every request is answered" "200:$total" "$(codes "$work/answers")"; }
rises() { at_least "$1: no counter went backwards" "$2" "$(count .counters.granted)"; }

# One worker is asked to end: it drains, lighttpd starts another.
load
granted=$(count .counters.granted)
mapfile -t pids_w < <(workers)
kill -TERM "${pids_w[0]}"
judge "a worker ends"
has "a worker ends: its waiters are told to come again, nothing else fails" "$(codes "$work/answers")" \
    "^200:[0-9]+( 503:[0-9]+)?$"
is "a worker ends: by a code" "" "$(grep -h '"code":"' "$log" "$out" | grep -v '"code":"sluice_draining"\|"code":""')"
check "a worker ends: there are four again" wait_for 3 sh -c "[ \$(curl -s $url/api/status | jq '.workers | length') = 4 ]"
rises "a worker ends" "$granted"

# One that still has a stream to finish does not hold up who comes now.
sleep 1.3
curl -s -o "$work/stream" --max-time 30 "$url/v1/chat/completions" -H 'Content-Type: application/json' \
    -d '{"model":"sim/stream-200-25","stream":true,"messages":[]}' &
stream=$!
wait_for 5 sh -c "grep -q '^data' $work/stream"
victim=$(curl -s "$url/api/queue" | jq -r '.running[0].worker')
kill -TERM "$victim"
wait_for 5 grep -qh "\"pid\":$victim,.*requests are open" "$log" "$out"
many 24 "$work/meanwhile"
check "a worker ends: its stream goes on" kill -0 "$stream"
is "a worker ends: who comes meanwhile is answered at once" "200:24" "$(codes "$work/meanwhile")"
wait $stream
has "a worker ends: its stream is whole" "$(tail -n 2 "$work/stream")" 'DONE'

# All are stopped for a while, more requests come meanwhile.
load
mapfile -t pids_w < <(workers)
kill -STOP "${pids_w[@]}"
many 40 "$work/meanwhile" &
meanwhile=$!
sleep 3
kill -CONT "${pids_w[@]}"
wait $meanwhile
judge "all workers are stopped for 3 s"
all_answered "all workers are stopped for 3 s"
is "and so is who came meanwhile" "200:40" "$(codes "$work/meanwhile")"

# One is stopped for ten seconds: what it has waits for it, the others go on.
load
mapfile -t pids_w < <(workers)
kill -STOP "${pids_w[0]}"
stopped_ns=$(date +%s%N)
# lighttpd gives some of these to the stopped one, which alone may be left with any.
many 40 "$work/meanwhile" &
meanwhile=$!
others_are_done() {
    [ "$(stat accepted)" -ge 90 ] && curl -s --max-time 2 "$url/api/queue" |
        jq -e "[.running[].worker, .waiting[].worker] - [${pids_w[0]}] == []"
}
check "a worker is stopped for 10 s: the others answer meanwhile" wait_for 8 others_are_done
wait_for 10 sh -c "[ \$(date +%s%N) -ge $((stopped_ns + 10000000000)) ]"
kill -CONT "${pids_w[0]}"
wait $meanwhile
judge "a worker is stopped for 10 s"
all_answered "a worker is stopped for 10 s"
is "a worker is stopped for 10 s: and so is who came meanwhile" "200:40" "$(codes "$work/meanwhile")"

# Descriptors run out: nobody accepts, nobody spins, and nothing is lost.
for pid in "${pids_w[@]}"; do prlimit --pid "$pid" --nofile=20:4096; done
sleep 1.3
curl -s -X POST "$sim/sim/reset" >/dev/null
before=$(ticks "${pids_w[@]}")
many $total "$work/answers" &
job=$!
sleep 3
at_most "no descriptors: four workers need less than a tenth of a processor" 30 \
    $(($(ticks "${pids_w[@]}") - before))
for pid in "${pids_w[@]}"; do prlimit --pid "$pid" --nofile=4096:4096; done
judge "no descriptors for 3 s"
all_answered "no descriptors for 3 s"

# From now on always at the same address.
port=${url##*:}
again() { rm -f "$state/listen"; start_sluice main "${settings[@]}" SLUICE_LISTEN=127.0.0.1:"$port"; }

# A restart as an administrator does it; the load goes on with the next one.
load
kill -TERM "$run_pid"
wait "$run_pid"
is "a restart: it ends well" 0 $?
again
many 80 "$work/next"
judge "a restart"
has "a restart: waiters are told, nothing else fails" "$(codes "$work/answers")" '^200:[0-9]+ 503:[0-9]+$'
is "a restart: who comes after it is answered" "200:80" "$(codes "$work/next")"

# lighttpd is killed: its clients lose their connections, that is all.
load
kill -KILL "$(cat "$state/lighttpd.pid")"
wait "$run_pid"
again
many 80 "$work/next"
judge "lighttpd is killed"
is "lighttpd is killed: who comes after it is answered" "200:80" "$(codes "$work/next")"
is "lighttpd is killed: the state file was not lost" 0 "$(count .counters.state_recoveries)"

# All of it at once, as when power fails for the service but not the machine.
load
mapfile -t pids_w < <(workers)
kill -KILL "$run_pid" "$(cat "$state/lighttpd.pid")" "${pids_w[@]}"
wait "$run_pid" 2>/dev/null
again
many 80 "$work/next"
judge "all is killed at once"
is "all is killed at once: who comes after it is answered" "200:80" "$(codes "$work/next")"
is "all is killed at once: the state file was not lost" 0 "$(count .counters.state_recoveries)"
finish
