#!/bin/bash
# Which Sluice sluicectl means: the one that runs, and of several the one that
# was named; it believes no entry that somebody else could have written.  And
# what `make run` prints is short, true and works as it stands.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"
unset SLUICE_URL SLUICE_STATE_DIR SLUICE_ADMIN_TOKEN

ctl() { # its output to $said, with what it says of errors; its status to $rc
    said=$("$build/sluicectl" "$@" 2>&1)
    rc=$?
}
is_paused() { [ "$(curl -s "$1/api/status" | jq '.paused != null')" = "$2" ]; }

start_sim --limiter none

# ---- none, one, several --------------------------------------------------------
ctl runs
is "none runs" 1 $rc
has "which is said" "$said" 'none of yours runs here'
start_sluice one
one=$url one_state=$state one_pid=$run_pid
check "it has an entry" wait_for 5 test -s "$work/runs/$one_pid"
is "which is the user's alone" "600 1" "$(command stat -c '%a %h' "$work/runs/$one_pid")"
ctl runs
is "one runs" "0 1" "$rc $(wc -l <<<"$said")"
has "where, and since when" "$said" "--url $one +--dir $one_state +\(process $one_pid, up [0-9.]+ s\)"
for command in status queue top 'status --json' 'key list' reload; do
    # shellcheck disable=SC2086 # a command and its argument
    ctl $command
    is "$command finds it without being told" 0 $rc
done
ctl pause
is "so does pause, with its token" "0 paused" "$rc $said"
check "it is paused" is_paused "$one" true
ctl resume

start_sluice two SLUICE_DATA_DIR="$work/elsewhere"
two=$url two_state=$state two_pid=$run_pid
wait_for 5 test -s "$work/runs/$two_pid"
ctl pause
is "of two none is taken" 2 $rc
is "and no more is said than which there are" 3 "$(wc -l <<<"$said")"
has "both are named" "$said" "--url $one +--dir $one_state"
has "with what to say" "$said" "--url $two +--dir $two_state"
check "the first goes on" is_paused "$one" false
check "and the second" is_paused "$two" false
ctl --dir "$two_state" pause
is "--dir says which" "0 paused" "$rc $said"
check "that one has stopped" is_paused "$two" true
check "and the other has not" is_paused "$one" false
# --url is enough, however the address is spelled; of several runs each has its token.
port=${two##*:}
spelled=("$two" "$two/" "$two/v1" "http://localhost:$port" "HTTP://LocalHost:$port/" "localhost:$port")
! grep -q '^0\{31\}1 ' /proc/net/if_inet6 || spelled+=("http://[::1]:$port" "http://[::1]:$port/")
for at in "${spelled[@]}"; do
    ctl --url "$at" pause
    is "--url $at finds the token of that run" "0 paused" "$rc $said"
done
check "that one has stopped" is_paused "$two" true
check "the other has not" is_paused "$one" false
said=$(SLUICE_URL=$two "$build/sluicectl" pause 2>&1)
is "SLUICE_URL does, too" "0 paused" "$? $said"
# A stranger's address: what it is told is no run's.
listener=$work/heard
exec 8< <(exec perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.2", LocalPort => 0, Listen => 5) or die; $| = 1;
    print $s->sockport, "\n"; open(my $o, ">", $ARGV[0]); $o->autoflush;
    while (my $c = $s->accept) { while (<$c>) { print $o $_; last if /^\r/ }
        print $c "HTTP/1.0 401 no\r\n\r\n"; close $c }' "$listener")
pids+=("$!")
read -r strange <&8
ctl --url "http://127.0.0.2:$strange" pause
exec 7< <(exec perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 0, Listen => 5) or die; $| = 1;
    print $s->sockport, "\n"; open(my $o, ">>", $ARGV[0]); $o->autoflush;
    while (my $c = $s->accept) { while (<$c>) { print $o $_; last if /^\r/ }
        print $c "HTTP/1.0 401 no\r\n\r\n"; close $c }' "$listener")
pids+=("$!")
read -r strange <&7
ctl --url "http://127.0.0.1:$strange" pause
said=$(SLUICE_STATE_DIR=$one_state "$build/sluicectl" --url "http://127.0.0.1:$strange" pause 2>&1)
is "whoever listens elsewhere was asked" 3 "$(grep -c '^POST' "$listener")"
is "and heard no run's token" 0 "$(grep -ci '^authorization' "$listener")"
ctl --url "$two" --token-file "$work/elsewhere/admin.token" resume
is "so does --url, with the token from a file" "0 resumed" "$rc $said"
said=$(SLUICE_ADMIN_TOKEN=$(cat "$work/elsewhere/admin.token") "$build/sluicectl" --url "$two/" resume 2>&1)
is "or from the environment" "0 resumed" "$? $said"
ctl --url "$two" --token-file "$work/nothing" resume
is "a file that is not there" 1 $rc
has "is named" "$said" "--token-file: cannot read a token from $work/nothing"
has "a token on the command line is none of its options" "$("$build/sluicectl" --help)" '--token-file FILE'

# ---- over HTTP alone, it is the same ----------------------------------------------
for _ in 1 2 3; do chat sim/tokens-3; done
curl -s -o /dev/null --max-time 60 "$two/v1/chat/completions" -H 'Content-Type: application/json' \
    -d '{"model":"sim/slow-60000","messages":[]}' &
pids+=("$!")
runs_one() { [ "$(curl -s "$two/api/queue" | jq '.running | length')" = 1 ]; }
check "one runs" wait_for 10 runs_one
"$build/sluicectl" --dir "$two_state" pause >/dev/null
for n in ada bob; do
    curl -s -o /dev/null --max-time 60 "$two/v1/chat/completions" -H 'Content-Type: application/json' -H "X-Sluice-Client: $n" \
        -d '{"model":"sim/tokens-3","messages":[]}' &
    pids+=("$!")
    waits_also() { curl -s "$two/api/queue" | jq -e --arg c "$n" 'any(.waiting[]; .client == $c)'; }
    check "$n waits" wait_for 10 waits_also
done
steady() { sed -E 's/[0-9.]+ (s|m|h)\b/T/g; s/ +/ /g'; } # but for the times
for command in status queue; do
    ctl --dir "$two_state" $command
    near=$(steady <<<"$said" | grep -v '^counts') # its own looking counts nothing, but joins may
    ctl --url "$two" $command
    is "$command: by --url as by --dir" "$near" "$(steady <<<"$said" | grep -v '^counts')"
done
is "positions, too" "1 ada 2 bob" "$("$build/sluicectl" --url "$two" queue | awk '/ (ada|bob) / { print $1, / ada / ? "ada" : "bob" }' | paste -sd ' ')"
ctl --url "$two" top
has "top, too" "$said" '1 running'
ctl --dir "$two_state" resume

ctl --url http://127.0.0.1:9 status
is "where nobody listens" 1 $rc
has "that is said" "$said" 'http://127.0.0.1:9: .*--url'
ctl --url "$one" --dir "$two_state" queue
is "of both the state is the one to read" 0 $rc

# ---- what is not to be believed ------------------------------------------------------
entry() { # entry NAME [FIELD VALUE]...: as of the first, but for the fields
    local file=$work/runs/$1
    cp "$work/runs/$one_pid" "$file"
    shift
    while [ $# -gt 0 ]; do
        sed -i "s|^$1 .*|$1 $2|" "$file"
        shift 2
    done
    chmod 600 "$file"
}
kill -TERM "$two_pid"
wait "$two_pid"
ctl runs
is "one that has stopped is not there" 1 "$(wc -l <<<"$said")"
is "and has left no entry" "" "$(ls "$work/runs/$two_pid" 2>/dev/null)"
evil=http://127.0.0.1:6666
alone() { # alone "SENTENCE": what is in the list by now changes nothing
    ctl runs
    is "$1" "0 1" "$rc $(wc -l <<<"$said")"
    is "$1: nowhere" 0 "$(grep -c 6666 <<<"$said")"
    rm -f "$work"/runs/5000001
}
sleep 300 &
other=$! pids+=("$!")
ticks=$(sed 's/.*) //' "/proc/$other/stat" | cut -d' ' -f20)
entry 5000001 url $evil pid "$other" ticks "$ticks"
ctl runs
is "an entry of a process of ours is one" 2 "$(wc -l <<<"$said")"
rm "$work/runs/5000001"
entry 5000001 url $evil pid "$other" ticks 1
alone "a number that is another process' by now"
entry 5000001 url $evil pid 4194303 ticks "$ticks"
alone "a process that is gone"
entry 5000001 url $evil pid "$other" ticks "$ticks"; chmod 644 "$work/runs/5000001"
alone "an entry that others may read"
entry 5000001 url $evil pid "$other" ticks "$ticks"; ln "$work/runs/5000001" "$work/second"
alone "an entry with another name"
entry 5000001 url $evil pid "$other" ticks "$ticks"; mv "$work/runs/5000001" "$work/real"; ln -s "$work/real" "$work/runs/5000001"
alone "a link to one"
mkfifo -m 600 "$work/runs/5000001"
alone "a pipe: it is not waited for"
entry 5000001 url http://me@127.0.0.1:6666 pid "$other" ticks "$ticks"
alone "an address with a name in it"
entry 5000001 url $evil/x pid "$other" ticks "$ticks"
alone "an address with a path"
entry 5000001 url ftp://127.0.0.1:6666 pid "$other" ticks "$ticks"
alone "another protocol"
entry 5000001 url $evil dir relative pid "$other" ticks "$ticks"
alone "a state directory that is no whole path"
entry 5000001 url $evil dir "$work/nothing" pid "$other" ticks "$ticks"
alone "a state directory that is not there"
printf 'noise\0%s\n' "$(head -c 5000 /dev/zero | tr '\0' x)" >"$work/runs/5000001"; chmod 600 "$work/runs/5000001"
alone "noise"
: >"$work/runs/5000001"; chmod 600 "$work/runs/5000001"
alone "nothing in it"
chmod 770 "$work/runs"
ctl runs
is "a list that others may write to is none" 1 $rc
chmod 700 "$work/runs"
mv "$work/runs" "$work/moved"; ln -s moved "$work/runs"
ctl runs
is "nor is a link to one" 1 $rc
rm "$work/runs"; mv "$work/moved" "$work/runs"

# A state that is named is not taken for whoever listens at the usual place.
ctl --dir "$two_state" pause
is "a named one that does not run" 1 $rc
has "is said not to" "$said" "$two_state does not say where it listens"

# A token that was found goes to this machine alone.
ctl --url http://192.0.2.1:8080 --token-file "$work/nothing" pause
has "to another machine it has to be given" "$said" 'token-file'

# What was killed leaves an entry; the next run sweeps it.
entry 5000002 pid 4194303
start_sluice three
check "the next run has swept" wait_for 5 test ! -e "$work/runs/5000002"
stop_sluice

# ---- as another user ------------------------------------------------------------------
if [ "$(id -u)" = 0 ]; then
    uid=$((50000 + RANDOM % 9000))
    while [ -e "/tmp/sluice-runs-$uid" ]; do uid=$((uid + 1)); done
    chmod 711 "$work"
    mkdir -p "$work/tree/build" "$work/home"
    cp -r "$root/conf" "$root/lighttpd.conf" "$root/www" "$work/tree/"
    cp "$build/sluice.fcgi" "$build/sluicectl" "$build/nimsim" "$work/tree/build/"
    chmod -R go+rX "$work/tree"
    chown "$uid:$uid" "$work/home"
    as_user() { (cd "$work/home" && env -i PATH="$PATH" HOME="$work/home" TMPDIR="$work/home" "$@"); }
    user() { as_user setpriv --reuid="$uid" --regid="$uid" --clear-groups "$@"; }
    mkdir "$work/user"
    out=$work/user/out
    user env SLUICE_LISTEN=127.0.0.1:0 SLUICE_DRAIN_S=2 "$work/tree/conf/run" >"$out" 2>&1 &
    run_pid=$!
    pids+=("$!")
    check "it runs as another user" wait_for 30 grep -q 'Ctrl-C stops it' "$out"
    said=$(user "$work/tree/build/sluicectl" status 2>&1)
    is "whose sluicectl finds it" 0 $?
    has "by itself" "$said" '^up .*, 2 workers'
    said=$(user "$work/tree/build/sluicectl" pause 2>&1)
    is "and steers it" "0 paused" "$? $said"
    entry=$(ls "/tmp/sluice-runs-$uid"/*)
    said=$(SLUICE_RUN_LIST=/tmp/sluice-runs-$uid "$build/sluicectl" runs 2>&1)
    is "root believes none of its entries" 1 $?
    # Somebody else's entry in a list of one's own.
    cp -p "$entry" "$work/runs/5000003"
    alone "an entry that somebody else owns"
    kill -TERM "${entry##*/}"
    wait "$run_pid"
    is "at the end its entry is gone" "" "$(ls "/tmp/sluice-runs-$uid")"
    rmdir "/tmp/sluice-runs-$uid"
    # A list that somebody else has made in /tmp is left alone.
    mkdir -m 700 "/tmp/sluice-runs-$uid"
    user env SLUICE_LISTEN=127.0.0.1:0 SLUICE_DRAIN_S=2 "$work/tree/conf/run" >"$out" 2>&1 &
    run_pid=$!
    pids+=("$!")
    check "with somebody else's directory in its place it runs" wait_for 30 grep -q 'Ctrl-C stops it' "$out"
    is "and writes nothing there" "" "$(ls -A "/tmp/sluice-runs-$uid")"
    kill -TERM "$(pgrep -u "$uid" -of 'conf/run$')"
    wait "$run_pid"
    rmdir "/tmp/sluice-runs-$uid"
else
    echo "     (not root: what another user sees is left out)"
fi

# ---- what is printed ---------------------------------------------------------------------
unset NVIDIA_API_KEY SLUICE_UPSTREAM_URL SLUICE_CONFIG
start_practice() { # start_practice NAME VAR=VALUE...
    mkdir "$work/$1"
    out=$work/$1/out state=$work/$1/state
    shift
    env SLUICE_BUILD="$build" SLUICE_LISTEN=127.0.0.1:0 SLUICE_STATE_DIR="$state" SLUICE_DRAIN_S=2 "$@" \
        "$root/conf/run" >"$out" 2>&1 &
    run_pid=$!
    pids+=("$!")
    wait_for 30 grep -q 'Ctrl-C stops it' "$out"
    url=$(cat "$state/listen")
}
start_practice practice
said=$(grep -v '^{' "$out")
is "no line is longer than 80, but for paths" "" "$(grep -v "$state\|$build" <<<"$said" | grep -E '^.{81}')"
at_most "lines" 32 "$(wc -l <<<"$said")"
has "it says that it is for practice" "$said" 'upstream  PRACTICE: made-up answers'
has "which model's name is answered" "$said" 'has an answer for any model'
is "as it is" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$url/v1/chat/completions" -H 'Content-Type: application/json' -d '{"model":"gpt-4o","messages":[]}')"
has "and how answers become real" "$said" 'NVIDIA_API_KEY=nvapi-\.\.\. make run'
has "the base URL" "$said" "\(base URL: $url/v1\)"
has "the page" "$said" "$url/dashboard/"
has "where the admin token is" "$said" "the token is in $state/admin.token"
is "which is not printed where nobody looks" 0 "$(grep -cF "$(cat "$state/admin.token")" <<<"$said")"
has "Python" "$said" "OpenAI\(base_url=\"$url/v1\", api_key=\"unused\"\)"
has "Node" "$said" "new OpenAI\(\{ baseURL: \"$url/v1\", apiKey: \"unused\" \}\)"
has "Claude Code" "$said" "ANTHROPIC_BASE_URL=$url"
# Colleagues' keys are made there, as the banner says; nobody else needs one.
asked() { curl -s -o /dev/null -w '%{http_code}' --max-time 60 "$url/v1/$1" -H 'Content-Type: application/json' "${@:3}" -d "$2"; }
chat_body='{"model":"sim/tokens-3","messages":[]}'
key=$("$build/sluicectl" --url "$url" key make ada 2>&1 | grep -oE 'sk-sluice-[A-Za-z0-9_-]+')
has "a key can be made in practice" "$key" '^sk-sluice-'
is "it works" 200 "$(asked chat/completions "$chat_body" -H "Authorization: Bearer $key")"
is "none works" 200 "$(asked chat/completions "$chat_body")"
is "anything works" 200 "$(asked chat/completions "$chat_body" -H 'Authorization: Bearer unused')"
is "for Claude Code, too" 200 "$(asked messages?beta=true '{"model":"sim/agent","max_tokens":9,"messages":[{"role":"user","content":"x"}]}' \
    -H 'Authorization: Bearer unused' -H 'anthropic-version: 2023-06-01')"
has "a key of nobody's own is needed" "$said" '^  API key   none needed'
call=$(sed -n "/^  curl/,/}'\$/p" <<<"$said")
has "the call works as it stands" "$(eval "$call" 2>/dev/null)" '^data: \[DONE\]'
stop_sluice
kill -TERM "$one_pid"
wait "$one_pid"
start_practice real_one SLUICE_UPSTREAM_URL="$sim" NVIDIA_API_KEY=nvapi-not-to-be-shown
said=$(grep -v '^{' "$out")
has "real is said to be real" "$said" "upstream  REAL: $sim"
has "with whose key" "$said" 'API key   yours, from NVIDIA_API_KEY'
is "which is not shown" 0 "$(grep -c not-to-be-shown "$out")"
stop_sluice
start_practice theirs SLUICE_UPSTREAM_URL="$sim"
said=$(grep -v '^{' "$out")
has "without one the clients' pass" "$said" "API key   each client's own"
has "and the call has a place for it" "$said" "Authorization: Bearer YOUR-UPSTREAM-KEY"
stop_sluice

# On all addresses: which one is for others, and by it the token is found, too.
start_practice open SLUICE_LISTEN=0.0.0.0:0
mine=$(hostname -I | tr ' ' '\n' | grep -vE ':|^127\.|^$' | head -n 1)
port=${url##*:}
has "all addresses are said to be" "$(cat "$out")" 'and on all other addresses'
if [ -n "$mine" ]; then
    has "one is named for others" "$(cat "$out")" "others    http://$mine:$port/v1\$"
    is "which is there" 200 "$(curl -s -o /dev/null -w '%{http_code}' "http://$mine:$port/health")"
    key=$("$build/sluicectl" --url "http://$mine:$port" key make bob 2>/dev/null | grep -oE 'sk-sluice-[A-Za-z0-9_-]+')
    is "a key lets others in" 200 "$(url=http://$mine:$port asked chat/completions "$chat_body" -H "Authorization: Bearer $key")"
else
    echo "     (no address but loopback: what others are told is left out)"
fi
stop_sluice

# The commands that are printed work as printed, alone and beside another.
printed() { sed -nE "s|^  [a-z ]{8}(.*sluicectl.* $1).*|\1|p" "$out"; }
start_practice alone NVIDIA_API_KEY=nvapi-x SLUICE_UPSTREAM_URL="$sim"
is "alone it is meant" 0 "$(printed top | grep -c url)"
# shellcheck disable=SC2046 # a command
has "a key is made as printed" "$(cd "$root" && $(printed 'key make') ada 2>&1)" '^sk-sluice-'
first=$run_pid
start_practice beside NVIDIA_API_KEY=nvapi-x SLUICE_UPSTREAM_URL="$sim"
has "beside another it is named" "$(printed top)" "--url $url"
# shellcheck disable=SC2046,SC2091 # a command
has "and shown as printed" "$(cd "$root" && $(printed top) 2>&1)" '0 waiting'
kill -TERM "$first"
wait "$first"
stop_sluice
finish
