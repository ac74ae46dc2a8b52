#!/bin/bash
# serve.sh VERSION SIDE PORT: one instance, in the foreground.
set -euo pipefail
cp -a "$APP_DIR/site" "$APP_DIR/$2"
exec node "$(realpath "$APP_DIR/$1/node_modules/.bin/http-server")" "$APP_DIR/$2" -a 127.0.0.1 -p "$3" --cors --gzip -s
