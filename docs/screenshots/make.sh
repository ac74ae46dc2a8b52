#!/bin/bash
# Makes the pictures of the administration's page that the documentation shows, from the demo, and tells how much of each
# has changed: look at those before you commit them.
#
# It needs chromium, node, and what tests/run.sh installs for the tests of the page. SHADOWTEE names a program that is there
# already; one without optimisation shows times that nobody will see.
set -euo pipefail
cd "$(dirname "$0")/../.."

target="${CARGO_TARGET_DIR:-target}"
modules="$PWD/target/tmp/browser/node_modules"
[[ "$target" = /* ]] && modules="$target/tmp/browser/node_modules"
say() { echo "docs/screenshots/make.sh: $*"; }
if [ ! -e "$modules" ]; then
    say "$modules is missing: run tests/run.sh page:: once" >&2
    exit 1
fi

program="${SHADOWTEE:-}"
if [ -z "$program" ]; then
    cargo build --release --locked
    program="$target/release/shadowtee"
fi
said="$(mktemp)"
"$program" demo --stay >"$said" &
demo=$!
trap 'kill "$demo" 2>/dev/null; wait "$demo" 2>/dev/null; rm -f "$said"' EXIT

address=
for _ in $(seq 300); do
    address="$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$said" | head -1 || true)"
    if [ -n "$address" ]; then break; fi
    kill -0 "$demo" || exit 1
    sleep 0.2
done
if [ -z "$address" ]; then
    say "the demo does not say where its page is" >&2
    exit 1
fi
# So that the plots have something to show.
sleep 75
BROWSER_MODULES="$modules" node tests/integration/browser/screenshots.mjs "base=$address" \
    "chromium=$(command -v chromium)" to=docs/screenshots
