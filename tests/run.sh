#!/bin/bash
# Installs the Debian packages that the tests use, where they are missing, and runs all tests.
# Arguments are passed on to cargo test.
set -euo pipefail
cd "$(dirname "$0")/.."

# nginx and haproxy live where only root looks.
export PATH="$PATH:/usr/sbin:/sbin"

say() { echo "tests/run.sh: $*"; }

have() { command -v "$1" >/dev/null; }

missing=()
have cc || missing+=(gcc libc6-dev)
have nginx || missing+=(nginx)
have haproxy || missing+=(haproxy)
have puma || missing+=(puma)
have openssl || missing+=(openssl)
have curl || missing+=(curl)
have prlimit || missing+=(util-linux)
have strace || missing+=(strace)
have valgrind || missing+=(valgrind)
{ have systemd-analyze && have systemd-socket-activate; } || missing+=(systemd)
have wrk || missing+=(wrk)
have promtool || missing+=(prometheus)
have nft || missing+=(nftables)
{ have ip && have unshare; } || missing+=(iproute2 util-linux)
have postfix || missing+=(postfix)
have man || missing+=(man-db)
have node || missing+=(nodejs)
have npm || missing+=(npm)
have chromium || missing+=(chromium)
{ have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; } || missing+=(python3 python3-venv)
{ have ruby && ruby -e 'require "rack"' 2>/dev/null; } || missing+=(ruby-rack)

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Installed for the tests, services are to serve nothing by themselves: neither now nor after the next start of the machine.
install() {
    local policy=/usr/sbin/policy-rc.d ours=
    if [ ! -e "$policy" ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 0755 "$policy"
    fi
    local result=0
    as_root apt-get update -q || result=$?
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" || result=$?
    if [ -n "$ours" ]; then as_root rm -f "$policy"; fi
    local service
    for service in nginx haproxy prometheus prometheus-node-exporter postfix; do
        if [[ " $* " == *" $service "* ]] && have systemctl; then
            as_root systemctl disable --quiet "$service.service" || true
        fi
    done
    return "$result"
}

if [ "${#missing[@]}" -gt 0 ]; then
    if ! have apt-get; then
        say "missing and not to be had without apt-get: ${missing[*]}" >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ] && ! have sudo; then
        say "ask an administrator for: apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    say "installing ${missing[*]}"
    install "${missing[@]}"
fi

if ! have cargo; then
    say "cargo is missing: https://rustup.rs installs it" >&2
    exit 1
fi

# The libraries that users' scripts are written with: each in the one version that is tested.
below="${CARGO_TARGET_DIR:-target}/tmp"
libraries="$below/scripts"

# npm_install FROM TO WHAT: what package.json and its lock file in FROM name, once.
npm_install() {
    local from="$1" to="$2" what="$3"
    mkdir -p "$to"
    cp "$from/package.json" "$from/package-lock.json" "$to"
    if cmp -s "$to/package-lock.json" "$to/installed.json"; then return; fi
    say "installing $what"
    if ! npm ci --prefix "$to" --no-audit --no-fund --ignore-scripts; then
        say "$what can't be installed with npm: the tests need it" >&2
        exit 1
    fi
    cp "$to/package-lock.json" "$to/installed.json"
}

npm_install tests/integration/scripts/node "$libraries" goreplay_middleware
# Nothing of it downloads a browser.
npm_install tests/integration/browser "$below/browser" "playwright-core and axe-core"
if ! "$libraries/venv/bin/python" -c 'import gor' 2>/dev/null; then
    say "installing gor"
    if ! { python3 -m venv "$libraries/venv" && "$libraries/venv/bin/python" -m pip install -q gor==0.2.3; }; then
        say "gor can't be installed with pip: the tests of scripts need it" >&2
        exit 1
    fi
fi

say "cargo test --locked $*"
cargo test --locked "$@"
say "all tests passed"
