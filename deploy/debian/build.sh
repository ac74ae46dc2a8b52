#!/bin/bash
# Builds the Debian package: cargo install cargo-deb, then this. The package is in target/debian.
set -euo pipefail
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
cargo build --release --locked
rm -rf "$target/generated"
"$target/release/shadowtee" generate "$target/generated"
cargo deb --no-build --locked --strip "$@"
