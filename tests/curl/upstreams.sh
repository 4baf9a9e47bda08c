#!/bin/bash
# Several upstreams for one model: requests wait in one line, and each goes where
# a slot opens first.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

big='' small='' pool=
most_at() { curl -s "$1/sim/max?window_ms=3000" | jq -r .max; }
sent_to() { curl -s "$1/sim/stats" | jq -r .accepted; }
arrivals_of() { curl -s "$1/sim/arrivals" | jq -r '.arrivals[] | select(.path != "/v1/models") | .t_ns'; }

# settings NAME JSON-OF-UPSTREAM...: a file, in $conf
settings() {
    local list
    conf=$work/$1.json
    shift
    list=$(printf ',%s' "$@")
    printf '{"upstreams":[%s]}\n' "${list:1}" >"$conf"
}
upstream() { # upstream NAME URL REQUESTS [EXTRA]
    printf '{"name":"%s","base_url":"%s","requests":%d,"window_s":3,"margin_ms":100%s}' "$@"
}

dead_port

# ---- three of them, one of which is dead ---------------------------------------

# With a margin of 100 ms a nimsim that a busy machine lets read later than that sees
# two windows in one: such a run says nothing of Sluice, and is made once more.
for try in 1 2 3; do
    another_sim big --requests 40 --window 3
    another_sim small --requests 20 --window 3
    settings three "$(upstream big "$big" 40)" "$(upstream small "$small" 20)" \
        "$(upstream dead "http://127.0.0.1:$dead_port" 40)"
    sim=$big # else the settings would be contradicted
    start_sluice "three$try" SLUICE_CONFIG="$conf" SLUICE_WORKERS=4
    many 300 "$work/three.txt"
    refused="$(curl -s "$big/sim/stats" | jq .refused) $(curl -s "$small/sim/stats" | jq .refused)"
    if [ "$refused" = "0 0" ] || [ "$try" = 3 ]; then break; fi
    echo "three upstreams: $(most_at "$big") and $(most_at "$small") in 3 s, refused $refused: once more"
    stop_sluice
done
is "nobody is told of the dead one" 300 "$(grep -c '^200 ' "$work/three.txt")"
is "the larger one is not asked for more than it has" 40 "$(most_at "$big")"
is "nor is the smaller one" 20 "$(most_at "$small")"
is "and neither refuses any" "0 0" "$refused"
# 300 are five windows of 60: the first at once, the last 4 x 3.1 s later.
took=$({ arrivals_of "$big"; arrivals_of "$small"; } | sort -n | sed -n '1p;$p' | awk '
    NR == 1 { a = $1 } { b = $1 } END { printf "%.3f", (b - a) / 1e9 }')
echo "three upstreams, 300 requests: $took s (12.400 at the earliest)"
at_most "60 go in 3.1 s, within 2 %" 12.648 "$took"
at_least "and no more" 12.3 "$took"
is "the larger one gets what it can" 200 "$(sent_to "$big")"

# How long does one that is tried at the dead one take?  Its tries are noted.
tries=$(curl -s "$url/metrics" | grep -E '^sluice_.*unreachable' | head -1)
has "it was tried" "$tries" '[1-9]'
stop_sluice

# What does a try at the dead one cost the request that makes it?
another_sim big --requests 40 --window 3
settings first "$(upstream dead "http://127.0.0.1:$dead_port" 40)" "$(upstream big "$big" 40)"
sed -i 's/^{/{"prefer":"first","prefer_within_s":1,/' "$conf"
start_sluice first SLUICE_CONFIG="$conf" SLUICE_WORKERS=1 SLUICE_UPSTREAM_URL=
for i in $(seq 30); do
    curl -s -o /dev/null -w '%{time_total}\n' "$url/v1/chat/completions" \
        -H 'Content-Type: application/json' -d '{"model":"sim/echo","messages":[]}'
done >"$work/first.txt"
tried=$(head -1 "$work/first.txt") others=$(tail -n +2 "$work/first.txt" | sort -g | sed -n 15p)
echo "the one that found nobody there: $tried s, the others: $others s (median)"
# Well below a second, which is what waiting for the next try would cost: the machine
# may do other things, too.
at_most "a try at what is dead costs its request hardly any time" 0.3 \
    "$(awk "BEGIN { print $tried - $others }")"
at_most "and the others none: they do not try it, but for one after 1, 2, 4 ... s" 5 "$(curl -s "$url/api/status" | jq .counters.answers.away)"
stop_sluice

# One that does not even refuse: its queue of connections is full, and nobody takes any.
exec 8< <(perl -MSocket -e '
    socket(my $s, AF_INET, SOCK_STREAM, 0); bind($s, sockaddr_in(0, INADDR_LOOPBACK)); listen($s, 0);
    my ($port) = sockaddr_in(getsockname $s); my @full;
    for (1 .. 3) { socket(my $c, AF_INET, SOCK_STREAM | 2048, 0); connect($c, sockaddr_in($port, INADDR_LOOPBACK)); push @full, $c }
    $| = 1; print "$port\n"; sleep 600')
pids+=("$!")
read -r silent_port <&8
another_sim big --requests 40 --window 3
settings silent "$(upstream silent "http://127.0.0.1:$silent_port" 40)" "$(upstream big "$big" 40)"
sed -i 's/^{/{"prefer":"first",/' "$conf"
start_sluice silent SLUICE_CONFIG="$conf" SLUICE_WORKERS=1 SLUICE_UPSTREAM_URL=
slow=$(curl -s -o /dev/null -w '%{http_code} %{time_total}' "$url/v1/chat/completions" \
    -H 'Content-Type: application/json' -d '{"model":"sim/echo","messages":[]}')
echo "the one that found nobody who answers: $slow s"
is "who meets one that does not answer is served by another" 200 "${slow% *}"
at_most "after two seconds, not after timeouts.connect_s" 6 "${slow#* }"
stop_sluice

# ---- one says nothing but errors ------------------------------------------------

for kind in html-502 reset close garbage; do
    another_sim big --requests 40 --window 3
    another_sim small --requests 40 --window 3
    curl -s -X PATCH "$small/sim/config" -d "{\"faults\":{\"percent\":100,\"kinds\":[\"$kind\"]}}" >/dev/null
    settings "$kind" "$(upstream small "$small" 40)" "$(upstream big "$big" 40)"
    sed -i 's/^{/{"prefer":"first","prefer_within_s":1,/' "$conf"
    sim=$big
    start_sluice "$kind" SLUICE_CONFIG="$conf" SLUICE_WORKERS=2 SLUICE_UPSTREAM_URL= SLUICE_AFFINITY_S=0
    answers=
    for _ in $(seq 12); do chat sim/echo; answers+="$status "; done
    is "$kind: nobody is told of it" "12 200" "$(xargs -n1 <<<"$answers" | sort | uniq -c | xargs)"
    at_most "$kind: three find out, and then few try" 6 "$(sent_to "$small")"
    check "$kind: it is shown as what it is" wait_for 2 sh -c "
        curl -s '$url/api/status' | jq -e '.limits[] | select(.name == \"small\").unpaid.cause == \"faulty\"'"
    curl -s -X PATCH "$small/sim/config" -d '{"faults":{"percent":0,"kinds":[]}}' >/dev/null
    check "$kind: it is used again when it is sound" wait_for 10 sh -c "
        curl -s -o /dev/null '$url/v1/chat/completions' -H 'Content-Type: application/json' -d '{\"model\":\"sim/echo\",\"messages\":[]}'
        curl -s '$url/api/status' | jq -e '.limits | all(.unpaid == null)'"
    stop_sluice
done

# ---- one is held while 300 wait -------------------------------------------------

another_sim big --requests 40 --window 3
another_sim small --requests 20 --window 3
settings held "$(upstream big "$big" 40)" "$(upstream small "$small" 20)"
sim=$big
start_sluice held SLUICE_CONFIG="$conf" SLUICE_WORKERS=4
many 300 "$work/held.txt" & asking=$!
sleep 4.5 # 120 have gone
curl -s -X PATCH "$small/sim/config" -d '{"limiter":"sliding","requests":1,"retry_after":true}' >/dev/null
sleep 4.5
back=$(curl -s "$small/sim/stats" | jq .now_ns)
curl -s -X PATCH "$small/sim/config" -d '{"requests":20}' >/dev/null
wait "$asking"
is "nobody is refused while one upstream is held" 300 "$(grep -c '^200 ' "$work/held.txt")"
is "the other goes on, and is not asked for more" 40 "$(most_at "$big")"
first=$(curl -s "$small/sim/arrivals" | jq --argjson b "$back" '
    [.arrivals[] | select(.verdict == "accepted" and .t_ns > $b)][0].t_ns // 0')
echo "the one that was held is used again $(awk "BEGIN { printf \"%.2f\", ($first - $back) / 1e9 }") s after it gave way"
at_most "and the held one is used again within a window" 3.1 \
    "$(awk "BEGIN { print ($first > 0) ? ($first - $back) / 1e9 : 99 }")"
at_least "with more than a try" 5 "$(curl -s "$small/sim/arrivals" | jq --argjson b "$back" '
    [.arrivals[] | select(.verdict == "accepted" and .t_ns > $b)] | length')"
stop_sluice

# In what order do they go?  Each is a byte longer than the one that came before it.
another_sim big --requests 4 --window 3
another_sim small --requests 2 --window 3
settings order "$(upstream big "$big" 4)" "$(upstream small "$small" 2)"
sim=$big
start_sluice order SLUICE_CONFIG="$conf" SLUICE_WORKERS=2
# shellcheck disable=SC2317 # wait_for calls it
waits() { [ "$(curl -s "$url/api/status" | jq .queue.waiting)" = "$1" ]; }
pause
for i in $(seq 18); do
    curl -s -o /dev/null "$url/v1/chat/completions" -H 'Content-Type: application/json' \
        -d "{\"model\":\"sim/echo\",\"messages\":[],\"user\":\"$(printf '%*s' "$i" '')\"}" &
    waiters[i]=$!
    wait_for 10 waits "$i"
done
resume
for i in $(seq 18); do wait "${waiters[i]}"; done
# Those of a window go together: within it their order is the wire's.
is "they go in the order in which they came, over both" "1-6 7-12 13-18" "$({ curl -s "$big/sim/arrivals"
    curl -s "$small/sim/arrivals"; } | jq -s -r '[.[].arrivals[] | select(.verdict == "accepted")] |
    (map(.body_bytes) | min - 1) as $none | sort_by(.t_ns) | map(.body_bytes - $none) |
    [.[0:6], .[6:12], .[12:18]] | map("\(min)-\(max)") | join(" ")')"
stop_sluice

# ---- five keys of one service, two of them dead ----------------------------------

another_sim pool --requests 8 --window 3 --limiter sliding
curl -s -X PATCH "$pool/sim/config" \
    -d '{"keys":{"key-a":"good","key-b":"good","key-c":"good","key-d":"revoked","key-e":"unpaid"}}' >/dev/null
files=
for k in a d b e c; do
    (umask 077 && printf 'key-%s\n' "$k" >"$work/key-$k")
    files+=",\"$work/key-$k\""
done
settings pool "$(upstream pool "$pool" 8 ",\"api_key_files\":[${files:1}]")"
sim=$pool
start_sluice pool SLUICE_CONFIG="$conf" SLUICE_WORKERS=4 SLUICE_UPSTREAM_URL= NVIDIA_API_KEY=
many 120 "$work/pool.txt"
is "no client hears of the dead keys" 120 "$(grep -c '^200 ' "$work/pool.txt")"
is "no key is asked for more than it has" "0" "$(curl -s "$pool/sim/stats" | jq .refused)"
took=$(curl -s "$pool/sim/arrivals" | jq -r '[.arrivals[] | select(.verdict == "accepted") | .t_ns] |
    (max - min) / 1e9')
echo "three good keys of five, 120 requests: $took s (12.400 at the earliest)"
at_most "the three that are good are used to 99 %" 12.525 "$took"
is "each of the dead ones is tried, and left alone" "403 402" "$(curl -s "$pool/sim/arrivals" |
    jq -r '[.arrivals[] | select(.verdict == "unauthorized") | .status] | unique | reverse | map(tostring) | join(" ")')"
at_most "as long as their first refusals are under way" 16 "$(curl -s "$pool/sim/stats" | jq .unauthorized)"
is "and shown as what they are" "pool-2 pool-4" "$(curl -s "$url/api/status" |
    jq -r '[.limits[] | select(.unpaid != null) | .name] | join(" ")')"
stop_sluice

# ---- conversations keep their key ------------------------------------------------

# Room for five at a key, not only for the four of an even share: who comes to a full one
# rightly leaves it.
another_sim pool --requests 50 --window 3 --limiter sliding
curl -s -X PATCH "$pool/sim/config" \
    -d '{"keys":{"key-a":"good","key-b":"good","key-c":"good","key-d":"good","key-e":"good"}}' >/dev/null
sim=$pool
settings talk "$(upstream pool "$pool" 50 ",\"api_key_files\":[${files:1}]")"
start_sluice talk SLUICE_CONFIG="$conf" SLUICE_WORKERS=4 SLUICE_UPSTREAM_URL= NVIDIA_API_KEY= SLUICE_AFFINITY_S=2
talk() { # ten turns, each with all that was said
    local turn said="{\"role\":\"user\",\"content\":\"let us speak of $1\"}"
    for turn in $(seq 10); do
        curl -s "$url/v1/chat/completions" -H 'Content-Type: application/json' \
            -o /dev/null -D - -d "{\"model\":\"sim/tokens-3\",\"messages\":[$said]}" |
            tr -d '\r' | sed -n 's/^X-Sluice-Upstream: //Ip'
        said+=",{\"role\":\"assistant\",\"content\":\"yes\"},{\"role\":\"user\",\"content\":\"and $turn?\"}"
    done >"$work/turns.$1"
}
for i in $(seq 20); do talk "$i" & talks[i]=$!; done
for i in $(seq 20); do wait "${talks[i]}"; done
# Of the nine turns after its first one: those that went where the one before did.
kept=$(for i in $(seq 20); do awk 'NR > 1 && $0 == last { n++ } { last = $0 } END { print n + 0 }' "$work/turns.$i"; done |
    awk '{ n += $1 } END { printf "%.1f", 100 * n / 180 }')
echo "20 conversations of 10 turns: $kept % of turns where the one before was"
is "each turn is answered" 200 "$(cat "$work"/turns.* | grep -c .)"
at_least "conversations keep their key in 95 % of turns" 95 "$kept"
at_least "and are spread over the keys" 4 "$(cat "$work"/turns.* | sort -u | grep -c .)"
stop_sluice

finish
