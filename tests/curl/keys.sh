#!/bin/bash
# Keys of clients that an operator makes, changes and revokes while Sluice runs:
# in every worker, kept across restarts, and told once.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for and check
. "$(dirname "$0")/lib.sh"

canary=nvapi-CANARY-$(openssl rand -hex 16)
own=$("$build/sluicectl" key new alice 2>/dev/null)
alice=${own%%$'\n'*} line=${own#*$'\n'}
printf '{"clients":[%s,"requests_per_min":3}]}\n' "${line%\}}" >"$work/sluice.json"
start_sim --limiter none --key "$canary"
server() {
    start_sluice main SLUICE_CONFIG="$work/sluice.json" NVIDIA_API_KEY="$canary" SLUICE_WORKERS=4 \
        SLUICE_REQUESTS=1000 SLUICE_LOG="$work/log" SLUICE_LOG_LEVEL=debug
}
server
token=$(cat "$state/admin.token")
kept=$(find "$work/main" -name admin.token -printf '%h\n')/keys.json # the data directory

admin() { # admin METHOD PATH [BODY]
    ask "$2" -X "$1" -H "Authorization: Bearer $token" --data-raw "${3-}"
}
ctl() { "$build/sluicectl" --state-dir "$state" --url "$url" "$@"; }
code() { jq -r .error.code <<<"$body"; }
# Questions that come together are spread over the workers.
together() { # together KEY: the statuses of 32 questions, and how many of each
    local i
    for ((i = 0; i < 32; i++)); do
        ((i == 0)) || echo next
        printf '%s\n' "url = \"$url/api/me\"" silent 'output = "/dev/null"' 'write-out = "%{http_code}\n"' \
            "header = \"Authorization: Bearer $1\""
    done | curl -Z --parallel-immediate --parallel-max 32 -K - 2>/dev/null | sort | uniq -c | xargs
}
everywhere() { [ "$(together "$1")" = "32 $2" ]; }
ms() { date +%s%3N; }
say() { # say KEY [CURL-OPTION...]
    local mine=$1
    shift
    chat sim/tokens-3 '' -H "Authorization: Bearer $mine" "$@"
}
listed() { curl -s "$url/api/keys" -H "Authorization: Bearer $token" | jq -c ".keys[] | select(.name == \"$1\") | $2"; }

# ---- one key: made, used, revoked -----------------------------------------------
began=$(ms)
admin POST /api/keys '{"name":"ci","requests_per_min":2,"weight":7}'
took=$(($(ms) - began))
is "a key is made" 201 "$status"
is "nobody may keep the answer" no-store "$(header Cache-Control)"
first=$(jq -r .key <<<"$body")
keys=("$first")
has "it is 256 random bits" "$first" '^sk-sluice-[0-9a-f]{64}$'
hash=$(printf %s "$first" | sha256sum | cut -c1-64)
is "the answer tells all of it" "[\"ci\",\"${hash:0:8}\",\"made\",true,null,false,\"normal\",7,2,0]" \
    "$(jq -c '[.name, .id, .source, (.made_at > 1700000000), .expires_at, .expired, .priority, .weight, .requests_per_min, .queue_max]' <<<"$body")"
began=$(ms)
check "every worker takes it" wait_for 10 everywhere "$first" 200
known=$(($(ms) - began))
is "the list has the same, without the key" "$(jq -cS 'del(.key)' <<<"$body")" "$(listed ci . | jq -cS .)"
is "what is kept is ours alone" 600 "$(command stat -c %a "$kept")"
is "and holds its hash" "$hash" "$(jq -r '.keys[0].key_sha256' "$kept")"
say "$first"
is "it is of use" 200 "$status"
for header in 'x-api-key' 'api-key'; do
    ask /api/me -H "$header: $first"
    is "$header presents it, too" 200 "$status"
done
is "the log names the client" 1 "$(grep -c '"client":"ci","route":"chat"' "$work/log")"
admin DELETE /api/keys/ci
is "it is revoked" '200 {"revoked":"ci"}' "$status $body"
began=$(ms)
check "no worker takes it any more" wait_for 10 everywhere "$first" 401
gone=$(($(ms) - began))
say "$first"
is "nor a request" "401 sluice_unauthorized" "$status $(code)"
is "it is not in the list" "" "$(listed ci .)"
printf 'keys: made in %d ms, taken by 32 of 32 in %d ms, refused by 32 of 32 in %d ms\n' "$took" "$known" "$gone"
chat sim/tokens-3
is "who has none is let in as anonymous says, still" 200 "$status"

make() { # make NAME MEMBERS: sets $key
    admin POST /api/keys "{\"name\":\"$1\"$2}"
    is "$1: made" 201 "$status"
    key=$(jq -r .key <<<"$body")
    keys+=("$key")
}
me() { # me FILTER: what the owner of $key is told
    ask /api/me -H "Authorization: Bearer $key"
    jq -c "$1" <<<"$body"
}

# ---- limits, and changes of them -------------------------------------------------
make limited ',"requests_per_min":2,"queue_max":1,"priority":"low"'
is "nothing is used yet" '["limited","low",1,null,{"limit":2,"used":0,"left":2,"opens_s":0},0,0]' \
    "$(me '[.name, .priority, .weight, .expires_at, .requests_per_min, .waiting, .in_flight]')"
is "its answer is not to be kept" no-store "$(header Cache-Control)"
say "$key"
is "one goes" "200 [1,1,0]" "$status $(me '.requests_per_min | [.used, .left, .opens_s]')"
say "$key"
is "two go" 200 "$status"
is "the answer tells of the tighter limit" "2 0" "$(header x-ratelimit-limit-requests) $(header x-ratelimit-remaining-requests)"
operator POST /api/pause
is "a pause is no secret" true "$(me .paused)"
operator POST /api/resume
is "nor its end" false "$(me .paused)"
has "the next one is told when" "$(me '.requests_per_min | [.used, .left, (.opens_s > 50 and .opens_s <= 62)]')" '^\[2,0,true\]$'
say "$key" -H 'X-Sluice-Deadline: 5'
is "a third is refused" "429 sluice_deadline" "$status $(code)"
has "by the client's own limit" "$body" 'requests_per_min'
(say "$key" --max-time 100; echo "$status" >"$work/waited") &
late=$!
# shellcheck disable=SC2016
is_waiting() { [ "$(me .waiting)" = 1 ]; }
check "one waits" wait_for 20 is_waiting
say "$key"
is "and no more than queue_max" "429 sluice_client_queue_full" "$status $(code)"
id=$(listed limited .id)
admin PATCH /api/keys/limited '{"requests_per_min":10,"weight":3,"queue_max":0}'
is "its limits are changed" '200 [3,10,0,"low"]' "$status $(jq -c '[.weight, .requests_per_min, .queue_max, .priority]' <<<"$body")"
is "the key is the same" "$id" "$(listed limited .id)"
is "and no answer has it" null "$(jq .key <<<"$body")"
say "$key"
is "at once" 200 "$status"
wait "$late"
is "and for the one that waited" 200 "$(cat "$work/waited")"
has "used and left agree" "$(me '.requests_per_min | [.limit, .used, .left]')" '^\[10,4,6\]$'
admin PATCH /api/keys/limited '{"requests_per_min":0}'
is "without a limit nothing is left, nor none" '{"limit":0,"used":0,"left":null,"opens_s":null}' "$(me .requests_per_min)"

# ---- a request under way ends as it would -----------------------------------------
make cut ''
pause
(say "$key" --max-time 60; echo "$status" >"$work/in_line") &
under=$!
check "one is in line" wait_for 20 is_waiting
admin DELETE /api/keys/cut
resume
wait "$under"
is "what came before the end of its key is answered" 200 "$(cat "$work/in_line")"
is "what comes after is not" 401 "$(say "$key"; echo "$status")"

# ---- its time ----------------------------------------------------------------------
make brief ',"expires_in_s":2'
ends=$(jq .expires_at <<<"$body")
is "it is of use until then" 200 "$(say "$key"; echo "$status")"
before=$(command stat -c %Y.%i "$kept")
check "and then in no worker" wait_for 10 everywhere "$key" 401
at_least "not before" "$ends" "$(date +%s)"
say "$key"
has "its owner learns why" "$body" 'time of this client key is over'
is "it stands in the list, as one that is over" "[$ends,true]" "$(listed brief '[.expires_at, .expired]')"
is "no file was touched for it" "$before" "$(command stat -c %Y.%i "$kept")"
admin PATCH /api/keys/brief '{"expires_in_s":600}'
is "it gets more time" "200 false" "$status $(jq .expired <<<"$body")"
check "and is of use again" everywhere "$key" 200
admin PATCH /api/keys/brief '{"expires_in_s":null}'
is "or all of it" "200 null" "$status $(jq .expires_at <<<"$body")"
brief=$key

# ---- those of the settings ------------------------------------------------------------
is "they are in the list, in the order of names" "alice brief limited" \
    "$(curl -s "$url/api/keys" -H "Authorization: Bearer $token" | jq -r '.keys[].name' | xargs)"
is "with their source" '["settings",null,null,false,3]' "$(listed alice '[.source, .made_at, .expires_at, .expired, .requests_per_min]')"
key=$alice
is "their owners ask, too" '["alice",{"limit":3,"used":0,"left":3,"opens_s":0}]' "$(me '[.name, .requests_per_min]')"

# ---- what is refused --------------------------------------------------------------------
refused() { # refused STATUS CODE PATTERN METHOD PATH [BODY]
    local what="$4 ${5:0:40} ${6-}"
    admin "$4" "$5" "${6-}"
    is "${what:0:80} is $1" "$1 $2" "$status $(code)"
    has "${what:0:80}: it says why" "$(jq -r .error.message <<<"$body")" "$3"
}
bad() { refused 400 sluice_bad_request "$1" POST /api/keys "$2"; }
kept_before=$(cat "$kept")
refused 409 sluice_bad_request 'limited was made already' POST /api/keys '{"name":"limited"}'
refused 409 sluice_bad_request 'alice stands in the settings file' POST /api/keys '{"name":"alice"}'
refused 409 sluice_bad_request 'alice stands in the settings file' PATCH /api/keys/alice '{"weight":2}'
refused 409 sluice_bad_request 'alice stands in the settings file' DELETE /api/keys/alice
refused 404 sluice_not_found 'No key' DELETE /api/keys/nobody
refused 404 sluice_not_found 'No key' PATCH /api/keys/nobody '{"weight":2}'
refused 404 sluice_not_found 'No key' DELETE "/api/keys/$(printf 'x%.0s' {1..64})"
bad 'name: is missing' '{"weight":1}'
bad 'name: must have 1 to 63' '{"name":""}'
bad 'name: must have no /' '{"name":"a/b"}'
bad 'name: must not be an address' '{"name":"10.0.0.1"}'
bad 'name: must be a text' '{"name":7}'
bad 'weight: must be a whole number from 1 to 1000' '{"name":"a","weight":0}'
bad 'weight: must be a whole number' '{"name":"a","weight":"3"}'
bad 'requests_per_min: must be a whole number from 0 to 10000' '{"name":"a","requests_per_min":10001}'
bad 'queue_max: must be a whole number from 1 to 4096, or 0' '{"name":"a","queue_max":-1}'
bad 'priority: must be .*high.*normal.*low' '{"name":"a","priority":"urgent"}'
bad 'expires_in_s: must be a whole number of seconds from 1 to 315360000, or null' '{"name":"a","expires_in_s":0}'
bad 'weights: unknown key; the nearest known one is weight' '{"name":"a","weights":1}'
bad 'key_sha256: cannot be said here' "{\"name\":\"a\",\"key_sha256\":\"$hash\"}"
bad 'is given twice' '{"name":"a","name":"b"}'
bad 'the body' '[]'
bad 'the body: must be one JSON object' ''
bad '^\(not shown\): unknown key' "{\"name\":\"a\",\"$first\":1}"
refused 400 sluice_bad_request 'name: cannot be said here' PATCH /api/keys/limited '{"name":"other"}'
refused 413 sluice_too_large 'at most 4 KB' POST /api/keys "{\"name\":\"$(head -c 5000 /dev/zero | tr '\0' a)\"}"
is "nothing has changed by that" "$kept_before" "$(cat "$kept")"
for try in "GET /api/keys" "POST /api/keys" "PATCH /api/keys/limited" "DELETE /api/keys/limited"; do
    for auth in "" "Authorization: Bearer $brief" "Authorization: Bearer ${token%?}"; do
        data=(--data-raw '{"name":"a"}')
        [ "${try% *}" != GET ] || data=() # lighttpd: 400
        ask "${try#* }" -X "${try% *}" -H "$auth" "${data[@]}"
        is "$try with \"${auth:0:24}\" is 401" 401 "$status"
    done
done
ask /api/me
is "without a key nobody is told" "401 sluice_unauthorized" "$status $(code)"
ask /api/me -H "Authorization: Bearer $token"
is "not even the administrator" 401 "$status"
ask /api/keys -X PUT -H "Authorization: Bearer $token" --data-raw '{}'
is "PUT is 405" "405 GET, HEAD, POST" "$status $(header Allow)"
chat sim/tokens-3 '' -H 'X-Sluice-Client: limited'
is "a stranger is not called as the owner of a key is" 0 "$(tail -n 3 "$work/log" | grep -c '"client":"limited"')"
chat sim/tokens-3 '' -H 'Authorization: Bearer sk-dummy'
is "beside clients of the settings a strange key is refused, as ever" 401 "$status"

# ---- with sluicectl -----------------------------------------------------------------------
key=$(ctl key make 'ann lee' expires=30d requests_per_min=20 weight=2 priority=high queue_max=5 2>"$work/said")
keys+=("$key")
has "the key is alone on the output" "$key" '^sk-sluice-[0-9a-f]{64}$'
has "the rest is said beside it" "$(cat "$work/said")" 'ann lee'
is "with all its limits" '[20,2,"high",5,2592000]' \
    "$(listed 'ann lee' '[.requests_per_min, .weight, .priority, .queue_max, .expires_at - .made_at]')"
is "and is of use" '"ann lee"' "$(me .name)"
has "the list has it" "$(ctl key list)" "^$(printf %s "$key" | sha256sum | cut -c1-8) +made .* high +2 +20 +0 +0 +5 ann lee$"
has "and those of the settings" "$(ctl key list)" '^[0-9a-f]{8} settings - .* alice$'
ctl key set 'ann lee' requests_per_min=5 expires=never >/dev/null
is "it is changed" '[5,null,2]' "$(listed 'ann lee' '[.requests_per_min, .expires_at, .weight]')"
is "and revoked" revoked "$(ctl key revoke 'ann lee')"
is "so that it is of no use" 401 "$(say "$key"; echo "$status")"
ctl key revoke nobody 2>"$work/said"
is "of nobody: not done" "1 sluicectl: No key was made of that name." "$? $(cat "$work/said")"
ctl key make bob weight=0 2>"$work/said"
is "a wrong value is refused" 1 $?
has "and told" "$(cat "$work/said")" 'weight'
ctl key make bob expires=soon 2>"$work/said"
is "no time is no time" "1 sluicectl: expires: soon is refused; a time may have a unit" "$? $(cut -d, -f1 "$work/said")"
ctl key set limited 2>/dev/null
is "to set nothing is wrong usage" 2 $?
is "key new is as it was" 2 "$("$build/sluicectl" key new bob 2>/dev/null | wc -l)"

# ---- restart, damage ------------------------------------------------------------------------
key=$brief
stop_sluice
server
check "a restart keeps them" everywhere "$key" 200
is "and what they may" '["low",3,0,0]' "$(listed limited '[.priority, .weight, .requests_per_min, .queue_max]')"
warned() { grep -cE "keys.json: .*$1" "$work/log"; }
sound=$(cat "$kept")
jq '.keys[0].weight = 0' <<<"$sound" >"$kept"
admin POST /api/reload
is "a file with a bad entry costs nothing" "200 32 200" "$status $(together "$key")"
has "and the log names the entry" "$(jq -r '.warnings[]' <<<"$body")" 'keys.json: keys\[0\].weight: must be a whole number from 1 to 1000'
printf '{"keys":[' >"$kept"
stop_sluice
server
check "nor does a torn one at a start" everywhere "$key" 200
at_least "which is said" 1 "$(warned 'the 2 keys that are in force stay')"
make again ''
is "the next change mends it" "again brief limited" "$(jq -r '.keys[].name' "$kept" | xargs)"
is "and what was there is set aside" '{"keys":[' "$(cat "$kept.bad")"
rm -f "$kept" "$kept.bad"
stop_sluice
server
at_least "a file that is gone is said, too" 1 "$(warned 'is gone, and with it the 3 keys')"
is "without the file they are nobody's" 401 "$(say "$key"; echo "$status")"
is "and all else goes on" 200 "$(say "$alice"; echo "$status")"

# ---- without clients in the settings -----------------------------------------------------------
echo '{}' >"$work/sluice.json"
admin POST /api/reload
make only ''
is "the first key changes nothing for others" 200 "$(chat sim/tokens-3 '' -H 'Authorization: Bearer sk-dummy'; echo "$status")"
check "it is of use" everywhere "$key" 200
admin DELETE /api/keys/only
is "and when the last one is gone it is still no stranger's" 401 "$(say "$key"; echo "$status")"
stop_sluice
start_sluice bare SLUICE_CONFIG="$work/sluice.json" NVIDIA_API_KEY=
token=$(cat "$state/admin.token")
admin POST /api/keys '{"name":"ci"}'
is "without an upstream key none is made" "409" "$status"
has "and it is said why" "$body" 'upstreams.nim has no API key'

# ---- what was told once ---------------------------------------------------------------------------
odd=''
for key in "${keys[@]}"; do
    odd+=$(grep -rla "$key" "$work" --exclude='answer.*' 2>/dev/null | grep -v /upload/)
done
is "${#keys[@]} keys: in no file and no log" "" "$odd"
finish
