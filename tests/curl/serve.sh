#!/bin/bash
# sluicectl serve: what starts the container starts, tells, drains and ends as
# conf/run does; and sluicectl health.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"
unset SLUICE_URL SLUICE_STATE_DIR SLUICE_CONFIG NVIDIA_API_KEY

start_sim --limiter none
port=$((17100 + RANDOM % 900))
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
url=http://127.0.0.1:$port state=$work/state
mkdir -m 700 "$work/data"
settings=(SLUICE_ROOT="$root" SLUICE_FCGI="$build/sluice.fcgi" SLUICE_LISTEN="127.0.0.1:$port" SLUICE_UPSTREAM_URL="$sim"
    SLUICE_STATE_DIR="$state" SLUICE_DATA_DIR="$work/data" SLUICE_TEST_FRESH_MS=0)
serve() { # serve NAME VARIABLE...
    mkdir -p "$work/$1"
    out=$work/$1/out
    shift
    env "${settings[@]}" "$@" "$build/sluicectl" serve >"$out" 2>&1 &
    serve_pid=$!
    pids+=("$serve_pid")
}
is_healthy() { env "${settings[@]}" "$build/sluicectl" health "$@"; }
inside() { grep -lszxF "SLUICE_STATE_DIR=$state" /proc/[0-9]*/environ | cut -d/ -f3 | grep -vx "$serve_pid"; }

check "before it, health says no" eval '! is_healthy'
serve first SLUICE_DRAIN_S=20 SECRET_OF_ANOTHER=hidden SLUICE_REQUESTS=4 \
    HTTPS_PROXY=http://me:secret@127.0.0.1:9 no_proxy=' a.example,, b.example ' SSL_CERT_DIR=/etc/ssl/certs:/tmp
check "it is up" wait_for 15 is_healthy
check "it says where" wait_for 5 grep -q "^Sluice listens on $url (base URL: $url/v1)\$" "$out"
is "and writes it down" "$url" "$(cat "$state/listen")"
check "ready is asked, too" is_healthy /health/ready
is_healthy /v1/models >/dev/null 2>&1
is "and nothing else" 2 $?
has "it says whose key" "$(<"$out")" "API key   each client's own"
has "where the token is" "$(<"$out")" 'admin.token of the data directory'
# Of an http:// upstream HTTPS_PROXY is none.
is "no proxy is taken for http" 0 "$(grep -c 'proxy  ' "$out")"
has "authorities are, the first of them" "$(<"$out")" 'trusts    /etc/ssl/certs, as SSL_CERT_DIR says'
chat sim/tokens-3
is "it answers" 200 "$status"
is "lighttpd and two workers" 3 "$(inside | wc -l)"
is "they know nothing of other programs" 0 "$(for p in $(inside); do tr '\0' '\n' <"/proc/$p/environ"; done | grep -c SECRET_OF_ANOTHER)"
is "::1 listens as well, where there is one" "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/health")" \
    "$(if grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null; then curl -s -o /dev/null -w '%{http_code}' "http://[::1]:$port/health"; else echo 200; fi)"
said=$(env "${settings[@]}" "$build/sluicectl" serve 2>&1)
is "another with the same state does not start" 1 $?
has "which is said" "$said" 'another one runs with this state directory'
check "and harms nobody" is_healthy

# ---- it drains ------------------------------------------------------------------
curl -sN "$url/v1/chat/completions" -H 'Content-Type: application/json' \
    -d '{"model":"sim/stream-30-100","stream":true,"messages":[]}' >"$work/stream" &
stream=$!
check "a stream runs" wait_for 10 grep -q data: "$work/stream"
for _ in 1 2; do chat sim/tokens-3; done
(chat sim/tokens-3; echo "$status $(jq -r .error.code <<<"$body")" >"$work/waiter") &
waiter=$!
one_waits() { [ "$(curl -s "$url/api/status" | jq .queue.waiting)" = 1 ]; }
check "one waits" wait_for 10 one_waits
kill -TERM "$serve_pid"
wait "$waiter"
is "who waits is refused" "503 sluice_draining" "$(<"$work/waiter")"
check "the stream goes on" kill -0 "$stream"
wait "$stream"
is "to its end" "30 data: [DONE]" "$(grep -c '"content":"[^"]' "$work/stream") $(grep . "$work/stream" | tail -n 1)"
wait "$serve_pid"
is "it ends well" 0 $?
is "with no process left" "" "$(inside)"
is "nor socket, nor address" "" "$(cd "$state" && ls -d fcgi.sock-* listen 2>/dev/null)"
check "health says no" eval '! is_healthy'

# ---- in a hurry, killed, and what cannot start -------------------------------------
serve second SLUICE_DRAIN_S=60
check "it starts again" wait_for 15 is_healthy
curl -sN "$url/v1/chat/completions" -H 'Content-Type: application/json' \
    -d '{"model":"sim/stream-600-100","stream":true,"messages":[]}' >"$work/long" &
check "a long stream runs" wait_for 10 grep -q data: "$work/long"
kill -TERM "$serve_pid"
sleep 1
kill -TERM "$serve_pid"
begin=$SECONDS
wait "$serve_pid"
is "a second signal: at once" 0 $?
at_most "seconds" 20 $((SECONDS - begin))
is "with no process left, either" "" "$(inside)"

serve third
check "it starts once more" wait_for 15 grep -q "listens on" "$out" # and has seen that lighttpd does
kill -KILL "$(for p in $(inside); do grep -ls '^lighttpd' "/proc/$p/comm" | cut -d/ -f3; done | head -n 1)"
wait "$serve_pid"
is "without lighttpd it ends" 1 $?
has "and says so" "$(<"$out")" '^sluice: lighttpd ended by itself \(status 137\)'
is "the workers, too" "" "$(inside)"
stderr_may='lighttpd ended by itself|must be|did not start|another one runs'

refused() { # refused SENTENCE PATTERN VARIABLE...
    local what=$1 pattern=$2
    shift 2
    said=$(env "${settings[@]}" "$@" "$build/sluicectl" serve 2>&1)
    is "$what: 1" 1 $?
    has "$what" "$said" "$pattern"
}
refused "a setting that cannot work" SLUICE_REQUESTS SLUICE_REQUESTS=many
refused "no port" 'SLUICE_LISTEN must be ADDRESS:PORT' SLUICE_LISTEN=127.0.0.1
refused "port 0" 'SLUICE_LISTEN must be ADDRESS:PORT' SLUICE_LISTEN=127.0.0.1:0
refused "a bare ::1" 'SLUICE_LISTEN must be ADDRESS:PORT' SLUICE_LISTEN=::1:80
: >"$work/file"
refused "a state directory that is none" "$work/file: .*must be a directory of the user" SLUICE_STATE_DIR="$work/file"
refused "one that cannot be made" "$work/no/state: No such file" SLUICE_STATE_DIR="$work/no/state"
refused "a port that is taken" 'did not start on 127.0.0.1' SLUICE_LISTEN="${sim#http://}"
refused "an odd wish" 'SLUICE_RUN_ENVIRONMENT: must be yes or no' SLUICE_RUN_ENVIRONMENT=maybe
finish
