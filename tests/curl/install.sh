#!/bin/bash
#
# make install and make uninstall: everything in its place, paths of units and
# examples rewritten for another PREFIX, an administrator's settings never
# touched, and nothing left but those.  No server is started.

# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1
to=$work/image
# The programs are there: with these flags make would build them anew.
# shellcheck disable=SC2317 # called by check
run_make() { make -s -o "$build/sluice.fcgi" -o "$build/sluicectl" BUILD="$build" "$@" >"$work/make.log" 2>&1; }

check "it installs below DESTDIR" run_make install DESTDIR="$to"
for f in usr/local/lib/sluice/sluice.fcgi usr/local/bin/sluicectl usr/local/share/sluice/www/dashboard/index.html \
    usr/local/lib/sysusers.d/sluice.conf usr/local/lib/tmpfiles.d/sluice.conf etc/sluice/sluice.json etc/sluice/sluice.env \
    usr/local/share/man/man1/sluicectl.1 usr/local/share/man/man5/sluice.json.5 usr/local/share/man/man8/sluice.fcgi.8; do
    check "$f is there" test -s "$to/$f"
done
for f in conf/systemd/*.service conf/systemd/*.socket; do
    [ -e "$f" ] && check "$(basename "$f") is there" test -s "$to/usr/local/lib/systemd/system/$(basename "$f")"
done
check "the drop-in that sluice@.service names is there" test -s "$to/usr/local/share/doc/sluice/examples/systemd/no-key.conf"
is "nothing names /usr/lib/sluice with another PREFIX" "" \
    "$(grep -rlE '/usr/((lib|share)/sluice|bin/sluicectl)' "$to/usr/local/lib/systemd" "$to/usr/local/share/doc/sluice/examples" "$to/usr/local/share/man" 2>/dev/null)"
is "the installed program runs" "sluicectl $(sed -n 's/^VERSION = //p' Makefile)" "$("$to/usr/local/bin/sluicectl" --version)"
is "the installed settings are right" 0 \
    "$("$to/usr/local/bin/sluicectl" check "$to/etc/sluice/sluice.json" >/dev/null; echo $?)"

echo '{}' >"$to/etc/sluice/sluice.json"
check "it installs again" run_make install DESTDIR="$to"
is "and leaves changed settings" '{}' "$(cat "$to/etc/sluice/sluice.json")"
check "it uninstalls" run_make uninstall DESTDIR="$to"
is "only what was changed is left" "$to/etc/sluice/sluice.json" "$(find "$to" -type f)"

rm -rf "$to"
check "it installs into /usr" run_make install DESTDIR="$to" PREFIX=/usr
check "and uninstalls" run_make uninstall DESTDIR="$to" PREFIX=/usr
is "nothing is left" "" "$(find "$to" ! -type d)"
finish
