#!/bin/bash
# serve.sh VERSION SIDE PORT: one instance on its own copy of the database, in the foreground.
set -euo pipefail
mkdir -p "$APP_DIR/$2"
cp "$APP_DIR/shop.db" "$APP_DIR/$2/shop.db"
export DATABASE=$APP_DIR/$2/shop.db PYTHONDONTWRITEBYTECODE=1
cd "$APP_DIR/site"
"$APP_DIR/$1/bin/python" manage.py migrate
exec "$APP_DIR/$1/bin/python" manage.py runserver --noreload --insecure ${RUNSERVER:-} "127.0.0.1:$3"
