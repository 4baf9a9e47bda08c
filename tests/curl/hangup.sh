#!/bin/bash
# A client that hangs up leaves the queue and frees its transfer, over plain
# HTTP/1.1, TLS and HTTP/2.  conf/README.md has the matrix this proves.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
    -keyout "$work/key" -out "$work/cert" 2>/dev/null
cat "$work/key" "$work/cert" >"$work/pem"
tls_port=$((20000 + RANDOM % 10000))
start_sim --limiter none
start_sluice main SLUICE_REQUESTS=4 SLUICE_WINDOW_S=600 SLUICE_QUEUE_TIMEOUT_S=86400 SLUICE_COMMIT_AFTER_S=0.5 \
    SLUICE_WORKERS=2 SLUICE_RUN_TLS_PORT=$tls_port SLUICE_RUN_TLS_PEM="$work/pem"
tls=https://127.0.0.1:$tls_port

running() { curl -s "$url/api/status" | jq .queue.running; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
# shellcheck disable=SC2317 # called through check
until_waiting() { wait_for "$1" sh -c "[ \$(curl -s $url/api/status | jq .queue.waiting) = $2 ]"; }

# queue_up BASE MODEL STREAM COUNT [CURL-CONFIG-LINE...]: COUNT wait; $held are
# the pids that hold them.
queue_up() {
    local base=$1 model=$2 stream=$3 count=$4 i
    shift 4
    : >"$work/conf"
    for ((i = 0; i < count; i++)); do
        {
            ((i == 0)) || echo next
            printf '%s\n' "url = \"$base/v1/chat/completions\"" 'output = "/dev/null"' silent insecure \
                no-buffer 'header = "Content-Type: application/json"' \
                "data = \"{\\\"model\\\":\\\"$model\\\",\\\"stream\\\":$stream,\\\"messages\\\":[]}\"" "$@"
        } >>"$work/conf"
    done
    curl -Z --parallel-immediate --parallel-max 300 -K "$work/conf" 2>/dev/null &
    held=$!
}

# leaves "sentence" BASE STREAM CURL-CONFIG-LINE...: 200 wait, all hang up.
leaves() {
    local what=$1 base=$2 stream=$3 t0
    shift 3
    queue_up "$base" sim/gone "$stream" 200 "$@"
    check "$what: 200 wait" until_waiting 20 200
    # Plain HTTP/1.1 under lighttpd 1.4.69 can tell only after a first byte.
    [ "$stream" = false ] || sleep 1
    kill -KILL $held
    wait $held 2>/dev/null
    t0=$(now_ms)
    check "$what: all are gone" until_waiting 5 0
    at_most "$what: within a second" 1000 $(($(now_ms) - t0))
}

for i in 1 2 3 4; do chat sim/tokens-1; done # the window is full now
leaves "streams over plain HTTP/1.1, after the commit" "$url" true http1.1
leaves "streams over TLS" "$tls" true http1.1
leaves "buffered requests over TLS" "$tls" false http1.1
leaves "streams over HTTP/2" "$tls" true http2
leaves "buffered requests over HTTP/2" "$tls" false http2
is "the upstream saw none of them" 0 \
    "$(curl -s "$sim/sim/arrivals" | jq '[.arrivals[] | select(.model == "sim/gone")] | length')"

# In flight: the transfer is broken off, so that no tokens are made for nobody.
stop_sluice
start_sluice flight SLUICE_REQUESTS=1000 SLUICE_RUN_TLS_PORT=$tls_port SLUICE_RUN_TLS_PEM="$work/pem"
in_flight() { # in_flight "sentence" BASE MODEL STREAM CURL-CONFIG-LINE...
    local what=$1 base=$2 model=$3 stream=$4 gone
    shift 4
    gone=$(stat client_gone)
    queue_up "$base" "$model" "$stream" 8 "$@"
    check "$what: eight run" wait_for 10 sh -c "[ \$(curl -s $url/api/status | jq .queue.running) = 8 ]"
    sleep 0.3
    kill -KILL $held
    wait $held 2>/dev/null
    check "$what: the upstream is told within 2 s" \
        wait_for 2 sh -c "[ \$(curl -s $sim/sim/stats | jq .client_gone) = $((gone + 8)) ]"
    is "$what: nothing runs" 0 "$(running)"
}
in_flight "a stream over plain HTTP/1.1" "$url" sim/stream-500-100 true http1.1
in_flight "a stream over TLS" "$tls" sim/stream-500-100 true http1.1
in_flight "a stream over HTTP/2" "$tls" sim/stream-500-100 true http2
in_flight "a silent one over TLS" "$tls" sim/hang false http1.1
in_flight "a silent one over HTTP/2" "$tls" sim/hang false http2
is "no body is held" 0 "$(curl -s "$url/api/status" | jq .queue.held_bytes)"
finish
