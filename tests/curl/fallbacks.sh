#!/bin/bash
# Models that stand in for others, and an upstream with several keys: what a client
# sees, what the upstream is asked, and what is told of it.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

lacks() { is "$1" 0 "$(grep -cE "$3" <<<"$2")"; } # lacks "sentence" TEXT PATTERN
served() { echo "$status $(header X-Sluice-Model) $(jq -r .model <<<"$body")"; }
count() { curl -s "$url/metrics" | sed -n "s|^sluice_fallbacks_total{asked=\"$1\",served=\"$2\"} ||p"; }

for i in 1 2; do
    (umask 077 && echo "nvapi-test-$i" >"$work/key-$i")
done
start_sim --limiter none
cat >"$work/sluice.json" <<END
{"upstreams": [
    {"name": "pool", "base_url": "$sim", "models": ["sim/*"], "requests": 2, "window_s": 30, "margin_ms": 100,
     "api_key_files": ["$work/key-1", "$work/key-2"]},
    {"name": "spare", "base_url": "$sim", "models": ["spare/*"]}],
 "fallbacks": {"gpt-4o": ["sim/tokens-2"], "sim/busy": ["spare/model"]}}
END
start_sluice fallbacks SLUICE_CONFIG="$work/sluice.json" SLUICE_UPSTREAM_URL=

# ---- a model that nobody has ----------------------------------------------------
chat gpt-4o
is "another model stands in for it" "200 sim/tokens-2 sim/tokens-2" "$(served)"
has "by a key of its upstream" "$(header X-Sluice-Upstream)" '^pool(-2)?$'
ask /v1/chat/completions -H 'Content-Type: application/json' \
    -d '{"messages":[{"role":"user","content":"\u00e4 \"model\":\"gpt-4o\""}],"\u006dodel":"gpt-4o","stream":true}'
is "a stream's head says so, too" "200 sim/tokens-2" "$status $(header X-Sluice-Model)"
has "and its upstream was asked so" "$body" '"model":"sim/tokens-2"'

# ---- one that another upstream has sooner -------------------------------------------
chat sim/busy
is "one that can be had is had" "200  sim/busy" "$(served)"
chat sim/busy
is "by the other key as well" "200  sim/busy" "$(served)"
is "both keys are used up" "2 2" "$(curl -s "$url/api/status" | jq -r '[.limits[] | select(.upstream | startswith("pool")) | .window_used] | join(" ")')"
start=$EPOCHREALTIME
chat sim/busy
is "another one that is free is asked before it is waited for" "200 spare/model spare/model" "$(served)"
is "at its own upstream" spare "$(header X-Sluice-Upstream)"
at_most "at once" 2 "$(awk "BEGIN { print $EPOCHREALTIME - $start }")"

# ---- what is told ---------------------------------------------------------------------
is "each is counted" "2 1" "$(count gpt-4o sim/tokens-2) $(count sim/busy spare/model)"
is "and logged" 2 "$(cat "$log" "$out" | grep -cE '"model":"gpt-4o".*"upstream":"pool(-2)?","served":"sim/tokens-2"')"
ask /v1/models
is "a model of several keys is listed once" "" "$(jq -r '.data[].id' <<<"$body" | sort | uniq -d)"
ask /api/config
is "the settings have one upstream with two keys" '[["pool","spare"],["key-1","key-2"]]' \
    "$(jq -c '[[to_entries[] | select(.key | test("^upstreams[.].*[.]name$")) | .value.value], .["upstreams.pool.api_key_files"].value]' <<<"$body")"
lacks "and no key, nor where it lies" "$body" "nvapi-test|/key-[12]"
lacks "nor does the log" "$(cat "$log" "$out")" "nvapi-test"

# ---- changes ---------------------------------------------------------------------------
ask /api/config -X PATCH -H "Authorization: Bearer $(cat "$state/admin.token")" -d '{"upstreams.pool.requests":7}'
is "a live change is for all keys" "200 7 7" \
    "$status $(curl -s "$url/api/status" | jq -r '[.limits[] | select(.upstream | startswith("pool")) | .requests] | join(" ")')"
sed -i 's|"gpt-4o": \["sim/tokens-2"\]|"o3": ["sim/tokens-3"]|' "$work/sluice.json"
operator POST /api/reload
chat o3
is "fallbacks change by a reload" "200 sim/tokens-3 sim/tokens-3" "$(served)"
chat gpt-4o
is "and one that is struck out stands in no more" "" "$(header X-Sluice-Model)"
patch '{"fallbacks":{"gpt-4o":["sim/tokens-5"]}}'
chat gpt-4o
is "or at once, by a live change" "200 sim/tokens-5 sim/tokens-5" "$(served)"
patch '{"fallbacks":null}'
chat gpt-4o
is "until it is dropped" "" "$(header X-Sluice-Model)"
stop_sluice

finish
