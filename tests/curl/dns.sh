#!/bin/bash
# An upstream that gets another address is followed there within a minute, though
# its connections are kept busy.  It takes that minute.
#
# A resolver that says something else is a file of ours in the place of /etc/hosts,
# which needs a mount namespace (root).
if [ -z "${SLUICE_TEST_MOUNTED:-}" ]; then
    export SLUICE_TEST_MOUNTED=no
    if unshare -m true 2>/dev/null; then SLUICE_TEST_MOUNTED=yes exec unshare -m "$0" "$@"; fi
fi
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"
if [ "$SLUICE_TEST_MOUNTED" != yes ]; then
    echo "dns: no mount namespace can be made here: it is not seen that a new address is followed"
    check "where the times are it is said so" grep -q 'followed within a minute' "$root/fcgi/config/bounds.h"
    finish
fi

hosts() { # in place: it is mounted
    printf '127.0.0.1 localhost\n%s upstream.test\n' "$1" >"$work/hosts"
}
hosts 127.0.0.2
mount --bind "$work/hosts" /etc/hosts

# The same port at both addresses.
port=$((20000 + RANDOM % 10000))
for address in 127.0.0.2 127.0.0.3; do
    rm -f "$work/port"
    "$sim_program" --parent --port-file "$work/port" --listen "$address:$port" --limiter none &
    pids+=($!)
    wait_for 10 test -s "$work/port" || { echo "nimsim did not start" >&2; exit 1; }
done
arrived() { curl -s "http://$1:$port/sim/stats" | jq .accepted; }
sim=http://upstream.test:$port
start_sluice main SLUICE_REQUESTS=10000 SLUICE_WORKERS=1

# Two that never rest.
load() { while [ -e "$work/load" ]; do curl -s -o /dev/null "$url/v1/chat/completions" -H 'Content-Type: application/json' \
    -d '{"model":"sim/echo","messages":[]}' && sleep 0.1; done; }
touch "$work/load"
load &
load &
wait_for 5 sh -c "[ \"\$(curl -s http://127.0.0.2:$port/sim/stats | jq .accepted)\" -gt 5 ]"
connections() { awk -v p=":$(printf %04X "$port")" '$3 ~ p && $4 == "01"' /proc/net/tcp | wc -l; }
kept=$(connections)
at_most "its connections are kept" 8 "$kept"

hosts 127.0.0.3
since=$SECONDS
old=0
while ((SECONDS - since < 62)); do
    sleep 1
    now=$(arrived 127.0.0.2)
    [ "$now" != "$old" ] || [ "$(arrived 127.0.0.3)" = 0 ] || break
    old=$now
done
at_most "the new address is followed within a minute" 60 $((SECONDS - since))
at_least "where requests arrive" 1 "$(arrived 127.0.0.3)"
old=$(arrived 127.0.0.2)
sleep 1
is "and none at the old one" "$old" "$(arrived 127.0.0.2)"
rm "$work/load"
is "none has failed" 0 "$(curl -s "$url/metrics" | awk '/^sluice_requests_total.*code="5/ { n += $2 } END { print n + 0 }')"
finish
