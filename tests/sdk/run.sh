#!/bin/bash
# run.sh - the official SDKs of OpenAI and, on /v1/messages, of Anthropic, unchanged but for base_url, in front of a
# real Sluice.  `make test-sdk` calls it; README.md says what it needs.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/../curl/lib.sh"
# shellcheck source=tests/registries.sh
. "$(dirname "$0")/../registries.sh"
name=sdk
here=$(cd "$(dirname "$0")" && pwd -P)
unset NVIDIA_API_KEY "${!OPENAI_@}" "${!SLUICE_@}"

# The newest on the registries, 23 November 2026.  openai 7 wants Node 22.
node_sdk=7.57.0
node_sdk_before_22=6.49.0
python_sdk=3.54.0
anthropic_sdk=2.14.0

cache=$root/build/sdk
mkdir -p "$cache"

not_run() { # not_run WHAT WHY
    printf '\n*** %s: its part was NOT RUN\n\n' "$2"
    skipped+=" $1"
}

# count COMMAND...: runs it, shows its lines and adds up what it counted.
count() {
    local line p f rc
    no_proxy=127.0.0.1 NO_PROXY=127.0.0.1 timeout 240 "$@" 2>&1 | tee "$work/lines"
    rc=${PIPESTATUS[0]}
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$work/lines" | tail -n 1)
    read -r p _ f _ <<<"${line:-0 passed, 1 failed}"
    [ -n "$line" ] || echo "FAIL $name: no result, exit status $rc"
    passed=$((passed + p)) failed=$((failed + f))
    [ "$f" != 0 ] || is "the exit status agrees" 0 "$rc"
}

servers() { # for both parts, at the first
    [ -z "${SLUICE_MAIN:-}" ] || return 0
    start_sim --limiter none --key nvapi-practice
    SIM=$sim
    start_sluice main SLUICE_REQUESTS=1000 SLUICE_HEARTBEAT_S=1 NVIDIA_API_KEY=nvapi-practice
    SLUICE_MAIN=$url
    start_sluice tight SLUICE_REQUESTS=1 SLUICE_WINDOW_S=3 SLUICE_MARGIN_MS=100 SLUICE_QUEUE_MAX=1 \
        SLUICE_COMMIT_AFTER_S=1 SLUICE_HEARTBEAT_S=1 NVIDIA_API_KEY=nvapi-practice
    SLUICE_TIGHT=$url
    start_sim --limiter sliding --requests 5 --window 2
    SIM_FIVE=$sim
    start_sluice five SLUICE_REQUESTS=5 SLUICE_WINDOW_S=2
    SLUICE_FIVE=$url
    export SIM SIM_FIVE SLUICE_MAIN SLUICE_TIGHT SLUICE_FIVE
}

node_part() {
    local major version
    command -v node >/dev/null || { not_run node "node is not here"; return; }
    command -v npm >/dev/null || { not_run node "npm is not here"; return; }
    major=$(node -p 'process.versions.node.split(".")[0]')
    ((major >= 18)) || { not_run node "node $(node -v) is older than 18"; return; }
    version=${SDK_NODE:-$node_sdk}
    ((major >= 22)) || version=${SDK_NODE:-$node_sdk_before_22}
    fill "node-$version" npm install --no-audit --no-fund --no-package-lock --ignore-scripts \
        "openai@$version" --prefix || return
    servers
    echo "node $(node -v), openai $version"
    # Beside node_modules, so that its import is what a user would write.
    cp "$here/node.mjs" "$work/" && ln -sfn "$cache/node-$version/node_modules" "$work/node_modules"
    count node "$work/node.mjs"
}

python_part() {
    local version=${SDK_PYTHON:-$python_sdk} dir
    command -v python3 >/dev/null || { not_run python "python3 is not here"; return; }
    python3 -m pip --version >/dev/null 2>&1 || { not_run python "pip is not here"; return; }
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        { not_run python "$(python3 -V) is older than 3.10"; return; }
    dir=python-$version-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fill "$dir" python3 -m pip install --disable-pip-version-check --no-compile \
        "openai==$version" --target || return
    servers
    echo "$(python3 -V), openai $version"
    PYTHONPATH=$cache/$dir PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 count python3 "$here/python.py"
}

# Anthropic's, on /v1/messages.
messages_part() {
    local version=${SDK_ANTHROPIC:-$anthropic_sdk} dir
    python3 -m pip --version >/dev/null 2>&1 || { not_run messages "python3 or pip is not here"; return; }
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        { not_run messages "$(python3 -V) is older than 3.10"; return; }
    dir=anthropic-$version-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fill "$dir" python3 -m pip install --disable-pip-version-check --no-compile \
        "anthropic==$version" --target || return
    servers
    echo "$(python3 -V), anthropic $version"
    PYTHONPATH=$cache/$dir PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 count python3 "$here/messages.py"
}

skipped=
parts=("$@")
[ $# != 0 ] || parts=(node python messages)
for part in "${parts[@]}"; do
    case $part in
    node) node_part ;;
    python) python_part ;;
    messages) messages_part ;;
    *) echo "usage: run.sh [node] [python] [messages]" >&2; exit 2 ;;
    esac
done
[ -z "$skipped" ] || printf '\n*** NOT RUN:%s\n' "$skipped"
if [ -z "${SLUICE_MAIN:-}" ]; then
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] || exit 1
    exit 77 # nothing was tested
fi

# However the clients behaved: nothing is left over.
for url in "$SLUICE_MAIN" "$SLUICE_TIGHT" "$SLUICE_FIVE"; do
    status=$(curl -s "$url/api/status")
    is "nothing waits, runs, is in flight or held" "0 0 0 0" "$(jq -r \
        '"\(.queue.waiting) \(.queue.running) \(.limits[0].in_flight) \(.queue.held_bytes)"' <<<"$status")"
done
finish
