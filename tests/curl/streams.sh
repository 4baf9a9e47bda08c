#!/bin/bash
# What a client sees of answers that are not what they should be: JSON after
# our head, streams of another name, compressed or empty ones, streams that lack
# their end or go on behind it.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice main SLUICE_REQUESTS=10000 SLUICE_RETRY_MAX=1 SLUICE_COMMIT_AFTER_S=30

stream() { # stream MODEL [EXTRA-JSON]
    chat "sim/$1" ",\"stream\":true${2:-}" -N
}
data() { sed -n 's/^data: //p' <<<"$body"; }
# What came as a client joins it, and why it ended.
words() { data | grep -v '^\[DONE\]$' | jq -rs '[.[].choices[]? | .delta.content // .text // empty] | join("")'; }
reason() { data | grep -v '^\[DONE\]$' | jq -rs '[.[].choices[]?.finish_reason // empty] | join(" ")'; }
errors() { grep -c '"sluice_' <<<"$body"; }
# shellcheck disable=SC2317 # called through wait_for
is_told() { outcome=$(curl -s "$url/api/status" | jq -re --arg m "$1" 'first(.recent[] | select(.model == $m)).outcome'); }
came() { # came MODEL OUTCOME "sentence"
    wait_for 10 is_told "sim/$1"
    is "$3" "$2" "$outcome"
}
# first MODEL PATH [JSON]: milliseconds to the first byte of the body, and in all.
first() {
    curl -sN --max-time 60 -H 'Content-Type: application/json' "$url$2" -d "{\"model\":\"sim/$1\",\"messages\":[]${3:-}}" |
        { s=$(date +%s%N); head -c 1 >/dev/null; f=$(date +%s%N); cat >/dev/null; e=$(date +%s%N); echo "$(((f - s) / 1000000)) $(((e - s) / 1000000))"; }
}

# raw FILE PATH MODEL [EXTRA-JSON]: the bytes as they are.
raw() {
    curl -sN --max-time 60 -D "$work/raw.head" -o "$1" -H 'Content-Type: application/json' "$url$2" \
        -d "{\"model\":\"sim/$3\",\"messages\":[]${4:-}}"
}

# ---- event streams that are not called so -----------------------------------------

for how in as-text as-octets as-lines as-json untyped; do
    read -r f e < <(first "stream-5-400+$how" /v1/chat/completions ',"stream":true')
    at_least "$how: its first event comes when it is there (ms before its last)" 300 $((e - f))
    stream "stream-3-0+$how"
    is "$how: all of it" "This is a" "$(words)"
    stream "stream-6-0+$how+early-end-900"
    is "$how: a cut one does not look complete" 1 "$(errors)"
done
read -r f e < <(first stream-5-400+audio /v1/audio/speech ',"stream":true')
at_least "sound plays while more of it is made" 300 $((e - f))
raw "$work/sound" /v1/audio/speech stream-3-0+audio
is "it is whole" 24576 "$(wc -c <"$work/sound")"

# ---- a byte order mark ---------------------------------------------------------------

stream stream-3-0+bom
is "a stream with a byte order mark is one" "This is a" "$(sed -n 's/^\(\xef\xbb\xbf\)\?data: //p' <<<"$body" | grep -v DONE | jq -rs '[.[].choices[].delta.content // empty] | join("")')"
stream stream-3-0+bom+stream-error-0-500
is "an error behind it is seen before our head" 500 "$status"

# ---- how streams end -------------------------------------------------------------------

stream stream-3-0+no-done
is "a reason for each choice is an end" "This is a 0" "$(words) $(errors)"
is "and [DONE] is added" 1 "$(grep -c '^data: \[DONE\]$' <<<"$body")"
came stream-3-0+no-done ok "it counts as complete"
stream stream-3-0+no-done+unended
is "however its connection ends" "This is a 0" "$(words) $(errors)"
stream stream-6-0+no-done+early-end-900
is "without one it is none" 1 "$(errors)"

for model in stream-3-0+done-then-open stream-3-0+done-then-open+bom; do
    SECONDS=0
    stream "$model"
    at_most "$model: ends with [DONE], not with its connection" 30 $SECONDS
    is "$model: nothing of ours follows" "0 data: [DONE]" "$(errors) $(grep . <<<"$body" | tail -n 1)"
    came "$model" ok "$model: is complete"
done
SECONDS=0
stream stream-6-0+stream-error-3-500+no-done+done-then-open
at_most "an error, then silence, ends it" 30 $SECONDS
is "nothing of ours follows the error" "0 1" "$(errors) $(grep -c '"error"' <<<"$body")"
came stream-6-0+stream-error-3-500+no-done+done-then-open upstream_error "it counts as the upstream's"
stream stream-6-0+stream-error-3-429+no-done
is "nor one after which its connection ends" "0 1" "$(errors) $(grep -c '"error"' <<<"$body")"
is "nothing is in flight" 0 "$(curl -s "$url/api/status" | jq .queue.running)"

respond() { ask /v1/responses -N -H 'Content-Type: application/json' -d "{\"model\":\"sim/$1\",\"stream\":true,\"input\":\"x\"}"; }
respond stream-3-0+done-instead
is "a response that ends with [DONE] has ended" "0 data: [DONE]" "$(errors) $(grep . <<<"$body" | tail -n 1)"
SECONDS=0
respond stream-3-0+done-then-open
at_most "response.completed ends it, too" 30 $SECONDS
is "without a word of ours" 0 "$(errors)"

# ---- compressed --------------------------------------------------------------------------

chat sim/echo '' -H 'Accept-Encoding: gzip, br'
is "it is not asked for, whatever the client takes" identity "$(curl -s "$sim/sim/arrivals" | jq -r '.arrivals[-1].accept_encoding')"
for how in gzip gzip-silent; do
    read -r f e < <(first "stream-5-400+$how" /v1/chat/completions ',"stream":true')
    at_least "$how: a stream comes as it is sent" 300 $((e - f))
    raw "$work/coded" /v1/chat/completions "stream-3-0+$how" ',"stream":true'
    is "$how: it is not changed" "This is a" "$(gunzip -c <"$work/coded" | sed -n 's/^data: //p' | grep -v DONE | jq -rs '[.[].choices[].delta.content // empty] | join("")')"
    came "stream-3-0+$how" ok "$how: it is not taken for a cut one"
    raw "$work/coded" /v1/chat/completions "tokens-3+$how"
    is "$how: a whole answer is not changed" "This is a" "$(gunzip -c <"$work/coded" | jq -r '.choices[0].message.content')"
    # Errors: judged by their status, told as they are.
    raw "$work/coded" /v1/chat/completions "unknown+$how"
    is "$how: a 404 is told in its own bytes" "404 page not found" "$(gunzip -c <"$work/coded" 2>/dev/null)"
    has "$how: with its own type" "$(cat "$work/raw.head")" '^[Cc]ontent-[Tt]ype: text/plain'
    is "$how: and benches no model" 0 "$(curl -s "$url/api/status" | jq --arg m "sim/unknown+$how" '[.models[] | select(.name == $m and .off != null)] | length')"
done
raw "$work/coded" /v1/chat/completions unknown+gzip
has "what is named is named" "$(cat "$work/raw.head")" '^[Cc]ontent-[Ee]ncoding: gzip'

# ---- empty and cut ones --------------------------------------------------------------------

for how in empty-200 empty-200+chunked unframed+cut-0 unframed+blank-2-0+cut-60 unframed+list+cut-60 unframed+cut-60 early-end-60 blank-3-0+early-end-60; do
    chat "sim/$how"
    is "$how: is no answer" "502 sluice_upstream_truncated" "$status $(jq -r .error.code <<<"$body")"
done
chat sim/unframed
is "what ends with its connection may be whole" "chat.completion" "$(jq -r .object <<<"$body")"
chat sim/unframed+blank-3-0
is "after white space, too" "chat.completion" "$(jq -r .object <<<"$body")"
chat sim/unframed+list
is "or a list" "chat.completion" "$(jq -r '.[0].object' <<<"$body")"
stop_sluice
start_sluice again SLUICE_REQUESTS=10000 SLUICE_RETRY_MAX=3 SLUICE_COMMIT_AFTER_S=30
chat sim/empty-200+times-1
is "an empty one goes again" "200 chat.completion 2" "$status $(jq -r .object <<<"$body") $(header X-Sluice-Attempts)"

# ---- white space before JSON -----------------------------------------------------------------

stop_sluice
start_sluice lively SLUICE_REQUESTS=10000 SLUICE_RETRY_MAX=1
read -r f e < <(first blank-8-400 /v1/chat/completions)
at_least "the upstream's white space passes as it comes, before its JSON" 2400 $((e - f))
chat sim/blank-8-400
is "it is JSON still" "200 chat.completion" "$status $(jq -r .object <<<"$body")"
code=$(curl -s -o "$work/cut" -w '%{http_code} %{exitcode}' "$url/v1/chat/completions" -H 'Content-Type: application/json' -d '{"model":"sim/blank-8-400+early-end-60","messages":[]}')
check "one that is cut after that breaks off (curl says $code)" [ "${code#* }" != 0 ]

# ---- after our head ----------------------------------------------------------------------------

stop_sluice
start_sluice committed SLUICE_REQUESTS=10000 SLUICE_RETRY_MAX=1 SLUICE_COMMIT_AFTER_S=0
for how in slow-100 slow-100+chunked slow-100+blank-3-100 slow-100+as-text slow-100+untyped; do
    stream "$how+tokens-3+json-for-stream" ',"stream_options":{"include_usage":true}'
    is "$how: JSON becomes events" "This is a 0 stop" "$(words) $(errors) $(reason)"
    is "$how: with a role, usage and an end" "assistant 3 1" "$(data | grep -v DONE | jq -rs '[.[].choices[].delta.role // empty] | join(" ")') $(
        data | grep -v DONE | jq -rs 'last.usage.completion_tokens') $(grep -c '^data: \[DONE\]$' <<<"$body")"
    came "$how+tokens-3+json-for-stream" ok "$how: it is an answer"
done
ask /v1/completions -N -H 'Content-Type: application/json' -d '{"model":"sim/slow-100+tokens-3+json-for-stream","stream":true,"prompt":"x"}'
is "a completion's JSON, too" "This is a 0 stop" "$(words) $(errors) $(reason)"
respond slow-100+tokens-3+json-for-stream
is "a response's JSON, too" "response.created response.completed 0" "$(data | jq -r .type | sed -n '1p;$p' | xargs) $(errors)"
is "with its words as deltas" "This is a" "$(data | jq -rs '[.[] | select(.type == "response.output_text.delta").delta] | join("")')"
is "and in its last event" "This is a" "$(data | tail -n 1 | jq -r '.response.output[0].content[0].text')"
stream slow-100+tokens-3+json-for-stream+cut-80
is "cut JSON is an error" 1 "$(errors)"
stream slow-100+big-300+json-for-stream
has "JSON that is too long is one that says so" "$body" '^data: \{"error":.*too long'
is "and quotes nothing of it" 0 "$(grep -c practice <<<"$body")"
stream slow-100+tokens-3+json-for-stream+gzip
has "compressed JSON, too" "$body" '^data: \{"error":.*compressed'
stream slow-100+unknown+gzip
has "a compressed error is told by its status" "$body" '^data: \{"error":.*404.*compressed'
stream slow-100+empty-200
is "nothing at all is an error" 1 "$(errors)"
for how in as-text untyped as-lines; do
    stream "slow-100+stream-3-0+$how"
    is "$how: a stream of another name is one" "This is a 0" "$(words) $(errors)"
done
stream slow-100+stream-3-0+bom
is "a byte order mark behind our comments spoils no event" "This is a" "$(words)"
raw "$work/sound" /v1/audio/speech slow-300+stream-3-0+audio ',"stream":true'
is "sound is not promised as events" 24576 "$(wc -c <"$work/sound")"
finish
