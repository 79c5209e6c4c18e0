//! The sender of a parcel, as its receiver knows it: which device it is, whether it is here, and how
//! it is spoken to.

use crate::effects::Effects;
use crate::ids::{DeviceId, ParcelId, PersonId};
use crate::io::StoreRequest;
use crate::message::{Body, EndReason, Ending, Offer, ParcelRef, Receipt};
use crate::notes::{Accepted, Note, Origin};

/// As often it is noted that another device sends a parcel: senders choose how often that is.
/// A sender that offers it after a restart is known by the parcel's key all the same.
const MAX_NOTED: u32 = 100;

/// The sender of one parcel.
pub(super) struct Sender {
    origin: Origin,
    is_present: bool,
    is_paused: bool,
    /// The number of notes about which device it is.
    noted: u32,
}

impl Sender {
    /// One whose offer has just come.
    pub(super) fn new(origin: Origin, is_paused: bool) -> Self {
        Self {
            origin,
            is_present: true,
            is_paused,
            noted: 0,
        }
    }

    /// One that was noted so often before a restart, and was not heard of since.
    pub(super) fn kept(self, noted: u32) -> Self {
        Self {
            is_present: false,
            noted,
            ..self
        }
    }

    pub(super) fn device(&self) -> DeviceId {
        self.origin.sender
    }

    /// Its name when it offered the parcel.
    pub(super) fn name(&self) -> &str {
        &self.origin.sender_name
    }

    /// Its person, if it introduced itself before it offered the parcel.
    pub(super) fn person(&self) -> Option<PersonId> {
        self.origin.person
    }

    /// When it offered the parcel first, in ms since 1970.
    pub(super) fn time(&self) -> u64 {
        self.origin.time
    }

    /// The room that it offered the parcel in.
    pub(super) fn room(&self) -> &str {
        &self.origin.room
    }

    pub(super) fn is_present(&self) -> bool {
        self.is_present
    }

    /// Returns whether its user stopped the parcel for now.
    pub(super) fn is_paused(&self) -> bool {
        self.is_paused
    }

    pub(super) fn set_present(&mut self, present: bool) {
        self.is_present = present;
    }

    pub(super) fn set_paused(&mut self, paused: bool) {
        self.is_paused = paused;
    }

    /// The parcel is offered again by `device`. Returns whether that is another one than before.
    pub(super) fn offers_again(&mut self, device: DeviceId, paused: bool) -> bool {
        self.is_present = true;
        self.is_paused = paused;
        std::mem::replace(&mut self.origin.sender, device) != device
    }

    /// The sender is the device of `other` now, and stands as that does.
    pub(super) fn take_over(&mut self, other: &Self) {
        self.origin.sender = other.origin.sender;
        self.is_present = other.is_present;
        self.is_paused = other.is_paused;
    }

    /// Has it told something.
    pub(super) fn tell(&self, body: Body, cx: &mut Effects) {
        cx.send(self.device(), body);
    }

    /// Has it told something that it asked for, which counts as an answer.
    pub(super) fn answer(&self, body: Body, cx: &mut Effects) {
        cx.answer(self.device(), body);
    }

    /// A parcel, in words to its sender.
    pub(super) fn reference(&self, parcel: ParcelId) -> ParcelRef {
        ParcelRef {
            parcel,
            token: self.origin.token,
        }
    }

    /// The message that a parcel is here, all but so many files.
    pub(super) fn receipt(&self, parcel: ParcelId, without: u32) -> Receipt {
        Receipt {
            parcel,
            token: self.origin.token,
            without: (without > 0).then_some(without),
        }
    }

    /// The message that a parcel ended here.
    pub(super) fn ending(&self, parcel: ParcelId, reason: &EndReason) -> Ending {
        Ending {
            token: self.origin.token,
            ..reason.ending(parcel)
        }
    }

    /// Notes that what it offered was accepted, as often as it is another device.
    pub(super) fn note(&mut self, offer: &Offer, cx: &mut Effects) {
        if self.noted >= MAX_NOTED {
            return;
        }
        self.noted += 1;
        let accepted = Accepted {
            offer: offer.clone(),
            origin: self.origin.clone(),
        };
        cx.store.push_back(StoreRequest::Note {
            parcel: offer.parcel,
            note: Note::Accepted(accepted).to_bytes(),
        });
    }
}
