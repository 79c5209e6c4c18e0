//! The blocks that a receiver holds, as messages list them.

use core::ops::Range;

use minicbor::{Decode, Encode};

use crate::ranges::RangeSet;

/// How many runs of held blocks a message lists at most; what lies behind is told later.
const MAX_RUNS: usize = 512;

/// Runs of held blocks, as the lengths of gaps and runs in turn, and how far the list reaches.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Runs {
    #[n(0)]
    lengths: Vec<u32>,
    /// Blocks from here on are not spoken of; `u32::MAX` if the list is whole.
    #[n(1)]
    pub(crate) until: u32,
}

impl Runs {
    /// Lists `set` as far as it may be listed.
    pub(crate) fn new(set: &RangeSet) -> Self {
        let mut lengths = Vec::new();
        let (mut at, mut until) = (0, u32::MAX);
        for (index, run) in set.runs().iter().enumerate() {
            if index == MAX_RUNS {
                until = at;
                break;
            }
            lengths.extend([run.start - at, run.end - run.start]);
            at = run.end;
        }
        Self { lengths, until }
    }

    /// The runs, if they are such and lie below `total`.
    pub(crate) fn decode(&self, total: u32) -> Option<RangeSet> {
        if self.lengths.len() > 2 * MAX_RUNS {
            return None;
        }
        let mut set = RangeSet::default();
        let mut at = 0u32;
        for pair in self.lengths.chunks(2) {
            let [gap, len] = *pair else { return None };
            let start = at.checked_add(gap)?;
            at = start.checked_add(len)?;
            set.insert(Range { start, end: at });
        }
        (at <= total).then_some(set)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_ragged_set_is_listed_as_far_as_it_may_be() {
        let mut set = RangeSet::default();
        for block in 0..2000 {
            set.insert(2 * block..2 * block + 1);
        }
        let runs = Runs::new(&set);
        let listed = runs.decode(5000).unwrap();
        assert_eq!(runs.until, 2 * 511 + 1);
        assert_eq!(listed.len(), 512);
    }

    mqdrop_testing::properties! {
        fn runs_survive(ranges in proptest::collection::vec((0u32..5000, 1u32..50), 0..40)) {
            let mut set = RangeSet::default();
            for (start, len) in ranges {
                set.insert(start..start + len);
            }
            prop_assert_eq!(Runs::new(&set).decode(6000), Some(set));
        }

        fn lying_runs_are_refused(lengths in proptest::collection::vec(any::<u32>(), 0..8), until in any::<u32>()) {
            if let Some(set) = (Runs { lengths, until }).decode(1000) {
                prop_assert!(set.runs().last().is_none_or(|run| run.end <= 1000));
            }
        }
    }
}
