//! Control messages as they are sealed, and who can have written them.
//!
//! Each is sealed under the room key. Inside, one to the whole room is signed by its sender, and one
//! to a single device is sealed under a key that only the two share.

use crate::identity::{Identity, PUBLIC, PairKey, SIGNATURE, device_of, is_signed};
use crate::ids::DeviceId;
use crate::random::Random;
use crate::seal::{NONCE, OpenError, TAG, VERSION, open_tail, seal_tail};

/// Version, kind, sender.
const HEAD: usize = 12;
const TO_ROOM: u8 = 0;
const TO_DEVICE: u8 = 1;

/// A message that was opened: nobody but its sender can have written it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) sender: DeviceId,
    /// The sender's public key.
    pub(crate) public: [u8; PUBLIC],
    pub(crate) body: Vec<u8>,
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
    let inner = inner_to_room(identity, topic_tail, body);
    envelope(room_key, &head, topic_tail, &inner, random)
}

/// The inside of an envelope to everyone.
pub(crate) fn inner_to_room(identity: &Identity, topic_tail: &str, body: &[u8]) -> Vec<u8> {
    let head = head(TO_ROOM, identity.device);
    let signature = identity.sign([&head, topic_tail.as_bytes(), body]);
    [&identity.public[..], &signature, body].concat()
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
    let head = head(TO_DEVICE, identity.device);
    let inner = inner_to_device(identity, recipient, pair_key, body, random);
    envelope(room_key, &head, &recipient.to_string(), &inner, random)
}

/// The inside of an envelope to one device.
pub(crate) fn inner_to_device(
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
    inner
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
        .split_at_checked(HEAD)
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

fn head(kind: u8, sender: DeviceId) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..2].copy_from_slice(&[VERSION, kind]);
    head[2..].copy_from_slice(&sender.0);
    head
}

fn envelope(
    key: &[u8; 32],
    head: &[u8; HEAD],
    topic_tail: &str,
    inner: &[u8],
    random: &mut Random,
) -> Vec<u8> {
    let nonce = random.bytes::<NONCE>();
    let mut sealed = Vec::with_capacity(HEAD + NONCE + inner.len() + TAG);
    let aad = [head, topic_tail.as_bytes()].concat();
    sealed.extend_from_slice(head);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(inner);
    seal_tail(key, &nonce, &aad, &mut sealed, HEAD + NONCE);
    sealed
}

/// A message that a device of a later version may send to the room.
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

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const ROOM: [u8; 32] = [9; 32];

    fn devices() -> (Random, Identity, Identity) {
        let mut random = Random::new([3; 32]);
        let (a, b) = (
            Identity::from_random(random.bytes()),
            Identity::from_random(random.bytes()),
        );
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
        let other = Identity::from_random(random.bytes());
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
        let mut named = Identity::from_random(random.bytes());
        named.device = a.device;
        assert_eq!(read(&named, &mut random), Err(OpenError::NotAuthentic));
        named.public = a.public;
        assert_eq!(read(&named, &mut random), Err(OpenError::NotAuthentic));
    }
}
