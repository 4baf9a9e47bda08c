#!/bin/bash
# sluicectl report: all that tells of a fault is in one file, and no key, prompt,
# client, model or host of one's own.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"
unset SLUICE_URL SLUICE_STATE_DIR SLUICE_ADMIN_TOKEN

# What must not be in it, each found by one word of its own.
key=nvapi-Pl4ntedUpstreamKey
prompt=plantedprompt
client=plantedclient
made=plantedmade
model=plantedvendor/planted-model-7b
alias=plantedalias
upstream=plantedupstream
host="planted-host.example"
id=plantedid1234
agent=plantedagent
planted=(Pl4ntedUpstreamKey "$prompt" "$client" "$made" plantedvendor planted-model-7b "$alias" plantedupstream planted-host "$id"
    "$agent" plantedlog plantedkeylog plantedreadtoken "$(hostname)")

start_sim --limiter none
printf '%s' "$key" >"$work/key"
chmod 600 "$work/key"
jq -n --arg u "$sim" --arg k "$work/key" --arg n $upstream --arg h "$host" --arg a "$alias*" --arg m "$model" \
    '{upstreams: [{name: $n, base_url: $u, api_key_file: $k, requests: 50, window_s: 10}], hosts: [$h], model_alias: {($a): $m},
      admin: {read_token_file: ($k + ".read")}}' >"$work/sluice.json"
echo plantedreadtoken-123456789012 >"$work/key.read"
chmod 600 "$work/key.read"
start_sluice main SLUICE_CONFIG="$work/sluice.json" SLUICE_UPSTREAM_URL=
planted+=("$(cat "$state/admin.token")")
ctl() { "$build/sluicectl" --dir "$state" "$@"; }
given=$(SLUICE_CONFIG="$work/sluice.json" ctl key make $made 2>/dev/null)
planted+=("${given#sk-sluice-}")

say() { # say MODEL [CURL-OPTION...]
    curl -s -o /dev/null --max-time 10 "$url/v1/chat/completions" -H 'Content-Type: application/json' -H "X-Sluice-Client: $client" \
        -H "X-Request-Id: $id" -A $agent -d "{\"model\":\"$1\",\"messages\":[{\"role\":\"user\",\"content\":\"$prompt\"}]}" "${@:2}"
}
say "$model"
say $alias-1
say "$model+tokens-3" -H "Authorization: Bearer $given"
say "sim/500+$model"
say "sim/gone+$model"
say "sim/400-openai+$model"
curl -s -o /dev/null "$url/v1/models?$prompt"
curl -s -o /dev/null -H "Host: $host" "$url/$prompt"
curl -s -o /dev/null -H "Authorization: Bearer sk-sluice-$prompt" "$url/v1/models"
curl -s -o /dev/null --max-time 3 "$url/v1/chat/completions" -H "X-Sluice-Client: $client-2" -d "{\"model\":\"sim/slow-5000+$model\",\"messages\":[]}" &
pids+=("$!")
# Lines such as nobody writes, but who knows: a name in each place where one may be.
printf '%s\n' "{\"ts\":\"2026-11-30T12:00:00.000Z\",\"level\":\"error\",\"event\":\"trouble\",\"status\":599,\"message\":\"could not reach plantedlog/x at http://plantedlog.example:80/ as $client, Bearer plantedkeylog12345, \\\"$prompt and more\\\" for $made: Connection refused\",\"client\":\"plantedlog\",\"model\":\"$model\",\"code\":\"Plantedlog X\",\"new\":\"plantedlog\",\"plantedlog x\":1,\"deep\":{\"er\":[{\"name\":\"plantedlog\"}]}}" \
    "2026-11-30 12:00:00: (server.c.1) opening /home/plantedlog/file failed: $client $upstream" >>"$log"

cd "$work" || exit 1
said=$(SLUICE_CONFIG="$work/sluice.json" ctl report 2>&1)
is "it is written" 0 $?
file=$(ls "$work"/sluice-report-*.txt)
has "and says where" "$said" "written to sluice-report-[0-9]{8}-[0-9]{6}.txt: look through it"
is "for nobody else" 600 "$(command stat -c %a "$file")"
text=$(<"$file")

# ---- what is not in it ------------------------------------------------------------
for word in "${planted[@]}"; do
    is "not in it: ${word:0:12}" 0 "$(grep -ciF -- "$word" <<<"$text")"
done
# They are where they were planted: else this finds nothing.
everything=$(curl -s "$url/api/status" -H "Authorization: Bearer $(cat "$state/admin.token")"; curl -s "$url/metrics" -H "Authorization: Bearer $(cat "$state/admin.token")"; cat "$log" "$work/sluice.json")
for word in "$client" planted-model-7b "$alias" $upstream planted-host plantedlog; do
    at_least "where it comes from it is: $word" 1 "$(grep -ciF -- "$word" <<<"$everything")"
done
is "no address of a client" 0 "$(grep -cE '"client[a-z]*":"[0-9]+\.' <<<"$text")"

# ---- what is ------------------------------------------------------------------------
version=$(sed -n 's/^VERSION = //p' "$root/Makefile")
has "versions" "$text" "^sluicectl $version\$"
has "of libraries, too" "$text" '^libcurl/[0-9]'
has "the machine" "$text" '^system: Linux [0-9]'
has "its distribution" "$text" '^distribution: '
has "the state's file system" "$text" '^state directory: mode 700, .*, ours, file system '
has "settings" "$text" '^queue.max = 500$'
has "and where they come from" "$text" '^upstreams.upstream-1.requests = 50 \(file\)$'
has "of a text that it is set" "$text" '^hosts = \([0-9]+ (entries|characters)\)|^hosts = \(1 entries\)'
has "the status" "$text" '^limits: \[.*"upstream":"upstream-1"'
has "the same name throughout" "$text" '"model":"model-1"'
has "who was there" "$text" '"client":"client-1"'
has "what became of requests" "$text" '"outcome":"(ok|upstream_error)"'
has "the history" "$text" '^last hour: .*sends [0-9.]+.*ok [0-9]'
has "the metrics" "$text" '^sluice_requests_total\{route="[a-z_]+",code="200"\} [1-9]'
has "of an upstream" "$text" '\{upstream="upstream-1"\}'
is "none that is zero" 0 "$(grep -cE '^sluice_[a-z_]+(\{.*\})? 0(\.0+)?$' <<<"$text")"
has "the log's trouble" "$text" '"level":"error","event":"trouble","status":599'
has "in words, without names" "$text" 'message: could not reach \(\.\.\.\) at \(\.\.\.\) as \(\.\.\.\).*Connection refused'
has "the web server's, too" "$text" 'opening \(\.\.\.\) failed: \(\.\.\.\) \(\.\.\.\)'
at_most "KB" 400 "$(($(wc -c <"$file") / 1024))"

# ---- elsewhere ------------------------------------------------------------------------
before=$(cksum "$file")
said=$(ctl report "$file" 2>&1)
is "no file is written over" 1 $?
has "which is said" "$said" 'File exists'
is "it is as it was" "$before" "$(cksum "$file")"
is "to the output" "Sluice report" "$(ctl report - | head -n 1 | cut -d, -f1)"
is "by its URL alone" 1 "$("$build/sluicectl" --url "$url" --token-file "$state/admin.token" report - | grep -c '^sluice_uptime_seconds ')"
stop_sluice
said=$(ctl report - 2>&1)
is "while nobody answers it is written all the same" 0 $?
has "with what the state says" "$said" '^from the state file: up [0-9]+ s'
has "and the log" "$said" '"event":"trouble"'
for word in "${planted[@]}"; do
    is "nor is it in that: ${word:0:12}" 0 "$(grep -ciF -- "$word" <<<"$said")"
done
finish
