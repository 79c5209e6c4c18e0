//! Sealing: what the broker and other rooms cannot read, and who can have written it.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) with random nonces throughout. A control message
//! is sealed under the room key. Inside, one to the whole room is signed by its sender, and one to
//! a single device is sealed under a key that only the two share. A data frame is sealed under its
//! parcel's content key, which the whole room knows; once a receiver asks for it, frames are signed
//! with the parcel's own key as well.

use core::ops::Range;

use crate::identity::{
    Identity, PUBLIC, PairKey, ParcelKey, SIGNATURE, device_of, is_frame_signed, is_signed,
};
use crate::ids::{DeviceId, ParcelId};
use crate::random::Random;
use mqdrop_aead::{self as aead, NONCE, TAG};

/// The version of everything that is sealed, and of what is inside.
pub(crate) const VERSION: u8 = 1;

/// Version, kind, sender.
const ENVELOPE_HEAD: usize = 12;
const TO_ROOM: u8 = 0;
const TO_DEVICE: u8 = 1;

/// Of a data frame: version, kind, first block, count, send time.
const HEAD: usize = 16;
/// Before a data frame's ciphertext: its head, then the nonce.
pub(crate) const FRAME_HEAD: usize = HEAD + NONCE;
/// What sealing adds to a data frame's blocks at most, in bytes.
pub(crate) const FRAME_OVERHEAD: usize = FRAME_HEAD + SIGNATURE + TAG;
/// Blocks alone.
const FRAME_PLAIN: u8 = 0;
/// Blocks, then a signature.
const FRAME_SIGNED: u8 = 1;

/// A message that was opened: nobody but its sender can have written it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) sender: DeviceId,
    /// The sender's public key.
    pub(crate) public: [u8; PUBLIC],
    pub(crate) body: Vec<u8>,
}

/// Why something sealed could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// Another version of the protocol, later than this one.
    Newer,
    /// Damaged, forged, replayed to another topic or meant for someone else.
    NotAuthentic,
}

/// Seals a message to everyone in the room.
pub(crate) fn seal_to_room(
    room_key: &[u8; 32],
    identity: &Identity,
    topic_tail: &str,
    body: &[u8],
    random: &mut Random,
) -> Vec<u8> {
    let head = head(TO_ROOM, identity.device);
    let signature = identity.sign([&head, topic_tail.as_bytes(), body]);
    let inner = [&identity.public[..], &signature, body].concat();
    envelope(room_key, &head, topic_tail, &inner, random)
}

/// Seals a message that only `recipient` can read.
pub(crate) fn seal_to_device(
    room_key: &[u8; 32],
    identity: &Identity,
    recipient: DeviceId,
    pair_key: &PairKey,
    body: &[u8],
    random: &mut Random,
) -> Vec<u8> {
    let nonce = random.bytes::<NONCE>();
    let mut inner = Vec::with_capacity(PUBLIC + NONCE + body.len() + TAG);
    inner.extend_from_slice(&identity.public);
    inner.extend_from_slice(&nonce);
    inner.extend_from_slice(body);
    let aad = [identity.device.0, recipient.0].concat();
    seal_tail(&pair_key.0, &nonce, &aad, &mut inner, PUBLIC + NONCE);
    let head = head(TO_DEVICE, identity.device);
    envelope(room_key, &head, &recipient.to_string(), &inner, random)
}

/// Opens a message that came on the topic with this last part. `pair_key` is asked for the key
/// shared with a public key, as it is costly to compute and worth keeping.
pub(crate) fn open(
    room_key: &[u8; 32],
    me: DeviceId,
    topic_tail: &str,
    sealed: &[u8],
    pair_key: impl FnOnce(DeviceId, &[u8; 32]) -> Option<PairKey>,
) -> Result<Opened, OpenError> {
    let (head, rest) = sealed
        .split_at_checked(ENVELOPE_HEAD)
        .ok_or(OpenError::NotAuthentic)?;
    let (nonce, ciphertext) = rest
        .split_at_checked(NONCE)
        .ok_or(OpenError::NotAuthentic)?;
    let mut id = [0; 10];
    id.copy_from_slice(&head[2..]);
    let sender = DeviceId(id);
    let aad = [head, topic_tail.as_bytes()].concat();
    let inner = open_vec(room_key, nonce, &aad, ciphertext)?;
    // Not before: of versions, too, only what a member says counts.
    if head[0] > VERSION {
        return Err(OpenError::Newer);
    }
    let (public, rest) = inner
        .split_first_chunk::<PUBLIC>()
        .ok_or(OpenError::NotAuthentic)?;
    if device_of(public) != sender {
        return Err(OpenError::NotAuthentic);
    }
    let body = match head[1] {
        TO_ROOM => {
            let (signature, body) = rest
                .split_first_chunk::<SIGNATURE>()
                .ok_or(OpenError::NotAuthentic)?;
            is_signed(public, [head, topic_tail.as_bytes(), body], signature)
                .then(|| body.to_vec())
                .ok_or(OpenError::NotAuthentic)?
        }
        TO_DEVICE => {
            let (nonce, ciphertext) = rest
                .split_at_checked(NONCE)
                .ok_or(OpenError::NotAuthentic)?;
            let key = pair_key(sender, public).ok_or(OpenError::NotAuthentic)?;
            open_vec(&key.0, nonce, &[sender.0, me.0].concat(), ciphertext)?
        }
        _ => return Err(OpenError::NotAuthentic),
    };
    Ok(Opened {
        sender,
        public: *public,
        body,
    })
}

/// An envelope of any kind and sender with anything in it.
#[cfg(any(test, fuzzing))]
pub(crate) fn with_inner(
    room_key: &[u8; 32],
    kind: u8,
    sender: DeviceId,
    topic_tail: &str,
    inner: &[u8],
    random: &mut Random,
) -> Vec<u8> {
    envelope(room_key, &head(kind, sender), topic_tail, inner, random)
}

fn head(kind: u8, sender: DeviceId) -> [u8; ENVELOPE_HEAD] {
    let mut head = [0; ENVELOPE_HEAD];
    head[..2].copy_from_slice(&[VERSION, kind]);
    head[2..].copy_from_slice(&sender.0);
    head
}

fn envelope(
    key: &[u8; 32],
    head: &[u8; ENVELOPE_HEAD],
    topic_tail: &str,
    inner: &[u8],
    random: &mut Random,
) -> Vec<u8> {
    let nonce = random.bytes::<NONCE>();
    let mut sealed = Vec::with_capacity(ENVELOPE_HEAD + NONCE + inner.len() + TAG);
    let aad = [head, topic_tail.as_bytes()].concat();
    sealed.extend_from_slice(head);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(inner);
    seal_tail(key, &nonce, &aad, &mut sealed, ENVELOPE_HEAD + NONCE);
    sealed
}

/// What a device of a later version may send to the room.
#[cfg(test)]
pub(crate) fn of_later_version(
    room_key: &[u8; 32],
    identity: &Identity,
    topic_tail: &str,
    random: &mut Random,
) -> Vec<u8> {
    let mut head = head(TO_ROOM, identity.device);
    head[0] = VERSION + 1;
    envelope(room_key, &head, topic_tail, b"something new", random)
}

/// Encrypts what stands from `from` on, in place, and appends the tag.
fn seal_tail(key: &[u8; 32], nonce: &[u8; NONCE], aad: &[u8], buffer: &mut Vec<u8>, from: usize) {
    let tag = aead::encrypt(key, nonce, aad, &mut buffer[from..]);
    buffer.extend_from_slice(&tag);
}

fn open_vec(
    key: &[u8; 32],
    nonce: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
) -> Result<Vec<u8>, OpenError> {
    let mut text = ciphertext.to_vec();
    open_tail(key, nonce, aad, &mut text)?;
    text.truncate(text.len() - TAG);
    Ok(text)
}

/// Decrypts in place; the tag stays behind the plaintext.
fn open_tail(key: &[u8; 32], nonce: &[u8], aad: &[u8], buffer: &mut [u8]) -> Result<(), OpenError> {
    let nonce: &[u8; NONCE] = nonce.try_into().map_err(|_| OpenError::NotAuthentic)?;
    let (text, tag) = buffer
        .split_last_chunk_mut::<TAG>()
        .ok_or(OpenError::NotAuthentic)?;
    aead::decrypt(key, nonce, aad, text, tag).map_err(|_| OpenError::NotAuthentic)
}

/// What a data frame says in clear: which blocks it carries and when it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) first_block: u32,
    pub(crate) count: u16,
    /// Microseconds on the sender's clock; later frames of a sender have later times.
    pub(crate) sent: u64,
    /// Whether it is signed with the parcel's own key, and so its sender's for sure.
    pub(crate) signed: bool,
}

impl FrameHead {
    fn to_bytes(self) -> [u8; HEAD] {
        let kind = if self.signed {
            FRAME_SIGNED
        } else {
            FRAME_PLAIN
        };
        let mut bytes = [0; HEAD];
        bytes[..2].copy_from_slice(&[VERSION, kind]);
        bytes[2..6].copy_from_slice(&self.first_block.to_be_bytes());
        bytes[6..8].copy_from_slice(&self.count.to_be_bytes());
        bytes[8..].copy_from_slice(&self.sent.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[VERSION, kind @ (FRAME_PLAIN | FRAME_SIGNED)], rest) = bytes.split_first_chunk()?
        else {
            return None;
        };
        let (first_block, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        Some(Self {
            first_block: u32::from_be_bytes(*first_block),
            count: u16::from_be_bytes(*count),
            sent: u64::from_be_bytes(rest.try_into().ok()?),
            signed: kind == FRAME_SIGNED,
        })
    }
}

/// Seals and opens the data frames of one parcel.
pub(crate) struct FrameCipher {
    content_key: [u8; 32],
    parcel: ParcelId,
}

impl FrameCipher {
    pub(crate) fn new(content_key: &[u8; 32], parcel: ParcelId) -> Self {
        Self {
            content_key: *content_key,
            parcel,
        }
    }

    /// Seals `buffer`, which has [`FRAME_HEAD`] bytes of room before its blocks; with `key`, by
    /// `sender`, if it is to be signed. Every call takes a fresh nonce: the same blocks may be sent
    /// again with other bytes, if the file changed.
    pub(crate) fn seal(
        &self,
        head: FrameHead,
        buffer: &mut Vec<u8>,
        (key, sender): (&ParcelKey, DeviceId),
        random: &mut Random,
    ) {
        let nonce = random.bytes::<NONCE>();
        let bytes = head.to_bytes();
        if head.signed {
            let signature = key.sign_frame(sender, &bytes, &buffer[FRAME_HEAD..]);
            buffer.extend_from_slice(&signature);
        }
        buffer[..HEAD].copy_from_slice(&bytes);
        buffer[HEAD..FRAME_HEAD].copy_from_slice(&nonce);
        let aad = self.aad(&bytes);
        seal_tail(&self.content_key, &nonce, &aad, buffer, FRAME_HEAD);
    }

    /// Opens a frame in place; its blocks stand in the returned range of it. A signed one must be
    /// signed with the parcel's `key` by `sender`.
    pub(crate) fn open(
        &self,
        frame: &mut [u8],
        (key, sender): (&[u8; PUBLIC], DeviceId),
    ) -> Result<(FrameHead, Range<usize>), OpenError> {
        if frame.first().is_some_and(|&version| version > VERSION) {
            return Err(OpenError::Newer);
        }
        let (head, ciphertext) = frame
            .split_at_mut_checked(FRAME_HEAD)
            .ok_or(OpenError::NotAuthentic)?;
        let (bytes, nonce) = head.split_at(HEAD);
        let parsed = FrameHead::from_bytes(bytes).ok_or(OpenError::NotAuthentic)?;
        open_tail(&self.content_key, nonce, &self.aad(bytes), ciphertext)?;
        let mut blocks = &ciphertext[..ciphertext.len() - TAG];
        if parsed.signed {
            let (signed, signature) = blocks
                .split_last_chunk::<SIGNATURE>()
                .ok_or(OpenError::NotAuthentic)?;
            if !is_frame_signed(key, sender, bytes, signed, signature) {
                return Err(OpenError::NotAuthentic);
            }
            blocks = signed;
        }
        Ok((parsed, FRAME_HEAD..FRAME_HEAD + blocks.len()))
    }

    fn aad(&self, head: &[u8]) -> Vec<u8> {
        [head, &self.parcel.0].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const ROOM: [u8; 32] = [9; 32];

    fn devices() -> (Random, Identity, Identity) {
        let mut random = Random::new([3; 32]);
        let (a, b) = (Identity::new(&mut random), Identity::new(&mut random));
        (random, a, b)
    }

    fn direct() -> (Identity, Identity, Vec<u8>) {
        let (mut random, a, b) = devices();
        let key = a.pair_key(&b.public).unwrap();
        let sealed = seal_to_device(&ROOM, &a, b.device, &key, b"hello", &mut random);
        (a, b, sealed)
    }

    #[test]
    fn a_message_to_the_room_is_for_those_with_its_key_and_topic() {
        let (mut random, a, b) = devices();
        let sealed = seal_to_room(&ROOM, &a, "c", b"hello", &mut random);
        let opened = open(&ROOM, b.device, "c", &sealed, |_, _| None).unwrap();
        assert_eq!(
            opened,
            Opened {
                sender: a.device,
                public: a.public,
                body: b"hello".to_vec()
            }
        );
        assert_eq!(
            open(&[8; 32], b.device, "c", &sealed, |_, _| None),
            Err(OpenError::NotAuthentic)
        );
        assert_eq!(
            open(&ROOM, b.device, "d", &sealed, |_, _| None),
            Err(OpenError::NotAuthentic)
        );
    }

    #[test]
    fn a_message_to_a_device_is_for_it_alone_and_proves_its_sender() {
        let (a, b, sealed) = direct();
        let tail = b.device.to_string();
        let opened = open(&ROOM, b.device, &tail, &sealed, |_, public| {
            b.pair_key(public)
        })
        .unwrap();
        assert_eq!((opened.sender, opened.public), (a.device, a.public));
        assert_eq!(opened.body, b"hello");
        let mut random = Random::new([4; 32]);
        let other = Identity::new(&mut random);
        let read = open(&ROOM, other.device, &tail, &sealed, |_, public| {
            other.pair_key(public)
        });
        assert_eq!(read, Err(OpenError::NotAuthentic));
    }

    #[test]
    fn no_changed_or_cut_byte_goes_unnoticed() {
        let (_, b, sealed) = direct();
        let tail = b.device.to_string();
        for at in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[at] ^= 1;
            assert!(
                open(&ROOM, b.device, &tail, &forged, |_, p| b.pair_key(p)).is_err(),
                "byte {at}"
            );
            assert!(
                open(&ROOM, b.device, &tail, &sealed[..at], |_, p| b.pair_key(p)).is_err(),
                "cut at {at}"
            );
        }
    }

    #[test]
    fn a_later_version_is_told_apart() {
        let (mut random, a, b) = devices();
        let mut sealed = of_later_version(&ROOM, &a, "c", &mut random);
        let opened = |sealed: &[u8]| open(&ROOM, b.device, "c", sealed, |_, _| None);
        assert_eq!(opened(&sealed), Err(OpenError::Newer));
        sealed[0] += 1;
        assert_eq!(opened(&sealed), Err(OpenError::NotAuthentic));
    }

    #[test]
    fn nobody_writes_to_the_room_in_anothers_name() {
        let (mut random, a, b) = devices();
        let read = |identity: &Identity, random: &mut Random| {
            let sealed = seal_to_room(&ROOM, identity, "c", b"hello", random);
            open(&ROOM, b.device, "c", &sealed, |_, _| None)
        };
        assert!(read(&a, &mut random).is_ok());
        let mut named = Identity::new(&mut random);
        named.device = a.device;
        assert_eq!(read(&named, &mut random), Err(OpenError::NotAuthentic));
        named.public = a.public;
        assert_eq!(read(&named, &mut random), Err(OpenError::NotAuthentic));
    }

    fn head(signed: bool) -> FrameHead {
        FrameHead {
            first_block: 7,
            count: 3,
            sent: u64::MAX,
            signed,
        }
    }

    const SENDER: DeviceId = DeviceId([8; 10]);

    fn sealed(cipher: &FrameCipher, head: FrameHead, key: &ParcelKey) -> Vec<u8> {
        let mut frame = vec![0; FRAME_HEAD];
        frame.extend_from_slice(b"content");
        let by = (key, SENDER);
        cipher.seal(head, &mut frame, by, &mut Random::new([5; 32]));
        frame
    }

    #[test]
    fn frames_are_bound_to_their_parcel_and_head() {
        let key = ParcelKey::new([7; 32]);
        let (cipher, by) = (
            FrameCipher::new(&[1; 32], key.parcel()),
            (&key.public(), SENDER),
        );
        for (head, overhead) in [
            (head(false), FRAME_OVERHEAD - SIGNATURE),
            (head(true), FRAME_OVERHEAD),
        ] {
            let frame = sealed(&cipher, head, &key);
            assert_eq!(frame.len(), overhead + 7);
            let mut opened = frame.clone();
            let (read, range) = cipher.open(&mut opened, by).unwrap();
            assert_eq!((read, range.clone()), (head, FRAME_HEAD..FRAME_HEAD + 7));
            assert_eq!(&opened[range], b"content");
            for at in 0..frame.len() {
                let mut forged = frame.clone();
                forged[at] ^= 1;
                assert!(cipher.open(&mut forged, by).is_err(), "byte {at}");
                assert!(
                    cipher.open(&mut frame[..at].to_vec(), by).is_err(),
                    "cut at {at}"
                );
            }
            let other = FrameCipher::new(&[1; 32], ParcelId([3; 10]));
            assert!(other.open(&mut frame.clone(), by).is_err());
        }
    }

    #[test]
    fn only_who_has_the_parcels_key_signs_its_frames() {
        let (key, other) = (ParcelKey::new([7; 32]), ParcelKey::new([8; 32]));
        let cipher = FrameCipher::new(&[1; 32], key.parcel());
        let open = |signer: &ParcelKey, sender| {
            let mut frame = sealed(&cipher, head(true), signer);
            cipher.open(&mut frame, (&key.public(), sender)).is_ok()
        };
        assert!(open(&key, SENDER));
        assert!(!open(&other, SENDER));
        // Nor does what another device sent of it count, as this one was before a restart.
        assert!(!open(&key, DeviceId([9; 10])));
    }
}
