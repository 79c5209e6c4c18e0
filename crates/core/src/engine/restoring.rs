//! Parcels that storage kept: those of rooms that this device is in go on, others wait for theirs.

use mqdrop_mqtt::Time;

use super::Engine;
use super::families::MAX_INCOMING;
use super::kept::Kept;
use super::room::Room;
use crate::api::{Event, RestoreError, Restored};
use crate::effects::Effects;
use crate::ids::ParcelId;
use crate::incoming::Incoming;
use crate::io::{StoreReply, StoreRequest};
use crate::view::KeptView;

impl Engine {
    /// Takes up a parcel that storage kept, from its notes. From then on its id stands for what was
    /// kept, also if it was just accepted anew and less of it has arrived yet.
    ///
    /// # Errors
    /// The reason why it cannot be taken up.
    pub fn restore(&mut self, notes: &[u8], now: Time) -> Result<Restored, RestoreError> {
        let (mut kept, notes_len) =
            Kept::read(notes, self.sums, now).ok_or(RestoreError::Damaged)?;
        let parcel = kept.parcel();
        let restored = Restored {
            parcel,
            notes_len,
            size: kept.size(),
        };
        let known = self.received(parcel).is_some() || self.kept.contains_key(&parcel);
        if !known && self.incoming().count() + self.kept.len() >= MAX_INCOMING {
            return Err(RestoreError::Busy);
        }
        self.make_way(&mut kept)?;
        self.kept.insert(parcel, kept);
        self.take_up_kept(now);
        self.settle(now);
        Ok(restored)
    }

    /// Drops what this device has of the same parcel, if that is less.
    fn make_way(&mut self, kept: &mut Kept) -> Result<(), RestoreError> {
        let parcel = kept.parcel();
        let Kept::Received(restored) = kept else {
            let known = self.is_sent(parcel) || self.kept.contains_key(&parcel);
            return if known {
                Err(RestoreError::Known)
            } else {
                Ok(())
            };
        };
        if self.is_sent(parcel) {
            return Err(RestoreError::Busy);
        }
        let known = match (self.received(parcel), self.kept.get(&parcel)) {
            (Some(known), _) => known,
            (None, Some(Kept::Received(known))) => known,
            (None, Some(Kept::Sent(_))) => return Err(RestoreError::Busy),
            (None, None) => return Ok(()),
        };
        if known.has_failed() || !restored.is_same(known) {
            return Err(RestoreError::Busy);
        }
        if !restored.holds_more_than(known) {
            return Err(RestoreError::Known);
        }
        restored.take_offer(known);
        if let Some(room) = self.room_with(parcel) {
            room.parcels.incoming.remove(&parcel);
        }
        self.kept.remove(&parcel);
        Ok(())
    }

    fn is_sent(&self, parcel: ParcelId) -> bool {
        let mut rooms = self.rooms.values();
        rooms.any(|room| room.parcels.outgoing.contains_key(&parcel))
    }

    fn received(&self, parcel: ParcelId) -> Option<&Incoming> {
        let mut rooms = self.rooms.values();
        rooms.find_map(|room| room.parcels.incoming.get(&parcel))
    }

    /// The parcels that are kept of rooms that this device is not in.
    #[must_use]
    pub fn kept(&self) -> KeptView {
        KeptView {
            parcels: self.kept.len(),
            damaged: 0,
            damaged_bytes: 0,
            bytes: self.kept.values().map(Kept::size).sum(),
        }
    }

    /// Tells whether a parcel is kept for when its room is entered.
    #[must_use]
    pub fn keeps(&self, parcel: ParcelId) -> bool {
        self.kept.contains_key(&parcel)
    }

    /// Frees what is kept of rooms that this device is not in.
    pub fn discard_kept(&mut self) {
        for (parcel, _) in std::mem::take(&mut self.kept) {
            self.cx.store.push_back(StoreRequest::Discard { parcel });
        }
        self.cx.event(Event::Kept);
    }

    /// Storage answered what was asked before this device left the parcel's room.
    pub(super) fn handle_store_of_kept(&mut self, parcel: ParcelId, reply: &StoreReply, now: Time) {
        // There is nobody to tell: this device may be in another room.
        let mut cx = Effects::default();
        let incoming = match self.kept.get_mut(&parcel) {
            Some(Kept::Received(incoming)) => incoming,
            Some(Kept::Sent(outgoing)) => {
                outgoing.handle_store(reply, &mut cx);
                return self.cx.store.append(&mut cx.store);
            }
            None => return,
        };
        incoming.handle_store(reply, now, &mut cx);
        let has_failed = incoming.has_failed();
        self.cx.store.append(&mut cx.store);
        if has_failed {
            self.kept.remove(&parcel);
            self.cx.event(Event::Kept);
        }
    }

    /// Goes on with what was kept of the rooms that this device is in.
    pub(super) fn take_up_kept(&mut self, now: Time) {
        self.cx.event(Event::Kept);
        for (_, room) in &mut self.rooms {
            let name = room.voice.room();
            let kept = self.kept.iter().filter(|(_, kept)| kept.room() == name);
            let parcels: Vec<ParcelId> = kept.map(|(parcel, _)| *parcel).collect();
            for parcel in parcels {
                if let Some(kept) = self.kept.remove(&parcel) {
                    room.take_up(parcel, kept, now);
                }
            }
        }
    }
}

impl Room {
    fn take_up(&mut self, parcel: ParcelId, kept: Kept, now: Time) {
        match kept {
            Kept::Received(mut incoming) => {
                let unasked = self.accepts_from(incoming.person());
                let parcels = &mut self.parcels;
                let sender = incoming.sender();
                incoming.set_sender_present(self.peers.present().any(|peer| peer == sender));
                incoming.enter(unasked, now, &mut parcels.cx);
                parcels.incoming.insert(parcel, *incoming);
            }
            Kept::Sent(mut outgoing) => {
                outgoing.set_sender(self.voice.device());
                self.parcels.outgoing.insert(parcel, *outgoing);
            }
        }
        self.parcels.cx.event(Event::Transfer(parcel));
        self.parcels.cx.event(Event::Files(parcel));
    }
}
