//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03; RFC 8439), many blocks of key stream at a time.
//!
//! Where browsers run it, RustCrypto's cipher goes block by block, because it has no SIMD for wasm:
//! encryption was the largest part of a transfer's work. Vectors of four words (`vectors`) make it
//! twice as fast. Elsewhere RustCrypto's own is the faster one: it finds out when it runs how long
//! the processor's vectors are. The bytes are the same, which the tests check.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(any(target_arch = "wasm32", test))]
mod vectors;

#[cfg(not(target_arch = "wasm32"))]
use native::KeyStream;
use poly1305::Poly1305;
use poly1305::universal_hash::UniversalHash;
#[cfg(target_arch = "wasm32")]
use vectors::KeyStream;

/// Bytes of a nonce, which may be random: no two of 2^80 are the same.
pub const NONCE: usize = 24;
/// Bytes of a tag.
pub const TAG: usize = 16;

/// Bytes of key stream in a block.
const BLOCK: usize = 64;

/// The bytes to be opened were not sealed so: another key, or changed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAuthentic;

/// Encrypts in place, less than 256 GiB, and returns the tag.
#[must_use]
pub fn encrypt(key: &[u8; 32], nonce: &[u8; NONCE], aad: &[u8], text: &mut [u8]) -> [u8; TAG] {
    let mut stream = KeyStream::new(key, nonce);
    let mac = stream.mac();
    stream.apply(text);
    authenticate(mac, aad, text).finalize().into()
}

/// Decrypts in place.
///
/// # Errors
/// If the tag is wrong; then nothing is changed.
pub fn decrypt(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    aad: &[u8],
    text: &mut [u8],
    tag: &[u8; TAG],
) -> Result<(), NotAuthentic> {
    let mut stream = KeyStream::new(key, nonce);
    authenticate(stream.mac(), aad, text)
        .verify(&(*tag).into())
        .map_err(|_| NotAuthentic)?;
    stream.apply(text);
    Ok(())
}

/// RFC 8439, section 2.8: both texts, padded, and their lengths.
fn authenticate(mut mac: Poly1305, aad: &[u8], text: &[u8]) -> Poly1305 {
    mac.update_padded(aad);
    mac.update_padded(text);
    let mut lengths = [0; 16];
    lengths[..8].copy_from_slice(&(aad.len() as u64).to_le_bytes());
    lengths[8..].copy_from_slice(&(text.len() as u64).to_le_bytes());
    mac.update_padded(&lengths);
    mac
}

#[cfg(test)]
mod tests {
    use chacha20poly1305::aead::AeadInOut;
    use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// The same by RustCrypto.
    fn oracle(key: [u8; 32], nonce: [u8; NONCE], aad: &[u8], text: &[u8]) -> (Vec<u8>, [u8; TAG]) {
        let mut sealed = text.to_vec();
        let tag = XChaCha20Poly1305::new(&key.into())
            .encrypt_inout_detached(&XNonce::from(nonce), aad, sealed.as_mut_slice().into())
            .unwrap();
        (sealed, tag.into())
    }

    /// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn is_as_the_draft_says() {
        let key: [u8; 32] = core::array::from_fn(|index| 0x80 + index as u8);
        let nonce: [u8; NONCE] = core::array::from_fn(|index| 0x40 + index as u8);
        let aad = [
            0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
        ];
        let mut text = *b"Ladies and Gentlemen of the class of '99: If I could offer you only one \
            tip for the future, sunscreen would be it.";
        let tag = encrypt(&key, &nonce, &aad, &mut text);
        assert_eq!(text[..8], [0xbd, 0x6d, 0x17, 0x9d, 0x3e, 0x83, 0xd4, 0x3b]);
        assert_eq!(
            tag,
            [
                0xc0, 0x87, 0x59, 0x24, 0xc1, 0xc7, 0x98, 0x79, 0x47, 0xde, 0xaf, 0xd8, 0x78, 0x0a,
                0xcf, 0x49
            ]
        );
    }

    mqdrop_testing::properties! {
        fn gives_the_same_bytes_as_another_implementation(
            key in any::<[u8; 32]>(),
            nonce in any::<[u8; NONCE]>(),
            aad in prop::collection::vec(any::<u8>(), 0..40),
            text in prop::collection::vec(any::<u8>(), 0..1500),
        ) {
            let (expected, expected_tag) = oracle(key, nonce, &aad, &text);
            let mut sealed = text.clone();
            let tag = encrypt(&key, &nonce, &aad, &mut sealed);
            prop_assert_eq!((&sealed, tag), (&expected, expected_tag));
            prop_assert!(decrypt(&key, &nonce, &aad, &mut sealed, &tag).is_ok());
            prop_assert_eq!(sealed, text);
        }

        /// Natively too, where another key stream is used.
        fn vectors_give_the_same_bytes(
            key in any::<[u8; 32]>(),
            nonce in any::<[u8; NONCE]>(),
            text in prop::collection::vec(any::<u8>(), 0..1500),
        ) {
            let expected = oracle(key, nonce, b"", &text);
            let mut stream = vectors::KeyStream::new(&key, &nonce);
            let (mac, mut sealed) = (stream.mac(), text);
            stream.apply(&mut sealed);
            let tag = authenticate(mac, b"", &sealed).finalize().into();
            prop_assert_eq!((sealed, tag), expected);
        }

        fn what_was_changed_is_not_opened(
            key in any::<[u8; 32]>(),
            text in prop::collection::vec(any::<u8>(), 1..600),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let (nonce, aad) = ([7; NONCE], b"head");
            let mut sealed = text;
            let tag = encrypt(&key, &nonce, aad, &mut sealed);
            let mut changed = sealed.clone();
            changed[at.index(sealed.len())] ^= 1 << bit;
            let before = changed.clone();
            prop_assert_eq!(decrypt(&key, &nonce, aad, &mut changed, &tag), Err(NotAuthentic));
            prop_assert_eq!(changed, before);
            let mut other_tag = tag;
            other_tag[at.index(TAG)] ^= 1 << bit;
            prop_assert_eq!(decrypt(&key, &nonce, aad, &mut sealed, &other_tag), Err(NotAuthentic));
            prop_assert_eq!(decrypt(&key, &nonce, b"tail", &mut sealed, &tag), Err(NotAuthentic));
        }
    }
}
