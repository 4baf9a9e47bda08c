#!/bin/bash
# A stream that breaks, at each of 200 places: its client is told, and what came
# before is whole.  And errors of every shape, in the one that SDKs read.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
# Once each: what is cut before its first word goes again elsewhere (replay.sh).
start_sluice main SLUICE_REQUESTS=10000 SLUICE_RETRY_MAX=1

whole=$(curl -sN "$sim/v1/chat/completions" -d '{"model":"sim/stream-6-0","stream":true,"messages":[]}')
length=$(printf '%s\n' "$whole" | wc -c)

# The ids, times and names of an event differ from one answer to the next.
strip() { sed -E 's/"(id|created|model)":("[^"]*"|[0-9]+),//g' | grep '^data: '; }
stripped=$(strip <<<"$whole")

# 200 offsets from the first byte to the last but one, ten at a time.
last=$((length - 2))
: >"$work/conf"
for ((i = 0; i < 200; i++)); do
    at=$((1 + i * (last - 1) / 199))
    printf '%s\n' next "url = \"$url/v1/chat/completions\"" silent 'max-time = 20' "output = \"$work/cut.$at\"" \
        'header = "Content-Type: application/json"' \
        "data = \"{\\\"model\\\":\\\"sim/stream-6-0+cut-$at\\\",\\\"stream\\\":true,\\\"messages\\\":[]}\"" \
        "write-out = \"$at %{http_code} %{exitcode}\\n\"" >>"$work/conf"
done
sed -i 1d "$work/conf"
curl -Z --parallel-max 10 -K "$work/conf" >"$work/codes" 2>/dev/null
is "200 streams were cut" 200 "$(wc -l <"$work/codes")"

silent='' changed='' unclean='' status200=0 status502=0
while read -r at status code; do
    got=$work/cut.$at
    case $status in
    200)
        status200=$((status200 + 1))
        tail -n 2 "$got" | grep -q '^data: {"error":.*"sluice_upstream_truncated"}}$' || silent+=" $at"
        mine=$(strip <"$got" | sed '$d')
        [ "${stripped:0:${#mine}}" = "$mine" ] || changed+=" $at"
        # Each event is whole JSON, also the last one before the error.
        sed -n 's/^data: //p' "$got" | grep -v '^\[DONE\]$' | jq -e . >/dev/null 2>&1 || changed+=" $at"
        ;;
    502)
        status502=$((status502 + 1))
        jq -e '.error.code == "sluice_upstream_truncated"' "$got" >/dev/null || silent+=" $at"
        ;;
    *) unclean+=" $at:$status:$code" ;;
    esac
    ! grep -q '^data: \[DONE\]' "$got" || unclean+=" $at"
done <"$work/codes"
is "every client is told" "" "$silent"
is "what came before the cut is unchanged" "" "$changed"
is "none looks complete" "" "$unclean"
at_least "some were cut after their first word" 100 $status200
at_least "some before" 10 $status502
printf 'cut: %d offsets: %d told in the stream, %d with a 502\n' $((status200 + status502)) $status200 $status502

# MODEL STATUS "TYPE CODE MESSAGE": what the client is shown.
while read -r model want pattern; do
    chat "sim/$model"
    is "$model: status" "$want" "$status"
    told=$(jq -r '.error | select(has("param")) | "\(.type)|\(.code)|\(.message)"' <<<"$body" 2>/dev/null)
    has "$model: OpenAI's shape, their words" "$told" "$pattern"
done <<'END'
401 401 ^[a-z_]+\|
403 403 Authorization failed
422 422 Extra inputs are not permitted
400-model 400 ^[^|]+\|[^|]*\|.+
text-400 400 ^invalid_request_error\|.*\|.+
html-502 502 ^server_error\|.*\|.+
empty-500 500 ^server_error\|.*\|.+
problem-403 403 .+
problem-500 500 .+
500 500 Internal server error
502 502 Upstream request failed
504 504 ^[a-z_]+\|.*\|.+
not-granted 404 Not found for account
unknown 404 404 page not found
empty-404 404 .+
status-501 501 .+
END

# What has that shape already is not touched, headers of ours or not.
bytes() { # bytes MODEL: the upstream's own, and what the client gets
    curl -s "$sim/v1/chat/completions" -d "{\"model\":\"sim/$1\",\"messages\":[]}" -o "$work/theirs"
    curl -s "$url/v1/chat/completions" -H 'Content-Type: application/json' \
        -d "{\"model\":\"sim/$1\",\"messages\":[]}" -o "$work/ours"
}
for model in 400-openai status-400 status-403 status-418 status-500 status-402; do
    bytes $model
    check "$model passes byte for byte" cmp "$work/theirs" "$work/ours"
done
# In a stream that is committed it becomes an event.
stop_sluice
start_sluice committed SLUICE_COMMIT_AFTER_S=0 SLUICE_RETRY_MAX=1
for model in 400-openai 422 500 text-400 gone; do
    chat "sim/slow-100+$model" ',"stream":true' -N
    is "$model in a committed stream: one event" 1 "$(grep -c '^data: {"error":{"object":"error","message":".*"type":' <<<"$body")"
done
is "nothing is left in flight" 0 "$(curl -s "$url/api/status" | jq .queue.running)"
finish
