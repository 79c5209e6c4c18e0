//! Whether the files that are chosen again after a restart are those that were being sent.

use core::ops::Range;
use std::collections::VecDeque;

use crate::hash::{CHECK, ParcelHashes};
use crate::layout::{DIGEST, Layout};
use crate::ranges::RangeSet;

/// The files of a parcel, as far as this device can read them.
pub(super) enum Files {
    /// They are here.
    Here,
    /// After a restart, until the user chooses them again.
    Lacking(Original),
    /// Some were chosen whose paths, sizes and times are right; what was sent is compared.
    Checking(Checking),
}

/// The known part of the content that was being sent.
#[derive(Default)]
pub(super) struct Original {
    /// Of blocks that were read, in their order.
    pub(super) checks: VecDeque<(u32, [u8; CHECK])>,
    /// The files' hashes one after the other, if all of them had been read.
    pub(super) digests: Option<Vec<u8>>,
}

/// A comparison under way.
pub(super) struct Checking {
    original: Original,
    /// Blocks that are not compared yet.
    unread: RangeSet,
    /// How many blocks there are to compare.
    blocks: u32,
}

impl Original {
    /// The check of a block, if it is known.
    fn check_of(&self, block: u32) -> Option<[u8; CHECK]> {
        let place = self
            .checks
            .binary_search_by_key(&block, |(block, _)| *block);
        Some(self.checks.get(place.ok()?)?.1)
    }

    /// Begins to compare what is known of what can be read.
    pub(super) fn check(self, readable: &RangeSet) -> Files {
        let mut unread = readable.clone();
        if self.digests.is_none() {
            let mut known = RangeSet::default();
            for (block, _) in &self.checks {
                known.insert(*block..block + 1);
            }
            let mut unknown = readable.clone();
            unknown.subtract(&known);
            unread.subtract(&unknown);
        }
        if unread.is_empty() {
            return Files::Here;
        }
        Files::Checking(Checking {
            original: self,
            blocks: unread.len(),
            unread,
        })
    }
}

impl Checking {
    /// Where the next blocks are that are to be compared; `None` if all were.
    pub(super) fn next(&self) -> Option<Range<u32>> {
        self.unread.next_from(0)
    }

    /// Compares blocks while they are hashed. `Err` is the file that is another one.
    pub(super) fn compare(
        &mut self,
        hashes: &mut ParcelHashes,
        layout: &Layout,
        run: Range<u32>,
        bytes: &[u8],
    ) -> Result<(), usize> {
        self.unread.remove(run.clone());
        let Some(digests) = &self.original.digests else {
            let checks: Vec<_> = run
                .clone()
                .map_while(|block| self.original.check_of(block))
                .collect();
            let genuine = hashes.restore(layout, run.clone(), bytes, &checks);
            let other = genuine.missing(run).into_iter().flatten().next();
            return other.map_or(Ok(()), |block| Err(layout.file_of(block)));
        };
        hashes.add(layout, run.clone(), bytes);
        let files = layout.file_of(run.start)..=layout.file_of(run.end - 1);
        let mut known = files.filter_map(|file| Some((file, hashes.digest(file)?)));
        let other = known.find(|(file, hash)| {
            let digest = digests.chunks_exact(DIGEST as usize).nth(*file);
            digest != Some(&hash.as_bytes()[..])
        });
        other.map_or(Ok(()), |(file, _)| Err(file))
    }

    /// In percent.
    pub(super) fn progress(&self) -> u32 {
        let left = u64::from(self.unread.len()) * 100;
        100 - left.div_ceil(u64::from(self.blocks.max(1))) as u32
    }

    /// Begins anew, with hashes of which nothing is known.
    pub(super) fn again(self, readable: &RangeSet) -> Files {
        self.original.check(readable)
    }

    /// They are others.
    pub(super) fn give_up(self) -> Files {
        Files::Lacking(self.original)
    }
}
