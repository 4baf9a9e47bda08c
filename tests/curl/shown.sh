#!/bin/bash
# Several upstreams, keys and limits in tokens, as people see them: /api/status,
# /api/queue, /metrics, sluicectl.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

key_file() { # key_file NAME TEXT: its path
    (umask 077 && printf '%s\n' "$2" >"$work/$1.key")
    printf %s "$work/$1.key"
}
api() { curl -s "$url/api/status" | jq -r "$1"; }

dead_port

keyed="" pooled="" # set by another_sim
canaries="nvapi-$(openssl rand -hex 16) nvapi-$(openssl rand -hex 16) nvapi-$(openssl rand -hex 16)"
read -r one two wrong <<<"$canaries"
another_sim keyed --limiter none --key "nvapi-$(openssl rand -hex 16)"
another_sim pooled --limiter none
cat >"$work/sluice.json" <<END
{"upstreams": [
  {"name": "nim", "base_url": "$pooled", "requests": 3, "window_s": 60, "tokens_per_min": 4000, "weight": 5, "scope": "account",
   "models": ["sim/*"], "api_key_files": ["$(key_file one "$one")", "$(key_file two "$two")"]},
  {"name": "local", "base_url": "$keyed", "requests": 3, "window_s": 60, "scope": "account", "models": ["sim/*"],
   "api_key_file": "$(key_file wrong "$wrong")"},
  {"name": "spare", "base_url": "http://127.0.0.1:$dead_port", "requests": 3, "window_s": 60, "scope": "account", "models": ["sim/*"]},
  {"name": "apart", "base_url": "$pooled", "requests": 1, "window_s": 60, "scope": "account", "models": ["other/*"]}]}
END
start_sluice shown SLUICE_CONFIG="$work/sluice.json" SLUICE_WORKERS=2

is "each has its row, keys of a pool too" "nim nim-2 local spare apart" "$(api '[.limits[].name] | join(" ")')"
is "who shares a line says whose it is" '["nim","nim","nim","nim",null]' "$(api '[.limits[].line] | tojson')"
is "a pool tells its name and which key, not the key" '[["nim",1],["nim",2],[null,null],[null,null],[null,null]]' \
    "$(api '[.limits[] | [.pool, .pool_key]] | tojson')"
is "weights" '[5,5,1,1,1]' "$(api '[.limits[].weight] | tojson')"
is "limits in tokens" '[4000,4000,0,0,0]' "$(api '[.limits[].tokens_limit] | tojson')"

many 14 "$work/many.txt" 'header = "X-Sluice-Client: c"' &
crowd_pid=$!
pids+=("$crowd_pid")
check "six went, and the others wait" wait_for 5 sh -c "curl -s $url/api/status | jq -e '
    ([.limits[:2][].window_used] | add) == 6 and .queue.waiting == 8'"
check "a refused key is told with its cause" wait_for 5 sh -c "curl -s $url/api/status | jq -e '
    .limits[2].unpaid | .cause == \"key\" and .status == 503'"
check "so is one that cannot be reached" wait_for 5 sh -c "curl -s $url/api/status | jq -e '.limits[3].unpaid.cause == \"away\"'"
is "the others are left alone for nothing" '[null,null,null]' "$(api '[.limits[0, 1, 4].unpaid] | tojson')"
is "where requests went is counted" '[3,3,0]' "$(api '[.limits[0, 1, 4].went.all] | tojson')"
is "and in the last minute" '[3,3,0]' "$(api '[.limits[0, 1, 4].went.minute] | tojson')"
is "those of a line wait at its lead" '[8,0,0,0,0]' "$(api '[.limits[].waiting | add] | tojson')"
is "a new one of the line goes at the same time, wherever that is" 1 "$(api '[.limits[:4][].eta_s] | unique | length')"
is "tokens that were used are told" true "$(api '.limits[0].tokens_used > 0 and .limits[0].tokens_used < 4000')"

# Who waits apart, at once: its line is its own.
many_model=other/tokens-3 many 2 "$work/other.txt" 'header = "X-Sluice-Client: d"' &
pids+=("$!")
check "one waits apart" wait_for 5 sh -c "curl -s $url/api/queue | jq -e '[.waiting[] | select(.client == \"d\")] | length == 1'"
is "it may go to one alone" '["apart"]' "$(curl -s "$url/api/queue" | jq -c '.waiting[] | select(.client == "d") | .upstreams')"
is "the others to all of their line" '["local","nim","nim-2","spare"]' \
    "$(curl -s "$url/api/queue" | jq -c '[.waiting[] | select(.client == "c") | .upstreams[]] | unique')"
is "each has a place of its own there" '[1,2,3,4,5,6,7,8]' \
    "$(curl -s "$url/api/queue" | jq -c '[.waiting[] | select(.client == "c") | .position]')"
is "what runs goes nowhere else" null "$(curl -s "$url/api/queue" | jq -c '[.running[].upstreams] | add')"

metrics=$(curl -s "$url/metrics")
has "metrics: where they went" "$metrics" 'sluice_upstream_requests_total\{upstream="nim-2"\} 3'
has "why one is left alone" "$metrics" 'sluice_upstream_held\{upstream="local",cause="key"\} 1'
has "and only for that" "$metrics" 'sluice_upstream_held\{upstream="local",cause="unpaid"\} 0'
has "who is away" "$metrics" 'sluice_upstream_held\{upstream="spare",cause="away"\} 1'
has "neither wants to be paid" "$metrics" 'sluice_unpaid\{upstream="local"\} 0'
has "tokens" "$metrics" 'sluice_upstream_tokens_limit\{upstream="nim-2"\} 4000'

told=$("$build/sluicectl" --state-dir "$state" status)
has "sluicectl: a window each" "$told" '^nim-2: 3 of 3 requests used'
has "tokens" "$told" '^  tokens: [0-9]+ of 4000 used, 0 reserved'
has "a refused key" "$told" '^  key refused: requests get 503, until it is tried again in'
has "one that is away, for which requests wait" "$told" '^  cannot be reached, tried again in'
has "whose line it is" "$told" '^  waiting: in the line of nim;'
has "where they went" "$told" '^  went there: 3, 3 in the last minute'
told+=$("$build/sluicectl" --state-dir "$state" top)
has "top: whose line it is" "$told" 'all wait in the line of nim'
has "and why one is left alone" "$told" 'key refused, tried again in'

for canary in $canaries; do
    is "no key is in what is shown" "" "$(grep -o "$canary" <<<"$metrics$told$(api .)$(cat "$out")")"
done
kill "$crowd_pid" 2>/dev/null
stop_sluice

finish
