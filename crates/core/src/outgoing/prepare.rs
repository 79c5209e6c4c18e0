//! How a parcel begins: its manifest, its secrets, and nothing sent yet.

use super::flight::Flight;
use super::journal::Journal;
use super::parcel::Parcel;
use super::pump::Pump;
use super::receivers::Receivers;
use super::source::Source;
use super::{Address, Outgoing};
use crate::api::Entry;
use crate::cause::TooMuch;
use crate::frame::FrameCipher;
use crate::identity::{ParcelKey, SIGNATURE};
use crate::ids::DeviceId;
use crate::layout::{BLOCK, Region};
use crate::manifest::Manifest;
use crate::message::Offer;
use crate::random::Random;
use crate::rate::RateMeter;
use crate::title::Title;
use crate::view::ParcelKind;

/// The facts that make a parcel this one and its sender's.
pub(super) struct Secrets {
    pub(super) content_key: [u8; 32],
    pub(super) key: ParcelKey,
}

impl Secrets {
    fn new(random: &mut Random) -> Self {
        Self {
            key: ParcelKey::new(random.bytes()),
            content_key: random.bytes(),
        }
    }
}

impl Outgoing {
    /// Prepares a parcel of files. `Err` says what there is too much of.
    pub(crate) fn files(
        entries: Vec<Entry>,
        to: Address,
        random: &mut Random,
    ) -> Result<Self, TooMuch> {
        let (manifest, manifest_bytes) = Manifest::build(entries)?;
        let secrets = Secrets::new(random);
        let title = manifest.title();
        Ok(Self::new(
            manifest,
            manifest_bytes,
            None,
            title,
            secrets,
            to,
        ))
    }

    /// Prepares a parcel that is a text. `Err` says what there is too much of.
    pub(crate) fn text(text: &str, to: Address, random: &mut Random) -> Result<Self, TooMuch> {
        let entry = Entry {
            path: "text.txt".into(),
            size: text.len() as u64,
            modified: None,
            mime: "text/plain;charset=utf-8".into(),
        };
        let (manifest, manifest_bytes) = Manifest::build(vec![entry])?;
        let secrets = Secrets::new(random);
        let title = Title::text().to_string();
        let text_kept = Some(text.to_owned());
        let mut outgoing = Self::new(manifest, manifest_bytes, text_kept, title, secrets, to);
        let layout = outgoing.parcel.layout().clone();
        outgoing
            .source
            .hashes
            .add(&layout, layout.region(Region::Content), text.as_bytes());
        outgoing.learn_digests();
        Ok(outgoing)
    }

    pub(super) fn new(
        manifest: Manifest,
        manifest_bytes: Vec<u8>,
        text: Option<String>,
        title: String,
        secrets: Secrets,
        to: Address,
    ) -> Self {
        let Secrets { content_key, key } = secrets;
        let parcel = key.parcel();
        let offer = Offer {
            parcel,
            title,
            total: manifest.layout.content_len(),
            files: manifest.entries.len() as u32,
            manifest_len: manifest_bytes.len() as u64,
            manifest_hash: *blake3::hash(&manifest_bytes).as_bytes(),
            content_key,
            block: BLOCK as u32,
            text: text.is_some(),
            paused: false,
            parcel_key: key.public(),
            // Until it is known who offers it.
            proof: [0; SIGNATURE],
            persons: to.listed(),
        };
        let source = Source::new(&manifest.layout);
        let parcel = Parcel {
            id: parcel,
            to,
            kind: if text.is_some() {
                ParcelKind::Text
            } else {
                ParcelKind::Files
            },
            cipher: FrameCipher::new(&content_key, parcel),
            offer,
            manifest,
            manifest_bytes,
            text,
            key,
            // Until it is known which one that is.
            sender: DeviceId([0; 10]),
            signs: false,
            time: 0,
        };
        let mut outgoing = Self {
            journal: Journal::new(parcel.id),
            parcel,
            source,
            receivers: Receivers::default(),
            pump: Pump::default(),
            flight: Flight::default(),
            rate: RateMeter::default(),
            paused: false,
            ended: None,
        };
        // Empty files need no reading to be known.
        outgoing.learn_digests();
        outgoing
    }
}
