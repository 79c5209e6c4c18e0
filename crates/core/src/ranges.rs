//! A set of block numbers, kept as runs.

use core::ops::Range;

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
        for run in &other.runs {
            self.insert(run.clone());
        }
    }

    /// Takes every block of `other` out.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for run in &other.runs {
            self.remove(run.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

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

    mqdrop_testing::properties! {
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
