#!/bin/bash
# postfix with the shadow host's settings, in a network and a file system of its own; it ends with this script.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
ip link set lo up
mount -t proc proc /proc
for folder in /etc/postfix /var/spool/postfix /var/lib/postfix /var/mail; do
    copy=$(mktemp -d)
    cp -a "$folder/." "$copy"
    chmod --reference="$folder" "$copy"
    chown --reference="$folder" "$copy"
    mount --bind "$copy" "$folder"
done
cp "$1" /etc/postfix/main.cf
[ -e /etc/postfix/master.cf ] || cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
: > /var/mail/caught
chown 8:8 /var/mail/caught
postfix start >&2

printf 'To: customer@example.com\nSubject: by sendmail\n\nhello\n' | sendmail -t -f app@shop.example
ruby -rsocket -e '
    smtp = TCPSocket.new("127.0.0.1", 25)
    smtp.gets
    ["HELO shop.example", "MAIL FROM:<app@shop.example>", "RCPT TO:<other@elsewhere.example>", "DATA"].each do |line|
        smtp.write("#{line}\r\n")
        smtp.gets
    end
    smtp.write("Subject: over SMTP\r\n\r\nhello\r\n.\r\n")
    smtp.gets'
for _ in $(seq 500); do
    if [ "$(grep -c '^Subject: ' /var/mail/caught)" -ge 2 ]; then break; fi
    sleep 0.02
done
postfix stop >&2 || true
cat /var/mail/caught
