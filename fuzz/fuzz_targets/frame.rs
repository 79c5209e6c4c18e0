#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mqdrop_core::fuzz::frame(bytes));
