//! The states of a parcel: the facts that the engine decides by.

use super::{Incoming, Phase};
use crate::ids::{DeviceId, ParcelId, PersonId};

impl Incoming {
    pub(crate) fn parcel(&self) -> ParcelId {
        self.offer.parcel
    }

    pub(crate) fn sender(&self) -> DeviceId {
        self.sender.device()
    }

    pub(crate) fn sender_name(&self) -> &str {
        self.sender.name()
    }

    /// The person who sends it, if it is known.
    pub(crate) fn person(&self) -> Option<PersonId> {
        self.sender.person()
    }

    pub(crate) fn is_text(&self) -> bool {
        self.offer.text
    }

    pub(crate) fn is_offered(&self) -> bool {
        matches!(self.phase, Phase::Offered)
    }

    /// Whether it is whole and the user has it.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done { .. })
    }

    /// Tells whether it is here and its sender has yet to be told, when it is back.
    pub(crate) fn owes_receipt(&self) -> bool {
        matches!(
            self.phase,
            Phase::Done {
                receipt_due: true,
                ..
            }
        )
    }

    /// Whether everything is here and was verified: nobody but this user may end it.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.phase {
            Phase::Finishing(_) | Phase::Done { .. } => true,
            Phase::Restoring(restoring) => restoring.was_whole(),
            _ => false,
        }
    }

    /// Whether it ended without being whole.
    pub(crate) fn has_failed(&self) -> bool {
        !self.is_offered() && !self.is_under_way() && !self.is_done()
    }

    /// Whether it waits for an answer, or is a text on its way.
    pub(crate) fn is_pending(&self) -> bool {
        self.is_offered() || (self.offer.text && self.is_under_way())
    }

    /// Whether nothing is lost with it: it is over, and no file is kept for it.
    pub(crate) fn is_disposable(&self) -> bool {
        !self.is_offered() && !self.is_under_way() && !self.is_stored()
    }

    /// Whether storage holds it for the user.
    pub(crate) fn is_stored(&self) -> bool {
        self.is_done() && !self.offer.text
    }

    /// Bytes of its manifest.
    pub(crate) fn manifest_len(&self) -> u64 {
        self.offer.manifest_len
    }

    /// Bytes that its manifest may still take before it is known to be genuine.
    pub(crate) fn manifest_under_way(&self) -> u64 {
        match &self.phase {
            Phase::Opening { .. } => self.offer.manifest_len,
            Phase::Receiving(receiving) if receiving.content.manifest().is_none() => {
                self.offer.manifest_len
            }
            _ => 0,
        }
    }

    /// Bytes of memory that it takes for a text, also when the user has it. Files go to storage.
    pub(crate) fn text_in_use(&self) -> u64 {
        if self.is_text() && (self.is_under_way() || self.is_done()) {
            self.offer.total
        } else {
            0
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        matches!(
            self.phase,
            Phase::Opening { .. } | Phase::Restoring(_) | Phase::Receiving(_) | Phase::Finishing(_)
        )
    }
}
