//! Blocks that came before frames had to be signed, where somebody forges them: if a file's hash is
//! not as it should be, only these are fetched again. The rest of the file is read back to be hashed anew.

use core::ops::Range;

use super::content::Content;
use super::{Incoming, Phase};
use crate::effects::Effects;
use crate::io::StoreRequest;
use crate::notes::Note;
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
    reading: Option<Range<u32>>,
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
    fn next(&mut self) -> Option<Range<u32>> {
        if self.reading.is_some() {
            return None;
        }
        let run = self.unhashed.next_from(0)?;
        self.reading = Some(run.start..run.end.min(run.start.saturating_add(READ)));
        self.reading.clone()
    }

    /// The run that was read back, unless it is wanted no more.
    fn take_read(&mut self) -> Option<Range<u32>> {
        let run = self.reading.take()?;
        let is_wanted = self.unhashed.missing(run.clone()).is_empty();
        self.unhashed.remove(run.clone());
        is_wanted.then_some(run)
    }
}

impl Incoming {
    /// Notes once that only signed frames are taken: that is not forgotten over a restart.
    pub(super) fn note_signed(&mut self, cx: &mut Effects) {
        let Phase::Receiving(receiving) = &mut self.phase else {
            return;
        };
        let is_new = receiving.signed && !std::mem::replace(&mut receiving.signed_noted, true);
        if is_new && !self.offer.text {
            cx.store.push_back(StoreRequest::Note {
                parcel: self.offer.parcel,
                note: Note::Signed.to_bytes(),
            });
        }
    }

    /// Reads back what is to be hashed again. Whether nothing is, any more.
    pub(super) fn has_hashed_all(&mut self, cx: &mut Effects) -> bool {
        let parcel = self.offer.parcel;
        let Phase::Receiving(receiving) = &mut self.phase else {
            return false;
        };
        if !receiving.content.suspects.has_unhashed() {
            return true;
        }
        // Content that storage has not taken yet could not be read.
        if receiving.unwritten == 0
            && let Some((offset, len)) = receiving.content.next_unhashed()
        {
            cx.store.push_back(StoreRequest::Read {
                parcel,
                offset,
                len,
            });
        }
        false
    }
}

impl Content {
    /// The place of the next run that is to be hashed again, and its length.
    fn next_unhashed(&mut self) -> Option<(u64, usize)> {
        let run = self.suspects.next()?;
        let layout = &self.manifest()?.layout;
        Some((
            layout.content_offset(run.start),
            layout.run_len(&run) as usize,
        ))
    }

    /// Storage read back what lies at `offset`. If that was asked for and is not whole, it is
    /// fetched again.
    pub(super) fn rehash(&mut self, offset: u64, data: &[u8]) {
        let reading = self.suspects.reading.as_ref();
        let Some((reading, manifest)) = reading.zip(self.manifest()) else {
            return;
        };
        if manifest.layout.content_offset(reading.start) != offset {
            return;
        }
        let Some(run) = self.suspects.take_read() else {
            return;
        };
        if !self.hash_again(run.clone(), data) {
            self.forget(run);
        }
    }
}
