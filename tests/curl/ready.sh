#!/bin/bash
# GET /health/ready: the three checks, and one question for all workers.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

field() { jq -r ".$1" <<<"$body"; }
ready_is() { # ready_is STATUS FIELD VALUE
    ask /health/ready
    [ "$status" = "$1" ] && [ "$(field "$2")" = "$3" ]
}

# ---- one question for all --------------------------------------------------------
start_sim --limiter none
start_sluice many SLUICE_WORKERS=4 SLUICE_REQUESTS=1000 SLUICE_READY_PROBE_S=4
t0=$(date +%s%N)
for ((i = 0; i < 40; i++)); do
    ((i == 0)) || echo next
    printf '%s\n' "url = \"$url/health/ready\"" 'output = "/dev/null"' silent 'write-out = "%{http_code}\n"'
done >"$work/forty"
curl -Z --parallel-immediate --parallel-max 40 -K "$work/forty" >"$work/codes" 2>/dev/null
is "40 parallel questions are answered with 200" 40 "$(grep -cx 200 "$work/codes")"
is "the upstream was asked once" 1 "$(stat models)"
ask /health/ready
is "ready is 200" 200 "$status"
is "it says so, in these words" \
    '{"ready":true,"upstream_reachable":true,"queue_healthy":true,"token_bucket_healthy":true,"upstream_key_ok":null,"store_ok":null,"paused":false,"reason":null}' "$body"
ask /health/ready -I
is "HEAD too" 200 "$status"
is "without a body" "" "$(sed -n '/^$/,$p' <<<"$body" | tr -d '\n')"
ask /health/ready -X POST -d x
is "POST is 405" 405 "$status"
until [ $(($(date +%s%N) - t0)) -ge 9000000000 ]; do
    ask /health/ready
    sleep 0.05
done
elapsed=$(($(date +%s%N) - t0))
at_most "it is asked at most once in ready.probe_s" $((elapsed / 4000000000 + 1)) "$(stat models)"
at_least "and again when that is over" 2 "$(stat models)"
is "it costs no slot" 0 "$(curl -s "$url/api/status" | jq -r .counters.granted)"

# ---- a worker is killed while it asks -----------------------------------------------
stop_sluice
start_sluice killed SLUICE_WORKERS=3 SLUICE_READY_PROBE_S=60
kill -STOP "$sim_pid"
for _ in 1 2 3 4 5 6; do
    curl -s -o /dev/null -w '%{http_code} %{time_total}\n' --max-time 60 "$url/health/ready" >>"$work/killed.codes" &
done
# Whoever has a connection to the upstream is the one that asks.  Workers let
# root alone see that: else all but one are killed.
port=$(printf ':%04X' "${sim##*:}")
prober() {
    local p inode
    for p in $(workers); do
        awk -v h="$port" 'index($3, h) { print $10 }' /proc/net/tcp | while read -r inode; do
            find "/proc/$p/fd" -lname "socket:\[$inode\]" 2>/dev/null | sed "s/.*/$p/"
        done
    done
}
somebody_asks() { prober | grep -q .; }
six_are_answered() { [ "$(wc -l <"$work/killed.codes")" = 6 ]; }
if [ "$(id -u)" = 0 ]; then
    wait_for 5 somebody_asks
    victim=$(prober)
    is "one worker asks" 1 "$(wc -l <<<"$victim")"
    kill -KILL "$victim"
    wait_for 5 somebody_asks
    check "another one takes over" test "$victim" != "$(prober | head -n 1)"
else
    sleep 0.5
    workers | tail -n +2 | xargs kill -KILL
fi
kill -CONT "$sim_pid"
wait_for 3 six_are_answered
is "nobody waited for its lease to end" 6 "$(wc -l <"$work/killed.codes")"
at_most "who was not its client is told we are ready" 5 "$(grep -vc '^200' "$work/killed.codes")"
ask /health/ready
is "it is ready afterwards" 200 "$status"
stop_sluice

# ---- a pause ---------------------------------------------------------------------------
start_sluice paused SLUICE_WORKERS=2 SLUICE_ADMIN_TOKEN=admin-0123456789abcdef
operator() { curl -s -o /dev/null -X POST -d '' -H 'Authorization: Bearer admin-0123456789abcdef' "$url/api/$1"; }
# Ten connections go to both workers.
all_say() { # all_say STATUS PAUSED
    local i
    for ((i = 0; i < 10; i++)); do ready_is "$1" paused "$2" || return 1; done
}
check "it is ready" all_say 200 false
operator pause
check "while all is paused no worker is" wait_for 5 all_say 503 true
is "though the rest is well" "false true true true" \
    "$(field ready) $(field upstream_reachable) $(field queue_healthy) $(field token_bucket_healthy)"
has "the reason is told" "$(field reason)" 'paused'
ask /health
is "health itself does not care" 200 "$status"
operator resume
check "it goes on, and is ready" wait_for 5 all_say 200 false
stop_sluice

# ---- the upstream -------------------------------------------------------------------
start_sluice one SLUICE_REQUESTS=4 SLUICE_WINDOW_S=60 SLUICE_QUEUE_MAX=10 SLUICE_READY_PROBE_S=1 \
    SLUICE_READY_TOKENS_PERCENT=90 # which takes the bucket most of a minute
ask /health/ready
is "it is ready" 200 "$status"
kill -STOP "$sim_pid"
check "an upstream that is stopped is not reachable" wait_for 5 ready_is 503 upstream_reachable false
is "the rest is healthy" "true true" "$(field queue_healthy) $(field token_bucket_healthy)"
has "the reason is told" "$(field reason)" 'within 1 s \(ready.probe_s\)'
ask /health/ready -o /dev/null
at_most "it is told soon" 8 "$(curl -s -o /dev/null -w '%{time_total}' "$url/health/ready")"
ask /health
is "health itself does not care" 200 "$status"
kill -CONT "$sim_pid"
check "it is ready again" wait_for 5 ready_is 200 upstream_reachable true

# ---- the bucket, the queue ----------------------------------------------------------
for _ in 1 2 3 4; do chat sim/tokens-1; done
check "an empty bucket is not healthy" ready_is 503 token_bucket_healthy false
has "the reason is told" "$(field reason)" 'bucket.*ready.tokens_percent'
is "the queue is" true "$(field queue_healthy)"
eight_wait() { [ "$(curl -s "$url/api/queue" | jq '.waiting | length')" = 8 ]; }
for i in 1 2 3 4 5 6 7 8 9; do
    curl -s -o /dev/null --max-time 60 "$url/v1/chat/completions" -H 'Content-Type: application/json' \
        -d "{\"model\":\"sim/q$i\",\"messages\":[]}" &
    clients+=($!)
    [ "$i" = 8 ] || continue
    wait_for 5 eight_wait
    check "eight waiters of ten are healthy" ready_is 503 queue_healthy true
done
check "nine are not" wait_for 5 ready_is 503 queue_healthy false
kill "${clients[@]}" 2>/dev/null
kill -TERM "$sim_pid"
wait "$sim_pid" 2>/dev/null
check "an upstream that is gone is not reachable" wait_for 5 ready_is 503 upstream_reachable false
refused_is_told() { ask /health/ready && grep -q "no upstream can be reached: nim: .*connect" <<<"$(field reason)"; }
check "which is told at once, and as what it is" wait_for 5 refused_is_told
stop_sluice

# ---- a name that nobody knows --------------------------------------------------------
start_sluice name SLUICE_UPSTREAM_URL=https://no-such-host.invalid SLUICE_READY_PROBE_S=30
ask /health/ready
has "a name that nobody knows is told so" "$(field reason)" 'no upstream can be reached: nim: .*resolve'
at_most "without a wait for ready.probe_s" 8 "$(curl -s -o /dev/null -w '%{time_total}' "$url/health/ready")"
stop_sluice

# ---- the key --------------------------------------------------------------------------
start_sim --limiter none
start_sluice key NVIDIA_API_KEY=nvapi-test
ask /health/ready
is "with a key of ours nothing is known of it: the list needs none" "200 null" "$status $(field upstream_key_ok)"
chat sim/tokens-1
key_is_fine() { ready_is 200 upstream_key_ok true; }
check "after a first answer it is said to be fine" wait_for 5 key_is_fine
finish
