#!/bin/bash
# A new build that counts one thing more takes over from an old one, worker by
# worker, over a running service: the window, the queue and the holds are kept,
# and statistics alone begin anew.  Then the other way round: of another layout is
# the state, and the statistics are kept.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

# ------------------------------------------------------------------ builds --

# Plain and quick to make, whatever ours is: what counts is what its files look
# like.
make_in() { # make_in TREE TARGET
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$1" -j"$(nproc)" VARIANT= BUILD=build \
        CC="${ccache:+$ccache }${CC:-gcc}" CFLAGS='-O0 -g0 -w -U_FORTIFY_SOURCE' "build/$2" >"$work/make" 2>&1
}
ccache=$(command -v ccache)

counter=$work/tree-counter layout=$work/tree-layout
mkdir "$counter"
(cd "$root" && tar -cf - --exclude=./.git --exclude='./build*' --exclude=./www .) | tar -xf - -C "$counter"
sed -i 's|^    ONE(probes) .*|    ONE(upgrades) \\\n&|' "$counter/state/stats/outcomes.h"
check "a build with one more counter is there" make_in "$counter" sluice.fcgi
cp -a "$counter" "$layout"
sed -i 's|^    uint64_t repairs; .*|&\n    uint64_t upgrades;|' "$layout/state/policy/layout.h"
make_in "$layout" obj/state/file/layout_hash.o
has "a field that was forgotten is named by the compiler" "$(cat "$work/make")" 'lay_live: a field is not in the list'
sed -i 's/N(S, repairs)/& N(S, upgrades)/' "$layout/state/file/layout_hash.c"
check "and one with one more word in the state" make_in "$layout" sluice.fcgi
[ "$failed" = 0 ] || { tail -n 20 "$work/make"; finish; }
is "they are others than ours" 2 "$(grep -l upgrades "$layout/state/stats/outcomes.h" "$layout/state/policy/layout.h" | wc -l)"

# ---------------------------------------------------------------- a service --

requests=6 window=8
start_sim --limiter none
mkdir "$work/prog"
install_build() { cp "$1" "$work/prog/next" && mv "$work/prog/next" "$work/prog/sluice.fcgi"; }
install_build "$build/sluice.fcgi"
start_sluice main SLUICE_FCGI="$work/prog/sluice.fcgi" SLUICE_WORKERS=2 SLUICE_REQUESTS=$requests \
    SLUICE_WINDOW_S=$window SLUICE_DRAIN_S=60 SLUICE_LOG="$work/log"

count() { curl -s "$url/api/status" | jq -r "$1"; }
replaced() { [ "$(workers | wc -l)" = 2 ] && ! workers | grep -qx "$1"; }
bench() { count '.models[] | select(.name == "sim/gone").bench.ends_s | floor'; }
roll() {
    local pid old
    mapfile -t old < <(workers)
    for pid in "${old[@]}"; do
        kill -TERM "$pid"
        check "$1: another worker is there" wait_for 30 replaced "$pid"
    done
}

# Requests come all the time, more than may go.  A worker that ends sends those
# that wait away, and as the SDKs do, they come again: to the head of the line.
load() {
    until [ -e "$work/enough" ]; do
        chat sim/tokens-3 ",\"user\":\"$1\""
        while [ "$status $(jq -r .error.code <<<"$body" 2>/dev/null)" = "503 sluice_draining" ]; do
            echo >>"$work/again" # twice, where it meets the second old one
            chat sim/tokens-3 ",\"user\":\"$1\"" -H 'X-Stainless-Retry-Count: 1'
        done
        echo "$status" >>"$work/codes"
    done
}
chat sim/gone
is "a model is off" 410 "$status"
for i in {1..10}; do load "$i" & loads+=($!); done
check "the window is full" wait_for 10 sh -c "[ \$(curl -s $url/api/status | jq '.limits[0].window_used') = $requests ]"
check "and some wait" wait_for 10 sh -c "[ \$(curl -s $url/api/status | jq '.queue.waiting') -ge 4 ]"
joined=$(count .counters.joined)
at_least "what was asked is counted" 10 "$joined"

install_build "$counter/build/sluice.fcgi"
roll "one more counter"
used=$(count '.limits[0].window_used')
at_least "the window was kept" $((requests - 1)) "$used"
is "no state file was lost" 0 "$(count .counters.state_recoveries)"
is "nor made anew" "" "$(grep -E '"event":"state_(lost|replaced|repaired)"' "$work/log")"
at_least "the hold goes on" 86000 "$(bench)"
has "statistics begin anew, which is said" "$(grep stats_replaced "$work/log")" 'sluice.stats was replaced: it is of another version'
is "once" 1 "$(grep -c stats_replaced "$work/log")"
at_most "and what was counted is gone" "$joined" "$(count .counters.granted)"
sleep "$window" # some of those that wait go
touch "$work/enough"
wait "${loads[@]}"
is "all that waited were answered" "" "$(grep -vx 200 "$work/codes")"
at_least "those that were sent away kept their place" 1 "$(count .counters.seniors)"
at_least "and there were such" 1 "$(wc -l <"$work/again")"
at_least "all in all they were many" $((2 * requests)) "$(wc -l <"$work/codes")"
at_most "never were there more in a window" $requests "$(max_in_window $((window * 1000)))"

# ------------------------------------------------------------ the other way --

joined=$(count .counters.joined)
install_build "$layout/build/sluice.fcgi"
stop_sluice
start_sluice main SLUICE_FCGI="$work/prog/sluice.fcgi" SLUICE_WORKERS=2 SLUICE_REQUESTS=$requests \
    SLUICE_WINDOW_S=$window SLUICE_LOG="$work/log"
has "a state of another layout is replaced" "$(grep state_replaced "$work/log")" 'every window counts as full'
is "its window is full" $requests "$(count '.limits[0].window_used')"
is "which is counted" 1 "$(count .counters.state_recoveries)"
at_least "and the statistics go on" "$joined" "$(count .counters.joined)"
is "without a word" 1 "$(grep -c stats_ "$work/log")"
ask /metrics
has "also for a scrape" "$body" '^sluice_state_recoveries_total 1$'
finish
