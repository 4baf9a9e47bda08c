# messages.sh - what does it cost to be asked in Messages' words?  Part of run,
# which sources it.
#
# The same question and the same answer, of the same workers, as
# /v1/chat/completions, which passes through, and as /v1/messages: in pairs, one
# after the other, and the median of the pairs counts.  Workers and web server go
# before all else here, as nimsim does.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # $runs, $sim, $url, $work, ... are run's; it reads $run

apis=(chat/completions messages)

# question MODEL [EXTRA-JSON]: for either API
question() { echo "{\"model\":\"$1\",\"max_tokens\":500,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]${2:-}}"; }

# A conversation of 60 turns and as many KB, such as agents have.
conversation() {
    printf '{"model":"sim/tokens-20","max_tokens":500,"messages":['
    local i roles=(user assistant) text
    printf -v text '%.0sand then it said a word, ' {1..40}
    for ((i = 0; i < 60; i++)); do printf '{"role":"%s","content":"%s%d"},' "${roles[i % 2]}" "$text" "$i"; done
    echo '{"role":"user","content":"go on"}]}'
}

# pairs N BODY LOAD-OPTION...: the workers' CPU, in us a request, as chat and as
# messages, N times; a request that fails ends it
pairs() {
    local n=$1 body=$2 i api run cpu per_s
    shift 2
    for ((i = 0; i < n; i++)); do
        for api in "${apis[@]}"; do
            run=("$@" --path "/v1/$api" --body "$body")
            cpu_load "$(port "$url")" "${wk[@]}"
            printf '%s ' "$cpu"
        done
        echo
    done
}

# column N FILE: the median of a column
column() { awk -v n="$1" '{ print $n }' "$2" | median; }

# first_events URL API: of 200 streams the first event and the first word, which
# come together, since a stream is on trial until it has said something: "P99 P50
# OK", behind nimsim's log, in us
first_events() {
    "${ahead[@]}" "$bench/load" --port "$(port "$1")" --path "/v1/$2" --body "$(question sim/stream-20-0 ',"stream":true')" --stream \
        --clients 200 --requests 200 --spread-ms 4000 --gap-ms 0.001 --words 1 --sim-port "$(port "$sim")" |
        jq -r '"\(.event_delay_us.p99) \(.event_delay_us.p50) \(.ok)"'
}

# The words of a whole answer, to compare.
words_of() { # words_of API FILTER
    curl -s "$url/v1/$1" -H 'Content-Type: application/json' -d "$(question sim/tokens-20)" | jq -r "$2"
}

row_messages() {
    local wk is_same='' ratio more later i
    start_sim --limiter none --arrivals-max 2000
    start_sluice messages "${open_limits[@]}"
    mapfile -t wk < <(workers)
    [ ${#ahead[@]} = 0 ] || renice -n -19 -p "${wk[@]}" "$(cat "$state/lighttpd.pid")" >/dev/null
    [ "$(words_of messages '.content[0].text')" = "$(words_of chat/completions '.choices[0].message.content')" ] && is_same=1
    pairs $((2 * runs)) "$(question sim/tokens-20)" --clients 8 --seconds 2 >"$work/whole"
    ratio=$(awk '{ print $2 / $1 }' "$work/whole" | median)
    row "as messages, whole: CPU a request" \
        "$(calc "$ratio") x as chat (workers: $(column 2 "$work/whole") us, $(column 1 "$work/whole") us)" \
        "<= 1.3 x, the same words" "$(judge "$ratio <= 1.3 && ${is_same:-0}")" "load --clients 8 --seconds 2 --path /v1/messages"
    pairs "$runs" "$(conversation)" --clients 8 --seconds 2 >"$work/long"
    ratio=$(awk '{ print $2 / $1 }' "$work/long" | median)
    row "  asked with 60 KB" "$(calc "$ratio") x as chat ($(column 2 "$work/long") us, $(column 1 "$work/long") us)" \
        none - "the same, 61 turns"
    pairs $((2 * runs)) "$(question sim/stream-200-10 ',"stream":true')" --clients 50 --requests 50 --stream >"$work/events"
    more=$(awk '{ print ($2 - $1) / 200 }' "$work/events" | median)
    row "  a stream: CPU an event" \
        "$(calc "$more" 1) us more than as chat (a stream of 200: $(column 2 "$work/events") us, $(column 1 "$work/events") us)" \
        "<= 20 us more" "$(judge "$more <= 20")" "load --clients 50 --stream, sim/stream-200-10"
    for ((i = 0; i < runs; i++)); do
        echo "$(first_events "$sim" "${apis[0]}") $(first_events "$url" "${apis[0]}") $(first_events "$url" messages)"
    done >"$work/first"
    later=$(awk '{ print $7 - $1 }' "$work/first" | median)
    row "  a stream: first event and word, p99" \
        "$(calc "$later / 1000") ms behind direct ones ($(calc "$(column 7 "$work/first") / 1000") ms after nimsim's schedule; as chat $(calc "$(column 4 "$work/first") / 1000") ms; p50 $(calc "$(column 8 "$work/first") / 1000") ms, $(calc "$(column 5 "$work/first") / 1000") ms)" \
        "<= 5 ms, 200 streams" "$(judge "$later <= 5000 && $(column 9 "$work/first") == 200")" "load --clients 200 --spread-ms 4000 --stream"
    stop_sluice
    end "$sim_pid"
}
