//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03; RFC 8439), four blocks of key stream at a time.
//!
//! Where browsers run it, RustCrypto's cipher goes block by block, because it has no SIMD for wasm:
//! encryption was the largest part of a transfer's work. Vectors make it twice as fast. The bytes
//! are the same, which the tests check.

use chacha20::{R20, hchacha};
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit, UniversalHash};
use wide::u32x4;

/// Bytes of a nonce, which may be random: no two of 2^80 are the same.
pub const NONCE: usize = 24;
/// Bytes of a tag.
pub const TAG: usize = 16;

/// Bytes of key stream in a block.
const BLOCK: usize = 64;
/// Bytes of the four blocks that are made at a time.
const BATCH: usize = 4 * BLOCK;
/// "expand 32-byte k" (RFC 8439, section 2.3).
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

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

/// The key stream of one message.
struct KeyStream {
    /// The constants, the key, the number of the next block, the nonce (RFC 8439, section 2.3).
    state: [u32; 16],
}

impl KeyStream {
    fn new(key: &[u8; 32], nonce: &[u8; NONCE]) -> Self {
        let (first, last) = nonce.split_at(16);
        let mut half = [0; 16];
        half.copy_from_slice(first);
        let subkey = hchacha::<R20>(key.into(), (&half).into());
        let mut state = [0; 16];
        state[..4].copy_from_slice(&CONSTANTS);
        load(&mut state[4..12], &subkey);
        load(&mut state[14..], last);
        Self { state }
    }

    /// The authenticator of the message: its key is the first block (RFC 8439, section 2.6).
    fn mac(&mut self) -> Poly1305 {
        let mut batch = [0; BATCH];
        apply_batch(&self.state, &mut batch);
        self.state[12] = 1;
        let mut key = [0; 32];
        key.copy_from_slice(&batch[..32]);
        Poly1305::new(&key.into())
    }

    fn apply(&mut self, text: &mut [u8]) {
        let (batches, rest) = text.as_chunks_mut::<BATCH>();
        for batch in batches {
            apply_batch(&self.state, batch);
            self.state[12] = self.state[12].wrapping_add(4);
        }
        if !rest.is_empty() {
            let mut batch = [0; BATCH];
            batch[..rest.len()].copy_from_slice(rest);
            apply_batch(&self.state, &mut batch);
            rest.copy_from_slice(&batch[..rest.len()]);
        }
    }
}

/// Adds the four blocks from `state` on to `batch`. A vector holds one word of each of the four.
fn apply_batch(state: &[u32; 16], batch: &mut [u8; BATCH]) {
    let mut start = state.map(u32x4::splat);
    start[12] += u32x4::new([0, 1, 2, 3]);
    let mut words = start;
    for _ in 0..10 {
        quarter_round(&mut words, 0, 4, 8, 12);
        quarter_round(&mut words, 1, 5, 9, 13);
        quarter_round(&mut words, 2, 6, 10, 14);
        quarter_round(&mut words, 3, 7, 11, 15);
        quarter_round(&mut words, 0, 5, 10, 15);
        quarter_round(&mut words, 1, 6, 11, 12);
        quarter_round(&mut words, 2, 7, 8, 13);
        quarter_round(&mut words, 3, 4, 9, 14);
    }
    for (quarter, at) in (0..16).step_by(4).enumerate() {
        let sums = [0, 1, 2, 3].map(|word| words[at + word] + start[at + word]);
        for (block, stream) in transpose(sums).into_iter().enumerate() {
            let from = block * BLOCK + quarter * 16;
            let target = &mut batch[from..from + 16];
            let mut text = [0; 4];
            load(&mut text, target);
            let mixed = (u32x4::new(text) ^ stream).to_array();
            for (bytes, word) in target.as_chunks_mut::<4>().0.iter_mut().zip(mixed) {
                *bytes = word.to_le_bytes();
            }
        }
    }
}

/// RFC 8439, section 2.1.
#[inline(always)]
fn quarter_round(words: &mut [u32x4; 16], a: usize, b: usize, c: usize, d: usize) {
    words[a] += words[b];
    words[d] = rotate::<16>(words[d] ^ words[a]);
    words[c] += words[d];
    words[b] = rotate::<12>(words[b] ^ words[c]);
    words[a] += words[b];
    words[d] = rotate::<8>(words[d] ^ words[a]);
    words[c] += words[d];
    words[b] = rotate::<7>(words[b] ^ words[c]);
}

#[inline(always)]
fn rotate<const BITS: u32>(words: u32x4) -> u32x4 {
    (words << BITS) | (words >> (32 - BITS))
}

/// The first words of each become the first vector, and so on. Taking two vectors' words in
/// turn is an instruction for each half; that of `wide` moves word by word in wasm.
#[inline(always)]
fn transpose(rows: [u32x4; 4]) -> [u32x4; 4] {
    let [a, b, c, d] = rows.map(u32x4::to_array);
    let in_turn = |x: [u32; 4], y: [u32; 4]| ([x[0], y[0], x[1], y[1]], [x[2], y[2], x[3], y[3]]);
    let (ac, ac_after) = in_turn(a, c);
    let (bd, bd_after) = in_turn(b, d);
    let (first, second) = in_turn(ac, bd);
    let (third, fourth) = in_turn(ac_after, bd_after);
    [first, second, third, fourth].map(u32x4::new)
}

/// Reads as many words as there is room for.
fn load(words: &mut [u32], bytes: &[u8]) {
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
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
