# registries.sh - what is taken from a registry, once; sourced, not run, behind
# curl/lib.sh by the tests with programs that others wrote.
# shellcheck shell=bash

# In $cache, a directory of the caller's.
# fill DIRECTORY COMMAND...: the command fills the directory that it is given
# as its last argument; only what is complete gets its name.
fill() {
    local dir=$cache/$1 tmp
    shift
    [ ! -e "$dir" ] || return 0
    tmp=$(mktemp -d "$cache/new.XXXXXX")
    if "$@" "$tmp" >"$tmp.log" 2>&1; then
        mv -T "$tmp" "$dir" 2>/dev/null || rm -rf "$tmp" # another run was quicker
        rm -f "$tmp.log"
    else
        failed=$((failed + 1))
        echo "FAIL $name: cannot be installed: $*"
        tail -n 15 "$tmp.log" | cut -c 1-300
        rm -rf "$tmp" "$tmp.log"
        return 1
    fi
}
