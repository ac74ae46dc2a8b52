# The daily commands; `just` lists them. CONTRIBUTING.md says more. Each is one line that can be typed without just, too.

_list:
    @just --list --unsorted

# builds the program as it is released
build:
    cargo build --release --locked

# two versions of a small application, the tee before them, and what came of it
demo:
    cargo run --release --locked -- demo

# all tests, or those whose name holds a word: just test replay
test *names:
    tests/run.sh {{names}}

# formats the code
format:
    cargo fmt

# what the compiler and clippy have to say; all of it is an error in CI
lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings

# shadowtee beside nginx, HAProxy, Envoy and a floor: just bench --quick
bench *options:
    cargo bench --locked --bench versus -- {{options}}

# every fuzz target for some seconds; needs a nightly toolchain and cargo-fuzz
fuzz seconds="60":
    fuzz/run.sh {{seconds}}

# a long run under mixed load with a shadow that fails in turns
soak minutes="10": build
    SOAK_MINUTES={{minutes}} TESTED_PROGRAM="$PWD/target/release/shadowtee" \
        cargo test --locked --test integration -- --ignored --nocapture soak

# the documentation of the code, in a browser
docs:
    cargo doc --locked --no-deps --document-private-items --open

# all that must hold for a commit
ci:
    .ci/run
