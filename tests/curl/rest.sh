#!/bin/bash
# What a burst leaves in the memory of the workers goes back to the system when
# they have nothing to do.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

start_sim --limiter none
start_sluice main SLUICE_WORKERS=2 SLUICE_REQUESTS=10000 SLUICE_IN_FLIGHT=1
heap() { for p in $(workers); do cat "/proc/$p/status"; done | awk '/^RssAnon:/ { n += $2 } END { print n }'; }
rests() { [ "$(heap)" -le "$1" ]; }
all_wait() { [ "$(curl -s "$url/api/status" | jq .queue.waiting)" = "$total" ]; }

total=300 # more curl does not do at once
printf '{"model":"sim/tokens-3","messages":[{"role":"user","content":"%s"}]}' \
    "$(head -c 60000 /dev/zero | tr '\0' a)" >"$work/body"
for ((i = 0; i < total; i++)); do
    ((i == 0)) || echo next
    printf '%s\n' "url = \"$url/v1/chat/completions\"" 'output = "/dev/null"' silent "data = \"@$work/body\"" \
        'header = "Content-Type: application/json"' 'write-out = "%{http_code}\n"'
done >"$work/burst"

before=$(heap)
pause
curl -Z --parallel-immediate --parallel-max $total -K "$work/burst" >"$work/codes" 2>/dev/null &
job=$!
check "all of a burst wait" wait_for 20 all_wait
after=$(heap)
resume
wait $job
is "all are answered" $total "$(grep -cx 200 "$work/codes")"
case $build in
*asan | *tsan) echo "rest: a sanitizer keeps what is freed, to see who uses it: memory is not judged" ;;
*)
    at_least "a burst takes memory, or there is nothing to see" $((before + 8000)) "$after"
    check "most of it is given back" wait_for 10 rests $((before + (after - before) / 3))
    ;;
esac
printf 'rest: %d kB before, %d kB with %d requests, %d kB at rest\n' "$before" "$after" $total "$(heap)"
curl -s -o /dev/null "$url/v1/chat/completions" -H 'Content-Type: application/json' -d @"$work/body"
is "who has rested goes on where it was" $((total + 1)) "$(curl -s "$url/api/status" | jq .counters.granted)"
finish
