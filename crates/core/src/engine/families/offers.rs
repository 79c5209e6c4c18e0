//! Offers of other devices, and how many of them are taken notice of.

use mqdrop_mqtt::Time;

use crate::api::Event;
use crate::engine::Engine;
use crate::identity::is_proof;
use crate::ids::{DeviceId, ParcelId, RoomId, Token};
use crate::incoming::Incoming;
use crate::io::StoreRequest;
use crate::message::{Body, EndReason, Offer};
use crate::notes::Origin;
use crate::outgoing::MAX_PERSONS;

/// The most parcels of one device that may wait for an answer, or are texts on their way.
const MAX_OFFERS_OF_ONE: usize = 100;
/// The most incoming parcels in all.
pub(in crate::engine) const MAX_INCOMING: usize = 1000;
/// Bytes of manifests under way above which no further file is accepted without a user.
const MAX_MANIFESTS: u64 = 64 * 1024 * 1024;
/// Bytes of texts, under way or shown, above which older ones make room.
const MAX_TEXTS: u64 = 64 * 1024 * 1024;

impl Engine {
    /// `sender` has a parcel for this device.
    #[inline(never)]
    pub(super) fn handle_offer(&mut self, room: RoomId, sender: DeviceId, offer: Offer, now: Time) {
        let parcel = offer.parcel;
        if !is_proof(&offer.parcel_key, parcel, sender, &offer.proof) {
            return;
        }
        let Some(here) = self.rooms.get_mut(&room) else {
            return;
        };
        // Nobody sends without saying who it is: a person who is muted would come back like that. It is
        // asked, and offers its parcel again when it has answered.
        if here.peers.person(sender).is_none() {
            return here.ask_who_it_is(sender, now);
        }
        // No answer: its author is told that it arrived only where somebody reads it.
        if offer.text && !here.takes_texts {
            return;
        }
        if let Some(persons) = &offer.persons {
            let me = here.voice.card().id();
            if persons.len() > MAX_PERSONS || !persons.contains(&me) {
                return;
            }
        }
        if let Some(incoming) = here.parcels.incoming.get_mut(&parcel) {
            incoming.handle_offer(&offer, sender, now, &mut here.parcels.cx);
            return;
        }
        // Storage goes by the id, which another room has already.
        if self.room_with(parcel).is_some() || self.kept.contains_key(&parcel) {
            return;
        }
        let considered = self.consider(room, offer, sender, now);
        let fits = match &considered {
            Ok(incoming) if incoming.is_text() => self.make_room_for_text(incoming.total()),
            Ok(incoming) => {
                let manifests = self.incoming().map(|(_, it)| it.manifest_under_way());
                manifests.sum::<u64>() + incoming.manifest_len() <= MAX_MANIFESTS
            }
            Err(_) => false,
        };
        let Some(here) = self.rooms.get_mut(&room) else {
            return;
        };
        let unasked = here.accepts_from(here.peers.person(sender));
        let parcels = &mut here.parcels;
        let mut incoming = match considered {
            Ok(incoming) => incoming,
            Err(reason) => {
                let ending = reason.ending(parcel);
                parcels.cx.answer(sender, Body::Decline(ending));
                return;
            }
        };
        if (unasked || incoming.is_text()) && fits {
            incoming.accept(now, &mut parcels.cx);
        } else {
            parcels.cx.answer(sender, Body::Seen(incoming.answer()));
        }
        parcels.incoming.insert(parcel, incoming);
        parcels.cx.event(Event::Transfer(parcel));
    }

    /// All incoming parcels, of all rooms.
    pub(in crate::engine) fn incoming(&self) -> impl Iterator<Item = (ParcelId, &Incoming)> {
        let rooms = self.rooms.values();
        let parcels = rooms.flat_map(|room| room.parcels.incoming.iter());
        parcels.map(|(parcel, incoming)| (*parcel, incoming))
    }

    fn find_incoming(&self, is_meant: impl Fn(&Incoming) -> bool) -> Option<ParcelId> {
        let mut incoming = self.incoming();
        let (parcel, _) = incoming.find(|(_, incoming)| is_meant(incoming))?;
        Some(parcel)
    }

    /// Forgets texts that the user has until there is room for another one. Whether there is.
    fn make_room_for_text(&mut self, len: u64) -> bool {
        loop {
            let in_use: u64 = self.incoming().map(|(_, it)| it.text_in_use()).sum();
            if in_use + len <= MAX_TEXTS {
                return true;
            }
            let is_shown = |it: &Incoming| it.is_done() && it.is_text();
            let Some(shown) = self.find_incoming(is_shown) else {
                return false;
            };
            self.forget(shown);
        }
    }

    /// Tells whether there is room for one more; `Err` is what to answer.
    fn consider(
        &mut self,
        room: RoomId,
        offer: Offer,
        sender: DeviceId,
        now: Time,
    ) -> Result<Incoming, EndReason> {
        let of_one = self
            .incoming()
            .filter(|(_, it)| it.sender() == sender && it.is_pending());
        if of_one.count() >= MAX_OFFERS_OF_ONE {
            return Err(EndReason::TooMany);
        }
        if self.incoming().count() >= MAX_INCOMING {
            let over = self.find_incoming(Incoming::is_disposable);
            self.forget(over.ok_or(EndReason::TooMany)?);
        }
        let room = self.rooms.get(&room).ok_or(EndReason::Unknown)?;
        let origin = Origin {
            room: room.voice.room(),
            sender,
            sender_name: room.peers.name(sender),
            token: Some(Token(self.random.bytes())),
            person: room.peers.person(sender),
            time: room.wall(now),
        };
        Incoming::new(offer, origin, self.sums)
    }

    /// Takes an incoming parcel off the list and frees its storage.
    pub(in crate::engine) fn forget(&mut self, parcel: ParcelId) {
        let Some(room) = self.room_with(parcel) else {
            return;
        };
        if let Some(incoming) = room.parcels.incoming.remove(&parcel) {
            if incoming.is_stored() {
                room.parcels
                    .cx
                    .store
                    .push_back(StoreRequest::Discard { parcel });
            }
            room.parcels.cx.event(Event::Transfer(parcel));
        }
    }
}
