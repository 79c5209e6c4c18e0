#![no_main]

#[path = "../../crates/core/tests/sim/mod.rs"]
mod sim;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sim::operations::run(bytes));
