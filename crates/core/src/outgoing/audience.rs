//! Whom a parcel is for.

use crate::ids::DeviceId;

/// Whom a parcel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everyone in the room, and everyone who comes later.
    Room,
}

/// The room that a parcel goes to.
pub(crate) struct Address {
    /// The room's name in topics.
    pub(crate) room: String,
    pub(crate) audience: Audience,
}

impl Audience {
    /// Tells whether a device of the room is meant. Offering asks this, and nothing else.
    pub(super) fn has(self, _device: DeviceId) -> bool {
        match self {
            Self::Room => true,
        }
    }
}
