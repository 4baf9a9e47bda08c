#!/bin/bash
#
# Is the connection to the shared store had, kept, lost and had again?
#
# A real server (Valkey's or Redis'), and tests/store/caller.c, which is what a
# host's leader has of it.  Each section starts servers of its own; what is said is
# waited for, and never twice.

# shellcheck disable=SC2317 # functions are called by wait_for
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"

server=$(command -v valkey-server || command -v redis-server) || { echo "neither valkey-server nor redis-server is there" >&2; exit 1; }
cli=$(command -v valkey-cli || command -v redis-cli) || exit 1

# store NAME [OPTION...]: sets $sock, $store_pid; waits for it.
store() {
    local dir=$work/$1
    shift
    mkdir -p "$dir"
    sock=$dir/sock
    "$server" --port 0 --unixsocket "$sock" --dir "$dir" --save '' --daemonize no "$@" >>"$dir/server.log" 2>&1 &
    store_pid=$!
    pids+=("$store_pid")
}
to() { "$cli" -s "$sock" "$@" 2>/dev/null; } # to COMMAND...
asks() { "$cli" -s "$sock" -a "$password" --no-auth-warning "$@" 2>/dev/null; } # the same with a password
answers() { to PING | grep -qE 'PONG|NOAUTH|LOADING'; }
ready() { wait_for 10 answers; }
number() { to INFO "$1" | sed -n "s/^$2\([0-9]*\).*/\1/p"; } # number SECTION LINE-UP-TO-IT
end() { kill -KILL "$1"; wait "$1" 2>/dev/null; }
free_port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'; }

# call NAME URL [ACCOUNT [PASSWORD-FILE [CA]]]: sets $said, $log (what it logs) and
# $caller, whose end is that of its input.
call() {
    local dir=$work/$1
    shift
    mkdir -p "$dir"
    said=$dir/said log=$dir/out
    coproc CALLER { exec "$build/store/caller" "$@" >"$said" 2>"$log"; } 2>/dev/null
    caller=$CALLER_PID
    pids+=("$caller")
}
over() { # the caller ends, and well
    eval "exec ${CALLER[1]}>&-"
    wait "$caller"
    is "$1: it ends when it should" 0 $?
}
lines() { grep -cE -- "$1" "$said"; }
hears() { wait_for "${2:-5}" grep -qE -- "$1" "$said"; } # hears PATTERN [SECONDS]
has_lines() { [ "$(lines "$2")" -ge "$1" ]; }
again() { wait_for 10 has_lines "$@"; } # again N PATTERN: it is there N times
logged() { grep -c '"level":"warn"' "$log"; }
at() { awk -v p="$2" -v n="$1" '$0 ~ p && ++k == n { print $1; exit }' "$said"; } # at N PATTERN: its milliseconds

# ------------------------------------------------------- a socket, a restart --

store plain
ready
call plain "unix://$sock" acc
check "it is there and answers" hears ' ok [01] ' # 0: who else there is shows in a window
check "it has said once that it listens" again 1 ' pushed'
is "and the script has written what it should" 1 "$(to EXISTS 'sluice:{acc}:meta')"
has "its run is its process and its reign" "$(to HGET 'sluice:{acc}:meta' run)" '[0-9a-f]{31}:[0-9a-f]{31}'
is "nothing is wrong" 0 "$(logged)"
has "how fast it is is told once" "$(cat "$log")" '"event":"store".*answers in [0-9.]+ ms'

to PUBLISH 'sluice:{acc}:wake:0000000000001234' x >/dev/null
check "what concerns this host is pushed" again 2 ' pushed'
to PUBLISH 'sluice:{acc}:wake:all' x >/dev/null
check "and what concerns all" again 3 ' pushed'
to PUBLISH 'sluice:{acc}:wake:0000000000009999' x >/dev/null
to PUBLISH 'sluice:{other}:wake:all' x >/dev/null
to PUBLISH 'sluice:{acc}:wake:all' last >/dev/null
check "nothing of others is" again 4 ' pushed'
is "nor later" 4 "$(lines ' pushed')"
to CLIENT KILL TYPE pubsub >/dev/null
check "who lost the news hears so once he has them again" again 5 ' pushed'
is "calls go on meanwhile" 0 "$(lines ' down')"
is "and it is not worth a word" 0 "$(logged)"

# As a function where the server has them, else as a script.
has_functions() { [[ $(to FUNCTION STATS 2>&1) != *"unknown command"* ]]; }
calls_of() { number commandstats "cmdstat_$1:calls="; }
how=evalsha
! has_functions || how=fcall
before=$(calls_of "$how")
to SCRIPT FLUSH >/dev/null
! has_functions || to FUNCTION FLUSH >/dev/null
more_calls() { [ "$(calls_of "$how")" -gt $((before + 3)) ]; }
check "a script that is gone is loaded again" wait_for 5 more_calls
is "and that is no loss" 0 "$(lines ' down')"

end "$store_pid"
check "its end is noticed" hears ' down .*/sock: '
was=$(lines ' ok ')
store plain
ready
check "and its return" again $((was + 1)) ' ok '
found_again() { [ "$(grep -c 'answers in' "$log")" = 2 ]; }
check "which is told once it has lasted" wait_for 5 found_again
is "one line for the loss, one for the return" "1 2" "$(grep -c '/sock: ' "$log") $(grep -c 'answers in' "$log")"

# Half open: it is there and says nothing.
kill -STOP "$store_pid"
check "who says nothing is lost after a second" hears ' down .*does not answer within a second'
kill -CONT "$store_pid"
check "and found when it speaks again" again $((was + 2)) ' ok '

to CLIENT KILL TYPE normal >/dev/null
check "a connection that is cut is made anew" again $((was + 3)) ' ok '
lost=$(at "$(lines ' down')" ' down ') found=$(at $((was + 3)) ' ok ')
at_most "within half a second, ms" 500 "$((found - lost))"
over "a socket"

# --------------------------------------------------- what it takes no writes for --

store full
ready
call full "unix://$sock"
check "it answers" hears ' ok '
to CONFIG SET maxmemory 1 >/dev/null
check "without memory it is lost" hears ' down .*memory is full'
check "it is tried again and again" again 4 ' down '
is "and one line says why" 1 "$(logged)"
has "which names what to do" "$(cat "$log")" 'raise its maxmemory'
to CONFIG SET maxmemory 0 >/dev/null
check "with memory it is back" again 2 ' ok '
to CONFIG SET maxmemory-policy allkeys-lru >/dev/null
to CONFIG SET maxmemory 1gb >/dev/null
to CLIENT KILL TYPE normal >/dev/null
check "one that may drop keys is not used" hears ' down .*maxmemory-policy must be noeviction'
to CONFIG SET maxmemory-policy noeviction >/dev/null
check "one that may not is" again 3 ' ok '
to REPLICAOF 127.0.0.1 1 >/dev/null
check "a replica is not" hears ' down .*is a replica'
to REPLICAOF NO ONE >/dev/null
check "a master is" again 4 ' ok '
to CONFIG SET min-replicas-to-write 1 >/dev/null
check "nor one that misses its replicas" hears ' down .*too few replicas'
to CONFIG SET min-replicas-to-write 0 >/dev/null
check "but later" again 5 ' ok '
over "no writes"

store loading
ready
to DEBUG POPULATE 300 >/dev/null || to SET a b >/dev/null
to SAVE >/dev/null
end "$store_pid"
store loading --save '3600 1' --enable-debug-command local --key-load-delay 20000 --loading-process-events-interval-bytes 1024
ready
call loading "unix://$sock"
if [ "$(to DBSIZE)" -ge 300 ] 2>/dev/null || to INFO persistence | grep -q '^loading:1'; then
    check "who loads is waited for" hears ' down .*is loading its data' 10
fi
check "until it has" hears ' ok ' 30
over "loading"

# ------------------------------------------------------------------- who we are --

store locked --requirepass s3cret-one
password=s3cret-one
ready
call nobody "unix://$sock"
check "who has no password is told so" hears ' down .*wants a password; shared.password_file'
over "no password"

echo s3cret-two >"$work/two"
call wrong "unix://$sock" acc "$work/two"
check "who has a wrong one, too" hears ' down .*refuses user or password'
asks CONFIG SET requirepass s3cret-two >/dev/null
check "and is in as soon as it is right" hears ' ok '
is "one line said so" 1 "$(logged)"
is "without the password" 0 "$(cat "$log" "$said" | grep -c s3cret)"
over "a wrong password"

password=s3cret-two
asks ACL SETUSER weak on '>s3cret-three' '~sluice:*' +@all -subscribe >/dev/null
call silent "unix://weak:s3cret-three@$sock"
check "who may not listen can call" hears ' ok '
check "and is told that there is no news" wait_for 10 grep -q 'no news can be had.*lacks a right' "$log"
refused() { asks ACL LOG | awk '$0 == "count" { getline; if ($0 >= 4) f = 1 } END { exit !f }'; }
check "it goes on trying" wait_for 20 refused
is "and says so once" 1 "$(logged)"
over "no news"
asks ACL SETUSER weak reset on '>s3cret-three' '~sluice:*' '&sluice:*' +info +script +subscribe +ping >/dev/null
call weak "unix://weak:s3cret-three@$sock"
check "who lacks a right is told so" hears ' down .*lacks a right'
# The line of conf/README.md.
acl=$(sed -n 's/^ *user sluice //p' "$root/conf/README.md" | head -n 1)
read -ra rules <<<"${acl//>PASSWORD/>s3cret-three}"
at_least "conf/README.md has the rights that are needed" 5 "${#rules[@]}"
asks ACL SETUSER weak reset >/dev/null
asks ACL SETUSER weak "${rules[@]}" >/dev/null
# Also for what the script does once in a while.
allowed=$({ printf '%s\n' "${rules[@]}" | sed -n 's/^+//p'; for c in hash sortedset; do asks COMMAND LIST FILTERBY ACLCAT $c; done; } | tr "[:lower:]" "[:upper:]" | sort -u)
at_least "what they allow is found" 40 "$(wc -l <<<"$allowed")"
is "the script does nothing else" "" \
    "$(grep -oE "(call|in_chunks)\\('[A-Z]+'" "$root/fcgi/store/turn.lua" | grep -oE '[A-Z]+' | sort -u | grep -vxF "$allowed")"
check "and these are enough" hears ' ok '
check "for news too" hears ' pushed'
if has_functions; then # as it is called by who has no right to functions, or an older server
    before=$(asks INFO commandstats | sed -n 's/^cmdstat_evalsha:calls=\([0-9]*\).*/\1/p')
    asks ACL SETUSER weak -fcall '-function|load' >/dev/null
    asks CLIENT KILL TYPE normal >/dev/null
    as_script() { [ "$(asks INFO commandstats | sed -n 's/^cmdstat_evalsha:calls=\([0-9]*\).*/\1/p')" -gt $((before + 3)) ]; }
    check "without a right to functions it is a script" wait_for 10 as_script
fi
is "no password is told" 0 "$(cat "$log" "$said" | grep -c s3cret)"
over "rights"

store open
ready
call open "unix://:s3cret@$sock"
check "a password where none is set is none that counts" hears ' down .*has no password and we send one'
over "a password too much"
call database "unix://$sock?db=99"
check "a database that is not there" hears ' down .*does not have the database'
over "a database"
call database2 "unix://$sock?db=3" three
check "one that is" hears ' ok '
is "is where it writes" 1 "$(to -n 3 EXISTS 'sluice:{three}:meta')"
over "another database"

# -------------------------------------------------------------- several addresses --

port=$(free_port) other=$(free_port)
store tcp --port "$port"
ready
call several "redis://127.0.0.1:$other,[::1]:$other,localhost:$port"
check "addresses are tried in turn, names are looked up" hears ' ok '
end "$store_pid"
check "of all that fail one is told" hears ' down '
is "in the log once" 1 "$(logged)"
over "several"

# The first says nothing, the second has no address: neither is in the way for long.
silent_port=$(free_port)
perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 50, ReuseAddr => 1, LocalAddr => "127.0.0.1:$ARGV[0]") or die;
    my @c; push @c, $_ while $_ = $s->accept' "$silent_port" &
pids+=("$!")
wait_for 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$silent_port"
store second --port "$port"
ready
call silent "redis://127.0.0.1:$silent_port,no.such.name.invalid,127.0.0.1:$port"
check "who says nothing is left for the next" hears ' ok ' 10
is "no line for what was found in the end" 0 "$(logged)"
to CLIENT KILL TYPE normal >/dev/null
check "the one that worked is the first the next time" again 2 ' ok '
at_most "at once, ms" 900 "$(($(at 2 ' ok ') - $(at 1 ' down ')))"
over "several that fail"

# A connection for news that is there and dead: all that has SUBSCRIBE in it is held up
# once the relay gets a signal.
relay=$work/relay
perl -MIO::Socket::UNIX -MIO::Select -e '
    my ($at, $to) = @ARGV; my $held = 0; $SIG{USR1} = sub { $held = 1 };
    my $s = IO::Socket::UNIX->new(Local => $at, Listen => 50) or die; my $sel = IO::Select->new($s); my (%peer, %dead, %news);
    while (1) { for my $r ($sel->can_read) {
        if ($held) { $dead{$_} = 1 for keys %news; $held = 0 }
        if ($r == $s) { my $c = $s->accept or next; my $u = IO::Socket::UNIX->new(Peer => $to) or next;
            $peer{$c} = $u; $peer{$u} = $c; $sel->add($c, $u); next }
        my $n = sysread $r, my $x, 65536; my $p = $peer{$r};
        if (!$n) { $sel->remove($r, $p); delete @dead{$r, $p}; delete @news{$r, $p}; close $r; close $p; next }
        if ($x =~ /SUBSCRIBE/) { $news{$r} = $news{$p} = 1 }
        syswrite $p, $x unless $dead{$r} } }' "$relay" "$sock" &
relay_pid=$!
pids+=("$relay_pid")
wait_for 5 test -S "$relay"
call relayed "unix://$relay"
check "news come through a relay" hears ' pushed'
kill -USR1 "$relay_pid"
check "a dead connection for news is noticed, and made anew" again 2 ' pushed'
is "calls go on" 0 "$(lines ' down')"
over "a dead connection for news"

# Accepts and closes, and counts: perl prints the milliseconds of each.
deaf_port=$(free_port)
perl -MIO::Socket::INET -MTime::HiRes=time -e '$| = 1; my $s = IO::Socket::INET->new(Listen => 50, ReuseAddr => 1,
    LocalAddr => "127.0.0.1:$ARGV[0]") or die; while (my $c = $s->accept) { printf "%d\n", 1000 * time; print $c $ARGV[1]; close $c }' \
    "$deaf_port" '' >"$work/accepts" &
pids+=("$!")
wait_for 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$deaf_port"
call storm "redis://127.0.0.1:$deaf_port"
accepted() { [ "$(wc -l <"$work/accepts")" -ge 8 ]; }
check "it is tried again" wait_for 20 accepted
at_least "and not as fast as it can: ms for six pauses" 1500 \
    "$(($(sed -n 8p "$work/accepts") - $(sed -n 2p "$work/accepts")))"
is "one line says so" 1 "$(logged)"
over "no storm"

# What is not Redis: each answer is one line, and none is the end of it.
# shellcheck disable=SC2016 # RESP's dollar
for words in 'HTTP/1.1 400 Bad Request' '*2147483647' '$999999999999' '*1' ':5' '-ERR s3cret' $'+OK\r\n-ERR s3cret' '%2'; do
    odd_port=$(free_port)
    perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 50, ReuseAddr => 1, LocalAddr => "127.0.0.1:$ARGV[0]") or die;
        while (my $c = $s->accept) { print $c "$ARGV[1]\r\n" x 8; $c->flush; sysread $c, my $x, 65536 }' "$odd_port" "$words" &
    pids+=("$!")
    wait_for 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$odd_port"
    call "odd" "redis://:s3cret@127.0.0.1:$odd_port"
    check "what says '$words' is no store" hears ' down '
    is "no password is quoted" 0 "$(cat "$log" "$said" | grep -c s3cret)"
    over "'$words'"
done

# ------------------------------------------------------------------------------ TLS --

tls=$work/tls
mkdir -p "$tls"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=store-ca -keyout "$tls/ca.key" -out "$tls/ca.pem" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$tls/key.pem" -out "$tls/csr.pem" 2>/dev/null
openssl x509 -req -in "$tls/csr.pem" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 2 \
    -extfile <(echo subjectAltName=DNS:localhost) -out "$tls/cert.pem" 2>/dev/null
tls_port=$(free_port)
store tls --tls-port "$tls_port" --tls-cert-file "$tls/cert.pem" --tls-key-file "$tls/key.pem" --tls-auth-clients no
if ready && grep -q "tls-port" <<<"$(to CONFIG GET tls-port)"; then
    call tls "rediss://localhost:$tls_port" acc '' "$tls/ca.pem"
    check "over TLS it answers" hears ' ok '
    check "and tells news" hears ' pushed'
    over "TLS"
    call tls2 "rediss://127.0.0.1:$tls_port" acc '' "$tls/ca.pem"
    check "under another name it is not believed" hears ' down .*certificate is not trusted'
    over "another name"
    call tls3 "rediss://localhost:$tls_port"
    check "nor by who does not know who signed it" hears ' down .*certificate is not trusted.*shared.tls_ca'
    over "another CA"
    port=$(free_port)
    store tls4 --port "$port"
    ready
    call tls4 "rediss://localhost:$port" acc '' "$tls/ca.pem"
    check "one that does not speak TLS is named" hears ' down .*(TLS failed|not answer to TLS)'
    over "no TLS"
else
    check "the server can speak TLS" false
fi

# ------------------------------------------------------------------------- sentinels --

master_port=$(free_port) replica_port=$(free_port) sentinel_port=$(free_port)
store master --port "$master_port" --requirepass s3cret --masterauth s3cret
master_pid=$store_pid
ready
store replica --port "$replica_port" --requirepass s3cret --masterauth s3cret --replicaof 127.0.0.1 "$master_port"
mkdir -p "$work/sentinel"
printf '%s\n' "port $sentinel_port" 'bind 127.0.0.1' 'requirepass s3cret' "sentinel monitor us 127.0.0.1 $master_port 1" 'sentinel auth-pass us s3cret' \
    'sentinel down-after-milliseconds us 500' 'sentinel failover-timeout us 3000' >"$work/sentinel/conf"
"$server" "$work/sentinel/conf" --sentinel >"$work/sentinel/server.log" 2>&1 &
pids+=("$!")
sentinel() { "$cli" -p "$sentinel_port" -a s3cret --no-auth-warning "$@" 2>/dev/null; }
knows_replica() { sentinel SENTINEL REPLICAS us | grep -q "127.0.0.1:$replica_port"; }
follows() { "$cli" -p "$replica_port" -a s3cret --no-auth-warning INFO replication | grep -q master_link_status:up; }
check "a replica follows, and the sentinel knows it" wait_for 15 knows_replica
check "with all that there is" wait_for 15 follows
call sentinels "sentinel://:s3cret@127.0.0.1:$(free_port),127.0.0.1:$sentinel_port/us"
check "a sentinel says where the store is" hears ' ok '
check "that a master does not wait for its replicas is told" wait_for 5 grep -q min-replicas-to-write "$log"
wrote() { "$cli" -p "$1" -a s3cret --no-auth-warning EXISTS 'sluice:{default}:meta'; }
is "it is the master" 1 "$(wrote "$master_port")"
end "$master_pid"
check "the master's end is noticed" hears ' down '
check "and its replica is found" again 2 ' ok '
lost=$(at 1 ' down ') found=$(at 2 ' ok ')
echo "     failover: $((found - lost)) ms without a store"
at_most "within ten seconds, ms" 10000 "$((found - lost))"
over "sentinels"
call sentinels2 "sentinel://:s3cret@127.0.0.1:$sentinel_port/them"
check "a name that they do not know" hears ' down .*do not know the name'
over "another master"

# -------------------------------------------------------------------- what people see --

look() { # look JSON: what `sluicectl shared` makes of it as a status
    local web
    web=$(free_port)
    perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 5, ReuseAddr => 1, LocalAddr => "127.0.0.1:$ARGV[0]") or die;
        while (my $c = $s->accept) { sysread $c, my $x, 65536 or next;
            print $c "HTTP/1.1 200 OK\r\nContent-Length: " . length($ARGV[1]) . "\r\nConnection: close\r\n\r\n$ARGV[1]"; close $c }' "$web" "$1" &
    pids+=("$!")
    wait_for 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$web"
    seen=$(env SLUICE_STATE_DIR="$work" SLUICE_DATA_DIR="$work" "$build/sluicectl" --url "http://127.0.0.1:$web" shared 2>&1)
}
look '{"shared":null}'
is "a host that is alone says so" 'This host is alone: shared.url names no store.' "$seen"
look '{"shared":{"state":"up","url":"redis://***@store:6379","account":"nim","leader_pid":77,"rtt_us":412,"lost_s":null,"on_loss":"closed","full_s":0,"leases":2,
    "hosts":[{"name":"one","waiting":3,"leases":2,"rtt_us":412,"age_s":0.1,"here":true},{"name":"t\u001bwo","waiting":0,"leases":0,"rtt_us":1500,"age_s":125,"here":false}]}}'
has "the store and its state" "$seen" '^store   redis://\*\*\*@store:6379, account nim: up$'
has "its leader" "$seen" '^leader  pid 77, round trip 0.4 ms, 2 slots in hand here$'
has "what a loss means" "$seen" '^loss    closed$'
has "each host" "$seen" '^one +3 +2 +0.4 ms +0.1 s  here$'
has "also the silent ones, without what a terminal obeys" "$seen" '^t.wo +0 +0 +1.5 ms +2 m 5 s$'
is "no escape is shown" 0 "$(grep -c $'\x1b' <<<"$seen")"
look '{"shared":{"state":"lost","url":"unix:///s","account":"nim","leader_pid":null,"rtt_us":null,"lost_s":3,"on_loss":"share","full_s":12.5,"leases":0,"hosts":[]}}'
has "a loss, and for how long" "$seen" 'account nim: lost for 3.0 s$'
has "what follows" "$seen" '^loss    share; all windows count as full for 12.5 s$'
has "nobody leads" "$seen" '^leader  pid -, round trip -, 0 slots'

finish
