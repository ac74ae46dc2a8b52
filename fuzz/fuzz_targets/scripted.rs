//! See src/fuzz.rs: what must hold of any request that a script writes.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| shadowtee::fuzz::scripted(input));
