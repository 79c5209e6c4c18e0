//! Files that are left out of a parcel.

use crate::hash::ParcelHashes;
use crate::io::ReadFault;
use crate::layout::Layout;
use crate::message::LeftOut;
use crate::ranges::RangeSet;

/// The files that are left out of a parcel.
#[derive(Default)]
pub(super) struct Gaps {
    pub(super) files: LeftOut,
    /// Their blocks.
    pub(super) blocks: RangeSet,
    /// The path of the first one, and why it is.
    pub(super) first: Option<(String, ReadFault)>,
}

impl Gaps {
    pub(super) fn insert(
        &mut self,
        file: u32,
        reason: u8,
        layout: &Layout,
        hashes: &mut ParcelHashes,
    ) {
        self.files.insert(file, reason);
        let file = file as usize;
        self.blocks.insert(layout.file_blocks(file));
        hashes.skip(layout, file);
    }

    /// Tells whether a receiver that holds this holds all that there is.
    pub(super) fn complete(&self, held: &RangeSet, total: u32) -> bool {
        if held.len() == total || self.blocks.is_empty() {
            return held.len() == total;
        }
        let mut all = held.clone();
        all.extend(&self.blocks);
        all.len() == total
    }

    /// The files that are left out for a receiver that holds this.
    pub(super) fn of(&self, held: &RangeSet, layout: &Layout, hashes: &ParcelHashes) -> LeftOut {
        let mut left_out = LeftOut::default();
        for (file, reason) in self.files.files() {
            let blocks = layout.file_blocks(file as usize);
            if !held.missing(blocks).is_empty() || !hashes.is_known(file as usize) {
                left_out.insert(file, reason);
            }
        }
        left_out
    }
}
