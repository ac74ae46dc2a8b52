#!/bin/bash
# A real browser (Debian's chromium and chromium-driver), nginx, shadowtee with --compare, and two equal servers.
#
#     tests/real/pages/run.sh [VISITS]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tee=${SHADOWTEE:-$here/../../../target/debug/shadowtee}
out=${REAL_DIR:-$here/../../../target/real}/results/pages
base=${REAL_PORT:-18700}
primary=$base shadow=$((base + 1)) tee_port=$((base + 2)) admin=$((base + 3)) direct=$((base + 4)) through=$((base + 5)) driver=$((base + 6))
mkdir -p "$out"
. "$here/../processes.sh"
need_free "$primary" "$shadow" "$tee_port" "$admin" "$direct" "$through" "$driver"
server() {
    printf '    server {\n        listen 127.0.0.1:%s;\n        location / {\n            proxy_pass http://127.0.0.1:%s;\n' "$1" "$2"
    printf '            proxy_http_version 1.1;\n            proxy_set_header Host $http_host;\n'
    printf '            proxy_set_header Upgrade $http_upgrade;\n            proxy_set_header Connection $connection_upgrade;\n'
    printf '            proxy_buffering off;\n        }\n    }\n'
}
{
    printf 'daemon off;\npid %s/nginx.pid;\nerror_log %s/nginx.log;\nevents {}\nhttp {\n    access_log off;\n' "$out" "$out"
    printf '    client_body_temp_path %s/body;\n    proxy_temp_path %s/proxy;\n' "$out" "$out"
    printf '    map $http_upgrade $connection_upgrade { default upgrade; "" ""; }\n'
    server "$direct" "$primary"
    server "$through" "$tee_port"
    printf '}\n'
} >"$out/nginx.conf"
node "$here/app.js" "$primary" >"$out/primary.log" 2>&1 & pids+=($!)
node "$here/app.js" "$shadow" >"$out/shadow.log" 2>&1 & pids+=($!)
"$tee" run --listen "127.0.0.1:$tee_port" --primary "127.0.0.1:$primary" --shadow "next=127.0.0.1:$shadow" --host client \
    --compare --admin "127.0.0.1:$admin" >"$out/shadowtee.log" 2>&1 & pids+=($!)
nginx -c "$out/nginx.conf" >"$out/nginx.out" 2>&1 & pids+=($!)
chromedriver --port="$driver" >"$out/driver.log" 2>&1 & pids+=($!)
for port in "$primary" "$shadow" "$tee_port" "$admin" "$direct" "$through" "$driver"; do wait_for "$port"; done
failed=0
python3 "$here/visit.py" "$driver" "$direct" "$through" "${1:-8}" | tee "$out/visits.txt" || failed=1
sleep 3
"$tee" report --admin "127.0.0.1:$admin" --format json >"$out/report.json"
"$tee" report --admin "127.0.0.1:$admin" --fail-on 'causes>0' | tee "$out/report.txt" || failed=1
exit $failed
