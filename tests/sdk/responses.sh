#!/bin/bash
# responses.sh - the official OpenAI SDK for Python asks /v1/responses of an
# upstream that speaks chat completions alone (responses.py).
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/../curl/lib.sh"
# shellcheck source=tests/registries.sh
. "$(dirname "$0")/../registries.sh"
name=responses
here=$(cd "$(dirname "$0")" && pwd -P)
unset NVIDIA_API_KEY "${!OPENAI_@}" "${!SLUICE_@}"

# As in run.sh.
version=${SDK_PYTHON:-3.54.0}
cache=$root/build/sdk
mkdir -p "$cache"

not_run() {
    printf '\n*** responses: NOT RUN: %s\n\n' "$1"
    exit 77
}

command -v python3 >/dev/null || not_run "python3 is not here"
python3 -m pip --version >/dev/null 2>&1 || not_run "pip is not here"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || not_run "$(python3 -V) is older than 3.10"
dir=python-$version-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
fill "$dir" python3 -m pip install --disable-pip-version-check --no-compile "openai==$version" --target || finish

echo "$(python3 -V), openai $version"
export PYTHONPATH=$cache/$dir PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 no_proxy=127.0.0.1 NO_PROXY=127.0.0.1
coproc SDK { exec timeout 240 python3 "$here/responses.py" 2>&1; }
sdk=$SDK_PID
pids+=("$sdk")
read -r port <&"${SDK[0]}"
sim=http://127.0.0.1:$port
start_sluice main SLUICE_REQUESTS=1000 SLUICE_PROTOCOLS=chat
echo "$url" >&"${SDK[1]}"
while read -r line; do
    echo "$line"
    [[ ! $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] || last=("${BASH_REMATCH[@]:1}")
done <&"${SDK[0]}"
is "it came to its end" 2 "${#last[@]}"
passed=$((passed + ${last[0]:-0})) failed=$((failed + ${last[1]:-1}))
is "nothing waits, runs or is held" "0 0 0" \
    "$(curl -s "$url/api/status" | jq -r '"\(.queue.waiting) \(.queue.running) \(.queue.held_bytes)"')"
finish
