//! A parcel whose files an earlier process was putting in their places when it ended. They are there by
//! now, and its notes are kept: the engine reads the content back from the files, finds it whole, and
//! tells the sender. Without that it would be sent again.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use cap_std::fs::Dir;
use mqdrop_core::StoreError;

use super::super::positioned::read_exact_at;
use super::Saved;
use super::disk::end_within;
use super::moves::Place;
use super::notes::Notes;
use super::part::open_own;
use crate::words;

/// Such a parcel.
pub(super) struct Moved {
    dir: Arc<Dir>,
    /// Its files, as they follow each other in the content.
    places: Vec<Place>,
    size: u64,
    saved: Saved,
    /// The names of the notes and the journal, in the order in which they are removed.
    own: [String; 2],
    /// Nobody else takes it up.
    _lock: Notes,
}

impl Moved {
    pub(super) fn new(
        dir: &Arc<Dir>,
        places: Vec<Place>,
        saved: Saved,
        own: [String; 2],
        lock: Notes,
    ) -> Self {
        Self {
            dir: Arc::clone(dir),
            size: places.last().map_or(0, |last| last.offset + last.size),
            places,
            saved,
            own,
            _lock: lock,
        }
    }

    /// The files that it became.
    pub(super) fn saved(&self) -> &Saved {
        &self.saved
    }

    /// Reads a piece of the content, from the files that have it.
    pub(super) fn read(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        end_within(offset, len, self.size)?;
        let mut data = vec![0; len];
        self.fill(offset, &mut data)
            .map_err(|error| StoreError::Told(words().store_not_read(&error.to_string())))?;
        Ok(data.into())
    }

    fn fill(&self, mut offset: u64, mut target: &mut [u8]) -> io::Result<()> {
        let first = self
            .places
            .partition_point(|place| place.offset + place.size <= offset);
        for place in &self.places[first..] {
            if target.is_empty() {
                break;
            }
            let left = place.offset + place.size - offset;
            let len = usize::try_from(left).map_or(target.len(), |left| left.min(target.len()));
            let (piece, rest) = target.split_at_mut(len);
            if len > 0 {
                let path = place.path.as_ref().ok_or(io::ErrorKind::NotFound)?;
                let file = open_own(&self.dir, path)?;
                read_exact_at(&file, piece, offset - place.offset)?;
            }
            offset += len as u64;
            target = rest;
        }
        Ok(())
    }

    /// The engine has found it whole: nobody needs the notes any more.
    pub(super) fn finish(&self) -> Saved {
        self.discard();
        self.saved.clone()
    }

    /// Removes what is not for the user.
    pub(super) fn discard(&self) {
        for name in &self.own {
            let _ = self.dir.remove_file(name);
        }
    }
}
