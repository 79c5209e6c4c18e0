//! Chance that a number decides.

/// SplitMix64: the whole course of a simulation follows from one number.
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `from` up to but not including `to`.
    pub fn range(&mut self, from: u64, to: u64) -> u64 {
        from + self.word() % (to - from).max(1)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        n > 0 && self.word().is_multiple_of(n)
    }

    /// The seed of an engine.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        seed.chunks_mut(8)
            .for_each(|chunk| chunk.copy_from_slice(&self.word().to_le_bytes()));
        seed
    }
}
