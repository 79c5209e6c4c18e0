//! The files of a parcel that its sender cannot read: the others are sent without them.

use minicbor::{Decode, Encode};

/// The most runs in a list of such files. A parcel that needs a longer one is given up.
const MAX_RUNS: usize = 512;

/// Which files, as runs in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct LeftOut(Vec<Run>);

#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
struct Run {
    /// The first one's place in the manifest.
    #[n(0)]
    first: u32,
    #[n(1)]
    count: u32,
    /// Why: one of [`EndReason`](super::EndReason)'s numbers.
    #[n(2)]
    reason: u8,
}

impl Run {
    fn end(&self) -> u32 {
        self.first.saturating_add(self.count)
    }
}

impl LeftOut {
    /// Adds a file, unless it is listed.
    pub(crate) fn insert(&mut self, file: u32, reason: u8) {
        if self.reason(file).is_some() {
            return;
        }
        let at = self.0.partition_point(|run| run.first < file);
        let grows = |run: &Run| run.end() == file && run.reason == reason;
        match at.checked_sub(1).and_then(|before| self.0.get_mut(before)) {
            Some(before) if grows(before) => before.count += 1,
            _ => self.0.insert(
                at,
                Run {
                    first: file,
                    count: 1,
                    reason,
                },
            ),
        }
    }

    /// Why a file is left out, if it is.
    pub(crate) fn reason(&self, file: u32) -> Option<u8> {
        let after = self.0.partition_point(|run| run.first <= file);
        let run = self.0.get(after.checked_sub(1)?)?;
        (file < run.end()).then_some(run.reason)
    }

    pub(crate) fn contains(&self, file: usize) -> bool {
        u32::try_from(file).is_ok_and(|file| self.reason(file).is_some())
    }

    /// The files and why they are left out.
    pub(crate) fn files(&self) -> impl Iterator<Item = (u32, u8)> {
        let runs = self.0.iter();
        runs.flat_map(|run| (run.first..run.end()).map(|file| (file, run.reason)))
    }

    /// How many files.
    pub(crate) fn len(&self) -> u32 {
        self.0.iter().map(|run| run.count).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it can be a list of some of so many files.
    pub(crate) fn is_plausible(&self, files: u32) -> bool {
        let mut at = 0;
        let fits = |run: &Run| {
            let is_behind = run.first >= at && run.count > 0;
            at = run.end();
            is_behind && run.first.checked_add(run.count).is_some() && at <= files
        };
        self.0.len() <= MAX_RUNS && self.0.iter().all(fits)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    mqdrop_testing::properties! {
        fn it_is_a_map_of_files(files in proptest::collection::vec((0u32..60, 4u8..6), 0..60)) {
            let (mut left_out, mut model) = (LeftOut::default(), BTreeMap::new());
            for (file, reason) in files {
                left_out.insert(file, reason);
                model.entry(file).or_insert(reason);
                prop_assert!(left_out.is_plausible(60));
            }
            prop_assert_eq!(left_out.len() as usize, model.len());
            prop_assert_eq!(left_out.files().collect::<BTreeMap<_, _>>(), model.clone());
            for file in 0..61 {
                prop_assert_eq!(left_out.reason(file), model.get(&file).copied());
            }
            let bytes = minicbor::to_vec(&left_out).unwrap();
            prop_assert_eq!(minicbor::decode::<LeftOut>(&bytes).unwrap(), left_out);
        }

        fn lists_that_lie_are_refused(runs in proptest::collection::vec((any::<u32>(), any::<u32>()), 0..6)) {
            let runs = runs.into_iter().map(|(first, count)| Run { first, count, reason: 4 });
            let left_out = LeftOut(runs.collect());
            if left_out.is_plausible(1_000_000) {
                prop_assert!(left_out.len() <= 1_000_000);
                prop_assert!(left_out.files().all(|(file, _)| file < 1_000_000));
            }
        }
    }
}
