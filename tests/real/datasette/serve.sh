#!/bin/bash
# serve.sh VERSION SIDE PORT: one instance, in the foreground.
set -euo pipefail
mkdir -p "$APP_DIR/$2"
cp "$APP_DIR/shop.db" "$APP_DIR/$2/shop.db"
exec "$APP_DIR/$1/bin/datasette" serve "$APP_DIR/$2/shop.db" --host 127.0.0.1 --port "$3" \
    --secret 0123456789abcdef0123456789abcdef --cors --setting default_page_size 20
