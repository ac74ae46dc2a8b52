//! Whatever the bytes, the reader of this format neither fails nor goes on for ever.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shadowtee::fuzzing::native(bytes));
