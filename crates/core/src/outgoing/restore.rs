//! Going on with sending after a restart, when the user has chosen the files again.

use std::collections::HashMap;

use super::Outgoing;
use super::prepare::Secrets;
use crate::effects::Effects;
use crate::engine::{Entry, Event, OfferError};
use crate::identity::ParcelKey;
use crate::ids::DeviceId;
use crate::io::StoreRequest;
use crate::manifest::Manifest;
use crate::notes::{Note, Sent};

impl Outgoing {
    /// Asks storage for a place for this parcel's note. Texts are sent in a moment and have none.
    pub(crate) fn ask_for_notes(&self, cx: &mut Effects) {
        if self.text.is_none() {
            cx.store.push_back(StoreRequest::Create {
                parcel: self.parcel,
                size: 0,
            });
        }
    }

    /// Storage has a place for the note.
    pub(crate) fn handle_created(&mut self, cx: &mut Effects) {
        let parcel = self.parcel;
        self.noted = true;
        if self.ended.is_some() {
            return self.forget_note(cx);
        }
        cx.store.push_back(StoreRequest::Note {
            parcel,
            note: Note::Sent(self.to_note()).to_bytes(),
        });
    }

    fn to_note(&self) -> Sent {
        Sent {
            room: self.room.clone(),
            secret: self.key.secret(),
            content_key: self.offer.content_key,
            title: self.offer.title.clone(),
            files: self.offer.files,
            manifest: self.manifest_bytes.clone(),
        }
    }

    /// This device leaves the room: the parcel as it is after a restart, if somebody receives it.
    pub(crate) fn leave(&self) -> Option<Self> {
        // Of what was kept before, not everyone who has begun need have come back yet.
        let is_wanted = self.restored || self.receivers.values().any(super::Receiver::is_receiving);
        (is_wanted && self.noted && self.ended.is_none())
            .then(|| Self::restore(self.to_note()))
            .flatten()
    }

    /// Nobody needs to go on with it after a restart.
    pub(super) fn forget_note(&mut self, cx: &mut Effects) {
        if std::mem::replace(&mut self.noted, false) {
            let parcel = self.parcel;
            cx.store.push_back(StoreRequest::Discard { parcel });
        }
    }

    /// A parcel as its note tells. `None` if that is damaged.
    pub(crate) fn restore(sent: Sent) -> Option<Self> {
        let manifest = Manifest::decode(&sent.manifest, sent.files)?;
        let secrets = Secrets {
            content_key: sent.content_key,
            key: ParcelKey::new(sent.secret),
        };
        let mut outgoing = Self::new(
            manifest,
            sent.manifest,
            None,
            sent.title,
            secrets,
            sent.room,
        );
        outgoing.lacks_files = true;
        outgoing.restored = true;
        outgoing.noted = true;
        Some(outgoing)
    }

    /// The room that it is sent to.
    pub(crate) fn room(&self) -> &str {
        &self.room
    }

    /// Whether it waits for the user to choose its files again.
    pub(crate) fn lacks_files(&self) -> bool {
        self.lacks_files
    }

    /// The user chose these files. If they are the parcel's, it goes on; for each of its files
    /// the place among the chosen ones is returned.
    pub(crate) fn choose_again(
        &mut self,
        chosen: Vec<Entry>,
        cx: &mut Effects,
    ) -> Result<Vec<usize>, OfferError> {
        let (chosen, _) = Manifest::build(chosen).map_err(OfferError::TooLarge)?;
        let by_path: HashMap<&str, usize> = chosen
            .entries
            .iter()
            .enumerate()
            .map(|(place, entry)| (entry.path.as_str(), place))
            .collect();
        let places = self.manifest.entries.iter().map(|wanted| {
            let Some(&place) = by_path.get(wanted.path.as_str()) else {
                return Err(OfferError::Missing(wanted.path.clone()));
            };
            let found = &chosen.entries[place];
            if (found.size, found.modified) == (wanted.size, wanted.modified) {
                Ok(place)
            } else {
                Err(OfferError::Changed(wanted.path.clone()))
            }
        });
        let places = places.collect::<Result<_, _>>()?;
        self.lacks_files = false;
        cx.event(Event::Transfer(self.parcel));
        Ok(places)
    }

    /// The device that offers it from now on.
    pub(crate) fn set_sender(&mut self, sender: DeviceId) {
        self.sender = sender;
        self.offer.proof = self.key.proof(sender);
    }
}
