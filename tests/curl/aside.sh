#!/bin/bash
# A request that pauses before its next try has no use for its slot: the next
# in line gets it at once.  It keeps its own place, is seen to wait, and an
# operator's or a worker's end of it takes effect at once.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for and check
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice main SLUICE_WORKERS=1 SLUICE_REQUESTS=1000 SLUICE_IN_FLIGHT=1
token=$(cat "$state/admin.token")
orders() { curl -s -o /dev/null -X PATCH -d "$1" "$sim/sim/config"; }
arrivals() { curl -s "$sim/sim/arrivals" | jq -r '[.arrivals[].model] | join(" ")'; }
rows() { curl -s "$url/api/queue" | jq -c "$1"; }
same() { [ "$("${@:2}")" = "$1" ]; }
send() { # send MODEL: in the background; its status goes to a file
    rm -f "$work/${1#*/}"
    curl -s -o "$work/${1#*/}.body" -w '%{http_code}' --max-time 40 "$url/v1/chat/completions" \
        -H 'Content-Type: application/json' -d "{\"model\":\"$1\",\"messages\":[]}" >"$work/${1#*/}" &
}
ended() { [ -s "$work/$1" ]; }
waits() { rows '[.waiting[].model, .running[].model]'; }

# ---- after a fault -------------------------------------------------------------
orders '{"next":["500+retry-after-3"]}'
send sim/a
check "who is to come again in three seconds waits" wait_for 5 same '["sim/a"]' waits
is "and does not run" '[1,0]' "$(rows '[(.waiting | length), (.running | length)]')"
is "it is known when it goes" true "$(rows '.waiting[0].eta_s | . != null and . <= 3')"
is "it is in the depth of the queue" 1 "$(curl -s "$url/metrics" | grep -c '^sluice_queue_depth{priority="normal"} 1$')"
is "its slot is free" 0 "$(curl -s "$url/api/status" | jq '.limits[0].in_flight')"
send sim/b
check "the next one has it at once" wait_for 2 ended b
is "before the first comes again" "sim/a sim/b" "$(arrivals)"
check "which it does" wait_for 10 ended a
is "both are served" "200 200 sim/a sim/b sim/a" "$(cat "$work/a") $(cat "$work/b") $(arrivals)"

# ---- an operator ends it ---------------------------------------------------------
orders '{"next":["500+retry-after-30"]}'
send sim/c
check "one pauses for half a minute" wait_for 5 same '["sim/c"]' waits
id=$(rows '.waiting[0].id' | jq -r .)
ask "/api/queue/$id" -X DELETE -H "Authorization: Bearer $token"
is "an operator can end it" 200 "$status"
check "at once" wait_for 2 ended c
is "its client is told" "503 sluice_cancelled" "$(cat "$work/c") $(jq -r .error.code "$work/c.body")"

# ---- a pause of all --------------------------------------------------------------
orders '{"next":["500+retry-after-1"]}'
before=$(stat accepted)
send sim/d
check "one pauses for a second" wait_for 5 same '["sim/d"]' waits
ask /api/pause -X POST -d '' -H "Authorization: Bearer $token"
eta_is_unknown() { [ "$(rows '.waiting[0].eta_s')" = null ]; }
check "an operator's pause holds it" wait_for 5 eta_is_unknown
ask /api/resume -X POST -d '' -H "Authorization: Bearer $token"
check "it goes when that is over" wait_for 10 ended d
is "and is served" "200 2" "$(cat "$work/d") $(($(stat accepted) - before))"

# ---- none at all -------------------------------------------------------------------
orders '{"next":["500+retry-after-30"]}'
send sim/e
check "one pauses" wait_for 5 same '["sim/e"]' waits
kill "$sim_pid"
wait "$sim_pid" 2>/dev/null
send sim/f
send sim/g
three_wait() { [ "$(waits | jq length)" = 3 ] && [ "$(rows '.running | length')" = 0 ]; }
check "who could not connect holds no slot between two tries" wait_for 3 three_wait
check "both are told in the end" wait_for 10 ended f
check "the other, too" wait_for 10 ended g
is "that nobody listens" "502 502" "$(cat "$work/f") $(cat "$work/g")"

# ---- a worker that ends --------------------------------------------------------------
kill -TERM "$run_pid"
check "a worker that ends does not wait for the pause" wait_for 3 ended e
is "its client is told" "503 sluice_draining" "$(cat "$work/e") $(jq -r .error.code "$work/e.body")"
wait
finish
