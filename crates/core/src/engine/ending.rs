//! Questions of a driver that is about to end: whether it may, and what to say of a parcel.

use super::Engine;
use crate::ids::ParcelId;
use crate::incoming::Incoming;
use crate::view::Fault;

impl Engine {
    /// Tells whether the broker has acknowledged all that this device had to say with QoS 1, such as a
    /// receipt. A driver that ends before may leave others without it. The sender of a parcel that was
    /// finished after a restart may be away, and be told when it is back: who ends waits for a while.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.rooms.values().all(|room| {
            room.is_inside()
                && room.unacknowledged.is_empty()
                && room.outbox.is_empty()
                && !room.parcels.incoming.values().any(Incoming::owes_receipt)
        })
    }

    /// The part of this device that keeps a parcel from being delivered, if one does.
    #[must_use]
    pub fn fault(&self, parcel: ParcelId) -> Option<Fault> {
        let parcels = &self.room_of(parcel)?.parcels;
        match parcels.outgoing.get(&parcel) {
            Some(outgoing) => outgoing.fault(),
            None => parcels.incoming.get(&parcel)?.fault(),
        }
    }
}
