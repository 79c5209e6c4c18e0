//! Data frames as they are sealed, and signed if need be.
//!
//! Each is sealed under its parcel's content key, which the whole room knows; once a receiver asks
//! for it, frames are signed with the parcel's own key as well.

use core::ops::Range;

use crate::identity::{PUBLIC, ParcelKey, SIGNATURE, is_frame_signed};
use crate::ids::{DeviceId, ParcelId};
use crate::random::Random;
use crate::seal::{NONCE, OpenError, TAG, VERSION, open_tail, seal_tail};

/// Version, kind, first block, count, send time.
const HEAD: usize = 16;
/// What stands before the ciphertext: the head, then the nonce; in bytes.
pub(crate) const FRAME_HEAD: usize = HEAD + NONCE;
/// What sealing adds to the blocks at most, in bytes.
pub(crate) const FRAME_OVERHEAD: usize = FRAME_HEAD + SIGNATURE + TAG;
/// Blocks alone.
const PLAIN: u8 = 0;
/// Blocks, then a signature.
const SIGNED: u8 = 1;

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
        let kind = if self.signed { SIGNED } else { PLAIN };
        let mut bytes = [0; HEAD];
        bytes[..2].copy_from_slice(&[VERSION, kind]);
        bytes[2..6].copy_from_slice(&self.first_block.to_be_bytes());
        bytes[6..8].copy_from_slice(&self.count.to_be_bytes());
        bytes[8..].copy_from_slice(&self.sent.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[VERSION, kind @ (PLAIN | SIGNED)], rest) = bytes.split_first_chunk()? else {
            return None;
        };
        let (first_block, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        Some(Self {
            first_block: u32::from_be_bytes(*first_block),
            count: u16::from_be_bytes(*count),
            sent: u64::from_be_bytes(rest.try_into().ok()?),
            signed: kind == SIGNED,
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

    /// A frame with any head and anything behind it.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn seal_any(&self, head: &[u8; HEAD], inner: &[u8], random: &mut Random) -> Vec<u8> {
        let nonce = random.bytes::<NONCE>();
        let mut frame = [head, &nonce[..], inner].concat();
        seal_tail(
            &self.content_key,
            &nonce,
            &self.aad(head),
            &mut frame,
            FRAME_HEAD,
        );
        frame
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
