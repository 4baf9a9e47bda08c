#!/bin/bash
# sluicectl: what it shows is what /api/ shows, what it changes is changed for
# all workers, and what it cannot do it says, with a status of its own.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice main SLUICE_REQUESTS=2 SLUICE_WINDOW_S=60 SLUICE_WORKERS=2 SLUICE_DATA_DIR="$work/data"

ctl() { # its words go to $said, what it says of errors too; its status to $rc
    said=$(env SLUICE_DATA_DIR="$work/data" SLUICE_STATE_DIR="$state" "$build/sluicectl" "$@" 2>&1)
    rc=$?
}
setting() { curl -s "$url/api/config" | jq -r ".\"$1\" | \"\(.value) \(.source)\""; }
waiting() { [ "$(curl -s "$url/api/queue" | jq '.waiting | length')" = "$1" ]; }
ask_one() { # ask_one NAME: in the background
    curl -s -o "$work/$1" -w '%{http_code}' --max-time 60 "$url/v1/chat/completions" -H 'Content-Type: application/json' \
        -d "{\"model\":\"sim/tokens-3\",\"messages\":[]}" >"$work/$1.status" &
}
has_status() { [ "$(cat "$work/$1.status" 2>/dev/null)" = "$2" ]; }

# ---- looking ------------------------------------------------------------------
for n in 1 2; do chat sim/tokens-3; done
for n in a b c; do
    ask_one $n
    wait_for 5 waiting "$(case $n in a) echo 1 ;; b) echo 2 ;; c) echo 3 ;; esac)"
done
ctl status --json
is "status --json succeeds" 0 $rc
is "status --json is the page's" 3 "$(jq .queue.waiting <<<"$said")"
ctl queue
is "queue shows who waits" 3 "$(grep -c sim/tokens-3 <<<"$said")"
is "positions count from 1" "1 2 3" "$(awk '$1 ~ /^[0-9]+$/ { print $1 }' <<<"$said" | paste -sd ' ')"
id=$(awk '$1 == 1 { print $NF }' <<<"$said")
has "why each does has a column" "$(head -n 1 <<<"$said")" ' ETA +WHY +CLIENT'
is "with the word of the page" 3 "$(grep -cE ' s +window +' <<<"$said")"
ctl status
has "status says for what they wait, and until when" "$said" '^3 wait for the window of nim: the next goes in [0-9.]+ s'
has "the last one's window is the next" "$said" ', the last in [0-9]'
ctl top
is "top succeeds" 0 $rc
has "without a terminal it is one page" "$said" '3 waiting'
is "with the window" 1 "$(grep -c '2 of 2 in' <<<"$said")"
said=$(SLUICE_STATE_DIR=$state timeout 20 script -qec "stty rows 12 cols 100; $build/sluicectl top" /dev/null < <(
    sleep 0.2
    printf q
))
is "on a terminal q ends it" 0 $?
has "it leaves the terminal as it was" "$said" '1049l'

# ---- names that a terminal would obey ------------------------------------------
odd=$'sim/\u009b31mRED\u007f\u0085\u202ertl\u2028x\u2066'
raw=$'\xc2[\x80-\x9f]|\x7f|\x1b|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]'
raw_in() { printf '%s' "$1" | LC_ALL=C grep -acE "$raw"; }
curl -s -o /dev/null --max-time 60 "$url/v1/chat/completions" -H 'Content-Type: application/json' \
    -H 'X-Sluice-Priority: low' -d "{\"model\":\"$odd\",\"messages\":[]}" &
odd_pid=$!
wait_for 5 waiting 4
ctl status --json
has "status --json knows it" "$said" 'u009b31mRED.u007f.u0085.u202ertl.u2028x.u2066'
is "and escapes it" 0 "$(raw_in "$said")"
is "it is the same name" "$odd" "$(jq -r '[.. | .model? // empty | select(test("RED"))][0]' <<<"$said")"
is "so does /api/status" 0 "$(raw_in "$(curl -s "$url/api/status")")"
is "and /api/queue" 0 "$(raw_in "$(curl -s "$url/api/queue")")"
for page in status queue top; do
    ctl $page
    is "$page shows nothing that a terminal obeys" 0 "$(raw_in "$said")"
done
ctl cancel "$(curl -s "$url/api/queue" | jq -r '.waiting[] | select(.model | test("RED")).id')"
is "it is cancelled" "0 cancelled" "$rc $said"
wait $odd_pid
check "the log tells of it" wait_for 5 grep -q RED "$log" "$out"
is "and escapes it" 0 "$(raw_in "$(grep -h RED "$log" "$out")")"

# ---- the token goes to the worker alone -----------------------------------------
said=$(env SLUICE_DATA_DIR="$work/data" SLUICE_STATE_DIR="$state" no_proxy= NO_PROXY= http_proxy="$sim" HTTP_PROXY="$sim" \
    https_proxy="$sim" HTTPS_PROXY="$sim" all_proxy="$sim" ALL_PROXY="$sim" "$build/sluicectl" status --json 2>&1)
is "no proxy of the environment is asked" 3 "$(jq .queue.waiting <<<"$said")"

# ---- one request ----------------------------------------------------------------
ctl cancel "$id"
is "a waiting one is cancelled" "0 cancelled" "$rc $said"
check "its client is told" wait_for 5 has_status a 503
has "by its code" "$(cat "$work/a")" sluice_cancelled
ctl cancel nobody-has-this-id
is "one that is not there is not" 1 $rc
has "and that is said" "$said" '^sluicectl: .'

# ---- settings -------------------------------------------------------------------
ctl set queue.max=77 upstreams.nim.requests=3 buffered_keepalive=true
is "set succeeds" 0 $rc
has "it says what holds now" "$said" '^queue.max = 77 \(live\)$'
is "it does" "77 live" "$(setting queue.max)"
check "one more goes" wait_for 5 has_status b 200
ctl set queue.max=78 queue.per_client=0
is "one wrong value refuses all" 1 $rc
has "by its name" "$said" 'queue.per_client.*from 1 to 4096'
is "nothing has changed" "77 live" "$(setting queue.max)"
ctl set queue.max=
is "an empty value undoes it" "500 default" "$(setting queue.max)"
for pair in upstreams.nim.window_s=1:30 queue.max=1,000 queue.timeout_s=15x queue.max=4O queue.max=1e2 buffered_keepalive=1 \
    upstreams.nim.requests=40s queue.max_mb=64m; do
    before=$(setting "${pair%%=*}")
    ctl set "$pair"
    is "$pair: half a value is none" 1 $rc
    has "and that is said" "$said" "^sluicectl: ${pair%%=*}: ${pair#*=} is refused; .*must be "
    is "nothing has changed" "$before" "$(setting "${pair%%=*}")"
done
ctl set queue.timeout_s=15m upstreams.nim.margin_ms=1.5s timeouts.idle_s=250ms heartbeat_s=0.1
is "times may have a unit" 0 $rc
is "which is turned into the setting's own" "900 live, 1500 live, 0.25 live, 0.1 live" \
    "$(for k in queue.timeout_s upstreams.nim.margin_ms timeouts.idle_s heartbeat_s; do setting $k; done | paste -sd, | sed 's/,/, /g')"
ctl set queue.timeout_s= upstreams.nim.margin_ms= timeouts.idle_s= heartbeat_s=
is "and undone" 0 $rc
ctl set window_s=30
is "an unknown key is refused" 1 $rc
has "with the one that is meant" "$said" 'window_s: unknown key; the nearest known one is upstreams.nim.window_s'
ctl set queue.max
is "no value at all is wrong usage" 2 $rc

# ---- all of it ------------------------------------------------------------------
ctl pause
is "pause" "0 paused" "$rc $said"
ctl status
has "status says so" "$said" '^paused for .*, by 127.0.0.1'
is "is seen" false "$(curl -s "$url/api/status" | jq '.paused == null')"
ctl resume
is "resume" "0 resumed" "$rc $said"
is "is seen, too" true "$(curl -s "$url/api/status" | jq '.paused == null')"

# ---- clear: only what is there, only if it is wanted, and only what has gone ----
ctl clear
is "with nothing held" "0 nothing to end: no retreat or hold" "$rc $said"
ctl clear nim
is "or nothing of that one" "0 nothing to end: no retreat or hold of nim" "$rc $said"
ctl clear nobody
is "an upstream that is not there" "1 sluicectl: nothing was ended: there is no upstream of that name here: nobody" "$rc $said"
ctl clear nim sim/nobody
is "a model that is not there" "1 sluicectl: nothing was ended: there is no model of that name here: sim/nobody at nim" "$rc $said"
ctl clear nim sim/tokens-3
is "a model that is not held" "0 nothing to end: no bench, ceiling or retreat of sim/tokens-3" "$rc $said"
ctl clear a b c
is "three names are wrong usage" 2 $rc
ctl clear --force
is "so is an option that is none" 2 $rc
first_state=$state first_url=$url
start_sluice held SLUICE_REQUESTS=50
held() { # held COMMAND...: of this one
    said=$(SLUICE_STATE_DIR=$state "$build/sluicectl" "$@" 2>&1)
    rc=$?
}
retreats() { curl -s "$url/api/status" | jq -r '[.limits[], .models[] | select(.retreat.state != "normal")] | length'; }
benched() { curl -s "$url/api/status" | jq -r '[.models[] | select(.bench != null)] | length'; }
one_benched() { [ "$(benched)" = 1 ]; }
retreating() { [ "$(retreats)" != 0 ]; }
calm() { [ "$(retreats)" = 0 ]; }
chat sim/gone
check "a model is off" wait_for 5 one_benched
curl -s -o /dev/null --max-time 60 "$url/v1/chat/completions" -H 'Content-Type: application/json' \
    -d '{"model":"sim/429+retry-after-50+times-1","messages":[]}' &
pids+=("$!")
check "and there is a retreat" wait_for 5 retreating
held clear </dev/null
is "without a terminal nothing ends unasked" 1 $rc
has "what would is named" "$said" 'retreat of .*, would end in'
has "and what ends it" "$said" 'nothing was ended: nobody can be asked here; clear --yes does it'
check "the retreat is still there" retreating
on_terminal() { # on_terminal ANSWER ARGUMENT...
    local answer=$1
    shift
    said=$(SLUICE_STATE_DIR=$state timeout 20 script -qec "$build/sluicectl $*" /dev/null < <(
        sleep 0.3
        printf '%s\n' "$answer"
        sleep 1
    ))
    rc=$?
}
on_terminal n clear
has "on a terminal it asks" "$said" 'now\? \[y/N\]'
is "no is no" 1 $rc
check "and nothing ended" retreating
on_terminal y clear
is "yes is yes" 0 $rc
has "what ended is named" "$said" 'ended: retreat of '
check "it has" wait_for 5 calm
is "and nothing else" 1 "$(benched)"
held clear --yes nim sim/gone
is "a bench by its name" "0 ended: bench of sim/gone" "$rc $said"
is "it is over" 0 "$(benched)"
stop_sluice
has "without a worker nothing is idle" "$("$build/sluicectl" --state-dir "$state" status)" '^not running: no worker is left'
state=$first_state url=$first_url
ctl reload
is "reload" "0 reloaded" "$rc $(head -n 1 <<<"$said")"

# ---- what cannot be done ----------------------------------------------------------
ctl --url http://127.0.0.1:9 pause
is "nobody listens" 1 $rc
has "and that is said" "$said" 'http://127.0.0.1:9: .*--url'
said=$(env SLUICE_RUN_LIST="$work/none" SLUICE_DATA_DIR="$work" SLUICE_STATE_DIR="$state" "$build/sluicectl" pause 2>&1)
is "no token" 1 $?
has "it says where one is looked for" "$said" 'admin.token'
for late in "set --dir $state queue.max=9" "set queue.max=9 --dir=$state" "status --url $url" "queue --token-file x" "key list --state-dir $state"; do
    # shellcheck disable=SC2086 # a command and its arguments
    ctl $late
    is "an option behind the command is wrong usage: $late" 2 $rc
    has "and it is said where it belongs" "$said" '^sluicectl: options come before the command: sluicectl --[a-z-]+ [A-Z]+ (set|status|queue|key) '
done
ctl --dir "$state" status
is "before it it is right" 0 $rc
ctl frobnicate
is "an unknown command is wrong usage" 2 $rc
ctl cancel
is "so is a missing ID" 2 $rc
ctl --help
is "help is no error" 0 $rc
has "help names them all" "$said" 'top .*live'
finish
