#!/bin/bash
# codex_chat.sh - Codex, unchanged, before an upstream that speaks chat
# completions alone: a turn in which it runs commands for the model, and what
# they print goes back.  `make test-clients` calls it behind run.sh.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/../curl/lib.sh"
# shellcheck source=tests/registries.sh
. "$(dirname "$0")/../registries.sh"
name=codex-chat
unset NVIDIA_API_KEY "${!OPENAI_@}" "${!SLUICE_@}"

version=0.171.0 # as in run.sh
cache=$root/build/clients
mkdir -p "$cache"

for program in node npm; do
    command -v $program >/dev/null || { printf '*** codex on chat: NOT RUN: %s is not here\n' $program; exit 77; }
done
# shellcheck disable=SC2317 # fill calls it
npm_install() { npm install --no-audit --no-fund --no-package-lock --ignore-scripts "${@:1:$#-1}" --prefix "${!#}"; }
fill "codex-$version" npm_install "@openai/codex@$version" || finish

start_sim --limiter none --key nvapi-practice
start_sluice main NVIDIA_API_KEY=nvapi-practice SLUICE_REQUESTS=1000 SLUICE_PROTOCOLS=chat

# codex MODEL WORDS: what it has to say as JSON, in $said.
codex() {
    said=$(cd "$work/folder" && HOME=$work/home CODEX_HOME=$work/home/codex KEY=sk-clients no_proxy=127.0.0.1 \
        timeout 120 node "$cache/codex-$version/node_modules/@openai/codex/bin/codex.js" \
        exec --json --skip-git-repo-check -s danger-full-access -m "$1" -c 'model_provider="sluice"' \
        -c 'model_providers.sluice.name="Sluice"' -c "model_providers.sluice.base_url=\"$url/v1\"" \
        -c 'model_providers.sluice.env_key="KEY"' -c 'model_providers.sluice.wire_api="responses"' \
        -c 'model_providers.sluice.request_max_retries=0' -c 'model_providers.sluice.stream_max_retries=0' \
        "$2" </dev/null 2>"$work/err" | grep '^{')
}
items() { jq -r "select(.type == \"item.completed\").item | select(.type == \"$1\").$2" <<<"$said"; }

mkdir -p "$work/folder" "$work/home/codex"
echo "a grey cat" >"$work/folder/notes.txt"
codex sim/agent "Please change the file $work/folder/notes.txt"
is "two commands at once, then one more" "0 0 0" "$(items command_execution exit_code | xargs)"
is "what the first ones printed" "a grey cat a grey cat" "$(items command_execution aggregated_output | xargs)"
is "the file is changed" "a green cat" "$(cat "$work/folder/notes.txt")"
has "and it says so" "$(items agent_message text)" '^This is a practice answer'
is "the turn is over, with what it took" turn.completed "$(tail -n 1 <<<"$said" | jq -r 'select(.usage.output_tokens > 0).type')"
is "in three requests, all of chat" "3 /v1/chat/completions accepted" \
    "$(curl -s "$sim/sim/arrivals" | jq -r '.arrivals | "\(length) \(map("\(.path) \(.verdict)") | unique | join(" "))"')"

codex sim/tokens-3 "hello"
is "a plain answer" "This is a" "$(items agent_message text)"
codex sim/stream-9-0+cut-900 "hello"
is "one that breaks off is no answer" turn.failed "$(tail -n 1 <<<"$said" | jq -r .type)"
codex sim/400-openai "hello"
is "nor is one that is refused" turn.failed "$(tail -n 1 <<<"$said" | jq -r .type)"
finish
