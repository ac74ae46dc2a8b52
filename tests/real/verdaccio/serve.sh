#!/bin/bash
# serve.sh VERSION SIDE PORT: one instance on its own copy of the registry, in the foreground.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
side=$APP_DIR/$2
mkdir -p "$side"
if [ -d "$APP_DIR/filled/storage" ]; then cp -a "$APP_DIR/filled/storage" "$APP_DIR/filled/htpasswd" "$side/"; fi
cp "$here/config.yaml" "$side/config.yaml"
exec node "$(realpath "$APP_DIR/$1/node_modules/.bin/verdaccio")" --config "$side/config.yaml" --listen "127.0.0.1:$3"
