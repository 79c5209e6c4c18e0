//! Identities of devices and parcels, and the keys that two devices share.
//!
//! A device has one key pair. It signs what goes to the whole room (Ed25519, RFC 8032); by the same
//! pair, as points of the other curve (RFC 7748, section 4.1), two devices agree on a key for what
//! is between them.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::ids::{DeviceId, ParcelId};
use crate::keys::expand;

/// Bytes of a public key.
pub(crate) const PUBLIC: usize = 32;
/// Bytes of a signature.
pub(crate) const SIGNATURE: usize = 64;

/// Signed bytes begin with their purpose, so that nothing passes for something else.
const MESSAGE: &[u8] = b"mqdrop message to a room\0";
const PARCEL: &[u8] = b"mqdrop parcel of a sender\0";
const FRAME: &[u8] = b"mqdrop data frame\0";

/// A device's key pair and the id that follows from it. A platform makes one from random bytes each
/// time it [joins](crate::Join::identity) a room.
#[derive(Clone)]
pub struct Identity {
    signing: SigningKey,
    agreeing: StaticSecret,
    pub(crate) public: [u8; PUBLIC],
    pub(crate) device: DeviceId,
}

/// A key that two devices share.
#[derive(Clone)]
pub(crate) struct PairKey(pub(crate) [u8; 32]);

impl Identity {
    /// The identity that follows from these bytes, which are its secret: from a cryptographic random
    /// source, and given to nobody.
    #[must_use]
    pub fn from_random(secret: [u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(&secret);
        let public = signing.verifying_key().to_bytes();
        Self {
            agreeing: StaticSecret::from(signing.to_scalar_bytes()),
            signing,
            public,
            device: device_of(&public),
        }
    }

    /// The id of the device.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// The key this device shares with the owner of `public`; `None` for a key that is none
    /// (RFC 7748, section 6.1).
    pub(crate) fn pair_key(&self, public: &[u8; PUBLIC]) -> Option<PairKey> {
        let point = VerifyingKey::from_bytes(public).ok()?.to_montgomery();
        let shared = self
            .agreeing
            .diffie_hellman(&PublicKey::from(point.to_bytes()));
        shared
            .was_contributory()
            .then(|| PairKey(expand(shared.as_bytes(), b"pair key")))
    }

    /// Signs a message to the room, whose parts are of known lengths but for the last.
    pub(crate) fn sign(&self, parts: [&[u8]; 3]) -> [u8; SIGNATURE] {
        self.signing.sign(&text(MESSAGE, &parts)).to_bytes()
    }
}

/// Whether the owner of `public` signed these parts.
pub(crate) fn is_signed(
    public: &[u8; PUBLIC],
    parts: [&[u8]; 3],
    signature: &[u8; SIGNATURE],
) -> bool {
    verify(public, &text(MESSAGE, &parts), signature)
}

/// The id of the device that has this public key.
pub(crate) fn device_of(public: &[u8; PUBLIC]) -> DeviceId {
    DeviceId(id_of(public))
}

/// The id of the parcel that has this public key.
pub(crate) fn parcel_of(public: &[u8; PUBLIC]) -> ParcelId {
    ParcelId(id_of(public))
}

fn id_of(public: &[u8; PUBLIC]) -> [u8; 10] {
    let mut id = [0; 10];
    id.copy_from_slice(&blake3::hash(public).as_bytes()[..10]);
    id
}

/// A parcel's own key pair, by which a sender that was restarted, and is another device now, shows
/// that the parcel is its own.
pub(crate) struct ParcelKey(SigningKey);

impl ParcelKey {
    pub(crate) fn new(secret: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&secret))
    }

    pub(crate) fn secret(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(crate) fn public(&self) -> [u8; PUBLIC] {
        self.0.verifying_key().to_bytes()
    }

    /// The parcel's id, which nobody without this key can offer something under.
    pub(crate) fn parcel(&self) -> ParcelId {
        parcel_of(&self.public())
    }

    /// Shows everyone that `sender` has the parcel's secret.
    pub(crate) fn proof(&self, sender: DeviceId) -> [u8; SIGNATURE] {
        let said = text(PARCEL, &[&self.parcel().0, &sender.0]);
        self.0.sign(&said).to_bytes()
    }

    /// Signs a data frame of the parcel for its sender, so that no other can be thought to have sent
    /// it: by another one's clock it would come from the future.
    pub(crate) fn sign_frame(
        &self,
        sender: DeviceId,
        head: &[u8],
        blocks: &[u8],
    ) -> [u8; SIGNATURE] {
        let said = frame_text(self.parcel(), sender, head, blocks);
        self.0.sign(&said).to_bytes()
    }
}

/// Whether this is the key of this parcel, and the proof of `sender` is right for it.
pub(crate) fn is_proof(
    parcel_key: &[u8; PUBLIC],
    parcel: ParcelId,
    sender: DeviceId,
    proof: &[u8; SIGNATURE],
) -> bool {
    let said = text(PARCEL, &[&parcel.0, &sender.0]);
    parcel_of(parcel_key) == parcel && verify(parcel_key, &said, proof)
}

/// Whether a data frame of `sender` was signed with the key of its parcel.
pub(crate) fn is_frame_signed(
    parcel_key: &[u8; PUBLIC],
    sender: DeviceId,
    head: &[u8],
    blocks: &[u8],
    signature: &[u8; SIGNATURE],
) -> bool {
    let said = frame_text(parcel_of(parcel_key), sender, head, blocks);
    verify(parcel_key, &said, signature)
}

fn frame_text(parcel: ParcelId, sender: DeviceId, head: &[u8], blocks: &[u8]) -> Vec<u8> {
    // Ed25519 goes through what it signs twice, and slower than BLAKE3 does.
    let hash = blake3::hash(blocks);
    text(FRAME, &[&parcel.0, &sender.0, head, hash.as_bytes()])
}

fn text(what: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    [&[what], parts].concat().concat()
}

fn verify(public: &[u8; PUBLIC], said: &[u8], signature: &[u8; SIGNATURE]) -> bool {
    // Strictly: no key of small order, under which anything would be signed.
    VerifyingKey::from_bytes(public).is_ok_and(|key| {
        key.verify_strict(said, &Signature::from_bytes(signature))
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn identity(seed: u8) -> Identity {
        Identity::from_random([seed; 32])
    }

    #[test]
    fn two_devices_agree_on_a_key_that_no_third_has() {
        let (a, b, c) = (identity(1), identity(2), identity(3));
        let key = |me: &Identity, other: &Identity| me.pair_key(&other.public).unwrap().0;
        assert_eq!(key(&a, &b), key(&b, &a));
        assert_ne!(key(&a, &b), key(&a, &c));
        assert_ne!(key(&a, &b), key(&c, &b));
    }

    #[test]
    fn points_of_low_order_and_what_is_no_point_are_no_public_keys() {
        let a = identity(1);
        // y = 0 (order 4), y = 1 (the neutral point), and a y that no point has.
        for first in [0, 1, 2] {
            let mut public = [0; PUBLIC];
            public[0] = first;
            assert!(a.pair_key(&public).is_none(), "{first}");
            assert!(!is_signed(&public, [b"", b"", b""], &[0; SIGNATURE]));
        }
    }

    #[test]
    fn signatures_hold_for_what_was_signed_by_whom() {
        let (a, b) = (identity(1), identity(2));
        let signature = a.sign([b"head", b"c", b"body"]);
        assert!(is_signed(&a.public, [b"head", b"c", b"body"], &signature));
        assert!(!is_signed(&b.public, [b"head", b"c", b"body"], &signature));
        assert!(!is_signed(&a.public, [b"head", b"c", b"bodx"], &signature));
        let mut forged = signature;
        forged[40] ^= 1;
        assert!(!is_signed(&a.public, [b"head", b"c", b"body"], &forged));
    }

    #[test]
    fn a_parcel_is_its_senders_as_one_device_only() {
        let key = ParcelKey::new([7; 32]);
        let (parcel, sender) = (key.parcel(), identity(1).device);
        let proof = key.proof(sender);
        assert!(is_proof(&key.public(), parcel, sender, &proof));
        let again = ParcelKey::new(key.secret());
        assert_eq!(again.public(), key.public());
        assert!(!is_proof(&key.public(), parcel, identity(2).device, &proof));
        assert!(!is_proof(&key.public(), ParcelId([2; 10]), sender, &proof));
        // Nor is it another key's, whatever that one signs.
        let other = ParcelKey::new([8; 32]);
        let proof = other.proof(sender);
        assert!(!is_proof(&other.public(), parcel, sender, &proof));
    }
}
