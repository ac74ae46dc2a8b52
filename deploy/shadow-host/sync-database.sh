#!/bin/bash
# An outline: brings the shadow's copy of the database up to date. The shadow is paused meanwhile, so that no copy meets half
# a database; requests that come in that time are counted as `paused`. Clients notice nothing.
#
# Fill in dump, restore and clean for your database; what stands there is PostgreSQL. Run it on the shadow host, daily or after
# each deployment.
set -euo pipefail

: "${SHADOW:=next}"                            # the shadow's name in shadowtee's configuration
: "${ADMIN:=http://127.0.0.1:9900}"            # shadowtee's administration, through a tunnel where it is another host
: "${ADMIN_TOKEN:=}"                           # admin.token
: "${SNAPSHOT:=/var/lib/shadow/production.dump}"
: "${DATABASE:=app_shadow}"
: "${APP_SERVICES:=app.service app-worker.service}"
# For a database that is restored by other means.
: "${DUMP:=dump}" "${RESTORE:=restore}" "${CLEAN:=clean}" "${APP:=app}"

ask() {
    local header=()
    if [ -n "$ADMIN_TOKEN" ]; then header=(--header "Authorization: Bearer $ADMIN_TOKEN"); fi
    curl --fail --silent --show-error --max-time 10 "${header[@]}" --request POST "$ADMIN/api/shadows/$SHADOW/$1"
}

# From a replica, or a backup that exists anyway: a dump of the primary costs it something.
dump() { pg_dump --format=custom --file="$SNAPSHOT" "service=production_replica"; }

restore() {
    dropdb --if-exists --force "$DATABASE"
    createdb "$DATABASE"
    pg_restore --no-owner --jobs=2 --dbname="$DATABASE" "$SNAPSHOT"
}

# What production was about to do must not be done here again: waiting jobs, mail that is due, webhooks, tokens of devices.
clean() { psql --dbname="$DATABASE" --set=ON_ERROR_STOP=1 --file=/etc/shadow-host/clean.sql; }

# shellcheck disable=SC2086
app() { systemctl "$1" $APP_SERVICES; }

"$DUMP"
ask pause
# A restore that fails leaves the shadow paused, since it would answer from half a database; the exit code of this script
# says so.
"$APP" stop
"$RESTORE"
"$CLEAN"
"$APP" start
ask resume
