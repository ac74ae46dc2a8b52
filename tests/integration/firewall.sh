#!/bin/bash
# A shadow host, a tee, a database and the world, each a network namespace; all of it ends with this script.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
mount -t tmpfs tmpfs /run
mkdir -p /run/netns

ip link add hub type bridge
ip link set hub up
host() {
    ip netns add "$1"
    ip link add "$1" type veth peer name eth0 netns "$1"
    ip link set "$1" master hub up
    ip -n "$1" link set lo up
    ip -n "$1" link set eth0 up
    ip -n "$1" address add "$2/24" dev eth0
    ip -n "$1" -6 address add "$3/64" dev eth0 nodad
}
host tee 10.77.0.1 fd77::1
host shadow 10.77.0.2 fd77::2
host database 10.77.0.3 fd77::3
host world 10.77.0.4 fd77::4

ip netns exec shadow nft -f "$1"
# A second time: it replaces itself.
ip netns exec shadow nft -f "$1"

# Answers on a port until the end.
listen() {
    local ready="/run/ready-$1-$3"
    ip netns exec "$1" ruby -rsocket -e '
        server = TCPServer.new(ARGV[0], ARGV[1].to_i)
        File.write(ARGV[2], "")
        loop { client = server.accept; client.write("ok\n"); client.close }' "$2" "$3" "$ready" &
    while [ ! -e "$ready" ]; do sleep 0.02; done
}
listen shadow 0.0.0.0 8080
listen database 0.0.0.0 5432
listen database 0.0.0.0 22
listen world :: 443
listen tee 0.0.0.0 80

try() {
    local what="$1" from="$2" to="$3" port="$4" answer
    answer=$(ip netns exec "$from" ruby -rsocket -e '
        begin
            puts Socket.tcp(ARGV[0], ARGV[1].to_i, connect_timeout: 2) { |socket| socket.gets }
        rescue SystemCallError
            puts "refused"
        end' "$to" "$port")
    echo "$what: $answer"
}
try "tee to the application" tee 10.77.0.2 8080
try "somebody to the application" world 10.77.0.2 8080
try "shadow to the database" shadow 10.77.0.3 5432
try "shadow to another port of the database" shadow 10.77.0.3 22
try "shadow to the world" shadow 10.77.0.4 443
try "shadow to the world over IPv6" shadow fd77::4 443
try "shadow to the tee" shadow 10.77.0.1 80
try "shadow to itself" shadow 127.0.0.1 8080
tried=$(ip netns exec shadow nft list counter inet shadow tried | sed -n 's/.*packets \([0-9]*\).*/\1/p')
if [ "$tried" -ge 4 ]; then echo "tried: some"; else echo "tried: $tried"; fi
