//! A parcel that storage kept, from before a restart or from an earlier stay in its room.

use mqdrop_mqtt::Time;

use crate::ids::ParcelId;
use crate::incoming::Incoming;
use crate::notes::Notes;
use crate::outgoing::Outgoing;

/// A parcel that storage kept.
pub(super) enum Kept {
    Received(Box<Incoming>),
    Sent(Box<Outgoing>),
}

impl Kept {
    /// `None` if the notes do not tell enough. `sums`: CRC-32 of received files is wanted.
    pub(super) fn read(notes: &[u8], sums: bool, now: Time) -> Option<(Self, u64)> {
        let (notes, len) = Notes::read(notes)?;
        let kept = match notes {
            Notes::Received(notes) => Self::Received(Box::new(Incoming::restore(*notes, sums)?)),
            Notes::Sent(notes) => Self::Sent(Box::new(Outgoing::restore(*notes, now)?)),
        };
        Some((kept, len as u64))
    }

    pub(super) fn parcel(&self) -> ParcelId {
        match self {
            Self::Received(incoming) => incoming.parcel(),
            Self::Sent(outgoing) => outgoing.parcel(),
        }
    }

    pub(super) fn room(&self) -> &str {
        match self {
            Self::Received(incoming) => incoming.room(),
            Self::Sent(outgoing) => outgoing.room(),
        }
    }

    /// The bytes that storage holds for it, or has made room for.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Received(incoming) => incoming.total(),
            // The files are the user's.
            Self::Sent(_) => 0,
        }
    }
}
