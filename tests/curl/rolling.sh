#!/bin/bash
# Workers are restarted one after the other with another list of upstreams:
# nobody is refused, and each upstream has one window whatever its place is.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
upstream() { printf '{"name":"%s","base_url":"%s","requests":500,"models":["%s"]}' "$1" "$sim" "$2"; }
settings() { printf '{"upstreams":[%s]}' "$1" >"$work/settings.json"; }

settings "$(upstream one '*')"
start_sluice main SLUICE_WORKERS=2 SLUICE_CONFIG="$work/settings.json" SLUICE_LOG="$work/log"

used() { curl -s "$url/metrics" | sed -n "s/^sluice_window_used{upstream=\"$1\"} //p"; }
uses() { [ "$(used one) $(used two)" = "$1" ]; }
names() { curl -s "$url/metrics" | sed -n 's/^sluice_window_used{upstream="\([a-z]*\)"} .*/\1/p' | sort | xargs; }
replaced() { [ "$(workers | wc -l)" = 2 ] && ! workers | grep -qx "$1"; }

# Each worker in turn, while requests for both come.
roll() { # roll "what"
    local pid old
    mapfile -t old < <(workers)
    : >"$work/codes"
    while [ ! -e "$work/enough" ] || [ "$(wc -l <"$work/codes")" -lt 4 ]; do
        for model in tokens-3 big-1; do
            chat "sim/$model" >/dev/null
            [ "$status" = 200 ] || status="$status $(tr '\n' ' ' <<<"$body")" # says why
            echo "$status" >>"$work/codes"
        done
    done &
    for pid in "${old[@]}"; do
        kill -TERM "$pid"
        check "$1: another worker is there" wait_for 20 replaced "$pid"
    done
    touch "$work/enough"
    wait $!
    rm "$work/enough"
    at_least "$1: requests came" 4 "$(wc -l <"$work/codes")"
    is "$1: nobody was refused" "" "$(grep -vx 200 "$work/codes")"
}

many 20 "$work/answers"
is "all are sent to one" "20 " "$(used one) $(used two)"
settings "$(upstream two 'sim/tokens-*'),$(upstream one '*')"
roll "one upstream more, before the other"
is "both are there" "one two" "$(names)"
at_least "and what was sent before still counts" 22 "$(used one)"
before="$(used one) $(used two)"
chat sim/tokens-3 >/dev/null
check "each request finds its own" uses "${before% *} $((${before#* } + 1))"

settings "$(upstream one 'sim/big-*'),$(upstream two '*')"
roll "another order"
at_least "one goes on" "${before% *}" "$(used one)"
at_least "and so does the other" "${before#* }" "$(used two)"

settings "$(upstream two '*')"
roll "one less"
check "it is gone" wait_for 5 sh -c "! curl -s $url/metrics | grep -q 'upstream=\"one\"'"

settings "$(upstream one 'sim/big-*'),$(upstream two '*')"
roll "it comes back"
at_least "and nothing is forgotten" "${before% *}" "$(used one)"
is "no worker was without a place" "" "$(grep upstreams_differ "$work/log")"
is "and no file was lost" 0 "$(curl -s "$url/api/status" | jq .counters.state_recoveries)"

finish
