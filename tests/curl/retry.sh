#!/bin/bash
# Who was refused, or lost with its worker, and asks again as the SDKs do goes
# to the head of its client's line, whichever worker it meets.
# shellcheck source=tests/curl/lib.sh
# shellcheck disable=SC2317 # called through wait_for
. "$(dirname "$0")/lib.sh"

# One goes, and what follows fits into its window: nobody else moves.
start_sim --limiter none
start_sluice main SLUICE_REQUESTS=1 SLUICE_WINDOW_S=60 SLUICE_WORKERS=3

# send MODEL CLIENT [CURL-OPTION...]: in the background; its status goes to a file.
send() {
    local model=$1 client=$2
    shift 2
    curl -s -o /dev/null -w '%{http_code}' --max-time 60 "$url/v1/chat/completions" \
        -H 'Content-Type: application/json' -H "X-Sluice-Client: $client" "$@" \
        -d "{\"model\":\"$model\",\"messages\":[]}" >"$work/$model.status" &
}
waiting() { curl -s "$url/api/queue" | jq -r '.waiting[].model'; }
is_waiting() { waiting | grep -qx "$1"; }
line() { # line MODEL...: all of them wait, one after the other
    local m
    for m in "$@"; do
        send "$m" a
        wait_for 5 is_waiting "$m"
    done
}
position() { waiting | grep -nx "$1" | cut -d: -f1; }

# ---- refused ---------------------------------------------------------------
send z0 z
wait_for 5 test -s "$work/z0.status"
line r1 r2 r3 r4 r5 r6 r7 r8
send late a -H 'X-Sluice-Deadline: 0.5'
wait_for 5 test -s "$work/late.status"
is "one that cannot be served in time is refused" 429 "$(cat "$work/late.status")"
send other a -H 'X-Stainless-Retry-Count: 1'
wait_for 5 is_waiting other
is "a retry of what was never refused goes to the end" other "$(waiting | tail -n 1)"
send late a -H 'X-Stainless-Retry-Count: 1'
wait_for 5 is_waiting late
is "a retry of what was refused goes to the head" 1 "$(position late)"

# ---- lost with its worker ----------------------------------------------------
victim=$(curl -s "$url/api/queue" | jq -r '.waiting[-1].worker')
# But for "late", which is at the head already.
mapfile -t lost < <(curl -s "$url/api/queue" |
    jq -r ".waiting[] | select(.worker == $victim and .model != \"late\") | .model")
kill -KILL "$victim"
for m in "${lost[@]}"; do
    wait_for 10 test -s "$work/$m.status"
done
for m in "${lost[@]}"; do
    rm -f "$work/$m.status"
    send "$m" a -H 'X-Stainless-Retry-Count: 1'
done
for m in "${lost[@]}"; do wait_for 5 is_waiting "$m"; done
waiting | grep -vx late >"$work/now"
check "there are others in line" test "$(wc -l <"$work/now")" -gt ${#lost[@]}
is "the retries of a killed worker's waiters are first" "$(printf '%s\n' "${lost[@]}" | sort)" \
    "$(head -n ${#lost[@]} "$work/now" | sort)"
finish
