#!/bin/bash
# Our own key: asked for once at the start, refused in red wherever somebody
# looks, and never its bytes.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

bad=nvapi-0123456789-not-the-right-one
good=nvapi-9876543210-the-right-one

key() { curl -s "$url/api/status" | jq -r ".limits[${2:-0}].key.$1"; }
key_is() { [ "$(key state "${2:-0}")" = "$1" ]; }
verdict() { curl -s "$url/api/status" | jq -r ".verdict.$1"; }
ready() { ask /health/ready && jq -r ".$1" <<<"$body"; }
status_says() { "$build/sluicectl" --state-dir "$state" status; }
lists() { stat models; }
free() { curl -s -o /dev/null -X PATCH "$sim/sim/config" -d "{\"free\":$1}"; }
said() { cat "$log" "$out" | grep -c '"level":"error","event":"key"'; }
asked() { [ "$(lists)" -ge "$1" ]; }

# ---- the list refuses it: known before anybody asks ----------------------------
start_sim --limiter none --key "$good"
free '["401"]'
stderr_may='^sluice: the upstream refuses our key' # which is what is to be said
start_sluice list NVIDIA_API_KEY=$bad SLUICE_READY_PROBE_S=60 # asked once, in all of what follows
check "at the start the upstream is asked, and refuses our key" wait_for 5 key_is refused
is "the status has its word on it" "401 true" "$(key status) $(key ours)"
is "one worker of all has asked" 1 "$(lists)"
is "it cost no slot" 0 "$(curl -s "$url/api/status" | jq .counters.granted)"
is "the verdict names it" "key_refused bad" "$(verdict word) $(verdict tone)"
has "and what to do" "$(verdict next_step)" 'NVIDIA_API_KEY and restart'
is "we are not ready" "503 false" "$(ready ready >/dev/null; echo "$status") $(ready ready)"
is "for this reason" "false true" "$(ready upstream_key_ok) $(ready upstream_reachable)"
has "which is told" "$(ready reason)" 'refuses our key \(status 401\)'
is "the log has one line of it, an error" 1 "$(said)"
has "that says which key, and what to do" "$(cat "$log" "$out" | grep '"event":"key"')" \
    'upstream nim refuses our key, the one in NVIDIA_API_KEY \(status 401: .+\): put a valid one'
has "sluicectl says it first" "$(status_says | head -n 3)" '^key_refused: The upstream nim refuses our key\.'
has "and with the limit" "$(status_says)" 'our key is refused for .*, with 401: .+'
check "and so does make run" wait_for 5 grep -q '^sluice: the upstream refuses our key (status 401)' "$out"
is "metrics too" 1 "$(curl -s "$url/metrics" | sed -n 's/^sluice_upstream_key_refused{upstream="nim"} //p')"

# ---- real answers ------------------------------------------------------------------
free '[]'
for _ in 1 2 3; do chat sim/tokens-3; done
is "the client gets the upstream's status" 403 "$status"
has "and in words whose key it was" "$body" "Authorization failed \(This is Sluice's own key for the upstream nim, not yours"
outcomes() { curl -s "$url/api/status" | jq -r '.counters.outcomes | "\(.upstream_key) \(.client_error)"'; }
three_are_counted() { [ "$(outcomes)" = "3 0" ]; }
check "it is our failure, not the client's" wait_for 5 three_are_counted
is "in the last requests" upstream_key "$(curl -s "$url/api/status" | jq -r '.recent[0].outcome')"
is "in metrics" 3 "$(curl -s "$url/metrics" | sed -n 's/^sluice_outcomes_total{outcome="upstream_key"} //p')"
is "in the history" 3 "$(curl -s "$url/api/history?from=-60&points=60" | jq '[.upstream_key[] // 0] | add')"
is "whose outcomes are all that ended" true \
    "$(curl -s "$url/api/history?from=-60&points=60" | jq '([.requests[] // 0] | add) == ([.upstream_key[] // 0] | add)')"
is "the log says it once" 1 "$(said)"

# ---- never its bytes --------------------------------------------------------------
is "nowhere a byte of it" 0 "$( (cat "$log" "$out"; curl -s "$url/api/status"; curl -s "$url/health/ready"; status_says; echo "$body$head") | grep -c 0123456789)"
stop_sluice

# ---- an account that is in order again -------------------------------------------------
free '["401"]'
start_sluice again NVIDIA_API_KEY=$good SLUICE_READY_PROBE_S=1
check "refused by the list" wait_for 5 key_is refused
free '[]'
is_ready() { [ "$(ready ready)" = true ]; }
check "whoever asks whether we are ready finds out that it is not any more" wait_for 5 is_ready
check "without a restart, or a request" key_is ok
free '["401"]'
isnt_ready() { [ "$(ready ready)" = false ]; }
check "and that it is again" wait_for 5 isnt_ready
stop_sluice

# ---- a list that needs a key, and takes ours ----------------------------------------
free '["","401"]' # with the key; without
start_sluice taken NVIDIA_API_KEY=$good
check "a list that refuses who has none shows that ours is taken" wait_for 5 key_is ok
is "ready says so" "true true" "$(ready upstream_key_ok) $(ready ready)"
is "no error is logged" 0 "$(said)"
stop_sluice

# ---- a list that our key may not see --------------------------------------------------
free '["403"]'
start_sluice hidden NVIDIA_API_KEY=$good
before=$(lists)
check "it is asked" wait_for 5 asked "$before"
chat sim/tokens-3
check "a key may ask models though it may not list them" wait_for 5 key_is ok
is "of which no error is logged" 0 "$(said)"
is "and we are ready" true "$(ready ready)"
stop_sluice

# ---- a list for anybody ---------------------------------------------------------------
free '[]'
before=$(lists)
start_sluice anybody NVIDIA_API_KEY=$bad
check "it is asked with the key and without" wait_for 5 asked $((before + 2))
is "which tells nothing" "unknown null" "$(key state) $(ready upstream_key_ok)"
is "so we are ready" true "$(ready ready)"
chat sim/tokens-3
check "the first real answer tells" wait_for 5 key_is refused
is "no longer ready" false "$(ready ready)"
is "nobody needs a restart to hear of it" 1 "$(said)"
operator POST /api/retreat/clear '{}'
check "an operator has it tried again" wait_for 5 key_is unknown
is "and we are ready for that" true "$(ready ready)"
stop_sluice

# ---- another key, the same state ----------------------------------------------------
env_of() { start_sluice anybody "NVIDIA_API_KEY=$1"; }
env_of $bad
chat sim/tokens-3
check "refused again" wait_for 5 key_is refused
stop_sluice
env_of $good
check "a restart with another key begins anew" wait_for 5 key_is unknown
chat sim/tokens-3
is "it serves" 200 "$status"
check "and is known to be taken" wait_for 5 key_is ok
stop_sluice

# ---- a client's own key -----------------------------------------------------------------
start_sluice own
chat sim/tokens-3 '' -H 'Authorization: Bearer of-the-client'
is "a client's own key that is refused" 403 "$status"
is "is told as it came" "Authorization failed" "$(jq -r .error.message <<<"$body")"
client_error() { [ "$(curl -s "$url/api/status" | jq -r '.recent[0].outcome')" = client_error ]; }
check "and is the client's error" wait_for 5 client_error
is "nothing is said of a key of ours" "false unknown" "$(key ours) $(key state)"
is "nothing in the log" 0 "$(said)"
is "and we are ready" true "$(ready ready)"
stop_sluice

# ---- one of several -----------------------------------------------------------------
first='' second=''
another_sim first --limiter none --key "$good"
another_sim second --limiter none --key "$good"
(umask 077; echo $bad >"$work/bad.key"; echo $good >"$work/good.key")
cat >"$work/two.json" <<EOF
{"upstreams": [
  {"name": "one", "base_url": "$first", "api_key_file": "$work/bad.key", "models": ["sim/*"]},
  {"name": "two", "base_url": "$second", "api_key_file": "$work/good.key", "models": ["sim/*"]}]}
EOF
start_sluice two SLUICE_CONFIG="$work/two.json" SLUICE_UPSTREAM_URL=
for _ in 1 2 3 4; do
    chat sim/tokens-3
    is "one that refuses our key costs nobody his answer" 200 "$status"
done
one_refuses() { [ "$(curl -s "$url/api/status" | jq -r '.limits[] | select(.name == "one").key.state')" = refused ]; }
check "it is known which" wait_for 5 one_refuses
is "as long as another takes ours we are ready" true "$(ready ready)"
is "but the verdict names it" "key_refused one" "$(verdict word) $(verdict upstream)"
has "the log names the file" "$(cat "$log" "$out" | grep '"event":"key"')" 'the one in [^ ]*/bad\.key \(status 403'
is "never what is in it" 0 "$(cat "$log" "$out" | grep -c 0123456789)"
finish
