//! Four blocks of key stream at a time, in vectors of four words.

use chacha20::{R20, hchacha};
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use wide::u32x4;

use crate::{BLOCK, NONCE};

/// Bytes of the four blocks that are made at a time.
const BATCH: usize = 4 * BLOCK;
/// "expand 32-byte k" (RFC 8439, section 2.3).
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// The key stream of one message.
pub(crate) struct KeyStream {
    /// The constants, the key, the number of the next block, the nonce (RFC 8439, section 2.3).
    state: [u32; 16],
}

impl KeyStream {
    pub(crate) fn new(key: &[u8; 32], nonce: &[u8; NONCE]) -> Self {
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
    pub(crate) fn mac(&mut self) -> Poly1305 {
        let mut batch = [0; BATCH];
        apply_batch(&self.state, &mut batch);
        self.state[12] = 1;
        let mut key = [0; 32];
        key.copy_from_slice(&batch[..32]);
        Poly1305::new(&key.into())
    }

    pub(crate) fn apply(&mut self, text: &mut [u8]) {
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
