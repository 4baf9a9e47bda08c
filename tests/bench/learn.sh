#!/bin/bash
# learn.sh - is an upstream learned over a network as in virtual time?  Sourced
# by run: its row "learn", eleven minutes.
#
# The rows "end to end: ..." of goodput/rows.c, with lighttpd, two workers and
# nimsim.  They are counted as there: a request passes when it arrives and is
# not refused, within 60 s of the first question.  What was possible is the
# oracle's, what was foretold our policy's in virtual time: means of 20 seeds.
#
#   LEARN='shed 5 %'    only the rows with that in their name
#   LEARN_KEEP=DIR      logs and counts of each go there
#
# shellcheck shell=bash
# shellcheck disable=SC2154 # work, bench, sim, url, runs: run and lib.sh have them

learn_seeds=20
learn_s=60
learn_window_s=6
learn_fine=sim/tokens-3+slow-15

# ---- what was foretold ---------------------------------------------------------

# "PASSED REFUSED MODEL0 MODEL1 EVENLY SECONDS" of each seed.
learn_foretold() { # learn_foretold ROW POLICY
    local i
    for ((i = 1; i <= learn_seeds; i++)); do
        "$bench/goodput" --trace "end to end: $1" $i "$2" | awk '
            / jobs done,/ { passed = $1; refused = $3; even = $10; s = $15 }
            /^model [01]:/ { of[$2 + 0] = $3 }
            END { print passed, refused, of[0] + 0, of[1] + 0, even, s }'
    done
}

# ---- what was measured -----------------------------------------------------------

# The log as "WINDOW MODEL PASSED PART" a line: what came late in the last
# window counts in part.  A stranger's are not ours.
learn_log() { # learn_log BEGUN_NS MODEL
    curl -s "$sim/sim/arrivals" | jq -r --arg own "$2" '.arrivals[] | select(.model != "sim/stranger")
            | [.t_ns, (if .model == $own then 0 else 1 end), (if .status == 200 then 1 else 0 end)] | @tsv' |
        awk -v from="$1" -v w=$learn_window_s -v end=$learn_s '{
            t = ($1 - from) / 1e9
            part = (end - t) / w
            if (t < end) print int(t / w), $2, $3, part < 1 ? part : 1 }'
}

# The same six figures.
learn_counts() { # of learn_log's lines
    awk -v s=$learn_s '$3 { passed++; of[$2]++; even += $4 }
        !$3 { refused++ }
        END { print passed + 0, refused + 0, of[0] + 0, of[1] + 0, even + 0, s }'
}

learn_windows() { # "PASSED(REFUSED) ..." of learn_log's lines
    awk -v n=$((learn_s / learn_window_s)) '{ if ($3) p[$1]++; else r[$1]++ }
        END { for (w = 0; w < n; w++) printf "%s%d(%d)", (w ? " " : ""), p[w], r[w] }'
}

learn_stranger() { # until it is ended; the first time at random
    sleep $((RANDOM % 15)).$((RANDOM % 10))
    for (( ; ; )); do
        curl -s -Z --parallel-immediate -o /dev/null -d '{"model":"sim/stranger","messages":[]}' \
            "$sim/v1/chat/completions?[1-10]"
        sleep 15
    done
}

# Loops of eight clients, for the whole time; their pids to $loops.
learn_loops() { # learn_loops COUNT MODEL
    local kind=()
    [[ $2 != *stream-* ]] || kind=(--stream)
    load --port "$(port "$url")" --clients "$1" --names 8 --header 'X-Sluice-Client: c%d' --spread-ms 100 \
        --seconds $learn_s --grace 0 "${kind[@]}" --chat "$2" >"$work/loops.${#loops[@]}" &
    loops+=($!)
}

# An upstream and Sluice, which believes in 40 per 6 s unless it is told otherwise.
learn_start() { # learn_start REQUESTS WINDOW_S SIM-CONFIG [VAR=VALUE...]
    local requests=$1 window=$2 config=$3
    shift 3
    start_sim --limiter fixed --requests "$requests" --window "$window" --delay-ms 5-40
    curl -s -o /dev/null -X PATCH -d "$config" "$sim/sim/config"
    start_sluice "learn.$RANDOM" SLUICE_REQUESTS=40 SLUICE_WINDOW_S="$window" SLUICE_MARGIN_MS=500 "$@"
}

# For who looks for a reason: what the workers logged, and what they counted.
learn_keep() { # learn_keep ROW
    local to=${LEARN_KEEP:-}/${1//[^a-z0-9]/-}
    [ -n "${LEARN_KEEP:-}" ] || return 0
    curl -s "$url/metrics" >"$to.metrics"
    curl -s "$sim/sim/arrivals" >"$to.arrivals"
    cp "$out" "$to.out"
}

learn_stop() {
    learn_keep "$1"
    stop_sluice
    end "$sim_pid"
}

# ---- beside each other --------------------------------------------------------------

# Of three tables of six figures each: "MEASURED POSSIBLE SHARE FORETOLD LEAST
# MOST", a line for all, evenly, each model, and refusals a window.
learn_compare() { # learn_compare MEASURED ORACLE SLUICE
    awk -v windows=$((learn_s / learn_window_s)) '
        function percent(x, of) { return of > 0 ? 100 * x / of : 0 }
        function add(k, x) {
            mean[k] += x
            if (n == 1 || x < least[k]) least[k] = x
            if (n == 1 || x > most[k]) most[k] = x
        }
        FILENAME == ARGV[1] { for (k = 1; k <= 5; k++) have[k] = $k }
        FILENAME == ARGV[2] { for (k = 1; k <= 5; k++) { oracle[k, FNR] = $k; possible[k] += $k } }
        FILENAME == ARGV[3] {
            n = FNR
            for (k = 1; k <= 5; k++) add(k, k == 2 ? $2 / windows : percent($k, oracle[k, n]))
        }
        function line(k, share) {
            printf "%.0f %.0f %.1f %.1f %.1f %.1f\n", have[k], possible[k] / n, share, mean[k] / n, least[k], most[k]
        }
        END {
            split("1 5 3 4", order)
            for (i = 1; i <= 4; i++) line(order[i], percent(have[order[i]], possible[order[i]] / n))
            line(2, have[2] / windows)
        }' "$@"
}

learn_say() { # learn_say LABEL MEASURED POSSIBLE SHARE FORETOLD LEAST MOST
    printf '%s%s of %s, %s %% (foretold %s, %s to %s: %s)' "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$(calc "$4 - $5" 1)"
}

learn_judge() { # learn_judge [SHARE FORETOLD LEAST MOST]...: each near its mean, or as some seed was
    local all=1
    for (( ; $# > 0; )); do
        all="$all && ($1 >= $2 - 5 && $1 <= $2 + 5 || $1 >= $3 && $1 <= $4)"
        shift 4
    done
    judge "$all"
}

learn_row() { # learn_row ROW MODELS REMARK: of the tables it finds
    local all even own others refused
    learn_foretold "$1" oracle >"$work/learn.oracle"
    learn_foretold "$1" sluice >"$work/learn.sluice"
    {
        read -ra all
        read -ra even
        read -ra own
        read -ra others
        read -ra refused
    } < <(learn_compare "$work/learn.counts" "$work/learn.oracle" "$work/learn.sluice")
    row "$1" "$(learn_say '' "${all[@]}"); $(learn_say 'evenly ' "${even[@]}"); refused a window ${refused[2]} (${refused[3]}, ${refused[4]} to ${refused[5]})$3" \
        "foretold, +-5 %" "$(learn_judge "${all[2]}" "${all[@]:3}")" "windows: $(learn_windows <"$work/learn.log")"
    [ "$2" = 1 ] || row "  each model" "$(learn_say 'its own ' "${own[@]}"); $(learn_say 'the free one ' "${others[@]}")" \
        "foretold, +-5 %" "$(learn_judge "${own[2]}" "${own[@]:3}" "${others[2]}" "${others[@]:3}")" "the clients saw $(learn_clients)"
}

# Who comes while a window is full, takes nothing from us.
learn_strangers() {
    curl -s "$sim/sim/arrivals" | jq -r '[.arrivals[] | select(.model == "sim/stranger")]
        | "; the stranger came \(length) times, \(map(select(.status == 200)) | length) let in"'
}

learn_clients() { # "STATUS x COUNT ..." over all loops
    cat "$work"/loops.* | jq -rs 'map(.status | to_entries) | add | group_by(.key) | map("\(.[0].key) x \(map(.value) | add)") | join(", ")'
}

# ---- the rows -------------------------------------------------------------------------

learn_wants() { [[ -z ${LEARN:-} || $1 == *"$LEARN"* ]]; }

# learn ROW REQUESTS SIM-CONFIG MODEL [FREE-MODEL]
learn() {
    local loops=() begun stranger='' remark=''
    learn_wants "$1" || return 0
    learn_start "$2" $learn_window_s "$3"
    rm -f "$work"/loops.*
    [[ $1 != stranger* ]] || { learn_stranger >/dev/null 2>&1 & stranger=$!; }
    begun=$(stat now_ns)
    learn_loops $(($# == 5 ? 52 : 100)) "$4" # as goodput deals them out
    [ $# != 5 ] || learn_loops 48 "$5"
    wait "${loops[@]}"
    [ -z "$stranger" ] || { end $stranger; remark=$(learn_strangers); }
    learn_log "$begun" "$4" >"$work/learn.log"
    learn_counts <"$work/learn.log" >"$work/learn.counts"
    learn_stop "$1"
    learn_row "$1" $(($# - 3)) "$remark"
}

# All at once, RUNS times with a seed each: "ANSWERED SECONDS" a line.
learn_jobs_counts() { # learn_jobs_counts ROW
    local i
    for ((i = 1; i <= runs; i++)); do
        learn_start 100 2 "{\"faults\":{\"percent\":30,\"kinds\":[\"429\",\"exhausted\",\"500\",\"reset\"]},\"seed\":$i}" \
            SLUICE_REQUESTS=100 SLUICE_RETRY_MAX=8
        load --port "$(port "$url")" --clients 200 --requests 200 --names 1 --header 'X-Sluice-Client: c%d' \
            --spread-ms 100 --seconds 200 --grace 0 --chat $learn_fine | jq -r '"\(.ok) \(.seconds)"'
        learn_stop "$1 $i"
    done
}

learn_spread() { # "MEAN LEAST MOST" of the numbers on standard input
    sort -g | awk '{ s += $1; v[NR] = $1 } END { printf "%.1f %.1f %.1f\n", s / NR, v[1], v[NR] }'
}

learn_jobs() {
    local name='200 jobs, 30 % mixed faults' answered mean least most best foretold f_least f_most
    learn_wants "$name" || return 0
    learn_jobs_counts "$name" >"$work/learn.jobs"
    answered=$(cut -d' ' -f1 "$work/learn.jobs" | sort -n | head -n 1)
    read -r mean least most < <(cut -d' ' -f2 "$work/learn.jobs" | learn_spread)
    read -r best _ < <(learn_foretold "$name" oracle | cut -d' ' -f6 | learn_spread)
    read -r foretold f_least f_most < <(learn_foretold "$name" sluice | cut -d' ' -f6 | learn_spread)
    row "$name" "$answered answered (the least of $runs) in $mean s ($least to $most), at best $best s (foretold $foretold, $f_least to $f_most: $(calc "$mean - $foretold" 1))" \
        "200, and as foretold" "$(judge "$answered == 200 && $mean <= $f_most * 1.05")" "load --clients 200 --requests 200"
}

row_learn() {
    local shed='{"faults":{"percent":%s,"kinds":["429"]}}' busy=sim/workers-4+stream-10-100
    learn 'fixed 40' 40 '{}' $learn_fine
    learn 'fixed 20' 20 '{}' $learn_fine
    learn 'stranger, 10 each 15 s' 40 '{}' $learn_fine
    learn 'shed 5 %' 40 "${shed/\%s/5}" $learn_fine
    learn 'shed 10 %' 40 "${shed/\%s/10}" $learn_fine
    learn '4 workers of 1 s, alone' 40 '{}' $busy
    learn '4 workers of 1 s, beside a free model' 40 '{}' $busy $learn_fine
    learn "half of one model's answers 503" 40 '{}' sim/exhausted+percent-50+tokens-3 $learn_fine
    learn 'one model of two always 429' 40 '{}' sim/429 $learn_fine
    learn_jobs
}
