#!/bin/bash
# Who asks: behind other proxies, by other headers, from pages and apps with an
# origin of their own; and what is told who may not.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

canary=nvapi-CANARY-$(openssl rand -hex 16)
code() { jq -r .error.code <<<"$body"; }
message() { jq -r .error.message <<<"$body"; }
logged() { line_of_last "$out" | jq -r .client; } # the client of the last request
start_sim --limiter none --key "$canary"

# ------------------------------------------------------------- no proxy is known --

start_sluice none NVIDIA_API_KEY="$canary" SLUICE_REQUESTS=1000
chat sim/echo '' -H 'X-Forwarded-For: 8.8.8.8' -H 'Forwarded: for=9.9.9.9' -H 'X-OpenWebUI-User-Id: u-1'
is "what nobody trusts means nothing" "200 127.0.0.1" "$status $(logged)"
chat sim/echo ',"user":"b"'
is "nor does a body" "200 127.0.0.1" "$status $(logged)"
chat sim/echo '' -H 'Host: sluice:8080'
is "an unknown host is refused" "403 sluice_forbidden" "$status $(code)"
has "and told what to set" "$(message)" 'host name sluice:8080 .*SLUICE_HOSTS=sluice$'
for origin in app://obsidian.md chrome-extension://abcdefghijklmnopabcdefghijklmnop tauri://localhost https://a.example:1; do
    chat sim/echo '' -H "Origin: $origin"
    is "$origin is refused" "403 sluice_forbidden" "$status $(code)"
    has "and told what to set" "$(message)" "SLUICE_ORIGINS=$origin\$"
    ask /v1/chat/completions -X OPTIONS -H "Origin: $origin" -H 'Access-Control-Request-Method: POST'
    is "its preflight, too" "403 " "$status $(header Access-Control-Allow-Origin)"
done
chat sim/echo '' -H 'Origin: vscode-webview://0a1b2c'
has "where hosts are random, a pattern is" "$(message)" 'SLUICE_ORIGINS=vscode-webview://\*$'
chat sim/echo '' -H 'Origin: https://<script>alert(1)</script>'
is "markup does not come back" "403 0" "$status $(grep -c '<script' <<<"$body")"
stop_sluice

# -------------------------------------------------------------- behind a proxy ----

start_sluice proxy NVIDIA_API_KEY="$canary" SLUICE_REQUESTS=1000 SLUICE_TRUSTED_PROXIES='loopback, 203.0.113.0/24' \
    SLUICE_ANONYMOUS=private SLUICE_CLIENT_HEADER=X-OpenWebUI-User-Id SLUICE_CLIENT_FROM_USER=true
from() { # from WANTED-STATUS WANTED-CLIENT HEADER...
    local want=$1 who=$2 h opt=()
    shift 2
    for h in "$@"; do opt+=(-H "$h"); done
    chat sim/echo '' "${opt[@]}"
    is "$*: $want, $who" "$want $who" "$status $(logged)"
}
from 200 127.0.0.1
from 200 10.0.0.9 'X-Forwarded-For: 10.0.0.9'
from 200 10.0.0.9 'X-Forwarded-For: 10.0.0.9:4711, 127.0.0.1'
from 200 fd00::9 'Forwarded: for="[fd00::9]:4711";proto=https'
from 401 8.8.8.8 'X-Forwarded-For: 8.8.8.8'
from 401 8.8.8.8 'X-Forwarded-For: 127.0.0.1, 8.8.8.8'
from 401 8.8.8.8 'X-Forwarded-For: 127.0.0.1' 'X-Forwarded-For: 8.8.8.8'
from 401 8.8.8.8 'X-Forwarded-For: 10.0.0.9, 8.8.8.8, 203.0.113.4'
from 401 10.0.0.9 'X-Forwarded-For: 10.0.0.9, 203.0.113.4'
from 401 8.8.8.8 'X-Forwarded-For: 8.8.8.8' 'Forwarded: for=127.0.0.1'
from 401 8.8.8.8 'X-Forwarded-For: 127.0.0.1' 'Forwarded: for="8.8.8.8"'
from 401 127.0.0.1 'X-Forwarded-For: unknown'
from 401 127.0.0.1 'Forwarded: for=_hidden'
from 401 127.0.0.1 'X-Forwarded-For: 127.0.0.1"'
from 401 127.0.0.1 'Forwarded: for="127.0.0.1'
chat sim/echo '' -H 'X-Forwarded-For: 8.8.8.8'
has "who may not is told which address was seen" "$(message)" 'from 8\.8\.8\.8 without .*SLUICE_ANONYMOUS, .*is private'
ask /api/status
is "the proxy itself may look" 200 "$status"
ask /api/status -H 'X-Forwarded-For: 10.0.0.9'
is "who is behind it may not" "401 sluice_unauthorized" "$status $(code)"
has "and is told why" "$(message)" 'From 10\.0\.0\.9 .*SLUICE_READ'
ask /api/pause -X POST -d '' -H "Authorization: Bearer $(cat "$state/admin.token")" -H 'X-Forwarded-For: 8.8.8.8'
ask /api/resume -X POST -d '' -H "Authorization: Bearer $(cat "$state/admin.token")" -H 'X-Forwarded-For: 8.8.8.8'
is "an order's log names who gave it" "200 8.8.8.8" \
    "$status $(grep '"action":"resume"' "$out" | tail -n 1 | jq -r .remote)"

# ------------------------------------------------------------------------- names --

from 200 u-1 'X-OpenWebUI-User-Id: u-1'
from 200 u-1 'X-OpenWebUI-User-Id: u-1' 'X-Forwarded-For: 10.0.0.9'
from 200 me 'X-OpenWebUI-User-Id: u-1' 'X-Sluice-Client: me'
from 401 u-1 'X-OpenWebUI-User-Id: u-1' 'X-Forwarded-For: 8.8.8.8'
chat sim/echo ',"user":"b"'
is "the body names whom no header does" "200 b" "$status $(logged)"
chat sim/echo ',"metadata":{"user_id":"user_1_account_2"}'
is "also as Anthropic has it" "200 user_1_account_2" "$status $(logged)"
chat sim/echo ',"user":"b"' -H 'X-OpenWebUI-User-Id: u-1'
is "a header counts for more" "200 u-1" "$status $(logged)"
head -c 100000 /dev/zero | tr '\0' x >"$work/pad"
printf '{"model":"sim/echo","messages":[{"role":"user","content":"%s"}],"user":"large"}' "$(cat "$work/pad")" >"$work/large"
ask /v1/chat/completions -H 'Content-Type: application/json' -H 'Expect:' --data-binary @"$work/large"
is "so it does in a large one" "200 large" "$status $(logged)"
ask /v1/chat/completions -H 'Content-Type: application/json' -H 'Expect:' --data-binary @"$work/large" \
    -H 'X-OpenWebUI-User-Id: u-2'
is "and a header beside it" "200 u-2" "$status $(logged)"
stop_sluice

# ---------------------------------------------------- keys in headers of their own --

made=$("$build/sluicectl" key new alice 2>/dev/null)
mine=${made%%$'\n'*}
printf '{"clients":[%s],"origins":["https://*.app.example","moz-extension://*"]}\n' "${made#*$'\n'}" >"$work/sluice.json"
start_sluice keys NVIDIA_API_KEY="$canary" SLUICE_REQUESTS=1000 SLUICE_CONFIG="$work/sluice.json" SLUICE_ANONYMOUS=no \
    SLUICE_LOG_LEVEL=debug SLUICE_CLIENT_HEADER=X-OpenWebUI-User-Id SLUICE_CLIENT_FROM_USER=true
for h in x-api-key X-Api-Key api-key; do
    chat sim/echo '' -H "$h: $mine"
    is "$h presents a key" "200 alice" "$status $(logged)"
    chat sim/echo '' -H "$h: ${mine%?}"
    is "$h: a part of it is none" "401 sluice_unauthorized" "$status $(code)"
done
chat sim/echo ',"user":"b"' -H "x-api-key: $mine" -H 'X-OpenWebUI-User-Id: u-1' -H 'X-Sluice-Client: me'
is "a key has one name" "200 alice" "$status $(logged)"
chat sim/echo '' -H "x-api-key: $mine" -H 'Authorization: Bearer sk-dummy'
is "one right key of two is enough" "200 alice" "$status $(logged)"
chat sim/echo '' -H "x-api-key: sk-dummy" -H "Authorization: Bearer $mine"
is "whichever it is" "200 alice" "$status $(logged)"
chat sim/echo '' -H "x-api-key: $(cat "$state/admin.token")"
is "a token is no key" 401 "$status"
ask /api/pause -X POST -d '' -H "x-api-key: $(cat "$state/admin.token")"
is "and counts only as a bearer's" "401 sluice_unauthorized" "$status $(code)"
is "the upstream saw one key, and no other" "1 0" "$(curl -s "$sim/sim/arrivals" |
    jq -r '[.arrivals[].auth_sha256] | unique | length') $(curl -s "$sim/sim/arrivals" | grep -c "$mine")"
is "no file holds the client's" "" "$(grep -rl "$mine" "$work/keys")"

# --------------------------------------------------------------------- pages ------

for origin in https://a.app.example moz-extension://0d5a-4e; do
    ask /v1/files/x -X OPTIONS -H "Origin: $origin" -H 'Access-Control-Request-Method: DELETE' \
        -H 'Access-Control-Request-Headers: Authorization, X-Requested-With,x-new-of-theirs, *, b@d'
    is "$origin fits a pattern" "204 $origin" "$status $(header Access-Control-Allow-Origin)"
    has "it may use what it asks for" "$(header Access-Control-Allow-Headers)" ', x-requested-with, .*x-stainless-timeout, x-new-of-theirs$'
    has "also what SDKs of other APIs send" "$(header Access-Control-Allow-Headers)" \
        'x-api-key, api-key, anthropic-version, anthropic-beta, anthropic-dangerous-direct-browser-access, traceparent'
    has "and every method" "$(header Access-Control-Allow-Methods)" 'PUT, PATCH, DELETE$'
    chat sim/echo '' -H "Origin: $origin" -H "x-api-key: $mine"
    is "it sees the answer" "200 $origin" "$status $(header Access-Control-Allow-Origin)"
done
for origin in https://app.example https://a.app.example.evil.example http://a.app.example https://a.app.example:1 moz-extension://a/b; do
    chat sim/echo '' -H "Origin: $origin" -H "x-api-key: $mine"
    is "$origin fits none" "403 " "$status $(header Access-Control-Allow-Origin)"
done
finish
