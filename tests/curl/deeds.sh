#!/bin/bash
# What each model did, and each client: what the history says of them is what the
# upstream saw, and it outlives workers and state.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

start() { start_sluice deeds SLUICE_WORKERS=3 SLUICE_REQUESTS=1000 SLUICE_DATA_DIR="$work/data" SLUICE_TEST_KEEP_MS=500; }
past() { curl -s "$url/api/history?by=$1&points=1000&from=$2"; }
sums='to_entries | map({key, value: (.value | map_values([.[] | numbers] | add))}) | from_entries'
of() { past "$1" "${2:--500}" | jq -c ".${1}s | $sums"; } # of model|client [FROM]
seen() { # of all models, what the upstream saw: [model, sends, refused, tokens]
    curl -s "$sim/sim/arrivals" | jq -c '[.arrivals[] | select(.path == "/v1/chat/completions")] | group_by(.model) |
        map([.[0].model, length, ([.[] | select(.status == 429)] | length), ([.[] | .tokens // 0] | add)])'
}
told() { of model "$@" | jq -c 'to_entries | map([.key, .value.sends, .value.refused, .value.tokens_in + .value.tokens_out]) | sort'; }
named() { chat "$2" "${3:-}" -H "X-Sluice-Client: $1"; }

start_sim --requests 12 --window 3 --tokens 100000000
start

# ---------------------------------------------------------------- the sums --

many_model=sim/tokens-3 many 15 "$work/ann" 'header = "X-Sluice-Client: ann"'
many_model=sim/tokens-5 many 4 "$work/bob" 'header = "X-Sluice-Client: bob"'
named bob sim/tokens-7 ',"stream":true,"stream_options":{"include_usage":true}' >/dev/null
named bob sim/status-400 >/dev/null
odd='sim/tokens-4+<b>&%名'
named '"><script>' "$odd" >/dev/null
agree() { [ "$(told "${1:--500}")" = "$(seen)" ]; }
check "sends, refusals and tokens of each model are what the upstream saw" wait_for 10 agree
echo "seen $(seen), told $(told)"
at_least "some were refused there" 1 "$(seen | jq 'map(.[2]) | add')"
for from in -3600 -86400 -2500000 -30000000; do
    check "by minutes and hours it is the same: $from" agree "$from"
done
count() { of "$1" | jq -c --arg n "$2" ".[\$n] | [.requests, .ok, .errors, .streams]"; }
is "requests of each client: one" '[15,15,0,0]' "$(count client ann)"
is "the other, with a stream and an error of its own" '[6,5,0,1]' "$(count client bob)"
is "a name is a name, whatever is in it" '[1,1,0,0]' "$(count model "$odd")"
is "that of a client is what it is everywhere" '[1,1,0,0]' "$(count client ___script_)"
is "those of a model are of all its clients" '[15,15,0,0]' "$(count model sim/tokens-3)"
status_of() { curl -s "$url/api/status" | jq -c --arg n "$2" ".${1}s[] | select(.name == \$n) | [.requests, .streams, .tokens_in, .tokens_out, .answers, .answers_told]"; }
for who in ann bob; do
    is "so says the status of $who" "$(status_of client $who)" \
        "$(of client | jq -c --arg n "$who" '.[$n] | [.requests, .streams, .tokens_in, .tokens_out, .answers, .answers_told]')"
done
is "together they are all requests, in each step" true "$(past client -500 |
    jq -c '. as $p | [range(0; .t | length)] | all(. as $i | $p.requests[$i] == null or $p.requests[$i] == ([$p.clients[].requests[$i]] | add // 0))')"
size=$(printf %s "{\"model\":\"sim/tokens-3\",\"messages\":[]}" | wc -c)
is "sizes are those of the bodies" "$((15 * size))" "$(of client | jq .ann.bytes_in)"
at_least "and of the answers" 1500 "$(of client | jq .ann.bytes_out)"

# ----------------------------------------------------------------- of one --

one() { curl -sG "$url/api/history" --data-urlencode "by=$1" --data-urlencode "name=$2" --data-urlencode "from=${3:--500}" --data-urlencode points=1000; }
is "one alone is told" '["sim/tokens-3"]' "$(one model sim/tokens-3 | jq -c '.models | keys')"
is "with the same counts" "$(of model | jq -c '."sim/tokens-3" | [.requests, .tokens_in, .bytes_out]')" \
    "$(one model sim/tokens-3 | jq -c ".models | $sums"' | ."sim/tokens-3" | [.requests, .tokens_in, .bytes_out]')"
is "a name that needs encoding" 1 "$(one model "$odd" | jq "[.models[].requests[] | numbers] | add")"
is "who waited for the window is known" true "$(one client ann | jq '.clients.ann | [.queue_p95[] | numbers] | max > 0.5')"
is "and how many waits and first bytes there were" '[15,15]' "$(one client ann | jq -c ".clients | $sums | .ann | [.queue_n, .first_byte_n]")"
is "of a name that nobody has there is nothing" '{}' "$(one model nobody | jq -c .models)"
is "all columns are of one length" 1 "$(one client ann | jq '[.t, .sends, (.clients[] | .[]) | length] | unique | length')"
is "so many seconds to a step" 5 "$(one client ann | jq .step_s)"
is "without a question nothing of them is told" '[]' "$(curl -s "$url/api/history" | jq -c '[keys[] | select(test("models|clients"))]')"
long=$(printf 'x%.0s' {1..128})
for query in by=models 'by=key&name=x' name=x 'by=upstream&name=x' 'by=model&name=' "by=client&name=$long" 'by=client&name=%zz'; do
    ask "/api/history?$query"
    is "$query is refused" 400 "$status"
done
ask "/api/history?by=upstream&name=x"
has "which says what is wrong" "$body" 'needs by=model or by=client'

# -------------------------------------------------------------------- kept --

touch "$work/mark"
saved() { [ "$(find "$work/data/history.$1" -newer "$work/mark" 2>/dev/null)" ]; }
for what in models clients; do
    check "$what are saved" wait_for 20 saved $what
    is "for nobody else to read" 600 "$(command stat -c %a "$work/data/history.$what")"
    at_most "in a file that has room on the disk for what is in it" 200 "$(du -k "$work/data/history.$what" | cut -f1)"
done
touch "$work/mark"
check "and again" wait_for 20 saved clients
models=$(told -3600) clients=$(of client -3600)
mapfile -t pids_then < <(workers)
kill -KILL "${pids_then[@]}"
stop_sluice
rm -rf "$state"
start
same() { [ "$(told -3600)" = "$models" ] && [ "$(of client -3600)" = "$clients" ]; }
check "after a kill of all and without a state it is told as it was" wait_for 30 same
named ann sim/tokens-3 >/dev/null
more() { [ "$(of client -3600 | jq .ann.requests)" = 16 ]; }
check "and goes on" wait_for 10 more
stop_sluice
rm -rf "$state"
printf 'no history' >"$work/data/history.clients"
start

check "models are as they were" wait_for 30 sh -c "[ \"\$(curl -s '$url/api/history?by=model&from=-3600' | jq '.models | length')\" = $(jq length <<<"$models") ]"
is "of clients nothing is known" '{}' "$(of client -3600)"
is "it is counted" 1 "$(curl -s "$url/metrics" | sed -n 's/^sluice_history_damaged_total //p')"
has "said" "$(cat "$log" "$out")" 'history.clients: its size is wrong; it is kept as history.clients.damaged'
finish
