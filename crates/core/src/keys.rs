//! Keys: how they are written, made and judged, and what they open.

use argon2::{Algorithm, Argon2, Params, Version};
use hkdf::Hkdf;
use mqdrop_unicode::{lower_case, nfkc};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::ids::base32;

/// The longest key that is accepted, in bytes after normalisation.
pub const MAX_KEY_LEN: usize = 1024;

/// 2,048 English words that are told apart by their first four letters
/// (<https://github.com/bitcoin/bips/blob/master/bip-0039/english.txt>). One text: as a table of words
/// it took another 3 KB of the first load.
const WORDS: &str = include_str!("words.txt");

/// How many of [`WORDS`] there are.
const WORD_COUNT: usize = 2048;

/// How many words a generated key has: 6 different ones of 2,048 are 66 bits.
const GENERATED_WORDS: usize = 6;

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing is left after normalisation.
    #[error("type a key, or generate one")]
    Empty,
    /// Longer than [`MAX_KEY_LEN`].
    #[error("this key is too long: at most {MAX_KEY_LEN} bytes")]
    TooLong,
}

/// Brings a typed key into the one form that all devices derive from: NFKC, lower case, every run
/// of white space and dashes a single `-`, none at the ends. Phones capitalise and insert spaces.
///
/// # Errors
/// If nothing is left, or more than [`MAX_KEY_LEN`] bytes.
pub fn normalise(key: &str) -> Result<String, KeyError> {
    if key.len() > 4 * MAX_KEY_LEN {
        return Err(KeyError::TooLong);
    }
    let mut normal = String::with_capacity(key.len());
    let lower = lower_case(&nfkc(key));
    // Lower-casing may leave NFKC (as with U+0130), so it is applied once more.
    for letter in nfkc(&lower).chars() {
        if letter.is_whitespace() || is_dash(letter) {
            if !normal.ends_with('-') && !normal.is_empty() {
                normal.push('-');
            }
        } else {
            normal.push(letter);
        }
    }
    if normal.ends_with('-') {
        normal.pop();
    }
    match normal.len() {
        0 => Err(KeyError::Empty),
        1..=MAX_KEY_LEN => Ok(normal),
        _ => Err(KeyError::TooLong),
    }
}

/// Hyphens and dashes that keyboards and auto-correction put in for one another.
fn is_dash(letter: char) -> bool {
    matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '_')
}

/// Makes a key of six different English words (66 bits) out of a random seed.
#[must_use]
pub fn generate(seed: [u8; 32]) -> String {
    let mut rng = ChaCha20Rng::from_seed(seed);
    let mut chosen: Vec<&str> = Vec::with_capacity(GENERATED_WORDS);
    while chosen.len() < GENERATED_WORDS {
        let drawn = WORDS.lines().nth(rng.next_u32() as usize % WORD_COUNT);
        // A word twice reads like a mistake and adds next to nothing, as `strength` counts.
        chosen.extend(drawn.filter(|word| !chosen.contains(word)));
    }
    chosen.join("-")
}

/// How hard a key is to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Found quickly by anyone who can listen at the broker. Below 35 bits.
    Weak,
    /// Costs an attacker days to years. Below 60 bits.
    Fair,
    /// Out of reach.
    Strong,
}

/// An estimate of a key's strength.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// Estimated entropy in bits; each guess costs an attacker one Argon2id run besides.
    pub bits: f64,
    /// The estimate as one of three levels.
    pub level: Level,
}

/// Estimates how hard a key is to guess. Cautious: words count as words, digits as digits, and
/// repetitions and runs like `abcd` or `1234` count almost nothing.
#[must_use]
pub fn strength(key: &str) -> Strength {
    let Ok(normal) = normalise(key) else {
        return Strength {
            bits: 0.0,
            level: Level::Weak,
        };
    };
    let mut seen: Vec<&str> = Vec::new();
    let mut bits = 0.0;
    for part in normal.split('-').filter(|part| !part.is_empty()) {
        // A repeated part adds that it was repeated, no more.
        bits += if seen.contains(&part) {
            1.0
        } else {
            part_bits(part)
        };
        seen.push(part);
    }
    let level = match bits {
        b if b < 35.0 => Level::Weak,
        b if b < 60.0 => Level::Fair,
        _ => Level::Strong,
    };
    Strength { bits, level }
}

fn part_bits(part: &str) -> f64 {
    if WORDS.lines().any(|word| word == part) {
        return 11.0;
    }
    let mut bits = 0.0;
    let mut before: Option<char> = None;
    let letters_only = part.chars().all(char::is_alphabetic);
    for letter in part.chars() {
        let step = before.map(|b| i64::from(u32::from(letter)) - i64::from(u32::from(b)));
        bits += match (step, letter) {
            (Some(-1..=1), _) => 0.5,
            (_, '0'..='9') => 3.3,
            // Letters alone are most likely a word of some language.
            _ if letters_only => 2.2,
            _ => 4.5,
        };
        before = Some(letter);
    }
    // The commonest words fall first, however long they are.
    if letters_only {
        f64::min(bits, 14.0 + 0.5 * bits)
    } else {
        bits
    }
}

/// What a key opens: the room's name in topics and the key its messages are sealed under.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RoomSecret {
    pub(crate) room: [u8; 16],
    pub(crate) key: [u8; 32],
}

impl RoomSecret {
    /// Derives room id and room key: Argon2id (RFC 9106; 19 MiB, 2 passes, 1 lane), then
    /// HKDF-SHA-256 (RFC 5869). Takes tens of milliseconds, on purpose.
    ///
    /// # Errors
    /// If the key is empty or too long, see [`normalise`].
    pub fn derive(key: &str) -> Result<Self, KeyError> {
        let mut normal = normalise(key)?;
        let mut root = [0; 32];
        let derived = Params::new(19 * 1024, 2, 1, Some(root.len()))
            .map(|params| Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
            .and_then(|argon| argon.hash_password_into(normal.as_bytes(), b"mqdrop/1", &mut root));
        normal.zeroize();
        // Fails only for lengths that `normalise` rules out.
        derived.map_err(|_| KeyError::TooLong)?;
        let secret = Self {
            room: expand(&root, b"room id"),
            key: expand(&root, b"room key"),
        };
        root.zeroize();
        Ok(secret)
    }

    /// The room's segment in topics: 26 characters of lower-case base32.
    #[must_use]
    pub fn room(&self) -> String {
        base32(&self.room)
    }
}

/// HKDF-Expand with a label of this protocol.
pub(crate) fn expand<const N: usize>(root: &[u8], label: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let expanded = Hkdf::<Sha256>::new(Some(b"mqdrop/1"), root).expand(label, &mut out);
    debug_assert!(expanded.is_ok(), "HKDF-SHA-256 gives up to 8,160 bytes");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn keys_that_look_the_same_are_the_same() {
        for typed in [
            "Blue  Whale",
            " blue-whale ",
            "BLUE – WHALE",
            "blue\u{a0}whale",
            "ｂｌｕｅ whale",
            "--blue---whale--",
        ] {
            assert_eq!(normalise(typed).as_deref(), Ok("blue-whale"), "{typed:?}");
        }
        assert_eq!(normalise("Grüße"), normalise("Gru\u{308}ße"));
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for typed in ["İstanbul Ⅷ", "ǅ x", "a\u{345}b", "ﬁn -- de"] {
            let once = normalise(typed).unwrap();
            assert_eq!(normalise(&once), Ok(once.clone()), "{typed:?}");
        }
    }

    #[test]
    fn empty_and_huge_keys_are_refused() {
        assert_eq!(normalise(" -– "), Err(KeyError::Empty));
        assert_eq!(normalise(&"x".repeat(1025)), Err(KeyError::TooLong));
        assert_eq!(normalise(&"x".repeat(100_000)), Err(KeyError::TooLong));
    }

    #[test]
    fn keys_are_made_of_words_that_begin_differently() {
        let begins: std::collections::BTreeSet<&str> = WORDS
            .lines()
            .map(|word| word.get(..4).unwrap_or(word))
            .collect();
        assert_eq!(begins.len(), WORD_COUNT);
        assert!(
            WORDS
                .bytes()
                .all(|byte| byte == b'\n' || byte.is_ascii_lowercase())
        );
    }

    #[test]
    fn generated_keys_differ_and_are_normal() {
        let (a, b) = (generate([1; 32]), generate([2; 32]));
        assert_ne!(a, b);
        assert_eq!(normalise(&a).as_deref(), Ok(a.as_str()));
        assert_eq!(a.split('-').count(), 6);
    }

    #[test]
    fn every_generated_key_has_six_different_words_and_is_strong() {
        for number in 0_u16..2_000 {
            let mut seed = [0; 32];
            seed[..2].copy_from_slice(&number.to_le_bytes());
            let key = generate(seed);
            let words: std::collections::BTreeSet<&str> = key.split('-').collect();
            assert_eq!(words.len(), GENERATED_WORDS, "{key}");
            let strength = strength(&key);
            assert_eq!(strength.level, Level::Strong, "{key}");
            assert!(strength.bits >= 64.0, "{key}");
        }
    }

    #[test]
    fn weak_keys_are_called_weak() {
        for key in [
            "",
            "test",
            "123456789",
            "aaaaaaaaaaaaaaaaaaaa",
            "test test test test",
            "password",
            "blue-whale",
        ] {
            assert_eq!(strength(key).level, Level::Weak, "{key}");
        }
        assert_eq!(strength("x7#kQ2!vR9$mB4&z").level, Level::Strong);
    }

    #[test]
    fn one_key_opens_one_room() {
        let a = RoomSecret::derive("Blue Whale").unwrap();
        let b = RoomSecret::derive("blue-whale").unwrap();
        let c = RoomSecret::derive("blue-whales").unwrap();
        assert_eq!((a.room(), a.key), (b.room(), b.key));
        assert_ne!(a.room(), c.room());
        assert_eq!(a.room().len(), 26);
    }
}
