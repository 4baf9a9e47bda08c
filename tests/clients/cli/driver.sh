#!/bin/bash
# driver.sh TOOL PROGRAM...: asks what a line of its input says, with a program
# for the command line: started for each line, in a home and a folder of its own.
#
# A tool is a function: it gets an address and a model, prints the answer and
# ends with another status than 0 if it said that there is none.  $wish is what
# the user says: a word, or what an agent has to do (sim/agent of nimsim).
tool=$1
program=("${@:2}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/sluice-client.XXXXXX")
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/home" "$dir/folder"
cd "$dir/folder" || exit 1
export HOME=$dir/home XDG_CONFIG_HOME=$dir/home/.config XDG_DATA_HOME=$dir/home/.local XDG_CACHE_HOME=$dir/home/.cache

# may HOW...: can it do what is asked?
may() {
    [[ " $* " = *" $how "* ]] || return 200
}

codex() { # speaks /v1/responses alone
    may rstream || return
    mkdir -p "$HOME/codex"
    CODEX_HOME=$HOME/codex KEY=sk-clients "${program[@]}" exec --skip-git-repo-check -s read-only -m "$3" \
        -c 'model_provider="sluice"' -c 'model_providers.sluice.name="Sluice"' \
        -c "model_providers.sluice.base_url=\"$2\"" -c 'model_providers.sluice.env_key="KEY"' \
        -c 'model_providers.sluice.wire_api="responses"' "$wish"
}

claude-code() { # speaks Messages; what it could not do it says where its answer would be
    may stream agent || return
    ANTHROPIC_BASE_URL=${2%/v1} ANTHROPIC_AUTH_TOKEN=sk-clients CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 \
        timeout 40 "${program[@]}" -p "$wish" --model "$3" --allowedTools Read,Edit >"$dir/all" || {
        rc=$?
        cat "$dir/all" >&2
        return $rc
    }
    cat "$dir/all"
}

cline() { # its daemon, which would stay, is not wanted
    may stream agent || return
    export CLINE_SESSION_BACKEND_MODE=local
    "${program[@]}" auth -p openai -k sk-clients -b "$2" -m "$3" >"$dir/all" &&
        timeout 40 "${program[@]}" -m "$3" --auto-approve true "please: $wish" # one word would be a command
}

continue-cli() { # of what broke off it tries again, without an end of its own
    may stream agent || return
    cat >"$HOME/config.yaml" <<EOF
name: Sluice
version: 0.0.1
schema: v1
models: [{name: practice, provider: openai, model: $3, apiBase: $2, apiKey: sk-clients}]
EOF
    timeout 40 "${program[@]}" --config "$HOME/config.yaml" -p --auto "$wish" >"$dir/all" || return
    # Its status is 0 if it could not answer, and then it says so in JSON.
    ! grep '^{"status":"error"' "$dir/all" >&2 && cat "$dir/all"
}

opencode() { # of what may pass it tries again, without an end of its own
    may stream agent || return
    OPENCODE_CONFIG_CONTENT='{"provider":{"sluice":{"npm":"@ai-sdk/openai-compatible","name":"Sluice",
        "options":{"baseURL":"'$2'","apiKey":"sk-clients"},"models":{"'$3'":{}}}}}' \
        OPENCODE_DISABLE_AUTOUPDATE=1 OPENCODE_DISABLE_MODELS_FETCH=1 OPENCODE_DISABLE_LSP_DOWNLOAD=1 \
        timeout 40 "${program[@]}" run -m "sluice/$3" "$wish"
}

aider() { # its status is 0 whatever happens: the answer stands before "Tokens:"
    may stream || return
    OPENAI_API_BASE=$2 OPENAI_API_KEY=sk-clients timeout 40 "${program[@]}" --model "openai/$3" --message "$wish" \
        --no-git --no-pretty --yes-always --no-show-model-warnings --no-show-release-notes --no-detect-urls \
        --no-check-update --analytics-disable >"$dir/all" || return
    awk -v RS= 'sub(/\nTokens: .*/, "") { print; found = 1 } END { exit !found }' "$dir/all" || {
        grep . "$dir/all" | tail -n 1 >&2
        return 1
    }
}

ask() { # ask HOW URL WHAT
    local rc wish=hello file=$dir/folder/notes.txt
    if [ "$1" = agent ]; then
        echo "the sky is grey" >"$file"
        wish="Replace grey with green in the file $file"
    fi
    "$tool" "$@" </dev/null >"$dir/out" 2>"$dir/err"
    rc=$?
    [ "$1$rc" != agent0 ] || { cat "$file" "$dir/out" >"$dir/all" && mv "$dir/all" "$dir/out"; }
    case $rc in
    0) echo "= $(tr -d '\0' <"$dir/out" | tr -s '[:space:]' ' ' | sed 's/^ //; s/ $//')" ;;
    124) echo "! no answer: it still tries" ;;
    200) echo - ;;
    *) echo "! status $rc: $(grep . "$dir/err" | tail -n 1 | tr -d '\000-\037')" ;;
    esac
}

while read -r how url what; do ask "$how" "$url" "$what"; done
