//! A device's storage, and what may be wrong with it.

use core::ops::Range;

use mqdrop_core::{ParcelId, StoreError, StoreReply, StoreRequest};

use crate::machine::Machine;
use crate::random::Random;

/// The fault of reading back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// All of it is as it was written.
    Whole,
    /// A byte is another one.
    Damaged,
    /// The end is missing.
    Short,
    /// Nothing is read.
    Failing,
}

/// Writes that may be lost in a power cut.
#[derive(Default)]
pub(crate) struct Unflushed {
    /// Where content was written, and what was there before.
    writes: Vec<(usize, Vec<u8>)>,
    /// Bytes of notes that are on the disk.
    noted: usize,
}

impl Machine {
    /// Does what the engine asks of its storage, as far as that is not broken.
    pub(crate) fn change_store(&mut self, request: StoreRequest) -> Option<StoreReply> {
        match request {
            StoreRequest::Create { parcel, size } if size > self.space => {
                let available = Some(self.space);
                let error = StoreError::NoSpace { available };
                Some(StoreReply::Failed { parcel, error })
            }
            StoreRequest::Create { parcel, size } => {
                self.notes.remove(&parcel);
                self.stores.insert(parcel, vec![0xee; size as usize]);
                self.written.insert(parcel, vec![false; size as usize]);
                self.unflushed.insert(parcel, Unflushed::default());
                Some(StoreReply::Created { parcel })
            }
            StoreRequest::Write {
                parcel,
                offset,
                data,
            } => {
                let Some(store) = self.stores.get_mut(&parcel) else {
                    return Some(gone(parcel));
                };
                if let Some(error) = self.broken.clone() {
                    return Some(StoreReply::Unwritten {
                        parcel,
                        offset,
                        data,
                        error,
                    });
                }
                let (offset, len) = (offset as usize, data.len());
                let place = &mut store[offset..offset + len];
                if self.may_lose_power {
                    let unflushed = self.unflushed.entry(parcel).or_default();
                    unflushed.writes.push((offset, place.to_vec()));
                }
                place.copy_from_slice(&data);
                if let Some(written) = self.written.get_mut(&parcel) {
                    written[offset..offset + len].fill(true);
                }
                Some(StoreReply::Written { parcel, len })
            }
            StoreRequest::Note { parcel, note } => {
                assert!(self.stores.contains_key(&parcel), "a note without a place");
                let notes = self.notes.entry(parcel).or_default();
                let is_first = notes.is_empty();
                notes.extend(note);
                if is_first {
                    // As the browser's driver does.
                    self.unflushed.entry(parcel).or_default().noted = notes.len();
                }
                None
            }
            StoreRequest::Read {
                parcel,
                offset,
                len,
            } => {
                let Some(store) = self.stores.get(&parcel) else {
                    let error = StoreError::Gone;
                    return Some(StoreReply::Unread {
                        parcel,
                        offset,
                        error,
                    });
                };
                let mut data = store[offset as usize..offset as usize + len].to_vec();
                match self.reads {
                    Reads::Whole => {}
                    Reads::Damaged => data[len / 2] ^= 1,
                    Reads::Short => data.truncate(len / 2),
                    Reads::Failing => {
                        let error = StoreError::Told("it could not be read".into());
                        return Some(StoreReply::Unread {
                            parcel,
                            offset,
                            error,
                        });
                    }
                }
                Some(StoreReply::Read {
                    parcel,
                    offset,
                    data: data.into(),
                })
            }
            StoreRequest::Finish { parcel, left_out } => {
                if !self.stores.contains_key(&parcel) || !self.is_whole(parcel, &left_out) {
                    return Some(gone(parcel));
                }
                if let Some(error) = self.broken.clone() {
                    return Some(StoreReply::Failed { parcel, error });
                }
                let noted = self.notes.get(&parcel).map_or(0, Vec::len);
                let writes = Vec::new();
                self.unflushed.insert(parcel, Unflushed { writes, noted });
                *self.finished.entry(parcel).or_default() += 1;
                Some(StoreReply::Finished { parcel })
            }
            StoreRequest::Discard { parcel } => {
                // Its user may want it once more.
                self.finished.remove(&parcel);
                self.notes.remove(&parcel);
                self.stores.remove(&parcel);
                self.written.remove(&parcel);
                self.unflushed.remove(&parcel);
                None
            }
        }
    }

    /// Tells whether everything was written but for what is left out.
    fn is_whole(&self, parcel: ParcelId, left_out: &[Range<u64>]) -> bool {
        let is_left_out = |at: usize| left_out.iter().any(|range| range.contains(&(at as u64)));
        let mut written = self.written[&parcel].iter().enumerate();
        written.all(|(at, written)| *written || is_left_out(at))
    }

    /// The power goes: some of what is not on the disk is not there afterwards.
    pub(crate) fn lose_power(&mut self, random: &mut Random) {
        for (parcel, unflushed) in std::mem::take(&mut self.unflushed) {
            if let Some(store) = self.stores.get_mut(&parcel) {
                for (offset, before) in unflushed.writes.into_iter().rev() {
                    if random.one_in(2) {
                        store[offset..offset + before.len()].copy_from_slice(&before);
                    }
                }
            }
            if let Some(notes) = self.notes.get_mut(&parcel) {
                let left = random.range(unflushed.noted as u64, notes.len() as u64 + 1);
                notes.truncate(left as usize);
            }
        }
    }
}

fn gone(parcel: ParcelId) -> StoreReply {
    let error = StoreError::Gone;
    StoreReply::Failed { parcel, error }
}
