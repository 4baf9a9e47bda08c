#!/bin/bash
# An operator changes settings, pauses, cancels and reloads: in every worker,
# all or nothing, kept across restarts, and with the admin token only.
# CONTROL_S: for so long two write and ten read (2).
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for and check
. "$(dirname "$0")/lib.sh"

admin() { # admin METHOD PATH [BODY] [CURL-OPTION...]
    local method=$1 path=$2 data=${3-}
    shift 2
    [ $# = 0 ] || shift
    ask "$path" -X "$method" -H "Authorization: Bearer $token" --data-raw "$data" "$@"
}
# Questions that come together are spread over the workers.
together() { # together PATH [CURL-CONFIG-LINE...]: 16 answers
    local path=$1 i
    shift
    for ((i = 0; i < 16; i++)); do
        ((i == 0)) || echo next
        printf '%s\n' "url = \"$url$path\"" silent "$@"
    done | curl -Z --parallel-immediate --parallel-max 16 -K - 2>/dev/null
}
values() { together /api/config | jq -c --arg k "$1" '.[$k] | [.value, .source]' | sort -u | xargs; }
came() { [ "$(stat accepted)" -ge "$1" ]; }
same() { [ "$("${@:2}")" = "$1" ]; }
soon() { # soon "sentence" WANT COMMAND...: it holds, or will in a moment
    wait_for 10 same "${@:2}"
    is "$1" "$2" "$("${@:3}")"
}
rows() { curl -s "$url/api/queue" | jq "$1"; }
are_waiting() { [ "$(rows '.waiting | length')" = "$1" ]; }
are_running() { [ "$(rows '.running | length')" = "$1" ]; }
control_lines() { grep -c "\"event\":\"control\".*\"action\":\"$1\"" "$work/log"; }

conf=$work/sluice.json
echo '{"queue":{"timeout_s":120},"heartbeat_s":7}' >"$conf"
start_sim --limiter none
server() {
    start_sluice main SLUICE_CONFIG="$conf" SLUICE_WORKERS=4 SLUICE_REQUESTS=12 SLUICE_WINDOW_S=1 \
        SLUICE_MARGIN_MS=100 SLUICE_LOG="$work/log" SLUICE_READ_TOKEN=only-reading
}
server
token=$(cat "$state/admin.token")

# ---- the token ---------------------------------------------------------------------
is "a token is made, for us alone" "600 65" "$(command stat -c '%a %s' "$state/admin.token")"
before=$(curl -s "$url/api/config")
for try in "PATCH /api/config" "POST /api/pause" "POST /api/resume" "POST /api/retreat/clear" "POST /api/reload" "DELETE /api/queue/x"; do
    for auth in "" "Authorization: Bearer only-reading" "Authorization: Bearer ${token%?}" "Authorization: $token"; do
        ask "${try#* }" -X "${try% *}" -H "$auth" --data-raw '{"queue.max":9}'
        is "$try with \"${auth:0:24}\" is 401" 401 "$status"
    done
done
is "nothing has changed by that" "$before" "$(curl -s "$url/api/config")"
is "nobody has paused" null "$(curl -s "$url/api/status" | jq .paused)"
ask /api/config -X PUT --data-raw '{}'
is "PUT is 405" 405 "$status"
is "and says what there is" "GET, HEAD, PATCH" "$(header Allow)"
admin PATCH /api/config '{"queue.max":9}' -H 'Origin: https://evil.example'
is "a strange page gets 403, token or not" 403 "$status"
admin PATCH /api/config '{"queue.max":9}' -H 'Host: evil.example'
is "so does a strange name" 403 "$status"

# ---- what it tells -----------------------------------------------------------------
is "a number has its range" '{"value":500,"default":500,"type":"count","min":1,"max":4096,"live":true,"reload":false,"source":"default"}' \
    "$(jq -c '.["queue.max"]' <<<"$before")"
is "a time has its unit" '{"value":7,"default":10,"type":"seconds","min":0.1,"max":600,"unit":"s","live":true,"reload":false,"source":"file"}' \
    "$(jq -c '.heartbeat_s' <<<"$before")"
is "an upstream's has its name" '[12,"env",true]' "$(jq -c '.["upstreams.nim.requests"] | [.value, .source, .live]' <<<"$before")"
is "a word has its words" '["loopback",["loopback","private","any","no"],true]' "$(jq -c '.anonymous | [.value, .words, .reload]' <<<"$before")"
is "no secret is told of" 0 "$(grep -cE "token_file|key_file\"|only-reading|$token" <<<"$before")"

# ---- what is refused ------------------------------------------------------------------
refused() { # refused STATUS PATTERN BODY
    admin PATCH /api/config "$3"
    is "${3:0:40} is $1" "$1" "$status"
    has "${3:0:40}: it says why" "$(jq -r .error.message <<<"$body")" "$2"
}
refused 400 'queue.maxx: unknown key' '{"queue.maxx":1}'
refused 400 'upstreams.other.requests: unknown key' '{"upstreams.other.requests":1}'
refused 400 'queue.max: .*must be a whole number from 1 to 4096' '{"queue.max":"100"}'
refused 400 'queue.max: 0 is refused; must be a whole number from 1 to 4096' '{"queue.max":0}'
refused 400 'queue.max: .*from 1 to 4096' '{"queue.max":1e300}'
refused 400 'queue.max: 5.5 is refused; must be a whole number' '{"queue.max":5.5}'
refused 400 'buffered_keepalive: .*must be true or false' '{"buffered_keepalive":1}'
refused 400 'commit_after_s: .*from 0 to 600' '{"queue.max":9,"commit_after_s":601}'
refused 400 'upstreams.nim.burst: 13 is more than SLUICE_REQUESTS; must be from 1 to 12' '{"upstreams.nim.burst":13}'
refused 400 'upstreams.nim.base_url: cannot be changed live' '{"queue.max":9,"upstreams.nim.base_url":"http://evil.example"}'
refused 400 'anonymous: cannot be changed live; .*reload reads, or at the start as SLUICE_ANONYMOUS' '{"anonymous":"any"}'
refused 400 'is given twice' '{"queue.max":9,"queue.max":10}'
refused 400 'not shown.*unknown key' '{"nvapi-Pasted1":9}'
refused 400 'must be one JSON object' '[9]'
refused 400 'the body: ' '{"queue.max":9'
refused 400 'the body: ' "{'queue.max':9}"
refused 400 'the body: ' '{"queue.max":9} {"queue.max":10}'
refused 400 'the body: must be one JSON object' ''
printf '{"queue.max":9,"x":"\xff"}' >"$work/not-utf8"
printf '{"queue.max":9}\0' >"$work/zero"
{ printf '{"queue.max":9,"x":"' && head -c 1000000 /dev/zero | tr '\0' x && printf '"}'; } >"$work/large"
for bad in not-utf8:400 zero:400 large:413; do
    admin PATCH /api/config '' --data-binary "@$work/${bad%:*}"
    is "${bad%:*} is ${bad#*:}" "${bad#*:}" "$status"
done
is "nothing has changed by all that" "$before" "$(curl -s "$url/api/config")"
check "nothing is kept" test ! -e "$state/settings.json"
admin POST /api/retreat/clear '{"upstream":"other"}'
is "to clear what there is not is 400" 400 "$status"
admin POST /api/retreat/clear '{"model":"\u0000"}'
is "nor is a name that is empty up to a zero" 400 "$status"
admin POST /api/retreat/clear '{"upstream":"nim"}'
is "to clear what there is is fine" '200 {"cleared":true}' "$status $body"
admin POST /api/pause '[]'
is "a pause with nonsense is 400" 400 "$status"

# ---- a change under load ----------------------------------------------------------------
used() { curl -s "$url/api/status" | jq -c '.limits[0] | [.requests, .burst]'; }
many 100 "$work/load" &
job=$!
wait_for 20 came 20
admin PATCH /api/config '{"upstreams.nim.requests":4,"queue.max":400}'
changed=$(stat now_ns)
is "a change is answered with what is in force" '200 [4,live,40] [400,live,500]' \
    "$status $(jq -c '.["upstreams.nim.requests", "queue.max"] | [.value, .source, .default]' <<<"$body" | xargs)"
soon "every worker has it as soon as it is answered" '[400,live]' values queue.max
is "it is kept, for us alone" '600 {"queue.max":400,"upstreams.nim.requests":4}' \
    "$(command stat -c %a "$state/settings.json") $(jq -cS . "$state/settings.json")"
# From a window after it on, nine at 4 in 1.1 s take two spans; at 12 less than one.
later() { curl -s "$sim/sim/arrivals" | jq --argjson t "$changed" '[.arrivals[].t_ns | select(. > $t + 1100000000)] | '"$1"; }
nine_came() { [ "$(later length)" -ge 9 ]; }
wait_for 30 nine_came
at_least "one window later they come at the new rate (ms for nine)" 1600 "$(later '(.[8] - .[0]) / 1e6')"
admin PATCH /api/config '{"upstreams.nim.requests":1000}'
wait $job
is "nobody is lost by it" 100 "$(grep -c '^200' "$work/load")"

# ---- it survives --------------------------------------------------------------------------
admin PATCH /api/config '{"upstreams.nim.requests":5}'
stop_sluice
server
is "the token is the same" "$token" "$(cat "$state/admin.token")"
soon "a change survives a restart" '[5,live]' values upstreams.nim.requests
soon "the limiter has it" "[5,5]" used
rm "$state/sluice.state"
recovered() { curl -s "$url/api/status" | jq -e '.counters.state_recoveries >= 1'; }
check "a lost state file is replaced" wait_for 10 recovered
soon "a change survives that" "[5,5]" used
admin PATCH /api/config '{"queue.max":401}'
is "and changes go on" 200 "$status"
soon "in all workers" '[401,live]' values queue.max
victim=$(workers | head -n 1)
kill -KILL "$victim"
four_live() { [ "$(workers | wc -l)" = 4 ]; }
replaced() { four_live && ! workers | grep -qx "$victim"; }
check "lighttpd starts another worker" wait_for 20 replaced
soon "a new worker has them" '[401,live]' values queue.max
echo '{"generation":99,"file":7' >"$state/adopted.json"
is_sound() { jq -e .live "$state/adopted.json"; }
check "a torn text is put right" wait_for 10 is_sound
soon "by what was in force" '[401,live]' values queue.max
admin PATCH /api/config '{"queue.max":null,"upstreams.nim.requests":null}'
is "null is fine" 200 "$status"
soon "it takes a change back" '[500,default]' values queue.max
soon "and another" '[12,env]' values upstreams.nim.requests

# ---- reload -------------------------------------------------------------------------------
admin PATCH /api/config '{"heartbeat_s":3}'
echo '{"queue":{"timeout_s":110},"heartbeat_s":8,"hosts":["sluice.example"],"drain_s":9}' >"$conf"
admin POST /api/reload
is "a reload is 200" 200 "$status"
has "it warns of what a live change overrides" "$(jq -r '.warnings[]' <<<"$body")" '^heartbeat_s: .*live change'
# SLUICE_DRAIN_S wins over the file here, so that one is no surprise.
is "and of nothing else" 1 "$(jq '.warnings | length' <<<"$body")"
soon "all workers have the file" '[110,file]' values queue.timeout_s
soon "and the live change" '[3,live]' values heartbeat_s
together /api/status 'header = "Host: sluice.example"' 'output = "/dev/null"' 'write-out = "%{http_code}\n"' >"$work/hosts"
is "hosts too" 16 "$(grep -cx 200 "$work/hosts")"
echo '{"queue":{"timeout_s":100},"state_dir":"/elsewhere","max_body_mb":3}' >"$conf"
admin POST /api/reload
has "it warns of what needs a restart" "$(jq -r '.warnings[]' <<<"$body")" '^max_body_mb: has changed; this needs a restart'
soon "which stays as it is" '[25,default]' values max_body_mb
before=$(curl -s "$url/api/config")
echo '{"queue":{"timeout_s":90,"max":0}}' >"$conf"
admin POST /api/reload
is "a file that is wrong is 400" 400 "$status"
has "and told" "$(jq -r .error.message <<<"$body")" 'queue.max: 0 is refused; must be'
is "nothing changes by it" "$before" "$(curl -s "$url/api/config")"
echo '{"queue":{"timeout_s":80}}' >"$conf"
worker=$(workers | tail -n 1)
mv "$work/log" "$work/log.1"
kill -HUP "$worker"
soon "SIGHUP of one reloads all" '[80,file]' values queue.timeout_s
four_write() { [ "$(jq .pid "$work/log" | sort -u | wc -l)" = 4 ]; }
check "all workers write to the new log" wait_for 10 four_write
size=$(wc -c <"$work/log.1")
many 24 "$work/rotated"
all_logged() { [ "$(grep -c '"event":"request"' "$work/log")" = 24 ]; } # they leave with others
check "each request has a line in the new one" wait_for 5 all_logged
is "and none to the old one" "24 $size" "$(grep -c '"event":"request"' "$work/log") $(wc -c <"$work/log.1")"
echo '{' >"$conf"
mv "$work/log" "$work/log.2"
kill -HUP "$worker"
check "the log is rotated even if the file is wrong" wait_for 10 four_write
echo '{}' >"$conf"
admin POST /api/reload
admin PATCH /api/config '{"heartbeat_s":null}'

# ---- pause ----------------------------------------------------------------------------------
admin PATCH /api/config '{"upstreams.nim.requests":200,"upstreams.nim.window_s":2,"upstreams.nim.min_gap_ms":20}'
curl -s -X POST "$sim/sim/reset" >/dev/null
many 200 "$work/paused" &
job=$!
wait_for 20 came 30
admin POST /api/pause
paused=$(stat now_ns)
is "a pause is 200" '200 {"paused":true}' "$status $body"
is "all workers say so" 1 "$(together /api/status | jq -c '.paused.by' | sort -u | wc -l)"
is "so do the metrics" 1 "$(curl -s "$url/metrics" | sed -n 's/^sluice_paused //p')"
is "and by whom" '"127.0.0.1"' "$(curl -s "$url/api/status" | jq .paused.by)"
sleep 1.5 # without a pause 75 would have gone
late_ms=$(curl -s "$sim/sim/arrivals" | jq --argjson t "$paused" '[.arrivals[].t_ns, $t] | (max - $t) / 1e6')
at_most "nothing is sent any more (ms after it)" 1000 "$late_ms"
at_most "not even a few" 8 "$(curl -s "$sim/sim/arrivals" | jq --argjson t "$paused" '[.arrivals[] | select(.t_ns > $t)] | length')"
at_least "the others wait" 50 "$(rows '.waiting | length')"
is "and cannot be told how long" null "$(rows '.waiting[0].eta_s')"
chat sim/tokens-1 '' -H 'X-Sluice-Deadline: 1'
is "whose deadline passes is told of the pause" '503 "sluice_paused"' "$status $(jq .error.code <<<"$body")"
admin POST /api/pause
is "a second pause changes nothing" 200 "$status"
sent=$(stat accepted)
admin POST /api/resume
is "it goes on" '200 {"paused":false}' "$status $body"
check "at once" wait_for 10 came $((sent + 1))
wait $job
is "with nobody lost" 200 "$(grep -c '^200' "$work/paused")"
is "and each sent once" 200 "$(stat accepted)"
is "the metrics say that it goes on" 0 "$(curl -s "$url/metrics" | sed -n 's/^sluice_paused //p')"
printf 'control: the last arrival %s ms after the pause was answered\n' "$late_ms"
admin POST /api/pause
old=$(workers)
for p in $old; do kill -KILL "$p"; done
four_new() { four_live && ! workers | grep -qxF "$old"; }
check "all workers are new" wait_for 20 four_new
paused_by() { curl -s "$url/api/status" | jq -c .paused.by; }
soon "a pause survives the death of all workers" '"127.0.0.1"' paused_by
admin POST /api/resume
chat sim/tokens-1
is "and ends" 200 "$status"

# ---- cancel ---------------------------------------------------------------------------------
admin PATCH /api/config '{"upstreams.nim.in_flight":2,"upstreams.nim.min_gap_ms":0}'
client() { # client FILE MODEL STREAM
    curl -s -o "$work/$1.body" -w '%{http_code}' --max-time 60 -D "$work/$1.head" "$url/v1/chat/completions" \
        -H 'Content-Type: application/json' -d "{\"model\":\"$2\",\"stream\":$3,\"messages\":[]}" >"$work/$1.code" &
    clients+=($!)
}
client buffered sim/slow-50000 false
wait_for 10 are_running 1
client stream sim/stream-1000-50 true
wait_for 10 are_running 2
client waiter sim/tokens-1 false
wait_for 10 are_waiting 1
wait_for 10 test -s "$work/stream.body"
id_of() { rows ".waiting + .running | .[] | select(.model == \"$1\") | .id" | tr -d '"'; }
admin DELETE "/api/queue/$(id_of sim/tokens-1)"
is "a waiter is cancelled" '200 {"cancelled":1}' "$status $body"
admin DELETE "/api/queue/$(id_of sim/slow-50000)"
is "so is one that runs" '200 {"cancelled":1}' "$status $body"
stream_id=$(id_of sim/stream-1000-50)
admin DELETE "/api/queue/$stream_id"
is "and a stream" '200 {"cancelled":1}' "$status $body"
wait "${clients[@]}"
for who in waiter buffered; do
    is "$who: 503" 503 "$(cat "$work/$who.code")"
    is "$who: its code" sluice_cancelled "$(jq -r .error.code "$work/$who.body")"
    is "$who: it shall not come again" false "$(tr -d '\r' <"$work/$who.head" | sed -n 's/^x-should-retry: //Ip')"
done
has "the stream ends with an error" "$(tail -n 3 "$work/stream.body")" '^data: \{"error":.*sluice_cancelled'
wait_for 10 are_running 0
is "nothing runs or waits" "0 0" "$(rows '.running | length') $(rows '.waiting | length')"
soon "the upstream is rid of both" 0 stat open
admin DELETE "/api/queue/$stream_id"
is "what is over is 404" 404 "$status"
chat sim/tokens-1
is "its slot is free" 200 "$status"
# Any worker can be asked: eight waiters, on four of them.
admin POST /api/pause
many 8 "$work/eight" &
job=$!
wait_for 10 are_waiting 8
for id in $(rows '.waiting[].id' | tr -d '"'); do
    admin DELETE "/api/queue/$id"
    echo "$status"
done >"$work/deleted"
wait $job
is "eight are cancelled from wherever" "8 8" "$(grep -cx 200 "$work/deleted") $(grep -c '^503' "$work/eight")"
admin POST /api/resume

# ---- two write, ten read ----------------------------------------------------------------------
until_s=$((SECONDS + ${CONTROL_S:-2}))
writer() { # writer FROM
    local n=$1
    while ((SECONDS < until_s)); do
        n=$((n + 1))
        curl -s -o /dev/null -w '%{http_code}\n' -X PATCH -H "Authorization: Bearer $token" "$url/api/config" \
            -d "{\"queue.max\":$n,\"queue.per_client\":$n,\"upstreams.nim.requests\":$n}"
    done >"$work/writer.$1"
}
reader() {
    while ((SECONDS < until_s)); do
        curl -s "$url/api/config" | jq -c '[.["queue.max", "queue.per_client", "upstreams.nim.requests"].value]'
    done >"$work/reader.$1"
}
helpers=()
for n in 1000 2000; do writer $n & helpers+=($!); done
for n in {1..10}; do reader "$n" & helpers+=($!); done
wait "${helpers[@]}"
is "every write is answered with 200" 0 "$(cat "$work"/writer.* | grep -cvx 200)"
is "no read is torn" 0 "$(cat "$work"/reader.* | jq -c 'select(.[0] != .[1] or (.[0] != .[2] and .[0] > 500) or length != 3)' | wc -l)"
last=$(jq '.["queue.max"]' "$state/settings.json")
limit() { curl -s "$url/api/status" | jq '.limits[0].requests'; }
soon "all workers have the last one" "[$last,live]" values queue.max
soon "and have it whole" "[$last,live]" values queue.per_client
soon "the limiter too" "$last" limit
printf 'control: %s writes, %s reads, none torn\n' "$(cat "$work"/writer.* | wc -l)" "$(cat "$work"/reader.* | wc -l)"

# ---- granted, and not on the wire -----------------------------------------------------------
stop_sluice
main_log=$log main_out=$out
kill -STOP "$sim_pid" # its door is open, but it says nothing: TLS hangs
start_sluice hangs SLUICE_UPSTREAM_URL="https${sim#http}" SLUICE_WORKERS=2 SLUICE_LOG="$work/log.3"
token2=$(cat "$state/admin.token")
curl -s -o "$work/hangs" --max-time 60 "$url/v1/chat/completions" -H 'Content-Type: application/json' -d '{"model":"m","messages":[]}' &
job=$!
wait_for 10 are_running 1
curl -s -o /dev/null -X POST -d '' -H "Authorization: Bearer $token2" "$url/api/pause"
check "a pause takes it back into line" wait_for 5 are_waiting 1
is "nothing of it was sent" 0 "$(curl -s "$url/api/status" | jq .counters.sent)"
curl -s -o /dev/null -X POST -d '' -H "Authorization: Bearer $token2" "$url/api/resume"
check "and lets it go again" wait_for 5 are_running 1
kill "$job"
kill -CONT "$sim_pid"
stop_sluice

# ---- the log ----------------------------------------------------------------------------------
cat "$work"/log.? >>"$work/log"
for action in pause resume cancel clear reload patch; do
    at_least "$action is logged" 1 "$(control_lines $action)"
done
has "with who did it" "$(grep '"action":"cancel"' "$work/log" | head -n 1)" '"remote":"127.0.0.1","token":"admin"'
is "the token is in no log" 0 "$(cat "$work/log" "$main_log" "$main_out" "$log" "$out" | grep -cE "$token|$token2")"
finish
