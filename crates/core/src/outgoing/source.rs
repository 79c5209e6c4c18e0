//! The files that a parcel is read from, and what is known of them.

use super::gaps::Gaps;
use super::original::Files;
use crate::hash::ParcelHashes;
use crate::layout::{Layout, Region};
use crate::ranges::RangeSet;

pub(super) struct Source {
    pub(super) files: Files,
    /// It was sent before a restart, or before the room was left.
    pub(super) restored: bool,
    pub(super) hashes: ParcelHashes,
    /// The files' hashes one after the other, once all are known.
    pub(super) digests: Option<Vec<u8>>,
    pub(super) gaps: Gaps,
}

impl Source {
    /// Of files that are here and not read yet.
    pub(super) fn new(layout: &Layout) -> Self {
        Self {
            files: Files::Here,
            restored: false,
            hashes: ParcelHashes::new(layout),
            digests: None,
            gaps: Gaps::default(),
        }
    }

    /// Tells whether they can be read.
    pub(super) fn is_here(&self) -> bool {
        matches!(self.files, Files::Here)
    }

    /// Returns whether all hashes are known now, and were not before.
    pub(super) fn learn_digests(&mut self) -> bool {
        if self.digests.is_some() {
            return false;
        }
        self.digests = self.hashes.to_bytes();
        self.digests.is_some()
    }

    /// Blocks of content that can be read.
    pub(super) fn readable(&self, layout: &Layout) -> RangeSet {
        let mut blocks = RangeSet::of(layout.region(Region::Content));
        blocks.subtract(&self.gaps.blocks);
        blocks
    }
}
