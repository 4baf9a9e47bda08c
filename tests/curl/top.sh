#!/bin/bash
# sluicectl top on a terminal: what it shows fits, its keys do what they say and
# ask before they do it, and however it ends the terminal is as it was.
# shellcheck source=tests/curl/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"
unset NO_COLOR SLUICE_URL SLUICE_STATE_DIR
export TERM=xterm LC_ALL=C.UTF-8

start_sim --limiter none
start_sluice main SLUICE_REQUESTS=2 SLUICE_WINDOW_S=60
for _ in 1 2; do chat sim/tokens-3; done
ask_as() { # ask_as CLIENT MODEL: in the background, waits
    curl -s -o "$work/$1.body" -w '%{http_code}' --max-time 120 "$url/v1/chat/completions" -H "X-Sluice-Client: $1" \
        -H 'Content-Type: application/json' -d "{\"model\":\"$2\",\"messages\":[]}" >"$work/$1.status" &
    pids+=("$!")
}
waiting() { [ "$(curl -s "$url/api/queue" | jq '.waiting | length')" = "$1" ]; }
n=0
for who in ada bob cyd dan; do
    ask_as $who "sim/$who-model"
    n=$((n + 1))
    wait_for 5 waiting $n
done

# ---- a terminal -----------------------------------------------------------------
# open_top ROWS COLUMNS [VARIABLE...]: on a terminal of its own, whose name and
# settings, before and after, are in files; keys go to descriptor 8.
open_top() {
    local rows=$1 columns=$2
    shift 2
    rm -f "$work"/{screen,keys,tty,before,after,status,top.pid}
    mkfifo "$work/keys"
    cat >"$work/on-tty" <<END
stty rows $rows cols $columns
tty >$work/tty
stty -g >$work/before
$* sh -c 'echo \$\$ >$work/top.pid; exec $build/sluicectl --dir $state top'
echo \$? >$work/status
stty -g >$work/after
END
    exec 8<>"$work/keys"
    script -qefac "bash $work/on-tty" "$work/screen" <"$work/keys" >/dev/null 2>&1 &
    script_pid=$!
    pids+=("$script_pid")
    check "top comes up" wait_for 10 page_has '^POS'
}
# shellcheck disable=SC2059 # its escapes are meant
keys() { printf "$1" >&8; }
# All pages, each a paragraph; the last whole one.
pages() { perl -0777 -ne 'while (/\e\[H(.*?)\e\[J/gs) { my $p = $1; $p =~ s/\e\[[0-9;?]*[A-Za-z]//g; $p =~ s/\r//g; print "$p\n\f\n" }' "$work/screen"; }
page() { pages | perl -0777 -ne 'my @p = split /\n\f\n/; print $p[-1]'; }
page_has() { page | grep -qE -- "$1"; }
page_lacks() { ! page | grep -qE -- "$1"; }
sees() { check "$1" wait_for 5 page_has "$2"; }
closed() { [ -s "$work/after" ]; }
ended() { # ended "SENTENCE" STATUS
    check "$1: it ends" wait_for 10 closed
    wait "$script_pid" 2>/dev/null
    exec 8>&-
    is "$1: its status" "$2" "$(<"$work/status")"
    is "$1: the terminal's settings are what they were" "$(<"$work/before")" "$(<"$work/after")"
    has "$1: the cursor and the other screen are given back" "$(tail -c 300 "$work/screen" | tr '\033' '~')" '~\[\?25h~\[\?1049l'
}
too_wide() { pages | perl -CS -ne "chomp; print if length > $1" | head -n 3; } # of what was shown
too_high() { pages | perl -0777 -ne "for (split /\n\f\n/) { my \$n = () = /\n/g; print \"\$n\n\" if \$n + 1 > $1 }" | head -n 3; }

open_top 24 80
has "it takes the other screen, without a cursor" "$(tr '\033' '~' <"$work/screen")" '~\[\?1049h~\[\?25l'
sees "who waits, from position 1" '^1 +normal .* ada +sim/ada-model'
is "in order" "1 2 3 4" "$(page | awk '$1 ~ /^[0-9]+$/ && $2 == "normal" { print $1 }' | paste -sd ' ')"
check "in its steps, not in others" page_lacks 'each 6[1-9]'
is "how it stands, in the service's own words" "$(curl -s "$url/api/status" | jq -r .verdict.title | cut -c 1-40)" \
    "$(page | sed -n 2p | cut -c 1-40)"
sees "what is used" '^nim .*2 of 2 in 60.0 s'
sees "how many went" '2 sent in the last minute'
sees "the line of history" '^sends .*█ each 60.0 s, limit 2'
sees "its keys" 'q quit +h help +p pause +c cancel +s sort +/ filter'
has "in colours" "$(tr '\033' '~' <"$work/screen")" '~\[3[1-6]m'

# ---- sort and filter ----------------------------------------------------------------
sees "sorted by position" '^POS\+ '
keys s; sees "s: by age" ' AGE\+ '
keys ss; sees "and so on" ' CLIENT\+ '
sees "the first client first" '^1 .* ada '
order_is() { [ "$(page | grep -oE ' (ada|bob|cyd|dan) ' | paste -sd ' ' | tr -s ' ')" = " $1 " ]; }
keys S; sees "S: the other way round" ' CLIENT- '
check "the last client first" wait_for 5 order_is "dan cyd bob ada"
keys Sss; sees "round and back" '^POS\+ '
keys '/BOB'; sees "/ asks for whom" 'Show only .*: BOB_'
check "it is done while it is typed" wait_for 5 order_is bob
keys '\r'; sees "Enter keeps it" 'only "BOB": 1'
keys '/\177\177\177zz\r'; sees "nobody of that name" 'only "zz": 0'
check "and no row" wait_for 5 page_lacks ' (ada|bob|cyd|dan) '
keys '\033'; check "Esc: all again" wait_for 5 order_is "ada bob cyd dan"

# ---- help ----------------------------------------------------------------------------
keys h; sees "h helps" 'up, down, j, k +choose a request'
keys x; sees "any key goes back" '^POS\+ '

# ---- cancel ----------------------------------------------------------------------------
keys c; sees "c wants one chosen" 'choose a request first'
keys 'jj'; sleep 0.2
keys c; sees "c asks" 'End request req_[0-9a-f]+\? .* y/n'
keys n; sees "n: nothing" 'nothing was done'
check "nobody has gone" waiting 4
# The chosen one stays the chosen one, though rows move.
keys '\033[B'; sleep 0.2
id=$(curl -s "$url/api/queue" | jq -r '.waiting[] | select(.client == "cyd").id')
ask_as zoe sim/zoe-model
wait_for 5 waiting 5
keys S; sleep 0.3
keys c; sees "it is cyd's" "End request $id\?"
keys y; sees "y: it has ended" 'it was ended; its client was told'
check "that one, and no other" wait_for 5 waiting 4
check "its client was told" wait_for 5 grep -q 503 "$work/cyd.status"
has "so" "$(<"$work/cyd.body")" sluice_cancelled
keys S

# ---- pause -------------------------------------------------------------------------------
is_paused() { [ "$(curl -s "$url/api/status" | jq '.paused != null')" = "$1" ]; }
keys p; sees "p asks" 'Stop all sending, for everybody\? y/n'
keys '\r'; sees "Enter is no" 'nothing was done'
check "it is not paused" is_paused false
keys py; sees "y: it is paused" 'PAUSED for .*: nothing is sent; p goes on'
check "in truth" is_paused true
keys p; sees "p: it goes on" '^POS'
check "in truth, too" wait_for 5 is_paused false

# ---- sizes -------------------------------------------------------------------------------
is "nothing was wider than 80" "" "$(too_wide 80)"
is "nor higher than 24" "" "$(too_high 24)"
sizes() { # sizes ROWS COLUMNS
    stty -F "$(<"$work/tty")" rows "$1" cols "$2"
    sleep 0.3 # a page of before may be on its way
    : >"$work/screen"
    check "$1x$2: a page" wait_for 5 page_has '^POS'
    keys ' '; sleep 0.3
    is "$1x$2: not wider" "" "$(too_wide "$2")"
    is "$1x$2: not higher" "" "$(too_high "$1")"
    check "$1x$2: requests are on it" page_has '^1 .*(sim|ada)'
}
sizes 24 40
has "40 columns: what matters" "$(page)" '^POS\+ ETA +MODEL'
sizes 10 60
sizes 50 132
has "132 columns: all" "$(page)" 'req_[0-9a-f]{24}'
sizes 8 30
stty -F "$(<"$work/tty")" rows 2 cols 10
sleep 0.5
check "a terminal that is far too small harms nothing" kill -0 "$(<"$work/top.pid")"
sizes 24 80
keys q
ended "q" 0

# ---- each way out -------------------------------------------------------------------------
for way in 'keys \003' 'kill -TERM' 'kill -HUP' 'kill -QUIT' 'kill -ABRT' 'kill -SEGV'; do
    open_top 24 80
    case $way in
    keys*) keys "${way#keys }" ;;
    *) ${way} "$(<"$work/top.pid")" ;;
    esac
    case $way in *ABRT) want=134 ;; *SEGV) want=139 ;; *) want=0 ;; esac
    ended "$way" $want
done

open_top 24 80
top=$(<"$work/top.pid")
stopped() { [ "$(awk '/^State/ { print $2 }' "/proc/$top/status")" = T ]; }
kill -TSTP "$top"
check "Ctrl-Z: it rests" wait_for 5 stopped
is "with the terminal as it was" "$(<"$work/before")" "$(stty -g -F "$(<"$work/tty")")"
has "and its own screen" "$(tail -c 100 "$work/screen" | tr '\033' '~')" '~\[\?1049l'
: >"$work/screen"
kill -CONT "$top"
check "and goes on where it was" wait_for 5 page_has '^POS'
has "on the other screen" "$(tr '\033' '~' <"$work/screen")" '~\[\?1049h'
keys q
ended "after that" 0

# ---- without colours, without UTF-8, without a terminal -------------------------------------
open_top 24 80 NO_COLOR=1 LC_ALL=C
keys j
sees "NO_COLOR: it is there" '^1 '
is "without a colour" "" "$(tr '\033' '~' <"$work/screen" | grep -oE '~\[[0-9;]*m' | sort -u | grep -vE '~\[[07]m')"
is "and in ASCII" "" "$(LC_ALL=C grep -aoE $'[\x80-\xff]' "$work/screen" | head -n 1)"
keys q
ended "without colours" 0
said=$("$build/sluicectl" --dir "$state" top)
is "no terminal: no sequence" 0 "$(grep -c $'\033' <<<"$said")"
has "one page" "$said" '^1 .* ada '
is "no keys" 0 "$(grep -c 'q quit' <<<"$said")"
has "TERM=dumb is none" "$(TERM=dumb script -qec "$build/sluicectl --dir $state top" /dev/null </dev/null | tr -d '\r')" '^POS'
# Over HTTP alone.
has "by its URL" "$("$build/sluicectl" --url "$url" top)" '^1 .* ada '

# ---- a Sluice that is started anew ------------------------------------------------------------
start_sluice again
open_top 24 80
stop_sluice
rm "$state/sluice.state"
sees "a state that is gone is said to be gone" 'sluice.state'
start_sluice again
sees "and is there again" 'it is there again'
check "then it is as before" wait_for 20 page_has 'q quit'
keys q
ended "of one that came back" 0
finish
