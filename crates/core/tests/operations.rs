//! Random lists of operations, compared with a model after every step.

mod sim;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// How many lists a run goes through: in wasm each takes several times as long.
const LISTS: u32 = if cfg!(target_arch = "wasm32") {
    50
} else {
    500
};

/// What the random numbers begin with, unless `MQDROP_SEED` says otherwise.
const SEED: u8 = 11;

#[test]
fn whatever_happens_what_is_accepted_arrives_or_ends_with_a_reason() {
    let seed = sim::random::seed_to_repeat().unwrap_or(SEED.into());
    let mut bytes = [SEED; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: LISTS,
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let lists = proptest::collection::vec(any::<u8>(), 0..200);
    let outcome = TestRunner::new_with_rng(config, random).run(&lists, |list| {
        sim::operations::run(&list);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("MQDROP_SEED={seed}: {failure}");
    }
}
