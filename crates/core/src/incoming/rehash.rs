//! Reading back and hashing again the blocks of a file in which others are suspects.

use super::content::Content;
use super::{Incoming, Phase};
use crate::effects::Effects;
use crate::io::StoreRequest;
use crate::notes::Note;

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
