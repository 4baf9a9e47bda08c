# answered.sh - of 120 requests that come at once, how many are answered?  Part of
# run, which sources it: its row "answered", six minutes.
#
# The upstream takes 40 a minute, counted as NVIDIA's front end counts: refused
# ones too.  Four ways to it, one after the other, each with a nimsim of its own:
# nothing in between and no retries; Portkey with all the retries that it has;
# nginx, which lets one go each 1.5 s and holds the others; and Sluice as it comes.
# Nobody's client retries: what is counted is what each way makes of it.
#
# "All in" is when the last of the 120 was over, well or not.  Memory is what the
# processes of that way had at the end, shared pages by share.
# shellcheck shell=bash
# shellcheck disable=SC2154 # $bench, $sim, $url, $work, ... are run's

answered_n=120

# one_way NAME PORT "PID..." [LOAD-OPTION...]: a row
one_way() {
    local label=$1 at=$2 of=$3 j seconds pss begun=${EPOCHREALTIME/[.,]/}
    shift 3
    j=$(load --port "$at" --clients $answered_n --requests $answered_n --seconds 10 --grace 290 --chat sim/tokens-3 "$@")
    seconds=$(calc "(${EPOCHREALTIME/[.,]/} - $begun) / 1e6" 0)
    # shellcheck disable=SC2086 # a word each
    pss=$([ -z "$of" ] || echo ", $(mb "$(memory Pss $of)") MB")
    row "$label" "$(jq .ok <<<"$j") of $answered_n answered, $(jq '.status["429"] // 0' <<<"$j") got a 429, all in after $seconds s; $(stat refused) upstream 429s$pss" \
        "${answered_target:-none}" "$([ -z "${answered_target:-}" ] && echo - || judge "$(jq .ok <<<"$j") == $answered_n")" \
        "load --clients $answered_n --requests $answered_n; nimsim --requests 40 --window 60"
}

row_answered() {
    local answered_target= portkey_pid w
    start_sim
    one_way "asked at once: nothing in between" "$(port "$sim")" ''
    end "$sim_pid"

    start_sim
    if start_portkey; then
        portkey_pid=$served
        one_way "  Portkey, 5 retries" "$portkey_port" "$portkey_pid" --header 'x-portkey-provider: openai' \
            --header 'Authorization: Bearer practice' --header "x-portkey-config: {\"custom_host\":\"$sim/v1\",\"retry\":{\"attempts\":5}}"
        end "$portkey_pid"
    else
        compared "Portkey, 5 retries" '' ''
    fi
    end "$sim_pid"

    start_sim
    if command -v nginx >/dev/null; then
        start_nginx "\$server_port zone=one:1m rate=40r/m" "zone=one burst=500"
        one_way "  nginx limit_req, 40r/m burst=500" "$nginx_port" "$served $(children "$served" | tr '\n' ' ')"
        end "$served"
    else
        compared "nginx limit_req, 40r/m burst=500" '' ''
    fi
    end "$sim_pid"

    start_sim
    start_sluice answered SLUICE_WORKERS=2
    mapfile -t w < <(workers)
    answered_target=all
    one_way "  Sluice" "$(port "$url")" "$(cat "$state/lighttpd.pid") ${w[*]}"
    stop_sluice
    end "$sim_pid"
}
