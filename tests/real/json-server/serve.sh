#!/bin/bash
# serve.sh VERSION SIDE PORT: one instance on its own copy of the data, in the foreground.
set -euo pipefail
side=$APP_DIR/$2
mkdir -p "$side"
cp -r "$APP_DIR/db.json" "$APP_DIR/public" "$side/"
cd "$side"
exec node "$(realpath "$APP_DIR/$1/node_modules/.bin/json-server")" db.json --port "$3" --host 127.0.0.1
