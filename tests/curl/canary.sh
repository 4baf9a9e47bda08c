#!/bin/bash
# A key that the upstream quotes in its errors: nobody but the upstream sees it.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

secret=$(openssl rand -hex 16)
key=nvapi-CANARY/$secret
stderr_may='the upstream refuses our key' # as it does here, and conf/run says
seen="$work"/seen # all that clients were told, heads and bodies
: >"$seen"
# A dozen characters are enough to be one; so are the same in JSON's escapes.
pattern='CANARY/|CANARY\\/|CANARY\\u002f'"|${secret:0:8}"

note() { printf '%s\n%s\n' "$head" "$body" >>"$seen"; }

# echoed WHAT STATUS MODEL [EXTRA] [CURL-OPTION...]: the answer is that error,
# it still says something, and does not hold the key.
echoed() {
    local what=$1 want=$2
    shift 2
    chat "$@"
    note
    is "$what: the status is what it was" "$want" "$status"
    is "$what: its answer holds no key" "" "$(grep -oE "$pattern" <<<"$head$body" | head -n 1)"
}

stream=',"stream":true'
responses() { # MODEL
    ask /v1/responses -H 'Content-Type: application/json' "${caller[@]}" \
        -d "{\"model\":\"$1\",\"input\":\"hello\",\"stream\":true}"
    note
    is "$who: $1 of /v1/responses: no key" "" "$(grep -oE "$pattern" <<<"$head$body" | head -n 1)"
    has "$who: $1 of /v1/responses: the rest of the error is there" "$body" 'nimsim was asked'
}

all_of_them() {
    local e s
    for e in echo-key echo-key-escaped; do
        for s in 400 401 403 422 501; do
            for shape in status problem text html; do
                echoed "$who, $shape-$s+$e" "$s" "sim/$shape-$s+$e" '' "${caller[@]}"
                has "$who, $shape-$s+$e: the rest is there" "$body" "nimsim|HTML page: $s"
            done
        done
        for s in status-404 text-404 not-granted; do
            echoed "$who, $s+$e" 404 "sim/$s+$e" '' "${caller[@]}"
        done
        for s in status-500 problem-500 status-502; do
            echoed "$who, $s+$e" "${s#*-}" "sim/$s+$e" '' "${caller[@]}"
        done
        echoed "$who, 410+$e" 410 "sim/gone+$e" '' "${caller[@]}"
        echoed "$who, 410+$e again, from its bench" 410 "sim/gone+$e" '' "${caller[@]}"
        echoed "$who, degraded+$e" 503 "sim/degraded+$e" '' "${caller[@]}"
        echoed "$who, offline+$e" 503 "sim/offline+$e" '' "${caller[@]}"
        echoed "$who, offline+$e again" 503 "sim/offline+$e" '' "${caller[@]}"
        echoed "$who, 429+$e" 200 "sim/status-429+$e+times-1+retry-after-1" '' "${caller[@]}"
        echoed "$who, 429 for long+$e" 429 "sim/status-429+$e+retry-after-1000" '' "${caller[@]}"
        # in a stream: first, after content, named
        echoed "$who, first event+$e" 400 "sim/stream-error-1-400+$e" "$stream" "${caller[@]}"
        echoed "$who, after content+$e" 200 "sim/stream-error-4-400+$e" "$stream" "${caller[@]}"
        has "$who, after content+$e: the error is there" "$body" 'asked for error 400'
        echoed "$who, in pieces+$e" 200 "sim/stream-error-4-400+split-7+$e" "$stream" "${caller[@]}"
        has "$who, in pieces+$e: the error is there" "$body" 'asked for error 400'
        echoed "$who, named+$e" 200 "sim/error-event-4+split-5+$e" "$stream" "${caller[@]}"
        responses "sim/failed-6+$e"
        responses "sim/error-event-7+split-9+$e"
        responses "sim/failed-0+$e"
        echoed "$who, echo in headers only+$e" 200 "sim/$e" '' "${caller[@]}"
        # with our head out already
        echoed "$who, after our head+$e" 200 "sim/slow-1500+status-400+$e" "$stream" "${caller[@]}"
        has "$who, after our head+$e: the error is there" "$body" '"error"'
        echoed "$who, JSON after our head+$e" 200 "sim/slow-1500+status-200+$e" "$stream" "${caller[@]}"
        echoed "$who, an error under 200+$e" 200 "sim/status-200+$e" '' "${caller[@]}"
        # Compressed, named or not: what cannot be searched is told by its status.
        for how in gzip gzip-silent; do
            [ "$who" = "a configured key" ] || continue # theirs only they see
            echoed "$who, $how+$e" 401 "sim/status-401+$e+$how"
            has "$who, $how+$e: what came is said" "$body" '"message":"The upstream answered 401 .*compressed'
        done
        # 402 last: it holds the upstream
        echoed "$who, 402+$e" 402 "sim/credits+$e" '' "${caller[@]}"
        echoed "$who, 402+$e, told to another" "$told" sim/echo '' "${caller[@]}"
        for path in /api/status /api/queue '/api/history?minutes=10' /metrics /health/ready /api/config; do
            ask "$path"
            note
        done
        for page in status queue top 'status --json'; do # two words, the last
            # shellcheck disable=SC2086
            SLUICE_DATA_DIR=$data "$build/sluicectl" --state-dir "$state" --url "$url" $page </dev/null
        done >>"$seen"
        check "$who: the hold ends by hand" env SLUICE_DATA_DIR="$data" \
            "$build/sluicectl" --state-dir "$state" --url "$url" clear --yes >/dev/null
    done
}

nowhere() {
    stop_sluice # what it keeps until the end is written
    is "$who: no file holds it: log, state, settings" "" \
        "$(grep -rlaE "$pattern" "$work/$1" "$work/$1-data" 2>/dev/null | grep -v /upload/ | xargs)"
    is "$who: no answer and no command told it" "" "$(grep -aoE "$pattern" "$seen" | sort | uniq -c | xargs)"
    at_least "$who: although the upstream told it often" 60 "$(curl -s "$sim/sim/arrivals" | jq '[.arrivals[] | select(.model | test("echo-key"))] | length')"
}

start_sim --limiter none
settings=(SLUICE_REQUESTS=5000 SLUICE_LOG_LEVEL=debug SLUICE_COMMIT_AFTER_S=1 SLUICE_RETRY_MAX=1)

who="a configured key" caller=() told=402 data=$work/ours-data
mkdir -p "$data"
start_sluice ours "${settings[@]}" NVIDIA_API_KEY="$key" SLUICE_DATA_DIR="$data"
all_of_them
nowhere ours

who="a caller's key" caller=(-H "Authorization: Bearer $key") told=200 data=$work/theirs-data
curl -s -X POST "$sim/sim/reset" >/dev/null
: >"$seen"
mkdir -p "$data"
start_sluice theirs "${settings[@]}" NVIDIA_API_KEY= SLUICE_DATA_DIR="$data"
all_of_them
nowhere theirs
finish
