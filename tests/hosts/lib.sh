# lib.sh - hosts that share a store: what run and `make test` have in common.
#
# A host is a Sluice of its own (lighttpd, workers, state directory), in a network
# and a time of its own where HOSTS_APART is set (root; namespaces), else beside
# the others.  One nimsim judges all of them: 40 requests in 3 s.
# shellcheck shell=bash
# shellcheck source=tests/curl/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../curl/lib.sh"

apart=${HOSTS_APART:-}
net=10.$((200 + RANDOM % 50)).$((RANDOM % 250)) # of this run alone
at=127.0.0.1
declare -A host_url host_run host_state host_in
span=3.1 limit=40

store_program=
for p in valkey-server redis-server; do
    [ -z "$store_program" ] && command -v $p >/dev/null && store_program=$p
done
[ -n "$store_program" ] || { echo "hosts: neither valkey-server nor redis-server is installed" >&2; exit 1; }
store_cli=${store_program%-server}-cli

# ---- networks --------------------------------------------------------------------

bridge=slb$$
spaces=()

leave_networks() {
    local s
    for s in "${spaces[@]}"; do
        ip netns pids "$s" 2>/dev/null | xargs -r kill -KILL
        ip netns del "$s"
    done
    [ -z "$apart" ] || ip link del "$bridge"
    end_all
} 2>/dev/null
trap leave_networks EXIT

if [ -n "$apart" ]; then
    at=$net.1
    ip link add "$bridge" type bridge && ip addr add "$at/24" dev "$bridge" && ip link set "$bridge" up ||
        { echo "hosts: no network of our own can be had (root?)" >&2; exit 1; }
fi

# network N: the namespace of host N; its commands run by ${host_in[N]}.
network() {
    local ns=sl$$h$1
    host_in[$1]=
    [ -n "$apart" ] || return 0
    ip netns add "$ns"
    spaces+=("$ns")
    ip link add "v$$x$1" type veth peer name eth0 netns "$ns"
    ip link set "v$$x$1" master "$bridge" up
    ip -n "$ns" addr add "$net.$((10 + $1))/24" dev eth0
    ip -n "$ns" link set eth0 up
    ip -n "$ns" link set lo up
    host_in[$1]="ip netns exec $ns"
}

# ---- the store ---------------------------------------------------------------------

# start_store [OPTION...]: sets $store_port, $store_pid.  The same port each time.
store_port=
start_store() {
    [ -n "$store_port" ] || store_port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:0")->sockport')
    mkdir -p "$work/store"
    (cd "$work/store" && exec ${store_under:-} "$store_program" --port "$store_port" --bind "$at" --protected-mode no \
        --save '' --appendonly no "$@" >>"$work/store.out" 2>&1) &
    store_pid=$!
    pids+=("$store_pid")
    wait_for 10 store ping || { echo "the store did not start:" >&2; tail -5 "$work/store.out" >&2; exit 1; }
}
store() { "$store_cli" -h "$at" -p "$store_port" "$@"; }
kill_store() {
    kill -KILL "$store_pid" 2>/dev/null
    wait "$store_pid" 2>/dev/null
}

# ---- hosts ---------------------------------------------------------------------------

# start_host N [VAR=VALUE...]: sets ${host_url[N]}, ${host_run[N]}, ${host_state[N]}.
# HOST_TIME is an offset of its boot time in seconds.
start_host() {
    local n=$1 dir=$work/host$1 late=()
    shift
    mkdir -p "$dir"
    [ -n "${host_in[$n]+x}" ] || network "$n"
    [ -z "$apart" ] || late=(unshare -T --boottime "$((n * ${HOST_TIME:-3600}))" --fork --kill-child --)
    # shellcheck disable=SC2086 # the words before a command
    ${host_in[$n]} "${late[@]}" env SLUICE_BUILD="$build" SLUICE_LISTEN=127.0.0.1:0 SLUICE_STATE_DIR="$dir/state" \
        SLUICE_UPSTREAM_URL="$sim" SLUICE_REQUESTS=$limit SLUICE_WINDOW_S=3 SLUICE_MARGIN_MS=100 SLUICE_DRAIN_S=2 \
        SLUICE_TEST_FRESH_MS=0 SLUICE_WORKERS=2 SLUICE_SHARED_URL="${store_url:-redis://$at:$store_port}" \
        SLUICE_SHARED_NAME="host$n" SLUICE_SHARED_AHEAD=2 "$@" "$root/conf/run" >>"$dir/out" 2>&1 &
    host_run[$n]=$!
    pids+=("$!")
    rm -f "$dir/was"
    wait_for 30 test -s "$dir/state/listen" || { echo "host $n did not start:" >&2; tail "$dir/out" >&2; exit 1; }
    host_url[$n]=$(cat "$dir/state/listen")
    host_state[$n]=$dir/state
}

# stop_host N: cleanly.  unshare lets no signal through.
stop_host() {
    local run=${host_run[$1]}
    [ -z "$apart" ] || run=$(pgrep -P "$run")
    # shellcheck disable=SC2086 # pids
    kill -TERM $run 2>/dev/null
    wait "${host_run[$1]}" 2>/dev/null
}

# on N COMMAND...: in the network of host N.
on() {
    local n=$1
    shift
    # shellcheck disable=SC2086 # the words before a command
    ${host_in[$n]} "$@"
}

# state_of N FILTER: of its status, by jq.
state_of() { on "$1" curl -s --max-time 5 "${host_url[$1]}/api/status" | jq -r "$2"; }

# Does the store lend to all of them?  Its first window counts as full.
is_open() { [ "$(state_of "$1" '.shared | "\(.state) \(.full_s)"')" = "up 0" ] || [ "$(state_of "$1" '.shared | "\(.state) \(.full_s)"')" = "up 0.000" ]; }
open_hosts() {
    local n
    for n in "$@"; do
        wait_for 20 is_open "$n" || { echo "host $n has no open window: $(state_of "$n" .shared)" >&2; exit 1; }
    done
}

# chats N COUNT FILE [CURL-CONFIG-LINE...]: COUNT at host N, at once.
chats() {
    local n=$1 count=$2 file=$3 i
    shift 3
    : >"$file.conf"
    for ((i = 0; i < count; i++)); do
        {
            ((i == 0)) || echo next
            printf '%s\n' "url = \"${host_url[$n]}/v1/chat/completions\"" 'output = "/dev/null"' silent \
                'header = "Content-Type: application/json"' 'max-time = 100' \
                "data = \"{\\\"model\\\":\\\"${chats_model:-sim/tokens-3}\\\",\\\"messages\\\":[]}\"" \
                'write-out = "%{http_code} %{time_total} %{exitcode}\n"' "$@"
        } >>"$file.conf"
    done
    on "$n" curl -Z --parallel-immediate --parallel-max 300 -K "$file.conf" >"$file" 2>/dev/null
}

# ---- what the upstream saw ---------------------------------------------------------------

arrivals() { curl -s "$sim/sim/arrivals" | jq -r '.arrivals[] | select(.path != "/v1/models") | .t_ns' | sort -n; }
most() { curl -s "$sim/sim/max?window_ms=3000" | jq -r '.max // .max_in_window // .'; }
# Seconds from the first to the last.
lasted() { arrivals | awk 'NR == 1 { a = $1 } { b = $1 } END { printf "%.3f", (b - a) / 1e9 }'; }
# How many in each span from the first on.
rounds() { arrivals | awk -v s=$span 'NR == 1 { a = $1 } { n[int(($1 - a) / 1e9 / s)]++; m = int(($1 - a) / 1e9 / s) } END { for (i = 0; i <= m; i++) printf "%d ", n[i] }'; }
# What COUNT take at best: the first window at once.
ideal() { awk "BEGIN { printf \"%.3f\", (int(($1 + $limit - 1) / $limit) - 1) * $span }"; }
