//! What the page needs neither to join nor to transfer: made keys, their strength, QR codes, and saving
//! many files as an archive or into a folder. A wasm module of its own, which src/app/extras.rs loads.

pub mod alike;
mod archive;
mod folder;
pub mod qr;
pub mod together;
pub mod zip;

use mqdrop_core::keys::{self, Level};
use wasm_bindgen::prelude::wasm_bindgen;

fn main() {}

/// Makes a key of English words; `None` if the browser gives no random numbers.
#[wasm_bindgen]
#[must_use]
pub fn generate_key() -> Option<String> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).ok()?;
    Some(keys::generate(seed))
}

/// The eight words that stand for a person's key; `None` for what is no key.
#[wasm_bindgen]
#[must_use]
pub fn fingerprint(key: &str) -> Option<String> {
    keys::fingerprint(key)
}

/// How hard a key is to guess: `weak`, `fair` or `strong`.
#[wasm_bindgen]
#[must_use]
pub fn key_level(key: &str) -> String {
    match keys::strength(key).level {
        Level::Weak => "weak",
        Level::Fair => "fair",
        Level::Strong => "strong",
    }
    .to_owned()
}
