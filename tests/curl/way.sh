#!/bin/bash
# The way to an upstream: through a proxy, to whom an authority of a company's own
# vouches for, with a certificate of ours.  "upstream.invalid" and the like lead
# nowhere but through the proxy.
# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"
export PATH="$PATH:/usr/sbin:/sbin" # lighttpd
stderr_may='^sluice: '

start_sim --limiter none

# ------------------------------------------------------------ certificates --

ec=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
authority() { openssl req -x509 "${ec[@]}" -days 2 -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null; }
signed() { # signed NAME BY ALTERNATIVE-NAMES
    openssl req "${ec[@]}" -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.csr" 2>/dev/null
    openssl x509 -req -in "$work/$1.csr" -CA "$work/$2.pem" -CAkey "$work/$2.key" -CAcreateserial -days 2 \
        -extfile <(printf 'subjectAltName=%s\n' "$3") -out "$work/$1.pem" 2>/dev/null
}
authority company
authority other
signed server company DNS:upstream.invalid,DNS:refuses.invalid,DNS:fails.invalid,IP:127.0.0.1
signed client company DNS:client
cat "$work/server.key" "$work/server.pem" >"$work/server.both"
mkdir "$work/hashed" "$work/unhashed"
cp "$work/company.pem" "$work/hashed/"
cp "$work/company.pem" "$work/unhashed/"
openssl rehash "$work/hashed"

# start_tls NAME LINE...: lighttpd with TLS before nimsim; sets $tls to its port.
start_tls() {
    local conf=$work/$1.conf
    shift
    for _ in 1 2 3 4 5; do
        tls=$((20000 + RANDOM % 10000))
        printf '%s\n' 'server.modules = ("mod_proxy", "mod_openssl")' "server.document-root = \"$work\"" \
            'server.bind = "127.0.0.1"' "server.port = $tls" 'server.stream-response-body = 2' \
            "server.errorlog = \"$conf.log\"" 'ssl.engine = "enable"' "ssl.pemfile = \"$work/server.both\"" \
            "proxy.server = (\"\" => ((\"host\" => \"127.0.0.1\", \"port\" => ${sim##*:})))" "$@" >"$conf"
        lighttpd -D -f "$conf" &
        pids+=($!)
        wait_for 2 openssl s_client -connect "127.0.0.1:$tls" </dev/null && return
    done
    echo "no upstream with TLS" >&2
    exit 1
}
start_tls open
open=$tls
start_tls strict 'ssl.verifyclient.activate = "enable"' 'ssl.verifyclient.enforce = "enable"' \
    "ssl.verifyclient.ca-file = \"$work/company.pem\""
strict=$tls

# start_proxy NAME [USER:PASSWORD]: sets $proxy to its host and port, $asked to its log.
start_proxy() {
    asked=$work/$1.asked
    : >"$asked"
    "$root/tests/curl/proxy.pl" "$work/$1.port" "$asked" ${2:+"$2"} &
    pids+=($!)
    wait_for 5 test -s "$work/$1.port"
    proxy=127.0.0.1:$(cat "$work/$1.port")
}
start_proxy simple
simple=$proxy simple_asked=$asked
start_proxy locked 'me:pass word@x'
locked=$proxy
secret=pass%20word%40x # as an address has it

# try SENTENCE STATUS VAR=VALUE...: starts, asks, and stops.  $body is the answer,
# $config what /api/config says, $errors the upstream's errors.
tries=0
try() {
    local what=$1 want=$2
    shift 2
    start_sluice "way$((++tries))" SLUICE_CONNECT_S=3 SLUICE_RETRY_MAX=1 "$@"
    chat sim/echo
    is "$what" "$want" "$status"
    config=$(curl -s "$url/api/config")
    errors=$(curl -s "$url/metrics" | grep '^sluice_upstream_errors_total')
    all=$(cat "$out" "$log")
    stop_sluice
}
code() { jq -r .error.code <<<"$body"; }
setting() { jq -r ".\"upstreams.nim.$1\".value" <<<"$config"; }

# -------------------------------------------------------------- authorities --

here=SLUICE_UPSTREAM_URL=https://127.0.0.1:$open
try "an authority that nobody knows is not trusted" 502 "$here"
is "that is no answer of the upstream" sluice_upstream_unreachable "$(code)"
has "the reason is told" "$body" 'certificate'
try "it is with ca_file" 200 "$here" SLUICE_CA_FILE="$work/company.pem"
try "also in a directory" 200 "$here" SLUICE_CA_FILE="$work/hashed"
try "but not with another one" 502 "$here" SLUICE_CA_FILE="$work/other.pem"
try "SSL_CERT_FILE is taken over" 200 "$here" SSL_CERT_FILE="$work/company.pem"
has "and the start says so" "$all" "trusts +$work/company.pem, as SSL_CERT_FILE says"
try "SSL_CERT_DIR, too" 200 "$here" SSL_CERT_DIR="$work/hashed:/nowhere"
cd "$work" || exit 1
try "a path may be relative there" 200 "$here" SSL_CERT_FILE=company.pem
try "ca_file comes before it" 502 "$here" SSL_CERT_FILE="$work/company.pem" SLUICE_CA_FILE="$work/other.pem"
try "and it can be left alone" 502 "$here" SSL_CERT_FILE="$work/company.pem" SLUICE_RUN_ENVIRONMENT=no

# ------------------------------------------------------------ who we are ---

strict_here=(SLUICE_UPSTREAM_URL="https://127.0.0.1:$strict" SLUICE_CA_FILE="$work/company.pem")
ours=(SLUICE_CLIENT_CERT_FILE="$work/client.pem" SLUICE_CLIENT_KEY_FILE="$work/client.key")
chmod 0600 "$work/client.key"
try "who asks for a certificate of ours does not answer without" 502 "${strict_here[@]}"
try "and with it does" 200 "${strict_here[@]}" "${ours[@]}"

# Of a result that lies elsewhere the authority is the same, and we are nobody.
cat >"$work/results.json" <<END
{"upstreams":[{"base_url":"https://127.0.0.1:$strict","result_hosts":["127.0.0.1"],"ca_file":"$work/company.pem",
 "client_cert_file":"$work/client.pem","client_key_file":"$work/client.key"}],"retry":{"max":1}}
END
start_sluice results SLUICE_UPSTREAM_URL= SLUICE_CONFIG="$work/results.json"
for there in "$open 200" "$strict 502"; do
    curl -s -X PATCH "$sim/sim/config" -d "{\"result_base\":\"https://127.0.0.1:${there% *}\"}" >/dev/null
    chat sim/redirect
    is "a result is fetched without our certificate (${there% *})" "${there#* }" "$status"
done
stop_sluice

# -------------------------------------------------- what cannot be used -----

refuses() { # refuses PATTERN VAR=VALUE...
    local pattern=$1 said rc
    shift
    said=$(env SLUICE_STATE_DIR="$work" SLUICE_UPSTREAM_URL="https://127.0.0.1:$open" "$@" "$build/sluicectl" check 2>&1)
    rc=$?
    is "$* stops the start" 78 "$rc"
    has "$* is named" "$said" "$pattern"
    if grep -qF secret-word <<<"$said"; then is "a password is not told" "" "$said"; fi
}
: >"$work/empty"
refuses 'SLUICE_CA_FILE: cannot use /nowhere: No such file' SLUICE_CA_FILE=/nowhere
refuses 'SLUICE_CA_FILE: cannot use .*/empty: must hold one or more certificates' SLUICE_CA_FILE="$work/empty"
refuses 'SLUICE_CA_FILE: cannot use .*/unhashed: .*openssl rehash' SLUICE_CA_FILE="$work/unhashed"
refuses 'SLUICE_CA_FILE: cannot use /dev/null: must be a regular file' SLUICE_CA_FILE=/dev/null
refuses 'SLUICE_CLIENT_CERT_FILE: .*both, or neither' "${ours[0]}"
refuses 'SLUICE_CLIENT_KEY_FILE: .*both, or neither' "${ours[1]}"
refuses 'SLUICE_CLIENT_CERT_FILE: .*must be left out' "${ours[@]}" SLUICE_UPSTREAM_URL=http://127.0.0.1:1
refuses 'SLUICE_CLIENT_CERT_FILE: cannot use .*must hold a certificate' "${ours[1]}" SLUICE_CLIENT_CERT_FILE="$work/empty"
chmod 0600 "$work/server.key" "$work/client.key"
refuses 'SLUICE_CLIENT_KEY_FILE: cannot use .*does not belong to client_cert_file' "${ours[0]}" SLUICE_CLIENT_KEY_FILE="$work/server.key"
openssl ec -in "$work/client.key" -aes128 -passout pass:x -out "$work/locked.key" 2>/dev/null
chmod 0600 "$work/locked.key"
refuses 'SLUICE_CLIENT_KEY_FILE: cannot use .*without a passphrase' "${ours[0]}" SLUICE_CLIENT_KEY_FILE="$work/locked.key"
chmod 0644 "$work/client.key"
refuses 'SLUICE_CLIENT_KEY_FILE: cannot use .*chmod 0640' "${ours[@]}"
refuses 'SLUICE_PROXY: it begins with none of these; must be http://' SLUICE_PROXY=me:secret-word@proxy:3128
refuses 'SLUICE_PROXY: its host or port' SLUICE_PROXY=http://me:secret-word@proxy
said=$(env SLUICE_CA_FILE="$work/empty" SLUICE_STATE_DIR="$work" "$build/sluice.fcgi" 2>&1 </dev/null)
is "a worker does not start" 78 $?
has "and says why" "$said" '^sluice: SLUICE_CA_FILE: cannot use '
said=$(env SLUICE_BUILD="$build" SLUICE_LISTEN=127.0.0.1:0 SLUICE_STATE_DIR="$work/bad" SLUICE_UPSTREAM_URL=https://127.0.0.1:1 \
    SSL_CERT_FILE=/nowhere https_proxy=http://me:secret-word@127.0.0.1:1 timeout 30 "$root/conf/run" 2>&1)
has "conf/run says so, and from where it has it" "$said" 'SLUICE_CA_FILE: cannot use /nowhere'
has "and what would leave it alone" "$said" 'SSL_CERT_FILE says; SLUICE_RUN_ENVIRONMENT=no'
is "without a password" "" "$(grep -F secret-word <<<"$said")"

# ------------------------------------------------------------------- a proxy --

there=(SLUICE_UPSTREAM_URL="https://upstream.invalid:$open" SLUICE_CA_FILE="$work/company.pem")
try "there is no direct way" 502 "${there[@]}"
start_sluice proxied "${there[@]}" SLUICE_PROXY="http://$simple"
chat sim/echo
is "there is one through the proxy" 200 "$status"
is "the head is the upstream's" "" "$(grep -i 'x-upstream-request-id: proxy\|x-request-id: proxy\|proxy-auth' <<<"$head")"
chat sim/tokens-3 ',"stream":true' -N
has "streams pass" "$body" '^data: \[DONE\]$'
ask /v1/models
is "the list of models comes that way" 200 "$status"
ask /health/ready
is "and so does readiness" true "$(jq .upstream_reachable <<<"$body")"
is "only by tunnels to the upstream" "CONNECT upstream.invalid:$open 200" "$(sort -u "$simple_asked")"
is "which are kept" 1 "$(($(wc -l <"$simple_asked") <= 4))"
stop_sluice

named() { has "the client is told which proxy" "$body" "the proxy $1 .*\\($2\\)"; }
try "a proxy that refuses the way is no upstream" 502 "${there[@]}" SLUICE_UPSTREAM_URL="https://refuses.invalid:$open" SLUICE_PROXY="http://$simple"
is "but the want of one" sluice_upstream_unreachable "$(code)"
named "$simple" 403
has "and counts as that" "$errors" 'kind="unreachable"} [1-9]'
try "so is one that fails" 502 "${there[@]}" SLUICE_UPSTREAM_URL="https://fails.invalid:$open" SLUICE_PROXY="http://$simple"
is "its 502 is not passed on" sluice_upstream_unreachable "$(code)"
named "$simple" 502
try "so is one that is not there" 502 "${there[@]}" SLUICE_PROXY=http://127.0.0.1:1
has "it is named, too" "$body" 'proxy 127\.0\.0\.1:1'

try "a proxy wants a password" 502 "${there[@]}" SLUICE_PROXY="http://$locked"
named "$locked" 407
try "a wrong one will not do" 502 "${there[@]}" SLUICE_PROXY="http://me:secret-word@$locked"
named "$locked" 407
is "and is told nowhere" "" "$(grep -F secret-word <<<"$body $config $all")"
try "the right one will" 200 "${there[@]}" SLUICE_PROXY="http://me:$secret@$locked"
is "it is told nowhere either" "" "$(grep -E 'pass(%20| )word' <<<"$config $all")"
is "there are stars for it" "http://***@$locked" "$(setting proxy)"

try "socks5h: the proxy knows the name" 200 "${there[@]}" SLUICE_PROXY="socks5h://$simple"
has "it was asked for it" "$(cat "$simple_asked")" "^SOCKS upstream\.invalid:$open open$"
try "socks5h with a password" 200 "${there[@]}" SLUICE_PROXY="socks5h://me:$secret@$locked"
try "socks5h with a wrong one" 502 "${there[@]}" SLUICE_PROXY="socks5h://me:secret-word@$locked"
is "is no answer" sluice_upstream_unreachable "$(code)"
try "socks5: the name is looked up here" 502 "${there[@]}" SLUICE_PROXY="socks5://$simple"
: >"$simple_asked"
try "an http:// upstream is reached by a tunnel, too" 200 SLUICE_PROXY="http://$simple"
is "it was" "CONNECT ${sim#http://} 200" "$(sort -u "$simple_asked")"
: >"$simple_asked"
try "no_proxy leaves it out" 200 SLUICE_PROXY="http://$simple" SLUICE_NO_PROXY='example.com, 127.0.0.0/8'
is "it was" "" "$(cat "$simple_asked")"
is "and is shown" '["example.com","127.0.0.0/8"]' "$(setting no_proxy | jq -c .)"

# ----------------------------------------------------------- the environment --

try "HTTPS_PROXY is taken over" 200 "${there[@]}" NO_PROXY= no_proxy= HTTPS_PROXY="http://me:$secret@$locked"
has "the start says so" "$all" "proxy +http://\\*\\*\\*@$locked, as HTTPS_PROXY says"
is "without the password" "" "$(grep -E 'pass(%20| )word' <<<"$config $all")"
try "without a scheme, and in lower case" 200 "${there[@]}" NO_PROXY= no_proxy= https_proxy="$simple"
try "ALL_PROXY" 200 "${there[@]}" NO_PROXY= no_proxy= ALL_PROXY="socks5h://$simple"
try "NO_PROXY" 502 "${there[@]}" NO_PROXY='other.example , .invalid,' no_proxy= HTTPS_PROXY="http://$simple"
try "proxy comes before them" 502 "${there[@]}" NO_PROXY= no_proxy= HTTPS_PROXY="http://$simple" SLUICE_PROXY=http://127.0.0.1:1
try "SLUICE_RUN_ENVIRONMENT=no" 502 "${there[@]}" NO_PROXY= no_proxy= HTTPS_PROXY="http://$simple" SLUICE_RUN_ENVIRONMENT=no
echo "{\"upstreams\":[{\"base_url\":\"https://upstream.invalid:$open\",\"proxy\":\"http://$simple\",\"ca_file\":\"$work/company.pem\"}]}" >"$work/file.json"
try "what the settings file says comes before them" 200 SLUICE_UPSTREAM_URL= SLUICE_CONFIG="$work/file.json" NO_PROXY= no_proxy= \
    HTTPS_PROXY=http://127.0.0.1:1 SSL_CERT_FILE="$work/other.pem"
: >"$simple_asked"
try "of an http:// upstream HTTPS_PROXY and HTTP_PROXY are not taken" 200 NO_PROXY= no_proxy= HTTPS_PROXY="http://$simple" HTTP_PROXY="http://$simple"
is "they were not" "" "$(cat "$simple_asked")"
try "http_proxy is" 200 NO_PROXY= no_proxy= http_proxy="http://$simple"
is "it was" "CONNECT ${sim#http://} 200" "$(sort -u "$simple_asked")"
: >"$simple_asked"
try "the practice upstream needs none of it" 200 SLUICE_UPSTREAM_URL= NO_PROXY= no_proxy= HTTPS_PROXY="http://$simple" \
    http_proxy="http://$simple" SSL_CERT_FILE=/nowhere
is "it was left alone" "" "$(cat "$simple_asked")"
try "nor what the settings say" 200 SLUICE_UPSTREAM_URL= SLUICE_PROXY="http://$simple"
is "not that either" "" "$(cat "$simple_asked")"
is "each password stayed where it was" "" "$(grep -rlE 'pass word@x|secret-word' "$work"/way*/out "$work"/way*/state/*.log 2>/dev/null)"
finish
