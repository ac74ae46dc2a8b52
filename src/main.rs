//! The program; everything it does is in the library.

use std::process::ExitCode;

/// Small and short-lived pieces are what a proxy allocates; docs/performance has the comparison.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    shadowtee::main()
}
