# hosts.sh - what do hosts that share a store cost each other?  Part of run, which
# sources it: its row "hosts", four minutes.
#
# Hosts beside each other, one worker each; a store that is 0.5 ms away, one way
# (hosts_once); 100 clients in all.  How late a send is counts as in the row
# "slot", which is the same without a store: arrivals N apart less window and margin.
# Calls are those of the script as the store counted them while the clients asked.
#
#   ONE_WAY_MS=0.5   how far the store is
#   HOSTS='1 2 4'    how many hosts; two are judged
# shellcheck shell=bash
# shellcheck disable=SC2154 # $root, $work, $runs are run's

row_hosts() {
    local n i count p50 p99 max calls us told target
    export -f lateness load calc port
    export bench
    for n in ${HOSTS:-1 2 4}; do
        : >"$work/hosts"
        for ((i = 0; i < runs; i++)); do "$root/tests/bench/hosts_once" "$n" >>"$work/hosts"; done
        read -r count p50 p99 max calls us told < <(sort -g -k 3,3 "$work/hosts" | sed -n "$(((runs + 1) / 2))p")
        target=$([ "$n" = 2 ] && echo "p99 <= 10 ms" || echo none)
        row "slot opens -> on the wire, $n host(s), one store" \
            "p50 $p50 ms, p99 $p99 ms, max $max ms ($count slots); $calls calls a request of $us us, $told wake-ups" \
            "$target" "$([ "$target" = none ] && echo - || judge "$p99 <= 10")" "load at each host, 100 clients in all; the store 1 ms away, there and back"
    done
}
