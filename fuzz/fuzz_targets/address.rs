//! See src/fuzz.rs: what must hold of any address.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| shadowtee::fuzz::address(text));
