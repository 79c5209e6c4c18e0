//! What storage notes of a parcel that is sent, so that it can go on after a restart.

use super::Outgoing;
use crate::effects::Effects;
use crate::hash::CHECK;
use crate::ids::DeviceId;
use crate::io::{StoreReply, StoreRequest};
use crate::notes::{Blocks, Note, Sent};

/// The place that storage has for a parcel's notes.
pub(super) enum Noting {
    /// Nothing.
    No,
    /// A place was asked for; this is to be noted then.
    Asked(Vec<Blocks>),
    /// It has notes.
    Yes,
}

impl Outgoing {
    /// Asks storage for a place for this parcel's notes, unless it has one. Texts are sent in a
    /// moment and have none.
    pub(crate) fn ask_for_notes(&mut self, cx: &mut Effects) {
        if self.text.is_none() && matches!(self.noting, Noting::No) {
            self.noting = Noting::Asked(Vec::new());
            cx.store.push_back(StoreRequest::Create {
                parcel: self.parcel,
                size: 0,
            });
        }
    }

    /// Storage answered.
    pub(crate) fn handle_store(&mut self, reply: &StoreReply, cx: &mut Effects) {
        match (reply, &self.noting) {
            (StoreReply::Created { .. }, _) => self.begin_notes(cx),
            // After a restart the parcel is gone.
            (StoreReply::Failed { .. }, Noting::Asked(_)) => self.noting = Noting::No,
            _ => {}
        }
    }

    fn begin_notes(&mut self, cx: &mut Effects) {
        let noting = std::mem::replace(&mut self.noting, Noting::Yes);
        if self.ended.is_some() {
            return self.forget_note(cx);
        }
        let mut notes = vec![Note::Sent(self.to_note())];
        if let Some(digests) = &self.digests {
            // Without them nothing were known of what was read before this was noted.
            notes.push(Note::Verified(digests.clone()));
        } else if let Noting::Asked(blocks) = noting {
            notes.extend(blocks.into_iter().map(Note::Blocks));
        }
        if !self.gaps.files.is_empty() {
            notes.push(Note::LeftOut(self.gaps.files.clone()));
        }
        if self.delivered {
            notes.push(Note::Delivered);
        }
        for note in notes {
            self.note(&note, cx);
        }
        let receivers: Vec<DeviceId> = self.receivers.keys().copied().collect();
        for device in receivers {
            self.note_beginning(device, cx);
        }
        // It may have taken longer to make room than to send.
        self.forget_note_if_done(cx);
    }

    /// These blocks were read, and may be sent.
    pub(super) fn note_checks(&mut self, checks: &[(u32, [u8; CHECK])], cx: &mut Effects) {
        match &mut self.noting {
            Noting::No => {}
            Noting::Asked(blocks) => blocks.extend(Blocks::of(checks)),
            Noting::Yes => {
                for blocks in Blocks::of(checks) {
                    self.note(&Note::Blocks(blocks), cx);
                }
            }
        }
    }

    /// Whether there is a place for notes.
    pub(super) fn has_notes(&self) -> bool {
        matches!(self.noting, Noting::Yes)
    }

    /// Notes something, if there is a place for it.
    pub(super) fn note(&self, note: &Note, cx: &mut Effects) {
        if self.has_notes() {
            cx.store.push_back(StoreRequest::Note {
                parcel: self.parcel,
                note: note.to_bytes(),
            });
        }
    }

    pub(super) fn to_note(&self) -> Sent {
        Sent {
            room: self.to.room.clone(),
            secret: self.key.secret(),
            content_key: self.offer.content_key,
            title: self.offer.title.clone(),
            files: self.offer.files,
            manifest: self.manifest_bytes.clone(),
        }
    }

    /// Nobody needs to go on with it after a restart.
    pub(super) fn forget_note(&mut self, cx: &mut Effects) {
        if matches!(self.noting, Noting::Yes) {
            self.noting = Noting::No;
            self.begun = 0;
            let parcel = self.parcel;
            cx.store.push_back(StoreRequest::Discard { parcel });
        }
    }
}
