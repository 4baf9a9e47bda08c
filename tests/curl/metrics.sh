#!/bin/bash
# GET /metrics: what it counts is what the upstream saw and what the clients
# got, over all workers and their deaths; what clients invent does not make it
# grow.  promtool judges the format where it is installed (Debian: prometheus),
# an awk parser of our own always.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
# Two models of another publisher: an error in the middle, a long call.
curl -s -X PATCH "$sim/sim/config" \
    -d '{"models":{"acme/broken":"stream-error-3-500","acme/long":"poll-1+tokens-2"}}' >/dev/null

# ---- reading ------------------------------------------------------------------

scrape() { page=$(curl -s --max-time 30 "$url/metrics"); }
# sum NAME [LABELS-PATTERN]: of all samples that fit, in the page last scraped.
sum() { awk -v n="$1" -v l="${2:-.}" '{ split($1, a, "{") } a[1] == n && $0 ~ l { s += $NF } END { printf "%d\n", s }' <<<"$page"; }
# shellcheck disable=SC2317 # called through wait_for
is_sum() { scrape; [ "$(sum "$2" "${3:-.}")" = "$1" ]; }
providers() { grep -o 'provider="[^"]*"' <<<"$page" | sort -u; }

# A page of the text format 0.0.4 (or, with "open", OpenMetrics 1.0), strictly:
# HELP, TYPE, samples; each family in one piece and each series once; counters
# that are named so; buckets that rise to +Inf, which is the count.
parse() { # parse [open]
    awk -v open="${1:-}" '
    function bad(why) { printf "line %d: %s: %s\n", NR, why, $0; errors++ }
    function end_family() { if (family != "" && type == "") bad("no TYPE for " family) }
    ended { bad("after EOF") }
    /^# EOF$/ { if (open == "") bad("EOF"); ended = 1; next }
    /^# HELP / {
        end_family(); family = $3; type = ""
        if (family in seen) bad("twice"); seen[family] = 1
        if (NF < 4) bad("empty HELP")
        next
    }
    /^# TYPE / {
        if ($3 != family || type != "" || NF != 4) bad("TYPE out of place")
        type = $4
        if (type !~ /^(counter|gauge|histogram)$/) bad("type")
        if (type == "counter" && open == "" && family !~ /_total$/) bad("a counter without _total")
        if (type == "counter" && open != "" && family ~ /_total$/) bad("a family with _total")
        next
    }
    /^#/ || /^$/ { bad("neither comment nor sample"); next }
    {
        if (!match($0, /^[a-zA-Z_:][a-zA-Z0-9_:]*/)) { bad("name"); next }
        name = substr($0, 1, RLENGTH); rest = substr($0, RLENGTH + 1); labels = ""; le = ""
        if (substr(rest, 1, 1) == "{") {
            rest = substr(rest, 2)
            while (match(rest, /^[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\\\|\\"|\\n)*"/)) {
                one = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1)
                if (one ~ /^le=/) le = substr(one, 5, length(one) - 5); else labels = labels one ","
                if (substr(rest, 1, 1) == ",") rest = substr(rest, 2)
                else break
            }
            if (substr(rest, 1, 1) != "}") { bad("labels"); next }
            rest = substr(rest, 2)
        }
        if (rest !~ /^ [0-9]+(\.[0-9]+)?$/) { bad("value"); next }
        value = substr(rest, 2) + 0
        suffix = substr(name, length(family) + 1)
        if (index(name, family) != 1) { bad("of another family"); next }
        want = type == "histogram" ? "^_(bucket|sum|count)$" : type == "counter" && open != "" ? "^_total$" : "^$"
        if (suffix !~ want) bad("suffix " suffix)
        if ((name, labels, le) in series) bad("the same series twice")
        series[name, labels, le] = 1; samples++
        if (suffix == "_bucket" && type == "histogram") {
            if (le == "") bad("a bucket without le")
            if (value < last[family, labels]) bad("a bucket below the one before it")
            last[family, labels] = value
            if (le == "+Inf") inf[family, labels] = value
        }
        if (suffix == "_count" && inf[family, labels] != value) bad("the count is not the last bucket")
    }
    END { end_family(); if (open != "" && !ended) bad("no EOF"); if (samples < 50) bad("too few samples"); exit errors > 0 }'
}

check_format() { # check_format WHEN
    local open
    is "$1: the page is well-formed" "" "$(parse <<<"$page")"
    open=$(curl -s -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5' "$url/metrics")
    is "$1: as OpenMetrics, too" "" "$(parse open <<<"$open")"
    if command -v promtool >/dev/null; then
        is "$1: promtool finds nothing" "" "$(promtool check metrics <<<"$page" 2>&1)"
        tool=$(promtool --version 2>&1 | awk 'NR == 1 { print $3 }')
    fi
}
tool=none

# ---- a mixed run over two workers ------------------------------------------------

start_sluice main SLUICE_REQUESTS=10000 SLUICE_WORKERS=2 SLUICE_QUEUE_MAX=500 SLUICE_RETRY_MAX=3 SLUICE_LOG="$work/log"
both_are_there() { [ "$(workers | wc -l)" = 2 ]; }
check "both workers are there" wait_for 20 both_are_there

# asks FILE COUNT MODEL [EXTRA-JSON]: COUNT more into the configuration FILE.
asks() {
    local i
    for ((i = 0; i < $2; i++)); do
        [ ! -s "$1" ] || echo next >>"$1"
        printf '%s\n' "url = \"$url/v1/chat/completions\"" 'output = "/dev/null"' silent 'max-time = 60' \
            'header = "Content-Type: application/json"' 'write-out = "%{http_code} %{exitcode}\n"' \
            "data = \"{\\\"model\\\":\\\"$3\\\",\\\"messages\\\":[]${4:-}}\"" >>"$1"
    done
}
stream=',\"stream\":true,\"stream_options\":{\"include_usage\":true}'
conf=$work/mixed
asks "$conf" 60 sim/tokens-3
asks "$conf" 20 sim/stream-10-5 "$stream"
asks "$conf" 8 sim/400-openai
asks "$conf" 5 sim/401
asks "$conf" 6 sim/422
asks "$conf" 4 sim/504
asks "$conf" 3 sim/status-500          # three sends each
asks "$conf" 6 sim/cut-50
asks "$conf" 5 acme/broken "$stream"
asks "$conf" 2 acme/long
curl -Z --parallel-immediate --parallel-max 60 -K "$conf" >"$work/mixed.out" 2>/dev/null
code() { awk -v c="$1" '$1 == c { n++ } END { print n + 0 }' "$work/mixed.out"; }
is "all of the mixed run were answered" 119 "$(wc -l <"$work/mixed.out")"
check "all of them were counted" wait_for 20 is_sum 119 sluice_requests_total 'route="chat"'

# Not for the upstream, and never there.
ask /v1/chat/completions -d '{'
is "bad JSON" 400 "$status"
ask /nowhere
is "no such page" 404 "$status"
ask /health -X DELETE
is "no such method" 405 "$status"
ask /health
chat sim/offline
is "a model that is off" 503 "$status"
chat sim/offline
is "and is off" 503 "$status"

# Eight hang up while their answers come.
rm -f "$work"/got.*
for i in 1 2 3 4 5 6 7 8; do
    [ "$i" = 1 ] || echo next
    printf '%s\n' "url = \"$url/v1/chat/completions\"" "output = \"$work/got.$i\"" silent no-buffer \
        'header = "Content-Type: application/json"' \
        'data = "{\"model\":\"sim/stream-2000-20\",\"stream\":true,\"messages\":[]}"'
done >"$work/gone"
curl -Z --parallel-immediate -K "$work/gone" 2>/dev/null &
gone=$!
# shellcheck disable=SC2317
have_begun() { [ "$(find "$work" -maxdepth 1 -name 'got.*' -size +0 | wc -l)" = 8 ]; }
check "eight streams have begun" wait_for 20 have_begun
kill -KILL $gone
wait $gone 2>/dev/null
check "eight disconnects in the middle" wait_for 20 is_sum 8 sluice_disconnects_total 'phase="relay"'

scrape
sends=$(curl -s "$sim/sim/stats" | jq '.accepted + .unauthorized + .refused')
# What was sent, by nimsim's own log.  All of these got a first byte.
is "each send that got a first byte has its latency" "$sends" "$(sum sluice_upstream_latency_seconds_count)"
is "and its duration" "$sends" "$(sum sluice_upstream_duration_seconds_count)"
is "the limiter has sent as many" "$sends" "$(curl -s "$url/api/status" | jq .counters.sent)"
is "a send waits in one class" "$((119 + 1 + 8))" "$(sum sluice_queue_wait_seconds_count)"
for c in 200 400 401 422 500 502 504; do
    extra=0
    [ $c != 400 ] || extra=1 # the bad JSON
    is "chat: as many $c as the clients got" $(($(code $c) + extra)) "$(sum sluice_requests_total "route=\"chat\",code=\"$c\"")"
done
is "chat: two 503" 2 "$(sum sluice_requests_total 'route="chat",code="503"')"
is "chat: hang-ups are 499" 8 "$(sum sluice_requests_total 'route="chat",code="499"')"
is "a page that is not there has no route" 1 "$(sum sluice_requests_total 'route="none",code="404"')"
is "nor has a wrong method" 1 "$(sum sluice_requests_total 'route="none",code="405"')"
at_least "health is a route" 1 "$(sum sluice_requests_total 'route="health",code="200"')"
outcome() { sum sluice_outcomes_total "outcome=\"$1\""; }
is "ok" 82 "$(outcome ok)"
is "client_error" $((8 + 5 + 6 + 1)) "$(outcome client_error)"
is "upstream_error" $((4 + 3 + 5)) "$(outcome upstream_error)"
is "truncated" 6 "$(outcome truncated)"
is "off" 2 "$(outcome off)"
is "hangup" 8 "$(outcome hangup)"
is "and no others" $((82 + 20 + 12 + 6 + 2 + 8)) "$(sum sluice_outcomes_total)"
is "refused: bad_request, method, not_found, upstream_off" 4 "$(sum sluice_refused_total)"
for r in bad_request method not_found upstream_off; do is "one is $r" 1 "$(sum sluice_refused_total "reason=\"$r\"")"; done
kind() { sum sluice_upstream_errors_total "kind=\"$1\""; }
is "errors of the upstream: client" 14 "$(kind client)"
is "key" 5 "$(kind key)"
is "timeout" 4 "$(kind timeout)"
is "server: three sends each, and in streams" $((9 + 5)) "$(kind server)"
is "truncated" 6 "$(kind truncated)"
is "off" 1 "$(kind off)"
is "retries" 6 "$(sum sluice_retries_total)"
is "their cause" 6 "$(sum sluice_retries_total 'cause="server"')"
at_least "tokens of answers" $((60 * 3 + 20 * 10)) "$(sum sluice_llm_tokens_total 'kind="completion"')"
has "sim had a success" "$page" 'provider="sim"'
has "acme had one, too" "$page" 'provider="acme"'
is "two workers" 2 "$(sum sluice_workers)"
is "nothing is in flight" 0 "$(sum sluice_in_flight)"
has "a build" "$page" '^sluice_build_info\{version="[0-9.]+"\} 1$'
at_least "memory" 1000000 "$(sum process_resident_memory_bytes)"
at_least "descriptors" 5 "$(sum process_open_fds)"
at_least "it has started" $(($(date +%s) - 300)) "$(sum process_start_time_seconds)"
at_most "in the past" "$(date +%s)" "$(sum process_start_time_seconds)"
check_format "after the mixed run"

# ---- one of the two is killed ------------------------------------------------------

before=$(sum sluice_outcomes_total 'outcome="ok"')
rm -f "$work/slow"
asks "$work/slow" 16 sim/slow-4000
curl -Z --parallel-immediate --parallel-max 60 -K "$work/slow" >"$work/slow.out" 2>/dev/null &
job=$!
# shellcheck disable=SC2317
are_running() { scrape; [ "$(sum sluice_in_flight)" = 16 ]; }
check "16 are in flight" wait_for 20 are_running
queue=$(curl -s "$url/api/queue")
victim=$(jq -r '[.running[].worker] | group_by(.) | max_by(length)[0]' <<<"$queue")
theirs=$(jq --argjson p "$victim" '[.running[] | select(.worker == $p)] | length' <<<"$queue")
kill -KILL "$victim"
wait $job
check "the dead worker's are lost" wait_for 20 is_sum "$theirs" sluice_outcomes_total 'outcome="lost"'
check "the others are counted" wait_for 20 is_sum $((before + 16 - theirs)) sluice_outcomes_total 'outcome="ok"'
is "as the clients saw it" $((16 - theirs)) "$(grep -c '^200 0' "$work/slow.out")"
check "another one comes" wait_for 20 is_sum 2 sluice_workers
is "nothing of theirs is in flight" 0 "$(sum sluice_in_flight)"
printf 'metrics: %s sends, %s requests, of a killed worker %s of 16 lost\n' "$sends" "$(sum sluice_outcomes_total)" "$theirs"

# ---- ten thousand names --------------------------------------------------------------

# Each its own, of all kinds: publishers by the thousand, quotes, newlines,
# paths, other alphabets, 10 KB.
awk -v url="$url/v1/chat/completions" 'BEGIN {
    for (long = "x"; length(long) < 10000;) long = long long
    long = substr(long, 1, 10000)
    for (i = 0; i < 10000; i++) {
        k = i % 10
        m = k == 0 ? "p" i "/m" : k == 1 ? "q\\\"" i "\\\"}/m" : k == 2 ? "n\\nsluice_x" i " 1\\n/m" : \
            k == 3 ? "../../" i "/m" : k == 4 ? "\303\251\346\227\245" i "/m" : k == 5 ? "b\\\\" i "/m" : \
            k == 6 ? "{provider=\\\"" i "\\\"}/m" : k == 7 ? "\\u0000" i "/m" : k == 8 ? "plain" i : \
            i % 100 == 9 ? long i "/m" : "P.q_r-" i "/" i
        body = "{\"model\":\"" m "\",\"messages\":[],\"max_tokens\":1}"
        gsub(/\\/, "\\\\", body); gsub(/"/, "\\\"", body)
        printf "%surl = \"%s\"\noutput = \"/dev/null\"\nsilent\nmax-time = 120\nheader = \"Content-Type: application/json\"\nwrite-out = \"%%{http_code}\\n\"\ndata = \"%s\"\n", \
            (i > 0 ? "next\n" : ""), url, body
    }
}' >"$work/names"
before=$(sum sluice_requests_total 'route="chat"')
t0=$SECONDS
curl -Z --parallel-max 40 -K "$work/names" >"$work/names.out" 2>/dev/null
took=$((SECONDS - t0))
is "all were answered" 10000 "$(grep -c '^[2-5]' "$work/names.out")"
check "all were counted" wait_for 30 is_sum $((before + 10000)) sluice_requests_total 'route="chat"'
at_least "most went through" 5000 "$(grep -c '^200' "$work/names.out")"
at_most "there are no more than 33 providers" 33 "$(providers | wc -l)"
at_least "and some" 30 "$(providers | wc -l)"
is "all of their names are tame" "" "$(providers | grep -vE '^provider="[A-Za-z0-9._-]{1,31}"$')"
at_most "the page is small" 200000 "${#page}"
check_format "after ten thousand names"
is "each line of the log is one JSON object" "" "$(jq -c 'select(type != "object")' "$work/log" 2>&1 | head -n 3)"
at_least "and there are enough of them" 10000 "$(wc -l <"$work/log")"
printf 'metrics: 10,000 names in %d s, %d providers, %d bytes; promtool %s; %s\n' "$took" "$(providers | wc -l)" \
    "${#page}" "$tool" "$(tr '\n' ' ' < <(sort "$work/names.out" | uniq -c | awk '{ print $2 ":" $1 }'))"

# ---- what never gets an answer of the upstream's ----------------------------------------

stop_sluice
start_sluice tight SLUICE_IN_FLIGHT=1 SLUICE_QUEUE_MAX=2 SLUICE_QUEUE_TIMEOUT_S=600 SLUICE_COMMIT_AFTER_S=0.2
begin() { # begin MODEL: a stream that has a head and waits; $begun is its pid
    rm -f "$work/begun"
    curl -sN -o "$work/begun" -H 'Content-Type: application/json' -d "{\"model\":\"$1\",\"stream\":true,\"messages\":[]}" \
        "$url/v1/chat/completions" 2>/dev/null &
    begun=$!
    check "$1: has begun" wait_for 20 test -s "$work/begun"
}
# leave PID...: their clients hang up.
leave() { kill -KILL "$@"; wait "$@" 2>/dev/null; }
begin sim/hang
holder=$begun
check "one is in flight" wait_for 20 is_sum 1 sluice_in_flight
chat sim/tokens-1 '' -H 'X-Sluice-Deadline: 1'
is "one waits too long" 429 "$status"
begin sim/tokens-1
first=$begun
begin sim/tokens-2
check "two wait" wait_for 20 is_sum 2 sluice_queue_depth 'priority="normal"'
is "of two that may" 2 "$(sum sluice_queue_limit)"
chat sim/tokens-1
is "there is no room for a third" 429 "$status"
leave $begun $first
check "two left the queue" wait_for 20 is_sum 2 sluice_disconnects_total 'phase="queue"'
leave $holder
check "one left while the upstream had it" wait_for 20 is_sum 1 sluice_disconnects_total 'phase="forward"'
is "refused: queue_timeout" 1 "$(sum sluice_refused_total 'reason="queue_timeout"')"
is "refused: queue_full" 1 "$(sum sluice_refused_total 'reason="queue_full"')"
is "no others" 2 "$(sum sluice_refused_total)"
is "all of them: refused, hangup" "2 3 5" "$(outcome refused) $(outcome hangup) $(sum sluice_outcomes_total)"
is "nobody has an answer's latency" 0 "$(sum sluice_upstream_latency_seconds_count)"
is "one got a slot" 1 "$(sum sluice_queue_wait_seconds_count)"

stop_sluice
start_sluice rate SLUICE_QUEUE_TIMEOUT_S=1
scrape
is "a kind of error is there before the first one" 1 "$(grep -c '^sluice_upstream_errors_total{provider="other",kind="rate"} 0' <<<"$page")"
is "the limit, and that it is unused" "40 0" "$(sum sluice_window_limit 'upstream="nim"') $(sum sluice_window_used 'upstream="nim"')"
chat sim/429
is "it would have to wait for long" 429 "$status"
check "a 429 that waiting could not save" wait_for 20 is_sum 1 sluice_outcomes_total 'outcome="rate"'
is "the upstream's error, of two tries in that second" 2 "$(sum sluice_upstream_errors_total 'kind="rate"')"
is "a cause to go again" 2 "$(sum sluice_retries_total 'cause="rate"')"
is "a retreat" 1 "$(sum sluice_retreats_total 'cause="rate"')"
is "of the account and its one model, one is not normal" 1 "$(sum sluice_retreat_state 'state="normal"')"
is "it is no provider: it had no success" 'provider="other"' "$(providers)"

stop_sluice
start_sluice nobody SLUICE_UPSTREAM_URL=http://127.0.0.1:1
chat sim/tokens-1
is "nobody answers" 502 "$status"
check "that is the upstream's error" wait_for 20 is_sum 1 sluice_outcomes_total 'outcome="upstream_error"'
is "three times" 3 "$(sum sluice_upstream_errors_total 'kind="unreachable"')"
is "the last one was not repeated" 2 "$(sum sluice_retries_total 'cause="unreachable"')"
is "there was no first byte" 0 "$(sum sluice_upstream_latency_seconds_count)"

# ---- tokens, in every shape ---------------------------------------------------------

stop_sluice
start_sluice tokens SLUICE_REQUESTS=1000 SLUICE_LOG="$work/tokens.log"
told=0
# tells "sentence" PATH BODY PROMPT COMPLETION: what the log says of it.
tells() {
    ask "/v1/$2" -N -H 'Content-Type: application/json' -d "$3"
    told=$((told + 1))
    check "$1: is in the log" wait_for 20 is_told
    is "$1" "200 $4 $5" "$status $(jq -r 'select(.event == "request") | "\(.prompt_tokens) \(.completion_tokens)"' "$work/tokens.log" | tail -n 1)"
}
# shellcheck disable=SC2317
is_told() { [ "$(jq -s 'map(select(.event == "request" and .upstream_status == 200)) | length' "$work/tokens.log")" = "$told" ]; }
tells "a chat" chat/completions '{"model":"sim/tokens-5","messages":[]}' 8 5
tells "a stream" chat/completions '{"model":"sim/stream-6-1","stream":true,"stream_options":{"include_usage":true},"messages":[]}' 8 6
tells "a stream in crumbs" chat/completions \
    '{"model":"sim/stream-7-1+split-7","stream":true,"stream_options":{"include_usage":true},"messages":[]}' 8 7
tells "a response" responses '{"model":"sim/tokens-8","input":"x"}' 8 8
tells "a streamed response" responses '{"model":"sim/stream-9-1","stream":true,"input":"x"}' 8 9
tells "a streamed response in crumbs" responses '{"model":"sim/stream-10-1+split-50","stream":true,"input":"x"}' 8 10
tells "embeddings" embeddings '{"model":"sim/echo","input":["a","b"]}' 2 null
tells "an answer that is too long to be held" chat/completions '{"model":"sim/big-600","messages":[]}' 8 "$(
    curl -s "$sim/v1/chat/completions" -d '{"model":"sim/big-600","messages":[]}' | jq .usage.completion_tokens)"
tells "a slow one" responses '{"model":"sim/stream-4-500","stream":true,"input":"x"}' 8 4
scrape
is "all prompts are counted" "$(jq -s 'map(.prompt_tokens // 0) | add' "$work/tokens.log")" "$(sum sluice_llm_tokens_total 'kind="prompt"')"
is "all answers are" "$(jq -s 'map(.completion_tokens // 0) | add' "$work/tokens.log")" "$(sum sluice_llm_tokens_total 'kind="completion"')"
ask /api/status
is "the last requests tell theirs" "$(jq -r 'select(.event == "request" and .upstream_status == 200) | "\(.prompt_tokens) \(.completion_tokens)"' "$work/tokens.log")" \
    "$(jq -r '.recent | reverse[] | "\(.tokens_in) \(.tokens_out)"' <<<"$body")"

at_most "four words in two seconds are no more than two a second" 2.1 \
    "$(jq '.models[] | select(.name == "sim/stream-4-500") | .tokens_per_s.p50' <<<"$body")"

# ---- who may see it --------------------------------------------------------------------

ask /metrics -I
is "HEAD has a head" 200 "$status"
ask /metrics -d x
is "POST has none" 405 "$status"
stop_sluice
start_sluice closed SLUICE_READ=token SLUICE_READ_TOKEN=see-me-not-0123456789
ask /metrics
is "without the token nobody reads" 401 "$status"
ask /metrics -H 'Authorization: Bearer see-me-not-0123456789'
is "with it they do" 200 "$status"
finish
