#!/bin/bash
# verdaccio 5.2.0 and 6.1.6, and a registry with a few packages and four accounts, made with the old one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/../npm.sh" "$APP_DIR/old" verdaccio 5.2.0
"$here/../npm.sh" "$APP_DIR/new" verdaccio 6.1.6
rm -rf "$APP_DIR/filled"
"$here/serve.sh" old filled "$REAL_PORT" &
server=$!
trap 'kill $server' EXIT
for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$REAL_PORT") 2>/dev/null && break
    sleep 0.2
done
PYTHONPATH="$here/.." python3 "$here/data.py" "$REAL_PORT"
