//! See src/fuzz.rs: what must hold of any configuration.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| shadowtee::fuzz::configuration(text));
