#!/bin/bash
# Express 4.21.2 and 5.1.0, and one application that runs on both.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for version in old:4.21.2 new:5.1.0; do
    folder=$APP_DIR/${version%%:*}
    if [ -d "$folder/node_modules/express" ]; then continue; fi
    mkdir -p "$folder"
    printf '{"private":true,"dependencies":{"express":"%s","cookie-session":"2.1.0","express-session":"1.18.1"}}\n' \
        "${version##*:}" >"$folder/package.json"
    (cd "$folder" && npm install --no-audit --no-fund --loglevel=error)
done
cp "$here/shop.js" "$APP_DIR/old/shop.js"
cp "$here/shop.js" "$APP_DIR/new/shop.js"
rm -rf "$APP_DIR/public"
cp -a "$here/public" "$APP_DIR/public"
# ETags and Last-Modified of files must not depend on the time of a checkout.
find "$APP_DIR/public" -exec touch -d 2024-01-02T03:04:05Z {} +
