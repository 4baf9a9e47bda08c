# hosts.sh - what do hosts that share a store cost each other?  Part of run, which
# sources it: its row "hosts", four minutes.
#
# Hosts beside each other, one worker each; a store that is 0.5 ms away, one way
# (tests/hosts/far.pl); 100 clients in all.  How late a send is counts as in the row
# "slot", which is the same without a store: arrivals N apart less window and margin.
# Calls are those of the script as the store counted them while the clients asked.
#
#   ONE_WAY_MS=0.5   how far the store is
#   HOSTS='1 2 4'    how many hosts; two are judged
# shellcheck shell=bash
# shellcheck disable=SC2154 # $bench, $sim, $store_port, ... are run's, and those of hosts/lib.sh

hosts_slots=40 hosts_margin=50

# How often the store was asked so far: "CALLS MICROSECONDS PUBLISHED"
store_calls() {
    store info commandstats | tr -d '\r' | awk -F '[:=,]' '
        $1 == "cmdstat_evalsha" { calls = $3; us = $5 }
        $1 == "cmdstat_publish" { told = $3 }
        END { print calls + 0, us + 0, told + 0 }'
}

# In a shell of its own, for hosts/lib.sh has a working directory and an end of its own:
# "COUNT P50 P99 MAX CALLS SCRIPT-US PUBLISHED" of N hosts
hosts_once() ( # hosts_once N
    # shellcheck source=tests/hosts/lib.sh
    . "$root/tests/hosts/lib.sh"
    n=$1
    start_sim --limiter none
    start_store
    "$root/tests/hosts/far.pl" "$at:0" "$at:$store_port" "$work/far.port" "${ONE_WAY_MS:-0.5}" &
    pids+=("$!")
    wait_for 5 test -s "$work/far.port"
    store_url=redis://$at:$(cat "$work/far.port")
    for ((i = 1; i <= n; i++)); do
        start_host "$i" SLUICE_REQUESTS=$hosts_slots SLUICE_WINDOW_S=1 SLUICE_MARGIN_MS=$hosts_margin SLUICE_WORKERS=1
    done
    # shellcheck disable=SC2046 # a word each
    open_hosts $(seq "$n")
    read -r calls us told < <(store_calls)
    clients=()
    for ((i = 1; i <= n; i++)); do
        load --port "$(port "${host_url[$i]}")" --clients $((100 / n)) --seconds 12 --grace 5 \
            --header 'X-Sluice-Client: c%d' --chat sim/tokens-3 >/dev/null &
        clients+=("$!")
    done
    wait "${clients[@]}"
    read -r calls2 us2 told2 < <(store_calls)
    late=$(lateness $hosts_slots $((1000 + hosts_margin)))
    sent=$(arrivals | wc -l)
    echo "$late $(calc "($calls2 - $calls) / $sent") $(calc "($us2 - $us) / ($calls2 - $calls)" 0) $(calc "($told2 - $told) / $sent")"
    for ((i = 1; i <= n; i++)); do stop_host "$i"; done
)

row_hosts() {
    local n i count p50 p99 max calls us told target
    for n in ${HOSTS:-1 2 4}; do
        : >"$work/hosts"
        for ((i = 0; i < runs; i++)); do hosts_once "$n" >>"$work/hosts"; done
        read -r count p50 p99 max calls us told < <(sort -g -k 3,3 "$work/hosts" | sed -n "$(((runs + 1) / 2))p")
        target=$([ "$n" = 2 ] && echo "p99 <= 10 ms" || echo none)
        row "slot opens -> on the wire, $n host(s), one store" \
            "p50 $p50 ms, p99 $p99 ms, max $max ms ($count slots); $calls calls a request of $us us, $told wake-ups" \
            "$target" "$([ "$target" = none ] && echo - || judge "$p99 <= 10")" "load at each host, 100 clients in all; the store 1 ms away, there and back"
    done
}
