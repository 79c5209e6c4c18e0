//! Going on with sending after a restart, when the user has chosen the files again.

use core::ops::Range;
use std::collections::HashMap;

use mqdrop_mqtt::Time;

use super::journal::Journal;
use super::original::{Files, Original};
use super::prepare::Secrets;
use super::receiver::Receiver;
use super::receivers::Receivers;
use super::{Address, Outgoing};
use crate::api::{Entry, Event, OfferError};
use crate::effects::Effects;
use crate::hash::ParcelHashes;
use crate::identity::ParcelKey;
use crate::ids::DeviceId;
use crate::io::{ReadError, ReadRequest};
use crate::layout::Region;
use crate::manifest::Manifest;
use crate::notes::{Begun, Blocks, Sent};

impl Outgoing {
    /// This device leaves the room: the parcel as it is to go on when that is entered again, if
    /// somebody receives it.
    pub(crate) fn leave(&mut self, now: Time, cx: &mut Effects) -> Option<Self> {
        // Of what was kept before, not everyone who has begun need have come back yet.
        let is_wanted = self.source.restored || self.receivers.is_any_receiving();
        if !is_wanted || self.parcel.text.is_some() || self.ended.is_some() {
            return None;
        }
        self.handle_link_lost(cx);
        let mut kept = Self::from_note(self.parcel.to_note())?;
        kept.journal = self.journal.hand_over();
        kept.paused = self.paused;
        kept.flight = std::mem::take(&mut self.flight);
        kept.receivers = self.receivers.leave(now);
        kept.restore_gaps(std::mem::take(&mut self.source.gaps).files);
        kept.source.files = match std::mem::replace(&mut self.source.files, Files::Here) {
            Files::Checking(checking) => {
                checking.again(&self.source.readable(self.parcel.layout()))
            }
            Files::Lacking(original) => Files::Lacking(original),
            Files::Here => {
                std::mem::swap(&mut kept.source.hashes, &mut self.source.hashes);
                kept.source.digests = self.source.digests.take();
                Files::Here
            }
        };
        Some(kept)
    }

    /// A parcel as its notes tell. `None` if they are damaged.
    pub(crate) fn restore(notes: Begun, now: Time) -> Option<Self> {
        let mut outgoing = Self::from_note(notes.sent)?;
        outgoing.restore_gaps(notes.left_out);
        let content = outgoing.parcel.layout().region(Region::Content);
        outgoing.source.files = Files::Lacking(Original {
            checks: Blocks::checks(notes.blocks, &content),
            digests: notes.digests,
        });
        // They are away until they say what they hold.
        let receivers = notes.receivers.into_iter();
        outgoing.receivers = Receivers::kept(
            receivers.map(|(device, noted)| (device, Receiver::away(noted.name, noted.token, now))),
        );
        let parcel = outgoing.parcel.id;
        outgoing.journal = Journal::kept(parcel, notes.begun, notes.delivered);
        Some(outgoing)
    }

    fn from_note(sent: Sent) -> Option<Self> {
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
            Address::noted(sent.room, sent.persons, sent.present),
        );
        outgoing.parcel.time = sent.time;
        outgoing.source.restored = true;
        outgoing.journal = Journal::kept(outgoing.parcel.id, 0, false);
        Some(outgoing)
    }

    /// The room that it is sent to.
    pub(crate) fn room(&self) -> &str {
        self.parcel.to.room()
    }

    /// Whether it waits for the user to choose its files again.
    pub(crate) fn lacks_files(&self) -> bool {
        matches!(self.source.files, Files::Lacking(_))
    }

    /// Whether files that were chosen again are being compared with what was sent.
    pub(crate) fn is_checking(&self) -> bool {
        matches!(self.source.files, Files::Checking(_))
    }

    /// The user chose these files. If they look like the parcel's, what was sent is compared next;
    /// for each of its files the place among the chosen ones is returned.
    pub(crate) fn choose_again(
        &mut self,
        chosen: Vec<Entry>,
        cx: &mut Effects,
    ) -> Result<Vec<usize>, OfferError> {
        let (chosen, _) = Manifest::build(chosen).map_err(OfferError::TooLarge)?;
        let paths = chosen.entries.iter().map(|entry| entry.path.clone());
        let by_path: HashMap<String, u32> = paths.zip(0..).collect();
        let places = self
            .parcel
            .manifest
            .entries
            .iter()
            .enumerate()
            .map(|(file, wanted)| {
                let place = by_path.get(&wanted.path).map(|place| *place as usize);
                match place.map(|place| (place, &chosen.entries[place])) {
                    // Nobody reads it.
                    _ if self.source.gaps.files.contains(file) => Ok(place.unwrap_or_default()),
                    None => Err(OfferError::Missing(wanted.path.clone())),
                    // Blocks that were sent are compared, and the others may be as they are now.
                    Some((place, found)) if found.size == wanted.size => Ok(place),
                    Some(_) => Err(OfferError::Changed(wanted.path.clone())),
                }
            });
        let places = places.collect::<Result<_, _>>()?;
        if let Files::Lacking(original) = std::mem::replace(&mut self.source.files, Files::Here) {
            self.source.files = original.check(&self.source.readable(self.parcel.layout()));
        }
        cx.event(Event::Transfer(self.parcel.id));
        Ok(places)
    }

    /// Reads what is to be compared next.
    pub(super) fn next_check(&mut self) -> Option<ReadRequest> {
        let Files::Checking(checking) = &self.source.files else {
            return None;
        };
        let next = checking.next().filter(|_| !self.pump.is_hashing)?;
        Some(self.hash_read(next))
    }

    /// Compares what was read with what was sent.
    pub(super) fn check(
        &mut self,
        blocks: Range<u32>,
        bytes: &[u8],
        read: Result<(), ReadError>,
        cx: &mut Effects,
    ) {
        let Files::Checking(mut checking) = std::mem::replace(&mut self.source.files, Files::Here)
        else {
            return;
        };
        let layout = self.parcel.layout();
        let compared = match read {
            Ok(()) => checking
                .compare(&mut self.source.hashes, layout, blocks, bytes)
                .map_err(|file| OfferError::OtherContent(self.parcel.entry_path(file))),
            Err(error) => Err(OfferError::Unreadable(
                self.parcel.entry_path(error.file),
                error.why,
            )),
        };
        match compared {
            Ok(()) if checking.next().is_some() => self.source.files = Files::Checking(checking),
            Ok(()) => {
                self.learn_digests();
                cx.event(Event::Files(self.parcel.id));
            }
            Err(error) => {
                self.source.hashes = ParcelHashes::new(layout);
                self.source.files = checking.give_up();
                let left_out = self.source.gaps.files.clone();
                self.restore_gaps(left_out);
                let parcel = self.parcel.id;
                cx.event(Event::Unfit { parcel, error });
            }
        }
        cx.event(Event::Transfer(self.parcel.id));
    }

    /// The device that offers it from now on.
    pub(crate) fn set_sender(&mut self, sender: DeviceId) {
        self.parcel.set_sender(sender);
    }
}
