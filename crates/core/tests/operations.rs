//! Random lists of operations, compared with a model after every step.

mod peak;

use std::sync::{Mutex, PoisonError};

use peak::peak;
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

/// The most bytes that a list may take beyond what there is before, for all devices together with
/// their files, their storage and the network.
const MOST: u64 = 64 * 1024 * 1024;

/// Does what a list says, by itself: others beside it would be counted.
fn run(list: &[u8]) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let used = peak(|| mqdrop_sim::operations::run(list));
    assert!(used < MOST, "{used} bytes");
}

/// Lists that once failed, and why.
const FAILED: [(&str, &[u8]); 2] = [
    (
        "the limit of packets became lower than lengths that had arrived",
        &[
            217, 21, 205, 196, 49, 132, 220, 184, 247, 133, 75, 184, 43, 190, 222, 202, 107, 230,
            135, 59, 115, 34, 140, 26, 64, 49, 121, 178, 125, 84, 125, 78, 179, 147, 195, 120, 122,
            94, 82, 130, 224, 17, 73, 196, 51, 213, 113, 180, 109, 55, 149, 246, 28, 89, 204, 37,
            178, 202, 97, 16, 163, 160, 206, 96, 173, 53, 76, 147, 64, 61, 121, 94, 91, 186, 79,
            65, 142, 47, 74, 208, 189, 204, 237, 187, 143, 24, 84, 100, 231, 69, 243, 166, 222,
            241, 44, 227, 74, 29, 240, 17, 43, 41, 122, 180, 10, 55, 91, 22, 11, 189, 53, 231, 111,
            81, 113, 68, 171, 159, 9, 3, 169, 183, 19, 141, 233, 175, 181, 45, 62, 117, 152, 161,
            134, 226, 164, 116, 214, 83, 215, 159, 153, 238, 255, 225, 6, 138, 142, 221, 10, 212,
            241, 138, 40, 16, 93, 99, 43, 227, 247, 189, 213, 233, 14, 119, 121, 198, 88, 156, 82,
            214, 75, 133, 182, 28, 197, 245, 52, 34, 123, 21, 67, 210, 157, 67, 63, 103, 177,
        ],
    ),
    (
        "a sender that was back did not say what it waited for",
        &[
            161, 53, 240, 0, 126, 66, 125, 74, 166, 10, 37, 1, 68, 61, 76, 204, 228, 105, 37, 218,
            60, 126, 31, 199, 76, 44, 189, 253, 72, 118, 129, 36, 171, 15, 63, 64, 2, 91, 158, 225,
            238, 2, 174, 253, 72, 126, 231, 50, 23, 204, 67, 70, 159, 189, 182, 211, 245, 233, 90,
            224, 238, 161, 11, 131, 147, 136, 119, 163, 66, 134, 112, 175, 133, 152, 10, 40, 3,
            116, 99, 104, 145, 134, 175, 84, 165, 25, 116, 125, 92, 98, 158, 139, 154, 108, 172,
            219, 16, 40, 43, 155, 36, 154, 161, 184, 165, 31, 216, 75, 25, 119, 66, 64, 86, 155,
            153, 164, 151, 155, 85, 248, 117, 160, 21, 237, 158, 180, 121, 17, 95, 148, 12, 27,
            151, 236, 249, 237, 114, 228, 17, 63, 188, 240, 67, 149, 119, 88, 169, 71, 119, 196,
            44, 121, 224, 101, 148, 10, 82, 21, 215, 234, 215, 127, 220, 28, 165, 125, 90, 56, 149,
            15, 62, 98, 198, 194, 231, 79, 240, 59, 85, 167, 225, 209, 41, 139, 202, 127, 238, 9,
            160, 20, 127, 255, 12, 84, 64, 224, 81,
        ],
    ),
];

#[test]
fn lists_that_failed_once_do_not_fail_again() {
    for (why, list) in FAILED {
        println!("{why}");
        run(list);
    }
}

/// The seed of the random numbers, unless `MQDROP_SEED` names another.
const SEED: u8 = 11;

#[test]
fn whatever_happens_what_is_accepted_arrives_or_ends_with_a_reason() {
    let seed = mqdrop_testing::seed_to_repeat().unwrap_or(SEED.into());
    let mut bytes = [SEED; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: LISTS,
        failure_persistence: None,
        // A list takes so long that making it shorter would take hours.
        max_shrink_iters: 200,
        ..Config::default()
    };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let lists = proptest::collection::vec(any::<u8>(), 0..200);
    let outcome = TestRunner::new_with_rng(config, random).run(&lists, |list| {
        run(&list);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("MQDROP_SEED={seed}: {failure}");
    }
}
