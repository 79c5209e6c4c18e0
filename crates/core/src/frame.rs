//! Data frames as they are sealed, and signed if need be.
//!
//! Each is sealed under its parcel's content key, which the whole room knows; once a receiver asks
//! for it, frames are signed with the parcel's own key as well. A frame that is longer than packets
//! may be goes in pieces, each sealed by itself.

use core::ops::Range;

use crate::identity::{PUBLIC, ParcelKey, SIGNATURE, is_frame_signed};
use crate::ids::{DeviceId, ParcelId};
use crate::random::Random;
use crate::seal::{NONCE, OpenError, TAG, VERSION, open_tail, seal_tail};

/// Version, kind, first block, count, send time.
const HEAD: usize = 16;
/// The head of a piece, which says as well where in its frame it belongs.
const PIECE_HEAD: usize = HEAD + 4;
/// Bytes before the blocks of a frame that has a packet of its own: the head, then the nonce.
pub(crate) const FRAME_HEAD: usize = HEAD + NONCE;
/// Bytes that sealing adds to the blocks of a frame at most.
pub(crate) const FRAME_OVERHEAD: usize = FRAME_HEAD + SIGNATURE + TAG;
/// Bytes that sealing adds to a piece at most.
pub(crate) const PIECE_OVERHEAD: usize = PIECE_HEAD + NONCE + SIGNATURE + TAG;
/// A bit of the kind: behind the blocks stands a signature.
const SIGNED: u8 = 1;
/// A bit of the kind: it is a piece of a frame.
const PIECE: u8 = 2;

/// The part of a data frame that stands in clear: which blocks it carries and when it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) first_block: u32,
    pub(crate) count: u16,
    /// Microseconds on the sender's clock; later frames of a sender have later times, and pieces of
    /// one frame have the same.
    pub(crate) sent: u64,
    /// Whether it is signed with the parcel's own key, and so its sender's for sure.
    pub(crate) signed: bool,
    /// Where in the frame's blocks this piece begins, in bytes; `None` if it is the whole frame.
    pub(crate) piece: Option<u32>,
}

impl FrameHead {
    /// Bytes that stand before the plaintext of such a frame or piece.
    pub(crate) fn room(self) -> usize {
        self.len() + NONCE
    }

    fn len(self) -> usize {
        self.piece.map_or(HEAD, |_| PIECE_HEAD)
    }

    fn to_bytes(self) -> Vec<u8> {
        let signed = if self.signed { SIGNED } else { 0 };
        let piece = self.piece.map_or(0, |_| PIECE);
        let mut bytes = Vec::with_capacity(PIECE_HEAD);
        bytes.extend_from_slice(&[VERSION, signed | piece]);
        bytes.extend_from_slice(&self.first_block.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.extend_from_slice(&self.sent.to_be_bytes());
        if let Some(offset) = self.piece {
            bytes.extend_from_slice(&offset.to_be_bytes());
        }
        bytes
    }

    fn from_bytes(frame: &[u8]) -> Option<Self> {
        let (&[VERSION, kind], rest) = frame.split_first_chunk()? else {
            return None;
        };
        if kind & !(SIGNED | PIECE) != 0 {
            return None;
        }
        let (first_block, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (sent, rest) = rest.split_first_chunk()?;
        let piece = if kind & PIECE == 0 {
            None
        } else {
            Some(u32::from_be_bytes(*rest.first_chunk()?))
        };
        Some(Self {
            first_block: u32::from_be_bytes(*first_block),
            count: u16::from_be_bytes(*count),
            sent: u64::from_be_bytes(*sent),
            signed: kind & SIGNED != 0,
            piece,
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

    /// Seals `buffer`, which has [`FrameHead::room`] bytes of room before its blocks; with `key`, by
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
        let room = head.room();
        if head.signed {
            let signature = key.sign_frame(sender, &bytes, &buffer[room..]);
            buffer.extend_from_slice(&signature);
        }
        buffer[..bytes.len()].copy_from_slice(&bytes);
        buffer[bytes.len()..room].copy_from_slice(&nonce);
        let aad = self.aad(&bytes);
        seal_tail(&self.content_key, &nonce, &aad, buffer, room);
    }

    /// Opens a frame or a piece in place; its blocks stand in the returned range of it. A signed one
    /// must be signed with the parcel's `key` by `sender`.
    pub(crate) fn open(
        &self,
        frame: &mut [u8],
        (key, sender): (&[u8; PUBLIC], DeviceId),
    ) -> Result<(FrameHead, Range<usize>), OpenError> {
        if frame.first().is_some_and(|&version| version > VERSION) {
            return Err(OpenError::Newer);
        }
        let parsed = FrameHead::from_bytes(frame).ok_or(OpenError::NotAuthentic)?;
        let room = parsed.room();
        let (head, ciphertext) = frame
            .split_at_mut_checked(room)
            .ok_or(OpenError::NotAuthentic)?;
        let (bytes, nonce) = head.split_at(parsed.len());
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
        Ok((parsed, room..room + blocks.len()))
    }

    /// A frame with any head and anything behind it.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn seal_any(&self, head: &[u8], inner: &[u8], random: &mut Random) -> Vec<u8> {
        let nonce = random.bytes::<NONCE>();
        let mut frame = [head, &nonce[..], inner].concat();
        seal_tail(
            &self.content_key,
            &nonce,
            &self.aad(head),
            &mut frame,
            head.len() + NONCE,
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

    fn head(signed: bool, piece: Option<u32>) -> FrameHead {
        FrameHead {
            first_block: 7,
            count: 3,
            sent: u64::MAX,
            signed,
            piece,
        }
    }

    const SENDER: DeviceId = DeviceId([8; 10]);

    fn sealed(cipher: &FrameCipher, head: FrameHead, key: &ParcelKey) -> Vec<u8> {
        let mut frame = vec![0; head.room()];
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
            (head(false, None), FRAME_OVERHEAD - SIGNATURE),
            (head(true, None), FRAME_OVERHEAD),
            (head(false, Some(70_000)), PIECE_OVERHEAD - SIGNATURE),
            (head(true, Some(0)), PIECE_OVERHEAD),
        ] {
            let frame = sealed(&cipher, head, &key);
            assert_eq!(frame.len(), overhead + 7);
            let mut opened = frame.clone();
            let (read, range) = cipher.open(&mut opened, by).unwrap();
            assert_eq!((read, range.clone()), (head, head.room()..head.room() + 7));
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
            let mut frame = sealed(&cipher, head(true, None), signer);
            cipher.open(&mut frame, (&key.public(), sender)).is_ok()
        };
        assert!(open(&key, SENDER));
        assert!(!open(&other, SENDER));
        // Nor does what another device sent of it count, as this one was before a restart.
        assert!(!open(&key, DeviceId([9; 10])));
    }
}
