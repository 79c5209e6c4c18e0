//! Sealing: what the broker and other rooms cannot read.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) with random nonces throughout: of control messages
//! in `envelope.rs`, of data in `frame.rs`.

use mqdrop_aead as aead;

pub(crate) use mqdrop_aead::{NONCE, TAG};

/// The version of everything that is sealed, and of what is inside.
pub(crate) const VERSION: u8 = 1;

/// Why something sealed could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// Another version of the protocol, later than this one.
    Newer,
    /// Damaged, forged, replayed to another topic or meant for someone else.
    NotAuthentic,
}

/// Encrypts what stands from `from` on, in place, and appends the tag.
pub(crate) fn seal_tail(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    aad: &[u8],
    buffer: &mut Vec<u8>,
    from: usize,
) {
    let tag = aead::encrypt(key, nonce, aad, &mut buffer[from..]);
    buffer.extend_from_slice(&tag);
}

/// Decrypts in place; the tag stays behind the plaintext.
pub(crate) fn open_tail(
    key: &[u8; 32],
    nonce: &[u8],
    aad: &[u8],
    buffer: &mut [u8],
) -> Result<(), OpenError> {
    let nonce: &[u8; NONCE] = nonce.try_into().map_err(|_| OpenError::NotAuthentic)?;
    let (text, tag) = buffer
        .split_last_chunk_mut::<TAG>()
        .ok_or(OpenError::NotAuthentic)?;
    aead::decrypt(key, nonce, aad, text, tag).map_err(|_| OpenError::NotAuthentic)
}
