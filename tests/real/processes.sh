# Sourced by those that start programs and wait for their ports: each adds to `pids` what it starts, and all ends with it.
pids=()

stop_all() {
    local pid
    for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
    for pid in ${pids[@]+"${pids[@]}"}; do wait "$pid" 2>/dev/null || true; done
    pids=()
}
trap stop_all EXIT

is_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Two minutes at most.
wait_for() {
    local _
    for _ in $(seq 600); do
        if is_open "$1"; then return; fi
        sleep 0.2
    done
    echo "$(basename "$0"): nothing listens on port $1, see $out" >&2
    return 1
}

# Two programs may listen on one port here, and would share what comes.
need_free() {
    local port
    for port; do
        if is_open "$port"; then
            echo "$(basename "$0"): port $port is taken, set REAL_PORT" >&2
            exit 1
        fi
    done
}
