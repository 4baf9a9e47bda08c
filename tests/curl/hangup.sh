#!/bin/bash
# A client that hangs up leaves the queue and frees its transfer, over plain
# HTTP/1.1, TLS and HTTP/2, in each phase of a request.  conf/README.md has the
# table that this proves.
#
#   phase       the client has got      the request is
#   queued      nothing                 in line
#   committed   a head and comments     in line
#   flight      nothing                 sent, and not answered yet
#   midstream   a head and events       being answered
#
#   door        HTTP/1.1
#   plain       whose whole request is there when lighttpd accepts it
#   late        whose request comes after that
#   tls, h2     with TLS; HTTP/2 with TLS
#
# lighttpd up to 1.4.79 does not tell of a "plain" one before the first byte of
# its answer.  There that is what is asserted: it waits on, and is sent.  Of a
# "tls" one it may not tell either, when it is so busy that it finds the request
# together with the end of the handshake: that is tried again.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"
export PATH="$PATH:/usr/sbin:/sbin" # lighttpd

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
    -keyout "$work/key" -out "$work/cert" 2>/dev/null
cat "$work/key" "$work/cert" >"$work/pem"
tls_port=$((20000 + RANDOM % 10000))
start_sim --limiter none
web=$(lighttpd -v | sed -n 's|^lighttpd/\([0-9.]*\).*|\1|p')

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# How many wait and run, from the state file: no worker is asked.
depth() { "$build/sluicectl" --state-dir "$state" queue | awk '$1 == "running" { r++ } $1 ~ /^[0-9]+$/ { w++ } END { print w + 0, r + 0 }'; }
# shellcheck disable=SC2317 # called through check, as those below
is_depth() { [ "$(depth)" = "$1 $2" ]; }
# shellcheck disable=SC2317
have_answers() { [ "$(find "$work" -maxdepth 1 -name 'got.*' -size +0 | wc -l)" = "$1" ]; }
# shellcheck disable=SC2317
is_stat() { [ "$(stat "$1")" = "$2" ]; }
arrivals() { curl -s "$sim/sim/arrivals" | jq --arg m "$1" '[.arrivals[] | select(.model == $m)] | length'; }
# shellcheck disable=SC2317
are_arrivals() { [ "$(arrivals "$1")" = "$2" ]; }

# shellcheck disable=SC2317
are_at_door() { # that many connections have sent something that nobody read
    [ "$(awk -v p=":$(printf %04X "${url##*:}")" 'index($2, p) && $4 == "01" && $5 !~ /:0+$/' /proc/net/tcp | wc -l)" = "$1" ]
}
# shellcheck disable=SC2317
has_fds() { [ "$(find "/proc/$1/fd" -mindepth 1 | wc -l)" -ge "$2" ]; }

# ask_many DOOR MODEL STREAM COUNT: that many at once; $held is who holds them,
# or $held_fds.
ask_many() {
    local base=$tls how=http1.1 i
    held='' held_fds=()
    [ "$1" != late ] || { ask_late "$2" "$3" "$4"; return; }
    case $1 in plain) base=$url ;; h2) how=http2 ;; esac
    rm -f "$work"/got.*
    : >"$work/conf"
    for ((i = 0; i < $4; i++)); do
        {
            ((i == 0)) || echo next
            printf '%s\n' "url = \"$base/v1/chat/completions\"" "output = \"$work/got.$i\"" silent insecure \
                no-buffer "$how" 'header = "Content-Type: application/json"' \
                "data = \"{\\\"model\\\":\\\"$2\\\",\\\"stream\\\":$3,\\\"messages\\\":[]}\""
        } >>"$work/conf"
    done
    # Stopped, lighttpd finds each connection together with its request.
    [ "$1" != plain ] || kill -STOP "$(cat "$state/lighttpd.pid")"
    curl -Z --parallel-immediate --parallel-max 300 -K "$work/conf" 2>/dev/null &
    held=$!
    [ "$1" != plain ] || {
        wait_for 20 are_at_door "$4"
        kill -CONT "$(cat "$state/lighttpd.pid")"
    }
}

ask_late() { # ask_late MODEL STREAM COUNT
    local web_pid fd i text="{\"model\":\"$1\",\"stream\":$2,\"messages\":[]}"
    web_pid=$(cat "$state/lighttpd.pid")
    fd=$(find "/proc/$web_pid/fd" -mindepth 1 | wc -l)
    i=$((fd + $3))
    while ((${#held_fds[@]} < $3)); do
        exec {fd}<>"/dev/tcp/127.0.0.1/${url##*:}"
        held_fds+=("$fd")
    done
    check "lighttpd has accepted them" wait_for 20 has_fds "$web_pid" $i
    for fd in "${held_fds[@]}"; do
        printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
            ${#text} "$text" >&"$fd"
    done
}

# hang_up WAITING RUNNING PHASE DOOR: and how long, in $ms, until only so many
# are left.  "never" is two seconds where we are not told, else as long as a busy
# machine may need: how quick it is, `make bench` measures.
hang_up() {
    local t0 fd patience_ms=10000
    [ "$(is_told "$3" "$4")" != no ] || patience_ms=2000
    t0=$(now_ms)
    for fd in "${held_fds[@]}"; do exec {fd}>&-; done
    [ -z "$held" ] || { kill -KILL $held; wait $held 2>/dev/null; }
    until is_depth "$1" "$2"; do
        (($(now_ms) - t0 < patience_ms)) || { ms=never; return; }
    done
    ms=$(($(now_ms) - t0))
}

# Does lighttpd tell of it?  "maybe" where it is a version we do not know.
is_told() { # is_told PHASE DOOR
    case $1-$2-$web in
    queued-plain-1.4.[0-9] | queued-plain-1.4.[1-7][0-9]) echo no ;;
    flight-plain-1.4.[0-9] | flight-plain-1.4.[1-7][0-9]) echo no ;;
    queued-plain-* | flight-plain-*) echo maybe ;;
    queued-tls-* | flight-tls-*) echo mostly ;;
    *) echo yes ;;
    esac
}

tries() { if [ "$(is_told "$1" "$2")" = mostly ]; then echo 1 2 3; else echo 1; fi; }

# judge PHASE DOOR: what $ms must be.
judge() {
    case $(is_told "$1" "$2") in
    yes | mostly) check "$1, $2: free by itself" test "$ms" != never ;;
    no) is "$1, $2: lighttpd $web does not tell" never "$ms" ;;
    esac
    printf 'hangup: lighttpd %s, %-9s over %-5s free after %s ms; ' "$web" "$1" "$2" "$ms"
}

# ---- in line: one runs, and no second one may -------------------------------

start_sluice line SLUICE_IN_FLIGHT=1 SLUICE_QUEUE_TIMEOUT_S=86400 SLUICE_COMMIT_AFTER_S=0.3 \
    SLUICE_RUN_TLS_PORT=$tls_port SLUICE_RUN_TLS_PEM="$work/pem"
tls=https://127.0.0.1:$tls_port

hold() { # one that runs until release
    curl -s -o /dev/null --http2-prior-knowledge -H 'Content-Type: application/json' \
        -d '{"model":"sim/hang","messages":[]}' "$url/v1/chat/completions" &
    holder=$!
    check "one runs" wait_for 10 is_depth 0 1
}

release() {
    kill -KILL $holder
    wait $holder 2>/dev/null
    check "the line is empty and nothing runs" wait_for 20 is_depth 0 0
}

in_line() { # in_line PHASE DOOR: eight hang up; does the upstream see them?
    local stream=false model try
    [ "$1" = queued ] || stream=true
    for try in $(tries "$1" "$2"); do
        model=sim/tokens-1+$1-$2-$try
        hold
        ask_many "$2" "$model" $stream 8
        check "$1, $2: eight wait" wait_for 20 is_depth 8 1
        [ "$1" = queued ] || check "$1, $2: all have a first byte" wait_for 20 have_answers 8
        hang_up 0 1 "$1" "$2"
        release
        [ "$ms" = never ] || break
    done
    judge "$1" "$2"
    echo "the upstream saw $(arrivals "$model") of 8"
    case $ms in
    never) is "$1, $2: and so they are sent" 8 "$(arrivals "$model")" ;;
    *) is "$1, $2: the upstream saw none" 0 "$(arrivals "$model")" ;;
    esac
}

leaves() { # leaves PHASE DOOR: 200 wait, all hang up
    local stream=false model try
    [ "$1" = queued ] || stream=true
    for try in $(tries "$1" "$2"); do
        model=sim/tokens-1+gone-$1-$2-$try
        hold
        ask_many "$2" "$model" $stream 200
        check "200 $1, $2: wait" wait_for 20 is_depth 200 1
        [ "$1" = queued ] || check "200 $1, $2: all have a first byte" wait_for 20 have_answers 200
        hang_up 0 1 "$1" "$2"
        release
        [ "$ms" = never ] || break
    done
    check "200 $1, $2: none waits" test "$ms" != never
    is "200 $1, $2: the upstream saw none" 0 "$(arrivals "$model")"
    printf 'hangup: lighttpd %s, 200 %-9s over %-5s gone after %s ms\n' "$web" "$1" "$2" "$ms"
}

for phase in queued committed; do
    for door in plain late tls h2; do
        [ $phase-$door = committed-late ] || in_line $phase $door
    done
done
leaves committed plain # queued ones cannot be told of
for door in tls h2; do
    for phase in committed queued; do leaves $phase $door; done
done
stop_sluice

# ---- in flight: the transfer is broken off ------------------------------------

# No tokens are to be made for nobody.
start_sluice flight SLUICE_REQUESTS=1000 SLUICE_RUN_TLS_PORT=$tls_port SLUICE_RUN_TLS_PEM="$work/pem"

in_flight() { # in_flight PHASE DOOR: eight hang up; is the upstream told?
    local model stream=false gone try
    for try in $(tries "$1" "$2"); do
        model=sim/slow-4000+$1-$2
        [ "$1" = flight ] || { stream=true model=sim/stream-1000-100+$1-$2; }
        gone=0
        curl -s -X POST "$sim/sim/reset" >/dev/null
        ask_many "$2" "$model" $stream 8
        check "$1, $2: eight run" wait_for 20 is_depth 0 8
        check "$1, $2: the upstream has them" wait_for 20 are_arrivals "$model" 8
        [ "$1" = flight ] || check "$1, $2: all have a first event" wait_for 20 have_answers 8
        hang_up 0 0 "$1" "$2"
        [ "$ms" = never ] || { gone=8; check "$1, $2: the upstream is told" wait_for 2 is_stat client_gone 8; }
        check "$1, $2: all are free in the end" wait_for 20 is_depth 0 0
        [ "$ms" = never ] || break
    done
    judge "$1" "$2"
    is "$1, $2: of how many the upstream was told" "$gone" "$(stat client_gone)"
    echo "the upstream was told of $gone of 8"
}

for phase in flight midstream; do
    for door in plain late tls h2; do
        [ $phase-$door = midstream-late ] || in_flight $phase $door
    done
done
is "no body is held" 0 "$(curl -s "$url/api/status" | jq .queue.held_bytes)"
finish
