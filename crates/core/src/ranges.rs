//! A set of block numbers, kept as runs.

use core::ops::Range;

/// Up to so many runs are added or taken out one by one. More of them are merged in one pass, as
/// each one by itself may move all that lies behind it.
const FEW: usize = 8;

/// A set of block numbers; sorted runs that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RangeSet {
    runs: Vec<Range<u32>>,
    count: u32,
}

impl RangeSet {
    /// The set of one run.
    pub(crate) fn of(range: Range<u32>) -> Self {
        let mut set = Self::default();
        set.insert(range);
        set
    }

    /// How many blocks.
    pub(crate) fn len(&self) -> u32 {
        self.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The runs in ascending order.
    pub(crate) fn runs(&self) -> &[Range<u32>] {
        &self.runs
    }

    /// Adds every block of `range`.
    pub(crate) fn insert(&mut self, range: Range<u32>) {
        if range.start >= range.end {
            return;
        }
        #[cfg(test)]
        tests::count_single();
        // Runs that touch the new one are merged into it.
        let first = self.runs.partition_point(|run| run.end < range.start);
        let last = self.runs.partition_point(|run| run.start <= range.end);
        let mut merged = range;
        if first < last {
            merged.start = merged.start.min(self.runs[first].start);
            merged.end = merged.end.max(self.runs[last - 1].end);
        }
        let gone: u32 = self.runs[first..last]
            .iter()
            .map(|run| run.end - run.start)
            .sum();
        self.count = self.count - gone + (merged.end - merged.start);
        self.runs.splice(first..last, [merged]);
    }

    /// Takes every block of `range` out.
    pub(crate) fn remove(&mut self, range: Range<u32>) {
        if range.start >= range.end {
            return;
        }
        #[cfg(test)]
        tests::count_single();
        let first = self.runs.partition_point(|run| run.end <= range.start);
        let last = self.runs.partition_point(|run| run.start < range.end);
        if first >= last {
            return;
        }
        let gone: u32 = self.runs[first..last]
            .iter()
            .map(|run| run.end - run.start)
            .sum();
        let left = self.runs[first].start..range.start;
        let right = range.end..self.runs[last - 1].end;
        let kept: Vec<_> = [left, right]
            .into_iter()
            .filter(|run| run.start < run.end)
            .collect();
        self.count -= gone;
        self.count += kept.iter().map(|run| run.end - run.start).sum::<u32>();
        self.runs.splice(first..last, kept);
    }

    /// The part of `range` that is not in the set, as runs in ascending order.
    pub(crate) fn missing(&self, range: Range<u32>) -> Vec<Range<u32>> {
        let mut missing = Vec::new();
        let mut from = range.start;
        let first = self.runs.partition_point(|run| run.end <= range.start);
        for run in &self.runs[first..] {
            if run.start >= range.end {
                break;
            }
            if from < run.start {
                missing.push(from..run.start);
            }
            from = run.end;
        }
        if from < range.end {
            missing.push(from..range.end);
        }
        missing
    }

    /// The first run, or rest of a run, at or after `block`.
    pub(crate) fn next_from(&self, block: u32) -> Option<Range<u32>> {
        let at = self.runs.partition_point(|run| run.end <= block);
        self.runs.get(at).map(|run| run.start.max(block)..run.end)
    }

    /// Adds every block of `other`.
    pub(crate) fn extend(&mut self, other: &Self) {
        if other.runs.len() <= FEW {
            return other.runs.iter().for_each(|run| self.insert(run.clone()));
        }
        let mut left = self.runs.iter().peekable();
        let mut right = other.runs.iter().peekable();
        let mut merged: Vec<Range<u32>> = Vec::with_capacity(self.runs.len() + other.runs.len());
        while let Some(run) = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if a.start > b.start => right.next(),
            (Some(_), _) => left.next(),
            (None, _) => right.next(),
        } {
            match merged.last_mut() {
                Some(last) if run.start <= last.end => last.end = last.end.max(run.end),
                _ => merged.push(run.clone()),
            }
        }
        *self = Self::from_runs(merged);
    }

    /// Takes every block of `other` out.
    pub(crate) fn subtract(&mut self, other: &Self) {
        if other.runs.len() <= FEW {
            return other.runs.iter().for_each(|run| self.remove(run.clone()));
        }
        let mut left = Vec::with_capacity(self.runs.len());
        let mut others = other.runs.iter().peekable();
        for run in &self.runs {
            let mut from = run.start;
            while let Some(gone) = others.peek().filter(|gone| gone.start < run.end) {
                if from < gone.start {
                    left.push(from..gone.start);
                }
                from = from.max(gone.end);
                if gone.end > run.end {
                    // It reaches into the next run.
                    break;
                }
                others.next();
            }
            if from < run.end {
                left.push(from..run.end);
            }
        }
        *self = Self::from_runs(left);
    }

    /// Forgets the last blocks, so that no more than `most` runs are left.
    pub(crate) fn keep_runs(&mut self, most: usize) {
        let forgotten = self.runs.drain(most.min(self.runs.len())..);
        self.count -= forgotten.map(|run| run.end - run.start).sum::<u32>();
    }

    /// Adds what lies between runs that are close to one another, so that no more than `most` are
    /// left.
    pub(crate) fn coarsen(&mut self, most: usize) {
        let excess = self.runs.len().saturating_sub(most);
        if excess == 0 {
            return;
        }
        let gaps = self.runs.windows(2);
        let mut gaps: Vec<u32> = gaps.map(|pair| pair[1].start - pair[0].end).collect();
        let (_, &mut widest, _) = gaps.select_nth_unstable(excess - 1);
        let mut merged: Vec<Range<u32>> = Vec::with_capacity(most);
        for run in &self.runs {
            match merged.last_mut() {
                Some(last) if run.start - last.end <= widest => last.end = run.end,
                _ => merged.push(run.clone()),
            }
        }
        *self = Self::from_runs(merged);
    }

    fn from_runs(runs: Vec<Range<u32>>) -> Self {
        Self {
            count: runs.iter().map(|run| run.end - run.start).sum(),
            runs,
        }
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    thread_local! {
        /// Single runs that were added or taken out, as a number.
        static SINGLE: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count_single() {
        SINGLE.set(SINGLE.get() + 1);
    }

    #[derive(Clone, Debug)]
    enum Op {
        Insert(Range<u32>),
        Remove(Range<u32>),
    }

    fn ops() -> impl Strategy<Value = Vec<Op>> {
        let range = (0u32..80, 0u32..20).prop_map(|(start, len)| start..start + len);
        let op = prop_oneof![
            range.clone().prop_map(Op::Insert),
            range.prop_map(Op::Remove)
        ];
        proptest::collection::vec(op, 0..40)
    }

    fn set_of(runs: &[(u32, u32)]) -> (RangeSet, BTreeSet<u32>) {
        let mut set = RangeSet::default();
        runs.iter()
            .for_each(|&(start, len)| set.insert(start..start + len));
        (
            set,
            runs.iter()
                .flat_map(|&(start, len)| start..start + len)
                .collect(),
        )
    }

    fn blocks(set: &RangeSet) -> BTreeSet<u32> {
        assert!(
            set.runs()
                .windows(2)
                .all(|pair| pair[0].end < pair[1].start)
        );
        assert_eq!(
            set.len(),
            set.runs()
                .iter()
                .map(|run| run.end - run.start)
                .sum::<u32>()
        );
        set.runs().iter().flat_map(Clone::clone).collect()
    }

    /// Every second block of so many.
    fn comb(blocks: u32) -> RangeSet {
        RangeSet::from_runs((0..blocks).map(|block| 2 * block..2 * block + 1).collect())
    }

    #[test]
    fn sets_of_very_many_runs_are_merged_in_one_pass() {
        let mut set = comb(400_000);
        let before = SINGLE.get();
        set.subtract(&comb(200_000));
        assert_eq!(set.len(), 200_000);
        set.extend(&comb(400_000));
        assert_eq!(set.runs().len(), 400_000);
        assert_eq!(SINGLE.get(), before, "none of them one by one");
        set.subtract(&comb(FEW as u32));
        assert_eq!(SINGLE.get(), before + FEW, "the count counts");
    }

    #[test]
    fn close_runs_become_one() {
        let (mut set, _) = set_of(&[(0, 1), (3, 1), (5, 1), (20, 5), (26, 1), (90, 1)]);
        set.coarsen(3);
        assert_eq!(set.runs(), [0..6, 20..27, 90..91]);
        let mut set = comb(1000);
        set.coarsen(999);
        assert!(set.runs().len() <= 999);
        blocks(&set);
    }

    mqdrop_testing::properties! {
        fn sets_are_joined_and_parted(
            left in proptest::collection::vec((0u32..200, 1u32..5), 0..40),
            right in proptest::collection::vec((0u32..200, 1u32..9), 0..40),
            most in 1usize..20,
        ) {
            let ((left, left_model), (right, right_model)) = (set_of(&left), set_of(&right));
            let mut both = left.clone();
            both.extend(&right);
            prop_assert_eq!(blocks(&both), &left_model | &right_model);
            let mut rest = left.clone();
            rest.subtract(&right);
            prop_assert_eq!(blocks(&rest), &left_model - &right_model);
            let mut first = left.clone();
            first.keep_runs(most);
            prop_assert!(first.runs().len() <= most && left.runs().starts_with(first.runs()));
            blocks(&first);
            let mut coarse = left.clone();
            coarse.coarsen(most);
            prop_assert!(coarse.runs().len() <= most && blocks(&coarse).is_superset(&left_model));
        }

        fn behaves_as_a_set(ops in ops(), probe in 0u32..100) {
            let mut set = RangeSet::default();
            let mut model = BTreeSet::new();
            for op in ops {
                match op {
                    Op::Insert(range) => {
                        model.extend(range.clone());
                        set.insert(range);
                    }
                    Op::Remove(range) => {
                        model.retain(|block| !range.contains(block));
                        set.remove(range);
                    }
                }
                let listed: Vec<u32> = set.runs().iter().flat_map(Clone::clone).collect();
                prop_assert_eq!(listed, model.iter().copied().collect::<Vec<_>>());
                prop_assert_eq!(set.len() as usize, model.len());
                prop_assert!(set.runs().windows(2).all(|pair| pair[0].end < pair[1].start));
            }
            prop_assert_eq!(set.missing(probe..probe + 1).is_empty(), model.contains(&probe));
            let missing: Vec<u32> = set.missing(10..90).into_iter().flatten().collect();
            prop_assert_eq!(missing, (10..90).filter(|b| !model.contains(b)).collect::<Vec<_>>());
            let next = set.next_from(probe).map(|run| run.start);
            prop_assert_eq!(next, model.range(probe..).next().copied());
        }
    }
}
