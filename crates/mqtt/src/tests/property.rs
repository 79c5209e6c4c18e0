//! Property tests from a printed seed.

use core::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

/// Runs `test` on `cases` random inputs. The seed is fixed, so that a failure stays until it is fixed; the
/// environment variable `MQDROP_SEED` chooses another.
pub(super) fn check<S: Strategy>(
    cases: u32,
    strategy: S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S::Value: Debug,
{
    let seed = mqdrop_testing::seed_to_repeat().unwrap_or(0x6D71_6472_6F70);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    });
    if let Err(error) = runner.run(&strategy, test) {
        panic!("with MQDROP_SEED={seed}: {error}");
    }
}
