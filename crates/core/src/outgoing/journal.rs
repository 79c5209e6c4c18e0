//! Notes of a parcel that is sent, so that it can go on after a restart.

use super::receiver::Receiver;
use crate::effects::Effects;
use crate::hash::CHECK;
use crate::ids::{DeviceId, ParcelId};
use crate::io::StoreRequest;
use crate::notes::{Beginning, Blocks, Note};

/// The notes of one parcel.
pub(super) struct Journal {
    parcel: ParcelId,
    place: Place,
    /// The number of beginnings that were noted.
    begun: u32,
    /// Somebody has it, or had it before a restart.
    delivered: bool,
}

/// The place that storage has for a parcel's notes.
enum Place {
    /// Nothing.
    No,
    /// A place was asked for; this is to be noted then.
    Asked(Vec<Blocks>),
    /// It has notes.
    Yes,
}

impl Journal {
    /// Of a parcel that has no notes.
    pub(super) fn new(parcel: ParcelId) -> Self {
        Self {
            parcel,
            place: Place::No,
            begun: 0,
            delivered: false,
        }
    }

    /// Of a parcel that storage kept, with so many beginnings.
    pub(super) fn kept(parcel: ParcelId, begun: u32, delivered: bool) -> Self {
        Self {
            parcel,
            place: Place::Yes,
            begun,
            delivered,
        }
    }

    /// Gives the notes to whoever goes on with the parcel.
    pub(super) fn hand_over(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.parcel))
    }

    /// Asks storage for a place, unless there is one.
    pub(super) fn ask(&mut self, cx: &mut Effects) {
        if matches!(self.place, Place::No) {
            self.place = Place::Asked(Vec::new());
            cx.store.push_back(StoreRequest::Create {
                parcel: self.parcel,
                size: 0,
            });
        }
    }

    /// Storage has no place. After a restart the parcel is gone.
    pub(super) fn handle_failed(&mut self) {
        if matches!(self.place, Place::Asked(_)) {
            self.place = Place::No;
        }
    }

    /// Storage made the place. Answers what was to be noted then.
    pub(super) fn open(&mut self) -> Vec<Blocks> {
        match std::mem::replace(&mut self.place, Place::Yes) {
            Place::Asked(blocks) => blocks,
            Place::No | Place::Yes => Vec::new(),
        }
    }

    /// Notes something, if there is a place for it.
    pub(super) fn note(&self, note: &Note, cx: &mut Effects) {
        if matches!(self.place, Place::Yes) {
            cx.store.push_back(StoreRequest::Note {
                parcel: self.parcel,
                note: note.to_bytes(),
            });
        }
    }

    /// These blocks were read, and may be sent.
    pub(super) fn note_checks(&mut self, checks: &[(u32, [u8; CHECK])], cx: &mut Effects) {
        match &mut self.place {
            Place::No => {}
            Place::Asked(blocks) => blocks.extend(Blocks::of(checks)),
            Place::Yes => {
                for blocks in Blocks::of(checks) {
                    self.note(&Note::Blocks(blocks), cx);
                }
            }
        }
    }

    /// All digests are known: they will be noted instead of what waits to be.
    pub(super) fn pass_over_checks(&mut self) {
        if let Place::Asked(blocks) = &mut self.place {
            *blocks = Vec::new();
        }
    }

    /// Notes that a receiver has begun, unless that was noted, or `most` were.
    pub(super) fn note_beginning(
        &mut self,
        device: DeviceId,
        receiver: &mut Receiver,
        most: u32,
        cx: &mut Effects,
    ) {
        let may_note = matches!(self.place, Place::Yes) && self.begun < most;
        if may_note && receiver.is_receiving() && !std::mem::replace(&mut receiver.noted, true) {
            self.begun += 1;
            let beginning = Beginning {
                device,
                name: receiver.name.clone(),
                token: receiver.token,
            };
            self.note(&Note::Begins(beginning), cx);
        }
    }

    /// Notes that a receiver is not waited for any more, if it was noted.
    pub(super) fn note_end(&self, device: DeviceId, receiver: &mut Receiver, cx: &mut Effects) {
        if std::mem::take(&mut receiver.noted) {
            self.note(&Note::Ends(device), cx);
        }
    }

    /// Somebody has it, whole and verified.
    pub(super) fn note_delivery(&mut self, cx: &mut Effects) {
        if !std::mem::replace(&mut self.delivered, true) {
            self.note(&Note::Delivered, cx);
        }
    }

    /// Tells whether somebody has it, or had it before a restart.
    pub(super) fn is_delivered(&self) -> bool {
        self.delivered
    }

    /// Nobody needs to go on with it after a restart.
    pub(super) fn close(&mut self, cx: &mut Effects) {
        if matches!(self.place, Place::Yes) {
            self.place = Place::No;
            self.begun = 0;
            let parcel = self.parcel;
            cx.store.push_back(StoreRequest::Discard { parcel });
        }
    }
}
