//! Persons: whoever uses a profile, on any number of devices.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use minicbor::{Decode, Encode};

use crate::identity::{PUBLIC, SIGNATURE};
use crate::ids::{PersonId, base32, from_base32};
use crate::keys::{RoomSecret, expand};

/// Signed bytes begin with their purpose, so that nothing passes for something else.
const CARD: &[u8] = b"mqdrop card\0";
/// The longest name on a card, in bytes: 64 letters of UTF-8.
pub(crate) const MAX_NAME: usize = 256;

/// The user of a device, as others in a room come to know them.
#[derive(Clone)]
pub struct Profile {
    /// 32 bytes from a cryptographic random source, made once and kept for as long as the profile is to
    /// be the same person. Whoever has them is that person.
    pub secret: [u8; 32],
    /// The name; shown to others on one line of at most 64 letters.
    pub name: String,
    /// When the name was chosen, in ms since 1970: the newest card names a person.
    pub named: u64,
}

impl Profile {
    /// The public key of this profile's person in a room, in lower-case base32.
    #[must_use]
    pub fn person_key(&self, room: &RoomSecret) -> String {
        base32(&PersonKey::new(&self.secret, &room.room).public())
    }

    /// The same person as `kept`, under this name: it was chosen later, whatever the clock says.
    #[must_use]
    pub fn in_place_of(&self, kept: &Self) -> Self {
        Self {
            secret: kept.secret,
            name: self.name.clone(),
            named: self.named.max(kept.named.saturating_add(1)),
        }
    }
}

/// The key pair of a person in one room. It follows from the profile's secret and the room, so that
/// nobody can tell that a person is in two rooms.
pub(crate) struct PersonKey(SigningKey);

impl PersonKey {
    pub(crate) fn new(profile: &[u8; 32], room: &[u8; 16]) -> Self {
        let root = [&profile[..], &room[..]].concat();
        Self(SigningKey::from_bytes(&expand(&root, b"person key")))
    }

    pub(crate) fn public(&self) -> [u8; PUBLIC] {
        self.0.verifying_key().to_bytes()
    }

    /// The card that a device of this person shows.
    pub(crate) fn card(
        &self,
        room: &[u8; 16],
        device: &[u8; PUBLIC],
        name: String,
        named: u64,
    ) -> Card {
        let signature = self.0.sign(&card_text(room, device, named, &name));
        Card {
            person: self.public(),
            named,
            name,
            signature: signature.to_bytes(),
        }
    }
}

/// What a device says of its person. The person's signature is over the device's key, so a card fits
/// that device alone, and any member may pass it on.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Card {
    /// The person's public key.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(crate) person: [u8; PUBLIC],
    /// When the name was chosen, in ms since 1970.
    #[n(1)]
    pub(crate) named: u64,
    /// As the user typed it.
    #[n(2)]
    pub(crate) name: String,
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(crate) signature: [u8; SIGNATURE],
}

impl Card {
    pub(crate) fn id(&self) -> PersonId {
        person_of(&self.person)
    }

    /// Whether the person says so of the device with this key, in this room.
    pub(crate) fn is_right(&self, room: &[u8; 16], device: &[u8; PUBLIC]) -> bool {
        if self.name.len() > MAX_NAME {
            return false;
        }
        let said = card_text(room, device, self.named, &self.name);
        // Strictly: no key of small order, under which anything would be signed.
        VerifyingKey::from_bytes(&self.person).is_ok_and(|key| {
            let signature = Signature::from_bytes(&self.signature);
            key.verify_strict(&said, &signature).is_ok()
        })
    }
}

/// The id of the person that has this public key.
pub(crate) fn person_of(public: &[u8; PUBLIC]) -> PersonId {
    let mut id = [0; 10];
    id.copy_from_slice(&blake3::hash(public).as_bytes()[..10]);
    PersonId(id)
}

/// The person whose public key this is, in lower-case base32; `None` if it is none.
#[must_use]
pub fn person_of_text(key: &str) -> Option<PersonId> {
    let key: [u8; PUBLIC] = from_base32(key)?.try_into().ok()?;
    Some(person_of(&key))
}

/// The parts are of known lengths but for the last.
fn card_text(room: &[u8; 16], device: &[u8; PUBLIC], named: u64, name: &str) -> Vec<u8> {
    [CARD, room, device, &named.to_be_bytes(), name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const ROOM: [u8; 16] = [3; 16];
    const DEVICE: [u8; PUBLIC] = [4; PUBLIC];

    fn card() -> Card {
        PersonKey::new(&[1; 32], &ROOM).card(&ROOM, &DEVICE, "Ann".into(), 7)
    }

    #[test]
    fn a_card_fits_its_device_in_its_room_and_nothing_else() {
        let card = card();
        assert!(card.is_right(&ROOM, &DEVICE));
        assert!(!card.is_right(&ROOM, &[5; PUBLIC]));
        assert!(!card.is_right(&[4; 16], &DEVICE));
        let renamed = Card {
            name: "Ben".into(),
            ..card.clone()
        };
        assert!(!renamed.is_right(&ROOM, &DEVICE));
        let newer = Card {
            named: 8,
            ..card.clone()
        };
        assert!(!newer.is_right(&ROOM, &DEVICE));
        let other = PersonKey::new(&[2; 32], &ROOM).public();
        let stolen = Card {
            person: other,
            ..card
        };
        assert!(!stolen.is_right(&ROOM, &DEVICE));
    }

    #[test]
    fn a_person_is_the_same_in_a_room_and_another_in_each() {
        let id = |profile: u8, room: u8| {
            person_of(&PersonKey::new(&[profile; 32], &[room; 16]).public())
        };
        assert_eq!(id(1, 1), id(1, 1));
        assert_ne!(id(1, 1), id(1, 2));
        assert_ne!(id(1, 1), id(2, 1));
    }

    #[test]
    fn names_without_an_end_are_on_no_card() {
        let key = PersonKey::new(&[1; 32], &ROOM);
        let named = |letters| key.card(&ROOM, &DEVICE, "é".repeat(letters), 0);
        assert!(named(128).is_right(&ROOM, &DEVICE));
        assert!(!named(129).is_right(&ROOM, &DEVICE));
    }
}
