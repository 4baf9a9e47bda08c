#!/bin/bash
# What may happen to the state file while four workers use it: whatever it is,
# no window is exceeded, every request is answered, nothing is left over, and
# the workers have a sound file again within two seconds.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

small='' # a tmpfs of ours
trap '[ -z "$small" ] || umount -l "$small" 2>/dev/null; end_all' EXIT
# As in gate.sh: arrivals are judged to a tenth of a second.
case $build in *tsan) [ ! -x "$root/build/nimsim" ] || sim_program=$root/build/nimsim ;; esac

# Two seconds are promised; a sanitizer takes its time.
soon=2
case $build in *san) soon=6 ;; esac
requests=40 total=120
start_sim --requests $requests --window 1
start_sluice main SLUICE_REQUESTS=$requests SLUICE_WINDOW_S=1 SLUICE_MARGIN_MS=200 SLUICE_WORKERS=4
file=$state/sluice.state

count() { curl -s "$url/api/status" | jq -r "$1"; }
codes() { awk '{ n[$1]++ } END { for (c in n) printf "%s:%d ", c, n[c] }' "$1" | xargs -n1 2>/dev/null | sort | xargs; }
uptime_s() { curl -s "$url/health" | jq -r .uptime; }
is_whole() { # all four have the file, and it is the one that counts $1 losses
    [ "$(count '[(.workers | length), .counters.state_recoveries] | join(" ")')" = "4 $1" ]
}

# hurt "what happened" COMMAND...: under load.
losses=0
hurt() {
    local what=$1 job up
    shift
    sleep 1.3 # the upstream and our own window start from nothing
    curl -s -X POST "$sim/sim/reset" >/dev/null
    many $total "$work/hurt" &
    job=$!
    wait_for 5 sh -c "[ \$(curl -s $url/api/status | jq .queue.waiting) -gt 60 ]"
    up=$(uptime_s)
    "$@"
    losses=$((losses + 1))
    check "$what: all workers have a new file in time" wait_for "$soon" is_whole $losses
    at_least "$what: the service is as old as it was" "$up" "$(uptime_s)"
    wait $job
    is "$what: every request is answered" "200:$total" "$(codes "$work/hurt")"
    at_most "$what: no window is exceeded" $requests "$(stat max_in_window)"
    is "$what: the upstream refused none and saw each once" "0 $total" "$(stat refused) $(stat accepted)"
    check "$what: nothing is left" wait_for "$soon" sh -c \
        "[ \"\$(curl -s $url/api/status | jq -c '.queue | [.running, .waiting, .held_bytes]')\" = '[0,0,0]' ]"
}

copy=$work/copy
put_back() { cp -p "$copy" "$file.new" && mv "$file.new" "$file"; }
zeros() { truncate -s "$size" "$file.new" && chmod 600 "$file.new" && mv "$file.new" "$file"; }
noise() { dd if=/dev/urandom of="$file" bs="$size" count=1 conv=notrunc status=none; }
noise_in_the_body() { dd if=/dev/urandom of="$file" bs=64 seek=1 count=4096 conv=notrunc status=none; }
other_boot() { # in its head, with the right checksum: see state/policy/layout.h
    local byte sum=2166136261 bytes at=64 # of the checksum, over all before it
    printf 'another boot, so' | dd of="$1" bs=1 seek=24 conv=notrunc status=none
    for byte in $(od -An -v -tu1 -N$at "$1"); do sum=$((((sum ^ byte) * 16777619) & 0xffffffff)); done
    printf -v bytes '\\x%02x\\x%02x\\x%02x\\x%02x' $((sum & 255)) $((sum >> 8 & 255)) $((sum >> 16 & 255)) $((sum >> 24))
    # shellcheck disable=SC2059 # that is what it is for
    printf "$bytes" | dd of="$1" bs=1 seek=$at conv=notrunc status=none
}

many 4 "$work/first"
cp -p "$file" "$copy"
size=$(wc -c <"$file")
hurt "deleted" rm "$file"
hurt "cut short" truncate -s 0 "$file"
hurt "replaced by an older copy of itself" put_back
hurt "replaced by zeros" zeros
hurt "filled with noise" noise
hurt "its body filled with noise" noise_in_the_body
hurt "of another boot all at once" other_boot "$file"
is "the workers are those that were started" 4 "$(cat "$log" "$out" | grep -c '"event":"start"')"
stop_sluice

# A reboot: what the file says of sends is of another clock.  It is dropped, and
# the windows are known since the machine is up.
start_sluice boot SLUICE_REQUESTS=3 SLUICE_WINDOW_S=60 SLUICE_WORKERS=2
sleep 1.3 # as in hurt()
many 3 "$work/booted"
is "before a reboot the window is full" 3 "$(count '.limits[0].window_used')"
stop_sluice
other_boot "$state/sluice.state"
start_sluice boot SLUICE_REQUESTS=3 SLUICE_WINDOW_S=60 SLUICE_WORKERS=2
known=$(awk '{ print ($1 > 61 ? 0 : 3) }' /proc/uptime)
is "after it the window is as the machine's uptime has it" "$known" "$(count '.limits[0].window_used')"
has "and the log says why" "$(cat "$log" "$out")" 'it is of another boot'
is "which is no loss" 0 "$(count .counters.state_recoveries)"
stop_sluice

# No room: the file cannot be made anew.  What waits, waits on; new requests
# are refused after two seconds; with room all is well within two more.
small=$work/small
mkdir "$small"
if ! mount -t tmpfs -o size=64m,mode=700 sluice-test "$small" 2>/dev/null; then
    small=
    echo "state: no tmpfs can be mounted here: the full disk is left to make inject"
    finish
fi
start_sluice small SLUICE_STATE_DIR="$small/state" SLUICE_LOG="$work/small.log" \
    SLUICE_REQUESTS=2 SLUICE_WINDOW_S=2 SLUICE_MARGIN_MS=200
fill() { dd if=/dev/zero of="$small/fill" bs=4k status=none oflag=append conv=notrunc 2>/dev/null; }
fill
exec 7<"$state/sluice.state" # its bytes are not free before this is closed
rm "$state/sluice.state"
refused() {
    fill # to the last
    chat sim/tokens-3 '' --max-time 4 # one that came before the loss was seen waits on
    [ "$status" = 503 ]
}
check "no room: requests are refused" wait_for 20 refused
is "no room: with a code" sluice_state "$(jq -r .error.code <<<"$body")"
has "no room: the log says what to do" "$(cat "$work/small.log")" 'state_unavailable.*No space left on device; make room in state_dir'
ask /health
is "no room: the service lives" 200 "$status"
rm "$small/fill"
check "no room: with room there is a file soon" wait_for "$soon" test -s "$state/sluice.state"
exec 7<&-
answered() { chat sim/tokens-3 && [ "$status" = 200 ]; }
check "no room: and requests are answered" wait_for "$soon" answered
stop_sluice
rm -f "$state/sluice.state"
fill
said=$(env -u NVIDIA_API_KEY SLUICE_BUILD="$build" SLUICE_LISTEN=127.0.0.1:0 SLUICE_STATE_DIR="$state" \
    SLUICE_UPSTREAM_URL="$sim" timeout 30 "$root/conf/run" 2>&1)
is "no room: no start" 1 $?
has "no room: which is told" "$said" 'No space left on device; make room in state_dir'
finish
