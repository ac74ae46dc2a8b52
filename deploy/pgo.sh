#!/bin/sh
# Builds shadowtee with a profile of its own work, so that the compiler puts together what runs together: about 0.97 of
# the CPU for a request (docs/performance/README.md).
#
#     deploy/pgo.sh
#
# What comes out is target/release/shadowtee, where `cargo build --release` puts it; `cargo deb --no-build` packs it. It
# takes about ten minutes, and needs nginx and wrk for the work, and llvm-profdata: rustup component add llvm-tools.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'pgo: %s\n' "$*"; }

for program in nginx wrk; do
    if ! PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null; then
        say "$program is missing: apt-get install nginx wrk" >&2
        exit 1
    fi
done
host="$(rustc -vV | sed -n 's/^host: //p')"
# That of another LLVM can't read what this compiler's programs write.
profdata="$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata"
if [ ! -x "$profdata" ]; then
    say "llvm-profdata is missing: rustup component add llvm-tools" >&2
    exit 1
fi

mkdir -p "${CARGO_TARGET_DIR:-target}"
target="$(cd "${CARGO_TARGET_DIR:-target}" && pwd)"
work="$target/pgo"
rm -rf "$work/profiles"
mkdir -p "$work/profiles" "$target/release"

say "building a program that measures itself"
RUSTFLAGS="-Cprofile-generate=$work/profiles" \
    cargo build --release --locked --target "$host" --target-dir "$work/measuring"

say "having it work"
# An application and a shadow that answer small and large, and some seconds of requests of each kind.
for name in primary shadow; do
    mkdir -p "$work/$name"
    cat >"$work/$name/nginx.conf" <<EOT
daemon off; pid $work/$name/pid; error_log stderr; worker_processes 1;
events { worker_connections 1024; }
http {
    access_log off; keepalive_requests 1000000000; client_max_body_size 0; client_body_buffer_size 2m;
    client_body_temp_path $work/$name/a; proxy_temp_path $work/$name/b; fastcgi_temp_path $work/$name/c;
    uwsgi_temp_path $work/$name/d; scgi_temp_path $work/$name/e;
    server {
        listen unix:$work/$name.sock;
        location / { return 200 "$(printf '%0100d' 0)"; }
        location /large { root $work; try_files /large.bin =404; }
    }
}
EOT
done
head -c 1000000 /dev/zero >"$work/large.bin"
cat >"$work/post.lua" <<'EOT'
wrk.method, wrk.body = "POST", string.rep("x", tonumber(os.getenv("BODY")))
EOT
started=
trap 'kill $started 2>/dev/null; wait' EXIT
for name in primary shadow; do
    rm -f "$work/$name.sock"
    PATH="$PATH:/usr/sbin" nginx -p "$work/$name" -c "$work/$name/nginx.conf" -e stderr &
    started="$started $!"
done
"$work/measuring/$host/release/shadowtee" run --workers 1 --listen 127.0.0.1:18480 \
    --primary "unix:$work/primary.sock" --shadow "next=unix:$work/shadow.sock" --log-level error &
tee=$!
started="$started $tee"
sleep 2
at=http://127.0.0.1:18480
wrk -t 1 -c 32 -d 20 $at/
wrk -t 1 -c 32 -d 5 -H "Connection: close" $at/
BODY=10000 wrk -t 1 -c 32 -d 5 -s "$work/post.lua" $at/
BODY=1000000 wrk -t 1 -c 8 -d 2 -s "$work/post.lua" $at/
wrk -t 1 -c 8 -d 2 $at/large
# It writes its profile as it ends.
kill "$tee"
wait "$tee"
"$profdata" merge -o "$work/shadowtee.profdata" "$work/profiles"

say "building with the profile"
RUSTFLAGS="-Cprofile-use=$work/shadowtee.profdata" \
    cargo build --release --locked --target "$host" --target-dir "$work/tuned"
cp "$work/tuned/$host/release/shadowtee" "$target/release/shadowtee"
say "$target/release/shadowtee"
