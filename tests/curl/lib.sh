# lib.sh - what every script of tests/curl/ needs; sourced, not run.
#
# A script starts its own nimsim and its own Sluice (real lighttpd, real
# workers, through conf/run) on free ports with a state directory of its own,
# checks with curl, and ends with finish.  Everything it started is ended by
# pid when the script ends, however it ends.
# shellcheck shell=bash

set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
build=${SLUICE_BUILD:-build}
case $build in /*) ;; *) build=$root/$build ;; esac

# All that is asked is on this machine: no proxy, no settings of somebody's curl.
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY SSL_CERT_FILE SSL_CERT_DIR
export NO_PROXY='*' no_proxy='*'

work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-test.XXXXXX")
# On a machine that is younger than a window, that window is full.
until awk '{ exit !($1 > 61) }' /proc/uptime; do sleep 1; done
# Nobody's sluicectl is to find the Sluices of a test.
export SLUICE_RUN_LIST=$work/runs
pids=()
passed=0 failed=0
sim_program=$build/nimsim
stderr_may=        # a pattern of what may stand in the server's output
name=$(basename "$0" .sh)

end_all() {
    local p i
    for p in "${pids[@]}"; do kill -TERM "$p" 2>/dev/null; done
    for p in "${pids[@]}"; do
        for ((i = 0; i < 100; i++)); do
            kill -0 "$p" 2>/dev/null || break
            sleep 0.05
        done
        kill -KILL "$p" 2>/dev/null
    done
    wait 2>/dev/null
    rm -rf "$work"
}
trap end_all EXIT
trap 'exit 1' INT TERM HUP

# check "sentence" COMMAND...: the sentence holds if the command succeeds.
check() {
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s: %s\n     (%s)\n' "$name" "$what" "$*"
    fi
}

is() { # is "sentence" WANT HAVE
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s: %s\n     wanted: %s\n     have:   %s\n' "$name" "$1" "$2" "${3:0:600}"
    fi
}

has() { # has "sentence" TEXT PATTERN (grep -E)
    if grep -qE -- "$3" <<<"$2"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s: %s\n     wanted: /%s/\n     have:   %s\n' "$name" "$1" "$3" "${2:0:600}"
    fi
}

compare() { # compare WORDS OPERATOR "sentence" LIMIT HAVE
    if awk -v l="$4" -v h="$5" "BEGIN { exit !(h != \"\" && h $2 l) }"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s: %s\n     %s: %s\n     have: %s\n' "$name" "$3" "$1" "$4" "$5"
    fi
}
at_most() { compare 'at most' '<=' "$@"; }  # at_most "sentence" LIMIT HAVE
at_least() { compare 'at least' '>=' "$@"; } # at_least "sentence" LIMIT HAVE

finish() {
    local odd
    odd=$(cat "$work"/*/out 2>/dev/null | grep -E 'Sanitizer|CHECK\(|runtime error|^sluice: ' |
        grep -vE "${stderr_may:-^$}")
    is "nothing is wrong in the servers' output" "" "$odd"
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ]
    exit
}

# Waits until the command succeeds.  The time is what a quiet machine may take;
# a busy one gets eight times that: it is a bound on a hang, not a judgment.
wait_for() { # wait_for SECONDS COMMAND...
    local end=$((SECONDS + 8 * $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS <= end)) || return 1
        sleep 0.05
    done
}

# ------------------------------------------------------------- the servers --

# nimsim's clock is the judge of every window, and a real upstream does not
# share our processors: where we may, it goes before everything else here, so
# that a busy machine does not make it see a request later than it came.
ahead=()
[ -n "$(nice -n -19 true 2>&1)" ] || ahead=(nice -n -19)

# start_sim [OPTION...]: sets $sim to its URL.
start_sim() {
    local port_file=$work/sim.port
    rm -f "$port_file"
    "${ahead[@]}" "$sim_program" --parent --port-file "$port_file" "$@" &
    sim_pid=$!
    pids+=("$sim_pid")
    wait_for 10 test -s "$port_file" || { echo "nimsim did not start" >&2; exit 1; }
    sim=http://127.0.0.1:$(cat "$port_file")
}

# another_sim NAME [OPTION...]: the same; its URL is in $NAME, too.
another_sim() {
    local to=$1
    shift
    start_sim "$@"
    printf -v "$to" %s "$sim"
}

# dead_port: sets $dead_port, on which nobody listens: bound, and never listening.
dead_port() {
    exec 9< <(exec perl -MIO::Socket::INET -e '
        socket(my $s, 2, 1, 0); bind($s, sockaddr_in(0, inet_aton("127.0.0.1")));
        my ($port) = sockaddr_in(getsockname $s); $| = 1; print "$port\n"; sleep 600')
    pids+=("$!")
    read -r dead_port <&9
}

# start_sluice NAME [VAR=VALUE...]: sets $url, $state, $run_pid.  The upstream
# is $sim unless the variables say otherwise.  /api/status is never of a second
# ago: who looks after something was done, sees it.
start_sluice() {
    local dir=$work/$1
    shift
    mkdir -p "$dir"
    state=$dir/state
    env SLUICE_BUILD="$build" SLUICE_LISTEN=127.0.0.1:0 SLUICE_STATE_DIR="$state" \
        SLUICE_UPSTREAM_URL="$sim" SLUICE_DRAIN_S=2 SLUICE_TEST_FRESH_MS=0 "$@" \
        "$root/conf/run" >"$dir/out" 2>&1 &
    run_pid=$!
    pids+=("$run_pid")
    if ! wait_for 30 test -s "$state/listen"; then
        echo "sluice did not start:" >&2
        cat "$dir/out" >&2
        exit 1
    fi
    url=$(cat "$state/listen")
    log=$state/lighttpd.log
    out=$dir/out
}

stop_sluice() {
    kill -TERM "$run_pid" 2>/dev/null
    wait "$run_pid" 2>/dev/null
}

operator() { # operator METHOD PATH [BODY]: what the administrator may do
    curl -s -o /dev/null -X "$1" -H "Authorization: Bearer $(cat "$state/admin.token")" --data-raw "${3-}" "$url$2"
}
patch() { operator PATCH /api/config "$1"; } # patch JSON: settings change, in all workers
pause() { operator POST /api/pause; } # nothing goes: all can be looked at while it waits
resume() { operator POST /api/resume; }

workers() { # the workers' pids
    curl -s "$url/api/status" | jq -r '.workers[].pid' | sort -n
}

# ------------------------------------------------------------------ asking --

# ask PATH [CURL-OPTION...]: sets $status, $head, $body.
ask() {
    local path=$1 at=$work/answer.$BASHPID # scripts ask from subshells too
    shift
    status=$(curl -s -o "$at.body" -D "$at.head" -w '%{http_code}' --max-time 60 "$@" "$url$path")
    head=$(tr -d '\r' <"$at.head" 2>/dev/null)
    body=$(tr -d '\0' <"$at.body" 2>/dev/null)
    rm -f "$at.head" "$at.body"
}

header() { # header NAME: its value in the last answer
    sed -n "s/^$1: //Ip" <<<"$head"
}

# line_of_last LOG...: the log's line of the last answer, which may come a
# moment after it.  Nothing, if there is none within 5 s.
line_of_last() {
    local id
    id=$(header X-Request-Id)
    wait_for 5 grep -q "\"event\":\"request\".*\"request_id\":\"$id\"" "$@" &&
        grep -h "\"event\":\"request\".*\"request_id\":\"$id\"" "$@"
}

chat() { # chat MODEL [EXTRA-JSON] [CURL-OPTION...]
    local model=$1 extra=${2:-}
    shift
    [ $# = 0 ] || shift
    ask /v1/chat/completions -H 'Content-Type: application/json' "$@" \
        -d "{\"model\":\"$model\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]$extra}"
}

# many COUNT FILE [CURL-CONFIG-LINE...]: COUNT chats at once; FILE gets a line
# "STATUS TIME CURL-EXIT" for each.
many() { # of $many_model, if that is set
    local count=$1 file=$2 i
    shift 2
    : >"$file.conf"
    for ((i = 0; i < count; i++)); do
        {
            ((i == 0)) || echo next
            printf '%s\n' "url = \"$url/v1/chat/completions\"" 'output = "/dev/null"' silent \
                'header = "Content-Type: application/json"' 'max-time = 120' \
                "data = \"{\\\"model\\\":\\\"${many_model:-sim/tokens-3}\\\",\\\"messages\\\":[]}\"" \
                'write-out = "%{http_code} %{time_total} %{exitcode}\n"' "$@"
        } >>"$file.conf"
    done
    curl -Z --parallel-immediate --parallel-max 300 -K "$file.conf" >"$file" 2>/dev/null
}

max_in_window() { # max_in_window MILLISECONDS
    curl -s "$sim/sim/max?window_ms=$1" | jq -r '.max // .max_in_window // .'
}

stat() { curl -s "$sim/sim/stats" | jq -r ".$1"; }
