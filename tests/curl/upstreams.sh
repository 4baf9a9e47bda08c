#!/bin/bash
# Several upstreams for one model: requests wait in one line, and each goes where
# a slot opens first.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

another_sim() { # another_sim NAME [OPTION...]: its URL is in $NAME
    local to=$1
    shift
    start_sim "$@"
    printf -v "$to" %s "$sim"
}
most_at() { curl -s "$1/sim/max?window_ms=3000" | jq -r .max; }
sent_to() { curl -s "$1/sim/stats" | jq -r .accepted; }
arrivals_of() { curl -s "$1/sim/arrivals" | jq -r '.arrivals[] | select(.path != "/v1/models") | .t_ns'; }

# settings NAME JSON-OF-UPSTREAM...: a file, in $conf
settings() {
    local list
    conf=$work/$1.json
    shift
    list=$(printf ',%s' "$@")
    printf '{"upstreams":[%s]}\n' "${list:1}" >"$conf"
}
upstream() { # upstream NAME URL REQUESTS [EXTRA]
    printf '{"name":"%s","base_url":"%s","requests":%d,"window_s":3,"margin_ms":100%s}' "$@"
}

# A port on which nobody listens: bound, and never listening.
exec 9< <(perl -MIO::Socket::INET -e '
    socket(my $s, 2, 1, 0); bind($s, sockaddr_in(0, inet_aton("127.0.0.1")));
    my ($port) = sockaddr_in(getsockname $s); $| = 1; print "$port\n"; sleep 600')
dead_pid=$!
pids+=("$dead_pid")
read -r dead_port <&9

# ---- three of them, one of which is dead ---------------------------------------

another_sim big --requests 40 --window 3
another_sim small --requests 20 --window 3
settings three "$(upstream big "$big" 40)" "$(upstream small "$small" 20)" \
    "$(upstream dead "http://127.0.0.1:$dead_port" 40)"
sim=$big # else the settings would be contradicted
start_sluice three SLUICE_CONFIG="$conf" SLUICE_WORKERS=4
many 300 "$work/three.txt"
is "nobody is told of the dead one" 300 "$(grep -c '^200 ' "$work/three.txt")"
is "the larger one is not asked for more than it has" 40 "$(most_at "$big")"
is "nor is the smaller one" 20 "$(most_at "$small")"
is "and neither refuses any" "0 0" \
    "$(curl -s "$big/sim/stats" | jq .refused) $(curl -s "$small/sim/stats" | jq .refused)"
# 300 are five windows of 60: the first at once, the last 4 x 3.1 s later.
took=$({ arrivals_of "$big"; arrivals_of "$small"; } | sort -n | sed -n '1p;$p' | awk '
    NR == 1 { a = $1 } { b = $1 } END { printf "%.3f", (b - a) / 1e9 }')
echo "three upstreams, 300 requests: $took s (12.400 at the earliest)"
at_most "60 go in 3.1 s, within 2 %" 12.648 "$took"
at_least "and no more" 12.3 "$took"
is "the larger one gets what it can" 200 "$(sent_to "$big")"

# How long does one that is tried at the dead one take?  Its tries are noted.
tries=$(curl -s "$url/metrics" | grep -E '^sluice_.*unreachable' | head -1)
has "it was tried" "$tries" '[1-9]'
stop_sluice

finish
