//! Whatever an application answers, taking its response apart to compare it ends, within limits.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shadowtee::comparing::response(bytes));
