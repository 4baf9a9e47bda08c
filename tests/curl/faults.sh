#!/bin/bash
# An upstream that breaks: always an answer, never a hang, never a truncated
# answer that looks complete.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice main SLUICE_REQUESTS=1000 SLUICE_FIRST_BYTE_S=2 SLUICE_IDLE_S=2 SLUICE_CONNECT_S=1

broken() { # broken MODEL STATUS CODE "sentence"
    chat "$1"
    is "$4: status" "$2" "$status"
    is "$4: code" "$3" "$(jq -r .error.code <<<"$body" 2>/dev/null)"
    has "$4: shape" "$body" '"type":"[a-z_]+","param":null'
}

broken sim/reset 502 sluice_upstream_truncated "a reset before the answer"
broken sim/close 502 sluice_upstream_truncated "a close before the answer"
broken sim/garbage 502 sluice_upstream_truncated "bytes that are not HTTP"
broken sim/badheader 502 sluice_upstream_truncated "a header that could split ours"
broken sim/bigheader 502 sluice_upstream_truncated "200 KB of headers"
broken sim/short 502 sluice_upstream_truncated "a body shorter than its length"
broken sim/cut-100 502 sluice_upstream_truncated "a buffered answer cut short"
start=$SECONDS
broken sim/hang 504 sluice_upstream_timeout "an upstream that never answers"
at_most "it is given up in time" 30 $((SECONDS - start))

chat sim/500
is "an upstream's lasting 500 is told in its words" "500 internal_server_error Internal server error" \
    "$status $(jq -r '.error | "\(.type) \(.message)"' <<<"$body")"
is "after three attempts" 3 "$(header X-Sluice-Attempts)"
is "and no SDK is to try again" false "$(header x-should-retry)"
chat sim/500
is "who does all the same owns the retries: one attempt" "500 1 false" \
    "$status $(header X-Sluice-Attempts) $(header x-should-retry)"
chat sim/500 ',"seed":2'
is "another request has three of its own" 3 "$(header X-Sluice-Attempts)"

# Streams: cut at every 37th byte; the client always sees an error event, and
# the bytes before the cut are the upstream's.
whole=$(curl -sN "$sim/v1/chat/completions" -d '{"model":"sim/stream-6-0","stream":true,"messages":[]}')
length=$(printf '%s\n' "$whole" | wc -c)
strip() { sed -E 's/"(id|created|model)":("[^"]*"|[0-9]+),//g' <<<"$1" | grep -v '^$'; }
stripped=$(strip "$whole")
silent='' changed=''
for ((at = 1; at < length - 20; at += 37)); do
    chat "sim/stream-6-0+cut-$at" ',"stream":true' -N
    [[ $body == *'"error":{'* ]] || silent+=" $at"
    # Complete lines only: in a cut one the id could not be told from the rest.
    mine=$(strip "$(sed '/^data: {"error"/,$d' <<<"$body")" | sed '$d' | grep '}$\|DONE')
    [ "${stripped:0:${#mine}}" = "$mine" ] || changed+=" $at"
done
is "a cut stream ends in an error event, wherever it is cut" "" "$silent"
is "what came before the cut is unchanged" "" "$changed"
chat sim/stream-6-0+early-end-900 ',"stream":true' -N
has "a stream that ends cleanly but without [DONE] is an error" "$body" 'data: \{"error":.*sluice_upstream_truncated'
chat sim/stream-9-0+silence-10000 ',"stream":true' -N
has "a stream that falls silent is ended with an error" "$body" 'data: \{"error":.*sluice_upstream_timeout'

ask /api/status
is "nothing is left in flight" 0 "$(jq -r '.queue.running' <<<"$body")"
is "no body is held" 0 "$(jq -r .queue.held_bytes <<<"$body")"

# Nobody listens there.
kill -TERM "$sim_pid"
wait "$sim_pid" 2>/dev/null
chat sim/echo # a kept connection may have taken this one's bytes
sent=$(curl -s "$url/api/status" | jq .counters.sent)
chat sim/echo
is "no upstream: 502" "502 sluice_upstream_unreachable" "$status $(jq -r .error.code <<<"$body")"
has "it names the upstream" "$body" 'upstream nim'
is "what was never sent used no slot" "$sent" "$(curl -s "$url/api/status" | jq .counters.sent)"
has "a log line says why" "$(cat "$log" "$out")" '"code":"sluice_upstream_unreachable".*"detail":'
finish
