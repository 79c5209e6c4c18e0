//! Questions of a driver that is about to end: whether it may, and what to say of a parcel.

use super::Engine;
use crate::ids::ParcelId;
use crate::view::Fault;

impl Engine {
    /// Tells whether the broker has acknowledged all that this device said with QoS 1, such as a
    /// receipt. A driver that ends before may leave others without it.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.room.as_ref().is_none_or(|room| {
            room.link.is_online() && room.unacknowledged.is_empty() && room.outbox.is_empty()
        })
    }

    /// The part of this device that keeps a parcel from being delivered, if one does.
    #[must_use]
    pub fn fault(&self, parcel: ParcelId) -> Option<Fault> {
        match self.outgoing.get(&parcel) {
            Some(outgoing) => outgoing.fault(),
            None => self.incoming.get(&parcel)?.fault(),
        }
    }
}
