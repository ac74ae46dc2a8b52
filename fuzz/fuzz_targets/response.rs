//! See src/fuzz.rs: what must hold of any response.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| shadowtee::fuzz::response(input));
