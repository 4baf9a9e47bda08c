#!/bin/bash
# Workers are restarted one after the other with another word for `scope`,
# while requests wait in the lines of the old one: from the moment that a window
# is in force, it is never exceeded, whoever sends.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

limit=2 window=4
start_sim --limiter none
settings() { # settings SCOPE
    printf '{"upstreams":[{"name":"one","base_url":"%s","requests":%d,"window_s":%d,"margin_ms":100,"scope":"%s"}]}' \
        "$sim" $limit $window "$1" >"$work/settings.json"
}
settings model
start_sluice main SLUICE_WORKERS=2 SLUICE_CONFIG="$work/settings.json" SLUICE_LOG="$work/log"

replaced() { [ "$(workers | wc -l)" = 2 ] && ! workers | grep -qx "$1"; }
seq() { curl -s "$sim/sim/arrivals" | jq '[.arrivals[].seq, -1] | max'; }
waiting() { curl -s "$url/api/status" | jq .queue.waiting; }
all_gone() { [ "$(waiting)" = 0 ]; }

ask_all() { # ask_all COUNT: of each of three models
    local i
    for ((i = 0; i < $1; i++)); do
        chat "sim/tokens-1" &
        chat "sim/tokens-2" &
        chat "sim/tokens-3" &
    done
}

# The most in any window, of those after number $1 that are of one model, or of
# any; windows may begin before that.
most() { # most SEQ OF
    curl -s "$sim/sim/arrivals" | jq --argjson s "$1" --argjson w "$window" --arg of "$2" '
        [.arrivals[] | {seq, t: .t_ns, m: (if $of == "model" then .model else "" end)}] as $all |
        [$all[] | select(.seq > $s) | . as $a |
            [$all[] | select(.m == $a.m and .t <= $a.t and .t > $a.t - $w * 1e9)] | length] | max // 0'
}

sent_since() { [ "$(($(seq) - $1))" -ge $((2 * limit)) ]; }

# Each worker in turn, while some wait; those of the second while the first has
# already another word.
roll() { # roll SCOPE
    local pid old first=
    ask_all 8
    check "$1: they wait" wait_for 10 eval "[ \$(waiting) -ge 12 ]"
    mapfile -t old < <(workers)
    settings "$1"
    for pid in "${old[@]}"; do
        kill -TERM "$pid"
        check "$1: another worker is there" wait_for 20 replaced "$pid"
        [ -n "$first" ] || first=$(seq)
        ask_all 2
        check "$1: they go on" wait_for 60 sent_since "$(seq)"
    done
    check "$1: nobody is left behind" wait_for 120 all_gone
    at_most "$1: no window is exceeded" $limit "$(most "$first" "$1")"
}

roll account
roll model
roll account
is "and no file was lost" 0 "$(curl -s "$url/api/status" | jq .counters.state_recoveries)"

finish
