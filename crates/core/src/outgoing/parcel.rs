//! The identity of a parcel that is sent, and how it is sealed.

use core::ops::Range;

use super::audience::Address;
use crate::frame::{FrameCipher, FrameHead};
use crate::identity::ParcelKey;
use crate::ids::{DeviceId, ParcelId};
use crate::layout::{BLOCK, DIGEST, Layout, Region};
use crate::manifest::Manifest;
use crate::message::Offer;
use crate::notes::Sent;
use crate::random::Random;
use crate::view::ParcelKind;

pub(super) struct Parcel {
    pub(super) id: ParcelId,
    pub(super) to: Address,
    /// As it is told when it is not paused.
    pub(super) offer: Offer,
    pub(super) kind: ParcelKind,
    pub(super) manifest: Manifest,
    pub(super) manifest_bytes: Vec<u8>,
    /// The content of a text; files are read by the driver.
    pub(super) text: Option<String>,
    pub(super) cipher: FrameCipher,
    pub(super) key: ParcelKey,
    /// When it was offered first, in ms since 1970.
    pub(super) time: u64,
    /// The device that offers it: this one.
    pub(super) sender: DeviceId,
    /// Somebody forges frames: those that are sent are signed.
    pub(super) signs: bool,
}

impl Parcel {
    pub(super) fn layout(&self) -> &Layout {
        &self.manifest.layout
    }

    /// The device that offers it from now on.
    pub(super) fn set_sender(&mut self, sender: DeviceId) {
        self.sender = sender;
        self.offer.proof = self.key.proof(sender);
    }

    /// The offer as it stands now.
    pub(super) fn offer(&self, paused: bool) -> Offer {
        Offer {
            paused,
            ..self.offer.clone()
        }
    }

    pub(super) fn entry_path(&self, file: usize) -> String {
        let entry = self.manifest.entries.get(file);
        entry.map(|entry| entry.path.clone()).unwrap_or_default()
    }

    /// The bytes of a run that need no reading.
    pub(super) fn in_memory<'a>(
        &'a self,
        blocks: &Range<u32>,
        digests: Option<&'a [u8]>,
    ) -> Option<&'a [u8]> {
        let layout = self.layout();
        let (from, whole) = match layout.region_of(blocks.start) {
            Region::Manifest => (u64::from(blocks.start) * BLOCK, &self.manifest_bytes[..]),
            Region::Content => (
                layout.content_offset(blocks.start),
                self.text.as_deref()?.as_bytes(),
            ),
            Region::Digests => (layout.digest_offset(blocks.start), digests?),
        };
        debug_assert_eq!(DIGEST, blake3::OUT_LEN as u64);
        let from = from as usize;
        whole.get(from..from + layout.run_len(blocks) as usize)
    }

    /// Seals a frame or a piece of one, in whose buffer there is room for the head.
    pub(super) fn seal(&self, head: FrameHead, buffer: &mut Vec<u8>, random: &mut Random) {
        self.cipher
            .seal(head, buffer, (&self.key, self.sender), random);
    }

    pub(super) fn to_note(&self) -> Sent {
        Sent {
            room: self.to.room().to_owned(),
            secret: self.key.secret(),
            content_key: self.offer.content_key,
            title: self.offer.title.clone(),
            files: self.offer.files,
            manifest: self.manifest_bytes.clone(),
            persons: self.to.listed(),
            present: self.to.noted_present(),
            time: self.time,
        }
    }
}
