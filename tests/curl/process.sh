#!/bin/bash
# Starting and stopping: drain, hang-ups, settings that cannot work.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"
stderr_may='^sluice: '

start_sim --limiter none

# Settings that cannot work stop the start and name the key.
refuses() { # refuses PATTERN VAR=VALUE...
    local pattern=$1 said rc
    shift
    said=$(env -u NVIDIA_API_KEY SLUICE_BUILD="$build" SLUICE_LISTEN=127.0.0.1:0 SLUICE_STATE_DIR="$work/bad" \
        SLUICE_UPSTREAM_URL="$sim" "$@" timeout 30 "$root/conf/run" 2>&1)
    rc=$?
    check "$* stops the start" test "$rc" != 0
    has "$* is named" "$said" "$pattern"
}
refuses 'SLUICE_REQUESTS' SLUICE_REQUESTS=0
refuses 'SLUICE_WINDOW_S' SLUICE_WINDOW_S=never
refuses 'SLUICE_REQUSTS.*SLUICE_REQUESTS' SLUICE_REQUSTS=40
refuses 'SLUICE_LISTEN' SLUICE_LISTEN=nowhere
echo '{"queue":{"max":0}}' >"$work/wrong.json"
refuses 'queue\.max' SLUICE_CONFIG="$work/wrong.json"
said=$("$build/sluicectl" check "$work/wrong.json" 2>&1)
is "sluicectl check says so beforehand" 78 $?
has "and names the key" "$said" 'queue\.max'
check "the shipped sluice.json is right" "$build/sluicectl" check "$root/conf/sluice.json" >/dev/null
ln -s /nowhere "$work/link.state"
mkdir -p "$work/linked"
ln -s /nowhere "$work/linked/sluice.state"
refuses 'symbolic link' SLUICE_STATE_DIR="$work/linked"

# A state directory that cannot be used is told once, and by check, too.
mkdir -p "$work/all" "$work/full/sluice.state"
chmod 777 "$work/all"
chmod 700 "$work/full"
: >"$work/file"
no_state() { # no_state PATTERN DIRECTORY
    local said
    said=$(env -u NVIDIA_API_KEY SLUICE_BUILD="$build" SLUICE_LISTEN=127.0.0.1:0 SLUICE_STATE_DIR="$2" \
        SLUICE_UPSTREAM_URL="$sim" timeout 30 "$root/conf/run" 2>&1)
    is "$2: one line" 1 "$(grep -c . <<<"$said")"
    has "$2: it says what is wrong" "$said" "$1"
    said=$(SLUICE_STATE_DIR=$2 "$build/sluicectl" check 2>&1)
    is "$2: check says so, too" 78 $?
    has "$2: in the same words" "$said" "state_dir.*${3:-$1}"
}
no_state 'others may write to it; must be chmod 0700' "$work/all"
no_state 'sluice.state is not a regular file; move it away' "$work/full"
no_state 'SLUICE_STATE_DIR=.*directory' "$work/file" 'not a directory'
no_state 'SLUICE_STATE_DIR=.*directory' "$work/none/none" 'no directory: make it'

# What is taken is found before anything is built, with a line to copy instead.
start_sluice taken
port=${url##*:}
refused_run() { # refused_run ARGUMENT VAR=VALUE...
    said=$(env SLUICE_BUILD="$build" SLUICE_UPSTREAM_URL="$sim" "${@:2}" timeout 30 "$root/conf/run" "$1" 2>&1)
    rc=$?
}
line='^  SLUICE_LISTEN=127\.0\.0\.1:[0-9]+ SLUICE_STATE_DIR=/tmp/sluice-[0-9]+ make run$'
for how in '' --check; do
    refused_run "$how" SLUICE_LISTEN=127.0.0.1:"$port" SLUICE_STATE_DIR="$work/free"
    is "a port that is taken stops the start: $how" 1 $rc
    has "is named" "$said" "127.0.0.1:$port is taken"
    has "with what to say instead" "$said" "$line"
    is "which is another port" 0 "$(grep -c "LISTEN=127.0.0.1:$port " <<<"$said")"
    refused_run "$how" SLUICE_LISTEN=127.0.0.1:0 SLUICE_STATE_DIR="$state" NVIDIA_API_KEY=nvapi-hidden
    is "so does a state directory: $how" 1 $rc
    has "which is named" "$said" "another one runs with this state directory, $state"
    has "with what to say instead, too" "$said" "${line/\[0-9]+/0}"
    has "and what is left out of it" "$said" '^\(with NVIDIA_API_KEY before it'
    is "the key" 0 "$(grep -c hidden <<<"$said")"
done
refused_run --check SLUICE_LISTEN=127.0.0.1:0 SLUICE_STATE_DIR="$work/free" SLUICE_BUILD="$work/unbuilt"
is "what can be had is passed over in silence, before there is a program" "0 " "$rc $said"
refused_run --frobnicate
is "another argument is none" 1 $rc
said=$(env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS SLUICE_LISTEN=127.0.0.1:"$port" SLUICE_STATE_DIR="$work/free" \
    timeout 60 make -C "$root" run BUILD="$work/unbuilt" 2>&1)
has "make run says it" "$said" "$line"
is "and has built nothing" "" "$(find "$work/unbuilt" -name '*.o' 2>/dev/null)"
stop_sluice

# A client that hangs up while it waits is forgotten; so is its slot.
start_sluice main SLUICE_REQUESTS=2 SLUICE_WINDOW_S=60 SLUICE_COMMIT_AFTER_S=0 SLUICE_DRAIN_S=3
many 2 "$work/fill"
left=()
for i in 1 2 3 4 5; do
    curl -sN "$url/v1/chat/completions" -H 'Content-Type: application/json' \
        -d '{"model":"sim/gone","stream":true,"messages":[]}' >/dev/null &
    left+=($!)
done
wait_for 10 sh -c "[ \$(curl -s $url/api/status | jq .queue.waiting) = 5 ]"
is "five wait" 5 "$(curl -s "$url/api/status" | jq .queue.waiting)"
kill "${left[@]}"
check "all five are gone within a second of hanging up" \
    wait_for 1 sh -c "[ \$(curl -s $url/api/status | jq .queue.waiting) = 0 ]"
is "the upstream saw none of them" 0 "$(curl -s "$sim/sim/arrivals" | jq '[.arrivals[] | select(.model == "sim/gone")] | length')"

# Nothing that a terminal does stops a worker, which might hold all others up.
# (Where it has none, the kernel sends it no such signal.)
deaf() { for pid in $(workers); do echo $((0x$(sed -n 's/^SigIgn:\t//p' "/proc/$pid/status") >> 19 & 7)); done | sort -u; }
is "Ctrl-Z and the like stop no worker" 7 "$(deaf)"

# Drain: a waiter is refused, a stream finishes, nothing is left.
stop_sluice
start_sluice drain SLUICE_REQUESTS=1 SLUICE_WINDOW_S=60 SLUICE_WORKERS=1 SLUICE_DRAIN_S=10
(chat sim/stream-20-100 ',"stream":true' -N; printf %s "$body" >"$work/stream") &
stream=$!
wait_for 5 sh -c "[ \$(curl -s $url/api/status | jq .queue.running) = 1 ]"
(chat sim/echo; echo "$status $(jq -r .error.code <<<"$body")" >"$work/waiter") &
waiter=$!
wait_for 5 sh -c "[ \$(curl -s $url/api/status | jq .queue.waiting) = 1 ]"
mine=$(pgrep -f "$state|sluice.fcgi" | xargs)
kill -TERM "$run_pid"
wait $waiter
is "a waiter is refused" "503 sluice_draining" "$(cat "$work/waiter")"
wait $stream
has "a stream finishes" "$(tail -n 3 "$work/stream")" '\[DONE\]'
wait "$run_pid"
is "the run ends cleanly" 0 $?
is "no socket is left" "" "$(find "$state" -type s)"
alive=''
for pid in $mine; do
    [ "$pid" = $$ ] || ! grep -qsa "$state" "/proc/$pid/environ" || alive+=" $pid"
done
is "no process is left" "" "$alive"

# The next run finds the state and keeps to it.
start_sluice drain SLUICE_REQUESTS=1 SLUICE_WINDOW_S=60
is "after a restart the window is still used" 1 "$(curl -s "$url/api/status" | jq '.limits[0].window_used')"
stop_sluice
rm "$state/sluice.state"
start_sluice drain SLUICE_REQUESTS=1 SLUICE_WINDOW_S=60
is "without its file a first worker starts with an empty one" 0 "$(curl -s "$url/api/status" | jq '.limits[0].window_used')"
rm "$state/sluice.state"
check "a file that goes while workers run counts as full" \
    wait_for 3 sh -c "[ \$(curl -s $url/api/status | jq '.limits[0].window_used') = 1 ]"
is "and is counted" 1 "$(curl -s "$url/api/status" | jq .counters.state_recoveries)"
finish
