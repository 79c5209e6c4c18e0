#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mqdrop_sim::operations::run(bytes));
