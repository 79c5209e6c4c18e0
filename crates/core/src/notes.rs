//! Notes: the records that storage keeps of a parcel besides its content, so that a restart loses nothing.
//!
//! Notes are only ever appended: each is its length (4 bytes, little endian), a check (the first 8
//! bytes of its BLAKE3 hash) and itself in CBOR. Reading ends at the first that is damaged, which
//! is where the device stopped. That a block is noted does not mean that it reached the disk: it
//! counts only if what is read back gives the noted check.

use core::ops::Range;
use std::collections::VecDeque;

use litemap::LiteMap;

use bytes::Bytes;
use minicbor::{Decode, Encode};

use crate::hash::CHECK;
use crate::ids::{DeviceId, PersonId, Token};
use crate::manifest::MAX_FILES;
use crate::message::{LeftOut, Offer};
use crate::order::ordered;
use crate::ranges::RangeSet;

const HEAD: usize = 4 + CHECK;

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) enum Note {
    /// It was accepted; again if its sender came back as another device.
    #[n(0)]
    Accepted(#[n(0)] Accepted),
    /// The manifest, whole.
    #[n(1)]
    Manifest(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// Blocks were written, or read to be sent.
    #[n(2)]
    Blocks(#[n(0)] Blocks),
    /// All of it was verified, or read to be sent: the digests.
    #[n(3)]
    Verified(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// This device sends it.
    #[n(4)]
    Sent(#[n(0)] Sent),
    /// A device began to receive what this one sends.
    #[n(5)]
    Begins(#[n(0)] Beginning),
    /// It has it, ended it, or is not waited for any more.
    #[n(6)]
    Ends(#[n(0)] DeviceId),
    /// A device has it, whole and verified.
    #[n(7)]
    Delivered,
    /// These files are left out.
    #[n(8)]
    LeftOut(#[n(0)] LeftOut),
    /// Somebody forges frames: the blocks that are noted from here on came signed.
    #[n(9)]
    Signed,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Beginning {
    #[n(0)]
    pub(crate) device: DeviceId,
    /// The device's name.
    #[n(1)]
    pub(crate) name: String,
    /// The token it is known by when it is another device.
    #[n(2)]
    pub(crate) token: Option<Token>,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Sent {
    /// The room's name in topics.
    #[n(0)]
    pub(crate) room: String,
    /// The secret half of the parcel's key, which its id follows from.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) secret: [u8; 32],
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(crate) content_key: [u8; 32],
    #[n(4)]
    pub(crate) title: String,
    #[n(5)]
    pub(crate) files: u32,
    #[cbor(n(6), with = "minicbor::bytes")]
    pub(crate) manifest: Vec<u8>,
    /// Whom it is for by name, if nobody else knows of it.
    #[n(7)]
    pub(crate) persons: Option<Vec<PersonId>>,
    /// When it was offered first, in ms since 1970.
    #[n(8)]
    pub(crate) time: u64,
    /// Those who were in the room when it was offered, if it is for nobody else.
    #[n(9)]
    pub(crate) present: Option<Vec<PersonId>>,
}

/// The origin of an offer, and its addressee.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Origin {
    /// The room's name in topics.
    #[n(0)]
    pub(crate) room: String,
    #[n(1)]
    pub(crate) sender: DeviceId,
    /// The sender's name then.
    #[n(2)]
    pub(crate) sender_name: String,
    /// The token by which the sender knows this device.
    #[n(4)]
    pub(crate) token: Option<Token>,
    /// The sender's person, if it introduced itself.
    #[n(5)]
    pub(crate) person: Option<PersonId>,
    /// When it was offered first, in ms since 1970.
    #[n(6)]
    pub(crate) time: u64,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Accepted {
    #[n(0)]
    pub(crate) offer: Offer,
    #[n(1)]
    pub(crate) origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Blocks {
    #[n(0)]
    pub(crate) first: u32,
    /// The blocks' checks, one after the other.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) checks: Vec<u8>,
}

impl Blocks {
    /// The notes of blocks and their checks, which are in order.
    pub(crate) fn of(checks: &[(u32, [u8; CHECK])]) -> impl Iterator<Item = Self> {
        let runs = checks.chunk_by(|(before, _), (after, _)| before + 1 == *after);
        runs.map(|run| Self {
            first: run[0].0,
            checks: run.iter().flat_map(|(_, check)| *check).collect(),
        })
    }

    /// The blocks that these notes tell of, within some.
    pub(crate) fn noted(notes: &[Self], within: &Range<u32>) -> RangeSet {
        let mut noted = RangeSet::default();
        for blocks in notes {
            let len = u32::try_from(blocks.checks.len() / CHECK).unwrap_or(u32::MAX);
            let end = blocks.first.saturating_add(len).min(within.end);
            noted.insert(blocks.first.max(within.start)..end);
        }
        noted
    }

    /// The checks that notes tell of the blocks `within`. What was read or fetched again was noted
    /// again: the last note counts. In the order of the blocks.
    pub(crate) fn checks(notes: Vec<Self>, within: &Range<u32>) -> VecDeque<(u32, [u8; CHECK])> {
        let all = notes.into_iter().zip(0u32..).flat_map(|(blocks, note)| {
            let (checks, _) = blocks.checks.as_chunks::<CHECK>();
            let noted = (blocks.first..=u32::MAX).zip(checks.to_vec());
            noted.map(move |(block, check)| (block, note, check))
        });
        let checks: Vec<_> = all.filter(|(block, ..)| within.contains(block)).collect();
        let mut checks = ordered(checks, |one, other| (one.0, one.1).cmp(&(other.0, other.1)));
        checks.dedup_by(|later, earlier| {
            let is_again = later.0 == earlier.0;
            if is_again {
                *earlier = *later;
            }
            is_again
        });
        let without_note = |(block, _, check)| (block, check);
        checks.into_iter().map(without_note).collect()
    }
}

impl Note {
    pub(crate) fn to_bytes(&self) -> Bytes {
        // Writing into a Vec cannot fail.
        framed(&minicbor::to_vec(self).unwrap_or_default()).into()
    }

    /// The note that `bytes` begin with, if this version knows it, and what is behind it. `None` if
    /// it is damaged.
    fn take(bytes: &[u8]) -> Option<(Option<Self>, &[u8])> {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let (check, rest) = rest.split_first_chunk::<CHECK>()?;
        let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        if blake3::hash(body).as_bytes()[..CHECK] != check[..] {
            return None;
        }
        Some((minicbor::decode(body).ok(), rest))
    }

    /// The next note that this version knows; `bytes` begin behind it then.
    fn next(bytes: &mut &[u8]) -> Option<Self> {
        loop {
            let (note, rest) = Self::take(bytes)?;
            *bytes = rest;
            if note.is_some() {
                return note;
            }
        }
    }
}

/// A note behind its length and check value.
pub(crate) fn framed(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&blake3::hash(body).as_bytes()[..CHECK]);
    bytes.extend_from_slice(body);
    bytes
}

/// The contents of one parcel's notes.
pub(crate) enum Notes {
    /// Of one that this device received.
    Received(Box<Received>),
    /// Of one that it sent.
    Sent(Box<Begun>),
}

/// All notes of a parcel that this device sends.
pub(crate) struct Begun {
    pub(crate) sent: Sent,
    pub(crate) blocks: Vec<Blocks>,
    pub(crate) digests: Option<Vec<u8>>,
    /// Receivers that began and were not done.
    pub(crate) receivers: LiteMap<DeviceId, Beginning>,
    /// The number of beginnings that were noted.
    pub(crate) begun: u32,
    /// Somebody has it.
    pub(crate) delivered: bool,
    pub(crate) left_out: LeftOut,
}

/// All notes of a parcel that was accepted.
pub(crate) struct Received {
    pub(crate) accepted: Accepted,
    /// How often that was noted.
    pub(crate) times_accepted: u32,
    pub(crate) manifest: Option<Vec<u8>>,
    pub(crate) blocks: Vec<Blocks>,
    pub(crate) digests: Option<Vec<u8>>,
    pub(crate) left_out: LeftOut,
    /// Of the notes of blocks so many come before it was noted that somebody forges some.
    pub(crate) unsigned: Option<usize>,
}

impl Notes {
    /// Reads as far as they are whole, and tells how far that is. `None` if they do not say what
    /// they are about.
    pub(crate) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (notes, rest) = match Note::take(bytes)? {
            (Some(Note::Accepted(accepted)), rest) => {
                let (received, rest) = Received::read(accepted, rest);
                (Self::Received(Box::new(received)), rest)
            }
            (Some(Note::Sent(sent)), rest) => {
                let (begun, rest) = Begun::read(sent, rest);
                (Self::Sent(Box::new(begun)), rest)
            }
            _ => return None,
        };
        Some((notes, bytes.len() - rest.len()))
    }
}

impl Begun {
    fn read(sent: Sent, mut rest: &[u8]) -> (Self, &[u8]) {
        let mut notes = Self {
            sent,
            blocks: Vec::new(),
            digests: None,
            receivers: LiteMap::new(),
            begun: 0,
            delivered: false,
            left_out: LeftOut::default(),
        };
        while let Some(note) = Note::next(&mut rest) {
            match note {
                Note::Blocks(blocks) => notes.blocks.push(blocks),
                Note::Verified(digests) => notes.digests = Some(digests),
                Note::Begins(beginning) => {
                    notes.begun += 1;
                    notes.receivers.insert(beginning.device, beginning);
                }
                Note::Ends(device) => drop(notes.receivers.remove(&device)),
                Note::Delivered => notes.delivered = true,
                Note::LeftOut(more) => {
                    for (file, reason) in more.files().take(MAX_FILES as usize) {
                        notes.left_out.insert(file, reason);
                    }
                }
                Note::Accepted(_) | Note::Manifest(_) | Note::Sent(_) | Note::Signed => {}
            }
        }
        (notes, rest)
    }
}

impl Received {
    fn read(accepted: Accepted, mut rest: &[u8]) -> (Self, &[u8]) {
        let mut notes = Self {
            accepted,
            times_accepted: 1,
            manifest: None,
            blocks: Vec::new(),
            digests: None,
            left_out: LeftOut::default(),
            unsigned: None,
        };
        while let Some(note) = Note::next(&mut rest) {
            match note {
                Note::Signed => {
                    notes.unsigned.get_or_insert(notes.blocks.len());
                }
                Note::Accepted(accepted) => {
                    notes.accepted = accepted;
                    notes.times_accepted += 1;
                }
                Note::Manifest(manifest) => notes.manifest = Some(manifest),
                Note::Blocks(blocks) => notes.blocks.push(blocks),
                Note::Verified(digests) => notes.digests = Some(digests),
                Note::LeftOut(left_out) => notes.left_out = left_out,
                Note::Sent(_) | Note::Begins(_) | Note::Ends(_) | Note::Delivered => {}
            }
        }
        (notes, rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn accepted() -> Note {
        Note::Accepted(Accepted {
            offer: Offer {
                parcel: crate::ids::ParcelId([1; 10]),
                title: "a.bin".into(),
                total: 5,
                files: 1,
                manifest_len: 20,
                manifest_hash: [2; 32],
                content_key: [3; 32],
                block: 16_384,
                text: false,
                paused: false,
                parcel_key: [8; 32],
                proof: [9; 64],
                persons: None,
            },
            origin: Origin {
                room: "room".into(),
                sender: DeviceId([4; 10]),
                sender_name: "Ada".into(),
                token: None,
                person: Some(PersonId([5; 10])),
                time: 2,
            },
        })
    }

    fn received(bytes: &[u8]) -> Option<Received> {
        match Notes::read(bytes)? {
            (Notes::Received(received), _) => Some(*received),
            (Notes::Sent(_), _) => None,
        }
    }

    #[test]
    fn of_a_block_that_was_noted_twice_the_last_check_counts() {
        let noted = [(3, [1; CHECK]), (4, [2; CHECK]), (7, [3; CHECK])];
        let mut notes: Vec<Blocks> = Blocks::of(&noted).collect();
        assert_eq!(notes.len(), 2, "one for each run");
        notes.extend(Blocks::of(&[(4, [4; CHECK]), (9, [5; CHECK])]));
        // Nothing comes behind the last block that there can be.
        notes.push(Blocks {
            first: u32::MAX,
            checks: vec![6; 2 * CHECK],
        });
        let known = Blocks::checks(notes, &(4..9));
        let wanted = [(4, [4; CHECK]), (7, [3; CHECK])];
        assert_eq!(known, wanted);
    }

    #[test]
    fn what_was_read_to_be_sent_is_noted_with_it() {
        let sent = Sent {
            room: "room".into(),
            secret: [1; 32],
            content_key: [2; 32],
            title: "a".into(),
            files: 1,
            manifest: vec![3; 20],
            persons: Some(vec![PersonId([5; 10])]),
            present: Some(vec![PersonId([6; 10])]),
            time: 2,
        };
        let blocks = Blocks {
            first: 1,
            checks: vec![6; CHECK],
        };
        let notes = [
            Note::Sent(sent.clone()),
            Note::Blocks(blocks.clone()),
            Note::Verified(vec![7; 32]),
        ];
        let bytes: Vec<u8> = notes.iter().flat_map(Note::to_bytes).collect();
        let Some((Notes::Sent(begun), len)) = Notes::read(&bytes) else {
            panic!("not read");
        };
        assert_eq!(len, bytes.len());
        assert_eq!((begun.sent, begun.blocks), (sent, vec![blocks]));
        assert_eq!(begun.digests, Some(vec![7; 32]));
    }

    fn all() -> Vec<Note> {
        vec![
            accepted(),
            Note::Manifest(vec![5; 20]),
            Note::Blocks(Blocks {
                first: 1,
                checks: vec![6; 3 * CHECK],
            }),
            Note::Verified(vec![7; 32]),
        ]
    }

    mqdrop_testing::properties! {
        fn notes_are_read_up_to_where_they_were_cut(cut in 0usize..400) {
            let notes: Vec<Bytes> = all().iter().map(Note::to_bytes).collect();
            let bytes = notes.concat();
            let cut = cut.min(bytes.len());
            let mut whole = 0;
            let mut end = 0;
            while whole < notes.len() && end + notes[whole].len() <= cut {
                end += notes[whole].len();
                whole += 1;
            }
            let read = received(&bytes[..cut]);
            prop_assert_eq!(read.is_some(), whole > 0);
            if let Some((_, len)) = Notes::read(&bytes[..cut]) {
                prop_assert_eq!(len, end, "what is appended there is read");
            }
            if let Some(read) = read {
                prop_assert_eq!(read.manifest.is_some(), whole > 1);
                prop_assert_eq!(read.blocks.len(), usize::from(whole > 2));
                prop_assert_eq!(read.digests.is_some(), whole > 3);
            }
        }

        fn damaged_notes_end_the_reading(at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let mut bytes: Vec<u8> = all().iter().flat_map(|note| note.to_bytes()).collect();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let first = accepted().to_bytes().len();
            let read = received(&bytes);
            prop_assert_eq!(read.is_some(), at >= first);
            prop_assert!(read.is_none_or(|read| read.digests.is_none() || at < first));
        }

        fn noise_is_no_note(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Notes::read(&bytes).is_none());
        }
    }
}
