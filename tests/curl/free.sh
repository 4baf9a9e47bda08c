#!/bin/bash
# Without a key of ours each client asks the upstream for its models itself:
# free of charge, in no line, without a place in the shared state.  Whatever
# the upstream does then, and whatever an operator orders meanwhile, no worker
# dies of it, and everybody gets an answer.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for and check
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
port=${sim##*:}
start_sluice main SLUICE_WORKERS=2 SLUICE_REQUESTS=1000
token=$(cat "$state/admin.token")
stderr_may='^sluice: practice'

operator() { curl -s -o /dev/null -X POST -d '' -H "Authorization: Bearer $token" "$url/api/$1"; }
orders() { curl -s -o /dev/null -X PATCH -d "$1" "$sim/sim/config"; }
same() { [ "$("${@:2}")" = "$1" ]; }

# models COUNT NAME [CURL-CONFIG-LINE...]: COUNT questions, 200 at once; each
# answer goes to a file, NAME.codes gets its status, method and exit code.
models() {
    local count=$1 to=$work/$2 i
    shift 2
    for ((i = 0; i < count; i++)); do
        ((i == 0)) || echo next
        printf '%s\n' "url = \"$url/v1/models$([ $((i % 3)) = 2 ] && echo /sim/echo)\"" silent \
            'max-time = 25' 'write-out = "%{http_code} %{method} %{exitcode}\n"' "$@"
        if [ $((i % 4)) = 3 ]; then
            printf 'head\noutput = "/dev/null"\n'
        else
            echo "output = \"$to.$i\""
        fi
    done >"$to.conf"
    curl -Z --parallel-immediate --parallel-max 200 -K "$to.conf" 2>/dev/null >"$to.codes"
}
json() { # json NAME: of its answers with a body, how many are JSON
    jq -r 'select(.error.message // .data // .id) | input_filename' "$work/$1".[0-9]* 2>/dev/null | sort -u | wc -l
}
codes() { sort "$work/$1.codes" | cut -d' ' -f1 | uniq -c | xargs; }
# Streams in both workers: they are cut should one of them die.
streams() {
    local i
    for ((i = 0; i < 8; i++)); do
        curl -sN --max-time 40 "$url/v1/chat/completions" -H 'Content-Type: application/json' \
            -d '{"model":"sim/stream-'"$1"'-50","stream":true,"messages":[]}' >"$work/stream.$i" &
        jobs_open+=($!)
    done
}
jobs_open=()
two_workers() { [ "$(workers | wc -l)" = 2 ]; }
wait_for 10 two_workers
before=$(workers | xargs)
streams 160

# ---- an upstream that fails, and an operator who pauses --------------------------
orders '{"free":["429","500","reset","","500","429","reset","reset","500","429","500"]}'
models 600 failing &
asking=$!
while kill -0 $asking 2>/dev/null; do
    operator pause
    sleep 0.1
    operator resume
    sleep 0.1
done
is "all are answered: $(codes failing)" 600 "$(grep -cE '^(200|429|50[0-4]) [A-Z]+ 0$' "$work/failing.codes")"
is "in JSON, of ours or the upstream's" 450 "$(json failing)"
at_least "some by a later try" 60 "$(grep -c '^200' "$work/failing.codes")"
is "no worker has died" "$before" "$(workers | xargs)"
asked=$(stat models)
at_most "nobody asks more than retry.max times, and once more where a kept connection was dead" 2400 "$asked"

# ---- one that is too busy for all of its time --------------------------------------
orders '{"free":["429"]}'
ask /v1/models
is "who cannot be helped by waiting is told" "429 false" "$status $(jq 'has("data")' <<<"$body")"
is "after retry.max tries" $((asked + 3)) "$(stat models)"
orders '{"free":["429","429",""]}'
ask /v1/models
is "who can be, waits" "200 list" "$status $(jq -r .object <<<"$body")"

# ---- none at all -----------------------------------------------------------------
arrived=$(stat accepted)
kill "$sim_pid"
wait "$sim_pid" 2>/dev/null
models 400 refused
is "all are told that nobody listens: $(codes refused)" 400 "$(grep -cE '^502 [A-Z]+ 0$' "$work/refused.codes")"
is "in JSON of ours" 300 "$(json refused)"
is "no worker has died of that" "$before" "$(workers | xargs)"
start_sim --limiter none --listen "127.0.0.1:$port"
models 20 back
is "when it is back, it is asked" "20 200" "$(codes back)"
is "none of these took a slot" "8 0" "$arrived $(stat accepted)"
is "nor does one wait or run" "0" "$(curl -s "$url/api/queue" | jq '[.waiting, .running] | flatten | map(select(.model == "")) | length')"

for job in "${jobs_open[@]}"; do wait "$job"; done
# Their upstream ended under them; had a worker died, they would have no end at all.
is "streams of the same workers had their end" 8 "$(grep -lE '^data: (\[DONE\]|\{"error")' "$work"/stream.* | wc -l)"
stop_sluice

# ---- a pause while it connects ------------------------------------------------------
kill -STOP "$sim_pid" # its door is open, but it says nothing: TLS hangs
start_sluice hangs SLUICE_UPSTREAM_URL="https${sim#http}" SLUICE_WORKERS=1
token=$(cat "$state/admin.token")
before=$(workers | xargs)
ask /v1/models &
asking=$!
connects() { grep -q " 0100007F:$(printf %04X "$port") 01 " /proc/net/tcp; }
check "a question is on its way" wait_for 10 connects
operator pause
is "a pause does not end the worker" "$before" "$(workers | xargs)"
check "nor the question, which needs no slot" kill -0 $asking
kill -CONT "$sim_pid"
ask /v1/models
is "it is told of the failure, paused or not" "502 sluice_upstream_unreachable" "$status $(jq -r .error.code <<<"$body")"
wait $asking
operator resume
is "the worker lives" "$before" "$(workers | xargs)"
finish
