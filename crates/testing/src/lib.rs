//! Helpers that the tests of several packages share.

/// Property tests that run natively and in wasm: a fixed number of cases from a fixed seed, so that
/// a failure comes back with the same input on either.
#[macro_export]
macro_rules! properties {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident in $strategy:expr),+ $(,)?) $body:block)+) => {
        $(
            $(#[$doc])*
            #[cfg_attr(not(target_arch = "wasm32"), test)]
            #[cfg_attr(target_arch = "wasm32", $crate::wasm_bindgen_test::wasm_bindgen_test)]
            fn $name() {
                use $crate::proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
                let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
                let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
                let outcome = TestRunner::new_with_rng(config, rng)
                    .run(&($($strategy,)+), |($($arg,)+)| { $body Ok(()) });
                if let Err(failure) = outcome {
                    panic!("{failure}");
                }
            }
        )+
    };
}

/// The seed that a failed test asked to be repeated with: when it runs, or in wasm, where there is no
/// environment, when it is built.
#[must_use]
pub fn seed_to_repeat() -> Option<u64> {
    #[cfg(target_arch = "wasm32")]
    let given = option_env!("MQDROP_SEED");
    #[cfg(not(target_arch = "wasm32"))]
    let given = std::env::var("MQDROP_SEED").ok();
    given?.parse().ok()
}

#[doc(hidden)]
pub use proptest;
#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub use wasm_bindgen_test;
