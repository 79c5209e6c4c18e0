//! What storage kept from before a restart: parcels of this room go on, others wait for theirs.

use mqdrop_mqtt::Time;

use super::offers::MAX_INCOMING;
use super::{Engine, Event, RestoreError, Restored};
use crate::ids::ParcelId;
use crate::incoming::Incoming;
use crate::io::StoreRequest;
use crate::notes::Notes;
use crate::outgoing::Outgoing;
use crate::view::KeptView;

/// A parcel that storage kept.
pub(super) enum Kept {
    Received(Box<Incoming>),
    Sent(Box<Outgoing>),
}

impl Engine {
    /// Takes up a parcel that storage kept, from its notes. From then on its id stands for what was
    /// kept, also if it was just accepted anew and nothing of it arrived yet.
    ///
    /// # Errors
    /// Why it cannot be taken up.
    pub fn restore(&mut self, notes: &[u8], now: Time) -> Result<Restored, RestoreError> {
        let (mut kept, notes_len) = Kept::read(notes).ok_or(RestoreError::Damaged)?;
        let parcel = kept.parcel();
        let restored = Restored {
            parcel,
            notes_len,
            size: kept.bytes(),
        };
        let full = self.incoming.len() + self.kept.len() >= MAX_INCOMING;
        if full || self.outgoing.contains_key(&parcel) || self.kept.contains_key(&parcel) {
            return Err(RestoreError::Busy);
        }
        if let Some(known) = self.incoming.get(&parcel) {
            let me = self.room.as_ref().map(|room| &room.identity);
            match (&mut kept, me) {
                (Kept::Received(restored), Some(me))
                    if known.holds_nothing() && restored.is_same(known, me) =>
                {
                    restored.take_offer(known);
                }
                _ => return Err(RestoreError::Busy),
            }
            self.incoming.remove(&parcel);
        }
        self.kept.insert(parcel, kept);
        self.take_up_kept(now);
        self.settle(now);
        Ok(restored)
    }

    /// What is kept of other rooms.
    #[must_use]
    pub fn kept(&self) -> KeptView {
        KeptView {
            parcels: self.kept.len(),
            bytes: self.kept.values().map(Kept::bytes).sum(),
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
        let (name, me) = (room.name_in_topics(), room.identity.device);
        let parcels: Vec<ParcelId> = self
            .kept
            .iter()
            .filter(|(_, kept)| kept.room() == name)
            .map(|(parcel, _)| *parcel)
            .collect();
        for parcel in parcels {
            match self.kept.remove(&parcel) {
                Some(Kept::Received(mut incoming)) => {
                    incoming.set_receiver(me);
                    incoming.read_back(self.auto_accept, now, &mut self.cx);
                    self.incoming.insert(parcel, *incoming);
                }
                Some(Kept::Sent(outgoing)) => {
                    self.outgoing.insert(parcel, *outgoing);
                    self.cx.event(Event::Transfer(parcel));
                    self.cx.event(Event::Files(parcel));
                }
                None => {}
            }
        }
    }
}

impl Kept {
    /// `None` if the notes do not tell enough.
    fn read(notes: &[u8]) -> Option<(Self, u64)> {
        let (notes, len) = Notes::read(notes)?;
        let kept = match notes {
            Notes::Received(notes) => Self::Received(Box::new(Incoming::restore(notes)?)),
            Notes::Sent(sent) => Self::Sent(Box::new(Outgoing::restore(sent)?)),
        };
        Some((kept, len as u64))
    }

    fn parcel(&self) -> ParcelId {
        match self {
            Self::Received(incoming) => incoming.parcel(),
            Self::Sent(outgoing) => outgoing.parcel(),
        }
    }

    fn room(&self) -> &str {
        match self {
            Self::Received(incoming) => incoming.room(),
            Self::Sent(outgoing) => outgoing.room(),
        }
    }

    /// What storage holds for it, or has made room for.
    fn bytes(&self) -> u64 {
        match self {
            Self::Received(incoming) => incoming.total(),
            // The files are the user's.
            Self::Sent(_) => 0,
        }
    }
}
