#!/bin/bash
# A worker is killed every second under load: only its own requests are lost,
# no window is exceeded, and nothing stays behind.  KILL_S=60 for longer.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=${KILL_S:-15} requests=40 span_ms=1000
start_sim --requests $requests --window 1
start_sluice main SLUICE_REQUESTS=$requests SLUICE_WINDOW_S=1 SLUICE_MARGIN_MS=100 SLUICE_WORKERS=4

api() { curl -s "$url/api/status" | jq -r "$1"; }
# What lighttpd's children are, for sure: its own list may hold a dead one.
processes() { pgrep -P "$(pgrep -P "$run_pid" lighttpd | head -n 1)" sluice.fcgi; }

# Eight clients, one request after the other, buffered and streams; a line each:
# STATUS, CURL-EXIT, whole or cut.
end=$((SECONDS + seconds))
client() {
    local n=$1 status
    while ((SECONDS < end)); do
        if ((n % 2)); then
            status=$(curl -sN -o "$work/client.$n" -w '%{http_code} %{exitcode}' --max-time 30 "$url/v1/chat/completions" \
                -H 'Content-Type: application/json' -d '{"model":"sim/stream-5-30","stream":true,"messages":[]}')
            if grep -q '^data: \[DONE\]' "$work/client.$n"; then echo "$status whole"; else echo "$status cut"; fi
        else
            status=$(curl -s -o "$work/client.$n" -w '%{http_code} %{exitcode}' --max-time 30 "$url/v1/chat/completions" \
                -H 'Content-Type: application/json' -d '{"model":"sim/slow-100+tokens-5","messages":[]}')
            if jq -e .usage "$work/client.$n" >/dev/null 2>&1; then echo "$status whole"; else echo "$status cut"; fi
        fi
    done >"$work/result.$n"
}
clients=()
for n in {1..8}; do
    client "$n" &
    clients+=($!)
done

kills=0
while ((SECONDS < end - 1)); do
    sleep 1 # the load is the clock here: a kill each second
    mapfile -t victims < <(processes)
    ((${#victims[@]} > 0)) || continue
    kill -KILL "${victims[RANDOM % ${#victims[@]}]}" && kills=$((kills + 1))
done
wait "${clients[@]}"

all=$(cat "$work"/result.*)
whole=$(grep -c '^200 0 whole$' <<<"$all")
lost=$(grep -vc '^200 0 whole$' <<<"$all")
printf 'kill: %d workers killed in %d s, %d requests whole, %d lost (%s), most in a window: %s of %d\n' $kills "$seconds" \
    "$whole" "$lost" "$(grep -v '^200 0 whole$' <<<"$all" | sort | uniq -c | xargs)" "$(stat max_in_window)" $requests
at_least "workers were killed" $((seconds / 2)) $kills
# A killed one has two of eight requests on average, all eight at the worst.
at_most "only those on killed workers are lost" $((8 * kills)) "$lost"
is "a lost one is a 500, a 503 or a cut" "" "$(grep -vE '^200 0 whole$|^50[03] 0 cut$|^[0-9]+ [1-9][0-9]* cut$|^200 0 cut$' <<<"$all")"
at_least "the others are answered" $((2 * seconds)) "$whole"
is "the upstream refused none" 0 "$(stat refused)"
at_most "no window is exceeded" $requests "$(max_in_window $span_ms)"
check "all workers are back" wait_for 15 sh -c "curl -s $url/api/status | jq -e '.workers|length == 4'"
is "nothing is in flight" "0 0 0" "$(api '"\(.queue.running) \(.queue.waiting) \(.queue.held_bytes)"')"
is "nor in any row" 0 "$(api '[.models[].in_flight]|add')"

# What the workers hold does not grow: the same load twice, looked at between.
look() { # descriptors and KiB of all workers
    local p fds=0 kib=0
    for p in $(workers); do
        fds=$((fds + $(find "/proc/$p/fd" -mindepth 1 2>/dev/null | wc -l)))
        kib=$((kib + $(awk '/^Rss/ { s += $2 } END { print s + 0 }' "/proc/$p/smaps_rollup" 2>/dev/null || echo 0)))
    done
    echo "$fds $kib"
}
many 80 "$work/warm"
many 80 "$work/warm"
read -r fds kib < <(look)
many 80 "$work/again"
many 80 "$work/again"
read -r fds2 kib2 < <(look)
printf 'kill: descriptors %d -> %d, RSS of all workers %d -> %d KiB\n' "$fds" "$fds2" "$kib" "$kib2"
is "all of that load is answered" 80 "$(grep -c '^200' "$work/again")"
# A worker keeps its connections to the upstream, and not all have had their share of the
# first load; one that is left by each request would be 160 more.
at_most "descriptors stay" $((fds + 80)) "$fds2"
case $build in *san) ;; *) at_most "memory stays" $((kib + kib / 4)) "$kib2" ;; esac
finish
