#!/bin/bash
# Several people at once use two equal instances of real applications, the second one through copies, and how many copies
# ended as production's requests did is written down, with the rows of both databases at the end.
#
#     tests/real/sessions.sh [APP[:WAY] …]
#
# APP: api, django, express, redmine, wagtail. WAY: `without` (no identity), `with` (the default), `fail` (the shadow fails 2 % of
# copies), `random` (it responds after up to 300 ms, in any order), `slow` (300 ms later), `restart` (shadowtee is ended
# and started in the middle), `two` (another shadow beside it).
#
# Everything is below $REAL_DIR (target/real). The binary is $SHADOWTEE (target/debug/shadowtee).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export REAL_DIR=${REAL_DIR:-$here/../../target/real}
mkdir -p "$REAL_DIR"
REAL_DIR=$(cd "$REAL_DIR" && pwd)
tee=${SHADOWTEE:-$here/../../target/debug/shadowtee}
port=${REAL_PORT:-18750}
. "$here/processes.sh"
need_free $(seq "$port" $((port + 7)))

# An instance with a witness in front: SIDE PORT WITNESS_PORT [OPTION …].
instance() {
    "$here/$app/serve.sh" old "$1" "$2" >"$out/$1.log" 2>&1 & pids+=($!)
    python3 "$here/sessions/witness.py" "$3" "$2" "$out/$1.witness" "${@:4}" 2>"$out/$1.witness.err" & pids+=($!)
    wait_for "$2"
    wait_for "$3"
}

start_tee() {
    if [ "$way" = restart ]; then
        cat >"$out/restart.toml" <<END
listen = ["127.0.0.1:$tee_port"]
[primary]
address = "127.0.0.1:$((port + 1))"
[admin]
address = "127.0.0.1:$((port + 7))"
[[shadow]]
name = "next"
address = "127.0.0.1:$((port + 3))"
host = "client"
compare = true
identity = { state = "$out" }
END
        "$tee" run --config "$out/restart.toml" >>"$out/shadowtee.log" 2>&1 & tee_pid=$!
        pids+=("$tee_pid")
        wait_for "$tee_port"
        wait_for "$((port + 7))"
        return
    fi
    "$tee" run --listen "127.0.0.1:$tee_port" --primary "127.0.0.1:$((port + 1))" --shadow "next=127.0.0.1:$((port + 3))" \
        --host client --compare --admin "127.0.0.1:$((port + 7))" "${flags[@]}" >>"$out/shadowtee.log" 2>&1 & tee_pid=$!
    pids+=("$tee_pid")
    wait_for "$tee_port"
    wait_for "$((port + 7))"
}

# Until all copies have ended.
settle() {
    local _ metrics
    for _ in $(seq 200); do
        metrics=$(curl -s "http://127.0.0.1:$((port + 7))/metrics")
        if ! grep -qE '^shadowtee_copies_in_flight\{.*\} [1-9]' <<<"$metrics"; then return; fi
        sleep 1
    done
    echo "sessions.sh: copies are still in flight" >&2
}

run() {
    way=$2
    local options=() turns=${TURNS:-6}
    app=$1 out=$REAL_DIR/results/sessions-$app-$way tee_port=$((port + 6)) flags=(--identity)
    # One request at a time: SQLite refuses a writer where another one writes.
    export APP_DIR=$REAL_DIR/$app SESSIONS=db RUNSERVER=--nothreading PUMA_THREADS=1:1
    if [ "$app" = express ]; then export SESSIONS=memory; fi
    rm -rf "$out" && mkdir -p "$APP_DIR" "$out"
    "$here/$app/install.sh" >"$out/install.log" 2>&1
    rm -rf "$APP_DIR/production" "$APP_DIR/shadow" "$APP_DIR/other"
    case $way in
        without) flags=(--order-by client --after-answer) ;;
        restart) flags=() ;;
        fail) options=(--fail 0.02) ;;
        random) options=(--jitter 0.3) ;;
        slow) options=(--delay 0.3) ;;
        two)
            instance other $((port + 4)) $((port + 5)) --jitter 0.2
            flags+=(--shadow "other=127.0.0.1:$((port + 5))") ;;
    esac
    instance production "$port" $((port + 1))
    instance shadow $((port + 2)) $((port + 3)) ${options[@]+"${options[@]}"}
    start_tee
    TURNS=$turns python3 "$here/sessions/$app.py" "$tee_port" >"$out/traffic.log" 2>&1 & traffic=$!
    if [ "$way" = restart ]; then
        while kill -0 "$traffic" 2>/dev/null && [ "$(wc -l <"$out/production.witness")" -lt 150 ]; do sleep 0.2; done
        kill -TERM "$tee_pid"
        wait "$tee_pid" || true
        start_tee
    fi
    wait "$traffic" || echo "traffic failed, see $out/traffic.log"
    settle
    "$tee" report --admin "127.0.0.1:$((port + 7))" --shadow next >"$out/report.txt" 2>&1 || true
    curl -s "http://127.0.0.1:$((port + 7))/metrics" >"$out/metrics.txt" || true
    stop_all
    for side in shadow other; do
        if [ ! -e "$out/$side.witness" ]; then continue; fi
        local rows=()
        if rows_of production >"$out/production.rows" 2>/dev/null; then
            rows_of "$side" >"$out/$side.rows"
            rows=("$out/production.rows" "$out/$side.rows")
        fi
        python3 "$here/sessions/figures.py" "$app:$way:$side" "$out/production.witness" "$out/$side.witness" ${rows[@]+"${rows[@]}"} |
            tee "$out/$side.figures"
    done
}

rows_of() {
    local database
    case $app in
        redmine) database=$APP_DIR/old/srv/$1.db ;;
        express) return 1 ;;
        *) database=$(ls "$APP_DIR/$1"/*.db) ;;
    esac
    python3 "$here/sessions/rows.py" "$app" "$database"
}

[ $# -gt 0 ] || set -- api django express redmine wagtail
for what in "$@"; do
    case $what in
        *:*) run "${what%%:*}" "${what##*:}" ;;
        *) run "$what" without; run "$what" with ;;
    esac
done
