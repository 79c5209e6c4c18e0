//! Results of stores, and stores that earlier processes left.

use std::path::PathBuf;

use super::{Fingerprint, Store};

/// The files that a received parcel became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Saved {
    /// The files that were made, relative to the target folder; none if it went to standard output.
    pub(crate) paths: Vec<PathBuf>,
    /// Files of the parcel that were left out, as others were in their way.
    pub(crate) skipped: Vec<PathBuf>,
}

/// A parcel's store that an earlier process left. Dropping it leaves it to a later one.
pub(crate) struct Kept {
    /// For [`Engine::restore`](mqdrop_core::Engine::restore).
    pub(crate) notes: Vec<u8>,
    /// The files of a parcel that was being sent, if they were noted.
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(super) store: Store,
}

/// Everything that earlier processes left.
#[derive(Default)]
pub(crate) struct TakenUp {
    /// Parcels that were being received into the target folder.
    pub(crate) received: Vec<Kept>,
    /// Parcels that were being sent.
    pub(crate) sent: Vec<Kept>,
    /// Parcels that were whole, are in their places by now, and that the engine cannot look at.
    pub(crate) finished: Vec<Saved>,
}

impl Kept {
    /// The files that it became, if it was whole and is in its place already.
    pub(crate) fn saved(&self) -> Option<&Saved> {
        match &self.store {
            Store::Moved(moved) => Some(moved.saved()),
            _ => None,
        }
    }

    /// Frees its space.
    pub(crate) fn discard(self) {
        self.store.discard();
    }
}
