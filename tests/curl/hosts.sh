#!/bin/bash
# Hosts that share a store, on one machine: one limit, one order, one mind.
# tests/hosts/run has each in a network of its own, and all that can happen to them.
# shellcheck disable=SC2317,SC2119 # functions are called by wait_for, and have options
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/../hosts/lib.sh"

admin() { # admin HOST METHOD PATH [BODY]
    curl -s -X "$2" -H "Authorization: Bearer $(cat "${host_state[$1]}/admin.token")" --data-raw "${4-}" "${host_url[$1]}$3"
}

start_sim --requests $limit --window 3
start_store
start_host 1 NVIDIA_API_KEY=nvapi-1
start_host 2 NVIDIA_API_KEY=nvapi-1
open_hosts 1 2

# ---- one limit ------------------------------------------------------------------------

chats 1 70 "$work/one" &
one=$!
chats 2 30 "$work/two"
wait $one
is "all are answered" 100 "$(cat "$work"/one "$work"/two | grep -c '^200 ')"
at_most "no window has more" $limit "$(most)"
is "and the upstream refuses none" 0 "$(stat refused)"
echo "two hosts: 100 requests in $(lasted) s ($(ideal 100) at best)"
at_most "in little more than it takes" "$(awk "BEGIN { print $(ideal 100) + 1.5 }")" "$(lasted)"

# ---- what people see -------------------------------------------------------------------

both() { [ "$(state_of 1 '[.shared.hosts[]?.name] | sort | join(" ")')" = "host1 host2" ]; }
check "each knows the other" wait_for 5 both
seen=$("$build/sluicectl" --url "${host_url[1]}" shared)
has "sluicectl shared names the store" "$seen" "^store +redis://127.0.0.1:$store_port, account default: up"
has "and this host" "$seen" 'host1 .*here$'
has "Prometheus sees it" "$(curl -s "${host_url[1]}/metrics")" '^sluice_store_hosts 2$'

# ---- one mind ----------------------------------------------------------------------------

setting() { admin "$1" GET /api/config | jq -r '.["queue.max"].value // .settings["queue.max"].value'; }
is_set() { [ "$(setting 2)" = 77 ]; }
admin 1 PATCH /api/config '{"queue.max":77}' >/dev/null
check "a live setting is that of all hosts" wait_for 5 is_set
admin 2 POST /api/keys '{"name":"bob"}' >/dev/null
knows_bob() { admin 1 GET /api/keys | grep -q '"bob"'; }
check "and so is a key that was made" wait_for 5 knows_bob
admin 1 DELETE /api/keys/bob >/dev/null
forgot_bob() { ! admin 2 GET /api/keys | grep -q '"bob"'; }
check "and one that was revoked" wait_for 5 forgot_bob

is_paused() { [ "$(state_of 2 '.paused != null')" = "$1" ]; }
admin 1 POST /api/pause >/dev/null
check "a pause holds for all hosts" wait_for 5 is_paused true
admin 2 POST /api/resume >/dev/null
check "and who resumes does so for all" wait_for 5 is_paused false

# A refusal that one host hears keeps the other back. 60 of a stranger's fill the window.
retreats() { [ "$(state_of "$1" '[.limits[].retreat.state, .models[].retreat.state] | map(select(. != null and . != "normal")) | length')" != 0 ]; }
sleep 3.2
for _ in $(seq 200); do
    printf 'url = "%s/v1/chat/completions"\noutput = "/dev/null"\nsilent\nheader = "Content-Type: application/json"\nheader = "Authorization: Bearer x"\ndata = "{\\"model\\":\\"sim/tokens-3\\",\\"messages\\":[]}"\nnext\n' "$sim"
done | sed '$d' >"$work/stranger"
curl -Z --parallel-immediate --parallel-max 200 -K "$work/stranger" 2>/dev/null
chats 1 1 "$work/refused" &
refused=$!
check "a refusal makes its host keep back" wait_for 5 retreats 1
check "and the other one, too" wait_for 5 retreats 2
wait $refused

# ---- the store is lost ------------------------------------------------------------------

lost() { [ "$(state_of 1 .shared.state)" = lost ]; }
kill_store
check "a store that is gone is noticed" wait_for 5 lost
is "the verdict says so" store_lost "$(state_of 1 .verdict.word)"
is "it is not ready, and says why" "503 false the shared store cannot be used" \
    "$(curl -s -w '%{http_code}' "${host_url[1]}/health/ready" | tr -d '\n' | sed -E 's/.*"store_ok":(true|false|null).*"reason":"([^(]*) \(.*\}([0-9]+)$/\3 \1 \2/')"
has "sluicectl status, too" "$("$build/sluicectl" --state-dir "${host_state[1]}" status)" 'shared store: no answer for .*: all wait'
chats 1 2 "$work/used" 'header = "X-Sluice-Deadline: 1"' # what it has in hand may go
url=${host_url[1]}
chat sim/tokens-3 '' -H 'X-Sluice-Deadline: 1'
is "who waits too long is refused" 503 "$status"
has "and told that it is the store" "$body" 'shared\.url.*sluice_state'
start_store
open_hosts 1 2
chats 1 1 "$work/again"
has "and when it is back it goes on" "$(cat "$work/again")" '^200 '
has "and says so" "$(curl -s "${host_url[1]}/health/ready")" '"store_ok":true'

finish
