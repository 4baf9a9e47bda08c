#!/bin/bash
# A slow reader and a large body cost their own request some memory, and
# nobody else anything: a reader's upstream is held back, not buffered.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

# A sanitizer keeps what was freed: what memory comes back is not judged then.
lean=yes
case $build in *san) lean='' ;; esac

readers=20
start_sim --limiter none
start_sluice main SLUICE_REQUESTS=1000 SLUICE_WORKERS=2
both_are_there() { [ "$(workers | wc -l)" = 2 ]; }
wait_for 10 both_are_there
mapfile -t worker < <(workers)
web=$(cat "$state/lighttpd.pid")

# Private kB of the processes.
private() {
    local p
    for p in "$@"; do cat "/proc/$p/smaps_rollup"; done | awk '/^Private_(Clean|Dirty):/ { s += $2 } END { print s }'
}
# shellcheck disable=SC2317 # called through wait_for, as those below
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
# shellcheck disable=SC2317
rests() { # it had nothing to do for a third of a second
    local before
    before=$(ticks "$1")
    sleep 0.3
    [ "$(ticks "$1")" = "$before" ]
}
# shellcheck disable=SC2317
is_stat() { [ "$(stat "$1")" = "$2" ]; }
# shellcheck disable=SC2317
is_private_below() { [ "$(private "${worker[@]}")" -le "$1" ]; }
# shellcheck disable=SC2317
are_larger_than() { # are_larger_than BYTES FILE...: all of them
    local bytes=$1 f
    shift
    for f in "$@"; do [ "$(command stat -c %s "$f")" -gt "$bytes" ] || return 1; done
}

# The slowest of 20 chats, in seconds.
slowest_chat() {
    local i
    for ((i = 0; i < 20; i++)); do
        curl -s -o /dev/null -w '%{time_total}\n' -H 'Content-Type: application/json' \
            -d '{"model":"sim/tokens-3","messages":[]}' "$url/v1/chat/completions"
    done | sort -g | tail -n 1
}

# A fast stream's contents, without what differs from run to run.
fast_stream() {
    curl -s -N -H 'Content-Type: application/json' -d '{"model":"sim/big-100","stream":true,"messages":[]}' \
        "$1/v1/chat/completions" | sed 's/"id":"[^"]*"//; s/"created":[0-9]*//' | sha256sum
}

# 100 bytes a second of a stream of 40 MB that is made at once.
slow_reader() { # slow_reader FILE
    local text='{"model":"sim/big-1000+slow-reader","stream":true,"messages":[]}'
    trap 'exit 0' TERM
    exec 4<>"/dev/tcp/127.0.0.1/${url##*:}"
    printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        ${#text} "$text" >&4
    while head -c 100 <&4 >>"$1"; do sleep 1; done
}

slowest_chat >/dev/null # it grows to its working size
want=$(fast_stream "$sim")
is "a fast stream passes" "$want" "$(fast_stream "$url")"
quick=$(slowest_chat)
before=$(private "${worker[@]}") web_before=$(private "$web")

begin_slow() { # and waits until the upstream can do no more for them
    local i
    slow=()
    for ((i = 0; i < readers; i++)); do
        : >"$work/read.$i"
        slow_reader "$work/read.$i" &
        slow+=($!)
        pids+=($!)
    done
    check "all slow readers have read some" wait_for 20 are_larger_than 99 "$work"/read.*
    check "the upstream comes to rest: it is held back" wait_for 60 rests "$sim_pid"
    is "and none of the answers has got to its end" "$readers" "$(stat open)"
}
end_slow() { # end_slow COUNT: so many have now hung up
    kill "${slow[@]}"
    wait "${slow[@]}"
    check "when they hang up the upstream is told" wait_for 5 is_stat client_gone "$1"
}

begin_slow
after=$(private "${worker[@]}")
# bounds.h: OUT_HIGH, in a buffer that has doubled to hold it, EVENT_MAX, and
# libcurl's buffers.
[ -z "$lean" ] || at_most "a slow reader's memory in the workers, kB" 320 $(((after - before) / readers))
printf 'slow: %d readers of 40 MB: workers %d -> %d kB, %d kB a reader; lighttpd %d -> %d kB\n' \
    $readers "$before" "$after" $(((after - before) / readers)) "$web_before" "$(private "$web")"
beside=$(slowest_chat)
at_most "a chat beside them is not held up, seconds" 10 "$beside"
is "nor is a fast stream, and each byte is right" "$want" "$(fast_stream "$url")"
printf 'slow: the slowest of 20 chats took %s s alone, %s s beside them\n' "$quick" "$beside"
most=$(command stat -c %s "$work"/read.* | sort -n | tail -n 1)
check "they read on" wait_for 20 are_larger_than "$most" "$work"/read.*
end_slow $readers
left=$(private "${worker[@]}")
begin_slow
again=$(private "${worker[@]}")
end_slow $((2 * readers))
# What malloc has kept is used again.
[ -z "$lean" ] || at_most "as many once more need no more, kB" $((after + 8192)) "$again"
printf 'slow: workers %d kB when they had gone, %d kB with as many once more\n' "$left" "$again"

# Bodies up to the limit, 25 MB, which is also lighttpd's to hold.
limit=$((25 * 1024 * 1024))
body_file() { # body_file FILE BYTES
    local first='{"model":"sim/tokens-1+large","messages":[],"pad":"' last='"}'
    {
        printf '%s' "$first"
        head -c "$2" /dev/urandom | base64 -w 0 | head -c $(($2 - ${#first} - ${#last}))
        printf '%s' "$last"
    } >"$1"
}
four_bodies() {
    local i large=()
    for i in 1 2 3 4; do
        curl -s -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/json' \
            --data-binary "@$work/body.$i" "$url/v1/chat/completions" >"$work/status.$i" &
        large+=($!)
    done
    wait "${large[@]}"
}
before=$(private "${worker[@]}")
for i in 1 2 3 4; do body_file "$work/body.$i" $limit; done
four_bodies
is "four bodies of 25 MB at once: 200" "200 200 200 200" "$(cat "$work"/status.* | xargs)"
is "and each byte is right" "$(sha256sum "$work"/body.? | cut -d' ' -f1 | sort)" \
    "$(curl -s "$sim/sim/arrivals" | jq -r '.arrivals[] | select(.model == "sim/tokens-1+large") | .body_sha256' | sort)"
body_file "$work/body.5" $((limit + 1))
ask /v1/chat/completions -H 'Content-Type: application/json' --data-binary "@$work/body.5"
is "one byte more: 413" "413 sluice_too_large" "$status $(jq -r .error.code <<<"$body")"
most=$((before + 4096)) # main.c: M_MMAP_THRESHOLD
[ -z "$lean" ] || check "the memory is given back" wait_for 10 is_private_below $most
once=$(private "${worker[@]}")
for i in 1 2 3; do four_bodies; done
[ -z "$lean" ] || check "and after sixteen, too" wait_for 10 is_private_below $most
printf 'slow: bodies of 25 MB: workers %d kB, after four %d kB, after sixteen %d kB\n' \
    "$before" "$once" "$(private "${worker[@]}")"
is "the same workers" "${worker[*]}" "$(workers | xargs)"
finish
