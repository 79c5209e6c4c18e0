//! The user's verbs for transfers.

use mqdrop_mqtt::Time;

use super::Engine;
use super::parcels::Parcels;
use super::room::Room;
use crate::api::{AutoAccept, Entry, Event, OfferError};
use crate::cause::TooMuch;
use crate::effects::To;
use crate::ids::{DeviceId, ParcelId, PersonId, RoomId};
use crate::incoming::MAX_TEXT;
use crate::message::{Body, EndReason};
use crate::outgoing::{Address, Audience, MAX_PERSONS, Outgoing};

impl Engine {
    /// Offers files to an audience in a room. The driver answers this parcel's reads from the same files
    /// in the same order.
    ///
    /// # Errors
    /// If this device is not in the room, knows somebody of the audience not, there is no file, or more
    /// than a parcel can hold.
    pub fn offer_files(
        &mut self,
        room: RoomId,
        entries: Vec<Entry>,
        audience: Audience,
        now: Time,
    ) -> Result<ParcelId, OfferError> {
        if entries.is_empty() {
            return Err(OfferError::Empty);
        }
        let room = self.rooms.get_mut(&room).ok_or(OfferError::NoRoom)?;
        let to = room.address(audience)?;
        let outgoing = Outgoing::files(entries, to, &mut self.random);
        let mut outgoing = outgoing.map_err(OfferError::TooLarge)?;
        outgoing.ask_for_notes(&mut room.parcels.cx);
        let parcel = room.offer(outgoing, now);
        self.settle(now);
        Ok(parcel)
    }

    /// Offers a text to an audience in a room.
    ///
    /// # Errors
    /// If this device is not in the room, knows somebody of the audience not, there is no text, or more
    /// than 1 MiB of it.
    pub fn offer_text(
        &mut self,
        room: RoomId,
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
        let room = self.rooms.get_mut(&room).ok_or(OfferError::NoRoom)?;
        let to = room.address(audience)?;
        let outgoing = Outgoing::text(text, to, &mut self.random).map_err(OfferError::TooLarge)?;
        let parcel = room.offer(outgoing, now);
        self.settle(now);
        Ok(parcel)
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
        let room = self.room_with(parcel).ok_or(OfferError::NotWaiting)?;
        let outgoing = room.parcels.outgoing.get_mut(&parcel);
        let outgoing = outgoing.filter(|outgoing| outgoing.lacks_files());
        let outgoing = outgoing.ok_or(OfferError::NotWaiting)?;
        let places = outgoing.choose_again(chosen, &mut room.parcels.cx)?;
        room.offer_again(parcel, now);
        self.settle(now);
        Ok(places)
    }

    /// Accepts these offers in a room from now on, those that wait for an answer included, and asks for
    /// the others each time.
    pub fn set_auto_accept(&mut self, room: RoomId, auto_accept: AutoAccept, now: Time) {
        if let Some(room) = self.rooms.get_mut(&room) {
            room.parcels.auto_accept = auto_accept;
            room.accept_unasked(now);
        }
        self.settle(now);
    }

    /// Takes an offer.
    pub fn accept(&mut self, parcel: ParcelId, now: Time) {
        if let Some(Room { parcels, .. }) = self.room_with(parcel)
            && let Some(incoming) = parcels.incoming.get_mut(&parcel)
        {
            incoming.accept(now, &mut parcels.cx);
        }
        self.settle(now);
    }

    /// Does not take an offer.
    pub fn decline(&mut self, parcel: ParcelId, now: Time) {
        if let Some(Room { parcels, .. }) = self.room_with(parcel)
            && let Some(incoming) = parcels.incoming.get_mut(&parcel)
        {
            incoming.decline(&mut parcels.cx);
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
        if let Some(Room { parcels, .. }) = self.room_with(parcel) {
            if let Some(outgoing) = parcels.outgoing.get_mut(&parcel) {
                outgoing.set_paused(paused, &mut parcels.cx);
            } else if let Some(incoming) = parcels.incoming.get_mut(&parcel) {
                incoming.set_paused(paused, now, &mut parcels.cx);
            }
        }
        self.settle(now);
    }

    /// Ends a transfer on both sides.
    pub fn cancel(&mut self, parcel: ParcelId, now: Time) {
        if let Some(Room { parcels, .. }) = self.room_with(parcel) {
            if let Some(outgoing) = parcels.outgoing.get_mut(&parcel) {
                outgoing.end(EndReason::ByUser, &mut parcels.cx);
            } else if let Some(incoming) = parcels.incoming.get_mut(&parcel) {
                incoming.cancel(EndReason::ByUser, &mut parcels.cx);
            }
        }
        self.settle(now);
    }

    /// Takes a transfer off the list and frees its storage; ends it first if it is not over.
    pub fn remove(&mut self, parcel: ParcelId, now: Time) {
        self.cancel(parcel, now);
        self.forget(parcel);
        if let Some(room) = self.room_with(parcel) {
            room.parcels.outgoing.remove(&parcel);
        }
        self.cx.event(Event::Transfer(parcel));
        self.settle(now);
    }

    /// Does not wait any more for a receiver that is away. If it comes back it is offered the parcel
    /// again, or goes on.
    pub fn forget_receiver(&mut self, parcel: ParcelId, receiver: DeviceId, now: Time) {
        if let Some(Room { parcels, .. }) = self.room_with(parcel)
            && let Some(outgoing) = parcels.outgoing.get_mut(&parcel)
            && outgoing.is_away(receiver)
        {
            outgoing.forget_receiver(receiver, &mut parcels.cx);
        }
        self.settle(now);
    }

    /// Hears nothing more of a person, or hears it again: all of its devices, now and later. They get
    /// nothing, as their acceptance is not heard, though they may see what is offered to the room.
    pub fn mute(&mut self, room: RoomId, person: PersonId, muted: bool, now: Time) {
        if let Some(room) = self.rooms.get_mut(&room)
            && room.people.mute(person, muted, room.wall(now))
        {
            let devices: Vec<DeviceId> = room.peers.of_person(person).collect();
            for device in devices {
                if room.peers.mute(device, muted) {
                    room.handle_muted(device, muted);
                }
            }
            room.tell_people(now);
        }
        self.settle(now);
    }

    /// The user compared a person's words, or takes that back.
    pub fn verify(&mut self, room: RoomId, person: PersonId, verified: bool, now: Time) {
        if let Some(room) = self.rooms.get_mut(&room)
            && room.people.verify(person, verified, room.wall(now))
        {
            room.accept_unasked(now);
            room.tell_people(now);
        }
        self.settle(now);
    }
}

impl Room {
    /// Tells whether offers of a person are accepted without asking.
    pub(super) fn accepts_from(&self, person: Option<PersonId>) -> bool {
        match self.parcels.auto_accept {
            AutoAccept::Off => false,
            AutoAccept::Verified => person.is_some_and(|person| self.people.is_verified(person)),
            AutoAccept::All => true,
        }
    }

    /// Tells the same of a parcel's sender.
    pub(super) fn accepts_unasked(&self, parcel: ParcelId) -> bool {
        let incoming = self.parcels.incoming.get(&parcel);
        incoming.is_some_and(|incoming| self.accepts_from(incoming.person()))
    }

    /// Accepts what waits for an answer and needs none.
    fn accept_unasked(&mut self, now: Time) {
        let waiting = self.parcels.incoming.keys().copied();
        let unasked: Vec<ParcelId> = waiting.filter(|it| self.accepts_unasked(*it)).collect();
        for parcel in unasked {
            if let Some(incoming) = self.parcels.incoming.get_mut(&parcel) {
                incoming.accept(now, &mut self.parcels.cx);
            }
        }
    }

    /// The room that a parcel for this audience goes to.
    fn address(&self, audience: Audience) -> Result<Address, OfferError> {
        let room = self.voice.room();
        let persons = match audience {
            Audience::Room => return Ok(Address::everyone(room)),
            Audience::Present => return Ok(Address::present(room, self.peers.persons_here())),
            Audience::Persons(persons) => persons,
        };
        let is_known = |person: &PersonId| self.people.knows(*person);
        if persons.is_empty() || !persons.iter().all(is_known) {
            return Err(OfferError::UnknownPerson);
        }
        if persons.len() > MAX_PERSONS {
            return Err(OfferError::TooLarge(TooMuch::Persons));
        }
        Ok(Address::persons(room, persons))
    }

    fn offer(&mut self, mut outgoing: Outgoing, now: Time) -> ParcelId {
        let parcel = outgoing.parcel();
        outgoing.set_sender(self.voice.device());
        outgoing.set_time(self.wall(now));
        let is_inside = self.is_inside();
        let Parcels { cx, .. } = &mut self.parcels;
        if is_inside {
            let present = self.peers.present();
            let here = present.map(|device| self.peers.here(device));
            outgoing.announce(here, now, cx);
        }
        if let Some(text) = outgoing.shown_text() {
            cx.event(Event::Text {
                parcel,
                text: text.to_string(),
            });
        }
        cx.event(Event::Transfer(parcel));
        cx.event(Event::Files(parcel));
        self.parcels.outgoing.insert(parcel, outgoing);
        parcel
    }

    /// Offers a parcel whose files are here again.
    pub(super) fn offer_again(&mut self, parcel: ParcelId, now: Time) {
        if !self.is_inside() {
            return;
        }
        if let Some(outgoing) = self.parcels.outgoing.get_mut(&parcel) {
            for device in self.peers.present() {
                let here = self.peers.here(device);
                outgoing.handle_here(here, now, &mut self.parcels.cx);
            }
        }
    }

    /// The user wants to hear nothing more of a device, or to hear it again.
    pub(super) fn handle_muted(&mut self, device: DeviceId, muted: bool) {
        let Parcels {
            incoming,
            outgoing,
            cx,
            ..
        } = &mut self.parcels;
        if muted {
            for (_, incoming) in incoming {
                if incoming.sender() == device && !incoming.is_whole() {
                    incoming.cancel(EndReason::ByUser, cx);
                }
            }
            for (_, outgoing) in outgoing {
                outgoing.forget_receiver(device, cx);
            }
        } else {
            // It answers, and offers again what it has.
            let introduction = self.voice.introduction(0);
            self.push(To::Device(device), Body::Hello(introduction));
        }
        self.tell_peers();
    }
}
