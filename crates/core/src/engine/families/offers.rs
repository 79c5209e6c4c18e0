//! Offers of other devices, and how many of them are taken notice of.

use mqdrop_mqtt::Time;

use crate::api::Event;
use crate::engine::Engine;
use crate::identity::is_proof;
use crate::ids::{DeviceId, ParcelId, Token};
use crate::incoming::Incoming;
use crate::io::StoreRequest;
use crate::message::{Body, EndReason, Offer};
use crate::notes::Origin;

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
    pub(super) fn handle_offer(&mut self, sender: DeviceId, offer: Offer, now: Time) {
        let parcel = offer.parcel;
        if !is_proof(&offer.parcel_key, parcel, sender, &offer.proof) {
            return;
        }
        if let Some(incoming) = self.incoming.get_mut(&parcel) {
            incoming.handle_offer(&offer, sender, now, &mut self.cx);
            return;
        }
        // What is kept of another room has this id already, and storage goes by it.
        if self.outgoing.contains_key(&parcel) || self.kept.contains_key(&parcel) {
            return;
        }
        let mut incoming = match self.consider(offer, sender) {
            Ok(incoming) => incoming,
            Err(reason) => {
                self.cx.answer(sender, Body::Decline(reason.ending(parcel)));
                return;
            }
        };
        let fits = if incoming.is_text() {
            self.make_room_for_text(incoming.total())
        } else {
            let manifests = self.incoming.values().map(Incoming::manifest_under_way);
            manifests.sum::<u64>() + incoming.manifest_len() <= MAX_MANIFESTS
        };
        if (self.auto_accept || incoming.is_text()) && fits {
            incoming.accept(now, &mut self.cx);
        } else {
            self.cx.answer(sender, Body::Seen(incoming.answer()));
        }
        self.incoming.insert(parcel, incoming);
        self.cx.event(Event::Transfer(parcel));
    }

    /// Forgets texts that the user has until there is room for another one. Whether there is.
    fn make_room_for_text(&mut self, len: u64) -> bool {
        loop {
            let in_use: u64 = self.incoming.values().map(Incoming::text_in_use).sum();
            if in_use + len <= MAX_TEXTS {
                return true;
            }
            let mut shown = self.incoming.iter().filter(|(_, i)| i.is_done());
            let Some(shown) = shown.find(|(_, i)| i.is_text()).map(|(parcel, _)| *parcel) else {
                return false;
            };
            self.forget(shown);
        }
    }

    /// Whether there is room for one more; `Err` is what to answer.
    fn consider(&mut self, offer: Offer, sender: DeviceId) -> Result<Incoming, EndReason> {
        let of_one = self
            .incoming
            .values()
            .filter(|i| i.sender() == sender && i.is_pending());
        if of_one.count() >= MAX_OFFERS_OF_ONE {
            return Err(EndReason::TooMany);
        }
        if self.incoming.len() >= MAX_INCOMING {
            let over = self
                .incoming
                .iter()
                .find(|(_, incoming)| incoming.is_disposable());
            let over = over.map(|(parcel, _)| *parcel).ok_or(EndReason::TooMany)?;
            self.forget(over);
        }
        let room = self.room.as_ref().ok_or(EndReason::Unknown)?;
        let origin = Origin {
            room: room.name_in_topics(),
            sender,
            sender_name: room.peers.name(sender),
            token: Some(Token(self.random.bytes())),
        };
        Incoming::new(offer, origin)
    }

    /// Takes an incoming parcel off the list and frees its storage.
    pub(in crate::engine) fn forget(&mut self, parcel: ParcelId) {
        if let Some(incoming) = self.incoming.remove(&parcel) {
            if incoming.is_stored() {
                self.cx.store.push_back(StoreRequest::Discard { parcel });
            }
            self.cx.event(Event::Transfer(parcel));
        }
    }
}
