#!/bin/bash
#
# Is every setting told wherever settings are told, and nothing else?
#
# fcgi/config/settings.c is the list; conf/sluice.json, conf/README.md, sluice.json(5)
# and .env.example must have its keys and variables, and its defaults where they
# name some.  No server is started.

# shellcheck source=tests/curl/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

# A row of the table begins with {"key" or NULL, "VARIABLE" or NULL, SETTING_...
# One without a key is {NULL, ... or {.env = "VARIABLE".
table=$(tr '\n' ' ' <fcgi/config/settings.c | grep -oE '\{(NULL|"[a-z_.]+"), *(NULL|"[A-Z_]+"), *SETTING_[A-Z_]+|\{\.env = "[A-Z_]+"')
keys=$(sed -nE 's/^\{"([a-z_.]+)".*/\1/p' <<<"$table")
variables=$(grep -oE '"[A-Z][A-Z_]+"' <<<"$table" | tr -d '"')
at_least "the table of settings is found" 30 "$(wc -l <<<"$keys")"
at_least "and its variables" 30 "$(wc -l <<<"$variables")"
is "by what counts its rows" "$(grep -cE 'SETTING_[A-Z_]+[,}]|\.kind = SETTING' <(sed -n '/settings\[\] = {/,/^};/p' fcgi/config/settings.c))" \
    "$(wc -l <<<"$table")"

missing() { # missing FILE PATTERN-BEFORE PATTERN-AFTER < words: those that FILE has not
    local w
    while read -r w; do
        [ -z "$w" ] || grep -qE -- "$2${w//./\\.}$3" "$1" || echo "$w"
    done
}

# Those of a client stand in a table of their own.
keys+=$'\n'clients$'\n'$(sed -n '/\[\] = {/,/^};/s/.*{\.key = "\([a-z_0-9]*\)".*/\1/p' fcgi/config/client_fields.c)
at_least "the table of a client's settings is found" 6 "$(grep -cE '^(clients|key_sha256|weight|queue_max|priority|requests_per_min)$' <<<"$keys")"
is "sluice.json has every key" "" \
    "$(grep -oE '[a-z_]+$' <<<"$keys" | missing conf/sluice.json '^ *"' '(":|  )')"
for f in conf/README.md conf/man/sluice.json.5; do
    case $f in
    *.md) before='`' after='(`|\[\])' ;;
    *) before='^\.It Ic ' after='( |$)' ;;
    esac
    is "$f has every key" "" "$(missing $f "$before" "$after" <<<"$keys")"
done
# When a change takes effect: LIVE or RELOAD stands in the row, else a restart is
# needed.  All three say so for each key, as the last word they say about it.
changes=$(sed -n '/ settings\[\] = {/,/^};/p' fcgi/config/settings.c | tr '\n' ' ' | sed 's/{\("\|NULL\|\.env\)/\n&/g' |
    awk -F'"' '/^\{"/ { print $2, $0 ~ /LIVE,/ ? "live" : $0 ~ /RELOAD,/ ? "reload" : "restart" }' | sort)
is "each row is live, reload or restart" "$(grep -vc '^$' <(sed -n '/ settings\[\] = {/,/^};/p' fcgi/config/settings.c | grep -oE '\b(LIVE|RELOAD),'))" \
    "$(grep -cE ' (live|reload)$' <<<"$changes")"
# shellcheck disable=SC2016 # the backquotes are the README's
is "conf/README.md says when each takes effect" "" "$(diff <(echo "$changes") <(sed -n '/^## Every setting/,/^## /p' conf/README.md |
    sed '/^| `clients\[\]`/,/^| `queue_max`/d' | sed 's/^| `upstreams\[\]`: /| /' | sed -nE 's/^\| `([a-z_.]+)` .*\| ([a-z]+) \|$/\1 \2/p' | grep -wFf <(cut -d' ' -f1 <<<"$changes") | sort -u))"
is "sluice.json(5), too" "" "$(diff <(echo "$changes") <(awk '$1 == ".It" && $2 == "Ic" { k = $3 } k != "" { w = $NF }
    /(live|reload|restart)\.$/ && k != "" { sub(/\.$/, "", w); print k, w; k = "" }' conf/man/sluice.json.5 | grep -v '^clients ' | sort))"
is "and sluice.json" "" "$(diff <(echo "$changes") <(jq -r 'def told(p): to_entries[] | select(.key | startswith("// ")) | .key[3:] as $k |
    (.value | if type == "array" then last else . end | capture("(?<w>live|reload|restart)\\.$"; "i").w | ascii_downcase) as $w | "\(p)\($k) \($w)";
    told(""), (.upstreams[0] | told("")), (to_entries[] | select(.value | type == "object") | .key as $k | .value | told($k + "."))' conf/sluice.json |
    grep -v '^clients ' | sort))"
# The dashboard shows what /api/config does: all but where keys lie (is_shown() of
# config_page.c).  What has no words there is shown by its key.
shown=$(sed -n '/ settings\[\] = {/,/^};/p' fcgi/config/settings.c | tr '\n' ' ' | sed 's/{\("\|NULL\|\.env\)/\n&/g' |
    awk -F'"' '/^\{"/ && $2 !~ /_file$/ { print ($0 ~ /UPSTREAM\(/ ? "upstreams." : "") $2 }')
at_least "the dashboard shows settings" 30 "$(wc -l <<<"$shown")"
# The keys that have words in both languages, those of groups in full: {act: {end: 'x~y'}}
# is act.end.
words_in_both() {
    perl -0777 -ne 's/.*?export default \{//s; my ($g, $k) = ("", "");
        while (/\x27((?:[^\x27\\]|\\.)*)\x27|(\w+)(?=:)|([{}])/g) {
            if (defined $3) { ($g, $k) = $3 eq "{" ? ("$k.", "") : ("", ""); next }
            if (defined $2 || $k eq "") { $k = $2 // $1 } else { print "$g$k\n" if $1 =~ /.~./; $k = "" }
        }' www/dashboard/js/words.js
}
words_in_both >"$work/words"
is "each has its words in both languages" "" "$(missing "$work/words" '^set\.' '$' <<<"$shown")"
is "conf/README.md has every variable" "" "$(missing conf/README.md '`' '`' <<<"$variables")"
is "sluice.json(5) has every variable" "" \
    "$(grep -vE '^SLUICE_(BUILD|FCGI|ROOT)$' <<<"$variables" | missing conf/man/sluice.json.5 '^\.(Ev|It Ev)( .*,)? ' '( |$)')"
is ".env.example has every variable" "" "$(missing .env.example '^#' '=' <<<"$variables")"
is ".env.example has no other" "" \
    "$(sed -nE 's/^#?([A-Z_]+)=.*/\1/p' .env.example | grep -vxF "$variables")"
is ".env.example sets nothing by itself" "" "$(grep -E '^[^#]' .env.example)"
is "each of its variables has a comment" "" \
    "$(awk '/^#[A-Z_]+=/ { if (before !~ /^# ./) print } { before = $0 }' .env.example)"

# Its defaults are those of conf/sluice.json, which the unit tests compare with
# the program's.
defaults=$(jq -r 'def flat(p): to_entries[] | select(.key | startswith("//") | not) |
    if (.value | type) == "object" then (.key as $k | .value | flat(p + $k + "."))
    else "\(p)\(.key)=\(.value | if type == "array" then join(",") elif . == null then "" else . end)" end;
    (del(.upstreams) | flat("")), (.upstreams[0] | flat(""))' conf/sluice.json)
while IFS='|' read -r key variable; do
    want=$(sed -n "s/^${key//./\\.}=//p" <<<"$defaults")
    have=$(sed -n "s/^#$variable=//p" .env.example)
    [ "$variable" != SLUICE_LOG ] || want=stderr
    is "$variable has its default in .env.example" "$want" "$have"
done < <(sed -nE 's/^\{"([a-z_.]+)", *"([A-Z_]+)".*/\1|\2/p' <<<"$table")

env=$(sed -n 's/^#\([A-Z_]*=..*\)/\1/p' .env.example | grep -vE '^SLUICE_(STATE|DATA)_DIR=')
# shellcheck disable=SC2086 # a word each
is "all of it together can be used" 0 "$(env $env "$build/sluicectl" check >/dev/null; echo $?)"

is "sluicectl(1) has every command" "" \
    "$("$build/sluicectl" --help | sed -n 's/^  \([a-z]*\) .*/\1/p' | missing conf/man/sluicectl.1 '^\.It Cm ' '( |$)')"

is "make help tells each of its sentences whole" "" "$(sed -n 's/^[a-z][a-z -]*:.*## //p' Makefile packaging/package.mk |
    grep -vxFf <(make -s help | sed 's/^  .\{16\} //'))"

# The two READMEs: the same commands in the same order, and of everything else in
# backquotes nothing that only one has.  What follows a # is for people.  A fenced
# block is a program.
printed() {
    awk '/^```/ { fenced = !fenced; print; next } fenced || sub(/^    /, "")' "$1" | sed -E 's/ +# .*//'
}
# shellcheck disable=SC2016 # backquotes that are meant so
quoted() { grep -vE '^(    |```)' "$1" | grep -oE '`[^`]+`' | sort -u; }
at_least "README.md has commands" 10 "$(printed README.md | wc -l)"
is "both READMEs have the same commands" "" "$(diff <(printed README.md) <(printed README.zh-CN.md))"
is "and name the same things" "" "$(diff <(quoted README.md) <(quoted README.zh-CN.md))"

# README is for somebody in a hurry.
check "README.md has 1,500 words at most" test "$(wc -w <README.md)" -le 1500

# Links of ours lead somewhere: the file is there, and the heading in it, by the
# name that its words make (small letters, no signs, - for a blank).
dead_links() {
    find . -name build -prune -o -name '*.md' -printf '%P\n' | perl -CSD -ne 'chomp; my $from = $_;
        sub text { open my $f, "<", $_[0] or return ""; local $/; my $t = <$f>; $t =~ s/^```.*?^```//gms; $t }
        sub heads { map { my $h = lc; $h =~ s/[`*]//g; $h =~ s/[^\w\- ]//g; $h =~ tr/ /-/; $h => 1 } text($_[0]) =~ /^#+ (.*)$/gm }
        for (text($from) =~ /\]\(([^)\s]+)\)/g) {
            next if /^https?:/;
            my ($to, $head) = split /#/;
            my $dir = $from =~ s{[^/]*$}{}r;
            my $file = $to eq "" ? $from : $dir . $to;
            1 while $file =~ s{[^/]+/\.\./}{};
            my %heads = defined $head ? heads($file) : ();
            print "$from: $_\n" if !-e $file || defined $head && !$heads{$head};
        }'
}
at_least "there are links" 30 "$(grep -rhoE '\]\([^)]+\)' --include='*.md' --exclude-dir=build . | wc -l)"
is "each leads somewhere" "" "$(dead_links)"

# Each metric of ours has its place in the table, which leaves the prefix out.
metrics() {
    tr -s ' \n' ' ' <"$root/fcgi/pages/metrics.c" | grep -oE '(begin\( ?p, |\{)"sluice_[a-z_]+", "[^"]+"' |
        sed -E 's/.*"sluice_([a-z_]+)", "counter"/\1_total/; s/.*"sluice_([a-z_]+)".*/\1/'
}
at_least "there are metrics" 30 "$(metrics | wc -l)"
# shellcheck disable=SC2016 # backquotes that are meant so
is "each is in the table of fcgi/README.md" "" "$(metrics | while read -r m; do grep -qE '^\|.*`'"$m"'[{`]' "$root/fcgi/README.md" || echo "$m"; done)"

# Files that a README names are there; NAME stands for any.
named() { # named FILE FOLDER...
    local f n
    f=$1
    shift
    # shellcheck disable=SC2016
    grep -oE '`[a-zA-Z0-9_/.-]+\.(c|h|sh)`' "$f" | tr -d '`' | grep -v NAME | sort -u | while read -r n; do
        [ -n "$(find "$@" -path "*/${n#/}" -print -quit)" ] || echo "$n"
    done
}
for f in README.md README.zh-CN.md CONTRIBUTING.md conf/README.md fcgi/README.md fcgi/messages/README.md fcgi/API.md state/README.md; do
    is "$f names files that are there" "" "$(named $f "$root/lib" "$root/state" "$root/fcgi" "$root/ctl" "$root/tests" "$root/www")"
done

# The pages themselves, where something can tell.
if command -v mandoc >/dev/null; then
    is "the manual pages are well-formed" "" "$(mandoc -T lint -W warning conf/man/*.[1-8] 2>&1)"
fi
finish
