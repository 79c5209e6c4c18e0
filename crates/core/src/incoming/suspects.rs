//! Blocks that came before frames had to be signed, where somebody forges them: if a file's hash is
//! not as it should be, only these are fetched again. The rest of the file is read back to be hashed anew.

use core::ops::Range;

use crate::ranges::RangeSet;

/// Blocks that are read back at once: 4 MiB.
const READ: u32 = 256;

#[derive(Default)]
pub(super) struct Suspects {
    /// Blocks that anyone in the room may have written.
    unsigned: RangeSet,
    /// Blocks that are held and are to be hashed again.
    unhashed: RangeSet,
    /// It is being read.
    pub(super) reading: Option<Range<u32>>,
}

impl Suspects {
    /// All of this came without signatures.
    pub(super) fn suspect(&mut self, held: &RangeSet) {
        self.unsigned = held.clone();
    }

    /// Some of these blocks, which are a file's, are not the sender's. Returns those that are to be
    /// fetched again: all of them, if none is more likely than the others.
    pub(super) fn accuse(&mut self, file: &Range<u32>) -> RangeSet {
        let mut genuine = RangeSet::of(file.clone());
        genuine.subtract(&self.unsigned);
        self.unsigned.remove(file.clone());
        self.unhashed.remove(file.clone());
        let mut accused = RangeSet::of(file.clone());
        if genuine.len() < accused.len() {
            accused.subtract(&genuine);
            self.unhashed.extend(&genuine);
        }
        accused
    }

    /// Returns whether something is still to be read back.
    pub(super) fn has_unhashed(&self) -> bool {
        !self.unhashed.is_empty()
    }

    /// The next run to read back, if none is being read.
    pub(super) fn next(&mut self) -> Option<Range<u32>> {
        if self.reading.is_some() {
            return None;
        }
        let run = self.unhashed.next_from(0)?;
        self.reading = Some(run.start..run.end.min(run.start.saturating_add(READ)));
        self.reading.clone()
    }

    /// The run that was read back, unless it is wanted no more.
    pub(super) fn take_read(&mut self) -> Option<Range<u32>> {
        let run = self.reading.take()?;
        let is_wanted = self.unhashed.missing(run.clone()).is_empty();
        self.unhashed.remove(run.clone());
        is_wanted.then_some(run)
    }
}
