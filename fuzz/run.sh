#!/bin/bash
# Runs every fuzz target for some seconds (default: 60 each). Needs a nightly toolchain and cargo-fuzz:
#
#     rustup toolchain install nightly && cargo install cargo-fuzz
#     fuzz/run.sh 600
set -euo pipefail
cd "$(dirname "$0")/.."
for target in configuration address request response scripted mark gor native compared; do
    cargo +nightly fuzz run "$target" -- -max_total_time="${1:-60}" -rss_limit_mb=2048 -print_final_stats=1
done
