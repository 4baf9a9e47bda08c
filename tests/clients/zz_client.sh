#!/bin/bash
# client.sh NAME DRIVER...: one client before a Sluice of its own: what it is
# asked for, and what has to come of it.  run.sh calls it; README.md tells how
# it and the driver talk.
#
# CLIENT_SAYS=tools: a client that asks for the call of a tool, and no words.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/../curl/lib.sh"
name=$1
shift
[ $# -gt 0 ] || { echo "usage: client.sh NAME DRIVER..." >&2; exit 2; }
unset NVIDIA_API_KEY "${!OPENAI_@}" "${!SLUICE_@}"
says=${CLIENT_SAYS:-words}
answer_s=${CLIENT_ANSWER_S:-60} # longer than any scenario, with what the client tries again

start_sim --limiter none --key nvapi-practice
start_sluice narrow SLUICE_PROTOCOLS=chat SLUICE_REQUESTS=1 SLUICE_WINDOW_S=12 SLUICE_MARGIN_MS=100 SLUICE_COMMIT_AFTER_S=1 \
    SLUICE_HEARTBEAT_S=1 NVIDIA_API_KEY=nvapi-practice
narrow=$url
start_sluice wide SLUICE_PROTOCOLS=chat SLUICE_REQUESTS=1000 SLUICE_COMMIT_AFTER_S=1 SLUICE_HEARTBEAT_S=1 NVIDIA_API_KEY=nvapi-practice

coproc DRIVER { exec "$@" 2>"$work/driver.err"; }
pids+=("$DRIVER_PID")
to=${DRIVER[1]} from=${DRIVER[0]} lost=

ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# --------------------------------------------------------- asking a client --

tell() { # tell HOW URL WHAT
    began=$(ms)
    [ -n "$lost" ] || echo "$1 $2/v1 $3" >&"$to"
}

# heard [SECONDS]: sets $sign and $text to the driver's answer, $took to its
# time.  What a library prints besides is no answer.  One that is late must not
# be taken for the next one's: the driver is not asked again.
heard() {
    local line within=${1:-$answer_s} end
    end=$((SECONDS + within))
    sign='?' text="no answer within $within s"
    [ -z "$lost" ] || { text="it did not answer before" took=0 && return; }
    while ((SECONDS <= end)) && IFS= read -r -t $((end - SECONDS + 1)) line <&"$from"; do
        case $line in
        '= '* | '! '* | -) sign=${line:0:1} text=${line:2} && break ;;
        esac
    done 2>/dev/null
    [ "$sign" != '?' ] || { lost=1 && kill -TERM "$DRIVER_PID" 2>/dev/null; }
    took=$(($(ms) - began))
}

# became SCENARIO RIGHT: prints the line and counts it; a client that cannot do
# what was asked is neither right nor wrong.
became() {
    local seconds
    seconds=$(printf '%d.%d' $((took / 1000)) $((took % 1000 / 100)))
    if [ "$sign" = - ]; then
        echo "--   $name: $1"
    elif [ "$2" = 0 ]; then
        passed=$((passed + 1))
        echo "ok   $name: $1 ($seconds s)${3:+: $3}"
    else
        failed=$((failed + 1))
        printf 'FAIL %s: %s (%s s)\n     have: %s %s\n' "$name" "$1" "$seconds" "$sign" "${text:0:300}"
    fi
}

comes() { # comes SCENARIO WANT [AT-LEAST-MS]: this very answer, and no earlier
    heard
    [ "$sign$text" = "=$2" ] && ((took >= ${3:-0}))
    became "$1" $?
}

was_stream() { curl -s "$sim/sim/arrivals" | jq -e '.arrivals[-1].stream' >/dev/null; }

# raises SCENARIO: an error, and no half answer.  Who makes a stream of his own
# out of a whole answer (LiteLLM, of models that it does not know) was not asked.
raises() {
    heard
    [ "$sign" != = ] || was_stream || sign=-
    [ "$sign" = '!' ]
    became "$1" $? "${text:0:160}"
}

# An upstream's own response.failed or error ends its stream as it should, and so
# does Sluice.  LangChain for JS passes both over, with a Sluice and without one.
its_own() { # its_own SCENARIO
    if [ "$name" = langchain-js ]; then
        heard
        sign=-
        became "$1" 1
    else
        raises "$1"
    fi
}

# ------------------------------------------------------- what has to come --

direct() { # direct PATH BODY FILTER: what the upstream itself says
    curl -s "$sim/v1$1" -H 'Authorization: Bearer nvapi-practice' -d "$2" | jq -r "$3"
}

want() { # want MODEL: as the driver has to give it
    if [ "$says" = tools ]; then
        echo "weather Oslo 3"
    else
        direct /chat/completions "{\"model\":\"$1\",\"messages\":[]}" '.choices[0].message.content'
    fi
}

model() { # model WORDS: of a client that wants a tool, the same with it
    echo "sim/$1$([ "$says" = words ] || echo +tools)"
}

# shellcheck disable=SC2317 # wait_for calls it
waits() { curl -s "$url/api/status" | jq -e '.queue.waiting > 0' >/dev/null; }

how=stream of= # how it is asked for what waits
chat_and_stream() {
    tell chat "$url" "$(model tokens-7)"
    comes chat "$(want sim/tokens-7)"
    tell stream "$url" "$(model stream-12-20)"
    comes stream "$(want sim/stream-12-20)"
    [ "$sign" != - ] || how=rstream of="responses: "
}

tools() {
    tell tools "$url" sim/tools+times-1
    comes tools "weather Oslo 3"
}

embeddings() {
    tell embeddings "$url" nvidia/nv-embed-v1
    comes embeddings "$(direct /embeddings '{"model":"nvidia/nv-embed-v1","input":["first","second"]}' \
        '"\(.data | length) \(.data[1].embedding | "\(length) \(.[0] * 100 | round + 0) \(.[31] * 100 | round + 0)")"')"
}

files() {
    printf '{"line":1}\r\n--no boundary\n' >"$work/practice.jsonl"
    tell upload "$url" "$work/practice.jsonl"
    comes files "practice.jsonl $(wc -c <"$work/practice.jsonl")"
}

queue() {
    curl -s -o "$work/first" -H 'Content-Type: application/json' -d '{"model":"sim/tokens-1","messages":[]}' "$narrow/v1/chat/completions"
    tell "$how" "$narrow" "$(model stream-5-20)"
    comes "${of}queue" "$(want sim/stream-5-20)" 11000
}

paused() {
    pause
    tell "$how" "$url" "$(model stream-6-20)"
    wait_for 10 waits && sleep 2.5 # past its head and some comments
    resume
    comes "${of}pause" "$(want sim/stream-6-20)" 2000
}

refused_once() { # the 429 is Sluice's to wait out: the client asks once
    local what before
    what=$(want sim/tokens-4)
    before=$(stat accepted)
    curl -s -o "$work/next" -X PATCH "$sim/sim/config" -d '{"next":["429"]}'
    tell chat "$url" "$(model tokens-4)"
    comes 429 "$what"
    if [ "$sign" = - ]; then
        curl -s -o "$work/next" -X PATCH "$sim/sim/config" -d '{"next":[]}'
    else
        is "429: the upstream was asked twice" 2 $(($(stat accepted) - before))
    fi
}

breaks() { # breaks HOW BEFORE-THE-NAMES BYTES-OF-THE-CUT EVENTS-BEFORE-THE-ERROR
    tell "$1" "$url" "$(model stream-30-10+stream-error-"$4"-500)"
    raises "$2error"
    tell "$1" "$url" "$(model stream-30-10+cut-"$3")"
    raises "$2cut"
    tell "$1" "$url" "$(model slow-2500+400-openai)"
    raises "$2late 400"
}

responses() {
    tell responses "$url" "$(model tokens-7)"
    comes "responses: chat" "$(want sim/tokens-7)"
    tell rstream "$url" "$(model stream-12-20)"
    comes "responses: stream" "$(want sim/stream-12-20)"
    tell rtools "$url" sim/tools+times-1+again
    comes "responses: tools" "weather Oslo 3"
    breaks rstream "responses: " 2600 7
    tell rstream "$url" "$(model stream-30-10+failed-7)"
    its_own "responses: failed"
    tell rstream "$url" "$(model stream-30-10+error-event-7)"
    its_own "responses: event"
}

# shellcheck disable=SC2317 # wait_for calls it
is_idle() {
    curl -s "$1/api/status" | jq -e '[.queue.waiting, .queue.running, .limits[0].in_flight, .queue.held_bytes] == [0, 0, 0, 0]'
}

tell nothing "$url" -
heard 240 # what it imports, on a busy machine
chat_and_stream
tools
embeddings
files
refused_once
paused
breaks stream "" 700 3
responses
queue
exec {to}>&- # it may end
check "nothing waits, runs, is in flight or held" wait_for 2 is_idle "$url"
check "nor where it waited" wait_for 2 is_idle "$narrow"
[ "$failed" = 0 ] || tail -n 5 "$work/driver.err" | cut -c 1-300
finish
