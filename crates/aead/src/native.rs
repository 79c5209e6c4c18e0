//! RustCrypto's key stream.

use chacha20::XChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;

use crate::{BLOCK, NONCE};

/// The key stream of one message.
pub(crate) struct KeyStream(XChaCha20);

impl KeyStream {
    pub(crate) fn new(key: &[u8; 32], nonce: &[u8; NONCE]) -> Self {
        Self(XChaCha20::new(key.into(), nonce.into()))
    }

    /// Makes what authenticates the message: its key is the first block (RFC 8439, section 2.6).
    pub(crate) fn mac(&mut self) -> Poly1305 {
        let mut block = [0; BLOCK];
        self.0.apply_keystream(&mut block);
        let mut key = [0; 32];
        key.copy_from_slice(&block[..32]);
        Poly1305::new(&key.into())
    }

    pub(crate) fn apply(&mut self, text: &mut [u8]) {
        self.0.apply_keystream(text);
    }
}
