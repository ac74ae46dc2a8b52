#!/bin/bash
# serve.sh VERSION SIDE PORT: one instance on its own copy of the database, in the foreground.
set -euo pipefail
root=$APP_DIR/$1
cp "$APP_DIR/redmine.db" "$root/srv/$2.db"
run() {
    exec chroot "$root" env HOME=/tmp LANG=C.UTF-8 RAILS_ENV=production RAILS_LOG_TO_STDOUT=1 \
        "DATABASE_URL=sqlite3:/srv/$2.db?timeout=20000" sh -c "cd /usr/share/redmine && $3"
}
if [ "$1" = new ]; then (run "$1" "$2" "rake db:migrate"); fi
run "$1" "$2" "exec puma --quiet --environment production --threads ${PUMA_THREADS:-3:3} --bind tcp://127.0.0.1:$3 config.ru"
