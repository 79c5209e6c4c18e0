//! The engine's only source of chance: a cryptographic generator that the driver seeds.

use core::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

pub(crate) struct Random(ChaCha20Rng);

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// `middle`, give or take a quarter: spreads out what many devices would do at the same moment.
    pub(crate) fn around(&mut self, middle: Duration) -> Duration {
        middle.mul_f64(0.75 + f64::from(self.0.next_u32()) / f64::from(u32::MAX) / 2.0)
    }
}
