#!/bin/bash
# Where requests went, each upstream and each key: what the history says of them is
# what they saw, and it outlives workers, state and names.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

key_file() { # key_file NAME TEXT: its path
    (umask 077 && printf '%s\n' "$2" >"$work/$1.key")
    printf %s "$work/$1.key"
}
settings() { # settings NAME: of the second upstream
    printf '{"upstreams":[%s,%s]}\n' \
        "{\"name\":\"nim\",\"base_url\":\"$pooled\",\"requests\":40,\"window_s\":3,\"models\":[\"sim/*\"],\"api_key_files\":[\"$one\",\"$two\"]}" \
        "{\"name\":\"$1\",\"base_url\":\"$strict\",\"requests\":40,\"window_s\":3,\"models\":[\"sim/*\"]}" >"$work/sluice.json"
}
start() { # start NAME [VAR=VALUE...]
    start_sluice "$@" SLUICE_CONFIG="$work/sluice.json" SLUICE_UPSTREAM_URL= SLUICE_WORKERS=3 \
        SLUICE_DATA_DIR="$work/data" SLUICE_TEST_KEEP_MS=500
}
past() { curl -s "$url/api/history?by=upstream&from=$1&points=1000"; }
sum() { # sum FROM: [name, sends, refused, tokens] of each
    past "$1" | jq -c '[.upstreams | to_entries[] | [.key, (.value |
        ([.sends[] | numbers] | add), ([.refused[] | numbers] | add), ([(.tokens_in, .tokens_out)[] | numbers] | add))]]'
}
sums() { [ "$(sum "$1")" = "$2" ]; }
seen() { # seen URL: [sends, refused, tokens], as nimsim has counted them
    curl -s "$1/sim/stats" | jq -c '[.accepted + .refused, .refused, .tokens]'
}

pooled='' strict='' # set by another_sim
one=$(key_file one "nvapi-$(openssl rand -hex 16)")
two=$(key_file two "nvapi-$(openssl rand -hex 16)")
another_sim pooled --limiter none --tokens 100000000
another_sim strict --requests 12 --window 3 --tokens 100000000
settings local
start went

many 90 "$work/load"
is "all are answered" 90 "$(grep -c '^200 ' "$work/load")"
many_model=sim/not-found-404 many 3 "$work/none"

# ---------------------------------------------------------------- the sums --

of_key() { # of_key FILE: arrivals that bore the key in it
    curl -s "$pooled/sim/arrivals" | jq --arg k "$(printf 'Bearer %s' "$(cat "$1")" | sha256sum | cut -d' ' -f1)" \
        '[.arrivals[] | select(.auth_sha256 == $k and .path == "/v1/chat/completions")] | length'
}
went() { past -500 | jq -c --arg n "$1" '[.upstreams[$n].sends[] | numbers] | add'; }
is "all columns are of one length" 1 \
    "$(past -500 | jq '[.t, .sends, (.upstreams[] | .sends, .refused, .tokens_in, .tokens_out) | length] | unique | length')"
is "there are as many upstreams as were used" '["local","nim","nim-2"]' "$(past -500 | jq -c '.upstreams | keys')"
counted() {
    [ "$(sum -500 | jq -c '[.[] | select(.[0] == "local")][0][1:]')" = "$(seen "$strict")" ] &&
        [ "$(sum -500 | jq -c '[.[] | select(.[0] != "local")] | [(map(.[1]) | add), (map(.[2]) | add), (map(.[3]) | add)]')" = "$(seen "$pooled")" ]
}
check "sends, refusals and tokens are what the upstreams saw" wait_for 5 counted
echo "the strict one: $(seen "$strict"), the pool: $(seen "$pooled"), told: $(sum -500)"
at_least "the strict one has refused some" 1 "$(curl -s "$strict/sim/stats" | jq .refused)"
is "the first key's" "$(of_key "$one")" "$(went nim)"
is "the second key's" "$(of_key "$two")" "$(went nim-2)"
for from in -3600 -86400 -30000000; do
    is "by minutes and hours it is the same: $from" "$(sum -500)" "$(sum "$from")"
done
is "together they are all sends, in each step" true "$(past -500 |
    jq -c '. as $p | [range(0; .t | length)] | all(. as $i | $p.sends[$i] == null or $p.sends[$i] == ([$p.upstreams[].sends[$i]] | add // 0))')"
limits=$(curl -s "$url/api/status" | jq -c '[.limits[] | select(.name == .upstream) | .went | [.all, .refused, .tokens_in + .tokens_out]]')
metrics=$(curl -s "$url/metrics")
metric() { sed -n "s/^sluice_upstream_$1_total{upstream=\"$2\"} //p" <<<"$metrics"; }
of_metrics=$(for n in local nim nim-2; do
    printf '["%s",%s,%s,%s]\n' "$n" "$(metric requests $n)" "$(metric refused $n)" "$(($(metric tokens_in $n) + $(metric tokens_out $n)))"
done | jq -sc .)
is "so say the sums of the status" "$(sum -500 | jq -c 'map(.[1:]) | sort')" "$(jq -c sort <<<"$limits")"
is "those of the metrics" "$(sum -500)" "$of_metrics"
has "and sluicectl" "$("$build/sluicectl" --state-dir "$state" status)" "went there: .* answered with 429: $(metric refused local); tokens: $(metric tokens_in local) in, $(metric tokens_out local) out\$"
is "without a question nothing of them is told" false "$(curl -s "$url/api/history" | jq 'has("upstreams")')"
for query in by=key by= by=upstreams 'points=5&by=x'; do
    ask "/api/history?$query"
    is "$query is refused" 400 "$status"
done

# -------------------------------------------------------------------- kept --

all=$(sum -3600)
saved() { [ "$(find "$work/data/history.upstreams" -newer "$work/mark" 2>/dev/null)" ]; }
touch "$work/mark"
check "it is saved" wait_for 20 saved
is "in a file for nobody else to read" 600 "$(command stat -c %a "$work/data/history.upstreams")"
at_most "which has room on the disk for what is in it" 600 "$(du -k "$work/data/history.upstreams" | cut -f1)"
touch "$work/mark"
check "and again" wait_for 20 saved
mapfile -t pids_then < <(workers)
kill -KILL "${pids_then[@]}"
stop_sluice
rm -rf "$state"
settings home
start renamed
check "after a kill of all and without a state the past is told" wait_for 30 sums -3600 "$all"
many 30 "$work/more"
check "a renamed one keeps it under its name, and the new one has its own" wait_for 10 sh -c "
    [ \"\$(curl -s '$url/api/history?by=upstream&from=-3600' | jq -c '[.upstreams.local.sends[] | numbers] | add')\" = \"$(jq '.[0][1]' <<<"$all")\" ] &&
    [ \"\$(curl -s '$url/api/history?by=upstream&from=-3600' | jq -c '[.upstreams.home.sends[] | numbers] | add')\" -gt 0 ]"
stop_sluice

# An older build's data directory: a history, and nothing of where they went.
rm -rf "$state" "$work/data/history.upstreams"
start older
sent() { curl -s "$url/api/history?from=-3600" | jq '[.sends[] | numbers] | add // 0'; }
many_sent() { [ "$(sent)" -ge 120 ]; }
check "a history without it is read" wait_for 30 many_sent
is "and says that it does not know" '[{},null]' "$(past -3600 | jq -c '[.upstreams, .upstreams_kept_from]')"
is "nothing was set aside" "" "$(find "$work/data" -name '*.damaged')"
finish
