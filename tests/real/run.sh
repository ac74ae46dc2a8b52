#!/bin/bash
# Puts `shadowtee run --compare` in front of two instances of real applications, drives them, and
# writes the report and a line of figures for each run.
#
#     tests/real/run.sh [APP[:equal|:upgrade|:direct] …]
#
# `direct` puts nothing in front, and keeps each version's responses in files for `diff -r`: that is how the
# lists of known differences begin.
#
# With IDENTITY=session, or another key of `order_by`, the sessions of users live on the shadow.
#
# Everything is below $REAL_DIR (target/real). The binary is $SHADOWTEE (target/debug/shadowtee).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export REAL_DIR=${REAL_DIR:-$here/../../target/real}
mkdir -p "$REAL_DIR"
REAL_DIR=$(cd "$REAL_DIR" && pwd)
tee=${SHADOWTEE:-$here/../../target/debug/shadowtee}

base_port=${REAL_PORT:-18700}
old_port=$base_port new_port=$((base_port + 1)) tee_port=$((base_port + 2)) admin_port=$((base_port + 3))
. "$here/processes.sh"
need_free "$old_port" "$new_port" "$tee_port" "$admin_port"

# Until each copy was answered and compared, or nothing comes any more.
wait_for_copies() {
    local before=-1 now _
    for _ in $(seq 60); do
        sleep 2
        now=$("$tee" report --admin "127.0.0.1:$admin_port" --format json |
            python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"]["answered"])')
        if [ "$now" -ge "$1" ] || [ "$now" = "$before" ]; then return; fi
        before=$now
    done
}

# What the application is for production and for the shadow: `equal` runs the old version twice.
run() {
    local app=$1 mode=$2 shadow_version=new
    [ "$mode" = equal ] && shadow_version=old
    export APP_DIR=$REAL_DIR/$app
    out=$REAL_DIR/results/$app-$mode
    rm -rf "$out" && mkdir -p "$APP_DIR" "$out"
    "$here/$app/install.sh" >"$out/install.log" 2>&1
    rm -rf "$APP_DIR/production" "$APP_DIR/shadow"
    "$here/$app/serve.sh" old production "$old_port" >"$out/production.log" 2>&1 & pids+=($!)
    "$here/$app/serve.sh" "$shadow_version" shadow "$new_port" >"$out/shadow.log" 2>&1 & pids+=($!)
    wait_for "$old_port"
    wait_for "$new_port"
    if [ "$mode" = direct ]; then
        mkdir "$out/old" "$out/new"
        PYTHONPATH=$here REAL_DUMP=$out/old python3 "$here/$app/traffic.py" "$old_port" >"$out/old.log"
        PYTHONPATH=$here REAL_DUMP=$out/new python3 "$here/$app/traffic.py" "$new_port" >"$out/new.log"
        stop_all
        return
    fi
    # Each user of the traffic has an address of its own, so `client` keeps each one's order. Where users see what others
    # write, a file `order` has a key that all requests share. The Host is the client's, or else every absolute link would
    # differ by its port.
    local order=client
    if [ -e "$here/$app/order" ]; then order=$(cat "$here/$app/order"); fi
    local how=(--order-by "$order" --after-answer)
    if [ -n "${IDENTITY:-}" ]; then how=(--identity --order-by "${IDENTITY}"); fi
    "$tee" run --listen "127.0.0.1:$tee_port" --primary "127.0.0.1:$old_port" \
        --shadow "next=127.0.0.1:$new_port" --host client --compare "${how[@]}" \
        --admin "127.0.0.1:$admin_port" >"$out/shadowtee.log" 2>&1 & pids+=($!)
    wait_for "$tee_port"
    wait_for "$admin_port"
    PYTHONPATH=$here python3 "$here/$app/traffic.py" "$tee_port" >"$out/traffic.log"
    wait_for_copies "$(wc -l <"$out/traffic.log")"
    "$tee" report --admin "127.0.0.1:$admin_port" >"$out/report.txt"
    "$tee" report --admin "127.0.0.1:$admin_port" --format json >"$out/report.json"
    stop_all
    local known=$here/$app/known.txt
    [ "$mode" = equal ] && known=/dev/null
    python3 "$here/figures.py" "$app:$mode" "$out/report.json" "$known" "$out/traffic.log" | tee "$out/figures.txt"
}

[ $# -gt 0 ] || set -- datasette django
for what in "$@"; do
    case $what in
        *:*) run "${what%%:*}" "${what##*:}" ;;
        *) run "$what" equal; run "$what" upgrade ;;
    esac
done
