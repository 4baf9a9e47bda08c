#!/bin/bash
# run.sh [NAME...] - clients that others wrote, unchanged but for address and
# key, each before a real Sluice of its own.  `make test-clients` calls it;
# README.md says what it needs and what it asks.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/../curl/lib.sh"
# shellcheck source=tests/registries.sh
. "$(dirname "$0")/../registries.sh"
name=clients
here=$(cd "$(dirname "$0")" && pwd -P)
unset NVIDIA_API_KEY "${!OPENAI_@}" "${!SLUICE_@}"
export SLUICE_BUILD=$build
jobs=${CLIENTS_JOBS:-4} # most of a client's time is waiting

cache=$root/build/clients
mkdir -p "$cache"
wanted=("$@") names=() skipped=
declare -A version command program

is_wanted() { # is_wanted NAME: none was named, or this one
    local w
    [ ${#wanted[@]} != 0 ] || return 0
    for w in "${wanted[@]}"; do [ "$w" != "$1" ] || return 0; done
    return 1
}

not_run() { # not_run NAME WHY
    printf '*** %s: NOT RUN: %s\n' "$1" "$2"
    skipped+=" $1"
    return 1
}

# needs NAME PROGRAM...: each of them is here, or it is said.
needs() {
    local who=$1 program
    shift
    for program in "$@"; do
        command -v "$program" >/dev/null || { not_run "$who" "$program is not here"; return; }
    done
}

# at_least_is NAME WANT HAVE WHAT: versions, such as 20 and 22.3.1
at_least_is() {
    [ "$(printf '%s\n%s\n' "$2" "$3" | sort -V | head -n 1)" = "$2" ] || not_run "$1" "$4 $3 is older than $2"
}

ready() { # ready NAME VERSION COMMAND...: the command is its driver
    names+=("$1")
    version[$1]=$2
    command[$1]=$(printf '%q ' "${@:3}")
}

# ---------------------------------------------------------------- Python --

python_client() { # python_client NAME MODULE PACKAGE==VERSION...; without a module a program
    local who=$1 module=$2 dir python
    shift 2
    is_wanted "$who" && needs "$who" python3 || return 0
    python3 -m pip --version >/dev/null 2>&1 || { not_run "$who" "pip is not here"; return; }
    python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    at_least_is "$who" 3.10 "$python" Python || return
    dir=$who-${1#*==}-$python
    fill "$dir" python3 -m pip install --disable-pip-version-check "$@" --target || return
    if [ -n "$module" ]; then
        set -- "${1/==/ }" python3 "$here/python/driver.py" "$module"
    else
        set -- "${1/==/ }" "$here/cli/driver.sh" "$who" python3 -m "$who"
    fi
    ready "$who" "$1" env PYTHONPATH="$cache/$dir" PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 "${@:2}"
}

# ------------------------------------------------------------------ Node --

node_packages=(openai@6.49.0 ai@6.0.325 @ai-sdk/openai@3.0.141 @ai-sdk/openai-compatible@2.0.92
    @langchain/openai@1.5.8 @langchain/core@1.4.0)

# shellcheck disable=SC2317 # fill calls it, and the others that build
npm_install() { npm install --no-audit --no-fund --no-package-lock --ignore-scripts "${@:1:$#-1}" --prefix "${!#}"; }

node_client() { # node_client NAME MODULE PACKAGE: one of node_packages
    local dir pinned
    is_wanted "$1" && needs "$1" node npm || return 0
    at_least_is "$1" 20 "$(node -p process.versions.node)" Node || return
    dir=node-$(printf '%s\n' "${node_packages[@]}" | cksum | cut -d ' ' -f 1)
    fill "$dir" npm_install "${node_packages[@]}" || return
    # Beside node_modules, so that an import is what a user would write.
    [ -e "$work/node" ] || { cp -r "$here/node" "$work/" && ln -s "$cache/$dir/node_modules" "$work/node/"; }
    pinned=$(printf '%s\n' "${node_packages[@]}" | grep "^$3@")
    ready "$1" "$3 ${pinned##*@}" node "$work/node/driver.mjs" "$2"
}

# Programs for the command line; of two versions one is NAME-older.
cli_client() { # cli_client NAME PACKAGE VERSION PROGRAM...
    is_wanted "$1" && needs "$1" node npm || return 0
    at_least_is "$1" 20 "$(node -p process.versions.node)" Node || return
    fill "${1%-older}-$3" npm_install "$2@$3" || return
    set -- "$1" "$2 $3" "${@:4:$#-4}" "$cache/${1%-older}-$3/node_modules/${!#}"
    ready "$1" "$2" "$here/cli/driver.sh" "${1%-older}" "${@:3}"
    program[$1]=$(printf '%q ' "${@:3}")
}

cpu=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/') # as npm's packages have it

# -------------------------------------------------------------------- Go --

go_modules=(github.com/openai/openai-go/v3@v3.99.0 github.com/tmc/langchaingo@v0.1.14)

# shellcheck disable=SC2317
go_build() ( # go_build DIRECTORY
    cd "$1" && cp "$here"/go/*.go . && go mod init clients && go get "${go_modules[@]}" && go mod tidy && go build -o driver .
)

go_client() { # go_client NAME CLIENT MODULE
    local dir pinned
    is_wanted "$1" && needs "$1" go || return 0
    at_least_is "$1" 1.26 "$(go env GOVERSION | sed 's/^go//')" Go || return
    dir=go-$(cat "$here"/go/*.go <(echo "${go_modules[@]}") | cksum | cut -d ' ' -f 1)
    GOTOOLCHAIN=local GOFLAGS=-mod=mod fill "$dir" go_build || return
    pinned=$(printf '%s\n' "${go_modules[@]}" | grep -F "/$3")
    ready "$1" "$3 ${pinned##*@}" "$cache/$dir/driver" "$2"
}

# ------------------------------------------------------------------ Rust --

# shellcheck disable=SC2317
rust_build() { # rust_build DIRECTORY
    mkdir -p "$1/src" && cp "$here/rust/Cargo.toml" "$1/" && cp "$here/rust/main.rs" "$1/src/" &&
        cargo build --manifest-path "$1/Cargo.toml" && cp "$1/target/debug/driver" "$1/" && rm -rf "$1/target"
}

rust_client() { # rust_client NAME: what Cargo.toml pins
    local dir pinned
    is_wanted "$1" && needs "$1" cargo || return 0
    at_least_is "$1" 1.85 "$(rustc --version | cut -d ' ' -f 2)" Rust || return
    dir=rust-$(cat "$here"/rust/* | cksum | cut -d ' ' -f 1)
    fill "$dir" rust_build || return
    pinned=$(sed -n 's/.*"=\([0-9.]*\)".*/\1/p' "$here/rust/Cargo.toml")
    ready "$1" "$1 $pinned" "$cache/$dir/driver"
}

# ------------------------------------------------------------------ Java --

# shellcheck disable=SC2317
java_build() ( # java_build VERSION DIRECTORY
    cp "$here"/java/* "$2/" && cd "$2" &&
        mvn -q -B -Dlangchain4j="$1" dependency:copy-dependencies -DoutputDirectory=lib &&
        javac -cp 'lib/*' -d . Driver.java
)

java_client() { # java_client NAME VERSION
    local dir
    is_wanted "$1" && needs "$1" java javac mvn || return 0
    at_least_is "$1" 17 "$(javac -version 2>&1 | cut -d ' ' -f 2)" Java || return
    dir=java-$2-$(cat "$here"/java/* | cksum | cut -d ' ' -f 1)
    fill "$dir" java_build "$2" || return
    ready "$1" "langchain4j-open-ai $2" java -cp "$cache/$dir:$cache/$dir/lib/*" Driver
}

python_client openai-python with_openai openai==3.57.0
python_client chatnvidia with_chatnvidia langchain-nvidia-ai-endpoints==1.5.0
python_client langchain-python with_langchain langchain-openai==1.7.4
python_client llamaindex with_llamaindex llama-index-llms-openai-like==0.8.1 llama-index-embeddings-openai-like==0.4.0
python_client litellm with_litellm litellm==1.110.2
python_client pydantic-ai with_pydantic_ai 'pydantic-ai-slim[openai]==2.68.0'
python_client instructor with_instructor instructor==1.17.0
node_client openai-node with_openai openai
node_client ai-sdk-openai with_ai_sdk_openai @ai-sdk/openai
node_client ai-sdk-compatible with_ai_sdk_compatible @ai-sdk/openai-compatible
node_client langchain-js with_langchain @langchain/openai
python_client aider '' aider-chat==0.86.2
cli_client codex @openai/codex 0.171.0 node @openai/codex/bin/codex.js
cli_client opencode opencode-ai 1.18.33 "opencode-linux-$cpu/bin/opencode"
cli_client cline cline 3.0.65 node cline/bin/cline
cli_client continue-cli @continuedev/cli 1.5.47 node @continuedev/cli/dist/cn.js
cli_client claude-code @anthropic-ai/claude-code 2.1.332 "@anthropic-ai/claude-code-linux-$cpu/claude"
cli_client claude-code-older @anthropic-ai/claude-code 2.1.200 "@anthropic-ai/claude-code-linux-$cpu/claude"
go_client openai-go openai openai-go
go_client langchaingo langchaingo langchaingo
rust_client async-openai
java_client langchain4j 1.19.0

# ------------------------------------------------------------ all of them --

# one NAME: what its client.sh printed is in $work/NAME.lines.
one() {
    local says=words answer_s=60
    [ "$1" != instructor ] || says=tools
    [[ ${command[$1]} != */cli/driver.sh* ]] || answer_s=150 # it starts anew, and tries again
    eval "CLIENT_SAYS=$says CLIENT_ANSWER_S=$answer_s timeout 500 $here/client.sh $1 ${command[$1]}" \
        >"$work/$1.lines" 2>&1
    echo $? >"$work/$1.rc"
    case $1 in claude-code*) eval "timeout 500 $here/claude.sh $1 ${program[$1]}" >>"$work/$1.lines" 2>&1 ;; esac
}

# told NAME: shows its lines and adds up what it counted.
told() {
    local p f rc
    printf '\n%s: %s\n' "$1" "${version[$1]}"
    cat "$work/$1.lines"
    rc=$(cat "$work/$1.rc")
    # What began to count and did not come to its end would not be missed else.
    read -r p f < <(awk '/^[0-9]+ passed, [0-9]+ failed$/ { n++; p += $1; f += $3 } END { if (n == want) print p, f }' \
        want="$(case $1 in claude-code*) echo 2 ;; *) echo 1 ;; esac)" "$work/$1.lines")
    [ -n "${p:-}" ] || { p=0 f=1 && echo "FAIL $1: no result, exit status $rc"; }
    passed=$((passed + p)) failed=$((failed + f))
}

# table TITLE PREFIX COLUMN...: what was seen, a row a client that had any of it
table() {
    local who column row line
    printf '\n%-18s' "$1"
    printf ' %-10s' "${@:3}"
    echo
    for who in "${names[@]}"; do
        row=
        for column in "${@:3}"; do
            line=$(grep -E "^(ok|FAIL|--) +$who: $2$column( \(|$)" "$work/$who.lines" | head -n 1)
            row+=$(printf ' %-10s' "${line%% *}")
        done
        ! grep -qE 'ok|FAIL' <<<"$row" || printf '%-18s%s\n' "$who" "$row"
    done
}

for who in "${names[@]}"; do
    while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
    one "$who" &
done
wait
for who in "${names[@]}"; do told "$who"; done
if [ ${#names[@]} = 0 ]; then
    [ -n "$skipped" ] || [ "$failed" != 0 ] || { echo "no such client: ${wanted[*]}" >&2; exit 2; }
    printf '\n*** NOT RUN:%s\n%d passed, %d failed\n' "$skipped" "$passed" "$failed"
    [ "$failed" = 0 ] || exit 1
    exit 77 # nothing was tested
fi
table chat "" chat stream tools agent embeddings files 429 pause queue error cut 'late 400'
table responses "responses: " chat stream tools pause queue error cut 'late 400' failed event
[ -z "$skipped" ] || printf '\n*** NOT RUN:%s\n' "$skipped"
echo
finish
