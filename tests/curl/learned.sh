#!/bin/bash
# What refusals teach: whose limit it is and of what kind, where it is shown, that
# a restart keeps it, and how it becomes the setting.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

# 10 in 2 s where Sluice believes 40.
start_sim --requests 10 --window 2
start_sluice main SLUICE_REQUESTS=40 SLUICE_WINDOW_S=2 SLUICE_MARGIN_MS=100
main=$url

api() { curl -s "$url/api/status" | jq -r "$1"; }
learned() { api '.limits[0].learned | "\(.kind) \(.requests)"'; }
has_learned() { [[ $(learned) =~ ^$1$ ]]; }
both() { # two models, half of each
    local job
    many_model=sim/tokens-2 many "$1" "$work/two" &
    job=$!
    many_model=sim/tokens-3 many "$1" "$work/three"
    wait $job
}
codes() { cat "$@" | cut -d' ' -f1 | sort | uniq -c | xargs; }

# ---- a limit of the account -------------------------------------------------------
is "nothing is known at first" "as_set 0" "$(learned)"
both 30
is "an upstream with a quarter of the limit: all are 200" "60 200" "$(codes "$work/two" "$work/three")"
check "what it lets pass is learned, of the account" has_learned 'window (9|10|11)'
has "sluicectl says it beside what is set" "$("$build/sluicectl" --state-dir "$state" status)" 'limit about (9|10|11) per 2.*, learned .* ago; you set 40'
has "so do the metrics" "$(curl -s "$url/metrics")" 'sluice_limits_learned\{upstream="nim",kind="window"\} 1'
has "and the log" "$(cat "$out")" '"event":"learned".*nim: [a-z_]* -> window: about (9|10|11) pass in a window'

# Workers come and go: it is the service's.
before=$(api '.limits[0].learned.age_s')
mapfile -t old < <(workers)
kill -TERM "${old[@]}"
is_new() { mapfile -t now < <(workers); [ ${#now[@]} = ${#old[@]} ] && [ "${now[0]}" != "${old[0]}" ]; }
check "other workers are there" wait_for 20 is_new
check "who know it" has_learned 'window [0-9]+'
at_least "and since when" "$before" "$(api '.limits[0].learned.age_s')"

# ---- adopted ----------------------------------------------------------------------
"$build/sluicectl" --state-dir "$state" --url "$main" adopt >"$work/adopted" 2>&1
is "it can be adopted" 0 $?
requests=$(api '.limits[0].requests')
at_least "then it is what is set" 9 "$requests"
at_most "and no more" 11 "$requests"
stop_sluice

# ---- a limit of one model -----------------------------------------------------------
curl -s -X PATCH "$sim/sim/config" -d '{"limiter":"none"}' >/dev/null
curl -s -X POST "$sim/sim/reset" >/dev/null
start_sluice one SLUICE_REQUESTS=1000 SLUICE_WINDOW_S=2 SLUICE_QUEUE_TIMEOUT_S=20
chat sim/tokens-3
chat sim/429 '' -H 'X-Sluice-Deadline: 20' >/dev/null &
hot=$!
many_model=sim/tokens-3 many 100 "$work/free"
is "one model is refused all the time: of another, all pass" "100 200" "$(codes "$work/free")"
at_most "without waiting for it" 10 "$(awk '$2 > m { m = $2 } END { print m }' "$work/free")"
is "the account does not hold" normal "$(api '.limits[0].retreat.state')"
many_model=sim/429 many 3 "$work/hot" &
hot="$hot $!"
check "its model does" wait_for 10 sh -c "curl -s $url/api/status | jq -e '.models[] | select(.name == \"sim/429\").retreat.state != \"normal\"'"
has "sluicectl says so" "$("$build/sluicectl" --state-dir "$state" status)" 'sim/429: .* waiting'
# shellcheck disable=SC2086 # two
kill $hot 2>/dev/null
"$build/sluicectl" --state-dir "$state" --url "$url" adopt >"$work/adopted" 2>&1
is "nothing was learned that could be set" 1 $?
has "and that is said" "$(cat "$work/adopted")" 'no limit was learned'

# ---- luck ----------------------------------------------------------------------------
stop_sluice
curl -s -X PATCH "$sim/sim/config" -d '{"faults":{"percent":10,"kinds":["429"]},"seed":1}' >/dev/null
start_sluice luck SLUICE_REQUESTS=100 SLUICE_WINDOW_S=1 SLUICE_MARGIN_MS=50
many_model=sim/tokens-2 many 300 "$work/shed"
is "one in ten is refused at random: all are 200" "300 200" "$(codes "$work/shed")"
is "and the account keeps what was set" "100 as_set" "$(api '.limits[0] | "\(.retreat.allowance) \(.learned.kind)"')"

finish
