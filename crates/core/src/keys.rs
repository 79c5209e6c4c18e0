//! Keys: how they are written, made and judged, and what they open.

use argon2::{Algorithm, Argon2, Params, Version};
use hkdf::Hkdf;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

mod strength;
mod typed;

pub use strength::{Level, Strength, strength};
use typed::{GENERATED_WORDS, WORD_COUNT, WORDS};
pub use typed::{KeyError, MAX_KEY_LEN, normalise};

use crate::ids::{base32, from_base32};

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

/// The eight words by which two persons compare a person's key: the first 88 bits of its BLAKE3, 11 bits a
/// word. `key` is the key in lower-case base32, as [`PersonView::key`](crate::view::PersonView::key) has
/// it; `None` if it is none.
///
/// They are as long as that because keys exist before anybody compares: one who looks for another key
/// with the same words has all the time there is.
#[must_use]
pub fn fingerprint(key: &str) -> Option<String> {
    let key: [u8; 32] = from_base32(key)?.try_into().ok()?;
    let hash = blake3::hash(&key);
    let word = |number: usize| {
        let bits = (11 * number..11 * (number + 1)).fold(0, |bits, at| {
            bits << 1 | usize::from(hash.as_bytes()[at / 8] >> (7 - at % 8) & 1)
        });
        WORDS.lines().nth(bits)
    };
    let words: Option<Vec<&str>> = (0..8).map(word).collect();
    Some(words?.join(" "))
}

/// The secret of a room: its name in topics and the key that its messages are sealed under.
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
        let mut root = stretch::<32>(normalise(key)?, b"mqdrop/1", 19 * 1024)?;
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

/// A mark by which a page knows a key and the place of its room again without keeping the key. It is
/// too short to be sure of a guess, and each guess costs some milliseconds.
///
/// # Errors
/// If the key is empty or too long, see [`normalise`].
pub fn mark(key: &str, place: &str) -> Result<String, KeyError> {
    let known = format!("{}\n{place}", normalise(key)?);
    stretch::<5>(known, b"mqdrop/1 mark", 1024).map(|mark| base32(&mark))
}

/// Argon2id (RFC 9106) with 2 passes and 1 lane over so many KiB.
fn stretch<const N: usize>(
    mut text: String,
    salt: &[u8],
    memory: u32,
) -> Result<[u8; N], KeyError> {
    let mut out = [0; N];
    let stretched = Params::new(memory, 2, 1, Some(N))
        .map(|params| Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
        .and_then(|argon| argon.hash_password_into(text.as_bytes(), salt, &mut out));
    text.zeroize();
    // Fails only for lengths that `normalise` rules out.
    stretched.map_err(|_| KeyError::TooLong).map(|()| out)
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
    use super::typed::is_invisible;
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
        for quoted in [
            "it's \"so\"",
            "it’s “so”",
            "it‘s „so‟",
            "it′s ″so″",
            "it＇s ＂so＂",
            "it´s ''so''",
        ] {
            let straight = normalise(quoted).map(|key| key.replace("''", "\""));
            assert_eq!(straight.as_deref(), Ok("it's-\"so\""), "{quoted:?}");
        }
    }

    #[test]
    fn a_fingerprint_has_eight_words_and_follows_from_the_key() {
        let words = |byte| fingerprint(&base32(&[byte; 32])).unwrap();
        assert_eq!(words(1).split(' ').count(), 8);
        assert_eq!(words(1), words(1));
        assert_ne!(words(1), words(2));
        for none in ["", "a", "1", &base32(&[1; 31])] {
            assert_eq!(fingerprint(none), None, "{none:?}");
        }
        assert_eq!(WORDS.lines().count(), 2048, "11 bits each");
    }

    #[test]
    fn what_shows_nothing_counts_for_nothing() {
        let plain = normalise("blue é whale");
        let invisible = [
            '\u{200b}',
            '\u{feff}',
            '\u{ad}',
            '\u{200e}',
            '\u{fe0f}',
            '\u{200d}',
            '\u{2060}',
            '\u{3164}',
            '\u{34f}',
            '\u{180e}',
            '\u{e0001}',
            '\u{7f}',
            '\0',
            '\u{fff9}',
        ];
        for letter in invisible {
            let name = u32::from(letter);
            for typed in [
                format!("{letter}blue é whale"),
                format!("blue é whale{letter}"),
                format!("blu{letter}e e{letter}\u{301} {letter} whale"),
            ] {
                assert_eq!(normalise(&typed), plain, "U+{name:04X}");
            }
            assert_eq!(normalise(&letter.to_string()), Err(KeyError::Empty));
        }
        assert_eq!(normalise("blue\u{2800}whale"), normalise("blue whale"));
    }

    #[test]
    fn every_letter_is_normal_after_once() {
        // Beyond these are ideographs, which nothing maps, and private ones.
        for letter in ('\u{1}'..'\u{20000}').chain('\u{e0000}'..'\u{e1000}') {
            let typed = format!("a{letter}b\u{301}");
            let once = normalise(&typed).unwrap();
            assert_eq!(normalise(&once), Ok(once.clone()), "{typed:?}");
            assert!(!once.chars().any(is_invisible), "{typed:?}");
        }
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
    fn a_mark_is_of_one_key_at_one_place() {
        let known = mark("Blue Whale", "wss://broker/mqtt").unwrap();
        assert_eq!(mark("blue-whale", "wss://broker/mqtt"), Ok(known.clone()));
        assert_eq!(known.len(), 8);
        assert_ne!(mark("blue-whales", "wss://broker/mqtt"), Ok(known.clone()));
        assert_ne!(mark("blue-whale", "wss://elsewhere/mqtt"), Ok(known));
        assert_eq!(mark(" ", "wss://broker/mqtt"), Err(KeyError::Empty));
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
