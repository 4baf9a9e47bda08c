# calls.sh - what does a request ask of the kernel, and what does libcurl cost?
# Part of run.
# shellcheck shell=bash
# shellcheck disable=SC2154 # $work, $bench, ... are run's

# Counts while M clients make N requests: "TOTAL (CALL n, CALL n, ...)" a
# request, of the workers, all threads.
calls_of() { # calls_of CLIENTS REQUESTS
    local tracer of=() p
    for p in "${wk[@]}"; do of+=(-p "$p"); done
    strace -c -f -o "$work/calls" "${of[@]}" 2>/dev/null &
    tracer=$!
    sleep 1 # until it has hold of them
    load --port "$(port "$sluice_url")" --clients "$1" --requests "$2" --chat sim/tokens-3 >/dev/null
    kill -INT "$tracer"
    wait "$tracer" 2>/dev/null
    awk -v n="$2" '$2 ~ /^[0-9.]+$/ && $4 ~ /^[0-9]+$/ && $NF != "total" {
            total += $4; if ($4 / n >= .05) printf "%.2f %s\n", $4 / n, $NF }
        END { printf "%.1f all\n", total / n }' "$work/calls" | sort -rn |
        awk '{ printf NR == 1 ? "%s (" : NR == 2 ? "%s %s" : ", %s %s", $1, $2 } END { print ")" }'
}

row_calls() {
    local wk before many
    if ! command -v strace >/dev/null; then
        row "system calls a request" "strace is not installed" "none" skipped ""
        return
    fi
    start_pair
    mapfile -t wk < <(workers)
    row "system calls a request, one client" "$(calls_of 1 2000)" "none" - "strace -c -f"
    row "  of 32 clients" "$(calls_of 32 4000)" "none" - "the same"
    for before in "${wk[@]}"; do wakes "$before"; done >"$work/wakes"
    many=$(load --port "$(port "$sluice_url")" "${one_client[@]}" | jq .ok)
    before=$(awk '{ s += $1 } END { print s }' "$work/wakes")
    row "  and switches, one client" \
        "$(calc "($(for p in "${wk[@]}"; do wakes "$p"; done | awk '{ s += $1 } END { print s }') - $before) / $many")" \
        "none" - "voluntary_ctxt_switches of all threads"
    end_pair
}

# In turns of 500, in one process and on one loop: how busy the machine is does
# little to their difference.
row_libcurl() {
    local one
    start_sim --limiter none --arrivals-max 1000
    one=$("$bench/transfers" "$(port "$sim")")
    row "a transfer over libcurl" \
        "$(jq -r '"\(.libcurl_us) us, by hand \(.by_hand_us) us"' <<<"$one")" "none" - "transfers PORT"
    end "$sim_pid"
}
