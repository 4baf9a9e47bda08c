#!/bin/bash
# run.sh - the official SDKs of OpenAI and, on /v1/messages, of Anthropic, unchanged but for base_url, in front of a
# real Sluice.  `make test-sdk` calls it; README.md says what it needs.
#
# With one program it runs that, before servers of its own.  With more it runs itself for each, side by side.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/../curl/lib.sh"
# shellcheck source=tests/registries.sh
. "$(dirname "$0")/../registries.sh"
name=sdk
here=$(cd "$(dirname "$0")" && pwd -P)
unset NVIDIA_API_KEY "${!OPENAI_@}" "${!ANTHROPIC_@}" "${!SLUICE_@}"

# The newest on the registries, 24 November 2026.  openai 7 wants Node 22.
openai_node=${SDK_NODE:-7.57.0}
openai_node_before_22=${SDK_NODE:-6.49.0}
openai_python=${SDK_PYTHON:-3.54.0}
anthropic_node=${SDK_ANTHROPIC_NODE:-1.14.0}
anthropic_python=${SDK_ANTHROPIC:-2.14.0}

cache=$root/build/sdk
mkdir -p "$cache"

# ---- which can run here ------------------------------------------------------------

not_run() { # not_run PROGRAM WHY
    printf '\n*** %s: %s was NOT RUN\n\n' "$2" "$1"
    return 1
}

# An SDK is in $cache/$sdk, with all that it needs.
from_npm() { # from_npm PROGRAM PACKAGE VERSION
    command -v npm >/dev/null || { not_run "$1" "npm is not here"; return; }
    sdk=$(tr -d @ <<<"${2//\//-}")-node-$3
    fill "$sdk" npm install --no-audit --no-fund --no-package-lock --ignore-scripts "$2@$3" --prefix
}

from_pypi() { # from_pypi PROGRAM PACKAGE VERSION
    python3 -m pip --version >/dev/null 2>&1 || { not_run "$1" "python3 or pip is not here"; return; }
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        { not_run "$1" "$(python3 -V) is older than 3.10"; return; }
    sdk=$2-$3-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fill "$sdk" python3 -m pip install --disable-pip-version-check --no-compile "$2==$3" --target
}

# sdk_of PROGRAM: sets $sdk.  False: it cannot run here, and why is said.
sdk_of() {
    local major
    case $1 in
    *.py) ;;
    *)
        major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) || major=0
        ((major >= 18)) || { not_run "$1" "there is no node of 18 or newer"; return; }
        ;;
    esac
    case $1 in
    node.mjs) from_npm "$1" openai "$( ((major >= 22)) && echo "$openai_node" || echo "$openai_node_before_22")" ;;
    python.py | responses.py) from_pypi "$1" openai "$openai_python" ;;
    *.mjs) from_npm "$1" @anthropic-ai/sdk "$anthropic_node" ;;
    *.py) from_pypi "$1" anthropic "$anthropic_python" ;;
    esac
}

# ---- one ---------------------------------------------------------------------------

urls=() # of each Sluice
where=() # what a program is told
serve() { # serve NAME [VAR=VALUE...]: a Sluice, as $SLUICE_NAME
    start_sluice "$@" SLUICE_HEARTBEAT_S=1 NVIDIA_API_KEY=nvapi-practice
    where+=("SLUICE_${1^^}=$url")
    urls+=("$url")
}

servers() { # servers PROGRAM
    local free
    if [[ $1 == responses.* ]]; then # it is the upstream, too
        free=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        where+=("PORT=$free")
        sim=http://127.0.0.1:$free
        serve main SLUICE_REQUESTS=1000 SLUICE_PROTOCOLS=chat
        return
    fi
    start_sim --limiter none --key nvapi-practice
    where+=("SIM=$sim")
    serve main SLUICE_REQUESTS=1000
    [[ $1 == messages.* ]] && return
    serve tight SLUICE_REQUESTS=1 SLUICE_WINDOW_S=3 SLUICE_MARGIN_MS=100 SLUICE_QUEUE_MAX=1 SLUICE_COMMIT_AFTER_S=1
    if [[ $1 == messages_* ]]; then
        serve long SLUICE_REQUESTS=2 SLUICE_WINDOW_S=20 SLUICE_MARGIN_MS=100 SLUICE_COMMIT_AFTER_S=1
    else
        start_sim --limiter sliding --requests 5 --window 2
        where+=("SIM_FIVE=$sim")
        serve five SLUICE_REQUESTS=5 SLUICE_WINDOW_S=2
    fi
}

# count WHAT STATUS LINES: adds up what the lines of one that ended so say.
count() {
    local line p f
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$3" | tail -n 1)
    read -r p _ f _ <<<"${line:-0 passed, 1 failed}"
    [ -n "$line" ] || echo "FAIL $name: no result of $1, exit status $2"
    passed=$((passed + p)) failed=$((failed + f))
    [ "$f" != 0 ] || is "the exit status of $1 agrees" 0 "$2"
}

run() { # run [VAR=VALUE...] COMMAND...
    timeout 240 env "${where[@]}" no_proxy=127.0.0.1 NO_PROXY=127.0.0.1 "$@" 2>&1 | tee "$work/lines"
    count "$name" "${PIPESTATUS[0]}" "$work/lines"
}

one() { # one PROGRAM
    local status
    name=$1
    sdk_of "$1" || exit $((failed == 0 ? 77 : 1))
    servers "$1"
    echo "$1, with $sdk"
    if [[ $1 == *.py ]]; then
        run PYTHONPATH="$cache/$sdk" PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 python3 "$here/$1"
    else # beside node_modules, so that its import is what a user would write
        cp "$here/$1" "$here/kit.mjs" "$work/" && ln -sfn "$cache/$sdk/node_modules" "$work/node_modules"
        run node "$work/$1"
    fi
    for url in "${urls[@]}"; do # however the client behaved
        status=$(curl -s "$url/api/status")
        is "nothing waits, runs, is in flight or held" "0 0 0 0" "$(jq -r \
            '"\(.queue.waiting) \(.queue.running) \(.limits[0].in_flight) \(.queue.held_bytes)"' <<<"$status")"
    done
    finish
}

# ---- all ---------------------------------------------------------------------------

programs=()
for file in "$here"/*.py "$here"/*.mjs; do
    file=${file##*/}
    [[ $file == kit.* ]] && continue
    [ $# != 0 ] || set -- ""
    for wanted in "$@"; do
        [[ $file != "$wanted"* ]] || programs+=("$file")
    done
done
case ${#programs[@]} in
0) echo "usage: run.sh [node] [python] [messages] [responses] [PROGRAM...]" >&2; exit 2 ;;
1) one "${programs[0]}" ;;
esac

started=()
for program in "${programs[@]}"; do
    sdk_of "$program" || continue # two at once would fetch the same
    SLUICE_BUILD=$build "$here/run.sh" "$program" >"$work/$program.lines" 2>&1 &
    started+=("$program")
    pids+=("$!")
done
[ ${#started[@]} != 0 ] || exit $((failed == 0 ? 77 : 1)) # nothing was tested
for i in "${!started[@]}"; do
    wait "${pids[$i]}"
    rc=$?
    cat "$work/${started[$i]}.lines"
    count "${started[$i]}" "$rc" "$work/${started[$i]}.lines"
done
for program in "${programs[@]}"; do
    [[ " ${started[*]} " == *" $program "* ]] || printf '*** NOT RUN: %s\n' "$program"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
