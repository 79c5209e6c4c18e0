//! Entries that a fuzzer feeds with any bytes. They are part of a fuzzer's builds and of the tests, which feed
//! it with random ones.
//!
//! Everything that is read from the outside is here as it is behind its checksum or its seal, which
//! no fuzzer would get past.

use std::sync::OnceLock;

use mqdrop_mqtt::Time;

use crate::frame::{FrameCipher, FrameHead};
use crate::identity::{Identity, ParcelKey, device_of};
use crate::manifest::{MAX_TOTAL, Manifest};
use crate::message::Message;
use crate::random::Random;
use crate::{Engine, envelope, notes};

const KEY: [u8; 32] = [1; 32];

/// An envelope as it comes from the broker, what is inside one of somebody who has the room's key,
/// and a message behind all seals.
///
/// # Panics
/// If a message is opened otherwise than it was sealed, or in the name of somebody else.
pub fn envelope(bytes: &[u8]) {
    let (me, member, mut random) = devices();
    let open = |topic: &str, sealed: &[u8]| {
        envelope::open(&KEY, me.device, topic, sealed, |_, public| {
            me.pair_key(public)
        })
    };
    // Their sender is checked before anything else.
    let (public, rest) = bytes.split_first_chunk().unwrap_or((&member.public, bytes));
    let inner = [&public[..], rest].concat();
    for topic in [TO_ROOM.to_owned(), me.device.to_string()] {
        let _ = open(&topic, bytes);
        for kind in [0, 1, 2] {
            let sender = device_of(public);
            let sealed = envelope::with_inner(&KEY, kind, sender, &topic, &inner, &mut random);
            if let Ok(opened) = open(&topic, &sealed) {
                assert!((opened.sender, &opened.public) == (sender, public));
            }
        }
    }
    let to_room = envelope::seal_to_room(&KEY, member, TO_ROOM, bytes, &mut random);
    let Some(key) = member.pair_key(&me.public) else {
        return;
    };
    let to_me = envelope::seal_to_device(&KEY, member, me.device, &key, bytes, &mut random);
    for (topic, sealed) in [(TO_ROOM, to_room), (me.device.to_string().as_str(), to_me)] {
        let opened = open(topic, &sealed);
        assert!(opened.is_ok_and(|opened| opened.body == bytes && opened.sender == member.device));
    }
}

/// The topic's last part of what is said to everyone.
const TO_ROOM: &str = "c";

/// The device that reads, and a member of its room; made once, as that takes longer than reading.
fn devices() -> (&'static Identity, &'static Identity, Random) {
    static DEVICES: OnceLock<(Identity, Identity)> = OnceLock::new();
    let mut random = Random::new([2; 32]);
    let (me, member) = DEVICES.get_or_init(|| {
        (
            Identity::from_random(random.bytes()),
            Identity::from_random(random.bytes()),
        )
    });
    (me, member, Random::new([3; 32]))
}

/// A data frame as it comes from the broker, and one of somebody who has the content key: its head,
/// then its blocks and what else is sealed with them.
///
/// # Panics
/// If the blocks are not within the frame, or a signature is taken that nobody made.
pub fn frame(bytes: &[u8]) {
    let key = ParcelKey::new([4; 32]);
    let cipher = FrameCipher::new(&KEY, key.parcel());
    let (_, member, mut random) = devices();
    let open = |frame: &mut [u8]| {
        let len = frame.len();
        let opened = cipher.open(frame, (&key.public(), member.device));
        opened.inspect(|(_, blocks)| assert!(blocks.start <= blocks.end && blocks.end <= len))
    };
    let _ = open(&mut bytes.to_vec());
    let is_piece = bytes.get(1).is_some_and(|kind| kind & 2 != 0);
    let Some((head, inner)) = bytes.split_at_checked(if is_piece { 20 } else { 16 }) else {
        return;
    };
    if let Ok((opened, _)) = open(&mut cipher.seal_any(head, inner, &mut random)) {
        assert!(!opened.signed, "nobody signed it");
        let mut signed = [&vec![0; opened.room()], inner].concat();
        let (head, by) = (
            FrameHead {
                signed: true,
                ..opened
            },
            (&key, member.device),
        );
        cipher.seal(head, &mut signed, by, &mut random);
        let taken = open(&mut signed);
        assert!(taken.is_ok_and(|(taken, blocks)| taken == head && blocks.len() == inner.len()));
    }
}

/// A control message, of a sender who can seal.
///
/// # Panics
/// If it is read otherwise than it is written.
pub fn message(bytes: &[u8]) {
    if let Some(message) = Message::decode(bytes) {
        let written = message.encode();
        let again = Message::decode(&written);
        assert!(again.as_ref() == Some(&message) || written.len() > crate::message::MAX_MESSAGE);
    }
}

/// A manifest, behind the number of files that its offer names.
///
/// # Panics
/// If what it says goes beyond the limits.
pub fn manifest(bytes: &[u8]) {
    let Some((files, bytes)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let files = u32::from(u16::from_le_bytes(*files));
    if let Some(manifest) = Manifest::decode(bytes, files) {
        assert_eq!(manifest.entries.len(), files as usize);
        assert!(manifest.layout.content_len() <= MAX_TOTAL);
        for entry in &manifest.entries {
            let mut parts = entry.path.split('/');
            assert!(parts.all(|part| !matches!(part, "" | "." | "..")));
        }
    }
}

/// The notes that storage kept of a parcel: each is a length of two bytes and so many others.
///
/// # Panics
/// If more is taken up than there is.
pub fn stored(bytes: &[u8]) {
    let mut kept = Vec::new();
    let mut rest = bytes;
    while let Some((len, behind)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_le_bytes(*len)).min(behind.len());
        let (body, behind) = behind.split_at(len);
        kept.extend_from_slice(&notes::framed(body));
        rest = behind;
    }
    let mut engine = Engine::new([3; 32]);
    if let Ok(restored) = engine.restore(&kept, Time::ZERO) {
        assert!(restored.notes_len <= kept.len() as u64);
    }
    let _ = engine.restore(bytes, Time::ZERO);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::envelope;
    use crate::identity::ParcelKey;
    use crate::ids::{DeviceId, ParcelId, PersonId, Token};
    use crate::layout::BLOCK;
    use crate::manifest::Manifest;
    use crate::message::tests::one_of_each;
    use crate::message::{Message, Offer};
    use crate::notes::Origin;
    use crate::notes::{Accepted, Beginning, Blocks, Note, Sent};
    use crate::random::Random;

    const PARCEL: ParcelId = ParcelId([4; 10]);

    /// Good ones to be spoilt: nothing else gets far.
    fn messages() -> impl Strategy<Value = Vec<u8>> {
        let all: Vec<_> = one_of_each()
            .into_iter()
            .map(|body| Message { counter: 9, body }.encode())
            .collect();
        spoilt(all)
    }

    /// The insides of envelopes.
    fn inners() -> impl Strategy<Value = Vec<u8>> {
        let (me, member, mut random) = super::devices();
        let key = member.pair_key(&me.public).unwrap();
        let to_me = |body: &[u8], random: &mut Random| {
            envelope::inner_to_device(member, me.device, &key, body, random)
        };
        spoilt(vec![
            envelope::inner_to_room(member, super::TO_ROOM, b"hello"),
            to_me(b"hello", &mut random),
            to_me(b"", &mut random),
        ])
    }

    /// Heads of data frames, with blocks behind.
    fn frames() -> impl Strategy<Value = Vec<u8>> {
        let frame = |kind: u8, len: usize| {
            let mut bytes = vec![7_u8; 16 + len];
            bytes[..2].copy_from_slice(&[crate::seal::VERSION, kind]);
            bytes
        };
        spoilt(vec![
            frame(0, 100),
            frame(0, 0),
            frame(1, 100),
            frame(1, 64),
        ])
    }

    fn manifests() -> impl Strategy<Value = Vec<u8>> {
        let entries = ["a/b.bin", "../c", "a/b.bin"].map(|path| crate::Entry {
            path: path.into(),
            size: 70_000,
            modified: Some(1),
            mime: "image/png".into(),
        });
        let (_, bytes) = Manifest::build(entries.to_vec()).unwrap();
        spoilt(vec![[&[3, 0][..], &bytes].concat()])
    }

    fn notes() -> impl Strategy<Value = Vec<u8>> {
        let entry = crate::Entry {
            path: "a".into(),
            size: 3 * BLOCK,
            modified: None,
            mime: String::new(),
        };
        let (_, manifest) = Manifest::build(vec![entry]).unwrap();
        let origin = Origin {
            room: "room".into(),
            sender: DeviceId([5; 10]),
            sender_name: "x".into(),
            token: Some(Token([6; 16])),
            person: Some(PersonId([4; 10])),
            time: 1,
        };
        let offer = offer(&manifest);
        let blocks = Blocks {
            first: 1,
            checks: vec![7; 24],
        };
        let sent = Sent {
            room: "room".into(),
            secret: [9; 32],
            content_key: [1; 32],
            title: "a".into(),
            files: 1,
            manifest: manifest.clone(),
            persons: Some(vec![PersonId([4; 10])]),
            present: None,
            time: 1,
        };
        let begins = |id| {
            Note::Begins(Beginning {
                device: DeviceId([id; 10]),
                name: "x".into(),
                token: Some(Token([id; 16])),
            })
        };
        let verified = || Note::Verified(vec![8; 32]);
        let received = vec![
            Note::Accepted(Accepted { offer, origin }),
            Note::Manifest(manifest),
            Note::Blocks(blocks.clone()),
            verified(),
        ];
        let sent = vec![
            Note::Sent(sent),
            begins(6),
            begins(7),
            Note::Blocks(blocks),
            Note::Ends(DeviceId([7; 10])),
            Note::Delivered,
            verified(),
        ];
        let parcels = [received, sent].map(|notes| {
            let bodies = notes.iter().map(|note| {
                let body = minicbor::to_vec(note).unwrap();
                [&(body.len() as u16).to_le_bytes()[..], &body].concat()
            });
            bodies.collect::<Vec<_>>().concat()
        });
        spoilt(parcels.into())
    }

    fn offer(manifest: &[u8]) -> Offer {
        Offer {
            parcel: PARCEL,
            title: "a".into(),
            total: 3 * BLOCK,
            files: 1,
            manifest_len: manifest.len() as u64,
            manifest_hash: *blake3::hash(manifest).as_bytes(),
            content_key: [1; 32],
            block: BLOCK as u32,
            text: false,
            paused: false,
            parcel_key: ParcelKey::new([2; 32]).public(),
            proof: [3; 64],
            persons: None,
        }
    }

    /// One of these with some bytes changed, cut, or followed by others.
    fn spoilt(good: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
        let changes = proptest::collection::vec((any::<u16>(), any::<u8>()), 0..5);
        let tail = proptest::collection::vec(any::<u8>(), 0..20);
        let good = proptest::sample::select(good);
        (good, changes, any::<u16>(), tail).prop_map(|(mut bytes, changes, cut, tail)| {
            for (at, value) in changes {
                let at = usize::from(at) % bytes.len();
                bytes[at] = value;
            }
            if cut % 3 == 0 {
                bytes.truncate(usize::from(cut) % bytes.len());
                bytes.extend(tail);
            }
            bytes
        })
    }

    fn noise() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..300)
    }

    mqdrop_testing::properties! {
        fn envelopes(bytes in prop_oneof![inners(), noise()]) {
            super::envelope(&bytes);
        }

        fn data_frames(bytes in prop_oneof![frames(), noise()]) {
            super::frame(&bytes);
        }

        fn control_messages(bytes in prop_oneof![messages(), noise()]) {
            super::message(&bytes);
        }

        fn lists_of_files(bytes in prop_oneof![manifests(), noise()]) {
            super::manifest(&bytes);
        }

        fn what_storage_kept(bytes in prop_oneof![notes(), noise()]) {
            super::stored(&bytes);
        }
    }
}
