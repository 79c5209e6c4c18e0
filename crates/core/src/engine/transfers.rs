//! What the user wants of transfers, and their share of the socket.

use mqdrop_mqtt::{QoS, Time};

use super::Engine;
use super::kept::Kept;
use crate::api::{Entry, Event, OfferError};
use crate::cause::TooMuch;
use crate::effects::To;
use crate::ids::{DeviceId, ParcelId};
use crate::incoming::MAX_TEXT;
use crate::io::{ReadError, ReadRequest};
use crate::message::{Body, EndReason};
use crate::outgoing::{Address, Audience, Outgoing};

/// Bytes of frames that are read ahead of the socket, over all parcels.
const READ_AHEAD: u64 = 2 * 1024 * 1024;

impl Engine {
    /// Offers files to an audience. The driver answers this parcel's reads from the same files in the
    /// same order.
    ///
    /// # Errors
    /// If there is no room, no file, or more than a parcel can hold.
    pub fn offer_files(
        &mut self,
        entries: Vec<Entry>,
        audience: Audience,
        now: Time,
    ) -> Result<ParcelId, OfferError> {
        if entries.is_empty() {
            return Err(OfferError::Empty);
        }
        let to = self.address(audience)?;
        let outgoing = Outgoing::files(entries, to, &mut self.random);
        let mut outgoing = outgoing.map_err(OfferError::TooLarge)?;
        outgoing.ask_for_notes(&mut self.cx);
        self.offer(outgoing, now)
    }

    /// The user chose the files of a parcel again that was being sent before a restart. For each of
    /// its files the place among `chosen` is returned: from then on the driver answers its reads.
    /// It goes on once what was sent has been compared; [`Event::Unfit`] says that it was different.
    ///
    /// # Errors
    /// If their paths, sizes or times are not those of the parcel's files.
    pub fn choose_again(
        &mut self,
        parcel: ParcelId,
        chosen: Vec<Entry>,
        now: Time,
    ) -> Result<Vec<usize>, OfferError> {
        let outgoing = self.outgoing.get_mut(&parcel);
        let outgoing = outgoing.filter(|outgoing| outgoing.lacks_files());
        let outgoing = outgoing.ok_or(OfferError::NotWaiting)?;
        let places = outgoing.choose_again(chosen, &mut self.cx)?;
        self.offer_again(parcel, now);
        self.settle(now);
        Ok(places)
    }

    /// Offers a parcel whose files are here again to everyone in the room.
    fn offer_again(&mut self, parcel: ParcelId, now: Time) {
        let room = self.room.as_ref().filter(|room| room.link.is_online());
        if let (Some(room), Some(outgoing)) = (room, self.outgoing.get_mut(&parcel)) {
            for device in room.peers.present() {
                let name = room.peers.name(device);
                outgoing.handle_here(device, name, now, &mut self.cx);
            }
        }
    }

    /// Where a parcel for this audience goes.
    fn address(&self, audience: Audience) -> Result<Address, OfferError> {
        let room = self.room.as_ref().ok_or(OfferError::NoRoom)?;
        Ok(Address {
            room: room.name_in_topics(),
            audience,
        })
    }

    /// Offers a text to an audience.
    ///
    /// # Errors
    /// If there is no room, no text, or more than 1 MiB of it.
    pub fn offer_text(
        &mut self,
        text: &str,
        audience: Audience,
        now: Time,
    ) -> Result<ParcelId, OfferError> {
        if text.is_empty() {
            return Err(OfferError::Empty);
        }
        if text.len() as u64 > MAX_TEXT {
            return Err(OfferError::TooLarge(TooMuch::Text));
        }
        let to = self.address(audience)?;
        let outgoing = Outgoing::text(text, to, &mut self.random).map_err(OfferError::TooLarge)?;
        self.offer(outgoing, now)
    }

    fn offer(&mut self, mut outgoing: Outgoing, now: Time) -> Result<ParcelId, OfferError> {
        let room = self.room.as_ref().ok_or(OfferError::NoRoom)?;
        let parcel = outgoing.parcel();
        outgoing.set_sender(room.identity.device);
        if room.link.is_online() {
            let present = room.peers.present();
            let named = present.map(|device| (device, room.peers.name(device)));
            outgoing.announce(named, now, &mut self.cx);
        }
        if let Some(text) = outgoing.shown_text() {
            self.cx.event(Event::Text {
                parcel,
                text: text.to_string(),
            });
        }
        self.outgoing.insert(parcel, outgoing);
        self.cx.event(Event::Transfer(parcel));
        self.cx.event(Event::Files(parcel));
        self.settle(now);
        Ok(parcel)
    }

    /// Accepts every offer from now on, those that wait for an answer included; or asks each time.
    pub fn set_auto_accept(&mut self, on: bool, now: Time) {
        self.auto_accept = on;
        if on {
            for (_, incoming) in &mut self.incoming {
                incoming.accept(now, &mut self.cx);
            }
        }
        self.settle(now);
    }

    /// Takes an offer.
    pub fn accept(&mut self, parcel: ParcelId, now: Time) {
        if let Some(incoming) = self.incoming.get_mut(&parcel) {
            incoming.accept(now, &mut self.cx);
        }
        self.settle(now);
    }

    /// Does not take an offer.
    pub fn decline(&mut self, parcel: ParcelId, now: Time) {
        if let Some(incoming) = self.incoming.get_mut(&parcel) {
            incoming.decline(&mut self.cx);
        }
        self.settle(now);
    }

    /// Stops a transfer for now, on this side's wish.
    pub fn pause(&mut self, parcel: ParcelId, now: Time) {
        self.set_paused(parcel, true, now);
    }

    /// Goes on with a transfer that this side paused.
    pub fn resume(&mut self, parcel: ParcelId, now: Time) {
        self.set_paused(parcel, false, now);
    }

    fn set_paused(&mut self, parcel: ParcelId, paused: bool, now: Time) {
        if let Some(outgoing) = self.outgoing.get_mut(&parcel) {
            outgoing.set_paused(paused, &mut self.cx);
        } else if let Some(incoming) = self.incoming.get_mut(&parcel) {
            incoming.set_paused(paused, now, &mut self.cx);
        }
        self.settle(now);
    }

    /// Ends a transfer on both sides.
    pub fn cancel(&mut self, parcel: ParcelId, now: Time) {
        if let Some(outgoing) = self.outgoing.get_mut(&parcel) {
            outgoing.end(EndReason::ByUser, &mut self.cx);
        } else if let Some(incoming) = self.incoming.get_mut(&parcel) {
            incoming.cancel(EndReason::ByUser, &mut self.cx);
        }
        self.settle(now);
    }

    /// Takes a transfer off the list and frees its storage; ends it first if it is not over.
    pub fn remove(&mut self, parcel: ParcelId, now: Time) {
        self.cancel(parcel, now);
        self.forget(parcel);
        self.outgoing.remove(&parcel);
        self.cx.event(Event::Transfer(parcel));
    }

    /// Does not wait any more for a receiver that is away. If it comes back it is offered the parcel
    /// again, or goes on.
    pub fn forget_receiver(&mut self, parcel: ParcelId, receiver: DeviceId, now: Time) {
        if let Some(outgoing) = self.outgoing.get_mut(&parcel)
            && outgoing.is_away(receiver)
        {
            outgoing.forget_receiver(receiver, &mut self.cx);
        }
        self.settle(now);
    }

    /// Hears nothing more of a device, or hears it again. It gets nothing, as its acceptance is not
    /// heard, though it may see what is offered to the room. It lasts for as long as the device
    /// keeps its id, which is until it joins anew.
    pub fn mute(&mut self, device: DeviceId, muted: bool, now: Time) {
        let Some(room) = &mut self.room else { return };
        if !room.peers.mute(device, muted) {
            return;
        }
        if muted {
            for (_, incoming) in &mut self.incoming {
                if incoming.sender() == device && !incoming.is_whole() {
                    incoming.cancel(EndReason::ByUser, &mut self.cx);
                }
            }
            for (_, outgoing) in &mut self.outgoing {
                outgoing.forget_receiver(device, &mut self.cx);
            }
        } else if room.link.is_online() {
            // It answers, and offers again what it has.
            let introduction = room.introduction(0);
            room.push(To::Device(device), Body::Hello(introduction));
        }
        self.cx.event(Event::Peers);
        self.settle(now);
    }

    /// The driver read what it was asked to, or could not.
    #[inline(never)]
    pub fn handle_read(&mut self, request: ReadRequest, result: Result<(), ReadError>, now: Time) {
        let parcel = request.parcel;
        let outgoing = self.outgoing.get_mut(&parcel);
        if let Some(outgoing) = outgoing.filter(|_| request.visit == self.visit) {
            let was_checking = outgoing.is_checking();
            outgoing.handle_read(request, result, now, &mut self.cx);
            if was_checking && !outgoing.is_checking() {
                self.offer_again(parcel, now);
            }
        }
        self.settle(now);
    }

    /// What to read next. Several reads may be under way; they may be answered in any order.
    #[inline(never)]
    pub fn poll_read(&mut self, now: Time) -> Option<ReadRequest> {
        let room = self.room.as_ref()?;
        if !room.link.is_online() {
            return None;
        }
        let mut prepared: u64 = self.outgoing.values().map(Outgoing::prepared_bytes).sum();
        for parcel in self.in_turn() {
            let (Some(fit), Some(outgoing)) = (room.fit(parcel), self.outgoing.get_mut(&parcel))
            else {
                continue;
            };
            let others = prepared - outgoing.prepared_bytes();
            let request = outgoing.next_read(&fit, READ_AHEAD.saturating_sub(others), now);
            if let Some(request) = request {
                let visit = self.visit;
                return Some(ReadRequest { visit, ..request });
            }
            prepared = others + outgoing.prepared_bytes();
        }
        None
    }

    /// Publishes the next data frame, of the parcel whose turn it is. False if there is none.
    #[inline(never)]
    pub(super) fn send_frame(&mut self, now: Time) -> bool {
        for parcel in self.in_turn() {
            let (Some(room), Some(outgoing)) = (&mut self.room, self.outgoing.get_mut(&parcel))
            else {
                return false;
            };
            let Some(fit) = room.fit(parcel) else {
                return false;
            };
            let size = &mut room.frame_size;
            if let Some(payload) = outgoing.next_frame(now, &fit, size, &mut self.random) {
                self.turn = Some(parcel);
                // Whatever the session does not take counts as lost and is sent again.
                let _ = room.session.publish(
                    &room.topics.data(parcel),
                    &payload,
                    QoS::AtMostOnce,
                    false,
                    now,
                );
                return true;
            }
        }
        false
    }

    /// The outgoing parcels, beginning behind the one that was served last.
    fn in_turn(&self) -> Vec<ParcelId> {
        let after = |parcel: &&ParcelId| self.turn.is_some_and(|turn| **parcel > turn);
        let (mut later, earlier): (Vec<_>, Vec<_>) = self.outgoing.keys().partition(after);
        later.extend(earlier);
        later
    }

    /// This device leaves the room: keeps what is under way, and ends the rest.
    pub(super) fn end_transfers(&mut self, now: Time) {
        for (parcel, mut outgoing) in std::mem::take(&mut self.outgoing) {
            if let Some(kept) = outgoing.leave(now, &mut self.cx) {
                self.kept.insert(parcel, Kept::Sent(Box::new(kept)));
                self.cx.event(Event::Kept);
            } else {
                outgoing.end(EndReason::Left, &mut self.cx);
            }
            self.cx.event(Event::Transfer(parcel));
        }
        let incoming = std::mem::take(&mut self.incoming);
        for (parcel, mut incoming) in incoming {
            if incoming.leave() {
                self.kept.insert(parcel, Kept::Received(Box::new(incoming)));
                self.cx.event(Event::Kept);
            }
            // What was not accepted is not declined by that: everyone sees that this device left.
            self.cx.event(Event::Transfer(parcel));
        }
    }

    /// Passes on what the transfers want done.
    #[inline(never)]
    pub(super) fn flush_effects(&mut self, now: Time) {
        let Some(room) = &mut self.room else { return };
        for change in self.cx.topics.drain(..) {
            room.change_topic(change);
        }
        room.flush_topics(now);
        for (to, body) in self.cx.messages.drain(..) {
            debug_assert!(
                to != To::Device(room.identity.device),
                "a message to oneself"
            );
            room.push(to, body);
        }
        for (device, body) in self.cx.answers.drain(..) {
            room.answer(device, body, now);
        }
        room.flush(&mut self.random, now);
    }
}
