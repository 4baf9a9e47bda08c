#!/bin/bash
# Where it listens: "localhost" is 127.0.0.1 to some clients and ::1 to others.
# And by which names it answers in a container.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"
export PATH="$PATH:/usr/sbin:/sbin" # lighttpd
stderr_may='^sluice: \[::1\]'

start_sim --limiter none
has_six=
! grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null || has_six=yes
# says ADDRESS [CURL-OPTION...]: what /health is there, from ADDRESS:PORT.
says() { local at=$1; shift; curl -sk --max-time 20 -o /dev/null -w '%{http_code}' "$@" "$at/health"; }
port_of() { echo "${url##*:}"; }

if [ -z "$has_six" ]; then
    echo "listen: this machine has no ::1: only that it starts without is seen"
    start_sluice four
    is "127.0.0.1 answers" 200 "$(says "http://127.0.0.1:$(port_of)")"
    has "and nothing is said of another" "$(grep -c '::1' "$out")" '^0$'
    finish
fi

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "$work/key" -out "$work/cert" 2>/dev/null
cat "$work/key" "$work/cert" >"$work/pem"
tls_port=$((20000 + RANDOM % 10000))

for listen in 127.0.0.1:0 localhost:0; do
    start_sluice "${listen%:*}" SLUICE_LISTEN=$listen SLUICE_RUN_TLS_PORT=$tls_port SLUICE_RUN_TLS_PEM="$work/pem"
    is "$listen: that is its address" "http://${listen%:*}" "${url%:*}"
    has "the start tells of the other" "$(cat "$out")" "and on http://\[::1\]:$(port_of)"
    for four in "127.0.0.1" "[::1]"; do
        is "$listen: $four answers" 200 "$(says "http://$four:$(port_of)")"
        is "$listen: $four answers with TLS" 200 "$(says "https://$four:$tls_port")"
    done
    is "localhost answers by IPv4" 200 "$(says "http://localhost:$(port_of)" -4)"
    is "and by IPv6" 200 "$(says "http://localhost:$(port_of)" -6)"
    is "who comes over ::1 is as near" 200 "$(curl -s -6 -o /dev/null -w '%{http_code}' "http://localhost:$(port_of)/v1/chat/completions" \
        -H 'Content-Type: application/json' -d '{"model":"sim/echo","messages":[]}')"
    is "it sees what the others do" 200 "$(curl -s -6 -o /dev/null -w '%{http_code}' "http://localhost:$(port_of)/dashboard/")"
    is "HTTP/2 is there, too" "200 2" "$(curl -s -6 --http2-prior-knowledge -o /dev/null -w '%{http_code} %{http_version}' "http://localhost:$(port_of)/health")"
    stop_sluice
    is "both are closed at the end" "000 000" "$(says "http://127.0.0.1:$(port_of)") $(says "http://[::1]:$(port_of)")"
done

# What was asked for, and no more.
start_sluice six SLUICE_LISTEN='[::1]:0'
is "[::1] answers" 200 "$(says "http://[::1]:$(port_of)")"
is "and 127.0.0.1 does not" 000 "$(says "http://127.0.0.1:$(port_of)")"
stop_sluice
start_sluice two SLUICE_LISTEN=127.0.0.2:0
is "another loopback address is one" "200 000" "$(says "http://127.0.0.2:$(port_of)") $(says "http://[::1]:$(port_of)")"
stop_sluice

# ::1 is somebody else's.
start_sluice other SLUICE_LISTEN='[::1]:0'
other=$run_pid taken=$(port_of)
start_sluice first SLUICE_LISTEN=127.0.0.1:"$taken"
is "with a port that is taken on ::1 it is 127.0.0.1 alone" 200 "$(says "http://127.0.0.1:$taken")"
has "which is said" "$(cat "$out")" "^sluice: \[::1\]:$taken is taken by another program"
stop_sluice
kill -TERM "$other"
wait "$other"

# lighttpd's files can be tried by themselves.
mkdir "$work/upload"
export SLUICE_RUN_ADDR=127.0.0.1 SLUICE_RUN_PORT=$tls_port SLUICE_RUN_DIR=$work SLUICE_RUN_GRACE=2 SLUICE_RUN_MAX_FDS=1024 SLUICE_ROOT=$root \
    SLUICE_FCGI=$build/sluice.fcgi SLUICE_WORKERS=1
check "lighttpd.conf is right" lighttpd -tt -f "$root/lighttpd.conf" >/dev/null
check "and lighttpd-loopback.conf" lighttpd -tt -f "$root/conf/lighttpd-loopback.conf" >/dev/null
export SLUICE_RUN_TLS_PORT=$((tls_port + 1)) SLUICE_RUN_TLS_PEM=$work/pem
check "and lighttpd-tls.conf" lighttpd -tt -f "$root/conf/lighttpd-tls.conf" >/dev/null
check "and lighttpd-tls-loopback.conf" lighttpd -tt -f "$root/conf/lighttpd-tls-loopback.conf" >/dev/null
unset SLUICE_RUN_TLS_PORT SLUICE_RUN_TLS_PEM

# As compose.yaml has it.
in_compose() { sed -nE "s/^ +$1: (.*)/\1/p" "$root/compose.yaml"; }
hosts=$(in_compose SLUICE_HOSTS)
[[ $hosts =~ ^\$\{SLUICE_HOSTS:-(.*)\}$ ]] && hosts=${BASH_REMATCH[1]}
start_sluice compose SLUICE_LISTEN=0.0.0.0:0 SLUICE_ANONYMOUS=private SLUICE_READ=private SLUICE_HOSTS="$hosts"
for host in sluice host.docker.internal localhost; do
    chat sim/echo '' -H "Host: $host:8080"
    is "in a container it is $host" 200 "$status"
done
chat sim/echo '' -H 'Host: elsewhere.example'
is "and nobody else" 403 "$status"
finish
