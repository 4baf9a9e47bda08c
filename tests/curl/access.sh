#!/bin/bash
# Who may call: addresses, Host, Origin. And what stays secret.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

canary=nvapi-CANARY-$(openssl rand -hex 16)
prompt=PROMPT-$(openssl rand -hex 16)
start_sim --limiter none --key "$canary"
start_sluice main SLUICE_REQUESTS=1000 NVIDIA_API_KEY="$canary" SLUICE_HOSTS=sluice.example \
    SLUICE_ORIGINS=https://app.example SLUICE_LOG_LEVEL=debug

chat sim/echo
is "the key is added for the client" 200 "$status"
chat sim/echo '' -H 'Authorization: Bearer sk-dummy'
is "a client's dummy key is replaced by it" 200 "$status"
is "the upstream saw our key, and only ours" 1 \
    "$(curl -s "$sim/sim/arrivals" | jq '[.arrivals[].auth_sha256] | unique | length')"
ask /v1/models
is "models come through the cache" 200 "$status"
ask /v1/models/meta/llama-3.1-8b-instruct
is "one model comes from it" "meta/llama-3.1-8b-instruct" "$(jq -r .id <<<"$body")"
ask /v1/models/no/such
is "an unknown model is 404" "404 model_not_found" "$status $(jq -r .error.code <<<"$body")"

for path in /v1/chat/completions /api/status /api/queue /v1/models; do
    opt=()
    [ $path != /v1/chat/completions ] || opt=(-H 'Content-Type: application/json' -d '{"model":"x"}')
    ask $path "${opt[@]}" -H 'Host: evil.example'
    is "$path: a foreign Host is refused" "403 sluice_forbidden" "$status $(jq -r .error.code <<<"$body")"
    ask $path "${opt[@]}" -H 'Origin: https://evil.example'
    is "$path: a foreign Origin is refused" "403 sluice_forbidden" "$status $(jq -r .error.code <<<"$body")"
    ask $path "${opt[@]}" -H 'Origin: null'
    is "$path: so is null" 403 "$status"
    ask $path "${opt[@]}" -H 'Sec-Fetch-Site: cross-site'
    is "$path: so is what a page elsewhere fetches without one" 403 "$status"
    ask $path "${opt[@]}" -H 'Sec-Fetch-Site: same-origin'
    is "$path: not what our own does" 200 "$status"
    ask $path "${opt[@]}" -H 'Host: evil.example' -H 'Origin: http://evil.example'
    is "$path: a re-bound name is refused" 403 "$status"
    ask $path "${opt[@]}" -H "Origin: $url"
    is "$path: our own Origin is fine" 200 "$status"
    ask $path "${opt[@]}" -H 'Host: sluice.example' -H 'Origin: https://app.example'
    is "$path: listed ones are fine" 200 "$status"
done
ask /nowhere
ask /health -X DELETE
ask /api/status
is "who is refused at the door is not among the last requests" "200" "$(jq -r '.recent[].status' <<<"$body" | sort -u | xargs)"
is "nor an outcome" 0 "$(jq .counters.outcomes.refused <<<"$body")"
is "but counted" $((2 * 5)) \
    "$(curl -s "$url/metrics" | awk '/^sluice_requests_total.route="(chat|models)",code="403"/ { n += $2 } END { print n + 0 }')"
ask /health -H 'Host: evil.example'
is "health is for everybody" 200 "$status"

# The canary and a prompt: nowhere but upstream.
ask /v1/chat/completions -H 'Content-Type: application/json' -d "{\"model\":\"sim/echo\",\"messages\":[{\"role\":\"user\",\"content\":\"$prompt\"}]}"
is "a chat with a prompt to look for" 200 "$status"
chat sim/401
chat sim/garbage
chat "$prompt" ',"broken":'
ask "/v1/files?key=$prompt"
ask /api/status
found=$(grep -rlaE "$canary|$prompt" "$work"/main --include='*' 2>/dev/null | grep -v /upload/)
is "no file of a run holds key or prompt" "" "$found"
is "no answer held the key" "" "$(grep -o "$canary" <<<"$body$head")"
has "a worker makes no core dump" "$(cat "/proc/$(workers | head -n 1)/limits")" 'Max core file size +0 +0'

# Callers from elsewhere: the address is what the web server says.
stop_sluice
start_sluice no NVIDIA_API_KEY="$canary" SLUICE_ANONYMOUS=no SLUICE_READ=token SLUICE_READ_TOKEN=readme-0123456789
chat sim/echo
is "anonymous: no refuses everybody without a key" "401 sluice_unauthorized false" \
    "$status $(jq -r .error.code <<<"$body") $(header x-should-retry)"
has "and asks for one" "$head" '^WWW-Authenticate: Bearer$'
# What strangers send is read by nobody, and yet they get their answer.
head -c 20M /dev/zero >"$work/zeros"
big() { # big N PATH: "COUNT STATUS CODE" of N strangers at once
    local i all=()
    for ((i = 0; i < $1; i++)); do
        curl -s --max-time 60 -w '%{http_code}' "$url$2" -H 'Content-Type: application/json' -H 'Expect:' \
            --data-binary @"$work/zeros" -o "$work/big.$i" >"$work/big.$i.status" &
        all+=($!)
    done
    wait "${all[@]}"
    for ((i = 0; i < $1; i++)); do
        printf '%s %s\n' "$(cat "$work/big.$i.status")" "$(jq -r .error.code <"$work/big.$i")"
    done | sort | uniq -c | xargs
}
is "large bodies of strangers: 401" "8 401 sluice_unauthorized" "$(big 8 /v1/chat/completions)"
is "to nowhere: 404" "2 404 sluice_not_found" "$(big 2 /nowhere)"
is "by a wrong method: 405" "2 405 sluice_method" "$(big 2 /api/status)"
rss=0
for p in $(curl -s "$url/api/status" -H 'Authorization: Bearer readme-0123456789' | jq -r '.workers[].pid'); do
    kb=$(awk '/^VmHWM/ { print $2 }' "/proc/$p/status")
    ((kb <= rss)) || rss=$kb
done
case $build in
*san) echo "access: a sanitizer keeps what is freed: memory is not judged" ;;
*) at_most "no worker held them (kB)" 40000 "$rss" ;;
esac
at_least "it was looked at" 1000 "$rss"

ask /api/status
is "admin.read: token wants the token" 401 "$status"
ask /api/status -H 'Authorization: Bearer readme-012345678'
is "not a part of it" 401 "$status"
ask /api/status -H 'Authorization: Bearer readme-0123456789'
is "with it the status is read" 200 "$status"
finish
