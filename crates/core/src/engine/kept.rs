//! What storage kept from before a restart: parcels of this room go on, others wait for theirs.

use mqdrop_mqtt::Time;

use super::offers::MAX_INCOMING;
use super::{Engine, Event, RestoreError};
use crate::ids::ParcelId;
use crate::incoming::Incoming;
use crate::io::StoreRequest;
use crate::view::KeptView;

impl Engine {
    /// Takes up a parcel that storage kept, from its notes. From then on its id, which is returned,
    /// stands for what was kept.
    ///
    /// # Errors
    /// Why it cannot be taken up.
    pub fn restore(&mut self, notes: &[u8], now: Time) -> Result<ParcelId, RestoreError> {
        let mut restored = Incoming::restore(notes).ok_or(RestoreError::Damaged)?;
        let parcel = restored.parcel();
        let full = self.incoming.len() + self.kept.len() >= MAX_INCOMING;
        if full || self.outgoing.contains_key(&parcel) || self.kept.contains_key(&parcel) {
            return Err(RestoreError::Busy);
        }
        if let Some(known) = self.incoming.get(&parcel) {
            if !known.is_offered() || !restored.is_same(known) {
                return Err(RestoreError::Busy);
            }
            restored.take_offer(known);
            self.incoming.remove(&parcel);
        }
        self.kept.insert(parcel, restored);
        self.take_up_kept(now);
        self.settle(now);
        Ok(parcel)
    }

    /// What is kept of other rooms.
    #[must_use]
    pub fn kept(&self) -> KeptView {
        KeptView {
            parcels: self.kept.len(),
            bytes: self.kept.values().map(Incoming::total).sum(),
        }
    }

    /// Frees what is kept of other rooms.
    pub fn discard_kept(&mut self) {
        for parcel in std::mem::take(&mut self.kept).into_keys() {
            self.cx.store.push_back(StoreRequest::Discard { parcel });
        }
        self.cx.event(Event::Kept);
    }

    /// Goes on with what was kept of this room.
    pub(super) fn take_up_kept(&mut self, now: Time) {
        self.cx.event(Event::Kept);
        let Some(room) = &self.room else { return };
        let name = room.name_in_topics();
        let parcels: Vec<ParcelId> = self
            .kept
            .iter()
            .filter(|(_, kept)| kept.room() == name)
            .map(|(parcel, _)| *parcel)
            .collect();
        for parcel in parcels {
            if let Some(mut kept) = self.kept.remove(&parcel) {
                kept.read_back(self.auto_accept, now, &mut self.cx);
                self.incoming.insert(parcel, kept);
            }
        }
    }
}
