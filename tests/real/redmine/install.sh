#!/bin/bash
# Redmine 5.0 (Rails 6.1) of Debian 12 and Redmine 6.0 (Rails 7.2) of Debian 13, each in a root of its own (needs root and
# debootstrap), and one database, made with the old one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mirror=http://deb.debian.org/debian
for version in old:bookworm new:trixie; do
    root=$APP_DIR/${version%%:*}
    if [ -e "$root/usr/share/redmine/config.ru" ]; then continue; fi
    debootstrap --variant=minbase "${version##*:}" "$root" "$mirror"
    # Packages start no services.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    chroot "$root" apt-get update
    DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y --no-install-recommends redmine redmine-sqlite puma
done
# Cookies are signed with it, so both versions read those of the other one if their formats allow it.
secret=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
for version in old new; do
    echo "$secret" >"$APP_DIR/$version/etc/redmine/default/secret_key.txt"
done
if [ -e "$APP_DIR/redmine.db" ]; then exit; fi
rm -f "$APP_DIR/old/srv/first.db"
cp "$here/data.rb" "$APP_DIR/old/srv/data.rb"
in_old() {
    chroot "$APP_DIR/old" env HOME=/tmp LANG=C.UTF-8 RAILS_ENV=production REDMINE_LANG=en DATABASE_URL=sqlite3:/srv/first.db \
        sh -c "cd /usr/share/redmine && $1"
}
in_old "rake db:migrate"
in_old "rake redmine:load_default_data"
in_old "bin/rails runner /srv/data.rb"
cp "$APP_DIR/old/srv/first.db" "$APP_DIR/redmine.db"
