#!/bin/bash
# run.sh [NAME...] - Sluice before servers that others wrote, from npm and PyPI,
# on this machine.  `make test-upstreams` calls it; README.md says what it needs.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/../curl/lib.sh"
# shellcheck source=tests/registries.sh
. "$(dirname "$0")/../registries.sh"
name=upstreams
here=$(cd "$(dirname "$0")" && pwd -P)
unset NVIDIA_API_KEY "${!OPENAI_@}" "${!SLUICE_@}"

# The newest on the registries, 29 November 2026.
aimock=1.43.0
litellm=1.105.7 # from 1.106 on its proxy is a package that PyPI may lack

words="These words are of another's server, twelve of them and all in order."
cache=$root/build/upstreams
mkdir -p "$cache"
skipped='' tested='' sim='' # no nimsim, where an upstream needs none

not_run() { # not_run NAME WHY
    printf '*** %s: NOT RUN: %s\n' "$1" "$2"
    skipped+=" $1"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# serve NAME PORT COMMAND...: a server, and a Sluice before it
serve() {
    name=$1
    local port=$2
    shift 2
    "$@" >"$work/$name.out" 2>&1 &
    pids+=("$!")
    if ! wait_for 60 curl -sf -H 'Authorization: Bearer sk-upstream' "127.0.0.1:$port/v1/models"; then
        failed=$((failed + 1))
        echo "FAIL $name: does not start"
        tail -n 15 "$work/$name.out" | cut -c 1-300
        return 1
    fi
    start_sluice "$name" SLUICE_UPSTREAM_URL="http://127.0.0.1:$port" SLUICE_REQUESTS=1000 NVIDIA_API_KEY=sk-upstream
    tested+=" $name"
}

# -------------------------------------------------------------- the checks --

said() { sed -n 's/^data: {/{/p' <<<"$body" | jq -rj '.choices[]?.delta.content // empty'; }
post() { ask "$1" -H 'Content-Type: application/json' -d "$2"; }

models() {
    ask /v1/models
    is "models: the list is the upstream's" "200 true" "$status $(jq --arg id "$1" '[.data[].id] | index($id) != null' <<<"$body")"
}

answers() {
    chat words
    is "chat: its words" "200 $words" "$status $(jq -r '.choices[0].message.content' <<<"$body")"
    is "chat: it was asked once" 1 "$(header x-sluice-attempts)"
    chat words ',"stream":true,"stream_options":{"include_usage":true}'
    is "stream: its words" "200 $words" "$status $(said)"
    is "stream: in many pieces" true "$([ "$(grep -c '^data: ' <<<"$body")" -ge 5 ] && echo true)"
    is "stream: to the end, with its usage" "data: [DONE] number" "$(grep . <<<"$body" | tail -n 1) $(
        sed -n 's/^data: {/{/p' <<<"$body" | jq -rs '[.[].usage.completion_tokens // empty] | last | type')"
}

refusal() { # refusal MODEL STATUS WORDS: told in OpenAI's shape and its words
    chat "$1"
    is "error: the status is its own" "$2" "$status"
    has "error: so are the words" "$(jq -r .error.message <<<"$body")" "$3"
    chat "$1" ',"stream":true'
    is "error: before a stream, too" "$2" "$status"
}

breaks() { # breaks MODEL PATTERN: a stream that it cuts, after such words
    chat "$1" ',"stream":true'
    has "cut: what came before it" "$(said)" "$2"
    has "cut: the end tells of it" "$(grep '^data: ' <<<"$body")" '"error":'
}

idle() {
    wait_for 5 is_idle
    is "nothing waits, runs, is in flight or held" "0 0 0 0" "$(curl -s "$url/api/status" |
        jq -r '"\(.queue.waiting) \(.queue.running) \(.limits[0].in_flight) \(.queue.held_bytes)"')"
}
# shellcheck disable=SC2317 # wait_for calls it
is_idle() { curl -s "$url/api/status" | jq -e '[.queue.running, .limits[0].in_flight] == [0, 0]'; }

responses() { # responses MODEL WORDS
    post /v1/responses "{\"model\":\"$1\",\"input\":\"hello\",\"stream\":true}"
    is "responses: its words" "200 $2" "$status $(sed -n 's/^data: {/{/p' <<<"$body" |
        jq -rj 'select(.type == "response.output_text.delta").delta')"
    is "responses: to the end" "response.completed" "$(sed -n 's/^data: {/{/p' <<<"$body" | jq -rs 'last.type')"
}

# ------------------------------------------------------------- the servers --

# shellcheck disable=SC2317 # fill calls it
npm_install() { npm install --no-audit --no-fund --no-package-lock --ignore-scripts "$1" --prefix "$2"; }

aimock_part() {
    local port
    command -v node >/dev/null || { not_run aimock "node is not here"; return; }
    command -v npm >/dev/null || { not_run aimock "npm is not here"; return; }
    node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 15) ? 0 : 1)' ||
        { not_run aimock "node $(node -v) is older than 20.15"; return; }
    fill "aimock-$aimock" npm_install "@copilotkit/aimock@$aimock" || return
    port=$(free_port)
    serve aimock "$port" node "$cache/aimock-$aimock/node_modules/@copilotkit/aimock/dist/cli.js" \
        --port "$port" --fixtures "$here/aimock.json" --strict --log-level warn || return
    echo "aimock $aimock"
    models words
    answers
    refusal wrong 400 '^The temperature is too high\.$'
    chat busy
    is "429: waited out" "200 Now there is room. 2" \
        "$status $(jq -r '.choices[0].message.content' <<<"$body") $(header x-sluice-attempts)"
    post /v1/embeddings '{"model":"vectors","input":"hello"}'
    is "embeddings: the vector" "200 [0.25,-0.5,0.75]" "$status $(jq -c '.data[0].embedding' <<<"$body")"
    responses words "$words"
    printf '{"custom_id":"1"}\r\n' >"$work/up.jsonl"
    ask /v1/files -F purpose=batch -F "file=@$work/up.jsonl"
    is "files: all of its bytes" "200 up.jsonl 19" "$status $(jq -r '"\(.filename) \(.bytes)"' <<<"$body")"
    ask "/v1/files/$(jq -r .id <<<"$body")/content"
    is "files: and they come back" "200 $(head -c 17 "$work/up.jsonl")" "$status $(tr -d '\r' <<<"$body")"
    breaks broken '^These words are'
    idle
}

litellm_part() {
    local port dir
    python3 -m pip --version >/dev/null 2>&1 || { not_run litellm "python3 with pip is not here"; return; }
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { not_run litellm "$(python3 -V) is older than 3.10"; return; }
    dir=litellm-$litellm-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fill "$dir" python3 -m pip install --disable-pip-version-check "litellm[proxy]==$litellm" --target || return
    start_sim --limiter none
    port=$(free_port)
    serve litellm "$port" env SIM="$sim/v1" PYTHONPATH="$cache/$dir" PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 \
        LITELLM_LOCAL_MODEL_COST_MAP=True python3 -c 'from litellm import run_server; run_server()' \
        --config "$here/litellm.yaml" --host 127.0.0.1 --port "$port" --telemetry False || return
    echo "litellm $litellm"
    models words
    answers
    refusal sim/400-openai 400 "'temperature' must be between 0 and 2"
    chat busy '' -H 'X-Sluice-Deadline: 3'
    has "429: one that stays is told so" "$status $(jq -r .error.code <<<"$body")" '^429 '
    chat "sim/429+times-1"
    is "429: one that passes is waited out" "200 2" "$status $(header x-sluice-attempts)"
    post /v1/embeddings '{"model":"sim/vectors","input":"hello"}'
    is "embeddings: 32 numbers" "200 32" "$status $(jq '.data[0].embedding | length' <<<"$body")"
    responses sim/tokens-6 "This is a practice answer from"
    breaks sim/stream-20-10+cut-1500 '^This is a'
    breaks sim/stream-20-10+stream-error-4-500 '^This is a'
    idle
}

parts=("$@")
[ $# != 0 ] || parts=(aimock litellm)
for part in "${parts[@]}"; do
    case $part in
    aimock) aimock_part ;;
    litellm) litellm_part ;;
    *) echo "usage: run.sh [aimock] [litellm]" >&2; exit 2 ;;
    esac
done
name=upstreams
[ -z "$skipped" ] || printf '\n*** NOT RUN:%s\n' "$skipped"
if [ -z "$tested" ]; then
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] || exit 1
    exit 77 # nothing was tested
fi
finish
