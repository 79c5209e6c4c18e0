//! The sender comes and goes, and is told how the parcel stands.

use mqdrop_mqtt::Time;

use super::{Incoming, Phase};
use crate::api::Event;
use crate::effects::Effects;
use crate::message::{Body, ParcelRef};

impl Incoming {
    /// The sender is in the room, new or again.
    pub(crate) fn handle_here(&mut self, now: Time, cx: &mut Effects) {
        self.sender.set_present(true);
        let parcel = self.parcel();
        match &mut self.phase {
            Phase::Receiving(receiving) => receiving.ack.now(now),
            Phase::Offered => {
                // It may be over, and the word of that got lost.
                let seen = self.sender.reference(parcel);
                self.sender.answer(Body::Seen(seen), cx);
            }
            _ => {}
        }
        cx.event(Event::Transfer(parcel));
    }

    /// Notes whether the sender is in the room, as far as this device knows.
    pub(crate) fn set_sender_present(&mut self, present: bool) {
        self.sender.set_present(present);
    }

    /// The sender left the room.
    pub(crate) fn handle_gone(&mut self, cx: &mut Effects) {
        self.sender.set_present(false);
        cx.event(Event::Transfer(self.parcel()));
    }

    pub(crate) fn handle_sender_paused(&mut self, paused: bool, cx: &mut Effects) {
        self.sender.set_paused(paused);
        if let Phase::Receiving(receiving) = &mut self.phase {
            receiving.rate.clear();
        }
        cx.event(Event::Transfer(self.parcel()));
    }

    /// This parcel, to its sender.
    pub(crate) fn answer(&self) -> ParcelRef {
        self.sender.reference(self.parcel())
    }

    /// The message that says how it ended here, if it did.
    fn ending(&self) -> Option<Body> {
        let parcel = self.parcel();
        Some(match &self.phase {
            Phase::Done { content, .. } => {
                let without = content.left_out().len();
                Body::Receipt(self.sender.receipt(parcel, without))
            }
            Phase::Declined(reason) => Body::Decline(self.sender.ending(parcel, reason)),
            Phase::EndedHere(reason) => Body::Cancel(self.sender.ending(parcel, reason)),
            _ => return None,
        })
    }

    /// Tells the sender how it ended here.
    pub(super) fn tell_ending(&self, cx: &mut Effects) {
        if let Some(ending) = self.ending() {
            self.sender.tell(ending, cx);
        }
    }

    /// Tells it again: the word of it got lost.
    pub(super) fn repeat_ending(&self, cx: &mut Effects) {
        if let Some(ending) = self.ending() {
            self.sender.answer(ending, cx);
        }
    }

    /// Notes that it was accepted, and of which sender. Texts have no notes.
    pub(super) fn note_accepted(&mut self, cx: &mut Effects) {
        if !self.offer.text {
            self.sender.note(&self.offer, cx);
        }
    }
}
