#!/bin/bash
# serve.sh VERSION SIDE PORT: one instance on its own copy of the calendars, in the foreground.
set -euo pipefail
side=$APP_DIR/$2
cp -a "$APP_DIR/filled" "$side"
printf '[server]\nhosts = 127.0.0.1:%s\n[auth]\ntype = htpasswd\nhtpasswd_filename = %s\nhtpasswd_encryption = plain\ndelay = 0\n' \
    "$3" "$side/users" >"$side/config"
printf '[storage]\nfilesystem_folder = %s\n' "$side/storage" >>"$side/config"
exec "$APP_DIR/$1/bin/radicale" --config "$side/config"
