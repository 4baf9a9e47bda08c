#!/bin/bash
# claude.sh NAME PROGRAM... - Claude Code before a Sluice of its own, whose
# upstream speaks chat completions alone: what client.sh does not ask.  run.sh
# calls it; README.md has the list.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/../curl/lib.sh"
name=$1
program=("${@:2}")
[ ${#program[@]} -gt 0 ] || { echo "usage: claude.sh NAME PROGRAM..." >&2; exit 2; }
unset NVIDIA_API_KEY "${!OPENAI_@}" "${!SLUICE_@}" "${!ANTHROPIC_@}" "${!CLAUDE_@}"
mkdir "$work/home" "$work/folder"
cd "$work/folder" || exit 1
wish="Replace grey with green in the file $work/folder/notes.txt"
grey() { echo "the sky is grey" >notes.txt; }

# claude WORDS [OPTION...]: sets $rc; its events are in $work/said, one a line.
claude() {
    HOME=$work/home ANTHROPIC_BASE_URL=$url ANTHROPIC_AUTH_TOKEN=${key:-unused} CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 \
        timeout 100 "${program[@]}" -p "$1" --output-format stream-json --verbose --allowedTools Read,Edit "${@:2}" \
        </dev/null >"$work/said" 2>"$work/err"
    rc=$?
}
said() { jq -Rr "fromjson? | $1" "$work/said"; } # said FILTER
result() { said 'select(.type == "result") | "\(.is_error) \(.result)"'; }
answer="This is a practice answer from nimsim, the practice upstream of Sluice: no model ran and no quota was spent."
tries() { said 'select(.subtype == "api_retry") | .error_status' | xargs; }

# What was asked of Sluice since mark, and how it ended: the routes of its log.
mark() { lines=$(wc -l <"$out"); }
asked() {
    tail -n "+$((lines + 1))" "$out" |
        jq -Rr 'fromjson? | select(.event == "request") | "\(.route) \(.status)"' | sort -u | xargs
}
seen() { curl -s "$sim/sim/arrivals" | jq -r "[.arrivals[] | $1] | join(\" \")"; }
order() { curl -s -o "$work/order" -X PATCH "$sim/sim/config" -d "$1"; }
anew() { # nimsim has seen nothing, and the file is grey
    curl -s -o "$work/order" -X POST "$sim/sim/reset"
    grey
    mark
}

start_sim --limiter none
common=(SLUICE_MODEL_ALIAS='claude-*-haiku*=sim/tokens-2,claude-*=sim/agent' SLUICE_COMMIT_AFTER_S=1 SLUICE_HEARTBEAT_S=1)
start_sluice wide "${common[@]}" SLUICE_REQUESTS=1000
wide=$url wide_out=$out

# ---- a whole turn, with nothing set but the address and a token --------------------
anew
claude "$wish"
is "a turn: it has read the file and changed it" "0 the sky is green" "$rc $(cat notes.txt)"
is "and says what the model said" "false $answer" "$(result)"
is "by these calls" "Read Read Edit" "$(said 'select(.type == "assistant") | .message.content[] | select(.type == "tool_use") | .name' | xargs)"
is "all of which went well" "" "$(said 'select(.type == "user") | .message.content[] | select(.is_error == true) | .content')"
is "the upstream was asked for chat alone" "/v1/chat/completions" "$(seen .path | xargs -n 1 | sort -u)"
is "three times, in streams" "true true true" "$(seen .stream)"
is "of the model that stands for it" "sim/agent sim/agent sim/agent" "$(seen .model)"
is "nothing was refused" "messages 200" "$(asked)"
is "and its usage is known" "true" "$(said 'select(.type == "result") | .usage | .input_tokens > 0 and .output_tokens > 0')"

# ---- in line, and what passes ----------------------------------------------------------
anew
order '{"next":["","429","exhausted"]}'
claude "$wish"
is "a 429 and a full worker in its middle are not seen" "0 the sky is green " "$rc $(cat notes.txt) $(tries)"
is "but waited out" 5 "$(stat accepted)"

anew
pause
claude "$wish" &
turn=$!
# shellcheck disable=SC2317 # wait_for calls it
waits() { curl -s "$url/api/queue" | jq -e '.waiting | length == 1' >/dev/null; }
check "it waits where all can see it" wait_for 20 waits
is "as what it is" sim/agent "$(curl -s "$url/api/queue" | jq -r '.waiting[0].model')"
sleep 2.5 # past its head and some pings
resume
wait "$turn"
is "and after a pause goes on" "false $answer the sky is green" "$(result) $(cat notes.txt)"

# ---- what it cannot have ---------------------------------------------------------------
anew
claude hello --model sim/400-openai
is "what is wrong is told in the upstream's words" "1 true API Error: 400 'temperature' must be between 0 and 2" "$rc $(result)"
at_most "after a few tries in other forms" 6 "$(stat accepted)"

anew
claude hello --model sim/500
has "what does not pass is told" "$rc $(result)" '^1 true API Error: 500 Internal server error'
is "and not tried again: that was done" "" "$(tries)"

anew
claude "$wish" --model sim/agent+stream-error-4-500
is "a stream that breaks is asked for as a whole" "the sky is green false $answer" "$(cat notes.txt) $(result)"

anew
CLAUDE_CODE_MAX_RETRIES=1 claude hello --model sim/cut-60 # of ten, in three minutes
has "one that breaks as a whole, too, is an error" "$rc $(result)" '^1 true API Error: 502 '

anew
claude "$wish" --model claude-sonnet-4-5
is "older names stand for it, too" "false $answer" "$(result)"

anew
order '{"models":{"sim/agent":"context-60000"}}'
claude "$wish"
is "where the context is small it asks for less" "0 the sky is green false $answer" "$rc $(cat notes.txt) $(result)"
is "as it is told to" "200 400" "$(seen .status | xargs -n 1 | sort -u | xargs)"
anew
CLAUDE_CODE_MAX_OUTPUT_TOKENS=4096 claude "$wish"
is "or from the beginning" "200 200 200" "$(seen .status)"
order '{"models":{"sim/agent":"context-3000"}}'
anew
claude hello --model sim/agent
has "what never fits is too long" "$rc $(result)" '^1 true (API Error: 400 |Prompt is too long|prompt is too long)'
order '{"models":{}}'

# ---- what it asks besides --------------------------------------------------------------
anew
claude /context
is "tokens are counted" "0 messages 200" "$rc $(asked)"
is "and cost nothing" 0 "$(stat accepted)"

# ---- refusals of our own ------------------------------------------------------------------
start_sluice narrow "${common[@]}" SLUICE_REQUESTS=1 SLUICE_WINDOW_S=3 SLUICE_MARGIN_MS=100
anew
began=$SECONDS
claude "$wish"
is "in line it works as well" "the sky is green false $answer" "$(cat notes.txt) $(result)"
at_least "for as long as it takes" 5 $((SECONDS - began))
at_most "and the window is kept" 1 "$(max_in_window 3000)"
stop_sluice

start_sluice full "${common[@]}" SLUICE_REQUESTS=1000 SLUICE_QUEUE_MAX=1
anew
pause
ask /v1/chat/completions --max-time 60 -H 'Content-Type: application/json' -d '{"model":"sim/tokens-1","messages":[]}' &
asker=$!
check "the queue is full" wait_for 10 waits
claude "$wish" &
turn=$!
# shellcheck disable=SC2317 # wait_for calls it
was_refused() { [ -n "$(tries)" ]; }
check "a full queue is told" wait_for 20 was_refused
is "and why" 429 "$(tries | cut -d ' ' -f 1)"
resume
wait "$turn" "$asker"
is "it comes again, and is served" "the sky is green false $answer" "$(cat notes.txt) $(result)"
stop_sluice

start_sluice closed "${common[@]}" SLUICE_REQUESTS=1000 SLUICE_ANONYMOUS=no NVIDIA_API_KEY=nvapi-practice
key=sk-sluice-wrong claude "$wish"
has "who has no key is told so" "$rc $(result)" '^1 true Failed to authenticate. API Error: 401 '
is "and does not try again" "" "$(tries)"
key=$(SLUICE_STATE_DIR=$state SLUICE_DATA_DIR=$state "$build/sluicectl" key make ada 2>&1 | grep -o 'sk-sluice-[^ ]*' | head -n 1)
grey
claude "$wish"
is "with one it works" "the sky is green false $answer" "$(cat notes.txt) $(result)"
is "under its name" '["ada"]' "$(tail -n 3 "$out" | jq -Rrc 'fromjson? | select(.event == "request").client' | jq -Rsc 'split("\n")[:-1] | unique')"
stop_sluice

url=$wide out=$wide_out
# shellcheck disable=SC2317 # wait_for calls it
is_idle() {
    curl -s "$url/api/status" | jq -e '[.queue.waiting, .queue.running, .limits[0].in_flight, .queue.held_bytes] == [0, 0, 0, 0]'
}
check "nothing waits, runs, is in flight or held" wait_for 2 is_idle
[ "$failed" = 0 ] || tail -n 3 "$work/err" | cut -c 1-300
finish
